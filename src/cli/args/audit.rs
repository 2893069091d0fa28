//! The arguments of `stanch audit`.

use std::path::PathBuf;

use clap::Args;

use super::UserConfigArgs;
use super::connection::ledger_help;

#[derive(Args)]
#[command(after_help = "\
Examples:
  stanch audit > trail.jsonl     keep a copy
  stanch audit --verify          check that nothing was changed or taken out")]
pub(crate) struct AuditArgs {
    /// Check that each record holds the hash of the one before, and that none is missing
    #[arg(long)]
    pub(crate) verify: bool,

    #[arg(long, value_name = "PATH", help = ledger_help())]
    pub(crate) ledger: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) user: UserConfigArgs,
}
