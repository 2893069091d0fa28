//! The arguments of `stanch merge`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::{ConsoleArgs, OutputArgs, UserConfigArgs};
use crate::cli::exit;

#[derive(Args)]
#[command(after_long_help = format!("\
Examples:
  stanch scan --shard 1/2 -r 1.json     one machine
  stanch scan --shard 2/2 -r 2.json     another
  stanch merge 1.json 2.json            what one run over all would have reported
  stanch merge shards/*.json -f sarif -r report.html

{}", exit::help(|row| Some(row.scan))))]
pub(crate) struct MergeArgs {
    /// JSON reports; all shards of a run, each once
    #[arg(value_name = "REPORT", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) inputs: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) output: OutputArgs,

    #[command(flatten)]
    pub(crate) user: UserConfigArgs,

    #[command(flatten)]
    pub(crate) console: ConsoleArgs,
}
