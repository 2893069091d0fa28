//! Liveness checks before and after sending: one token at a time, paced, none of them on the quota.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;

use super::{EndReason, RevokeError, Run, Wait, status_request};
use crate::ledger::{Page, WaitReason};
use crate::provider::Liveness;
use crate::revocation::{Grants, State};
use crate::token::{Fingerprint, Token};

/// After so many checks in a row that proved nothing, the rest are left out: GitHub answers so to clients that have shown
/// too many bad credentials, too.
/// <https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api#failed-login-limit>
const MAX_UNANSWERED: u32 = 5;

/// After so many checks, what they have shown is written down: at one a second, a crash costs less than a minute of them.
const KEPT_AT_A_TIME: usize = 50;

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
            let page = Page { skip: 0, limit: self.bound.room(self.limits.max_batch) };
            let due = self.context.ledger.due(&self.limits.host, &self.limits.batch_kinds, page)?;
            let (new, never): (Vec<_>, Vec<_>) = due
                .into_iter()
                .filter(|row| !self.checked.contains(&row.fingerprint))
                .partition(|row| row.kind.can_check_liveness());
            let unasked = if self.unanswered >= MAX_UNANSWERED { &new[..] } else { &[] };
            self.proofs.unverified.extend(never.iter().chain(unasked).map(|row| row.fingerprint));
            if new.is_empty() || self.unanswered >= MAX_UNANSWERED {
                return Ok(None);
            }
            let (request, clock) = (status_request(&self.limits), self.context.clock);
            let status = self.context.ledger.host_status(&request, &|| clock.now())?;
            if let (Some(at), Some(why @ (WaitReason::Quota | WaitReason::Server))) =
                (status.next_slot, status.wait_reason)
            {
                return Ok(Some((at, why)));
            }
            self.checked.extend(new.iter().map(|row| row.fingerprint));
            for some in self.open(&new)?.chunks(KEPT_AT_A_TIME) {
                self.verify(some)?;
                if self.context.cancel.is_cancelled() {
                    return Ok(None);
                }
            }
        }
    }

    /// Asks about tokens, marks the dead ones, keeps what the living ones tell and counts those that told nothing.
    fn verify(&mut self, tokens: &[Token]) -> Result<(), RevokeError> {
        let Asked { dead, alive } = self.ask(tokens);
        self.keep(&alive)?;
        let marked = self.mark(&dead, State::Dead, "it was dead when asked before sending")?;
        self.context.progress.dead(marked);
        self.bound.finish(dead.iter().copied());
        // Of an interrupted run nothing goes any more.
        if !self.context.cancel.is_cancelled() {
            let proved: HashSet<_> = dead.iter().chain(alive.iter().map(|(token, _)| token)).collect();
            let unproved = tokens.iter().map(Token::fingerprint).filter(|token| !proved.contains(token));
            self.proofs.unverified.extend(unproved);
        }
        Ok(())
    }

    /// Keeps what living tokens told: nobody can ask them once they are revoked.
    fn keep(&mut self, alive: &[(Fingerprint, Grants)]) -> Result<(), RevokeError> {
        let (host, clock) = (&self.limits.host, self.context.clock);
        if !alive.is_empty() {
            self.context.ledger.keep_grants(host, alive, &|| clock.now())?;
        }
        Ok(())
    }

    /// Checks the tokens that were accepted, in rounds, until they are dead or checking on is of no use.
    pub(super) fn confirm(&mut self, end: EndReason) -> Result<EndReason, RevokeError> {
        let accepted = std::mem::take(&mut self.accepted);
        let (mut left, never): (Vec<Token>, Vec<Token>) =
            accepted.into_iter().partition(|token| token.kind().can_check_liveness());
        let mut alive: HashSet<Fingerprint> = HashSet::new();
        self.unanswered = 0;
        for pause in CONFIRM_PAUSES {
            let cancelled = self.context.cancel.is_cancelled();
            if left.is_empty() || self.unanswered >= MAX_UNANSWERED || self.is_late() || cancelled {
                break;
            }
            self.sleep(pause);
            let asked = self.ask(&left);
            let marked = self.mark(&asked.dead, State::Confirmed, "it was dead when asked after sending")?;
            self.context.progress.confirmed(marked);
            let dead: HashSet<Fingerprint> = asked.dead.into_iter().collect();
            left.retain(|token| !dead.contains(&token.fingerprint()));
            self.keep(&asked.alive)?;
            alive.extend(asked.alive.into_iter().map(|(token, _)| token));
        }
        let still_alive = left.iter().filter(|token| alive.contains(&token.fingerprint())).count() as u64;
        self.proofs.still_alive = still_alive;
        self.proofs.unconfirmed = (left.len() + never.len()) as u64 - still_alive;
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

    fn ask(&mut self, tokens: &[Token]) -> Asked {
        let mut asked = Asked::default();
        for token in tokens {
            if self.context.cancel.is_cancelled() || self.unanswered >= MAX_UNANSWERED {
                break;
            }
            self.context.progress.liveness_check();
            match self.context.revoker.liveness(token) {
                Liveness::Dead => {
                    asked.dead.push(token.fingerprint());
                    self.unanswered = 0;
                }
                Liveness::Alive(grants) => {
                    asked.alive.push((token.fingerprint(), grants));
                    self.unanswered = 0;
                }
                Liveness::Unknown => self.unanswered += 1,
            }
            self.sleep(self.options.min_interval);
        }
        asked
    }
}

/// What asking about the life of some tokens has shown; of the others it showed nothing.
#[derive(Debug, Default)]
struct Asked {
    dead: Vec<Fingerprint>,
    alive: Vec<(Fingerprint, Grants)>,
}
