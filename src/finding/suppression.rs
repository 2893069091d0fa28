//! The vocabulary of silencing: what does it, whose it is, and who is asked.

use std::sync::Arc;

use serde::Serialize;

use super::Location;

/// What silenced a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SuppressionKind {
    /// Known from a baseline.
    Baseline,
    /// Listed in `.stanchignore`.
    IgnoreFile,
    /// A comment on the same line allows it.
    AllowComment,
    /// An allowlist of the configuration names it.
    Allowlist,
}

/// Who put a silencer where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SetBy {
    /// Whoever runs the program: a baseline they named, their own configuration.
    User,
    /// The scanned tree itself: its ignore file, its configuration, a comment in it. An attacker may have written that.
    Tree,
}

/// What silences a token in a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Suppression {
    /// What kind of silencer.
    pub by: SuppressionKind,
    /// Whose it is.
    pub from: SetBy,
    /// Which one, in words: a glob, a comment, an allowlist's description. Never a token.
    pub what: Arc<str>,
}

/// All that may decide whether a token is silenced where it stands.
pub struct SuppressionContext<'a> {
    /// The token.
    pub token: &'a [u8],
    /// The line it stands on, as far as it matters.
    pub line: &'a [u8],
    /// The place.
    pub place: &'a Location,
}

/// Decides which findings are silenced. Asked for hits only, from many threads.
pub trait Suppressor: Sync {
    /// What silences the token in this place, if anything does.
    fn silence(&self, scene: &SuppressionContext<'_>) -> Option<Suppression>;
}
