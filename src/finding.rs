//! A finding is a token, a location is where it was found. [`Findings`] collects both from many threads: each token once,
//! its locations ordered and bounded, whatever order the threads came in.

mod apart;
mod by_token;
mod claim;
mod findings;
mod location;
mod scope;
mod searched;
mod suppression;
mod suppressor;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::revocation::Revocation;
use crate::token::{Kind, Token};

pub use apart::Apart;
pub use claim::{Claim, Ground};
pub use findings::Findings;
pub use location::{Location, LocationDetails};
pub use scope::Scope;
pub use searched::Searched;
pub use suppression::{SetBy, Suppression, SuppressionKind};
pub use suppressor::{Line, SuppressionContext, Suppressor};

/// How many locations of one token are kept; the rest is counted.
pub const MAX_LOCATIONS: usize = 100;

/// How sure we are that a finding is a token. Ordered: a greater one is surer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A token's shape, but its checksum or length is wrong: a placeholder.
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

    /// The level behind a word, the inverse of [`Confidence::as_str`].
    pub fn from_word(word: &str) -> Option<Confidence> {
        let all = [Confidence::Lookalike, Confidence::Likely, Confidence::Certain];
        all.into_iter().find(|level| level.as_str() == word)
    }
}

/// A token, and every location it was found at.
#[derive(Debug)]
pub struct Finding {
    /// The id of the rule that found it.
    pub rule: Arc<str>,
    /// The token.
    pub token: Token,
    /// How sure we are.
    pub confidence: Confidence,
    /// Why we are no surer; empty where it is certain.
    pub reason: &'static str,
    /// The numeric user id of the owner, which fine-grained tokens carry.
    pub owner_id: Option<u32>,
    /// What that owner is called, where the API was asked and told.
    pub owner_login: Option<Box<str>>,
    /// What suppresses it at every location.
    pub suppressed: Option<Box<Suppression>>,
    /// What a run that revokes did about it.
    pub revocation: Option<Revocation>,
    /// At most [`MAX_LOCATIONS`], the first in report order. Most tokens have one, which costs no allocation.
    pub locations: SmallVec<[Location; 1]>,
    /// How many more locations there are.
    pub more_locations: u64,
    /// Whether nothing suppresses the token at one of those.
    pub more_unsuppressed: bool,
}

impl Finding {
    /// Decides whether the finding is suppressed: it is when it is so at every location, those that are not kept included.
    ///
    /// Where both the user's suppressions and the scanned tree's were needed for that, one of the tree's is named.
    fn decide_suppression(&mut self) {
        let suppressions = || self.locations.iter().map(|location| location.details().suppressed.as_ref());
        self.suppressed = if self.more_unsuppressed || suppressions().any(|one| one.is_none()) {
            None
        } else {
            let by_tree = suppressions().flatten().find(|one| one.set_by == SetBy::Tree);
            by_tree.or_else(|| suppressions().flatten().next()).cloned().map(Box::new)
        };
    }

    /// Whether a provider revokes this token, in a batch or by a request of its own.
    pub fn revocable(&self) -> bool {
        self.token.kind().revoked_by().is_some() && self.confidence > Confidence::Lookalike
    }

    /// Takes what another sighting of the same token knows better.
    fn merge_sighting(&mut self, sighting: &Sighting<'_>) {
        // A custom rule of the scanned tree that matches a built-in kind of token must not make it unrevocable.
        if self.token.kind() == Kind::OTHER && sighting.kind != Kind::OTHER {
            self.rule = Arc::clone(sighting.rule);
            self.token = Token::new(sighting.kind, sighting.text);
            (self.confidence, self.reason, self.owner_id) =
                (sighting.confidence, sighting.reason, sighting.owner_id);
        } else if sighting.confidence > self.confidence {
            (self.confidence, self.reason) = (sighting.confidence, sighting.reason);
        }
    }

    /// Counts the locations beyond [`MAX_LOCATIONS`] instead of keeping them.
    fn truncate_locations(&mut self) {
        let dropped = self.locations.get(MAX_LOCATIONS..).unwrap_or_default();
        self.more_locations = self.more_locations.saturating_add(dropped.len() as u64);
        self.more_unsuppressed |= dropped.iter().any(|location| location.details().suppressed.is_none());
        self.locations.truncate(MAX_LOCATIONS);
    }

    /// Takes in the same token as another run found it; the locations are ordered and bounded at the end.
    fn merge(&mut self, mut theirs: Finding) {
        self.more_unsuppressed |= theirs.more_unsuppressed;
        if self.token.kind() == Kind::OTHER && theirs.token.kind() != Kind::OTHER {
            std::mem::swap(&mut self.rule, &mut theirs.rule);
            std::mem::swap(&mut self.token, &mut theirs.token);
            (self.confidence, self.reason, self.owner_id) =
                (theirs.confidence, theirs.reason, theirs.owner_id);
        }
        self.owner_login = self.owner_login.take().or(theirs.owner_login);
        if theirs.confidence > self.confidence {
            (self.confidence, self.reason) = (theirs.confidence, theirs.reason);
        }
        self.revocation = match (self.revocation.take(), theirs.revocation) {
            (Some(ours), Some(theirs)) => Some(ours.joined(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        self.locations.extend(theirs.locations);
        self.more_locations = self.more_locations.saturating_add(theirs.more_locations);
    }

    /// Whether it counts as a leak where findings below `least` do not: it is at least that sure, and not suppressed.
    pub fn counts(&self, least: Confidence) -> bool {
        self.confidence >= least && self.suppressed.is_none()
    }
}

/// One token as a detector found it. Its text is copied only when the token is new.
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
    /// Why we are no surer; empty where it is certain.
    pub reason: &'static str,
    /// The numeric user id of the owner, where the token carries it.
    pub owner_id: Option<u32>,
}

#[cfg(test)]
mod tests;
