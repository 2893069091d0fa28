//! The state of a ledger in memory, and its rules.

mod batches;
mod bisection;
mod grants;
mod interleavings;
mod kept;
mod listing;
mod queue;
mod retries;
mod waiting;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use crate::ledger::audit::{self, Digest, Event, Head};
use crate::ledger::bisect::Group;
use crate::ledger::change::{Selection, StateChange};
use crate::ledger::decision::Decision;
use crate::ledger::entry::{Enqueued, Entry, sorted_chunk};
use crate::ledger::error::LedgerError;
use crate::ledger::host::{HostEntry, HostStatus, StatusRequest};
use crate::ledger::intent::SELF_REVOKING;
use crate::ledger::quota::{Lease, Quota};
use crate::ledger::retry::{Failure, Retries};
use crate::ledger::settlement::KeptAnswer;
use crate::ledger::time::{ClockReading, timestamp};
use crate::revocation::{Grants, State};
use crate::rule;
use crate::token::{Fingerprint, Kind};

/// How a transaction fails on the ledger of this name.
pub(super) type Outage = fn(String) -> LedgerError;

/// Whose quota: host and identity.
type Account = (String, String);

#[derive(Clone, Default)]
pub(super) struct ModelState {
    tokens: Vec<StoredToken>,
    index: HashMap<(String, Fingerprint), usize>,
    quotas: HashMap<Account, Quota>,
    batches: Vec<Batch>,
    /// The sibling of each group; the group's number is its index plus 1.
    siblings: Vec<Option<Group>>,
    /// Owners that live.
    owners: BTreeSet<u64>,
    last_owner: u64,
    /// The last answer of each owner, unless it was taken in.
    kept: BTreeMap<u64, KeptAnswer>,
    /// Requests that repeated others in vain.
    retries: BTreeMap<(Account, Failure), Retries>,
    /// Until when every transaction fails, and how.
    pub(super) outage: Option<(Timestamp, Outage)>,
    pub(super) trail: Vec<String>,
    pub(super) head: Head,
    /// Whether it keeps no trail: a search through all states has no time for one.
    no_trail: bool,
}

#[derive(Clone)]
struct StoredToken {
    host: String,
    fingerprint: Fingerprint,
    kind: Kind,
    rank: u8,
    location: String,
    /// Whether its decision allowed this machine's own credentials.
    own_allowed: bool,
    state: State,
    created_at: i64,
    at: i64,
    batch: Option<u64>,
    group: Group,
    failed_in: u64,
    /// The batches it was in, and how many tries each stands for.
    attempts: Vec<(u64, u64)>,
    sealed: Option<Vec<u8>>,
    decided_by: String,
    /// Whether nobody has opened its text.
    is_unopened: bool,
    grants: Option<Grants>,
}

#[derive(Clone)]
struct Batch {
    account: Account,
    charged: bool,
    /// What it does, as the trail names it.
    call: &'static str,
    owner: u64,
    group: Group,
    lease: Lease,
    verdict: String,
    status: Option<u16>,
    request_id: Option<String>,
    closed_at: i64,
    /// The answer was the end of its tokens' way, or a step to it.
    decided: bool,
    /// All its tokens were sent before, and nothing was decided.
    retry: bool,
    /// The trail has a record of its leaving.
    told: bool,
    /// The indices of the tokens it carried.
    tokens: Vec<usize>,
}

impl ModelState {
    pub(super) fn new_owner(&mut self) -> u64 {
        self.last_owner += 1;
        self.owners.insert(self.last_owner);
        self.last_owner
    }

    pub(super) fn end_owner(&mut self, owner: u64) {
        self.owners.remove(&owner);
    }

    pub(super) fn enqueue(
        &mut self,
        host: &str,
        decision: &Decision,
        entries: &mut dyn Iterator<Item = Entry>,
        at: Timestamp,
    ) -> Enqueued {
        let mut enqueued = Enqueued::default();
        let mut kinds: BTreeMap<&'static str, u64> = BTreeMap::new();
        let mut digest = Digest::default();
        let mut erased = 0;
        let chunks = std::iter::from_fn(|| Some(sorted_chunk(entries)).filter(|chunk| !chunk.is_empty()));
        for entry in chunks.flatten() {
            let (kind, fingerprint) = (entry.kind, entry.fingerprint);
            let (state, new, replaced, forgotten) = self.put(host, entry, decision, at.as_millisecond());
            erased += forgotten;
            enqueued.count(state, new);
            if new && state == State::Queued {
                *kinds.entry(kind.rule_id()).or_default() += 1;
            }
            if new || replaced {
                digest.add(&fingerprint);
            }
        }
        if digest.count() == 0 {
            return enqueued;
        }
        let (digest, tokens) = digest.finish();
        let (host, decision) = (host.to_owned(), decision.clone());
        self.record(&Event::Enqueue { host, decision, counts: enqueued.counts(), kinds, digest, tokens }, at);
        self.record_erased(None, erased, at);
        enqueued
    }

