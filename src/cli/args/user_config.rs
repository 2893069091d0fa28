//! Which configuration files are read.

use std::path::PathBuf;

use clap::Args;

use crate::settings::env;

fn config_help() -> String {
    let env = env::help(&[env::CONFIG]);
    format!("The user's configuration {env} [default: $XDG_CONFIG_HOME/stanch/config.toml]")
}

// The user's own configuration.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct UserConfigArgs {
    #[arg(short, long, value_name = "FILE", help_heading = "Configuration", help = config_help())]
    pub(crate) config: Option<PathBuf>,
}

// The user's configuration, and those of scanned trees.
#[derive(Args, Debug, Default)]
pub(crate) struct ConfigArgs {
    #[command(flatten)]
    pub(crate) user: UserConfigArgs,

    /// Do not read .stanch.toml and .stanchignore of what is scanned
    #[arg(long, help_heading = "Configuration")]
    pub(crate) no_project_config: bool,
}
