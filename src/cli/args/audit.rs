//! The arguments of `stanch audit`.

use clap::{Args, ValueEnum};

use super::LedgerArgs;
use crate::ledger::Head;

#[derive(Args)]
#[command(after_help = "\
Examples:
  stanch audit > trail.jsonl          keep a copy
  stanch audit -f csv > trail.csv     a row for each token and event
  stanch audit --since 120            what came after record 120
  stanch audit --verify               check that nothing was changed or taken out
  stanch audit --verify --expect SEQ:HASH
                                      and that nothing was cut off since a run ended so")]
pub(crate) struct AuditArgs {
    /// Check that each record holds the hash of the one before, and that none is missing
    #[arg(long)]
    pub(crate) verify: bool,

    /// Check that the trail still holds the record that was its head once, as runs print it
    #[arg(long, value_name = "SEQ:HASH", requires = "verify")]
    pub(crate) expect: Option<Head>,

    /// Only the records after this one
    #[arg(
        long,
        value_name = "SEQ",
        default_value_t = 0,
        hide_default_value = true,
        conflicts_with = "verify"
    )]
    pub(crate) since: u64,

    /// The format
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) format: TrailFormat,

    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
}

/// How a trail is printed.
#[derive(Clone, Copy, Default, ValueEnum)]
pub(crate) enum TrailFormat {
    /// The records as they are
    #[default]
    Jsonl,
    /// A row for each token and event
    Csv,
}
