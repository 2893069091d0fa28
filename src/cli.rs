//! The command line: arguments, commands, and what a terminal shows.

mod act;
mod after_run;
mod args;
mod atomic_write;
mod carried_out;
mod commands;
mod connection;
mod console;
mod decision;
mod detection;
mod error;
mod exit;
mod fault_path;
mod host_plan;
mod host_summary;
mod host_way;
mod ledger_check;
mod ledger_lookup;
mod left_waiting;
mod output;
mod own_credentials;
mod plan;
mod plan_record;
mod proofs;
mod queue_review;
mod queued_summary;
mod revoke_session;
mod revoke_summary;
mod revoke_target;
mod roots;
mod run_end;
mod run_outcome;
mod run_record;
mod scan_context;
mod session;
mod signal;
mod spool;
mod spool_review;
mod stdout;
mod still_queued;
mod stray_flags;
mod version;

use std::io::Write as _;
use std::panic;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, join_wait, set_names_apart};
pub use exit::{EXIT_CODES, Exit, ExitMeaning};

use crate::settings::Env;

/// Parses the arguments, runs the command, and reports how it ended.
pub fn main() -> ExitCode {
    // Before there is any other thread: each one inherits what is ignored.
    signal::keep_ignored();
    panic::set_hook(Box::new(|bug| {
        let place = bug.location().map(ToString::to_string).unwrap_or_default();
        console::error(&error::bug(bug.payload(), &place));
    }));
    // The hook has said what happened.
    panic::catch_unwind(run).unwrap_or(Exit::Trouble).into()
}

fn run() -> Exit {
    if version::is_asked_in_full(std::env::args_os().skip(1)) {
        return match write!(stdout::stdout(), "{}", version::in_full()) {
            Ok(()) => Exit::Clean,
            Err(_) => Exit::Trouble,
        };
    }
    let cli = match Cli::try_parse_from(set_names_apart(join_wait(std::env::args_os()))) {
        Ok(cli) => cli,
        Err(error) => return print_usage(&error),
    };
    match commands::run(cli.command, &Env::of_this_process()) {
        Ok(exit) => exit,
        // Of a line within the line.
        Err(error) if error.is::<clap::Error>() => error.downcast_ref().map_or(Exit::Trouble, print_usage),
        Err(error) => {
            console::error(&error::message(&error));
            if error.is::<error::StillWaiting>() { Exit::Remaining } else { Exit::Trouble }
        }
    }
}

/// Prints help to standard output, and an error of usage to standard error.
fn print_usage(error: &clap::Error) -> Exit {
    if error.use_stderr() {
        console::usage(&error::usage(error));
        return Exit::Trouble;
    }
    // Nothing can be done when the reader has closed the pipe.
    let _ = error.print();
    Exit::Clean
}
