//! The life of a batch: intended, settled or lost.

use jiff::Timestamp;

use super::{Account, Batch, ModelState};
use crate::ledger::audit::Event;
use crate::ledger::bisect::{self, Failure, Group, Step};
use crate::ledger::entry::BatchId;
use crate::ledger::intent::{BatchRequest, Intent, Next, Payload};
use crate::ledger::quota::WaitReason;
use crate::ledger::settlement::{BatchOutcome, Settled, Settlement};
use crate::ledger::time::{millis, timestamp};
use crate::revocation::State;
use crate::token::Fingerprint;

const POLL_MS: i64 = 100;

impl ModelState {
    pub(in crate::ledger::model) fn intend(
        &mut self,
        owner: u64,
        request: &BatchRequest<'_>,
        at: Timestamp,
    ) -> Next {
        let now = at.as_millisecond();
        let later = |until: i64, reason| Next::Later { at: timestamp(until), reason };
        let account = (request.host.to_owned(), request.account().to_owned());
        self.take_over_abandoned(owner, request.host, at);
        let open = |batch: &&Batch| batch.verdict == "open" && batch.account.0 == request.host;
        let in_flight = self.batches.iter().filter(open).count();
        let same_account = self.batches.iter().filter(open).any(|batch| batch.account == account);
        let candidate = self.candidate(request, &account);
        let Some((group, indices)) = candidate else {
            return if in_flight == 0 { Next::Nothing } else { later(now + POLL_MS, WaitReason::InFlight) };
        };
        let charged = request.charged();
        if matches!(request.payload, Payload::Batch(_)) && same_account {
            return later(now + POLL_MS, WaitReason::InFlight);
        }
        let next_id = self.batches.len() as u64 + 1;
        let quota = self.quotas.entry(account.clone()).or_default();
        quota.observe_clock(now);
        let interval = millis(request.min_interval);
        let blocked =
            if charged { quota.blocked(request.per_hour, interval, now) } else { quota.paced(interval, now) };
        if let Some((until, reason)) = blocked {
            return later(until, reason);
        }
        if charged {
            quota.take_slot(next_id, now);
        } else {
            quota.last = now;
        }
        let strikes = quota.strikes;
        let lease = millis(request.lease);
        let groups: Vec<Group> = indices.iter().map(|index| self.tokens[*index].group).collect();
        let mut open = |group, indices: &[usize]| {
            let id = self.batches.len() as u64 + 1;
            let call = request.call();
            self.open(NewBatch { account: account.clone(), charged, call, owner, group, indices, lease }, at);
            let tokens = indices.iter().map(|index| self.sealed_token(*index)).collect();
            Intent { batch: BatchId(id), strikes, tokens }
        };
        if charged {
            return Next::Send(open(group, &indices));
        }
        Next::SendEach(groups.into_iter().zip(indices).map(|(group, index)| open(group, &[index])).collect())
    }

    /// The tokens that a request would carry, and their group where they have one together.
    fn candidate(&self, request: &BatchRequest<'_>, account: &Account) -> Option<(Group, Vec<usize>)> {
        match &request.payload {
            Payload::Batch(kinds) => {
                let quota = self.quotas.get(account);
                let max_batch = quota.map_or(request.max_batch, |quota| quota.max_batch(request.max_batch));
                let (next, mut indices) = self.next(request.host, kinds, max_batch)?;
                indices.truncate(next.size);
                Some((next.group, indices))
            }
            Payload::Call(_) => Some((0, Vec::new())),
            Payload::SelfRevoking(fingerprints) => {
                let index = |token: &Fingerprint| self.index.get(&(request.host.to_owned(), *token)).copied();
                let waits = |index: &usize| {
                    self.tokens[*index].batch.is_none() && self.tokens[*index].state.pending()
                };
                let waiting: Vec<usize> = fingerprints.iter().filter_map(index).filter(waits).collect();
                (!waiting.is_empty()).then_some((0, waiting))
            }
        }
    }

    fn open(&mut self, new: NewBatch<'_>, at: Timestamp) {
        let now = at.as_millisecond();
        let id = self.batches.len() as u64 + 1;
        for index in new.indices {
            let token = &mut self.tokens[*index];
            (token.batch, token.state, token.at) = (Some(id), State::Sent, now);
        }
        let event = Event::Intent {
            batch: id,
            host: new.account.0.clone(),
            identity: new.account.1.clone(),
            call: new.call,
            tokens: new.indices.iter().map(|index| self.tokens[*index].fingerprint.hex()).collect(),
        };
        self.batches.push(Batch {
            account: new.account,
            charged: new.charged,
            owner: new.owner,
            group: new.group,
            at: now,
            lease: now.saturating_add(new.lease),
            verdict: "open".into(),
            status: None,
            request_id: None,
            tokens: new.indices.to_vec(),
        });
        self.record(&event, at);
    }

