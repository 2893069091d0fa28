//! Why a finding does not count: what suppresses it, and who set that.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What kind of thing suppresses a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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

impl SuppressionKind {
    /// The word reports use.
    pub const fn as_str(self) -> &'static str {
        match self {
            SuppressionKind::Baseline => "baseline",
            SuppressionKind::IgnoreFile => "ignore-file",
            SuppressionKind::AllowComment => "allow-comment",
            SuppressionKind::Allowlist => "allowlist",
        }
    }
}

/// Who set a suppression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SetBy {
    /// Whoever runs the program: a baseline they named, their own configuration.
    User,
    /// The scanned tree itself: its ignore file, its configuration, a comment in it. An attacker may have written that.
    Tree,
}

/// Why a token does not count at a location.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Suppression {
    /// What kind of thing suppresses it.
    pub kind: SuppressionKind,
    /// Who set it.
    pub set_by: SetBy,
    /// Which one: a glob, a comment, an allowlist's description. Never a token.
    pub detail: Arc<str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_use_one_word_for_each_kind() {
        use SuppressionKind::{AllowComment, Allowlist, Baseline, IgnoreFile};
        for kind in [Baseline, IgnoreFile, AllowComment, Allowlist] {
            assert_eq!(serde_json::to_value(kind).expect("a word"), kind.as_str());
        }
    }
}
