//! All that suppresses findings: what the user says, and what scanned trees say of themselves.

use std::borrow::Cow;

use super::allowlist::Allowlist;
use super::baseline::Baseline;
use super::ignore_file::IgnoreFile;
use crate::blob::STDIN;
use crate::finding::{Location, Scope};

/// What one project suppresses in itself.
#[derive(Debug, Default)]
pub struct ProjectSuppressions {
    /// The inputs that lie in it.
    pub scope: Scope,
    /// Its `.stanchignore`.
    pub ignore: IgnoreFile,
    /// The allowlists of its `.stanch.toml`.
    pub allowlists: Vec<Allowlist>,
}

/// Everything that suppresses findings in a run.
///
/// The user's own suppressions go before those of a scanned tree, so that the tree is named only where nothing else would
/// have suppressed the finding.
#[derive(Debug, Default)]
pub struct Suppressions {
    /// The tokens of the user's baselines.
    pub baseline: Baseline,
    /// Whether a comment may allow a line: not with `--no-allow-comments`.
    pub comments: bool,
    /// The allowlists of the user's own configuration.
    pub allowlists: Vec<Allowlist>,
    /// What each scanned root suppresses in itself.
    pub projects: Vec<ProjectSuppressions>,
}

impl ProjectSuppressions {
    /// Whether a location lies in this project.
    pub(super) fn contains(&self, location: &Location) -> bool {
        *location.path != *STDIN && self.scope.contains(location.details().root.as_deref(), &location.path)
    }

    /// The path of a location from the project's top, where it lies in it; `path` is the location's, or empty.
    pub(super) fn path_in<'p>(&self, location: &Location, path: &'p str) -> Option<Cow<'p, str>> {
        if *location.path == *STDIN {
            return None;
        }
        self.scope.path_in(location.details().root.as_deref(), path)
    }
}
