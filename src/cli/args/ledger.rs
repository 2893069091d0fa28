//! The arguments of `stanch ledger`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::connection::key_help;
use super::{ConsentArgs, ConsoleArgs, LedgerArgs, UserConfigArgs};

/// Care of a ledger: make, check, seal anew, copy
#[derive(Subcommand)]
#[command(defer = true)]
pub(crate) enum LedgerCommand {
    /// Make a ledger and its key where there is none, or the tables of a shared one
    ///
    /// In a database it makes the tables, or brings those of an older version to this one; nothing is lost by saying it again.
    Init(LedgerInitArgs),
    /// Make a key that runners seal to and only who drains opens with
    ///
    /// FILE is the private half, for who drains (--key), and FILE.pub the public one, for `ledger init --seal-to`. A token that
    /// is sealed to a key whose private half is lost can be queued anew by another scan alone: keep a copy.
    Keygen(LedgerKeygenArgs),
    /// Say what is wrong with a ledger
    ///
    /// Reads all of it: the file, the key, each sealed text, the audit trail. Ends with 2 where something is wrong.
    Check(LedgerCheckArgs),
    /// Make a new key, and seal with it what waits
    ///
    /// Quota, history and trail stay. What cannot be opened, all of it where the key is lost, is held back: scan again to
    /// queue it anew. Of a file, no other run may be at work meanwhile; in a database it goes on beside others, who need both
    /// keys until it is done.
    Rekey(LedgerRekeyArgs),
    /// Copy a ledger file and its key to another file, or move what a ledger knows to another backend
    ///
    /// From file to file, while others may write to it: only one of the two may be used, for each counts its own quota, and each
    /// sends what waits.
    ///
    /// From a file to a database, back, or from one database to another: what waits is sealed anew there, and taken back here
    /// once it is; what is known stays known in both. It may be interrupted and said again. Nothing else may drain the source
    /// meanwhile. Its requests of the last hour count in the target as well.
    Copy(LedgerCopyArgs),
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  stanch ledger init
  stanch ledger init postgres://stanch@db.example.com/stanch --seal-to fleet.key.pub")]
pub(crate) struct LedgerInitArgs {
    #[command(flatten)]
    pub(crate) target: LedgerTargetArgs,

    /// The public key that runners seal to, which the ledger keeps for them
    #[arg(long, value_name = "FILE.pub")]
    pub(crate) seal_to: Option<PathBuf>,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  stanch ledger keygen fleet.key")]
pub(crate) struct LedgerKeygenArgs {
    /// The private half; the public one is beside it, in FILE.pub. Nothing may be at either place yet
    pub(crate) file: PathBuf,
}

#[derive(Args)]
pub(crate) struct LedgerCheckArgs {
    #[command(flatten)]
    pub(crate) target: LedgerTargetArgs,

    #[arg(long = "key", value_name = "FILE", help = key_help())]
    pub(crate) key_files: Vec<PathBuf>,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  stanch ledger rekey
  stanch ledger rekey postgres://stanch@db.example.com/stanch --key old.key --new-key new.key.pub")]
pub(crate) struct LedgerRekeyArgs {
    #[command(flatten)]
    pub(crate) target: LedgerTargetArgs,

    #[arg(long = "key", value_name = "FILE", help = key_help())]
    pub(crate) key_files: Vec<PathBuf>,

    /// The public half of the new key of a shared ledger
    #[arg(long, value_name = "FILE.pub")]
    pub(crate) new_key: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) consent: ConsentArgs,

    #[command(flatten)]
    pub(crate) console: ConsoleArgs,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  stanch ledger copy ~/.local/state/stanch/ledger.db /mnt/evidence/ledger.db
  stanch ledger copy ~/.local/state/stanch/ledger.db postgres://stanch@db.example.com/stanch
  stanch ledger copy postgres://stanch@db.example.com/stanch laptop.db --key fleet.key")]
pub(crate) struct LedgerCopyArgs {
    /// The ledger
    pub(crate) from: PathBuf,

    /// The copy; where a file is copied to a file, nothing may be there yet
    pub(crate) to: PathBuf,

    #[arg(long = "key", value_name = "FILE", help = key_help())]
    pub(crate) key_files: Vec<PathBuf>,

    /// The public key that TO has to seal to
    #[arg(long, value_name = "FILE.pub")]
    pub(crate) seal_to: Option<PathBuf>,

    /// Leave what waits in FROM as well: both send it
    #[arg(long)]
    pub(crate) keep: bool,

    /// Certificates to trust besides the system's
    #[arg(long, value_name = "PEM")]
    pub(crate) ca_cert: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) user: UserConfigArgs,
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
