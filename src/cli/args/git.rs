//! The arguments of `stanch git`.

use std::path::PathBuf;

use clap::Args;

use super::CommonArgs;
use crate::cli::exit;

#[derive(Args)]
#[command(after_long_help = format!("\
Examples:
  stanch git                       the whole history of this repository
  stanch git /srv/project.git      of another one
  stanch git --staged              what the next commit would add
  stanch git --range main..HEAD    what this branch adds

{}", exit::help(|row| Some(row.scan))))]
pub(crate) struct GitArgs {
    /// The repository
    #[arg(value_name = "REPO", default_value = ".")]
    pub(crate) repo: PathBuf,

    /// Only what is staged (under PATH), never the work tree
    #[arg(long, value_name = "PATH", num_args = 0.., conflicts_with_all = ["range", "shard"], help_heading = "What is looked at")]
    pub(crate) staged: Option<Vec<PathBuf>>,

    /// Only what these commits add: A..B, A...B, or a revision and all that leads to it
    #[arg(
        long,
        value_name = "A..B",
        allow_hyphen_values = true,
        conflicts_with = "shard",
        help_heading = "What is looked at"
    )]
    pub(crate) range: Option<String>,

    /// Refuse a shallow or partial clone instead of warning
    #[arg(long, help_heading = "What is looked at")]
    pub(crate) require_full_history: bool,

    /// Take a --range that a shallow clone does not wholly have
    #[arg(
        long,
        requires = "range",
        conflicts_with = "require_full_history",
        help_heading = "What is looked at"
    )]
    pub(crate) allow_shallow: bool,

    #[command(flatten)]
    pub(crate) common: CommonArgs,
}
