//! A token as the ledger knows it: by fingerprint, with a state and a history, never in the clear.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::finding::Confidence;
use crate::revocation::{Grants, State};
use crate::token::{Fingerprint, Kind};

/// A token to be written into the ledger.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its SHA-256.
    pub fingerprint: Fingerprint,
    /// Its kind.
    pub kind: Kind,
    /// How sure we are of it.
    pub confidence: Confidence,
    /// [`State::Queued`], or one of the states of what is set aside.
    pub state: State,
    /// Where it was first found, with tokens redacted.
    pub location: String,
    /// The sealed token where `state` is [`State::Queued`], else empty.
    pub sealed: Vec<u8>,
}

impl Entry {
    /// The order of sending, smallest first: the most certain, then the kinds that can do the most harm.
    pub(crate) fn rank(&self) -> u8 {
        let certainty = match self.confidence {
            Confidence::Certain => 0,
            Confidence::Likely => 1,
            Confidence::Lookalike => 2,
        };
        certainty * 10 + self.kind.harm_rank()
    }
}

/// How many entries are sorted at a time.
const CHUNK_LEN: usize = 50_000;

/// Takes up to [`CHUNK_LEN`] entries and sorts them by fingerprint, so that an index on the fingerprint is written page
/// by page instead of at random. The sort is stable: of two equal fingerprints, the first that came stays first.
pub(crate) fn sorted_chunk(entries: &mut dyn Iterator<Item = Entry>) -> Vec<Entry> {
    let mut chunk: Vec<Entry> = entries.take(CHUNK_LEN).collect();
    // The index is on the first eight bytes.
    chunk.sort_by_key(|entry| entry.fingerprint.0.first_chunk().map(|prefix| u64::from_be_bytes(*prefix)));
    chunk
}

/// What became of the tokens handed to [`Ledger::enqueue`](super::Ledger::enqueue).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Enqueued {
    /// Queued now.
    pub queued: u64,
    /// Waiting since an earlier run, or sent without a known answer.
    pub waiting: u64,
    /// Accepted, confirmed or found dead by an earlier run: not sent again.
    pub done: u64,
    /// Refused before, in a request of its own: sending it again would change nothing.
    pub refused: u64,
    /// Written down and set aside: held back, own or unsupported.
    pub aside: u64,
    /// Not queued: their rows were damaged, so that they may have been accepted.
    pub damaged: u64,
}

impl Enqueued {
    /// Counts a token by the state it has after it was handed over; `new` if this call queued it.
    pub(crate) fn count(&mut self, state: State, new: bool) {
        let counter = match state {
            State::Queued if new => &mut self.queued,
            State::Queued | State::Sent => &mut self.waiting,
            State::Accepted | State::Confirmed | State::Dead => &mut self.done,
            State::Refused => &mut self.refused,
            State::Unsupported | State::Own | State::Held | State::Withdrawn => &mut self.aside,
        };
        *counter += 1;
    }

    /// The counts that are not zero, under their names in the audit trail.
    pub(crate) fn counts(self) -> BTreeMap<&'static str, u64> {
        let counts = [
            ("queued", self.queued),
            ("waiting", self.waiting),
            ("done", self.done),
            ("refused", self.refused),
            ("aside", self.aside),
            ("damaged", self.damaged),
        ];
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    /// Adds the counts of more tokens.
    pub(crate) fn add(&mut self, more: Enqueued) {
        self.queued += more.queued;
        self.waiting += more.waiting;
        self.done += more.done;
        self.refused += more.refused;
        self.aside += more.aside;
        self.damaged += more.damaged;
    }
}

/// What the ledger knows of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// Its kind.
    pub kind: Kind,
    /// Its state.
    pub state: State,
    /// Whether the decision under which it was written down allowed this machine's own credentials.
    pub own_allowed: bool,
    /// When it came to this state.
    pub at: Timestamp,
    /// GitHub's id of the last request it was in, where there was one.
    pub request_id: Option<String>,
    /// Where it was first found.
    pub location: String,
    /// What it told while it lived, if it was asked.
    pub grants: Option<Grants>,
}

/// One request a token was in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The batch.
    pub batch: BatchId,
    /// When it was written down, just before it left.
    pub at: Timestamp,
    /// How many requests it stands for: itself, and those in vain before it, but for the first.
    pub tries: u64,
    /// What came of it: `open` until an answer is known, `lost` where the process died, else the class of the response.
    pub verdict: String,
    /// The HTTP status.
    pub status: Option<u16>,
    /// `x-github-request-id`.
    pub request_id: Option<String>,
}

/// The number of a batch, growing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId(pub u64);

/// A token that waits, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedToken {
    /// Its SHA-256.
    pub fingerprint: Fingerprint,
    /// Its kind.
    pub kind: Kind,
    /// Its sealed text, for [`Opener::open`](super::Opener::open).
    pub sealed: Vec<u8>,
}

/// A page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many to skip.
    pub skip: usize,
    /// How many to return at the most.
    pub limit: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_goes_before_kind() {
        let entry = |kind, confidence| Entry {
            fingerprint: Fingerprint([0; 32]),
            kind,
            confidence,
            state: State::Queued,
            location: String::new(),
            sealed: Vec::new(),
        };
        let last_of_certain = entry(Kind::OTHER, Confidence::Certain).rank();
        assert!(last_of_certain < entry(Kind::pat(), Confidence::Likely).rank());
        assert!(
            entry(Kind::pat(), Confidence::Certain).rank()
                < entry(Kind::fine_grained_pat(), Confidence::Certain).rank()
        );
    }
}
