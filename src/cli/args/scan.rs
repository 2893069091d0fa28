//! The arguments of `stanch scan`.

use clap::{Args, ValueHint};

use super::CommonArgs;
use crate::cli::exit;
use crate::settings::Input;
use crate::source::tree;

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

{}", exit::help(|row| Some(row.scan))))]
pub(crate) struct ScanArgs {
    /// Files and directories; `-` is standard input
    #[arg(value_name = "PATH", default_value = ".", value_hint = ValueHint::AnyPath)]
    pub(crate) inputs: Vec<Input>,

    /// Leave out what .gitignore and the like name
    #[arg(long, help_heading = "What is looked at")]
    gitignore: bool,

    /// Go where symbolic links lead
    #[arg(long, help_heading = "What is looked at")]
    follow_symlinks: bool,

    /// Look through the history of every repository found below PATH, too
    #[arg(long, help_heading = "What is looked at")]
    pub(crate) history: bool,

    #[command(flatten)]
    pub(crate) common: CommonArgs,

    /// The files are looked at as git commits them: `stanch hook files`
    #[arg(skip)]
    pub(crate) as_committed: bool,
}

impl ScanArgs {
    /// How directories are walked: the flags of this command over what all commands have in common.
    pub(crate) fn walk(&self, common: tree::Options) -> tree::Options {
        let ScanArgs { gitignore, follow_symlinks, history, as_committed, .. } = *self;
        tree::Options { gitignore, follow_symlinks, as_committed, history, ..common }
    }

    /// The same flags as all shards of a sweep are told.
    pub(crate) fn options(&self) -> impl Iterator<Item = String> + use<> {
        let flags = [
            ("--gitignore", self.gitignore),
            ("--follow-symlinks", self.follow_symlinks),
            ("--history", self.history),
        ];
        flags.into_iter().filter(|(_, is_given)| *is_given).map(|(flag, _)| flag.to_owned())
    }
}
