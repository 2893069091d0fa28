//! The state of a ledger in memory, and its rules.

mod batches;
mod waiting;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use crate::ledger::audit::{self, Digest, Event, Head};
use crate::ledger::bisect::{self, Group};
use crate::ledger::change::{Selection, StateChange};
use crate::ledger::decision::Decision;
use crate::ledger::entry::{Attempt, BatchId, Enqueued, Entry, Page, SealedToken, TokenRecord, sorted_chunk};
use crate::ledger::host::{HostEntry, HostStatus};
use crate::ledger::intent::BatchRequest;
use crate::ledger::quota::Quota;
use crate::ledger::time::{millis, timestamp};
use crate::revocation::State;
use crate::rule;
use crate::token::{Fingerprint, Kind};

/// Whose quota: host and identity.
type Account = (String, String);

#[derive(Default)]
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
    pub(super) trail: Vec<String>,
    pub(super) head: Head,
}

struct StoredToken {
    host: String,
    fingerprint: Fingerprint,
    kind: Kind,
    rank: u8,
    location: String,
    /// Whether its decision allowed this machine's own credentials.
    own_allowed: bool,
    state: State,
    at: i64,
    batch: Option<u64>,
    group: Group,
    sealed: Option<Vec<u8>>,
}

struct Batch {
    account: Account,
    charged: bool,
    owner: u64,
    group: Group,
    at: i64,
    lease: i64,
    verdict: String,
    status: Option<u16>,
    request_id: Option<String>,
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
        let chunks = std::iter::from_fn(|| Some(sorted_chunk(entries)).filter(|chunk| !chunk.is_empty()));
        for entry in chunks.flatten() {
            let (kind, fingerprint) = (entry.kind, entry.fingerprint);
            let (state, new) = self.put((host, decision.allow_own), entry, at.as_millisecond());
            enqueued.count(state, new);
            if new && state == State::Queued {
                *kinds.entry(kind.rule_id()).or_default() += 1;
            }
            digest.add(&fingerprint);
        }
        let (digest, tokens) = digest.finish();
        let (host, decision) = (host.to_owned(), decision.clone());
        self.record(&Event::Enqueue { host, decision, counts: enqueued.counts(), kinds, digest, tokens }, at);
        enqueued
    }

    fn put(&mut self, (host, own_allowed): (&str, bool), entry: Entry, at: i64) -> (State, bool) {
        let rank = entry.rank();
        let sealed = (entry.state == State::Queued).then_some(entry.sealed);
        let key = (host.to_owned(), entry.fingerprint);
        if let Some(token) = self.index.get(&key).and_then(|index| self.tokens.get_mut(*index)) {
            let new =
                !token.state.pending() && token.state != entry.state && token.state.may_become(entry.state);
            if new {
                (token.state, token.at, token.rank, token.group) = (entry.state, at, rank, 0);
                (token.sealed, token.own_allowed) = (sealed, own_allowed);
            }
            return (token.state, new);
        }
        self.index.insert(key, self.tokens.len());
        self.tokens.push(StoredToken {
            host: host.into(),
            fingerprint: entry.fingerprint,
            kind: entry.kind,
            rank,
            location: entry.location,
            own_allowed,
            state: entry.state,
            at,
            batch: None,
            group: 0,
            sealed,
        });
        (entry.state, true)
    }

    /// Hosts in the order of their first tokens.
    pub(super) fn hosts(&self) -> Vec<HostEntry> {
        let mut hosts: Vec<HostEntry> = Vec::new();
        for token in &self.tokens {
            if !hosts.iter().any(|known| known.host == token.host) {
                let accounts = self.quotas.keys().filter(|(host, _)| *host == token.host);
                let mut identities: Vec<String> = accounts.map(|(_, identity)| identity.clone()).collect();
                identities.sort();
                hosts.push(HostEntry { host: token.host.clone(), identities });
            }
        }
        hosts
    }

    /// The tokens that could be sent now, in the order of the queue.
    fn due_indices(&self, host: &str, kinds: &[Kind]) -> Vec<usize> {
        let mut due: Vec<usize> = (self.tokens.iter().enumerate())
            .filter(|(_, token)| token.host == host && token.batch.is_none() && token.state.pending())
            .filter(|(_, token)| kinds.contains(&token.kind))
            .map(|(index, _)| index)
            .collect();
        due.sort_by_key(|index| (self.tokens[*index].rank, *index));
        due
    }

    /// The group that goes next, and its tokens.
    fn next_group(&self, host: &str, kinds: &[Kind], max_batch: usize) -> Option<(Group, Vec<usize>)> {
        let mut groups: BTreeMap<Group, Vec<usize>> = BTreeMap::new();
        for index in self.due_indices(host, kinds) {
            groups.entry(self.tokens[index].group).or_default().push(index);
        }
        let clean = groups.get(&0).map_or(0, Vec::len).min(max_batch);
        let suspects = groups.iter().filter(|(group, _)| **group > 0).map(|(group, all)| (*group, all.len()));
        let (group, _) = bisect::next(clean, suspects)?;
        Some((group, groups.remove(&group)?))
    }

    fn sealed_token(&self, index: usize) -> SealedToken {
        let token = &self.tokens[index];
        SealedToken {
            fingerprint: token.fingerprint,
            kind: token.kind,
            sealed: token.sealed.clone().unwrap_or_default(),
        }
    }

    pub(super) fn due(&self, host: &str, kinds: &[Kind], page: Page) -> Vec<SealedToken> {
        let Some((_, group)) = self.next_group(host, kinds, page.limit) else { return Vec::new() };
        group.into_iter().skip(page.skip).take(page.limit).map(|index| self.sealed_token(index)).collect()
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
            if !token.state.may_become(change.state) {
                continue;
            }
            if let Some(batch) = token.batch {
                let Some(batch) = self.batches.get_mut(usize::try_from(batch).unwrap_or(usize::MAX) - 1)
                else {
                    continue;
                };
                if batch.owner != owner {
                    continue;
                }
                batch.tokens.retain(|other| *other != index);
            }
            (token.state, token.at, token.batch, token.group) = (change.state, at.as_millisecond(), None, 0);
            erased += u64::from(token.sealed.take().is_some());
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

    pub(super) fn host_status(&self, request: &BatchRequest<'_>, at: Timestamp) -> HostStatus {
        let now = at.as_millisecond();
        let mut status = HostStatus {
            queued: self.count(request.host, State::Queued),
            sent: self.count(request.host, State::Sent),
            accepted: self.count(request.host, State::Accepted),
            confirmed: self.count(request.host, State::Confirmed),
            refused: self.count(request.host, State::Refused),
            ..HostStatus::empty("", request.host, request.per_hour)
        };
        if let Some(quota) = self.quotas.get(&(request.host.to_owned(), request.identity.to_owned())) {
            let mut quota = quota.clone();
            quota.observe_clock(now);
            status.requests_last_hour = quota.used(now);
            status.limit = quota.limit(request.per_hour, now);
            let blocked = quota.blocked(request.per_hour, millis(request.min_interval), now);
            status.next_slot = blocked.map(|(until, _)| timestamp(until));
            status.wait_reason = blocked.map(|(_, reason)| reason);
        }
        status
    }

    pub(super) fn token(&self, host: &str, fingerprint: &Fingerprint) -> Option<TokenRecord> {
        let index = *self.index.get(&(host.to_owned(), *fingerprint))?;
        let token = self.tokens.get(index)?;
        let last = self.batches.iter().rev().find(|batch| batch.tokens.contains(&index));
        Some(TokenRecord {
            kind: token.kind,
            state: token.state,
            own_allowed: token.own_allowed,
            at: timestamp(token.at),
            request_id: last.and_then(|batch| batch.request_id.clone()),
            location: token.location.clone(),
        })
    }

    pub(super) fn attempts(&self, host: &str, fingerprint: &Fingerprint) -> Vec<Attempt> {
        let Some(index) = self.index.get(&(host.to_owned(), *fingerprint)) else { return Vec::new() };
        (1..)
            .zip(&self.batches)
            .filter(|(_, batch)| batch.tokens.contains(index))
            .map(|(id, batch)| Attempt {
                batch: BatchId(id),
                at: timestamp(batch.at),
                verdict: batch.verdict.clone(),
                status: batch.status,
                request_id: batch.request_id.clone(),
            })
            .collect()
    }

    pub(super) fn record(&mut self, event: &Event, at: Timestamp) {
        let line = audit::append(&mut self.head, timestamp(at.as_millisecond()), event);
        self.trail.push(line);
    }
}
