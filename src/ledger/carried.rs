//! Tokens on their way from one ledger to another, with all that is known of them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Ledger;
use super::audit::{Digest, Event};
use super::carried_quota::CarriedQuota;
use super::decision::Decision;
use super::entry::Attempt;
use super::error::LedgerError;
use super::time::Now;
use crate::finding::Confidence;
use crate::revocation::{Grants, State};
use crate::token::{Fingerprint, Kind};

/// A token with all that a ledger knows of it.
#[derive(Clone, Debug)]
pub(super) struct CarriedToken {
    /// Its number in the source: where the next page starts.
    pub(super) number: u64,
    pub(super) host: String,
    pub(super) fingerprint: Fingerprint,
    pub(super) kind: Kind,
    pub(super) confidence: Confidence,
    /// The order of sending, smallest first.
    pub(super) rank: u8,
    pub(super) state: State,
    pub(super) created_at: Timestamp,
    pub(super) at: Timestamp,
    pub(super) location: String,
    pub(super) decision: Option<Decision>,
    pub(super) sealed: Option<Vec<u8>>,
    pub(super) grants: Option<Grants>,
    pub(super) attempts: Vec<Attempt>,
}

/// What goes over in one transaction: tokens of one host.
pub(super) struct Shipment<'a> {
    pub(super) host: &'a str,
    /// Whose requests the attempts were.
    pub(super) identity: &'a str,
    pub(super) tokens: &'a [CarriedToken],
    /// The decision of tokens that have lost theirs.
    pub(super) by: &'a Decision,
    /// Where they come from, as the trail names it.
    pub(super) from: &'a str,
    /// The end of the source's trail.
    pub(super) head: &'a str,
}

/// Whose requests are counted together.
#[derive(Clone, Copy)]
pub(super) struct Counted<'a> {
    pub(super) host: &'a str,
    pub(super) identity: &'a str,
}

/// A ledger whose content can go over to another one, and that can take another's in.
pub(super) trait Portable: Ledger {
    /// Up to `limit` tokens behind number `after`, with all that is known of them.
    fn carried(&self, after: u64, limit: usize) -> Result<Vec<CarriedToken>, LedgerError>;

    /// Writes down tokens of another ledger, as [`merged`] has it, with one record in the trail; returns how many it changed.
    fn take_in(&mut self, shipment: &Shipment<'_>, now: Now<'_>) -> Result<u64, LedgerError>;

    /// Which ledger it is, under whatever name it was opened: no other one says the same.
    fn instance(&self) -> Result<String, LedgerError>;

    /// What is counted of an identity's requests.
    fn carried_quota(&self, of: Counted<'_>, now: Now<'_>) -> Result<CarriedQuota, LedgerError>;

    /// Counts the requests of another ledger here as well, each once however often it is told; `source` tells that ledger from
    /// others.
    fn take_quota(
        &mut self,
        of: Counted<'_>,
        carried: &CarriedQuota,
        source: &str,
        now: Now<'_>,
    ) -> Result<(), LedgerError>;
}

/// The state of a token that both know, after the target has heard of it; none where it stays as it is.
pub(super) fn merged(here: State, in_flight: bool, there: State) -> Option<State> {
    match (here, there) {
        // Who sent it is about to say what became of it.
        _ if in_flight => None,
        (State::Accepted, State::Confirmed) => Some(there),
        _ if here.is_final() => None,
        _ if there.is_final() => Some(there),
        // A token once queued is sent.
        _ if here.pending() => None,
        _ if there.pending() => Some(there),
        _ => None,
    }
}

/// The record of tokens that were taken in.
pub(super) fn event(shipment: &Shipment<'_>, changed: &[(Fingerprint, State)]) -> Event {
    let mut digest = Digest::default();
    let mut counts = BTreeMap::new();
    for (fingerprint, state) in changed {
        digest.add(fingerprint);
        *counts.entry(state.as_str()).or_default() += 1;
    }
    let (digest, tokens) = digest.finish();
    Event::Copy {
        from: shipment.from.to_owned(),
        head: shipment.head.to_owned(),
        by: shipment.by.by.clone(),
        host: shipment.host.to_owned(),
        counts,
        digest,
        tokens,
    }
}

/// Whose batch it is that stands for a request of another ledger.
pub(super) fn slot_owner(source: &str, batch: u64) -> String {
    format!("{source}:{batch}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_either_knows_is_lost() {
        for here in State::ALL {
            for there in State::ALL {
                let after = merged(here, false, there).unwrap_or(here);
                let either = |test: fn(State) -> bool| test(here) || test(there);
                assert_eq!(after.is_final(), either(State::is_final), "{here} and {there}");
                if !either(State::is_final) {
                    assert_eq!(after.pending(), either(State::pending), "{here} and {there}");
                }
                assert_eq!(merged(here, true, there), None, "{here} in flight, and {there}");
                assert_eq!(merged(after, false, there), None, "{here} and {there}, twice");
            }
        }
        assert_eq!(merged(State::Accepted, false, State::Confirmed), Some(State::Confirmed));
        assert_eq!(merged(State::Withdrawn, false, State::Dead), None);
    }
}
