//! `stanch queue`: what waits and what became of it, and taking it into one's own hands.

mod change;
mod list;
mod release;
mod selection;

use crate::cli::args::QueueCommand;
use crate::cli::exit::Exit;
use crate::settings::Env;

pub(super) fn run(command: &QueueCommand, env: &Env) -> anyhow::Result<Exit> {
    match command {
        QueueCommand::List(args) => list::run(args, env),
        QueueCommand::Withdraw(args) => change::withdraw(&args.selection, env),
        QueueCommand::Requeue(args) => change::requeue(&args.selection, env),
        QueueCommand::Release(args) => release::run(args, env),
    }
}
