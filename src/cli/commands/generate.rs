//! `stanch completions` and `stanch man`: shell completions, and a man page for every command.

mod manual;

use std::fs;
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
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    if let Some(dir) = &args.dir {
        let mut write = |name: &str, page: &[u8]| fs::write(dir.join(format!("{name}.1")), page);
        pages(&command, &mut write)
            .with_context(|| format!("cannot write the pages into {}", dir.display()))?;
        return Ok(Exit::Clean);
    }
    let mut all = Vec::new();
    pages(&command, &mut |_, page| all.write_all(page))?;
    print(&all)
}

/// Hands over the page of a command and its name, then those of the commands below it.
fn pages(command: &Command, write: &mut dyn FnMut(&str, &[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    manual::sections(&mut page)?;
    write(command.get_display_name().unwrap_or_else(|| command.get_name()), &page)?;
    let below = command.get_subcommands().filter(|below| !below.is_hide_set());
    below.into_iter().try_for_each(|below| pages(below, write))
}

fn print(bytes: &[u8]) -> anyhow::Result<Exit> {
    let mut out = stdout();
    out.write_all(bytes).and_then(|()| out.flush()).context("cannot write to standard output")?;
    Ok(Exit::Clean)
}
