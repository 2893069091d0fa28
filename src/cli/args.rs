//! The command line, as it is typed: a struct for each command.

mod audit;
mod common;
mod connection;
mod console;
mod generate;
mod git;
mod hook;
mod kill_switch;
mod ledger;
mod queue;
mod resume;
mod revocation;
mod revoke;
mod rules;
mod scan;
mod status;
mod user_config;
mod values;

use clap::{Parser, Subcommand};

pub(super) use self::audit::{AuditArgs, TrailFormat};
pub(super) use self::common::{CommonArgs, SuppressArgs};
pub(super) use self::connection::{ConnectionArgs, TransportArgs};
pub(super) use self::console::ConsoleArgs;
pub(super) use self::generate::{CompletionsArgs, ManArgs};
pub(super) use self::git::GitArgs;
pub(super) use self::hook::{HookCommand, HookKind, HookRunArgs, HookSelection};
pub(super) use self::kill_switch::{EnterpriseCommand, KillSwitchArgs, OrgCommand};
pub(super) use self::ledger::{
    LedgerCheckArgs, LedgerCommand, LedgerCopyArgs, LedgerInitArgs, LedgerRekeyArgs, LedgerTargetArgs,
};
pub(super) use self::queue::{
    ConsentArgs, FilterArgs, LedgerArgs, ListFormat, QueueCommand, QueueListArgs, QueueReleaseArgs,
    SelectionArgs,
};
pub(super) use self::resume::ResumeArgs;
pub(super) use self::revocation::{RevocationArgs, join_wait};
pub(super) use self::revoke::RevokeArgs;
pub(super) use self::rules::RulesCommand;
pub(super) use self::scan::ScanArgs;
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
  stanch scan --revoke --dry-run     what would be revoked
  stanch revoke --yes leaked.txt     revoke all tokens in a file

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
pub(super) enum Command {
    Scan(Box<ScanArgs>),
    Git(Box<GitArgs>),
    Revoke(Box<RevokeArgs>),
    Resume(Box<ResumeArgs>),
    Status(StatusArgs),
    #[command(subcommand)]
    Queue(Box<QueueCommand>),
    Audit(AuditArgs),
    #[command(subcommand)]
    Ledger(Box<LedgerCommand>),
    #[command(subcommand)]
    Enterprise(Box<EnterpriseCommand>),
    #[command(subcommand)]
    Org(Box<OrgCommand>),
    #[command(subcommand)]
    Hook(HookCommand),
    #[command(subcommand)]
    Rules(RulesCommand),
    Completions(CompletionsArgs),
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

    /// The help of every flag of a command, and of the commands below it.
    fn help_of(command: &clap::Command, flag: &str) -> Vec<String> {
        let own = command.get_arguments().filter(|argument| argument.get_long() == Some(flag));
        let own = own.filter_map(|argument| Some(argument.get_help()?.to_string()));
        own.chain(command.get_subcommands().flat_map(|below| help_of(below, flag))).collect()
    }

    #[test]
    fn help_names_the_variables_below_each_flag() {
        let command = super::Cli::command();
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
