//! The command line, as it is typed: a struct for each command.
//!
//! What a command is, its variant says, for the list of commands is there before the arguments of any: those are made for
//! the one that was typed only (`defer`). The structs have no doc comments, because clap would take one for the command's.

mod allow;
mod audit;
mod common;
mod connection;
mod console;
mod generate;
mod git;
mod github;
mod hook;
mod kill_switch;
mod ledger;
mod merge;
mod output;
mod queue;
mod resume;
mod revocation;
mod revoke;
mod rules;
mod scan;
mod serve;
mod status;
mod user_config;
mod values;

use clap::{Parser, Subcommand};

pub(super) use self::allow::AllowArgs;
pub(super) use self::audit::{AuditArgs, TrailFormat};
pub(super) use self::common::{CommonArgs, SuppressArgs};
pub(super) use self::connection::{ConnectionArgs, PaceArgs, TransportArgs};
pub(super) use self::console::ConsoleArgs;
pub(super) use self::generate::{CompletionsArgs, ManArgs};
pub(super) use self::git::GitArgs;
pub(super) use self::github::GithubArgs;
pub(super) use self::hook::{HookCommand, HookKind, HookRunArgs, HookSelection};
pub(super) use self::kill_switch::{EnterpriseCommand, KillSwitchArgs, OrgCommand};
pub(super) use self::ledger::{
    LedgerCheckArgs, LedgerCommand, LedgerCopyArgs, LedgerInitArgs, LedgerKeygenArgs, LedgerRekeyArgs,
    LedgerTargetArgs,
};
pub(super) use self::merge::MergeArgs;
pub(super) use self::output::OutputArgs;
pub(super) use self::queue::{
    ConsentArgs, FilterArgs, LedgerArgs, ListFormat, QueueCommand, QueueListArgs, QueueReleaseArgs,
    SelectionArgs,
};
pub(super) use self::resume::ResumeArgs;
pub(super) use self::revocation::{RevocationArgs, join_wait, set_names_apart};
pub(super) use self::revoke::RevokeArgs;
pub(super) use self::rules::RulesCommand;
pub(super) use self::scan::ScanArgs;
pub(super) use self::serve::ServeArgs;
pub(super) use self::status::{StatusArgs, StatusFormat};
pub(super) use self::user_config::{ConfigArgs, UserConfigArgs};

/// Finds leaked GitHub tokens, proves them offline, and revokes them
#[derive(Parser)]
#[command(
    name = "stanch",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  stanch scan                        sweep the current directory
  stanch git                         the whole history of a repository
  stanch git --staged                what the next commit would add
  stanch github octo-org             every repository of an organization
  stanch scan --revoke --dry-run     what would be revoked
  stanch revoke --yes leaked.txt     revoke all tokens in a file
  stanch --version -v                version, commit and target

