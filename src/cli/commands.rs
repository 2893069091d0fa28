//! The commands, one file each.

mod audit;
mod generate;
mod git;
mod history;
mod hook;
mod kill_switch;
mod resume;
mod revoke;
mod rules;
mod scan;
mod status;

use super::args::Command;
use super::exit::Exit;

/// Does what the command says.
pub(super) fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Scan(args) => scan::run(&args),
        Command::Git(args) => git::run(*args),
        Command::Revoke(args) => revoke::run(*args),
        Command::Resume(args) => resume::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Enterprise(args) => kill_switch::enterprise(&args),
        Command::Org(args) => kill_switch::org(&args),
        Command::Hook(args) => hook::run(&args),
        Command::Rules(args) => rules::run(&args),
        Command::Completions(args) => generate::completions(&args),
        Command::Man(args) => generate::man(&args),
    }
}
