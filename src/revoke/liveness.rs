//! Liveness checks before and after sending: one token at a time, paced, none of them on the quota.

use std::time::Duration;

use jiff::Timestamp;

use super::{EndReason, RevokeError, Run, Wait, batch_request};
use crate::ledger::{Page, WaitReason};
use crate::provider::Liveness;
use crate::revocation::State;
use crate::token::{Fingerprint, Token};

/// After so many checks in a row that proved nothing, the rest are left out: GitHub answers so to clients that have shown
/// too many bad credentials, too.
/// <https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api#failed-login-limit>
const MAX_UNANSWERED: u32 = 5;

/// The pause before each round of checks after sending: revoking is asynchronous and takes a while.
const CONFIRM_PAUSES: [Duration; 6] = [
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    Duration::from_secs(32),
    Duration::from_mins(1),
];

impl Run<'_> {
    /// Checks the tokens that would go next, each once a run, and marks the dead ones. While nothing can be sent nothing is
    /// checked, for what is alive now may be dead by then: until when and why nothing can be sent comes back instead.
    pub(super) fn verify_due(&mut self) -> Result<Option<(Timestamp, WaitReason)>, RevokeError> {
        loop {
            let page = Page { skip: 0, limit: self.limits.max_batch };
            let due = self.context.ledger.due(&self.limits.host, &self.limits.batch_kinds, page)?;
            let new: Vec<_> = due
                .into_iter()
                .filter(|row| row.kind.can_check_liveness() && !self.checked.contains(&row.fingerprint))
                .collect();
            if new.is_empty() || self.unanswered >= MAX_UNANSWERED {
                return Ok(None);
            }
            let (request, clock) = (batch_request(&self.limits, self.options), self.context.clock);
            let status = self.context.ledger.host_status(&request, &|| clock.now())?;
            if let (Some(at), Some(why @ (WaitReason::Quota | WaitReason::Server))) =
                (status.next_slot, status.wait_reason)
            {
                return Ok(Some((at, why)));
            }
            self.checked.extend(new.iter().map(|row| row.fingerprint));
            let tokens = self.open(&new)?;
            let (dead, alive) = self.ask_about(&tokens);
            self.context.progress.unasked((tokens.len() - dead.len() - alive.len()) as u64);
            let marked = self.mark(&dead, State::Dead, "it was dead when asked before sending")?;
            self.context.progress.dead(marked);
            if self.context.cancel.is_cancelled() {
                return Ok(None);
            }
        }
    }

    /// Checks the tokens that were accepted, in rounds, until they are dead or checking on is of no use.
    pub(super) fn confirm(&mut self, end: EndReason) -> Result<EndReason, RevokeError> {
        let mut alive: Vec<Token> = std::mem::take(&mut self.accepted);
        alive.retain(|token| token.kind().can_check_liveness());
        self.unanswered = 0;
        let mut seen_alive = 0;
        for pause in CONFIRM_PAUSES {
            if alive.is_empty() || self.unanswered >= MAX_UNANSWERED || self.is_late() {
                break;
            }
            self.sleep(pause);
            let (dead, still_alive) = self.ask_about(&alive);
            seen_alive = still_alive.len();
            let marked = self.mark(&dead, State::Confirmed, "it was dead when asked after sending")?;
            self.context.progress.confirmed(marked);
            alive.retain(|token| !dead.contains(&token.fingerprint()));
            if self.context.cancel.is_cancelled() {
                break;
            }
        }
        self.context.progress.alive(seen_alive as u64);
        self.context.progress.unasked((alive.len() - seen_alive) as u64);
        Ok(if self.context.cancel.is_cancelled() { EndReason::Interrupted } else { end })
    }

    /// Whether the time the run was given is over.
    fn is_late(&self) -> bool {
        match self.options.wait {
            Wait::AtMost(length) => {
                self.start.saturating_add(length).is_ok_and(|end| self.context.clock.now() > end)
            }
            Wait::No | Wait::Forever => false,
        }
    }

    /// Asks about each token, and returns which are dead and which are alive. Of the others nothing is known.
    fn ask_about(&mut self, tokens: &[Token]) -> (Vec<Fingerprint>, Vec<Fingerprint>) {
        let (mut dead, mut alive) = (Vec::new(), Vec::new());
        for token in tokens {
            if self.context.cancel.is_cancelled() || self.unanswered >= MAX_UNANSWERED {
                break;
            }
            self.context.progress.liveness_check();
            match self.context.revoker.liveness(token) {
                Liveness::Dead => {
                    dead.push(token.fingerprint());
                    self.unanswered = 0;
                }
                Liveness::Alive => {
                    alive.push(token.fingerprint());
                    self.unanswered = 0;
                }
                Liveness::Unknown => self.unanswered += 1,
            }
            self.sleep(self.options.min_interval);
        }
        (dead, alive)
    }
}
