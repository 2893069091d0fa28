//! Installation tokens (`ghs_`): no batch takes them, each ends itself. The request is authenticated by the token and takes no
//! slot of the quota; it is written down, paced and audited like any other.

use super::{EndReason, RevokeError, Run, ask_of};
use crate::backoff;
use crate::ledger::{BatchOutcome, BatchRequest, Intent, Next, Page, Payload, Settlement};
use crate::provider::Verdict;
use crate::revocation::RateLimit;
use crate::token::{Fingerprint, Kind};

/// How many are looked up at a time.
const PAGE: usize = 100;

/// How many in a row may bring trouble or silence: then it is not the tokens.
const TROUBLED: u32 = 3;

impl Run<'_> {
    /// Gives every installation token that waits one turn; `before` is what the run has come to so far, and what comes out
    /// unless something worse happened here.
    pub(super) fn end_installations(&mut self, before: EndReason) -> Result<EndReason, RevokeError> {
        if self.alone_done || before == EndReason::Interrupted {
            return Ok(before);
        }
        self.alone_done = true;
        let (mut kept, mut troubled) = (0, 0);
        loop {
            let page = Page { skip: kept, limit: PAGE };
            let due = self.context.ledger.due(&self.limits.host, &[Kind::AppInstallation], page)?;
            if due.is_empty() {
                return Ok(before);
            }
            for row in due {
                if self.context.cancel.is_cancelled() {
                    return Ok(EndReason::Interrupted);
                }
                match self.end_installation(row.fingerprint)? {
                    Turn::Gone => troubled = 0,
                    Turn::Kept => (kept, troubled) = (kept + 1, 0),
                    Turn::Troubled => (kept, troubled) = (kept + 1, troubled + 1),
                }
                if troubled == TROUBLED {
                    return Ok(if before == EndReason::Done { EndReason::Trouble } else { before });
                }
            }
        }
    }

    /// One token's turn, with the tries it takes.
    fn end_installation(&mut self, fingerprint: Fingerprint) -> Result<Turn, RevokeError> {
        let mut failures = 0;
        loop {
            let clock = self.context.clock;
            let ask = BatchRequest {
                payload: Payload::SelfRevoking(fingerprint),
                ..ask_of(&self.limits, self.options)
            };
            let intent = match self.context.ledger.intend(&ask, &|| clock.now())? {
                // Somebody else has it in hand.
                Next::Nothing | Next::Later { .. } => return Ok(Turn::Gone),
                Next::Send(intent) => intent,
            };
            let verdict = self.send_alone(&intent)?;
            self.sleep(self.options.min_interval);
            match verdict {
                Some(Verdict::Accepted) | None => return Ok(Turn::Gone),
                Some(Verdict::Trouble | Verdict::Unknown) => {
                    failures += 1;
                    if failures > self.options.retries || self.context.cancel.is_cancelled() {
                        return Ok(Turn::Troubled);
                    }
                    self.sleep(backoff::pause(failures, backoff::roll()));
                }
                // What the server said concerns this token: the others have their turn, this one waits for another run.
                Some(_) => return Ok(Turn::Kept),
            }
        }
    }

    fn send_alone(&mut self, intent: &Intent) -> Result<Option<Verdict>, RevokeError> {
        let tokens = self.open(&intent.tokens)?;
        let Some(token) = tokens.into_iter().next() else {
            self.settle(intent.batch, &super::send::unsent())?;
            return Ok(None);
        };
        self.context.progress.request();
        let answer = self.context.revoker.end_installation(&token);
        let judged = self.judge(&answer, 0);
        let outcome = match (judged.outcome, answer.status) {
            // It could not even show itself: it was dead before.
            (BatchOutcome::Accepted, Some(401)) => BatchOutcome::Dead,
            // No batch, nothing to halve, and no documented answer: it waits.
            (BatchOutcome::Invalid, _) => BatchOutcome::Returned,
            (outcome, _) => outcome,
        };
        // Limits in this answer are the token's own.
        let settlement = Settlement { outcome, rate_limit: RateLimit::default(), hold: None, ..judged };
        let settled = self.settle(intent.batch, &settlement)?;
        self.context.progress.settled(settled);
        if answer.verdict == Verdict::Accepted {
            if outcome == BatchOutcome::Accepted && self.options.confirm {
                self.taken.push(token);
            }
        } else {
            self.message = Some(settlement.message);
        }
        Ok(Some(answer.verdict))
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
