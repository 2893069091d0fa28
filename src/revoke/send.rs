//! One batch: opened, sent, settled.

use super::{RevokeError, Run};
use crate::backoff;
use crate::ledger::{
    BatchId, BatchOutcome, Heard, Intent, LedgerError, SealedToken, Selection, Settled, Settlement,
    StateChange,
};
use crate::provider::{Answer, Verdict};
use crate::revocation::{Batch, State};
use crate::text::redacted;
use crate::token::{Fingerprint, Kind, Token};

/// How many bytes of a server's words are kept.
const MESSAGE_MAX: usize = 500;

/// How often to try to write an answer down while others hold the ledger: each try waits for them.
const SETTLE_TRIES: u32 = 3;

impl Run<'_> {
    /// Sends a batch that is written down. `None` if nothing of it could be opened.
    pub(super) fn send(&mut self, intent: &Intent) -> Result<Option<Verdict>, RevokeError> {
        let tokens = self.open(&intent.rows)?;
        let Some(batch) = Batch::new(&tokens) else {
            self.settle(intent.batch, &unsent())?;
            return Ok(None);
        };
        self.context.progress.request();
        let answer = self.context.revoker.revoke(&batch);
        let settled = self.settle(intent.batch, &self.judge(&answer, intent.strikes))?;
        self.context.progress.settled(settled);
        let verdict = answer.verdict;
        match verdict {
            Verdict::Accepted if self.options.confirm => self.taken.extend(tokens),
            Verdict::Accepted | Verdict::Invalid => {}
            _ => self.message = Some(redacted(&answer.message, MESSAGE_MAX)),
        }
        Ok(Some(verdict))
    }

    /// Opens sealed tokens. What does not open was changed by somebody: it is taken out of the queue, where it would stand
    /// in the way for ever, and can be queued anew by the next scan that finds it.
    pub(super) fn open(&mut self, rows: &[SealedToken]) -> Result<Vec<Token>, RevokeError> {
        let mut damaged: Vec<Fingerprint> = Vec::new();
        let mut tokens = Vec::with_capacity(rows.len());
        for row in rows {
            match self.context.seal.open(row.kind, row.fingerprint, &row.sealed) {
                Ok(token) => tokens.push(token),
                Err(broken) => damaged.push(broken.0),
            }
        }
        if !damaged.is_empty() {
            let marked = self.mark(&damaged, State::Held, "its sealed text does not open")?;
            self.context.progress.damaged(marked);
        }
        Ok(tokens)
    }

    pub(super) fn mark(
        &mut self,
        tokens: &[Fingerprint],
        state: State,
        reason: &str,
    ) -> Result<u64, LedgerError> {
        let mark = StateChange { host: &self.limits.host, pick: Selection::Tokens(tokens), state, reason };
        let clock = self.context.clock;
        self.context.ledger.mark(&mark, &|| clock.now())
    }

    /// What an answer to a batch is to the ledger.
    pub(super) fn judge(&self, answer: &Answer, strikes: u32) -> Settlement {
        let fate = match answer.verdict {
            Verdict::Accepted => BatchOutcome::Accepted,
            Verdict::Invalid => BatchOutcome::Invalid,
            Verdict::Unknown => BatchOutcome::Unknown,
            Verdict::Spammed
            | Verdict::PrimaryLimit
            | Verdict::SecondaryLimit
            | Verdict::Denied
            | Verdict::Trouble => BatchOutcome::Returned,
        };
        let said = &answer.limit;
        Settlement {
            fate,
            verdict: word(answer.verdict),
            status: answer.status,
            request_id: answer.request_id.as_deref().map(|id| redacted(id, 128)),
            message: redacted(&answer.message, MESSAGE_MAX),
            heard: Heard {
                limit: said.limit,
                remaining: said.remaining,
                reset: said.reset.map(jiff::Timestamp::as_millisecond),
            },
            hold: backoff::patience(answer.verdict, said, strikes, self.context.clock.now()),
        }
    }

    /// Writes an answer down. Others may be writing for long; an answer is worth waiting for.
    pub(super) fn settle(&mut self, batch: BatchId, settlement: &Settlement) -> Result<Settled, RevokeError> {
        let clock = self.context.clock;
        let mut tries = 0;
        loop {
            tries += 1;
            match self.context.ledger.settle(batch, settlement, &|| clock.now()) {
                Ok(settled) => return Ok(settled),
                Err(LedgerError::Locked { .. }) if tries < SETTLE_TRIES => {}
                Err(source) => {
                    let verdict = settlement.verdict;
                    return Err(RevokeError::Unwritten { batch: batch.0, verdict, source });
                }
            }
        }
    }
}

/// The settlement of a batch of which nothing was left to send.
pub(super) fn unsent() -> Settlement {
    Settlement {
        fate: BatchOutcome::Returned,
        verdict: "unsent",
        status: None,
        request_id: None,
        message: String::new(),
        heard: Heard::default(),
        hold: None,
    }
}

/// Whether a token's life can be asked about: a refresh token cannot, without spending it.
pub(super) fn askable(kind: Kind) -> bool {
    !matches!(kind, Kind::Refresh | Kind::Other)
}

/// The word the trail has for a verdict.
const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Accepted => "accepted",
        Verdict::Invalid => "invalid",
        Verdict::Spammed => "spammed",
        Verdict::PrimaryLimit => "primary-limit",
        Verdict::SecondaryLimit => "secondary-limit",
        Verdict::Denied => "denied",
        Verdict::Trouble => "trouble",
        Verdict::Unknown => "unknown",
    }
}
