//! The arguments of `stanch github`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::CommonArgs;
use crate::cli::exit;
use crate::coverage::Surface;
use crate::settings::{Input, Moment, parse_moment, parse_size};

/// How many repositories are fetched at once.
const JOBS: usize = 4;

#[derive(Args)]
#[command(after_long_help = format!("\
Examples:
  stanch github octo-org                      every repository of an organization or a user
  stanch github octo-org/api octo-org/web     these two
  stanch github enterprise/octo-corp          all organizations of an enterprise
  stanch github octo-org --cache /srv/mirrors -r coverage=seen.csv -r report.html
                                              keep the mirrors, and write down what was looked at
  stanch github octo-org --include repos,deleted,actions-logs --since 30d
                                              only these surfaces
  stanch github octo-org --include alerts --revoke --resolve-alerts
                                              revoke what GitHub's secret scanning knows

The credential is GH_TOKEN's, or that of a GitHub App; it is shown to GitHub only, and never revoked.

{}", exit::help(|row| Some(row.scan))))]
pub(crate) struct GithubArgs {
    /// ORG, USER, OWNER/REPO, a repository's URL, or enterprise/SLUG
    #[arg(value_name = "TARGET", required_unless_present = "from_file")]
    pub(crate) targets: Vec<String>,

    /// A file with a target on each line; `-` is standard input
    #[arg(long, value_name = "LIST", value_hint = ValueHint::FilePath, help_heading = "What is looked at")]
    pub(crate) from_file: Option<Input>,

    /// Which of these are looked at
    #[arg(
        long,
        value_name = "SURFACE",
        value_delimiter = ',',
        default_value = "repos,pulls,deleted,wikis,gists",
        value_enum,
        help_heading = "What is looked at"
    )]
    include: Vec<Surface>,

    /// Leave out repositories whose name matches, with its owner or without; may be repeated
    #[arg(long, value_name = "GLOB", help_heading = "What is looked at")]
    pub(crate) exclude_repo: Vec<String>,

    /// Look at forks, too
    #[arg(long, help_heading = "What is looked at")]
    pub(crate) forks: bool,

    /// Look at archived repositories, too
    #[arg(long, help_heading = "What is looked at")]
    pub(crate) archived: bool,

    /// Only logs and artifacts since then: 2026-01-31, a time, or how long ago (30d)
    #[arg(long, value_name = "DATE", value_parser = parse_moment, help_heading = "What is looked at")]
    pub(crate) since: Option<Moment>,

    /// Keep the mirrors here, and only update them the next time
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "How it is fetched")]
    pub(crate) cache: Option<PathBuf>,

    /// The most that mirrors may take on the disk at once, e.g. 50G; with --cache, half of it is for those that are kept
    #[arg(long, value_name = "SIZE", value_parser = parse_size, help_heading = "How it is fetched")]
    pub(crate) max_disk: Option<u64>,

    /// How many repositories are fetched at once
    #[arg(long, value_name = "N", default_value_t = JOBS, value_parser = jobs, help_heading = "How it is fetched")]
    pub(crate) jobs: usize,

    /// Authenticate as this GitHub App
    #[arg(long, value_name = "ID", requires = "app_key_file", help_heading = "Where to")]
    pub(crate) app_id: Option<String>,

    /// The App's private key
    #[arg(long, value_name = "PEM", requires = "app_id", help_heading = "Where to")]
    pub(crate) app_key_file: Option<PathBuf>,

    /// The App's installation, where it is not the only one of the first target's owner
    #[arg(long, value_name = "ID", requires = "app_id", help_heading = "Where to")]
    pub(crate) app_installation: Option<u64>,

    /// Ask for the login of each owner that a token names
    #[arg(long, help_heading = "What is reported")]
    pub(crate) owner_logins: bool,

    /// Close secret-scanning alerts as revoked whose token GitHub has accepted for revocation; with --confirm, only if it
    /// was seen dead. Looks at alerts, too
    #[arg(long, requires = "revoke", help_heading = "Revocation")]
    pub(crate) resolve_alerts: bool,

    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

impl GithubArgs {
    /// What is looked at.
    pub(crate) fn surfaces(&self) -> impl Iterator<Item = Surface> {
        Surface::ALL.into_iter().filter(|surface| self.asks(*surface))
    }

    /// Whether this is looked at. Alerts that are to be closed have to be.
    pub(crate) fn asks(&self, surface: Surface) -> bool {
        self.include.contains(&surface) || (surface == Surface::Alerts && self.resolve_alerts)
    }
}

/// More fetches at once than GitHub likes help nobody.
fn jobs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(jobs @ 1..=64) => Ok(jobs),
        _ => Err("1 to 64 repositories can be fetched at once".to_owned()),
    }
}
