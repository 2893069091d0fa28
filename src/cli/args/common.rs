//! What every command that looks for tokens takes.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};

use super::values::{MAX_THREADS, threads};
use super::{ConfigArgs, ConsoleArgs, OutputArgs, RevocationArgs};
use crate::cli::console::Console;
use crate::cli::error::redact;
use crate::detect::DECODE_DEPTH;
use crate::report::Sweep;
use crate::settings::{
    BadReportTarget, Destination, Env, Input, Output, Settings, ShardChoice, UserConfig, env, parse_size,
};
use crate::source::tree;
use crate::source::unpack::Limits;

// What every command that looks for tokens takes.
#[derive(Args, Debug, Default)]
pub(crate) struct CommonArgs {
    /// Leave out paths that match (gitignore syntax); may be repeated
    #[arg(long, value_name = "GLOB", help_heading = "What is looked at")]
    exclude: Vec<String>,

    /// Pass over larger files, e.g. 10M
    #[arg(long, value_name = "SIZE", value_parser = parse_size, help_heading = "What is looked at")]
    max_file_size: Option<u64>,

    #[arg(long, value_name = "K/N|auto", help = shard_help(), help_heading = "What is looked at")]
    pub(crate) shard: Option<ShardChoice>,

    #[arg(long, value_name = "NAME", requires = "shard", help = sweep_help(), help_heading = "What is looked at")]
    sweep: Option<String>,

    /// How deep containers within containers are opened; 0 opens none [default: 8]
    #[arg(long, value_name = "N", help_heading = "What is looked at")]
    max_archive_depth: Option<u32>,

    /// How many encodings within encodings are decoded; 0 looks at the bytes as they are [default: 4]
    #[arg(long, value_name = "N", help_heading = "What is looked at")]
    max_decode_depth: Option<u32>,

    /// Threads; 0 for as many as the machine has [default: 0]
    #[arg(short = 'j', long, value_name = "N", value_parser = threads, help_heading = "What is looked at")]
    threads: Option<usize>,

    #[command(flatten)]
    output: OutputArgs,

    /// Print tokens whole
    #[arg(long, help_heading = "What is reported")]
    show_secrets: bool,

    /// Send what is found to GitHub for revocation
    #[arg(long, help_heading = "Revocation")]
    pub(crate) revoke: bool,

    #[command(flatten)]
    pub(crate) revocation: RevocationArgs,

    #[command(flatten)]
    pub(crate) suppress: SuppressArgs,

    #[command(flatten)]
    pub(crate) config: ConfigArgs,

    #[command(flatten)]
    console: ConsoleArgs,
}

fn shard_help() -> String {
    use env::{
        CI_NODE_INDEX, CI_NODE_TOTAL, JOB_COMPLETION_INDEX, JOB_COMPLETIONS, SLURM_ARRAY_TASK_COUNT,
        SLURM_ARRAY_TASK_ID,
    };
    let pairs = [
        (JOB_COMPLETION_INDEX, JOB_COMPLETIONS),
        (CI_NODE_INDEX, CI_NODE_TOTAL),
        (SLURM_ARRAY_TASK_ID, SLURM_ARRAY_TASK_COUNT),
    ];
    let pairs = pairs.map(|(index, count)| format!("{} and {}", index.name, count.name));
    format!(
        "Only the K-th of N shares of the work, for `stanch merge`; auto reads the first of {}",
        pairs.join(", ")
    )
}

fn sweep_help() -> String {
    let variables = env::names(&[env::SWEEP, env::CI_PIPELINE_ID, env::SLURM_ARRAY_JOB_ID]);
    format!(
        "What the sweep of this shard is called: `stanch merge` takes no report of another [env: {variables}]"
    )
}

