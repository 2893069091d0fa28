//! Settings in which nothing is left open: flags over the environment over the user's file over defaults.
//!
//! A scanned project's own file overrules none of them. It adds rules, exclusions and suppressions: see [`Project`].

mod connection;
mod connection_options;
pub mod env;
mod input;
mod ledger;
mod moment;
mod project;
mod project_dir;
mod report_target;
mod revoke;
mod schema;
mod shard;
mod units;
mod user;
mod values;

use crate::finding::Confidence;
use crate::report::Format;
use crate::source::tree;
use crate::source::unpack::Limits;

pub use connection::{BadConnection, ConnectionSettings};
pub use connection_options::ConnectionOptions;
pub use env::Env;
pub use input::{Destination, Input};
pub use ledger::{BadLedgerAccess, address as ledger, enter as enter_ledger};
pub use moment::{BadMoment, Moment, parse_moment};
pub use project::{
    CONFIG, IGNORE, IRREGULAR, MAX_PROJECT_FILE, Project, TOO_LARGE, project_text, read_project_file,
};
pub use project_dir::{ProjectInputs, repository_top};
pub use report_target::{BadReportTarget, ReportTarget};
pub use revoke::{Mode, Purpose, RevokeFlags, RevokeOptions, RevokeSettings};
pub use schema::BadConfig;
pub use shard::{NoShard, ShardChoice};
pub use units::{BadDuration, BadSize, parse_duration, parse_size};
pub use user::{UserConfig, user_config_dir};

/// What a command that scans is to do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What is scanned.
    pub inputs: Vec<Input>,
    /// How directories are walked.
    pub walk: tree::Options,
    /// How far containers are opened.
    pub limits: Limits,
    /// How many encodings within encodings are decoded.
    pub decode_depth: usize,
    /// What is reported.
    pub output: Output,
    /// The exit code when tokens are found.
    pub exit: ExitPolicy,
}

/// What is reported, and where.
#[derive(Clone, Debug)]
pub struct Output {
    /// The format of the report on standard output.
    pub format: Format,
    /// Findings below this do not count.
    pub min_confidence: Confidence,
    /// What does not count is listed, too.
    pub show_suppressed: bool,
    /// Tokens are printed whole.
    pub show_secrets: bool,
    /// Reports besides the one on standard output.
    pub reports: Vec<ReportTarget>,
    /// Where a baseline is written to, if one is asked for.
    pub write_baseline: Option<Destination>,
}

/// What becomes the exit code when tokens are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitPolicy {
    /// Instead of 1.
    pub found: u8,
}
