//! The command line, as it is typed.

use std::path::PathBuf;

use anstream::ColorChoice;
use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::console::{Console, Loudness};
use crate::detect::DECODE_DEPTH;
use crate::finding::Confidence;
use crate::report::Format;
use crate::settings::{BadTarget, ExitPolicy, Output, Settings, Target, UserConfig, parse_size};
use crate::source::tree;
use crate::source::unpack::Limits;

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
    Scan(ScanFlags),
    Git(GitFlags),
    #[command(subcommand)]
    Rules(RulesVerb),
    Completions(CompletionsFlags),
    Man(ManFlags),
}

/// The rules in force, or a test of each on its own examples
#[derive(Subcommand)]
pub(super) enum RulesVerb {
    /// List the rules in force
    List(ConfigFlags),
    /// Run every rule on its own examples
    Test(ConfigFlags),
}

/// Print a script that completes commands and flags in a shell
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  stanch completions bash > ~/.local/share/bash-completion/completions/stanch
  stanch completions zsh > ~/.zfunc/_stanch
  stanch completions fish > ~/.config/fish/completions/stanch.fish")]
pub(super) struct CompletionsFlags {
    /// The shell
    pub(super) shell: clap_complete::Shell,
}

/// Print the manual: one page for each command
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  stanch man | man -l -                        read it
  stanch man --dir ~/.local/share/man/man1     install it")]
pub(super) struct ManFlags {
    /// Write a file for each page into this folder instead
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
}

/// Which configuration files are read.
#[derive(Args)]
pub(super) struct ConfigFlags {
    #[arg(
        short,
        long,
        value_name = "FILE",
        help_heading = "Configuration",
        help = "The user's configuration [env: STANCH_CONFIG] [default: $XDG_CONFIG_HOME/stanch/config.toml]"
    )]
    pub(super) config: Option<PathBuf>,

    /// Do not read .stanch.toml and .stanchignore of what is scanned
    #[arg(long, help_heading = "Configuration")]
    pub(super) no_project_config: bool,
}

/// What silences findings.
#[derive(Args)]
pub(super) struct SilenceFlags {
    /// Tokens known before: a JSON report, a written baseline, or a JSON report of gitleaks; may be repeated
    #[arg(short, long, value_name = "FILE", help_heading = "What is silenced")]
    pub(super) baseline: Vec<PathBuf>,

    /// Write a baseline of all that is found
    #[arg(long, value_name = "FILE", help_heading = "What is silenced")]
    pub(super) write_baseline: Option<PathBuf>,

    /// Findings count although a comment on their line allows them (`stanch:allow`, `gitleaks:allow`, …)
    #[arg(long, help_heading = "What is silenced")]
    pub(super) no_allow_comments: bool,
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

Exit codes: 0 nothing found, 1 tokens found, 2 something went wrong, 130 interrupted.")]
pub(super) struct ScanFlags {
    /// Files and directories; `-` is standard input
    #[arg(value_name = "PATH", default_value = ".")]
    pub(super) paths: Vec<PathBuf>,

    /// Leave out what .gitignore and the like name
    #[arg(long, help_heading = "What is looked at")]
    gitignore: bool,

    /// Go where symbolic links lead
    #[arg(long, help_heading = "What is looked at")]
    follow_symlinks: bool,

    #[command(flatten)]
    pub(super) common: CommonFlags,
}

/// Look through a git repository: every object in it, what is staged, or what some commits add
///
/// Every object is looked at, reachable or not, with the names of refs and files, messages, authors, notes and stashes.
/// Of what is found, the commit that introduced it is told.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  stanch git                       the whole history of the repository around here
  stanch git /srv/project.git      of another one
  stanch git --staged              what the next commit would add
  stanch git --range main..HEAD    what this branch adds

Exit codes: 0 nothing found, 1 tokens found, 2 something went wrong, 130 interrupted.")]
pub(super) struct GitFlags {
    /// The repository
    #[arg(value_name = "REPO", default_value = ".")]
    pub(super) repo: PathBuf,

    /// Only what is staged (under PATH), never the work tree
    #[arg(long, value_name = "PATH", num_args = 0.., conflicts_with = "range", help_heading = "What is looked at")]
    pub(super) staged: Option<Vec<PathBuf>>,

    /// Only what these commits add: A..B, A...B, or a revision and all that leads to it
    #[arg(long, value_name = "A..B", allow_hyphen_values = true, help_heading = "What is looked at")]
    pub(super) range: Option<String>,

    /// Refuse a shallow or partial clone instead of warning
    #[arg(long, help_heading = "What is looked at")]
    pub(super) require_full_history: bool,

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