    pub(in crate::ledger::model) fn take_over_abandoned(&mut self, owner: u64, host: &str, at: Timestamp) {
        let now = at.as_millisecond();
        for index in 0..self.batches.len() {
            let batch = &mut self.batches[index];
            let expired = now >= batch.lease || now < batch.at.saturating_sub(batch.lease - batch.at);
            let gone = batch.owner == owner || expired || !self.owners.contains(&batch.owner);
            if batch.verdict != "open" || batch.account.0 != host || !gone {
                continue;
            }
            batch.verdict = "lost".into();
            let id = index as u64 + 1;
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
        let (group, account, charged) = (batch.group, batch.account.clone(), batch.charged);
        batch.verdict = settlement.verdict.into();
        batch.status = settlement.status;
        batch.request_id.clone_from(&settlement.request_id);
        let carried = batch.tokens.clone();
        // Where another process took the batch over, it has counted on its slot since.
        let give_back = charged && open && settlement.outcome == BatchOutcome::NotSent;
        batch.charged &= !give_back;
        let mut in_flight: Vec<usize> =
            (0..self.tokens.len()).filter(|index| self.tokens[*index].batch == Some(id)).collect();
        in_flight.sort_by_key(|index| (self.tokens[*index].rank, *index));
        let mut failure = None;
        if charged && let Some(quota) = self.quotas.get_mut(&account) {
            let accepted = quota.accepted;
            if !quota.observe_outcome(id, in_flight.len(), settlement.outcome) {
                failure = Some(self.failure(id, &in_flight, accepted));
            }
        }
        if give_back && let Some(quota) = self.quotas.get_mut(&account) {
            quota.give_back(id);
        }
        self.update_quota(&account, id, settlement, now);
        let mut settled = Settled::default();
        if open {
            settled = self.settle_tokens(&in_flight, group, (settlement.outcome, failure), now);
            let failed = [BatchOutcome::Failed, BatchOutcome::TooLarge, BatchOutcome::Unknown];
            for index in in_flight.into_iter().filter(|_| charged && failed.contains(&settlement.outcome)) {
                self.tokens[index].failed_in = id;
            }
        } else if settlement.outcome == BatchOutcome::Accepted {
            let pending: Vec<usize> =
                carried.into_iter().filter(|index| self.tokens[*index].state.pending()).collect();
            settled.accepted = self.set_state(&pending, State::Accepted, now);
        }
        let event = Event::Answer {
            batch: id,
            verdict: settlement.verdict.into(),
            status: settlement.status,
            request_id: settlement.request_id.clone(),
            message: settlement.message.clone(),
            became: settled.counts(),
        };
        self.record(&event, at);
        self.record_erased(Some(id), settled.accepted + settled.dead, at);
        Some(settled)
    }

    fn update_quota(&mut self, account: &Account, id: u64, settlement: &Settlement, now: i64) {
        let Some(quota) = self.quotas.get_mut(account) else { return };
        quota.observe_clock(now);
        quota.finish(id, now);
        quota.apply_rate_limit(&settlement.rate_limit, now);
        match settlement.hold {
            Some(hold) => quota.hold(millis(hold), now),
            None if matches!(settlement.outcome, BatchOutcome::Accepted | BatchOutcome::Invalid) => {
                quota.strikes = 0;
            }
            None => {}
        }
    }

    fn settle_tokens(
        &mut self,
        in_flight: &[usize],
        group: Group,
        (outcome, failure): (BatchOutcome, Option<Failure>),
        now: i64,
    ) -> Settled {
        let mut settled = Settled::default();
        match outcome {
            BatchOutcome::Accepted => {
                settled.accepted = self.set_state(in_flight, State::Accepted, now);
                let due =
                    self.sibling(group).map_or(Vec::new(), |sibling| self.due_in_group(in_flight, sibling));
                if bisect::after_accepted(due.len()) == Step::HalveSibling {
                    self.halve(&due);
                }
            }
            BatchOutcome::Dead => settled.dead = self.set_state(in_flight, State::Dead, now),
            BatchOutcome::Invalid => {
                self.unlink_sibling(group);
                if bisect::after_invalid(in_flight.len()) == Step::Refuse {
                    settled.refused = self.set_state(in_flight, State::Refused, now);
                } else {
                    settled.waiting = self.set_state(in_flight, State::Queued, now);
                    self.halve(in_flight);
                }
            }
            BatchOutcome::Returned
            | BatchOutcome::NotSent
            | BatchOutcome::Failed
            | BatchOutcome::TooLarge
            | BatchOutcome::Unknown => {
                let state = if outcome == BatchOutcome::Unknown { State::Sent } else { State::Queued };
                settled.waiting = self.set_state(in_flight, state, now);
                if failure.is_some_and(|failure| bisect::after_failed(&failure) == Step::Halve) {
                    self.unlink_sibling(group);
                    self.halve(in_flight);
                }
            }
        }
        settled
    }

    fn set_state(&mut self, indices: &[usize], state: State, now: i64) -> u64 {
        for index in indices {
            let token = &mut self.tokens[*index];
            (token.state, token.at, token.batch) = (state, now, None);
            if !state.keeps_text() {
                token.sealed = None;
            }
        }
        indices.len() as u64
    }
}

/// A batch that is about to be opened.
struct NewBatch<'a> {
    account: Account,
    charged: bool,
    call: &'static str,
    owner: u64,
    group: Group,
    indices: &'a [usize],
    lease: i64,
}
