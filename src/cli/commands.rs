//! The commands, one file each.

mod allow;
mod audit;
mod export;
mod generate;
mod git;
mod github;
mod history;
mod hook;
mod kill_switch;
mod ledger;
mod merge;
mod queue;
mod resume;
mod revoke;
mod rules;
mod scan;
mod serve;
mod status;

use super::args::Command;
use super::exit::Exit;
use crate::settings::Env;

/// Runs a command.
pub(super) fn run(command: Command, env: &Env) -> anyhow::Result<Exit> {
    match command {
        Command::Scan(args) => scan::run(&args, env),
        Command::Git(args) => git::run(*args, env),
        Command::Github(args) => github::run(&args, env),
        Command::Revoke(args) => revoke::run(*args, env),
        Command::Resume(args) => resume::run(&args, env),
        Command::Serve(args) => serve::run(&args, env),
        Command::Status(args) => status::run(&args, env),
        Command::Queue(command) => queue::run(&command, env),
        Command::Audit(args) => audit::run(&args, env),
        Command::Ledger(command) => ledger::run(&command, env),
        Command::Merge(args) => merge::run(&args, env),
        Command::Enterprise(args) => kill_switch::enterprise(&args, env),
        Command::Org(args) => kill_switch::org(&args, env),
        Command::Hook(args) => hook::run(&args, env),
        Command::Allow(args) => allow::run(&args),
        Command::Rules(args) => rules::run(&args, env),
        Command::Completions(args) => generate::completions(&args),
        Command::Man(args) => generate::man(&args),
    }
}
