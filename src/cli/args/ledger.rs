//! The arguments of `stanch ledger`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ConsentArgs, ConsoleArgs, LedgerArgs};

/// Care of a ledger: make, check, seal anew, copy
#[derive(Subcommand)]
#[command(defer = true)]
pub(crate) enum LedgerCommand {
    /// Make a ledger and its key, where there is none
    Init(LedgerInitArgs),
    /// Say what is wrong with a ledger
    ///
    /// Reads all of it: the file, the key, each sealed text, the audit trail. Ends with 2 where something is wrong.
    Check(LedgerCheckArgs),
    /// Make a new key, and seal with it what waits
    ///
    /// Quota, history and trail stay. What cannot be opened, all of it where the key is lost, is held back: scan again to
    /// queue it anew. No other run may be at work meanwhile.
    Rekey(LedgerRekeyArgs),
    /// Copy a ledger and its key to another file, while others may write to it
    ///
    /// Only one of the two may be used: each counts its own quota, and each sends what waits.
    Copy(LedgerCopyArgs),
}

#[derive(Args)]
pub(crate) struct LedgerInitArgs {
    #[command(flatten)]
    pub(crate) target: LedgerTargetArgs,
}

#[derive(Args)]
pub(crate) struct LedgerCheckArgs {
    #[command(flatten)]
    pub(crate) target: LedgerTargetArgs,
}

#[derive(Args)]
pub(crate) struct LedgerRekeyArgs {
    #[command(flatten)]
    pub(crate) target: LedgerTargetArgs,

    #[command(flatten)]
    pub(crate) consent: ConsentArgs,

    #[command(flatten)]
    pub(crate) console: ConsoleArgs,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  stanch ledger copy ~/.local/state/stanch/ledger.db /mnt/evidence/ledger.db")]
pub(crate) struct LedgerCopyArgs {
    /// The ledger
    pub(crate) from: PathBuf,

    /// The copy; nothing may be there yet
    pub(crate) to: PathBuf,
}

// Which ledger.
#[derive(Args)]
pub(crate) struct LedgerTargetArgs {
    /// The ledger, instead of --ledger
    #[arg(value_name = "LEDGER", conflicts_with = "ledger")]
    pub(crate) address: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
}
