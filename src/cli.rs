//! The face: flags, verbs, and what a terminal sees.

mod aftermath;
mod audit;
mod console;
mod deliver;
mod exit;
mod explain;
mod flags;
mod git;
mod history;
mod hook;
mod hunt;
mod interrupt;
mod killswitch;
mod lookout;
mod manual;
mod reach;
mod rehearsal;
mod report_file;
mod resume;
mod revoke;
mod rules;
mod scan;
mod sender;
mod status;

use std::process::ExitCode;

use clap::Parser as _;

pub use exit::Exit;
use flags::{Cli, Verb, join_wait};

/// Reads the arguments, does what they say, and tells how it went.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse_from(join_wait(std::env::args_os())) {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error),
    };
    let outcome = match cli.verb {
        Verb::Scan(flags) => scan::run(&flags),
        Verb::Git(flags) => git::run(*flags),
        Verb::Revoke(verb) => revoke::run(*verb),
        Verb::Resume(verb) => resume::run(&verb),
        Verb::Status(verb) => status::run(&verb),
        Verb::Audit(verb) => audit::run(&verb),
        Verb::Enterprise(verb) => killswitch::enterprise(&verb),
        Verb::Org(verb) => killswitch::org(&verb),
        Verb::Hook(verb) => hook::run(&verb),
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
