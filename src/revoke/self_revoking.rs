//! Tokens that no batch takes: each revokes itself (GitHub's installation tokens, `ghs_`). The request is authenticated by
//! the token and takes no slot of the quota; it is written down, paced, held back and audited like any other.

use jiff::Timestamp;

use super::{EndReason, RevokeError, Run, batch_request};
use crate::backoff;
use crate::ledger::{BatchOutcome, BatchRequest, Intent, Next, Page, Payload, Settlement, WaitReason};
use crate::provider::Outcome;
use crate::revocation::RateLimit;
use crate::token::Fingerprint;

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
        let (mut kept, mut troubled) = (0, 0);
        loop {
            let page = Page { skip: kept, limit: PAGE };
            let due = self.context.ledger.due(&self.limits.host, &self.limits.self_kinds, page)?;
            if due.is_empty() {
                return Ok(EndReason::Done);
            }
            for row in due {
                if self.context.cancel.is_cancelled() {
                    return Ok(EndReason::Interrupted);
                }
                match self.send_until_decided(row.fingerprint)? {
                    Turn::Gone => troubled = 0,
                    Turn::Kept => (kept, troubled) = (kept + 1, 0),
                    Turn::Troubled => (kept, troubled) = (kept + 1, troubled + 1),
                    Turn::Held(at) => {
                        self.self_revoking.held_until = Some(at);
                        return Ok(EndReason::Later(WaitReason::Server));
                    }
                }
                if troubled == MAX_TROUBLED {
                    return Ok(EndReason::Trouble);
                }
                if self.self_revoking.denied == MAX_DENIED {
                    return Ok(EndReason::Denied);
                }
            }
        }
    }

    fn count_self_revoking(&self) -> Result<(), RevokeError> {
        if !self.limits.self_kinds.is_empty() {
            let waiting = self.context.ledger.waiting(&self.limits.host)?;
            let ours = waiting.iter().filter(|(kind, _)| self.limits.self_kinds.contains(kind));
            self.context.progress.self_revoking(ours.map(|(_, tokens)| tokens).sum());
        }
        Ok(())
    }

    /// One token's turn, with the tries it takes.
    fn send_until_decided(&mut self, fingerprint: Fingerprint) -> Result<Turn, RevokeError> {
        let mut failures = 0;
        loop {
            let clock = self.context.clock;
            let request = BatchRequest {
                payload: Payload::SelfRevoking(fingerprint),
                min_interval: self.limits.self_interval,
                ..batch_request(&self.limits, self.options)
            };
            let intent = match self.context.ledger.intend(&request, &|| clock.now())? {
                Next::Later { at, reason: WaitReason::Server } => return Ok(Turn::Held(at)),
                Next::Later { at, reason: WaitReason::Interval } => {
                    if self.context.cancel.is_cancelled() {
                        return Ok(Turn::Kept);
                    }
                    self.pause_until(at);
                    continue;
                }
                // Another process has it in a request.
                Next::Nothing | Next::Later { .. } => return Ok(Turn::Gone),
                Next::Send(intent) => intent,
            };
            match self.send_self(&intent)? {
                Some(Outcome::Accepted) | None => return Ok(Turn::Gone),
                // It is in the ledger now, and the next request brings the wait.
                Some(Outcome::PrimaryLimit | Outcome::SecondaryLimit | Outcome::Spammed) => {}
                Some(Outcome::Trouble | Outcome::Unknown | Outcome::NotSent) => {
                    failures += 1;
                    if failures > self.options.retries || self.context.cancel.is_cancelled() {
                        return Ok(Turn::Troubled);
                    }
                    self.sleep(backoff::pause(failures, backoff::random()));
                }
                Some(Outcome::Unexpected | Outcome::Blocked) => return Ok(Turn::Troubled),
                // The response concerns this token only: the others have their turn, this one waits for another run.
                Some(Outcome::Denied | Outcome::Invalid) => return Ok(Turn::Kept),
            }
        }
    }

    fn send_self(&mut self, intent: &Intent) -> Result<Option<Outcome>, RevokeError> {
        let tokens = self.open(&intent.tokens)?;
        let Some(token) = tokens.into_iter().next() else {
            self.settle(intent, &super::send::unsent())?;
            return Ok(None);
        };
        let response = self.context.revoker.revoke_self(&token);
        if response.outcome.left() {
            self.context.progress.request();
        }
        let settlement = self.settlement_of(&response, intent.strikes);
        let denied = response.outcome == Outcome::Denied;
        self.self_revoking.denied = if denied { self.self_revoking.denied + 1 } else { 0 };
        let now = self.context.clock.now();
        let unworded = (self.self_revoking.denied == MAX_DENIED)
            .then(|| backoff::server_wait(Outcome::SecondaryLimit, &response.limit, intent.strikes, now));
        let outcome = match (settlement.outcome, response.status) {
            // The token did not authenticate itself any more: it was dead before.
            (BatchOutcome::Accepted, Some(401)) => BatchOutcome::Dead,
            // No batch, nothing to bisect, and no documented response: it waits.
            (BatchOutcome::Invalid, _) => BatchOutcome::Returned,
            (outcome, _) => outcome,
        };
        // What the headers count is the token's own; that the server wants to be left alone is not.
        let hold = unworded.flatten().or(settlement.hold);
        let settlement = Settlement { outcome, rate_limit: RateLimit::default(), hold, ..settlement };
        let settled = self.settle(intent, &settlement)?;
        self.context.progress.settled(settled);
        self.context.progress.self_revoked(settled);
        if response.outcome == Outcome::Accepted {
            if outcome == BatchOutcome::Accepted && self.options.confirm {
                self.accepted.push(token);
            }
        } else {
            self.message = Some(settlement.message);
        }
        Ok(Some(response.outcome))
    }
}

/// What became of a token's turn.
enum Turn {
    /// It waits no longer.
    Gone,
    /// It waits for another run.
    Kept,
    /// It waits, and the server or the way to it is in trouble.
    Troubled,
    /// It waits, and so do the others: the server wants none of them before then.
    Held(Timestamp),
}
