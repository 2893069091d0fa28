//! The arguments of `stanch status`.

use clap::{Args, ValueEnum};

use super::connection::egress_help;
use super::{ConnectionArgs, UserConfigArgs};
use crate::provider::Egress;

#[derive(Args)]
#[command(after_help = "\
Examples:
  stanch status
  stanch status -f json | jq .queued")]
pub(crate) struct StatusArgs {
    /// The format
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) format: StatusFormat,

    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,

    #[arg(long, value_name = "NAME", help_heading = "Where to", help = egress_help())]
    pub(crate) egress: Option<Egress>,

    #[command(flatten)]
    pub(crate) user: UserConfigArgs,
}

/// How a status is printed.
#[derive(Clone, Copy, Default, ValueEnum)]
pub(crate) enum StatusFormat {
    #[default]
    Pretty,
    Json,
}
