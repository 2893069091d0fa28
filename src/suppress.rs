//! What silences a finding: a baseline, an ignore file, a comment on the same line, an allowlist.
//!
//! A silenced finding stays in every report, with what silenced it and whose that was: what a scanned tree says of
//! itself may have been written by whoever leaked the token.

mod allowlist;
mod baseline;
mod comment;
mod hashes;
mod ignore_file;

use crate::finding::{Finding, Location, Scene, Silence, Silencer, Suppression, Whence};
use crate::source::stdin;
use crate::token::Fingerprint;

pub use allowlist::{Allowlist, BadAllowlist, RawAllowlist};
pub use baseline::{BadBaseline, Baseline, write_baseline};
pub use comment::Comments;
pub use hashes::BadHash;
pub use ignore_file::{BadIgnoreFile, IgnoreFile};

/// What one scanned root says of itself.
#[derive(Debug, Default)]
pub struct TreeSilencers {
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
pub struct Suppressor {
    /// Tokens known before.
    pub baseline: Baseline,
    /// The comments that allow a line; `None` with `--no-allow-comments`.
    pub comments: Option<Comments>,
    /// The allowlists of the user's own configuration.
    pub allowlists: Vec<Allowlist>,
    /// What each scanned root says.
    pub trees: Vec<TreeSilencers>,
}

impl Suppressor {
    /// Looks again at findings whose places have changed since they were found, as a history's do when it becomes
    /// known which commits and paths an object stands in.
    pub fn settle(&self, findings: &mut [Finding]) {
        for finding in findings {
            let fingerprint = finding.token.fingerprint();
            for place in finding.locations.iter_mut().filter(|place| place.suppressed.is_none()) {
                place.suppressed = self.by_place(fingerprint, place);
            }
            finding.settle();
        }
    }

    /// What the token's hash, path and commit tell, without its text.
    fn by_place(&self, fingerprint: Fingerprint, place: &Location) -> Option<Silence> {
        let own =
            self.baseline.knows(fingerprint).or_else(|| allowed(&self.allowlists, fingerprint, place, None));
        if let Some((by, what)) = own {
            return Some(Silence { by, from: Whence::User, what });
        }
        let of_tree = self.trees.iter().filter(|tree| tree.holds(place)).find_map(|tree| {
            let ignored = tree.ignore.ignores(fingerprint, &place.path);
            ignored
                .map(|what| (Suppression::IgnoreFile, what))
                .or_else(|| allowed(&tree.allowlists, fingerprint, place, None))
        });
        of_tree.map(|(by, what)| Silence { by, from: Whence::Tree, what })
    }

    /// What the token's text and its line tell.
    fn by_text(&self, scene: &Scene<'_>) -> Option<Silence> {
        if let Some((by, what)) = self.baseline.knows_cut(scene.token) {
            return Some(Silence { by, from: Whence::User, what });
        }
        let fingerprint = Fingerprint::of(scene.token);
        let own = allowed(&self.allowlists, fingerprint, scene.place, Some(scene.token));
        if let Some((by, what)) = own {
            return Some(Silence { by, from: Whence::User, what });
        }
        let comment = self.comments.as_ref().and_then(|comments| comments.allow(scene.line));
        if let Some(what) = comment {
            return Some(Silence { by: Suppression::AllowComment, from: Whence::Tree, what });
        }
        let mut trees = self.trees.iter().filter(|tree| tree.holds(scene.place));
        let listed =
            trees.find_map(|tree| allowed(&tree.allowlists, fingerprint, scene.place, Some(scene.token)));
        listed.map(|(by, what)| Silence { by, from: Whence::Tree, what })
    }
}

impl Silencer for Suppressor {
    fn silence(&self, scene: &Scene<'_>) -> Option<Silence> {
        let by_place = self.by_place(Fingerprint::of(scene.token), scene.place);
        match by_place {
            Some(silence) if silence.from == Whence::User => Some(silence),
            of_tree => match self.by_text(scene) {
                Some(silence) if silence.from == Whence::User => Some(silence),
                by_text => of_tree.or(by_text),
            },
        }
    }
}

impl TreeSilencers {
    /// Whether a place lies in this tree.
    fn holds(&self, place: &Location) -> bool {
        self.root == place.root && place.path != stdin::NAME
    }
}

type Reason = (Suppression, std::sync::Arc<str>);

fn allowed(
    lists: &[Allowlist],
    fingerprint: Fingerprint,
    place: &Location,
    token: Option<&[u8]>,
) -> Option<Reason> {
    lists
        .iter()
        .find(|list| list.allows(fingerprint, place) || token.is_some_and(|token| list.allows_text(token)))
        .map(|list| (Suppression::Allowlist, list.label()))
}

#[cfg(test)]
mod tests;