impl CommonArgs {
    /// What all shards of a sweep are told; `command` is the command's name.
    pub(crate) fn sweep(&self, command: &str, user: &UserConfig, env: &Env) -> Sweep {
        let mut options: Vec<String> = self.exclude(user).map(|glob| format!("--exclude={glob}")).collect();
        let number = |flag: &str, number: Option<u64>| number.map(|number| format!("{flag}={number}"));
        options.extend(number("--max-file-size", self.max_file_size.or(user.max_file_size)));
        let archives = self.max_archive_depth.or(user.max_archive_depth);
        options.extend(number("--max-archive-depth", archives.map(u64::from)));
        let decoded = self.max_decode_depth.or(user.max_decode_depth);
        options.extend(number("--max-decode-depth", decoded.map(u64::from)));
        for (flag, is_given) in [
            ("--no-allow-comments", self.suppress.no_allow_comments),
            ("--no-project-config", self.config.no_project_config),
        ] {
            options.extend(is_given.then(|| flag.to_owned()));
        }
        let baselines = self.suppress.baseline.iter();
        options.extend(baselines.map(|path| format!("--baseline={}", path.display())));
        let name = self.sweep.clone().or_else(|| self.shard?.sweep(env));
        let options = options.iter().map(|option| redact(option)).collect();
        Sweep { command: command.to_owned(), options, name: name.as_deref().map(redact) }
    }

    /// None of these flags given, for what looks for tokens and takes none: a hook, which is not to wait for a parser.
    pub(crate) fn none() -> Self {
        CommonArgs { output: OutputArgs::none(), ..CommonArgs::default() }
    }

    /// The files that decide on what is found and what is suppressed.
    pub(crate) fn files_that_decide(&self) -> impl Iterator<Item = &Path> {
        let baselines = self.suppress.baseline.iter().map(PathBuf::as_path);
        baselines.filter(|path| path.exists()).chain(self.config.user.config.as_deref())
    }

    pub(crate) fn console(&self) -> Console {
        self.console.console()
    }

    /// What is reported: flags over the user's file over defaults.
    fn output(&self, user: &UserConfig) -> Result<Output, BadReportTarget> {
        let write_baseline = self.suppress.write_baseline.clone();
        Ok(Output { show_secrets: self.show_secrets, write_baseline, ..self.output.output(user)? })
    }

    /// The globs of what is left out of every root.
    fn exclude<'a>(&'a self, user: &'a UserConfig) -> impl Iterator<Item = &'a str> {
        self.exclude.iter().chain(&user.exclude).map(String::as_str)
    }

    /// What a run over `inputs` is to do: flags over the user's file over defaults.
    pub(crate) fn settings(&self, inputs: Vec<Input>, user: &UserConfig) -> anyhow::Result<Settings> {
        let limits = user.limits;
        let (archive_depth, decode_depth) = (self.max_archive_depth, self.max_decode_depth);
        Ok(Settings {
            inputs,
            walk: tree::Options {
                gitignore: false,
                exclude: tree::Exclude::new(self.exclude(user))?,
                follow_symlinks: false,
                as_committed: false,
                history: false,
                shard: None,
                max_file_size: self.max_file_size.or(user.max_file_size),
                threads: self.threads.or(user.threads).unwrap_or_default().min(MAX_THREADS),
            },
            limits: Limits {
                max_archive_depth: archive_depth
                    .or(user.max_archive_depth)
                    .unwrap_or(limits.max_archive_depth),
                depth_chosen: archive_depth.or(user.max_archive_depth).is_some(),
                ..limits
            },
            decode_depth: decode_depth.or(user.max_decode_depth).map_or(DECODE_DEPTH, |depth| depth as usize),
            output: self.output(user)?,
            exit: self.output.exit(),
        })
    }
}

// What suppresses findings.
#[derive(Args, Debug, Default)]
pub(crate) struct SuppressArgs {
    /// Tokens known before: a JSON report, a written baseline, or a JSON report of gitleaks; may be repeated
    #[arg(short, long, value_name = "FILE", help_heading = "What is suppressed")]
    pub(crate) baseline: Vec<PathBuf>,

    /// Write a baseline of all that is found
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath, help_heading = "What is suppressed")]
    pub(crate) write_baseline: Option<Destination>,

    /// Findings count although a comment on their line allows them (`stanch:allow`, `gitleaks:allow`, …)
    #[arg(long, help_heading = "What is suppressed")]
    pub(crate) no_allow_comments: bool,
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches as _;

    use super::*;

    #[test]
    fn no_flags_are_what_the_parser_makes_of_none() {
        let command = CommonArgs::augment_args(clap::Command::new("stanch").no_binary_name(true));
        let matches = command.try_get_matches_from(None::<&str>).expect("no flag is required");
        let parsed = CommonArgs::from_arg_matches(&matches).expect("no flag is required");
        assert_eq!(format!("{:?}", CommonArgs::none()), format!("{parsed:?}"));
    }
}
