//! What a run asks the ledger for before a request leaves.

use std::time::Duration;

use jiff::Timestamp;

use super::entry::{BatchId, SealedToken};
use super::quota::WaitReason;
use crate::token::{Fingerprint, Kind};

/// Who wants to send a request, and within which limits.
#[derive(Clone, Debug)]
pub struct BatchRequest<'a> {
    /// The API host: whose queue, and whose quota.
    pub host: &'a str,
    /// Whose quota at that host: `anonymous`, or a fingerprint of the credential.
    pub identity: &'a str,
    /// The most tokens one request may carry.
    pub max_batch: usize,
    /// How many requests may leave in any 3,600 seconds.
    pub per_hour: u32,
    /// The least time between the beginnings of two requests.
    pub min_interval: Duration,
    /// How long until a batch without an answer counts as abandoned, even if its process seems to live.
    /// Far longer than any request may take.
    pub lease: Duration,
    /// What to send.
    pub payload: Payload<'a>,
}

/// Whose limits the requests of tokens that revoke themselves obey: no credential is theirs, and they take no slot, but
/// a server may ask them to wait, too.
pub(crate) const SELF_REVOKING: &str = "self";

impl BatchRequest<'_> {
    /// Whose quota the request counts against.
    pub(crate) fn account(&self) -> &str {
        match self.payload {
            Payload::Batch(_) | Payload::Call(_) => self.identity,
            Payload::SelfRevoking(_) => SELF_REVOKING,
        }
    }

    /// Whether it takes a slot of the quota.
    pub(crate) fn charged(&self) -> bool {
        !matches!(self.payload, Payload::SelfRevoking(_))
    }

    /// What the audit trail calls it.
    pub(crate) fn call(&self) -> &'static str {
        match self.payload {
            Payload::Batch(_) => "revoke",
            Payload::SelfRevoking(_) => "end-installation",
            Payload::Call(call) => call,
        }
    }
}

/// What to send.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    /// As many waiting tokens of these kinds as a request may carry, in the order of the queue. Takes a slot.
    Batch(&'a [Kind]),
    /// These tokens, each in a request of its own that it authenticates itself, all of them at once. They take no slot of
    /// the quota; paced, held and written down like any other.
    SelfRevoking(&'a [Fingerprint]),
    /// No token: another request that the server counts for the same identity, by its method and path. Takes a slot.
    Call(&'static str),
}

/// The ledger's answer to a [`BatchRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// No token waits.
    Nothing,
    /// Not before `at`.
    Later {
        /// When to ask again.
        at: Timestamp,
        /// Why not now.
        reason: WaitReason,
    },
    /// Slot and batch are written down: send it.
    Send(Intent),
    /// These tokens revoke themselves now, each in a batch of its own. Those that another process has, or that do not wait,
    /// are not among them.
    SendEach(Vec<Intent>),
}

/// A request that is written down and may leave. An intent that is never settled is found by the next run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The batch.
    pub batch: BatchId,
    /// How many responses in a row asked to slow down, up to this request.
    pub strikes: u32,
    /// One to [`MAX_BATCH`](crate::revocation::MAX_BATCH) tokens; none in a [`Payload::Call`].
    pub tokens: Vec<SealedToken>,
}
