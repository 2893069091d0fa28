//! The life of a batch: intended, settled or lost.

use jiff::Timestamp;

use super::{Account, Batch, Content};
use crate::ledger::audit::Event;
use crate::ledger::bisect::{self, Group, Step};
use crate::ledger::entry::BatchId;
use crate::ledger::intent::{
    BatchOutcome, BatchRequest, Intent, Next, Payload, Settled, Settlement, WaitReason, millis, moment,
};
use crate::revocation::{MAX_BATCH, State};

const POLL_MS: i64 = 100;

impl Content {
    pub(in crate::ledger::model) fn intend(
        &mut self,
        owner: u64,
        ask: &BatchRequest<'_>,
        at: Timestamp,
    ) -> Next {
        let now = at.as_millisecond();
        let later = |until: i64, why| Next::Later { at: moment(until), why };
        let account = (ask.host.to_owned(), ask.identity.to_owned());
        self.recover(owner, ask.host, at);
        let open = |batch: &&Batch| batch.verdict == "open" && batch.account.0 == ask.host;
        let in_flight = self.batches.iter().filter(open).count();
        let ours = self.batches.iter().filter(open).any(|batch| batch.account == account);
        let found = match &ask.what {
            Payload::Batch(kinds) => self.next_group(ask.host, kinds),
            Payload::Alone(fingerprint) => (self.index.get(&(ask.host.to_owned(), *fingerprint)))
                .filter(|place| self.tokens[**place].batch.is_none() && self.tokens[**place].state.pending())
                .map(|place| (self.tokens[*place].suspect, vec![*place])),
        };
        let Some((group, mut places)) = found else {
            return if in_flight == 0 { Next::Nothing } else { later(now + POLL_MS, WaitReason::InFlight) };
        };
        places.truncate(MAX_BATCH);
        let charged = matches!(ask.what, Payload::Batch(_));
        if charged && ours {
            return later(now + POLL_MS, WaitReason::InFlight);
        }
        let id = self.batches.len() as u64 + 1;
        let quota = self.quotas.entry(account.clone()).or_default();
        if charged {
            quota.observe(now);
            if let Some((until, why)) = quota.gate(ask.per_hour, millis(ask.min_interval), now) {
                return later(until, why);
            }
            quota.charge(id, now);
        }
        let strikes = quota.strikes;
        self.open(Draft { account, charged, owner, group, places: &places, lease: millis(ask.lease) }, at);
        let rows = places.iter().map(|place| self.row(*place)).collect();
        Next::Send(Intent { batch: BatchId(id), strikes, rows })
    }

    fn open(&mut self, draft: Draft<'_>, at: Timestamp) {
        let now = at.as_millisecond();
        let id = self.batches.len() as u64 + 1;
        for place in draft.places {
            let token = &mut self.tokens[*place];
            (token.batch, token.state, token.at) = (Some(id), State::Sent, now);
        }
        let event = Event::Intent {
            batch: id,
            host: draft.account.0.clone(),
            identity: draft.account.1.clone(),
            call: if draft.charged { "revoke" } else { "end-installation" },
            tokens: draft.places.iter().map(|place| self.tokens[*place].fingerprint.hex()).collect(),
        };
        self.batches.push(Batch {
            account: draft.account,
            charged: draft.charged,
            owner: draft.owner,
            suspect: draft.group,
            at: now,
            lease: now.saturating_add(draft.lease),
            verdict: "open".into(),
            status: None,
            request_id: None,
            tokens: draft.places.to_vec(),
        });
        self.record(&event, at);
    }

    fn recover(&mut self, owner: u64, host: &str, at: Timestamp) {
        let now = at.as_millisecond();
        for place in 0..self.batches.len() {
            let batch = &mut self.batches[place];
            let over = now >= batch.lease || now < batch.at.saturating_sub(batch.lease - batch.at);
            let gone = batch.owner == owner || over || !self.owners.contains(&batch.owner);
            if batch.verdict != "open" || batch.account.0 != host || !gone {
                continue;
            }
            batch.verdict = "lost".into();
            let id = place as u64 + 1;
            if let (true, Some(quota)) = (batch.charged, self.quotas.get_mut(&batch.account)) {
                quota.finish(id, batch.lease.min(now));
            }
            let mut released = 0;
            for token in self.tokens.iter_mut().filter(|token| token.batch == Some(id)) {
                (token.batch, token.state) = (None, State::Sent);
                released += 1;
            }
            self.record(&Event::Lost { batch: id, tokens: released }, at);
        }
    }

