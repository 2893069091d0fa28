//! The command line: arguments, commands, and what a terminal shows.

mod args;
mod atomic_write;
mod commands;
mod connection;
mod console;
mod decision;
mod detection;
mod error;
mod exit;
mod left_waiting;
mod output;
mod plan;
mod plan_record;
mod queue_review;
mod revoke_session;
mod revoke_summary;
mod run_outcome;
mod session;
mod signal;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, join_wait};
pub use exit::{EXIT_CODES, Exit, ExitMeaning};

use crate::settings::Env;

/// Parses the arguments, runs the command, and reports how it ended.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse_from(join_wait(std::env::args_os())) {
        Ok(cli) => cli,
        Err(error) => return print_usage(&error).into(),
    };
    match commands::run(cli.command, &Env::of_this_process()) {
        Ok(exit) => exit.into(),
        Err(error) => {
            console::error(&error::message(&error));
            Exit::Trouble.into()
        }
    }
}

/// Prints help to standard output, and an error of usage to standard error.
fn print_usage(error: &clap::Error) -> Exit {
    let exit = if error.use_stderr() { Exit::Trouble } else { Exit::Clean };
    // Nothing can be done when the reader has closed the pipe.
    let _ = error.print();
    exit
}
