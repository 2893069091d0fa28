//! The arguments of `stanch allow`.

use clap::Args;

use crate::token::HashPrefix;

#[derive(Args)]
#[command(after_help = "\
Examples:
  stanch allow 2f1d0c9a8b7e6f50                   as a hook prints it
  stanch allow 2f1d0c9a8b7e6f50 --reason 'revoked, in a test of the parser'")]
pub(crate) struct AllowArgs {
    /// 16 digits of a token's SHA-256, or more
    #[arg(value_name = "HASH", required = true)]
    pub(crate) hashes: Vec<HashPrefix>,

    /// Why it may be there: a comment behind the hash
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}
