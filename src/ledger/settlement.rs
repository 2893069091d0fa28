//! What a run reports to the ledger after a request: the outcome for the tokens, and the limit the server reported.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::revocation::RateLimit;

/// What a response means for the tokens of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BatchOutcome {
    /// Accepted: never sent again, the sealed texts erased.
    Accepted,
    /// The server found at least one of them invalid: the batch is halved, a single token is refused.
    Invalid,
    /// The server did not take the request: all wait again.
    Returned,
    /// The server failed on the request, perhaps because of one of the tokens: all wait again, behind the others. Where
    /// the tokens are to blame, the batch is halved.
    Failed,
    /// The request was too long for something on the way: the next ones carry fewer tokens.
    TooLarge,
    /// Not known: all are sent again, behind the others, as after a failure.
    Unknown,
    /// The request surely never left: all wait again, and its slot is given back.
    NotSent,
    /// Was dead before it was sent.
    Dead,
}

impl BatchOutcome {
    /// Whether it is the end of the tokens' way, or a step to it; the others leave everything as it was.
    pub(crate) const fn decides(self) -> bool {
        matches!(self, BatchOutcome::Accepted | BatchOutcome::Invalid | BatchOutcome::Dead)
    }
}

/// What came of one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// What it means for the tokens.
    pub outcome: BatchOutcome,
    /// The class of the response, as in `secondary-limit`, for the audit trail.
    pub verdict: Cow<'static, str>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// `x-github-request-id`.
    pub request_id: Option<String>,
    /// The server's message, free of tokens.
    pub message: String,
    /// The server's limit, as the response reported it.
    pub rate_limit: RateLimit,
    /// For how long no request may leave.
    pub hold: Option<Duration>,
}

/// An answer that came in, for as long as the ledger may not have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptAnswer {
    /// The batch it is the answer to.
    pub(crate) batch: u64,
    /// When it came in, in milliseconds since 1970.
    pub(crate) at: i64,
    /// What it says.
    pub(crate) settlement: Settlement,
}

impl Settlement {
    /// How much longer no request may leave, so many milliseconds after the answer came in.
    pub(crate) fn hold_after(&self, since_ms: i64) -> Option<Duration> {
        let since = Duration::from_millis(u64::try_from(since_ms).unwrap_or_default());
        self.hold.map(|hold| hold.saturating_sub(since))
    }
}

/// How many tokens a settlement brought into which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Accepted.
    pub accepted: u64,
    /// Refused, each in a request of its own.
    pub refused: u64,
    /// Found dead.
    pub dead: u64,
    /// Waiting again, halved or not.
    pub waiting: u64,
}

impl Settled {
    /// The counts that are not zero, under their names in the audit trail.
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
