//! The `stanch` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    stanch::cli::main()
}
