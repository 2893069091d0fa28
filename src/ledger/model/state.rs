//! The content of a ledger in memory, and its rules.

mod batches;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use crate::ledger::audit::{self, Digest, Event, Head};
use crate::ledger::bisect::{self, Group};
use crate::ledger::entry::{Attempt, BatchId, Enqueued, Entry, SealedToken, TokenRecord, portion};
use crate::ledger::intent::{BatchRequest, HostStatus, millis, moment};
use crate::ledger::quota::Quota;
use crate::ledger::{HostEntry, Page, Selection, StateChange};
use crate::revocation::State;
use crate::rule;
use crate::token::{Fingerprint, Kind};

/// Whose quota: host and identity.
type Account = (String, String);

#[derive(Default)]
pub(super) struct Content {
    tokens: Vec<StoredToken>,
    index: HashMap<(String, Fingerprint), usize>,
    quotas: HashMap<Account, Quota>,
    batches: Vec<Batch>,
    /// A group's sibling; the group's number is its place, from 1.
    siblings: Vec<Option<Group>>,
    owners: BTreeSet<u64>,
    entered: u64,
    pub(super) trail: Vec<String>,
    pub(super) head: Head,
}

struct StoredToken {
    host: String,
    fingerprint: Fingerprint,
    kind: Kind,
    rank: u8,
    place: String,
    state: State,
    at: i64,
    batch: Option<u64>,
    suspect: Group,
    sealed: Option<Vec<u8>>,
}

struct Batch {
    account: Account,
    charged: bool,
    owner: u64,
    suspect: Group,
    at: i64,
    lease: i64,
    verdict: String,
    status: Option<u16>,
    request_id: Option<String>,
    /// What it carried.
    tokens: Vec<usize>,
}

impl Content {
    pub(super) fn enter(&mut self) -> u64 {
        self.entered += 1;
        self.owners.insert(self.entered);
        self.entered
    }

    pub(super) fn leave(&mut self, owner: u64) {
        self.owners.remove(&owner);
    }

    pub(super) fn enqueue(
        &mut self,
        host: &str,
        entries: &mut dyn Iterator<Item = Entry>,
        at: Timestamp,
    ) -> Enqueued {
        let mut tally = Enqueued::default();
        let mut kinds: BTreeMap<&'static str, u64> = BTreeMap::new();
        let mut digest = Digest::default();
        let portions = std::iter::from_fn(|| Some(portion(entries)).filter(|portion| !portion.is_empty()));
        for entry in portions.flatten() {
            let (kind, fingerprint) = (entry.kind, entry.fingerprint);
            let (state, new) = self.put(host, entry, at.as_millisecond());
            tally.count(state, new);
            if new && state == State::Queued {
                *kinds.entry(kind.rule_id()).or_default() += 1;
            }
            digest.add(&fingerprint);
        }
        let (digest, tokens) = digest.finish();
        self.record(&Event::Enqueue { host: host.into(), counts: tally.counts(), kinds, digest, tokens }, at);
        tally
    }

    fn put(&mut self, host: &str, entry: Entry, at: i64) -> (State, bool) {
        let rank = entry.rank();
        let sealed = (entry.state == State::Queued).then_some(entry.sealed);
        let key = (host.to_owned(), entry.fingerprint);
        if let Some(token) = self.index.get(&key).and_then(|place| self.tokens.get_mut(*place)) {
            let new =
                token.state.aside() && token.state != entry.state && token.state.may_become(entry.state);
            if new {
                (token.state, token.at, token.rank, token.suspect) = (entry.state, at, rank, 0);
                token.sealed = sealed;
            }
            return (token.state, new);
        }
        self.index.insert(key, self.tokens.len());
        self.tokens.push(StoredToken {
            host: host.into(),
            fingerprint: entry.fingerprint,
            kind: entry.kind,
            rank,
            place: entry.place,
            state: entry.state,
            at,
            batch: None,
            suspect: 0,
            sealed,
        });
        (entry.state, true)
    }

    /// Hosts in the order they came.
    pub(super) fn hosts(&self) -> Vec<HostEntry> {
        let mut parties: Vec<HostEntry> = Vec::new();
        for token in &self.tokens {
            if !parties.iter().any(|party| party.host == token.host) {
                let mine = self.quotas.keys().filter(|(host, _)| *host == token.host);
                let mut identities: Vec<String> = mine.map(|(_, identity)| identity.clone()).collect();
                identities.sort();
                parties.push(HostEntry { host: token.host.clone(), identities });
            }
        }
        parties
    }

    /// The tokens that could be sent now, in the order of the queue.
    fn waiting(&self, host: &str, kinds: &[Kind]) -> Vec<usize> {
        let mut waiting: Vec<usize> = (self.tokens.iter().enumerate())
            .filter(|(_, token)| token.host == host && token.batch.is_none() && token.state.pending())
            .filter(|(_, token)| kinds.contains(&token.kind))
            .map(|(place, _)| place)
            .collect();
        waiting.sort_by_key(|place| (self.tokens[*place].rank, *place));
        waiting
    }

