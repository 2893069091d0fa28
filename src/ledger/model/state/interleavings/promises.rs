//! What must not happen, and what must.

use std::collections::HashSet;

use super::world::{Budget, Checked, Flight, MAX_BATCH, SLOTS, TICK, Tokens, World};
use crate::ledger::quota::WINDOW_MS;
use crate::ledger::{BatchOutcome, Intent, Next};
use crate::revocation::State;

fn tokens(intent: &Intent) -> Tokens {
    intent.tokens.iter().fold(0, |set, token| set | 1 << token.fingerprint.0[0])
}

impl World {
    /// A request leaves: what it must not be.
    pub(super) fn sent(&mut self, owner: usize, intent: &Intent) -> Checked {
        let broken = |what: &str| Err(format!("{what}: {} tokens", intent.tokens.len()));
        let tokens = tokens(intent);
        if !(1..=MAX_BATCH).contains(&intent.tokens.len()) || tokens & !self.queued != 0 {
            return broken("promise 3");
        }
        if tokens & self.accepted != 0 {
            return broken("promise 2, sent after it was accepted");
        }
        // While its lease runs, nobody else has what a living owner has under way.
        let mut leased = self.flights.iter().flatten().filter(|other| other.leased);
        if leased.any(|other| other.tokens & tokens != 0) {
            return broken("promise 2, in two requests at once");
        }
        let identity = self.identity(owner);
        if self.elapsed < self.held_until[identity] {
            return broken("promise 4, before the server's time");
        }
        let requests = &mut self.requests[identity];
        requests.retain(|at| *at > self.elapsed - WINDOW_MS);
        requests.push(self.elapsed);
        if requests.len() > SLOTS as usize {
            return broken("promise 1, one request too many");
        }
        self.flights[owner] =
            Some(Flight { batch: intent.batch.0, tokens, at: self.clock, left: self.elapsed, leased: true });
        Ok(())
    }

    /// What holds in every state.
    pub(super) fn check(&self) -> Checked {
        for token in &self.state.tokens {
            let bit = 1 << token.fingerprint.0[0];
            let (accepted, rejected) = (self.accepted & bit != 0, self.rejected & bit != 0);
            match token.state {
                State::Accepted if accepted || rejected => {}
                State::Refused if rejected => {}
                State::Queued | State::Sent if !accepted && token.sealed.is_some() => {}
                state => return Err(format!("promise 2, {state}: accepted {accepted}, rejected {rejected}")),
            }
        }
        Ok(())
    }

    /// All that waits gets through: one owner goes on, the server answers it, and time passes. The others keep what they
    /// have under way, and say nothing any more.
    pub(super) fn drains(&self, drained: &mut HashSet<u128>) -> Checked {
        let mut world = self.clone();
        world.budget = Budget { crashes: 0, troubles: 0, jumps: 0, finds: 0, ..world.budget };
        let mut way = Vec::new();
        // Each request takes one token at the least; the hour ends, a hold and two leases.
        for _ in 0..60 {
            let key = world.key();
            if drained.contains(&key) {
                drained.extend(way);
                return Ok(());
            }
            way.push(key);
            world.flights[0] = None;
            match world.intend(0)? {
                Next::Nothing => {
                    world.check()?;
                    if world.state.tokens.iter().any(|token| token.state.pending()) {
                        return Err("promise 2, something waits, and there is nothing to do".to_owned());
                    }
                    drained.extend(way);
                    return Ok(());
                }
                Next::SendEach(_) => unreachable!("no request for one comes here"),
                // Asked again no sooner than another's request may be over.
                Next::Later { at, .. } => world.pass((at.as_millisecond() - world.clock).max(TICK)),
                Next::Send(_) => world.settle(0, BatchOutcome::Accepted, None),
            }
        }
        Err("promise 2, what waits does not get through".to_owned())
    }
}
