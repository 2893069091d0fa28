//! The order of suppressions: the user's own first, then those of projects.

use std::sync::Arc;

use super::allowlist::Allowlist;
use super::comment;
use super::suppressions::{ProjectSuppressions, Suppressions};
use crate::finding::{
    Findings, Location, SetBy, Suppression, SuppressionContext, SuppressionKind, Suppressor,
};
use crate::token::Fingerprint;

/// What suppresses findings where they are found: all that the user says, and what some projects say of themselves.
#[derive(Clone, Copy)]
pub struct InForce<'a> {
    user: &'a Suppressions,
    projects: &'a [ProjectSuppressions],
    /// Whether projects speak of paths: not where something is scanned that is not in their trees.
    paths: bool,
}

impl Suppressions {
    /// All of them.
    fn in_force(&self) -> InForce<'_> {
        InForce { user: self, projects: &self.projects, paths: true }
    }

    /// The user's, and those of one project instead of the scanned roots'.
    pub fn in_project<'a>(&'a self, project: &'a ProjectSuppressions) -> InForce<'a> {
        InForce { user: self, projects: std::slice::from_ref(project), paths: true }
    }

    /// Applies the suppressions again to locations that have changed since they were found, as those in a history do when
    /// it becomes known which commits and paths an object has.
    pub fn reapply(&self, findings: &mut Findings) {
        self.in_force().reapply(findings);
    }

    /// Whether a project's ignore file leaves out what is at this path, below this root as in locations.
    pub fn ignores_path(&self, root: Option<&str>, path: &str) -> bool {
        self.in_force().ignores_path(root, path)
    }
}

impl Suppressor for Suppressions {
    fn suppression(&self, context: &SuppressionContext<'_>) -> Option<Suppression> {
        self.in_force().suppression(context)
    }
}

impl InForce<'_> {
    /// The same of what belongs to a project and is in none of its trees: the project's patterns for paths are not meant.
    #[must_use]
    pub fn outside_of_trees(self) -> Self {
        InForce { paths: false, ..self }
    }

    /// See [`Suppressions::reapply`].
    pub fn reapply(&self, findings: &mut Findings) {
        findings.for_each_location_mut(&mut |fingerprint, location| {
            if location.details().suppressed.is_none()
                && let Some(suppression) = self.by_location(fingerprint, location, &location.path)
            {
                location.details_mut().suppressed = Some(suppression);
            }
        });
    }

    /// See [`Suppressions::ignores_path`].
    pub fn ignores_path(&self, root: Option<&str>, path: &str) -> bool {
        self.paths
            && self.projects.iter().any(|project| {
                project.scope.path_in(root, path).is_some_and(|path| project.ignore.ignores_path(&path))
            })
    }

    /// What the token's hash, path and commit decide, without its text. An empty path is not tried.
    fn by_location(&self, fingerprint: Fingerprint, location: &Location, path: &str) -> Option<Suppression> {
        let by_user = self.user.baseline.contains(fingerprint);
        let by_user = by_user.or_else(|| allowlisted(&self.user.allowlists, fingerprint, location, path));
        if let Some((kind, detail)) = by_user {
            return Some(Suppression { kind, set_by: SetBy::User, detail });
        }
        let path = if self.paths { path } else { "" };
        self.projects.iter().find_map(|project| project.by_location(fingerprint, location, path))
    }

    /// What the token's text and its line decide.
    fn by_text(&self, context: &SuppressionContext<'_>) -> Option<Suppression> {
        let SuppressionContext { token, line, location } = *context;
        let by_user = self.user.baseline.contains_truncated(token);
        let by_user = by_user.or_else(|| allowlisted_text(&self.user.allowlists, token));
        if let Some((kind, detail)) = by_user {
            return Some(Suppression { kind, set_by: SetBy::User, detail });
        }
        let comment = if self.user.comments { comment::marker(line) } else { None };
        let comment = comment.map(|detail| (SuppressionKind::AllowComment, detail.into()));
        let comment = comment.map(|(kind, detail)| Suppression { kind, set_by: SetBy::Tree, detail });
        comment.or_else(|| self.projects.iter().find_map(|project| project.by_text(token, location)))
    }
}

impl Suppressor for InForce<'_> {
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
    /// What of this project suppresses a token by its hash, path and commit; `path` is the location's, or empty.
    pub(super) fn by_location(
        &self,
        fingerprint: Fingerprint,
        location: &Location,
        path: &str,
    ) -> Option<Suppression> {
        let path = &self.path_in(location, path)?;
        let ignored = self.ignore.ignores(fingerprint, path);
        let (kind, detail) = ignored
            .map(|detail| (SuppressionKind::IgnoreFile, detail))
            .or_else(|| allowlisted(&self.allowlists, fingerprint, location, path))?;
        Some(Suppression { kind, set_by: SetBy::Tree, detail })
    }

    /// What of this project suppresses a token by its text.
    pub(super) fn by_text(&self, token: &[u8], location: &Location) -> Option<Suppression> {
        let (kind, detail) =
            self.contains(location).then(|| allowlisted_text(&self.allowlists, token)).flatten()?;
        Some(Suppression { kind, set_by: SetBy::Tree, detail })
    }
}

/// What suppresses a token, before it is known who set it.
type Reason = (SuppressionKind, Arc<str>);

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
