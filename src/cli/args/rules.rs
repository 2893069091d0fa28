//! The arguments of `stanch rules`.

use clap::Subcommand;

use super::ConfigArgs;

/// The rules in force, or a test of each on its own examples
#[derive(Subcommand)]
#[command(defer = true)]
pub(crate) enum RulesCommand {
    /// List the rules in force
    List(ConfigArgs),
    /// Run every rule on its own examples
    Test(ConfigArgs),
}
