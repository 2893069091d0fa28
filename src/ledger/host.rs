//! The hosts of a ledger, and the state of their queues and quotas.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::quota::WaitReason;

/// A host, and who has sent requests to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostEntry {
    /// The API host.
    pub host: String,
    /// The identities whose requests were counted there; empty before the first request.
    pub identities: Vec<String>,
}

/// The tokens of one host by state, and what the quota of one identity there allows.
///
/// Its serialized form is the output of `stanch status -f json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HostStatus {
    /// The ledger's description.
    pub ledger: String,
    /// The API host.
    pub host: String,
    /// How many tokens wait.
    pub queued: u64,
    /// How many were sent, without a known answer.
    pub sent: u64,
    /// How many the server accepted.
    pub accepted: u64,
    /// How many were accepted and found dead afterwards.
    pub confirmed: u64,
    /// How many were refused, each in a request of its own.
    pub refused: u64,
    /// Slots of the quota taken in the last 3,600 seconds.
    pub requests_last_hour: u32,
    /// How many there may be.
    pub limit: u32,
    /// When the next request may leave; `None` if now.
    #[serde(serialize_with = "rfc3339")]
    pub next_slot: Option<Timestamp>,
    /// Why it may not leave now.
    #[serde(skip)]
    pub wait_reason: Option<WaitReason>,
}

impl HostStatus {
    /// The status where there is no ledger yet; `limit` is how many requests an hour may hold.
    pub fn empty(ledger: impl Into<String>, host: impl Into<String>, limit: u32) -> Self {
        HostStatus { ledger: ledger.into(), host: host.into(), limit, ..HostStatus::default() }
    }
}

#[expect(clippy::ref_option, reason = "the signature serde asks for")]
fn rfc3339<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(|at| at.to_string()).serialize(serializer)
}
