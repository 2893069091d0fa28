//! The face: arguments, commands, and what a terminal sees.

mod args;
mod atomic_write;
mod commands;
mod connection;
mod console;
mod detection;
mod error;
mod exit;
mod output;
mod plan;
mod revoke_session;
mod revoke_summary;
mod session;
mod signal;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, join_wait};
pub use exit::Exit;

/// Reads the arguments, does what they say, and tells how it went.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse_from(join_wait(std::env::args_os())) {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error),
    };
    match commands::run(cli.command) {
        Ok(exit) => exit.into(),
        Err(error) => {
            console::error(&error::message(&error));
            Exit::Trouble.into()
        }
    }
}