    /// The group that goes next, and its tokens.
    fn next_group(&self, host: &str, kinds: &[Kind], max_batch: usize) -> Option<(Group, Vec<usize>)> {
        let mut groups: BTreeMap<Group, Vec<usize>> = BTreeMap::new();
        for place in self.waiting(host, kinds) {
            groups.entry(self.tokens[place].suspect).or_default().push(place);
        }
        let clean = groups.get(&0).map_or(0, Vec::len).min(max_batch);
        let suspects = groups.iter().filter(|(group, _)| **group > 0).map(|(group, all)| (*group, all.len()));
        let (group, _) = bisect::next(clean, suspects)?;
        Some((group, groups.remove(&group)?))
    }

    fn row(&self, place: usize) -> SealedToken {
        let token = &self.tokens[place];
        SealedToken {
            fingerprint: token.fingerprint,
            kind: token.kind,
            sealed: token.sealed.clone().unwrap_or_default(),
        }
    }

    pub(super) fn due(&self, host: &str, kinds: &[Kind], page: Page) -> Vec<SealedToken> {
        let Some((_, group)) = self.next_group(host, kinds, page.limit) else { return Vec::new() };
        group.into_iter().skip(page.skip).take(page.limit).map(|place| self.row(place)).collect()
    }

    pub(super) fn mark(&mut self, owner: u64, mark: &StateChange<'_>, at: Timestamp) -> u64 {
        let picked: Vec<usize> = match mark.pick {
            Selection::Tokens(tokens) => (tokens.iter())
                .filter_map(|token| self.index.get(&(mark.host.to_owned(), *token)).copied())
                .collect(),
            Selection::KindsBut(kinds) => {
                let others: Vec<Kind> =
                    (rule::kinds().chain([Kind::OTHER])).filter(|kind| !kinds.contains(kind)).collect();
                self.waiting(mark.host, &others)
            }
        };
        let mut digest = Digest::default();
        let mut erased = 0;
        for place in picked {
            let token = &mut self.tokens[place];
            if !token.state.may_become(mark.state) {
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
                batch.tokens.retain(|carried| *carried != place);
            }
            (token.state, token.at, token.batch, token.suspect) = (mark.state, at.as_millisecond(), None, 0);
            erased += u64::from(token.sealed.take().is_some());
            digest.add(&token.fingerprint);
        }
        let count = digest.count();
        if count > 0 {
            let (digest, tokens) = digest.finish();
            let (host, reason) = (mark.host.into(), mark.reason.into());
            let event =
                Event::StateChange { host, state: mark.state.as_str(), reason, count, digest, tokens };
            self.record(&event, at);
            self.erased(None, erased, at);
        }
        count
    }

    fn erased(&mut self, batch: Option<u64>, tokens: u64, at: Timestamp) {
        if tokens > 0 {
            self.record(&Event::Erase { batch, tokens }, at);
        }
    }

    pub(super) fn count(&self, host: &str, state: State) -> u64 {
        self.tokens.iter().filter(|token| token.host == host && token.state == state).count() as u64
    }

    pub(super) fn standing(&self, ask: &BatchRequest<'_>, at: Timestamp) -> HostStatus {
        let now = at.as_millisecond();
        let mut standing = HostStatus {
            queued: self.count(ask.host, State::Queued),
            sent: self.count(ask.host, State::Sent),
            accepted: self.count(ask.host, State::Accepted),
            confirmed: self.count(ask.host, State::Confirmed),
            refused: self.count(ask.host, State::Refused),
            ..HostStatus::empty("", ask.host, ask.per_hour)
        };
        if let Some(quota) = self.quotas.get(&(ask.host.to_owned(), ask.identity.to_owned())) {
            let mut quota = quota.clone();
            quota.observe(now);
            standing.requests_last_hour = quota.used(now);
            standing.limit = quota.limit(ask.per_hour, now);
            let shut = quota.gate(ask.per_hour, millis(ask.min_interval), now);
            standing.next_slot = shut.map(|(until, _)| moment(until));
            standing.shut = shut.map(|(_, why)| why);
        }
        standing
    }

    pub(super) fn known(&self, host: &str, fingerprint: &Fingerprint) -> Option<TokenRecord> {
        let place = *self.index.get(&(host.to_owned(), *fingerprint))?;
        let token = self.tokens.get(place)?;
        let last = self.batches.iter().rev().find(|batch| batch.tokens.contains(&place));
        Some(TokenRecord {
            state: token.state,
            at: moment(token.at),
            request_id: last.and_then(|batch| batch.request_id.clone()),
            place: token.place.clone(),
        })
    }

    pub(super) fn attempts(&self, host: &str, fingerprint: &Fingerprint) -> Vec<Attempt> {
        let Some(place) = self.index.get(&(host.to_owned(), *fingerprint)) else { return Vec::new() };
        (1..)
            .zip(&self.batches)
            .filter(|(_, batch)| batch.tokens.contains(place))
            .map(|(id, batch)| Attempt {
                batch: BatchId(id),
                at: moment(batch.at),
                verdict: batch.verdict.clone(),
                status: batch.status,
                request_id: batch.request_id.clone(),
            })
            .collect()
    }

    pub(super) fn record(&mut self, event: &Event, at: Timestamp) {
        let line = audit::append(&mut self.head, moment(at.as_millisecond()), event);
        self.trail.push(line);
    }
}
