//! The face: flags, verbs, and what a terminal sees.

mod console;
mod deliver;
mod exit;
mod explain;
mod flags;
mod git;
mod hunt;
mod lookout;
mod manual;
mod report_file;
mod rules;
mod scan;

use std::process::ExitCode;

use clap::Parser as _;

pub use exit::Exit;
use flags::{Cli, Verb};

/// Reads the arguments, does what they say, and tells how it went.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error),
    };
    let outcome = match cli.verb {
        Verb::Scan(flags) => scan::run(&flags),
        Verb::Git(flags) => git::run(flags),
        Verb::Rules(verb) => rules::run(&verb),
        Verb::Completions(flags) => manual::completions(&flags),
        Verb::Man(flags) => manual::man(&flags),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) => {
            console::error(&explain::message(&error));
            Exit::Trouble.into()
        }
    }
}
