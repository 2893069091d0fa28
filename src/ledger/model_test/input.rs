//! What is put into both ledgers: entries, requests and settlements.

use std::sync::LazyLock;
use std::time::Duration;

use crate::finding::Confidence;
use crate::ledger::time::timestamp;
use crate::ledger::{BatchOutcome, BatchRequest, Entry, Payload, Settlement, StatusRequest};
use crate::revocation::{MAX_BATCH, RateLimit, State};
use crate::token::{Fingerprint, Kind};

pub(super) const HOST: &str = "api.example.test";
static KINDS: LazyLock<[Kind; 2]> = LazyLock::new(|| [Kind::pat(), Kind::oauth()]);
/// Small, so that a sequence fills it.
pub(super) const PER_HOUR: u32 = 5;
pub(super) const LEASE: Duration = Duration::from_secs(90);
/// Three processes: two share an identity, the third has one of its own.
pub(super) const IDENTITIES: [&str; 3] = ["one", "one", "two"];

/// An entry for a number, with a part of its hash as sealed bytes.
pub(super) fn entry(number: u32, state: State) -> Entry {
    let fingerprint = Fingerprint::of(&number.to_le_bytes());
    Entry {
        fingerprint,
        kind: if number.is_multiple_of(3) { Kind::oauth() } else { Kind::pat() },
        confidence: if number.is_multiple_of(7) { Confidence::Likely } else { Confidence::Certain },
        state,
        location: format!("file:{number}"),
        sealed: if state == State::Queued { fingerprint.0[..20].to_vec() } else { Vec::new() },
    }
}

pub(super) fn request(process: usize) -> BatchRequest<'static> {
    BatchRequest {
        host: HOST,
        identity: IDENTITIES[process],
        max_batch: MAX_BATCH,
        per_hour: PER_HOUR,
        min_interval: Duration::from_secs(1),
        lease: LEASE,
        payload: Payload::Batch(&*KINDS),
    }
}

pub(super) fn status_request(process: usize) -> StatusRequest<'static> {
    StatusRequest { host: HOST, identity: IDENTITIES[process], per_hour: PER_HOUR }
}

pub(super) fn settlement(
    outcome: BatchOutcome,
    rate_limit: Option<(u32, i64)>,
    hold: Option<u64>,
    now: i64,
) -> Settlement {
    let rate_limit = rate_limit.map_or_else(RateLimit::default, |(remaining, reset)| RateLimit {
        limit: Some(60),
        remaining: Some(remaining),
        reset: Some(timestamp(now + reset)),
        retry_after: None,
    });
    Settlement {
        outcome,
        verdict: match outcome {
            BatchOutcome::Accepted => "accepted",
            BatchOutcome::Invalid => "invalid",
            BatchOutcome::Returned => "returned",
            BatchOutcome::Failed => "trouble",
            BatchOutcome::TooLarge => "too-large",
            BatchOutcome::Unknown => "unknown",
            BatchOutcome::NotSent => "not-sent",
            BatchOutcome::Dead => "dead",
        }
        .into(),
        status: None,
        request_id: Some("ID".into()),
        message: String::new(),
        rate_limit,
        hold: hold.map(Duration::from_secs),
    }
}
