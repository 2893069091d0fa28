//! What silences a finding: a baseline, an ignore file, a comment on the same line, an allowlist.
//!
//! A silenced finding stays in every report, with what silenced it and whose that was: what a scanned tree says of
//! itself may have been written by whoever leaked the token.

mod allowlist;
mod baseline;
mod comment;
mod hashes;
mod ignore_file;

use crate::finding::{
    Findings, Location, SetBy, Suppression, SuppressionContext, SuppressionKind, Suppressor,
};
use crate::source::stdin;
use crate::token::Fingerprint;

pub use allowlist::{Allowlist, BadAllowlist, RawAllowlist};
pub use baseline::{BadBaseline, Baseline, write_baseline};
pub use hashes::BadHash;
pub use ignore_file::{BadIgnoreFile, IgnoreFile};

/// What one scanned root says of itself.
#[derive(Debug, Default)]
pub struct ProjectSuppressions {
    /// The root as places name it; `None` where it is the only one of the run.
    pub root: Option<String>,
    /// Its `.stanchignore`.
    pub ignore: IgnoreFile,
    /// The allowlists of its `.stanch.toml`.
    pub allowlists: Vec<Allowlist>,
}

/// Everything that silences findings in a run.
///
/// Somebody's own silencers go before those of a scanned tree, so that a finding is put down to the tree only where
/// nothing else would have silenced it.
#[derive(Debug, Default)]
pub struct Suppressions {
    /// Tokens known before.
    pub baseline: Baseline,
    /// Whether a comment may allow a line: not with `--no-allow-comments`.
    pub comments: bool,
    /// The allowlists of the user's own configuration.
    pub allowlists: Vec<Allowlist>,
    /// What each scanned root says.
    pub trees: Vec<ProjectSuppressions>,
}

impl Suppressions {
    /// Looks again at findings whose places have changed since they were found, as a history's do when it becomes
    /// known which commits and paths an object stands in.
    pub fn settle(&self, findings: &mut Findings) {
        findings.review(&mut |fingerprint, place| {
            if place.suppressed.is_none() {
                place.suppressed = self.by_place(fingerprint, place, &place.path);
            }
        });
    }

    /// What the token's hash, path and commit tell, without its text. No path is tried where it is empty.
    fn by_place(&self, fingerprint: Fingerprint, place: &Location, path: &str) -> Option<Suppression> {
        let own = self.baseline.knows(fingerprint);
        let own = own.or_else(|| allowed(&self.allowlists, fingerprint, place, path));
        if let Some((by, what)) = own {
            return Some(Suppression { by, from: SetBy::User, what });
        }
        let of_tree = self.trees.iter().filter(|tree| tree.holds(place)).find_map(|tree| {
            let ignored = tree.ignore.ignores(fingerprint, path);
            ignored
                .map(|what| (SuppressionKind::IgnoreFile, what))
                .or_else(|| allowed(&tree.allowlists, fingerprint, place, path))
        });
        of_tree.map(|(by, what)| Suppression { by, from: SetBy::Tree, what })
    }

    /// What the token's text and its line tell.
    fn by_text(&self, scene: &SuppressionContext<'_>) -> Option<Suppression> {
        let own =
            self.baseline.knows_cut(scene.token).or_else(|| allowed_text(&self.allowlists, scene.token));
        if let Some((by, what)) = own {
            return Some(Suppression { by, from: SetBy::User, what });
        }
        let comment = if self.comments { comment::mark(scene.line) } else { None };
        let comment = comment.map(|what| (SuppressionKind::AllowComment, what.into()));
        let mut trees = self.trees.iter().filter(|tree| tree.holds(scene.place));
        let of_tree = comment.or_else(|| trees.find_map(|tree| allowed_text(&tree.allowlists, scene.token)));
        of_tree.map(|(by, what)| Suppression { by, from: SetBy::Tree, what })
    }
}

impl Suppressor for Suppressions {
    fn silence(&self, scene: &SuppressionContext<'_>) -> Option<Suppression> {
        let SuppressionContext { token, place, .. } = scene;
        // Until an object of a history has its commit, it has no path either: `settle` asks again.
        let placed = place.object.is_none() || place.commit.is_some();
        let path = if placed { place.path.as_str() } else { "" };
        let by_place = self.by_place(Fingerprint::of(token), place, path);
        match by_place {
            Some(silence) if silence.from == SetBy::User => Some(silence),
            of_tree => match self.by_text(scene) {
                Some(silence) if silence.from == SetBy::User => Some(silence),
                by_text => of_tree.or(by_text),
            },
        }
    }
}

impl ProjectSuppressions {
    /// Whether a place lies in this tree.
    fn holds(&self, place: &Location) -> bool {
        self.root == place.root && place.path != stdin::NAME
    }
}

type Reason = (SuppressionKind, std::sync::Arc<str>);

fn allowed(lists: &[Allowlist], fingerprint: Fingerprint, place: &Location, path: &str) -> Option<Reason> {
    let list = lists.iter().find(|list| list.allows(fingerprint, place.commit.as_deref(), path))?;
    Some((SuppressionKind::Allowlist, list.label()))
}

fn allowed_text(lists: &[Allowlist], token: &[u8]) -> Option<Reason> {
    let list = lists.iter().find(|list| list.allows_text(token))?;
    Some((SuppressionKind::Allowlist, list.label()))
}

#[cfg(test)]
mod tests;