    fn put(&mut self, host: &str, entry: Entry, decision: &Decision, at: i64) -> (State, bool, bool, u64) {
        let rank = entry.rank();
        let sealed = (entry.state == State::Queued).then_some(entry.sealed);
        let key = (host.to_owned(), entry.fingerprint);
        if let Some(token) = self.index.get(&key).and_then(|index| self.tokens.get_mut(*index)) {
            let replaces = token.is_unopened
                && token.state == State::Queued
                && entry.state == State::Queued
                && !decision.is_unopened();
            let new =
                !token.state.pending() && token.state != entry.state && token.state.may_become(entry.state);
            if new || replaces {
                decision.by.clone_into(&mut token.decided_by);
                (token.own_allowed, token.is_unopened) = (decision.allow_own, decision.is_unopened());
                if entry.state == State::Queued {
                    token.kind = entry.kind;
                }
                let had_text = token.sealed.is_some();
                (token.state, token.at, token.rank) = (entry.state, at, rank);
                (token.group, token.failed_in) = (0, 0);
                let kept = token.sealed.take().filter(|_| entry.state.keeps_text());
                let erased = u64::from(had_text && kept.is_none() && sealed.is_none());
                token.sealed = sealed.or(kept);
                return (token.state, new, replaces, erased);
            }
            return (token.state, new, false, 0);
        }
        self.index.insert(key, self.tokens.len());
        self.tokens.push(StoredToken {
            host: host.into(),
            fingerprint: entry.fingerprint,
            kind: entry.kind,
            rank,
            location: entry.location,
            own_allowed: decision.allow_own,
            state: entry.state,
            created_at: at,
            at,
            batch: None,
            group: 0,
            failed_in: 0,
            attempts: Vec::new(),
            sealed,
            decided_by: decision.by.clone(),
            is_unopened: decision.is_unopened(),
            grants: None,
        });
        (entry.state, true, false, 0)
    }

    /// Hosts in the order of their first tokens.
    pub(super) fn hosts(&self) -> Vec<HostEntry> {
        let mut hosts: Vec<HostEntry> = Vec::new();
        for token in &self.tokens {
            if !hosts.iter().any(|known| known.host == token.host) {
                let accounts = (self.quotas.keys())
                    .filter(|(host, identity)| *host == token.host && identity != SELF_REVOKING);
                let mut identities: Vec<String> = accounts.map(|(_, identity)| identity.clone()).collect();
                identities.sort();
                hosts.push(HostEntry { host: token.host.clone(), identities });
            }
        }
        hosts
    }

    pub(super) fn change_state(&mut self, owner: u64, change: &StateChange<'_>, at: Timestamp) -> u64 {
        let selected: Vec<usize> = match change.selection {
            Selection::Tokens(tokens) => (tokens.iter())
                .filter_map(|token| self.index.get(&(change.host.to_owned(), *token)).copied())
                .collect(),
            Selection::KindsExcept(kinds) => {
                let others: Vec<Kind> =
                    rule::kinds().chain([Kind::OTHER]).filter(|kind| !kinds.contains(kind)).collect();
                self.due_indices(change.host, &others)
            }
        };
        let mut digest = Digest::default();
        let mut erased = 0;
        for index in selected {
            let token = &mut self.tokens[index];
            let forgotten = change.state.pending() && token.sealed.is_none();
            if forgotten || !token.state.may_become(change.state) {
                continue;
            }
            if let Some(id) = token.batch {
                let Some(batch) = self.batches.get_mut(usize::try_from(id).unwrap_or(usize::MAX) - 1) else {
                    continue;
                };
                if batch.owner != owner {
                    continue;
                }
                batch.tokens.retain(|other| *other != index);
                token.attempts.retain(|(batch, _)| *batch != id);
            }
            (token.state, token.at, token.batch) = (change.state, at.as_millisecond(), None);
            (token.group, token.failed_in) = (0, 0);
            if !change.state.keeps_text() {
                erased += u64::from(token.sealed.take().is_some());
            }
            digest.add(&token.fingerprint);
        }
        let count = digest.count();
        if count > 0 {
            let (digest, tokens) = digest.finish();
            let (host, reason) = (change.host.into(), change.reason.into());
            let event =
                Event::StateChange { host, state: change.state.as_str(), reason, count, digest, tokens };
            self.record(&event, at);
            self.record_erased(None, erased, at);
        }
        count
    }

    fn record_erased(&mut self, batch: Option<u64>, tokens: u64, at: Timestamp) {
        if tokens > 0 {
            self.record(&Event::Erase { batch, tokens }, at);
        }
    }

    pub(super) fn waiting(&self, host: &str) -> BTreeMap<Kind, u64> {
        let mut counts = BTreeMap::new();
        for token in self.tokens.iter().filter(|token| token.host == host && token.state.pending()) {
            *counts.entry(token.kind).or_default() += 1;
        }
        counts
    }

    pub(super) fn count(&self, host: &str, state: State) -> u64 {
        self.tokens.iter().filter(|token| token.host == host && token.state == state).count() as u64
    }

    pub(super) fn host_status(&self, request: &StatusRequest<'_>, at: Timestamp) -> HostStatus {
        let now = ClockReading::of(at);
        let mut status = HostStatus::empty("", request.host, request.per_hour);
        for state in State::ALL {
            *status.counter(state) = self.count(request.host, state);
        }
        let waiting = self
            .tokens
            .iter()
            .find(|token| token.host == request.host && token.batch.is_none() && token.state.pending());
        status.oldest = waiting.map(|token| timestamp(token.created_at));
        if let Some(quota) = self.quotas.get(&(request.host.to_owned(), request.identity.to_owned())) {
            let mut quota = quota.clone();
            quota.observe_clock(now);
            status.requests_last_hour = quota.used(now);
            status.limit = quota.limit(request.per_hour, now);
            let blocked = quota.blocked(request.per_hour, 0, now);
            status.next_slot = blocked.map(|(until, _)| timestamp(until));
            status.wait_reason = blocked.map(|(_, reason)| reason);
        }
        status
    }

    pub(super) fn record(&mut self, event: &Event, at: Timestamp) {
        if self.no_trail {
            return;
        }
        let line = audit::append(&mut self.head, timestamp(at.as_millisecond()), event);
        self.trail.push(line);
    }
}