    pub(in crate::ledger::model) fn settle(
        &mut self,
        id: u64,
        settlement: &Settlement,
        at: Timestamp,
    ) -> Option<Settled> {
        let now = at.as_millisecond();
        let batch = self.batches.get_mut(usize::try_from(id).ok()?.checked_sub(1)?)?;
        let open = batch.verdict == "open";
        let (suspect, account, charged) = (batch.suspect, batch.account.clone(), batch.charged);
        batch.verdict = settlement.verdict.into();
        batch.status = settlement.status;
        batch.request_id.clone_from(&settlement.request_id);
        let carried = batch.tokens.clone();
        if charged {
            self.settle_quota(&account, id, settlement, now);
        }
        let mut became = Settled::default();
        if open {
            let mut mine: Vec<usize> =
                (0..self.tokens.len()).filter(|place| self.tokens[*place].batch == Some(id)).collect();
            mine.sort_by_key(|place| (self.tokens[*place].rank, *place));
            became = self.tokens_of(&mine, suspect, settlement.fate, now);
        } else if settlement.fate == BatchOutcome::Accepted {
            let late: Vec<usize> =
                carried.into_iter().filter(|place| self.tokens[*place].state.pending()).collect();
            became.accepted = self.become_(&late, State::Accepted, now);
        }
        let event = Event::Answer {
            batch: id,
            verdict: settlement.verdict.into(),
            status: settlement.status,
            request_id: settlement.request_id.clone(),
            message: settlement.message.clone(),
            became: became.counts(),
        };
        self.record(&event, at);
        self.erased(Some(id), became.accepted + became.refused + became.dead, at);
        Some(became)
    }

    fn settle_quota(&mut self, account: &Account, id: u64, settlement: &Settlement, now: i64) {
        let Some(quota) = self.quotas.get_mut(account) else { return };
        quota.observe(now);
        quota.finish(id, now);
        quota.hear(settlement.heard, now);
        match settlement.hold {
            Some(hold) => quota.hold(millis(hold), now),
            None if matches!(settlement.fate, BatchOutcome::Accepted | BatchOutcome::Invalid) => {
                quota.strikes = 0;
            }
            None => {}
        }
    }

    fn tokens_of(&mut self, mine: &[usize], suspect: Group, fate: BatchOutcome, now: i64) -> Settled {
        let mut became = Settled::default();
        match fate {
            BatchOutcome::Accepted => {
                became.accepted = self.become_(mine, State::Accepted, now);
                let members = self.sibling(suspect).map_or(Vec::new(), |sibling| self.members(mine, sibling));
                if bisect::after_accepted(members.len()) == Step::HalveSibling {
                    self.halve(&members);
                }
            }
            BatchOutcome::Dead => became.dead = self.become_(mine, State::Dead, now),
            BatchOutcome::Invalid => {
                self.siblings.iter_mut().filter(|sibling| **sibling == Some(suspect)).for_each(|sibling| {
                    *sibling = None;
                });
                if bisect::after_invalid(mine.len()) == Step::Refuse {
                    became.refused = self.become_(mine, State::Refused, now);
                } else {
                    became.waiting = self.become_(mine, State::Queued, now);
                    self.halve(mine);
                }
            }
            BatchOutcome::Returned => became.waiting = self.become_(mine, State::Queued, now),
            BatchOutcome::Unknown => became.waiting = self.become_(mine, State::Sent, now),
        }
        became
    }

    fn become_(&mut self, places: &[usize], state: State, now: i64) -> u64 {
        for place in places {
            let token = &mut self.tokens[*place];
            (token.state, token.at, token.batch) = (state, now, None);
            if !state.pending() {
                token.sealed = None;
            }
        }
        places.len() as u64
    }

    fn sibling(&self, group: Group) -> Option<Group> {
        *self.siblings.get(usize::try_from(group).ok()?.checked_sub(1)?)?
    }

    /// The tokens of a group that could be sent now, at the host of these others.
    fn members(&self, others: &[usize], group: Group) -> Vec<usize> {
        let Some(host) = others.first().map(|place| &self.tokens[*place].host) else { return Vec::new() };
        let mut members: Vec<usize> = (self.tokens.iter().enumerate())
            .filter(|(_, token)| token.suspect == group && token.host == *host)
            .filter(|(_, token)| token.batch.is_none() && token.state.pending())
            .map(|(place, _)| place)
            .collect();
        members.sort_by_key(|place| (self.tokens[*place].rank, *place));
        members
    }

    fn halve(&mut self, places: &[usize]) {
        let one = self.siblings.len() as u64 + 1;
        self.siblings.extend([Some(one + 1), Some(one)]);
        let (left, right) = places.split_at(places.len() / 2);
        for (half, group) in [(left, one), (right, one + 1)] {
            for place in half {
                self.tokens[*place].suspect = group;
            }
        }
    }
}

/// What a batch is about to be.
struct Draft<'a> {
    account: Account,
    charged: bool,
    owner: u64,
    group: Group,
    places: &'a [usize],
    lease: i64,
}
