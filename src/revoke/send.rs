//! One batch: opened, sent, settled.

use std::collections::BTreeMap;

use super::outcome::Unwritten;
use super::{RevokeError, Run, Sent};
use crate::backoff;
use crate::ledger::{
    BatchOutcome, Intent, LedgerError, SealedToken, Selection, Settled, Settlement, StateChange,
};
use crate::provider::{Outcome, RevokeResponse};
use crate::revocation::{Batch, RateLimit, State};
use crate::text::redacted;
use crate::token::{Fingerprint, Token};

/// How many bytes of a server's message are kept.
const MESSAGE_MAX: usize = 500;

/// What is said of kinds that a host turned away without having told what it takes.
const PROBED: &str =
    "it did not tell its release, and does not take these kinds now; nothing is decided by that";

impl Run<'_> {
    /// Sends a batch that is written down. `None` if nothing of it could be opened.
    pub(super) fn send(&mut self, intent: &Intent) -> Result<Option<Sent>, RevokeError> {
        let tokens = self.open(&intent.tokens)?;
        let Some(batch) = Batch::new(&tokens) else {
            self.settle(intent, &unsent())?;
            return Ok(None);
        };
        let response = self.context.revoker.revoke(&batch);
        if response.outcome.left() {
            self.context.progress.request();
        }
        let mut settlement = self.settlement_of(&response, intent.strikes);
        let probed = self.probing && response.outcome == Outcome::Invalid;
        if probed {
            settlement.outcome = BatchOutcome::Returned;
            self.message = Some(PROBED.to_owned());
        }
        let settled = self.settle(intent, &settlement)?;
        self.context.progress.settled(settled);
        if settled.accepted + settled.refused + settled.dead > 0 {
            self.bound.finish(intent.tokens.iter().map(|token| token.fingerprint));
        }
        let outcome = response.outcome;
        match outcome {
            Outcome::Accepted if self.options.confirm => self.accepted.extend(tokens),
            Outcome::Accepted | Outcome::Invalid => {}
            _ => self.message = Some(redacted(&response.message, MESSAGE_MAX)),
        }
        Ok(Some(match outcome {
            Outcome::Invalid if probed => Sent::Denied,
            Outcome::Denied if settlement.outcome == BatchOutcome::Returned => Sent::Denied,
            Outcome::Unexpected | Outcome::Blocked => Sent::Troubled,
            Outcome::NotSent => Sent::Unable,
            Outcome::Denied | Outcome::Trouble | Outcome::Unknown => Sent::Failed,
            // Where the server asked to wait, the ledger holds the next request back.
            _ => Sent::Settled,
        }))
    }

    /// Whether a single token failed for the second time in a run in which the server took others. What failed goes behind
    /// all others, so nothing else is left that did not fail since, and another try would only cost a slot.
    pub(super) fn has_failed_alone(&mut self, intent: &Intent) -> bool {
        match intent.tokens.as_slice() {
            [token] => {
                let again = !self.failed_alone.insert(token.fingerprint);
                again && self.context.progress.read().accepted > 0
            }
            _ => false,
        }
    }

    /// Opens sealed tokens. What does not open was changed by somebody: it is taken out of the queue, where it would
    /// block it for ever, and can be queued anew by the next scan that finds it.
    pub(super) fn open(&mut self, rows: &[SealedToken]) -> Result<Vec<Token>, RevokeError> {
        let mut damaged: Vec<Fingerprint> = Vec::new();
        let mut tokens = Vec::with_capacity(rows.len());
        for row in rows {
            match self.context.opener.open(row.kind, row.fingerprint, &row.sealed) {
                Ok(token) => tokens.push(token),
                Err(broken) => damaged.push(broken.fingerprint()),
            }
        }
        if !damaged.is_empty() {
            let marked = self.mark(&damaged, State::Held, "its sealed text does not open")?;
            self.context.progress.damaged(marked);
        }
        self.screen(tokens)
    }

    /// Those of the opened tokens that may leave. The others are set aside, each with the reason why.
    fn screen(&mut self, tokens: Vec<Token>) -> Result<Vec<Token>, RevokeError> {
        let Some(screen) = self.context.screen else { return Ok(tokens) };
        let fingerprints: Vec<Fingerprint> = tokens.iter().map(Token::fingerprint).collect();
        let records = self.context.ledger.tokens(&self.limits.host, &fingerprints)?;
        let mut leave = Vec::with_capacity(tokens.len());
        let mut aside: BTreeMap<(State, &str), Vec<Fingerprint>> = BTreeMap::new();
        for (token, record) in tokens.into_iter().zip(records) {
            // What has no record any more was not queued by anybody.
            let why = match &record {
                Some(record) => screen.sets_aside(&token, record),
                None => Some((State::Held, "its row is not in the ledger")),
            };
            match why {
                Some(why) => aside.entry(why).or_default().push(token.fingerprint()),
                None => leave.push(token),
            }
        }
        for ((state, reason), tokens) in aside {
            let marked = self.mark(&tokens, state, reason)?;
            self.context.progress.set_aside(marked);
        }
        Ok(leave)
    }

    pub(super) fn mark(
        &mut self,
        tokens: &[Fingerprint],
        state: State,
        reason: &str,
    ) -> Result<u64, LedgerError> {
        let change =
            StateChange { host: &self.limits.host, selection: Selection::Tokens(tokens), state, reason };
        let clock = self.context.clock;
        self.context.ledger.change_state(&change, &|| clock.now())
    }

    /// What the ledger is to write down about a response.
    pub(super) fn settlement_of(&self, response: &RevokeResponse, strikes: u32) -> Settlement {
        Settlement {
            hold: backoff::server_wait(response.outcome, &response.limit, strikes, self.context.clock.now()),
            ..settlement(response)
        }
    }

    /// Writes the answer to a batch down, however long the ledger cannot be used: it is kept first, and a run that cannot wait
    /// any longer leaves it to the next.
    pub(super) fn settle(
        &mut self,
        intent: &Intent,
        settlement: &Settlement,
    ) -> Result<Settled, RevokeError> {
        let clock = self.context.clock;
        let kept = self.context.ledger.keep_answer(intent.batch, settlement, &|| clock.now());
        let settled = self.context.ledger.settle(intent.batch, settlement, &|| clock.now());
        settled.map_err(|source| {
            RevokeError::Unwritten(Box::new(Unwritten {
                batch: intent.batch.0,
                tokens: intent.tokens.len(),
                accepted: settlement.outcome == BatchOutcome::Accepted,
                verdict: settlement.verdict.clone().into_owned(),
                request_id: settlement.request_id.clone(),
                kept: kept.is_ok(),
                source,
            }))
        })
    }
}

