//! Tokens that no batch takes: each revokes itself (GitHub's installation tokens, `ghs_`). The request is authenticated by
//! the token and takes no slot of the quota; it is written down, paced and audited like any other.

use super::{EndReason, RevokeError, Run, batch_request};
use crate::backoff;
use crate::ledger::{BatchOutcome, BatchRequest, Intent, Next, Page, Payload, Settlement};
use crate::provider::Outcome;
use crate::revocation::RateLimit;
use crate::token::Fingerprint;

/// How many are looked up at a time.
const PAGE: usize = 100;

/// How many in a row may bring trouble or no response: then it is not the tokens.
const MAX_TROUBLED: u32 = 3;

impl Run<'_> {
    /// Gives every token that waits and revokes itself one turn; `before` is what the run has come to so far, and what comes
    /// out unless something worse happened here.
    pub(super) fn send_self_revoking(&mut self, before: EndReason) -> Result<EndReason, RevokeError> {
        if self.self_revoking_done || before == EndReason::Interrupted {
            return Ok(before);
        }
        self.self_revoking_done = true;
        let (mut kept, mut troubled) = (0, 0);
        loop {
            let page = Page { skip: kept, limit: PAGE };
            let due = self.context.ledger.due(&self.limits.host, &self.limits.self_kinds, page)?;
            if due.is_empty() {
                return Ok(before);
            }
            for row in due {
                if self.context.cancel.is_cancelled() {
                    return Ok(EndReason::Interrupted);
                }
                match self.send_until_decided(row.fingerprint)? {
                    Turn::Gone => troubled = 0,
                    Turn::Kept => (kept, troubled) = (kept + 1, 0),
                    Turn::Troubled => (kept, troubled) = (kept + 1, troubled + 1),
                }
                if troubled == MAX_TROUBLED {
                    return Ok(if before == EndReason::Done { EndReason::Trouble } else { before });
                }
            }
        }
    }

    /// One token's turn, with the tries it takes.
    fn send_until_decided(&mut self, fingerprint: Fingerprint) -> Result<Turn, RevokeError> {
        let mut failures = 0;
        loop {
            let clock = self.context.clock;
            let request = BatchRequest {
                payload: Payload::SelfRevoking(fingerprint),
                ..batch_request(&self.limits, self.options)
            };
            let intent = match self.context.ledger.intend(&request, &|| clock.now())? {
                // Another process has it in a request.
                Next::Nothing | Next::Later { .. } => return Ok(Turn::Gone),
                Next::Send(intent) => intent,
            };
            let outcome = self.send_self(&intent)?;
            self.sleep(self.options.min_interval);
            match outcome {
                Some(Outcome::Accepted) | None => return Ok(Turn::Gone),
                Some(Outcome::Trouble | Outcome::Unknown) => {
                    failures += 1;
                    if failures > self.options.retries || self.context.cancel.is_cancelled() {
                        return Ok(Turn::Troubled);
                    }
                    self.sleep(backoff::pause(failures, backoff::random()));
                }
                // The response concerns this token only: the others have their turn, this one waits for another run.
                Some(_) => return Ok(Turn::Kept),
            }
        }
    }

    fn send_self(&mut self, intent: &Intent) -> Result<Option<Outcome>, RevokeError> {
        let tokens = self.open(&intent.tokens)?;
        let Some(token) = tokens.into_iter().next() else {
            self.settle(intent.batch, &super::send::unsent())?;
            return Ok(None);
        };
        self.context.progress.request();
        let response = self.context.revoker.revoke_self(&token);
        let settlement = self.settlement_of(&response, 0);
        let outcome = match (settlement.outcome, response.status) {
            // The token did not authenticate itself any more: it was dead before.
            (BatchOutcome::Accepted, Some(401)) => BatchOutcome::Dead,
            // No batch, nothing to bisect, and no documented response: it waits.
            (BatchOutcome::Invalid, _) => BatchOutcome::Returned,
            (outcome, _) => outcome,
        };
        // Limits in this response are the token's own.
        let settlement = Settlement { outcome, rate_limit: RateLimit::default(), hold: None, ..settlement };
        let settled = self.settle(intent.batch, &settlement)?;
        self.context.progress.settled(settled);
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
}
