//! The command line, as it is typed.

mod commands;
mod common;
mod hook;
mod revoke;

use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(super) use self::commands::{
    AuditArgs, EnterpriseCommand, KillSwitchArgs, OrgCommand, ResumeArgs, RevokeCommandArgs, StatusArgs,
    StatusFormat,
};
pub(super) use self::common::{CommonArgs, ConfigArgs, ConsoleArgs, SuppressArgs, UserConfigArgs};
pub(super) use self::hook::{HookCommand, HookKind, HookRunArgs, Which};
pub(super) use self::revoke::{ConnectionArgs, RevocationArgs, TransportArgs, join_wait};
use crate::finding::Confidence;
use crate::report::Format;
use crate::source::tree;

/// How every verb that looks for tokens may end; lines short enough for 80 columns.
const EXIT_CODES: &str = "\
Exit codes:
  0    nothing found
  1    tokens found (with --revoke: and all were accepted)
  2    something went wrong, or some input could not be read
  3    tokens remain that were to be revoked and were not
  130  interrupted; what was found until then is reported";

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

`stanch VERB --help` has more of them, and the exit codes.",
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand)]
pub(super) enum Command {
    Scan(Box<ScanArgs>),
    Git(Box<GitArgs>),
    Revoke(Box<RevokeCommandArgs>),
    Resume(Box<ResumeArgs>),
    Status(StatusArgs),
    Audit(AuditArgs),
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

/// The rules in force, or a test of each on its own examples
#[derive(Subcommand)]
pub(super) enum RulesCommand {
    /// List the rules in force
    List(ConfigArgs),
    /// Run every rule on its own examples
    Test(ConfigArgs),
}

/// Print a script that completes commands and flags in a shell
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  stanch completions bash > ~/.local/share/bash-completion/completions/stanch
  stanch completions zsh > ~/.zfunc/_stanch
  stanch completions fish > ~/.config/fish/completions/stanch.fish")]
pub(super) struct CompletionsArgs {
    /// The shell
    pub(super) shell: clap_complete::Shell,
}

/// Print the manual: one page for each command
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  stanch man | man -l -                        read it
  stanch man --dir ~/.local/share/man/man1     install it")]
pub(super) struct ManArgs {
    /// Write a file for each page into this folder instead
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
}

/// Sweep files and directories for tokens
///
/// Hidden and ignored files are swept too: `.env` is where tokens are.
#[derive(Args)]
#[command(after_long_help = format!("\
Examples:
  stanch scan                      sweep the current directory
  stanch scan ~ /srv               sweep several
  some-command | stanch scan -     look through what a command prints
  stanch scan -r report.sarif -r report.html
                                   write reports besides
  stanch scan --history /srv       and the histories of repositories there
  stanch scan --revoke --dry-run   what would be sent for revocation
  stanch scan --revoke --yes       send it, as far as the quota allows

{EXIT_CODES}"))]
pub(super) struct ScanArgs {
    /// Files and directories; `-` is standard input
    #[arg(value_name = "PATH", default_value = ".")]
    pub(super) paths: Vec<PathBuf>,

    /// Leave out what .gitignore and the like name
    #[arg(long, help_heading = "What is looked at")]
    gitignore: bool,

    /// Go where symbolic links lead
    #[arg(long, help_heading = "What is looked at")]
    follow_symlinks: bool,

    /// Look through the history of every repository found below PATH, too
    #[arg(long, help_heading = "What is looked at")]
    pub(super) history: bool,

    #[command(flatten)]
    pub(super) common: CommonArgs,
}

/// Look through a git repository: every object in it, what is staged, or what some commits add
///
/// Every object is looked at, reachable or not, with the names of refs and files, messages, authors, notes and stashes.
/// Of what is found, the commit that introduced it is told.
#[derive(Args)]
#[command(after_long_help = format!("\
Examples:
  stanch git                       the whole history of this repository
  stanch git /srv/project.git      of another one
  stanch git --staged              what the next commit would add
  stanch git --range main..HEAD    what this branch adds

{EXIT_CODES}"))]
pub(super) struct GitArgs {
    /// The repository
    #[arg(value_name = "REPO", default_value = ".")]
    pub(super) repo: PathBuf,

    /// Only what is staged (under PATH), never the work tree
    #[arg(long, value_name = "PATH", num_args = 0.., conflicts_with = "range", help_heading = "What is looked at")]
    pub(super) staged: Option<Vec<PathBuf>>,

    /// Only what these commits add: A..B, A...B, or a revision and all that leads to it
    #[arg(long, value_name = "A..B", allow_hyphen_values = true, help_heading = "What is looked at")]
    pub(super) range: Option<String>,

    /// Refuse a shallow or partial clone instead of warning
    #[arg(long, help_heading = "What is looked at")]
    pub(super) require_full_history: bool,

    #[command(flatten)]
    pub(super) common: CommonArgs,
}

impl ScanArgs {
    /// How to walk, over what all verbs have in common.
    pub(super) fn walk(&self, common: tree::Options) -> tree::Options {
        tree::Options { gitignore: self.gitignore, follow_symlinks: self.follow_symlinks, ..common }
    }
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &Format::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

impl ValueEnum for Confidence {
    fn value_variants<'a>() -> &'a [Self] {
        &[Confidence::Certain, Confidence::Likely, Confidence::Lookalike]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_flags_do_not_contradict_each_other() {
        super::Cli::command().debug_assert();
    }
}