/// What the ledger is to write down about a response, but for the wait that it asks for.
pub(super) fn settlement(response: &RevokeResponse) -> Settlement {
    Settlement {
        outcome: batch_outcome(response),
        verdict: response.outcome.as_str().into(),
        status: response.status,
        request_id: response.request_id.as_deref().map(|id| redacted(id, 128)),
        message: redacted(&response.message, MESSAGE_MAX),
        rate_limit: response.limit,
        hold: None,
    }
}

/// What a response means for the tokens of its batch.
fn batch_outcome(response: &RevokeResponse) -> BatchOutcome {
    match response.outcome {
        Outcome::Accepted => BatchOutcome::Accepted,
        Outcome::Invalid => BatchOutcome::Invalid,
        Outcome::Unknown => BatchOutcome::Unknown,
        // GitHub has one sentence for invalid entries and for too many calls.
        Outcome::Spammed => BatchOutcome::Failed,
        Outcome::NotSent | Outcome::Blocked => BatchOutcome::NotSent,
        Outcome::PrimaryLimit | Outcome::SecondaryLimit | Outcome::Unexpected => BatchOutcome::Returned,
        Outcome::Denied | Outcome::Trouble => match response.status {
            Some(413) => BatchOutcome::TooLarge,
            status if is_about_content(status) => BatchOutcome::Failed,
            _ => BatchOutcome::Returned,
        },
    }
}

/// Whether something that a request carried may be the reason for a status, so that another request may fare better:
/// a server that fails, or a 4xx that is about neither credential nor address (RFC 9110, section 15.5).
fn is_about_content(status: Option<u16>) -> bool {
    match status {
        None | Some(401..=405 | 407 | 410 | 421 | 426 | 429 | 451) => false,
        Some(status) => status >= 400,
    }
}

/// The settlement of a batch of which nothing was left to send.
pub(super) fn unsent() -> Settlement {
    Settlement {
        outcome: BatchOutcome::NotSent,
        verdict: "unsent".into(),
        status: None,
        request_id: None,
        message: String::new(),
        rate_limit: RateLimit::default(),
        hold: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_about_content_is_a_reason_to_try_others() {
        for status in [400, 406, 408, 409, 411, 413, 415, 422, 425, 431, 500, 502, 503, 504, 600] {
            assert!(is_about_content(Some(status)), "{status}");
        }
        for status in [101, 202, 302, 399, 401, 402, 403, 404, 405, 407, 410, 421, 426, 429, 451] {
            assert!(!is_about_content(Some(status)), "{status}");
        }
        assert!(!is_about_content(None));
    }

    #[test]
    fn each_response_decides_about_its_batch() {
        use BatchOutcome::{Accepted, Failed, Invalid, NotSent, Returned, TooLarge, Unknown};
        for (outcome, status, decided) in [
            (Outcome::Accepted, Some(202), Accepted),
            (Outcome::Invalid, Some(422), Invalid),
            (Outcome::Unknown, None, Unknown),
            (Outcome::Spammed, Some(422), Failed),
            (Outcome::NotSent, None, NotSent),
            (Outcome::Blocked, None, NotSent),
            (Outcome::PrimaryLimit, Some(403), Returned),
            (Outcome::SecondaryLimit, Some(429), Returned),
            (Outcome::Unexpected, Some(302), Returned),
            (Outcome::Denied, Some(413), TooLarge),
            (Outcome::Denied, Some(400), Failed),
            (Outcome::Denied, Some(404), Returned),
            (Outcome::Trouble, Some(502), Failed),
            (Outcome::Trouble, Some(401), Returned),
            (Outcome::Trouble, None, Returned),
        ] {
            let response = RevokeResponse::without_status(outcome, String::new());
            assert_eq!(
                batch_outcome(&RevokeResponse { status, ..response }),
                decided,
                "{outcome:?} {status:?}"
            );
        }
    }
}
