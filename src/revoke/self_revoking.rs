//! Tokens that no batch takes: each revokes itself (GitHub's installation tokens, `ghs_`). The request is authenticated by
//! the token and takes no slot of the quota; it is written down, paced, held back and audited like any other. Some go at
//! once, as many as the provider allows: else each round trip would take its time from the pace.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{EndReason, Options, RevokeError, Run, batch_request};
use crate::backoff;
use crate::ledger::{BatchOutcome, BatchRequest, Intent, Next, Page, Payload, Settlement, WaitReason};
use crate::provider::{Limits, Outcome, RevokeResponse};
use crate::revocation::RateLimit;
use crate::token::{Fingerprint, Token};

/// How many are looked up at a time.
const PAGE: usize = 100;

/// How many in a row may bring trouble or no response: then it is not the tokens.
const MAX_TROUBLED: u32 = 3;

/// How many in a row may be turned away: then it is not the tokens, but a limit in words that nobody here knows.
const MAX_DENIED: u32 = 5;

impl Run<'_> {
    /// Gives every token that waits and revokes itself its turn, and waits for the server where the run may wait.
    pub(super) fn finish_self_revoking(&mut self, before: EndReason) -> Result<EndReason, RevokeError> {
        loop {
            let end = self.send_self_revoking(before)?;
            match self.self_revoking.held_until {
                Some(at) if before == EndReason::Done && self.may_wait_until(at) => self.pause_until(at),
                _ => return Ok(end),
            }
            if self.context.cancel.is_cancelled() {
                return Ok(EndReason::Interrupted);
            }
        }
    }

    /// Gives every token that waits and revokes itself one turn, until the server wants no more of them; `before` is what
    /// the run has come to so far, and what comes out unless something worse happened here.
    pub(super) fn send_self_revoking(&mut self, before: EndReason) -> Result<EndReason, RevokeError> {
        if self.self_revoking.done || before == EndReason::Interrupted {
            return Ok(before);
        }
        let end = self.take_turns()?;
        self.self_revoking.done = !matches!(end, EndReason::Later(_));
        Ok(if before == EndReason::Done || end == EndReason::Interrupted { end } else { before })
    }

    fn take_turns(&mut self) -> Result<EndReason, RevokeError> {
        self.self_revoking.held_until = None;
        self.count_self_revoking()?;
        let mut turns = Turns::default();
        loop {
            if self.context.cancel.is_cancelled() {
                return Ok(EndReason::Interrupted);
            }
            let mut tokens = self.next_of(&mut turns)?;
            let admitted = self.bound.admitted(&tokens);
            if admitted < tokens.len() {
                turns.kept.extend(tokens.drain(admitted..));
                turns.put_back(tokens);
                if admitted > 0 {
                    continue;
                }
                return Ok(EndReason::Done);
            }
            if tokens.is_empty() {
                return Ok(EndReason::Done);
            }
            let clock = self.context.clock;
            let request = request_for(&tokens, &self.limits, self.options);
            match self.context.ledger.intend(&request, &|| clock.now())? {
                Next::Later { at, reason: WaitReason::Server } => {
                    self.self_revoking.held_until = Some(at);
                    return Ok(EndReason::Later(WaitReason::Server));
                }
                Next::Later { at, reason: WaitReason::Interval } => {
                    turns.put_back(tokens);
                    self.pause_until(at);
                }
                // Another process has them in requests.
                Next::Nothing | Next::Later { .. } | Next::Send(_) => {}
                Next::SendEach(intents) => {
                    let outcomes = self.send_each(intents)?;
                    let failures = turns.decide(outcomes, self.options.retries);
                    if failures > 0 {
                        self.sleep(backoff::pause(failures, backoff::random()));
                    }
                }
            }
            if turns.troubled >= MAX_TROUBLED {
                return Ok(EndReason::Trouble);
            }
            if self.self_revoking.denied >= MAX_DENIED {
                return Ok(EndReason::Denied);
            }
        }
    }

    /// The next tokens: as many as may revoke themselves at once where all went well before, else one, for what it meets the
    /// others would meet, too.
    fn next_of(&self, turns: &mut Turns) -> Result<Vec<Fingerprint>, RevokeError> {
        if turns.next.is_empty() {
            let page = Page { skip: turns.kept.len(), limit: PAGE };
            let due = self.context.ledger.due(&self.limits.host, &self.limits.self_kinds, page)?;
            let due = due.into_iter().map(|row| row.fingerprint);
            turns.next.extend(due.filter(|token| !turns.kept.contains(token)));
        }
        let most = if turns.all_well { self.limits.self_parallel.max(1) } else { 1 };
        let count = most.min(turns.next.len());
        Ok(turns.next.drain(..count).collect())
    }

    fn count_self_revoking(&self) -> Result<(), RevokeError> {
        if !self.limits.self_kinds.is_empty() {
            let waiting = self.context.ledger.waiting(&self.limits.host)?;
            let ours = waiting.iter().filter(|(kind, _)| self.limits.self_kinds.contains(kind));
            self.context.progress.self_revoking(ours.map(|(_, tokens)| tokens).sum());
        }
        Ok(())
    }

    /// Sends what is written down, and writes down what came of each.
    fn send_each(&mut self, intents: Vec<Intent>) -> Result<Vec<(Fingerprint, Outcome)>, RevokeError> {
        let (mut sent, mut tokens) = (Vec::new(), Vec::new());
        for intent in intents {
            match self.open(&intent.tokens)?.pop() {
                Some(token) => {
                    sent.push(intent);
                    tokens.push(token);
                }
                None => drop(self.settle(&intent, &super::send::unsent())?),
            }
        }
        let responses = self.context.revoker.revoke_each(&tokens);
        let outcomes =
            tokens.iter().map(Token::fingerprint).zip(responses.iter().map(|response| response.outcome));
        let outcomes = outcomes.collect();
        let mut settlements: Vec<Settlement> = Vec::new();
        for (intent, response) in sent.iter().zip(&responses) {
            settlements.push(self.settlement_of_one(response, intent.strikes));
        }
        for index in in_order_of_holds(&mut settlements) {
            let settled = self.settle(&sent[index], &settlements[index])?;
            self.context.progress.settled(settled);
            self.context.progress.self_revoked(settled);
            if settled.accepted + settled.refused + settled.dead > 0 {
                self.bound.finish(sent[index].tokens.iter().map(|token| token.fingerprint));
            }
        }
        for ((token, response), settlement) in tokens.into_iter().zip(responses).zip(settlements) {
            match response.outcome {
                Outcome::Accepted
                    if settlement.outcome != BatchOutcome::Accepted || !self.options.confirm => {}
                Outcome::Accepted => self.accepted.push(token),
                _ => self.message = Some(settlement.message),
            }
        }
        Ok(outcomes)
    }

    /// What the ledger is to write down about the response to one token.
    fn settlement_of_one(&mut self, response: &RevokeResponse, strikes: u32) -> Settlement {
        if response.outcome.left() {
            self.context.progress.request();
        }
        let settlement = self.settlement_of(response, strikes);
        let denied = response.outcome == Outcome::Denied;
        self.self_revoking.denied = if denied { self.self_revoking.denied + 1 } else { 0 };
        let now = self.context.clock.now();
        let unworded = (self.self_revoking.denied == MAX_DENIED)
            .then(|| backoff::server_wait(Outcome::SecondaryLimit, &response.limit, strikes, now));
        let outcome = match (settlement.outcome, response.status) {
            // The token did not authenticate itself any more: it was dead before.
            (BatchOutcome::Accepted, Some(401)) => BatchOutcome::Dead,
            // No batch, nothing to bisect, and no documented response: it waits.
            (BatchOutcome::Invalid, _) => BatchOutcome::Returned,
            (outcome, _) => outcome,
        };
        // What the headers count is the token's own; that the server wants to be left alone is not.
        let hold = unworded.flatten().or(settlement.hold);
        Settlement { outcome, rate_limit: RateLimit::default(), hold, ..settlement }
    }
}

