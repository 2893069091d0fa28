//! A finding is a token, a location is a place it stood in. [`Findings`] gathers both from many threads:
//! each token once, its places ordered and bounded, whatever order the threads came in.

mod findings;
mod suppression;

use std::sync::Arc;

use serde::Serialize;

use crate::blob::{LocationKind, Origin};
use crate::revocation::Revocation;
use crate::token::{Kind, Token};

pub use findings::Findings;
pub use suppression::{SetBy, Suppression, SuppressionContext, SuppressionKind, Suppressor};

/// How many places of one token are kept; the rest is counted.
pub const LOCATIONS_KEPT: usize = 100;

/// How sure we are that a finding is a token. Ordered: a greater one is surer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A classic shape whose checksum or length is wrong: a placeholder.
    Lookalike,
    /// The right shape, with no checksum that could prove it.
    Likely,
    /// The checksum holds.
    Certain,
}

impl Confidence {
    /// The word reports use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Confidence::Lookalike => "lookalike",
            Confidence::Likely => "likely",
            Confidence::Certain => "certain",
        }
    }
}

/// One place a token stood in.
///
/// The order (path, kind, commit, object, offset) is the order of reports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Relative to the scanned root, tokens in it redacted.
    pub path: String,
    /// What part of the place.
    pub kind: LocationKind,
    /// The commit that introduced it.
    pub commit: Option<String>,
    /// The git object it stands in.
    pub object: Option<String>,
    /// Byte offset of the token, or of the encoded text.
    pub offset: u64,
    /// From 1.
    pub line: u64,
    /// From 1, in bytes.
    pub column: u64,
    /// The encodings peeled off, outermost first.
    pub decoded: Vec<&'static str>,
    /// The commit's author.
    pub author: Option<String>,
    /// The commit's date, RFC 3339.
    pub date: Option<String>,
    /// The scanned root, where a run has more than one.
    pub root: Option<String>,
    /// What silences the token here, and only here.
    pub suppressed: Option<Suppression>,
}

impl Location {
    /// A place within a blob; `offset`, `line` and `column` are the token's own.
    pub fn new(origin: Origin, offset: u64, line: u64, column: u64, decoded: Vec<&'static str>) -> Self {
        Location {
            path: origin.path,
            kind: origin.kind,
            commit: origin.commit,
            object: origin.object,
            offset: offset + origin.base,
            line,
            column: if line == 1 { column + origin.base } else { column },
            decoded,
            author: origin.author,
            date: origin.date,
            root: origin.root,
            suppressed: None,
        }
    }
}

/// A token, and where it was found.
#[derive(Debug)]
pub struct Finding {
    /// The id of the rule that found it.
    pub rule: Arc<str>,
    /// The token.
    pub token: Token,
    /// How sure we are.
    pub confidence: Confidence,
    /// Why it is no more than that, in words; empty where it is certain.
    pub reason: &'static str,
    /// The numeric user id of the owner, which fine-grained tokens tell.
    pub owner_id: Option<u32>,
    /// What silenced it everywhere it stands.
    pub suppressed: Option<Suppression>,
    /// What became of it in a revoking run.
    pub revocation: Option<Revocation>,
    /// At most [`LOCATIONS_KEPT`] places, the first in report order.
    pub locations: Vec<Location>,
    /// How many more places there are.
    pub more_locations: u64,
    /// Whether nothing silences the token in one of those.
    pub more_live: bool,
}

impl Finding {
    /// Settles whether the finding is silenced: it is when it is so in every place, those that are not kept included.
    ///
    /// Where both somebody's own silencer and one of the scanned tree were needed for that, the tree's is named.
    pub fn settle(&mut self) {
        let silences = || self.locations.iter().map(|place| place.suppressed.as_ref());
        self.suppressed = if self.more_live || silences().any(|silence| silence.is_none()) {
            None
        } else {
            let of_tree = silences().flatten().find(|silence| silence.from == SetBy::Tree);
            of_tree.or_else(|| silences().flatten().next()).cloned()
        };
    }

    /// Whether its provider offers a way to revoke this token, in a batch or by itself.
    pub fn revocable(&self) -> bool {
        self.token.kind().revoked_by().is_some() && self.confidence > Confidence::Lookalike
    }

    /// Takes what another sighting of the same token knows better.
    fn learn(&mut self, seen: &Sighting<'_>) {
        // A rule of the scanned tree's own that matches a GitHub token must not make it unrevocable.
        if self.token.kind() == Kind::OTHER && seen.kind != Kind::OTHER {
            self.rule = Arc::clone(seen.rule);
            self.token = Token::new(seen.kind, seen.text);
            (self.confidence, self.reason, self.owner_id) = (seen.confidence, seen.reason, seen.owner_id);
        } else if seen.confidence > self.confidence {
            (self.confidence, self.reason) = (seen.confidence, seen.reason);
        }
    }

    /// Counts the places beyond [`LOCATIONS_KEPT`] instead of keeping them.
    fn cut(&mut self) {
        let dropped = self.locations.get(LOCATIONS_KEPT..).unwrap_or_default();
        self.more_locations += dropped.len() as u64;
        self.more_live |= dropped.iter().any(|place| place.suppressed.is_none());
        self.locations.truncate(LOCATIONS_KEPT);
    }

    fn absorb(&mut self, mut theirs: Finding) {
        self.more_live |= theirs.more_live;
        if self.token.kind() == Kind::OTHER && theirs.token.kind() != Kind::OTHER {
            std::mem::swap(&mut self.rule, &mut theirs.rule);
            std::mem::swap(&mut self.token, &mut theirs.token);
            (self.confidence, self.reason, self.owner_id) =
                (theirs.confidence, theirs.reason, theirs.owner_id);
        }
        if theirs.confidence > self.confidence {
            (self.confidence, self.reason) = (theirs.confidence, theirs.reason);
        }
        self.locations.extend(theirs.locations);
        self.more_locations += theirs.more_locations;
    }

    /// Whether it counts: not a lookalike, and not suppressed.
    pub fn counts(&self) -> bool {
        self.confidence > Confidence::Lookalike && self.suppressed.is_none()
    }
}

/// What the detector says of one token it came upon; the text is copied only when it is new.
#[derive(Clone, Copy)]
pub struct Sighting<'a> {
    /// The token's text.
    pub text: &'a [u8],
    /// The rule that found it.
    pub rule: &'a Arc<str>,
    /// What kind of token that rule finds.
    pub kind: Kind,
    /// How sure we are.
    pub confidence: Confidence,
    /// Why no more than that.
    pub reason: &'static str,
    /// The owner's numeric id.
    pub owner_id: Option<u32>,
}

#[cfg(test)]
mod tests;