    /// How deep containers within containers are opened; 0 opens none [default: 3]
    #[arg(long, value_name = "N", help_heading = "What is looked at")]
    max_archive_depth: Option<u32>,

    /// How many encodings within encodings are peeled off; 0 looks at the bytes as they are [default: 2]
    #[arg(long, value_name = "N", help_heading = "What is looked at")]
    max_decode_depth: Option<u32>,

    /// Threads; 0 for as many as the machine has [default: 0]
    #[arg(short = 'j', long, value_name = "N", help_heading = "What is looked at")]
    threads: Option<usize>,

    /// The form of the report on standard output [default: pretty]
    #[arg(short, long, value_enum, help_heading = "What is reported")]
    format: Option<Format>,

    /// Write a report to a file, too; the format is told by its ending where it is left out; may be repeated
    #[arg(short, long = "report", value_name = "[FORMAT=]PATH", help_heading = "What is reported")]
    reports: Vec<Target>,

    /// Findings below this do not count [default: likely]
    #[arg(long, value_enum, value_name = "LEVEL", help_heading = "What is reported")]
    min_confidence: Option<Confidence>,

    /// Print tokens whole
    #[arg(long, help_heading = "What is reported")]
    show_secrets: bool,

    /// Exit with N instead of 1 when tokens are found
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "What is reported")]
    exit_code: u8,

    /// Exit with 0 although tokens are found
    #[arg(long, conflicts_with = "exit_code", help_heading = "What is reported")]
    exit_zero: bool,

    #[command(flatten)]
    pub(super) silence: SilenceFlags,

    #[command(flatten)]
    pub(super) config: ConfigFlags,

    #[command(flatten)]
    console: ConsoleFlags,
}

/// What is shown at the terminal.
#[derive(Args)]
struct ConsoleFlags {
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
        let flags = &self.console;
        let loudness = match (flags.quiet, flags.verbose) {
            (true, _) => Loudness::Quiet,
            (_, true) => Loudness::Verbose,
            _ => Loudness::Normal,
        };
        let colour = match flags.color {
            Colour::Auto => ColorChoice::Auto,
            Colour::Always => ColorChoice::AlwaysAnsi,
            Colour::Never => ColorChoice::Never,
        };
        Console::new(loudness, colour, !flags.no_progress)
    }
}

impl CommonFlags {
    /// What is printed and written: flags, over what the user's file says, over defaults.
    pub(super) fn output(&self, user: &UserConfig) -> Result<Output, BadTarget> {
        Target::distinct(&self.reports)?;
        Ok(Output {
            format: self.format.or(user.format).unwrap_or_default(),
            min_confidence: self.min_confidence.or(user.min_confidence).unwrap_or(Confidence::Likely),
            show_secrets: self.show_secrets,
            reports: self.reports.clone(),
            write_baseline: self.silence.write_baseline.clone(),
        })
    }

    /// Globs that are left out of every root.
    fn exclude<'a>(&'a self, user: &'a UserConfig) -> impl Iterator<Item = &'a str> {
        self.exclude.iter().chain(&user.exclude).map(String::as_str)
    }

    pub(super) fn exit(&self) -> ExitPolicy {
        ExitPolicy { found: if self.exit_zero { 0 } else { self.exit_code } }
    }
}

impl CommonFlags {
    /// What a run over `paths` is to do: flags, over what the user's file says, over defaults.
    pub(super) fn settings(&self, paths: Vec<PathBuf>, user: &UserConfig) -> anyhow::Result<Settings> {
        let limits = Limits::default();
        let (archives, encodings) = (self.max_archive_depth, self.max_decode_depth);
        Ok(Settings {
            paths,
            walk: tree::Options {
                gitignore: false,
                exclude: tree::excludes(self.exclude(user))?,
                follow_symlinks: false,
                max_file_size: self.max_file_size.or(user.max_file_size),
                threads: self.threads.or(user.threads).unwrap_or_default(),
            },
            exclude: self.exclude(user).map(str::to_owned).collect(),
            limits: Limits {
                max_archive_depth: archives.or(user.max_archive_depth).unwrap_or(limits.max_archive_depth),
                ..limits
            },
            decode_depth: encodings.or(user.max_decode_depth).map_or(DECODE_DEPTH, |depth| depth as usize),
            output: self.output(user)?,
            exit: self.exit(),
        })
    }
}

impl ScanFlags {
    /// How to walk, over what all verbs have in common.
    pub(super) fn walk(&self, common: tree::Options) -> tree::Options {
        tree::Options { gitignore: self.gitignore, follow_symlinks: self.follow_symlinks, ..common }
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
