//! The hosts of a ledger, and the state of their queues and quotas.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::quota::WaitReason;
use crate::revocation::State;

/// A host, and who has sent requests to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostEntry {
    /// The API host.
    pub host: String,
    /// The identities whose requests were counted there; empty before the first request.
    pub identities: Vec<String>,
}

/// Whose queue and whose quota somebody wants to know of.
#[derive(Clone, Copy, Debug)]
pub struct StatusRequest<'a> {
    /// The API host.
    pub host: &'a str,
    /// Whose quota at that host.
    pub identity: &'a str,
    /// How many requests may leave in any 3,600 seconds.
    pub per_hour: u32,
}

/// The tokens of one host by state, and what the quota of one identity there allows.
///
/// Its serialized form is a host's entry in the output of `stanch status -f json`.
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
    /// How many were dead before they were sent.
    pub dead: u64,
    /// How many were refused, each in a request of its own.
    pub refused: u64,
    /// How many are of a kind that the host does not take.
    pub unsupported: u64,
    /// How many are this machine's own credentials.
    pub own: u64,
    /// How many were held back.
    pub held: u64,
    /// How many were taken back.
    pub withdrawn: u64,
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
    /// When the token that was written down first, of those that wait, was written down.
    #[serde(skip)]
    pub oldest: Option<Timestamp>,
}

impl HostStatus {
    /// The status where there is no ledger yet; `limit` is how many requests an hour may hold.
    pub fn empty(ledger: impl Into<String>, host: impl Into<String>, limit: u32) -> Self {
        HostStatus { ledger: ledger.into(), host: host.into(), limit, ..HostStatus::default() }
    }

    /// How many tokens are in a state.
    pub fn count(&self, state: State) -> u64 {
        match state {
            State::Queued => self.queued,
            State::Sent => self.sent,
            State::Accepted => self.accepted,
            State::Confirmed => self.confirmed,
            State::Dead => self.dead,
            State::Refused => self.refused,
            State::Unsupported => self.unsupported,
            State::Own => self.own,
            State::Held => self.held,
            State::Withdrawn => self.withdrawn,
        }
    }

    /// The counter of a state.
    pub(crate) fn counter(&mut self, state: State) -> &mut u64 {
        match state {
            State::Queued => &mut self.queued,
            State::Sent => &mut self.sent,
            State::Accepted => &mut self.accepted,
            State::Confirmed => &mut self.confirmed,
            State::Dead => &mut self.dead,
            State::Refused => &mut self.refused,
            State::Unsupported => &mut self.unsupported,
            State::Own => &mut self.own,
            State::Held => &mut self.held,
            State::Withdrawn => &mut self.withdrawn,
        }
    }

    /// How many tokens the next runs send.
    pub fn waiting(&self) -> u64 {
        self.queued + self.sent
    }

    /// Adds the tokens of another host. What the quota allows stays that of this one.
    pub fn add_tokens(&mut self, other: &HostStatus) {
        for state in State::ALL {
            *self.counter(state) += other.count(state);
        }
        self.oldest = self.oldest.into_iter().chain(other.oldest).min();
    }
}

#[expect(clippy::ref_option, reason = "the signature serde asks for")]
fn rfc3339<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(|at| at.to_string()).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_several_hosts_add_up() {
        let at = |second| Timestamp::from_second(second).ok();
        let mut one = HostStatus::empty("a ledger", "one", 60);
        assert_eq!((one.ledger.as_str(), one.host.as_str(), one.limit), ("a ledger", "one", 60));
        let mut other = HostStatus { oldest: at(7), next_slot: at(9), ..HostStatus::empty("", "other", 5) };
        for (number, state) in (1..).zip(State::ALL) {
            *one.counter(state) = number;
            *other.counter(state) = 100 * number;
            assert_eq!((one.count(state), other.count(state)), (number, 100 * number), "{state}");
        }
        (one.queued, one.sent) = (20, 3);
        assert_eq!(one.waiting(), 23);
        for oldest in [None, at(8), at(6)] {
            let mut total = HostStatus { oldest, ..one.clone() };
            total.add_tokens(&other);
            assert_eq!(total.waiting(), 23 + other.waiting());
            for state in State::ALL {
                assert_eq!(total.count(state), one.count(state) + other.count(state), "{state}");
            }
            assert_eq!(total.oldest, oldest.min(at(7)).or(at(7)));
            // What the quota allows is not added.
            assert_eq!((total.limit, total.next_slot), (60, None));
        }
    }
}
