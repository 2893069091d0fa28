//! The command line, as it is typed.

mod revoke;
mod verbs;

use std::path::PathBuf;

use anstream::ColorChoice;
use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(super) use self::revoke::{PlaceFlags, ReachFlags, RevokeFlags, join_wait};
pub(super) use self::verbs::{
    AuditVerb, EnterpriseVerb, KillFlags, OrgVerb, ResumeVerb, RevokeVerb, StatusFormat, StatusVerb,
};
use super::console::{Console, Loudness};
use crate::finding::Confidence;
use crate::report::Format;
use crate::settings::{ExitPolicy, Output, Settings, parse_size};
use crate::source::tree;

/// Finds leaked GitHub tokens and proves them offline.
#[derive(Parser)]
#[command(
    name = "stanch",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) verb: Verb,
}

#[derive(Subcommand)]
pub(super) enum Verb {
    Scan(Box<ScanFlags>),
    Revoke(Box<RevokeVerb>),
    Resume(Box<ResumeVerb>),
    Status(StatusVerb),
    Audit(AuditVerb),
    #[command(subcommand)]
    Enterprise(Box<EnterpriseVerb>),
    #[command(subcommand)]
    Org(Box<OrgVerb>),
    #[command(subcommand)]
    Rules(RulesVerb),
}

/// The rules in force, or a test of each on its own examples
#[derive(Subcommand)]
pub(super) enum RulesVerb {
    /// List the rules in force
    List,
    /// Run every rule on its own examples
    Test,
}

/// Sweep files and directories for tokens
///
/// Hidden and ignored files are swept too: `.env` is where tokens are.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  stanch scan                      sweep the current directory
  stanch scan ~ /srv               sweep several
  some-command | stanch scan -     look through what a command prints
  stanch scan -f json . > report.json
  stanch scan --revoke --dry-run   what would be sent to GitHub for revocation
  stanch scan --revoke --yes       send it, as far as the hourly quota allows

Exit codes: 0 nothing found, 1 tokens found (with --revoke: and all were accepted), 2 something went wrong,
3 tokens remain that were not accepted, 130 interrupted.")]
pub(super) struct ScanFlags {
    /// Files and directories; `-` is standard input
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,

    /// Leave out what .gitignore and the like name
    #[arg(long, help_heading = "What is looked at")]
    gitignore: bool,

    /// Go where symbolic links lead
    #[arg(long, help_heading = "What is looked at")]
    follow_symlinks: bool,

    #[command(flatten)]
    pub(super) common: CommonFlags,
}

/// What every command that looks for tokens takes.
#[derive(Args)]
pub(super) struct CommonFlags {
    /// Leave out paths that match (gitignore syntax); may be repeated
    #[arg(long, value_name = "GLOB", help_heading = "What is looked at")]
    exclude: Vec<String>,

    /// Pass over larger files, e.g. 10M
    #[arg(long, value_name = "SIZE", value_parser = parse_size, help_heading = "What is looked at")]
    max_file_size: Option<u64>,

    /// Threads; 0 for as many as the machine has
    #[arg(short = 'j', long, value_name = "N", default_value_t = 0, help_heading = "What is looked at")]
    threads: usize,

    /// The form of the report on standard output
    #[arg(short, long, value_enum, default_value_t, help_heading = "What is reported")]
    format: Format,

    /// Findings below this do not count
    #[arg(
        long,
        value_enum,
        value_name = "LEVEL",
        default_value = "likely",
        help_heading = "What is reported"
    )]
    min_confidence: Confidence,

    /// Print tokens whole
    #[arg(long, help_heading = "What is reported")]
    show_secrets: bool,

    /// Exit with N instead of 1 when tokens are found
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "What is reported")]
    exit_code: u8,

    /// Exit with 0 although tokens are found
    #[arg(long, conflicts_with = "exit_code", help_heading = "What is reported")]
    exit_zero: bool,

    /// Send what is found to GitHub for revocation
    #[arg(long, help_heading = "Revocation")]
    pub(super) revoke: bool,

    #[command(flatten)]
    pub(super) revocation: RevokeFlags,

    #[command(flatten)]
    console: ConsoleFlags,
}

/// What is shown at the terminal.
#[derive(Args)]
pub(super) struct ConsoleFlags {
    /// When to use colour
    #[arg(long, value_enum, value_name = "WHEN", default_value_t, help_heading = "At the terminal")]
    color: Colour,

    /// Show no progress
    #[arg(long, help_heading = "At the terminal")]
    no_progress: bool,

    /// Say nothing but errors on standard error
    #[arg(short, long, conflicts_with = "verbose", help_heading = "At the terminal")]
    quiet: bool,

    /// Name every place that could not be read
    #[arg(short, long, help_heading = "At the terminal")]
    verbose: bool,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Colour {
    #[default]
    Auto,
    Always,
    Never,
}

impl CommonFlags {
    pub(super) fn console(&self) -> Console {
        self.console.console()
    }
}

impl ConsoleFlags {
    pub(super) fn console(&self) -> Console {
        let loudness = match (self.quiet, self.verbose) {
            (true, _) => Loudness::Quiet,
            (_, true) => Loudness::Verbose,
            _ => Loudness::Normal,
        };
        let colour = match self.color {
            Colour::Auto => ColorChoice::Auto,
            Colour::Always => ColorChoice::AlwaysAnsi,
            Colour::Never => ColorChoice::Never,
        };
        Console::new(loudness, colour, !self.no_progress)
    }
}

impl ScanFlags {
    pub(super) fn settings(self) -> Result<Settings, tree::BadGlob> {
        let common = self.common;
        Ok(Settings {
            paths: self.paths,
            walk: tree::Options {
                gitignore: self.gitignore,
                exclude: tree::excludes(common.exclude.iter().map(String::as_str))?,
                follow_symlinks: self.follow_symlinks,
                max_file_size: common.max_file_size,
                threads: common.threads,
            },
            output: Output {
                format: common.format,
                min_confidence: common.min_confidence,
                show_secrets: common.show_secrets,
            },
            exit: ExitPolicy { found: if common.exit_zero { 0 } else { common.exit_code } },
        })
    }
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &Format::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

impl ValueEnum for Confidence {
    fn value_variants<'a>() -> &'a [Self] {
        &[Confidence::Certain, Confidence::Likely, Confidence::Lookalike]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_flags_do_not_contradict_each_other() {
        super::Cli::command().debug_assert();
    }
}
