//! What suppresses a finding: a baseline, an ignore file, a comment on the same line, an allowlist.
//!
//! A suppressed finding stays in every report, with what suppresses it and who set that: what a scanned tree says of
//! itself may have been written by whoever leaked the token.

mod allow;
mod allowlist;
mod baseline;
mod comment;
mod hashes;
mod ignore_file;
mod queued;

use std::borrow::Cow;

use crate::blob::STDIN;
use crate::finding::{
    Findings, Location, Scope, SetBy, Suppression, SuppressionContext, SuppressionKind, Suppressor,
};
use crate::token::Fingerprint;

pub use allow::with_hashes;
pub use allowlist::{Allowlist, BadAllowlist, RawAllowlist};
pub use baseline::{BadBaseline, Baseline, write_baseline};
pub use hashes::BadHash;
pub use ignore_file::{BadIgnoreFile, IgnoreFile, glob_of, hash_line};

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

impl Suppressions {
    /// Applies the suppressions again to locations that have changed since they were found, as those in a history do when
    /// it becomes known which commits and paths an object has.
    pub fn reapply(&self, findings: &mut Findings) {
        findings.for_each_location_mut(&mut |fingerprint, location| {
            if location.details().suppressed.is_none()
                && let Some(suppression) = self.by_location(fingerprint, location, &location.path)
            {
                location.details_mut().suppressed = Some(suppression);
            }
        });
    }

    /// Whether a project's ignore file leaves out what is at this path, below this root as in locations.
    pub fn ignores_path(&self, root: Option<&str>, path: &str) -> bool {
        self.projects.iter().any(|project| {
            project.scope.path_in(root, path).is_some_and(|path| project.ignore.ignores_path(&path))
        })
    }

    /// What the token's hash, path and commit decide, without its text. An empty path is not tried.
    fn by_location(&self, fingerprint: Fingerprint, location: &Location, path: &str) -> Option<Suppression> {
        let by_user = self.baseline.contains(fingerprint);
        let by_user = by_user.or_else(|| allowlisted(&self.allowlists, fingerprint, location, path));
        if let Some((kind, detail)) = by_user {
            return Some(Suppression { kind, set_by: SetBy::User, detail });
        }
        let by_tree = self.projects.iter().find_map(|project| {
            let path = &project.path_in(location, path)?;
            let ignored = project.ignore.ignores(fingerprint, path);
            ignored
                .map(|detail| (SuppressionKind::IgnoreFile, detail))
                .or_else(|| allowlisted(&project.allowlists, fingerprint, location, path))
        });
        by_tree.map(|(kind, detail)| Suppression { kind, set_by: SetBy::Tree, detail })
    }

    /// What the token's text and its line decide.
    fn by_text(&self, context: &SuppressionContext<'_>) -> Option<Suppression> {
        let SuppressionContext { token, line, location } = *context;
        let by_user = self.baseline.contains_truncated(token);
        let by_user = by_user.or_else(|| allowlisted_text(&self.allowlists, token));
        if let Some((kind, detail)) = by_user {
            return Some(Suppression { kind, set_by: SetBy::User, detail });
        }
        let comment = if self.comments { comment::marker(line) } else { None };
        let comment = comment.map(|detail| (SuppressionKind::AllowComment, detail.into()));
        let listed = || {
            let mut projects = self.projects.iter().filter(|project| project.contains(location));
            projects.find_map(|project| allowlisted_text(&project.allowlists, token))
        };
        let by_tree = comment.or_else(listed);
        by_tree.map(|(kind, detail)| Suppression { kind, set_by: SetBy::Tree, detail })
    }
}

impl Suppressor for Suppressions {
    fn suppression(&self, context: &SuppressionContext<'_>) -> Option<Suppression> {
        let SuppressionContext { token, location, .. } = *context;
        // Until an object of a history has its commit, it has no path either: `reapply` asks again.
        let path_known = location.details().object.is_none() || location.details().commit.is_some();
        let path = if path_known { &*location.path } else { "" };
        match self.by_location(Fingerprint::of(token), location, path) {
            Some(suppression) if suppression.set_by == SetBy::User => Some(suppression),
            by_tree => match self.by_text(context) {
                Some(suppression) if suppression.set_by == SetBy::User => Some(suppression),
                by_text => by_tree.or(by_text),
            },
        }
    }
}

impl ProjectSuppressions {
    /// Whether a location lies in this project.
    fn contains(&self, location: &Location) -> bool {
        *location.path != *STDIN && self.scope.contains(location.details().root.as_deref(), &location.path)
    }

    /// The path of a location from the project's top, where it lies in it; `path` is the location's, or empty.
    fn path_in<'p>(&self, location: &Location, path: &'p str) -> Option<Cow<'p, str>> {
        if *location.path == *STDIN {
            return None;
        }
        self.scope.path_in(location.details().root.as_deref(), path)
    }
}

/// What suppresses a token, before it is known who set it.
type Reason = (SuppressionKind, std::sync::Arc<str>);

fn allowlisted(
    lists: &[Allowlist],
    fingerprint: Fingerprint,
    location: &Location,
    path: &str,
) -> Option<Reason> {
    let list =
        lists.iter().find(|list| list.allows(fingerprint, location.details().commit.as_deref(), path))?;
    Some((SuppressionKind::Allowlist, list.label()))
}

fn allowlisted_text(lists: &[Allowlist], token: &[u8]) -> Option<Reason> {
    let list = lists.iter().find(|list| list.allows_text(token))?;
    Some((SuppressionKind::Allowlist, list.label()))
}

#[cfg(test)]
mod tests;
