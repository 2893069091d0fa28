//! Asking whether tokens live, before and after: one question a token at a time, paced, none of them on the quota.

use std::time::Duration;

use jiff::Timestamp;

use super::send::askable;
use super::{EndReason, RevokeError, Run, Wait, ask_of};
use crate::ledger::{Page, WaitReason};
use crate::provider::Liveness;
use crate::revocation::{MAX_BATCH, State};
use crate::token::{Fingerprint, Token};

/// After so many questions in a row that proved nothing, asking on is an annoyance: GitHub also answers so to somebody who
/// has shown too many bad credentials.
const SILENT: u32 = 5;

/// How long to wait before each round of questions: revoking is asynchronous and takes a while.
const ROUNDS: [Duration; 6] = [
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    Duration::from_secs(32),
    Duration::from_mins(1),
];

impl Run<'_> {
    /// Asks about the tokens that would go next, each once a run, and marks the dead ones. While nothing can go nobody is
    /// asked, for what lives now may be dead by then: what stands in the way comes back instead.
    pub(super) fn verify_due(&mut self) -> Result<Option<(Timestamp, WaitReason)>, RevokeError> {
        loop {
            let page = Page { skip: 0, limit: MAX_BATCH };
            let due = self.context.ledger.due(&self.limits.host, &self.limits.kinds, page)?;
            let new: Vec<_> = due
                .into_iter()
                .filter(|row| askable(row.kind) && !self.checked.contains(&row.fingerprint))
                .collect();
            if new.is_empty() || self.silent >= SILENT {
                return Ok(None);
            }
            let (ask, clock) = (ask_of(&self.limits, self.options), self.context.clock);
            let standing = self.context.ledger.host_status(&ask, &|| clock.now())?;
            if let (Some(at), Some(why @ (WaitReason::Quota | WaitReason::Server))) =
                (standing.next_slot, standing.wait_reason)
            {
                return Ok(Some((at, why)));
            }
            self.checked.extend(new.iter().map(|row| row.fingerprint));
            let tokens = self.open(&new)?;
            let dead = self.dead_among(&tokens);
            let marked = self.mark(&dead, State::Dead, "it was dead when asked before sending")?;
            self.context.progress.dead(marked);
            if self.context.cancel.is_cancelled() {
                return Ok(None);
            }
        }
    }

    /// Asks about the tokens that were taken, in rounds, until they are dead or there is no use in asking on.
    pub(super) fn confirm(&mut self, ended: EndReason) -> Result<EndReason, RevokeError> {
        let mut open: Vec<Token> = std::mem::take(&mut self.taken);
        open.retain(|token| askable(token.kind()));
        self.silent = 0;
        for pause in ROUNDS {
            if open.is_empty() || self.silent >= SILENT || self.late() {
                break;
            }
            self.sleep(pause);
            let dead = self.dead_among(&open);
            let marked = self.mark(&dead, State::Confirmed, "it was dead when asked after sending")?;
            self.context.progress.confirmed(marked);
            open.retain(|token| !dead.contains(&token.fingerprint()));
            if self.context.cancel.is_cancelled() {
                return Ok(EndReason::Interrupted);
            }
        }
        Ok(ended)
    }

    /// Whether the time the run was given is over.
    fn late(&self) -> bool {
        match self.options.wait {
            Wait::AtMost(length) => {
                self.start.saturating_add(length).is_ok_and(|end| self.context.clock.now() > end)
            }
            Wait::No | Wait::Forever => false,
        }
    }

    fn dead_among(&mut self, tokens: &[Token]) -> Vec<Fingerprint> {
        let mut dead = Vec::new();
        for token in tokens {
            if self.context.cancel.is_cancelled() || self.silent >= SILENT {
                break;
            }
            self.context.progress.check();
            match self.context.revoker.liveness(token) {
                Liveness::Dead => {
                    dead.push(token.fingerprint());
                    self.silent = 0;
                }
                Liveness::Alive => self.silent = 0,
                Liveness::Unknown => self.silent += 1,
            }
            self.sleep(self.options.min_interval);
        }
        dead
    }
}
