//! The arguments of `stanch resume`.

use clap::Args;

use super::{ConsoleArgs, RevocationArgs, UserConfigArgs};
use crate::cli::exit;

#[derive(Args)]
#[command(after_long_help = format!("\
Examples:
  stanch resume             send what the quota allows now, at every host
  stanch resume --wait      stay until all is sent

{}", exit::help(|row| row.resume)))]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    pub(crate) revocation: RevocationArgs,

    #[command(flatten)]
    pub(crate) user: UserConfigArgs,

    #[command(flatten)]
    pub(crate) console: ConsoleArgs,
}