`stanch COMMAND --help` has more of them, and the exit codes.",
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What is to be done.
#[derive(Subcommand)]
#[command(defer = true)]
pub(super) enum Command {
    /// Sweep files and directories for tokens
    ///
    /// Hidden and ignored files are swept too: `.env` is where tokens are.
    Scan(Box<ScanArgs>),
    /// Look through a git repository: every object in it, what is staged, or what some commits add
    ///
    /// Every object is looked at, reachable or not, with the names of refs and files, messages, authors, notes and stashes.
    /// Findings name the commit that introduced them.
    Git(Box<GitArgs>),
    /// Look through the repositories of organizations and users on GitHub, and what was deleted there
    ///
    /// Repositories are listed by the API and fetched as mirrors, pull requests included; so are wikis, gists, what was
    /// force-pushed over, and on demand the logs and artifacts of Actions and the alerts of secret scanning. The report says
    /// of each what became of it. A run that was interrupted goes on where it was.
    Github(Box<GithubArgs>),
    /// Send the tokens found in any text to GitHub for revocation
    ///
    /// The text may be anything: a report, a log, a list of tokens. What the hourly quota does not allow now stays queued in the
    /// ledger. GitHub answers 202 even for tokens that never existed, so what it took is called accepted, and --confirm asks
    /// whether it is dead.
    Revoke(Box<RevokeArgs>),
    /// Go on with what earlier runs left queued
    ///
    /// Nobody is asked again: what waits was agreed to when it was queued. What was suppressed since, or is this machine's own by
    /// now, is taken out of the queue. Without --host and --api-url, every host is gone to that there are the credentials for.
    Resume(Box<ResumeArgs>),
    /// Drain a ledger that many runners share, and take tokens from runners and GitLab over HTTP
    ///
    /// Runs until it is told to end. What waits leaves in batches that are filled for a moment, within the quota, at every host
    /// that there are the credentials for; nobody is asked, for what waits was decided when it was queued. Several may run on one
    /// ledger.
    Serve(Box<ServeArgs>),
    /// The queue, the quota used in the last hour, the next free slot
    Status(StatusArgs),
    /// What waits and what became of it; take back, try again, lift a server's hold
    #[command(subcommand)]
    Queue(Box<QueueCommand>),
    /// The audit trail as JSON lines, or as a table
    Audit(AuditArgs),
    /// Care of a ledger: make, check, seal anew, copy
    #[command(subcommand)]
    Ledger(Box<LedgerCommand>),
    /// Make one report of the JSON reports of shards, in any format
    ///
    /// It says what one run over all would have said. A share that is missing, or there twice, is an error.
    Merge(Box<MergeArgs>),
    #[command(subcommand)]
    Enterprise(Box<EnterpriseCommand>),
    #[command(subcommand)]
    Org(Box<OrgCommand>),
    #[command(subcommand)]
    Hook(HookCommand),
    /// Allow tokens by their hashes, in .stanchignore
    ///
    /// Hooks print the hash of what they find. It goes into the file at the top of the repository, or in this directory where
    /// there is none.
    Allow(AllowArgs),
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Print a script that completes commands and flags in a shell
    Completions(CompletionsArgs),
    /// Print the manual: one page for each command
    Man(ManArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use crate::settings::env::VARIABLES;

    #[test]
    fn the_flags_do_not_contradict_each_other() {
        super::Cli::command().debug_assert();
    }

    fn abouts(command: &clap::Command, into: &mut Vec<String>) {
        let about = |text: Option<&clap::builder::StyledStr>| text.map(ToString::to_string);
        into.extend(about(command.get_about()));
        into.extend(about(command.get_long_about()));
        command.get_subcommands().for_each(|below| abouts(below, into));
    }

    #[test]
    fn arguments_leave_alone_what_a_command_says_of_itself() {
        let (mut listed, mut built) = (Vec::new(), Vec::new());
        let mut command = super::Cli::command().disable_help_subcommand(true);
        command.get_subcommands().for_each(|below| abouts(below, &mut listed));
        command.build();
        command.get_subcommands().for_each(|below| abouts(below, &mut built));
        assert_eq!(listed, built);
    }

    /// The help of every flag of a command, and of the commands below it.
    fn help_of(command: &clap::Command, flag: &str) -> Vec<String> {
        let own = command.get_arguments().filter(|argument| argument.get_long() == Some(flag));
        let own = own.filter_map(|argument| Some(argument.get_help()?.to_string()));
        own.chain(command.get_subcommands().flat_map(|below| help_of(below, flag))).collect()
    }

    #[test]
    fn help_names_the_variables_below_each_flag() {
        let mut command = super::Cli::command();
        command.build();
        let own = VARIABLES.into_iter().filter(|variable| variable.library.is_none());
        for variable in own {
            let Some(flag) = variable.flag.and_then(|flag| flag.strip_prefix("--")) else { continue };
            let help = help_of(&command, flag);
            assert!(!help.is_empty(), "--{flag}");
            for text in help {
                assert!(text.contains(variable.name), "--{flag} does not name {}: {text}", variable.name);
            }
        }
    }
}
