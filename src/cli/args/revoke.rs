//! The arguments of `stanch revoke`.

use clap::{Args, ValueHint};

use super::{ConsoleArgs, RevocationArgs, UserConfigArgs};
use crate::cli::exit;
use crate::report::Format;
use crate::settings::Input;

#[derive(Args)]
#[command(after_long_help = format!("\
Examples:
  stanch revoke --yes < leaked.txt         from standard input
  stanch revoke --dry-run app.log          what would be sent
  stanch revoke --yes --wait 2h list.txt   stay for two hours of quota

{}", exit::help(|row| row.revoke)))]
pub(crate) struct RevokeArgs {
    /// Files; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-", value_hint = ValueHint::AnyPath)]
    pub(crate) inputs: Vec<Input>,

    #[command(flatten)]
    pub(crate) revocation: RevocationArgs,

    /// The format of the report on standard output
    #[arg(short, long, value_enum, default_value_t, help_heading = "What is reported")]
    pub(crate) format: Format,

    #[command(flatten)]
    pub(crate) user: UserConfigArgs,

    #[command(flatten)]
    pub(crate) console: ConsoleArgs,
}
