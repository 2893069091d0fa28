//! `stanch completions` and `stanch man`: shell completions, and a man page for every command.

use std::io::{self, Write as _};

use anyhow::Context as _;
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use crate::cli::args::{Cli, CompletionsArgs, ManArgs};
use crate::cli::exit::Exit;
use crate::cli::stdout::stdout;

pub(super) fn completions(args: &CompletionsArgs) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "stanch", &mut script);
    print(&script)
}

pub(super) fn man(args: &ManArgs) -> anyhow::Result<Exit> {
    if let Some(dir) = &args.dir {
        clap_mangen::generate_to(Cli::command(), dir)
            .with_context(|| format!("cannot write the pages into {}", dir.display()))?;
        return Ok(Exit::Clean);
    }
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    render(&command, &mut pages)?;
    print(&pages)
}

/// The page of a command, then those of the commands below it.
fn render(command: &Command, out: &mut Vec<u8>) -> io::Result<()> {
    Man::new(command.clone()).render(out)?;
    command.get_subcommands().filter(|below| !below.is_hide_set()).try_for_each(|below| render(below, out))
}

fn print(bytes: &[u8]) -> anyhow::Result<Exit> {
    let mut out = stdout();
    out.write_all(bytes).and_then(|()| out.flush()).context("cannot write to standard output")?;
    Ok(Exit::Clean)
}
