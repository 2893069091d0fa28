//! What a run asks the ledger for before a request leaves, and what it tells the ledger afterwards.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::entry::{BatchId, SealedToken};
pub use super::quota::WaitReason;
use crate::token::{Fingerprint, Kind};

/// Who wants to send, and on what terms.
#[derive(Clone, Debug)]
pub struct BatchRequest<'a> {
    /// The API host: whose queue, and whose quota.
    pub host: &'a str,
    /// Whose quota at that host: `anonymous`, or a fingerprint of the credential.
    pub identity: &'a str,
    /// The most tokens one request may carry.
    pub max_batch: usize,
    /// How many requests any 3,600 seconds may hold.
    pub per_hour: u32,
    /// The pause between the beginnings of two requests.
    pub min_interval: Duration,
    /// After how long a batch without an answer is taken for abandoned, even if its process seems to live.
    /// Far longer than any request may take.
    pub lease: Duration,
    /// What to send.
    pub what: Payload<'a>,
}

/// What to send.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    /// As many waiting tokens of these kinds as a request may carry, in the order of the queue. Takes a slot.
    Batch(&'a [Kind]),
    /// This token alone, authenticated by itself: takes no slot of the quota, and is written down like any other.
    Alone(Fingerprint),
}

/// The ledger's answer to an [`BatchRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing waits.
    Nothing,
    /// Not before `at`.
    Later {
        /// When asking again makes sense.
        at: Timestamp,
        /// What stands in the way.
        why: WaitReason,
    },
    /// Slot and batch are written down: send it.
    Send(Intent),
}

/// A request that is written down and may leave. An intent that is never settled is found by the next run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The batch.
    pub batch: BatchId,
    /// How often in a row the server has asked for patience.
    pub strikes: u32,
    /// One to [`MAX_BATCH`](crate::revocation::MAX_BATCH) tokens.
    pub rows: Vec<SealedToken>,
}

/// What an answer means for the tokens of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchOutcome {
    /// Taken: never sent again, the sealed text erased.
    Accepted,
    /// At least one is not to the server's liking: the batch is halved, a single token is refused.
    Invalid,
    /// The server did not take the request: all wait again.
    Returned,
    /// Nobody knows: all are sent again.
    Unknown,
    /// Was dead before it was sent.
    Dead,
}

/// What came back of one request.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// What it means for the tokens.
    pub fate: BatchOutcome,
    /// The verdict, in a word, for the audit trail.
    pub verdict: &'static str,
    /// The HTTP status.
    pub status: Option<u16>,
    /// `x-github-request-id`.
    pub request_id: Option<String>,
    /// The server's own words, free of tokens.
    pub message: String,
    /// What it said about its count.
    pub heard: super::quota::Heard,
    /// How long to leave the server alone.
    pub hold: Option<Duration>,
}

/// How many tokens an answer brought where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Taken.
    pub accepted: u64,
    /// Refused, alone.
    pub refused: u64,
    /// Found dead.
    pub dead: u64,
    /// Waiting again, halved or not.
    pub waiting: u64,
}

impl Settled {
    /// The counts that are not zero, by the words of the audit trail.
    pub(crate) fn counts(self) -> BTreeMap<&'static str, u64> {
        let counts = [
            ("accepted", self.accepted),
            ("refused", self.refused),
            ("dead", self.dead),
            ("waiting", self.waiting),
        ];
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

/// The tokens of one host by state, and what its quota allows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HostStatus {
    /// The ledger's path.
    pub ledger: String,
    /// The API host.
    pub host: String,
    /// Waiting.
    pub queued: u64,
    /// Sent, no answer known.
    pub sent: u64,
    /// Taken.
    pub accepted: u64,
    /// Taken, and seen dead.
    pub confirmed: u64,
    /// Refused alone.
    pub refused: u64,
    /// Slots taken in the last 3,600 seconds.
    pub requests_last_hour: u32,
    /// How many there may be.
    pub limit: u32,
    /// When the next request may leave; `None` where nothing stands in its way.
    #[serde(serialize_with = "rfc3339")]
    pub next_slot: Option<Timestamp>,
    /// What stands in its way.
    #[serde(skip)]
    pub shut: Option<WaitReason>,
}

#[expect(clippy::ref_option, reason = "the shape serde asks for")]
fn rfc3339<S: Serializer>(at: &Option<Timestamp>, out: S) -> Result<S::Ok, S::Error> {
    at.map(|at| at.to_string()).serialize(out)
}

impl HostStatus {
    /// The standing where there is no ledger yet.
    pub fn empty(ledger: impl Into<String>, host: impl Into<String>, limit: u32) -> Self {
        HostStatus { ledger: ledger.into(), host: host.into(), limit, ..HostStatus::default() }
    }
}

/// A stretch of time in the ledger's unit.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The moment behind a number of milliseconds since 1970; a number no clock can show is the end of time.
pub(crate) fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}
