//! What is shown at the terminal.

use anstream::ColorChoice;
use clap::{Args, ValueEnum};

use crate::cli::console::{Console, Verbosity};

// What is shown at the terminal.
#[derive(Args, Debug, Default)]
pub(crate) struct ConsoleArgs {
    /// When to use colour
    #[arg(long, value_enum, value_name = "WHEN", default_value_t, help_heading = "At the terminal")]
    color: Colour,

    /// Show no progress
    #[arg(long, help_heading = "At the terminal")]
    no_progress: bool,

    /// Print what counts and errors, and nothing else: no summary, no advice
    #[arg(short, long, conflicts_with = "verbose", help_heading = "At the terminal")]
    quiet: bool,

    /// Name every path that could not be read
    #[arg(short, long, help_heading = "At the terminal")]
    verbose: bool,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Colour {
    #[default]
    Auto,
    Always,
    Never,
}

impl ConsoleArgs {
    /// The console that these flags ask for.
    pub(crate) fn console(&self) -> Console {
        let verbosity = match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        };
        let colour = match self.color {
            Colour::Auto => ColorChoice::Auto,
            Colour::Always => ColorChoice::AlwaysAnsi,
            Colour::Never => ColorChoice::Never,
        };
        Console::new(verbosity, colour, !self.no_progress)
    }
}