/// What to ask the ledger for. As many requests at once take up as much time as one after the other: what a minute may hold
/// stays the same. No method of [`Run`], whose ledger must be free to be borrowed meanwhile.
fn request_for<'a>(tokens: &'a [Fingerprint], limits: &'a Limits, options: &Options) -> BatchRequest<'a> {
    let parallel = u32::try_from(limits.self_parallel.max(1)).unwrap_or(u32::MAX);
    BatchRequest {
        payload: Payload::SelfRevoking(tokens),
        min_interval: limits.self_interval.saturating_mul(parallel),
        ..batch_request(limits, options)
    }
}

/// Requests that left together meet a limit together: it is one, and the longest wait is the one to remember. The order in
/// which they are to be written down, that one last: what was taken beside it takes nothing back.
fn in_order_of_holds(settlements: &mut [Settlement]) -> Vec<usize> {
    let longest = (0..settlements.len())
        .filter(|index| settlements[*index].hold.is_some())
        .max_by_key(|index| settlements[*index].hold);
    let mut order: Vec<usize> = (0..settlements.len()).filter(|index| Some(*index) != longest).collect();
    for index in &order {
        settlements[*index].hold = None;
    }
    order.extend(longest);
    order
}

/// Whose turn it is.
#[derive(Default)]
struct Turns {
    /// Those that come next.
    next: VecDeque<Fingerprint>,
    /// Those that had their turn and wait for another run. They come first in the ledger's order.
    kept: HashSet<Fingerprint>,
    /// How often each brought trouble or no response.
    failures: HashMap<Fingerprint, u32>,
    /// How many in a row wait for another run because of that.
    troubled: u32,
    /// Whether the last ones were all taken.
    all_well: bool,
}

impl Turns {
    /// They come next, in this order.
    fn put_back(&mut self, tokens: Vec<Fingerprint>) {
        for token in tokens.into_iter().rev() {
            self.next.push_front(token);
        }
    }

    /// Takes note of what came of some, and returns how often one of those has failed that are tried again.
    fn decide(&mut self, outcomes: Vec<(Fingerprint, Outcome)>, retries: u32) -> u32 {
        let (mut again, mut most) = (Vec::new(), 0);
        self.all_well = outcomes.iter().all(|(_, outcome)| *outcome == Outcome::Accepted);
        for (token, outcome) in outcomes {
            match outcome {
                Outcome::Accepted => self.troubled = 0,
                // It is in the ledger now, and the next request brings the wait.
                Outcome::PrimaryLimit | Outcome::SecondaryLimit | Outcome::Spammed => again.push(token),
                Outcome::Trouble | Outcome::Unknown | Outcome::NotSent => {
                    let failures = self.failures.entry(token).or_default();
                    *failures += 1;
                    if *failures > retries {
                        self.kept.insert(token);
                        self.troubled += 1;
                    } else {
                        most = most.max(*failures);
                        again.push(token);
                    }
                }
                Outcome::Unexpected | Outcome::Blocked => {
                    self.kept.insert(token);
                    self.troubled += 1;
                }
                // The response concerns this token only: the others have their turn, this one waits for another run.
                Outcome::Denied | Outcome::Invalid => {
                    self.kept.insert(token);
                    self.troubled = 0;
                }
            }
        }
        self.put_back(again);
        most
    }
}
