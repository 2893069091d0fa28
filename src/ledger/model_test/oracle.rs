//! What the promises mean, independent of how ledgers keep them: checked on operations and their results only.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::input::{IDENTITIES, LEASE, PER_HOUR};
use crate::ledger::audit::Verifier;
use crate::ledger::intent::SELF_REVOKING;
use crate::ledger::{BatchId, BatchOutcome, Intent, Settlement};
use crate::token::Fingerprint;

const WINDOW: i64 = 3_600_000;

/// A request that left and has no response yet.
#[derive(Clone, Debug)]
pub(super) struct InFlight {
    pub(super) process: usize,
    pub(super) id: BatchId,
    tokens: Vec<Fingerprint>,
    /// When it left, by the clock.
    at: i64,
    /// The same in elapsed time.
    left: i64,
    charged: bool,
    /// Its process still lives and has asked for no other request since.
    alive: bool,
}

#[derive(Default)]
pub(super) struct Oracle {
    /// Time that seems to have passed: real time, and every jump of the clock forward, which cannot be distinguished from it.
    /// Jumps back take nothing away: by this time no slot may be freed too early.
    elapsed: i64,
    pub(super) queued: HashSet<Fingerprint>,
    pub(super) accepted: HashSet<Fingerprint>,
    /// Got a state outside of a batch.
    pub(super) changed: HashSet<Fingerprint>,
    /// In a batch that was invalid or dead.
    pub(super) rejected: HashSet<Fingerprint>,
    /// Whether a batch ever failed: its tokens go by themselves since.
    failed: bool,
    pub(super) ever_sent: HashSet<Fingerprint>,
    in_flight: Vec<InFlight>,
    /// Charged requests by identity, in elapsed time.
    requests: HashMap<&'static str, Vec<i64>>,
    /// No request before then, in elapsed time.
    holds: HashMap<&'static str, i64>,
    /// How many requests remain, as the server reported it, and until when by the clock.
    remaining: HashMap<&'static str, (u32, i64)>,
    pub(super) trail: Vec<String>,
    verifier: Verifier,
}

impl Oracle {
    pub(super) fn pass(&mut self, ms: i64) {
        self.elapsed += ms;
    }

    pub(super) fn jump(&mut self, ms: i64) {
        self.elapsed += ms.max(0);
        if ms < 0 {
            // The server's reset was a time by the old clock.
            self.remaining.clear();
        }
    }

    pub(super) fn crash(&mut self, process: usize) {
        // No process is left to settle them.
        self.in_flight.retain(|request| request.process != process);
    }

    pub(super) fn take(&mut self, index: usize) -> Option<InFlight> {
        let last = self.in_flight.len().checked_sub(1)?;
        Some(self.in_flight.remove(index.min(last)))
    }

    /// A process that asks for the next request has abandoned its last one.
    pub(super) fn asks_for_request(&mut self, process: usize) {
        self.in_flight
            .iter_mut()
            .filter(|request| request.process == process)
            .for_each(|request| request.alive = false);
    }

    /// A request leaves; `pending` tokens waited before.
    pub(super) fn sent(
        &mut self,
        process: usize,
        intent: &Intent,
        charged: bool,
        (clock, pending): (i64, u64),
    ) {
        let tokens: Vec<Fingerprint> = intent.tokens.iter().map(|token| token.fingerprint).collect();
        let identity = IDENTITIES[process];
        assert!((1..=1000).contains(&tokens.len()), "promise 3: {} tokens", tokens.len());
        assert!(
            intent.tokens.iter().all(|token| token.sealed == token.fingerprint.0[..20]),
            "another's sealed bytes"
        );
        for token in &tokens {
            assert!(self.queued.contains(token), "it was never queued");
            assert!(!self.accepted.contains(token), "promise 2: sent after it was accepted");
        }
        self.check_exclusive(&tokens, clock);
        if charged {
            self.check_quota(identity);
            self.check_server_limit(identity, clock);
            let others = self.in_flight.iter().any(|request| request.alive);
            if self.rejected.is_empty() && !self.failed && !others && pending != u64::MAX {
                assert_eq!(tokens.len() as u64, pending.min(1000), "promise 3: a batch was not filled");
            }
        }
        if !charged {
            let hold = self.holds.get(SELF_REVOKING).copied().unwrap_or_default();
            assert!(self.elapsed >= hold, "promise 4: {} ms too early", hold - self.elapsed);
        }
        self.ever_sent.extend(&tokens);
        self.in_flight.push(InFlight {
            process,
            id: intent.batch,
            tokens,
            at: clock,
            left: self.elapsed,
            charged,
            alive: true,
        });
    }

    /// A request without tokens left, or surely did not.
    pub(super) fn called(&mut self, process: usize, left: bool, clock: i64) {
        let identity = IDENTITIES[process];
        self.check_quota(identity);
        self.check_server_limit(identity, clock);
        if !left {
            self.give_back(identity, self.elapsed);
        }
    }

    /// Promise 1.
    fn check_quota(&mut self, identity: &'static str) {
        let requests = self.requests.entry(identity).or_default();
        requests.push(self.elapsed);
        let within = requests.iter().filter(|at| **at > self.elapsed - WINDOW).count();
        assert!(within <= PER_HOUR as usize, "promise 1: {within} requests within an hour");
        if let [.., before, last] = requests[..] {
            assert!(last - before >= 1000, "no pause between two requests");
        }
    }

    /// Promise 4.
    fn check_server_limit(&mut self, identity: &'static str, clock: i64) {
        let hold = self.holds.get(identity).copied().unwrap_or_default();
        assert!(self.elapsed >= hold, "promise 4: {} ms too early", hold - self.elapsed);
        if let Some((remaining, until)) = self.remaining.get_mut(identity)
            && clock < *until
        {
            assert!(*remaining > 0, "promise 4: nothing remained");
            *remaining -= 1;
        }
    }

    /// While nothing fails and no lease is over, no token is in two requests at once.
    fn check_exclusive(&self, tokens: &[Fingerprint], clock: i64) {
        let lease = i64::try_from(LEASE.as_millis()).expect("short");
        let others = self.in_flight.iter().filter(|request| request.alive);
        for other in others.filter(|other| (other.at - lease..other.at + lease).contains(&clock)) {
            let both = tokens.iter().filter(|token| other.tokens.contains(token)).count();
            assert_eq!(both, 0, "sent while another living process has them under way");
        }
    }

    pub(super) fn settled(&mut self, batch: &InFlight, settlement: &Settlement, clock: i64) {
        match settlement.outcome {
            // Those that were changed meanwhile are not in the batch any more.
            BatchOutcome::Accepted => {
                let accepted = batch.tokens.iter().filter(|token| !self.changed.contains(*token));
                // Rejected in another batch since: this response came late.
                let accepted: Vec<_> =
                    accepted.filter(|token| !self.rejected.contains(*token)).copied().collect();
                self.accepted.extend(accepted);
            }
            BatchOutcome::Invalid | BatchOutcome::Dead => self.rejected.extend(&batch.tokens),
            BatchOutcome::Failed | BatchOutcome::TooLarge | BatchOutcome::Unknown => self.failed = true,
            BatchOutcome::Returned | BatchOutcome::NotSent => {}
        }
        let identity = if batch.charged { IDENTITIES[batch.process] } else { SELF_REVOKING };
        if batch.charged && settlement.outcome == BatchOutcome::NotSent {
            self.give_back(identity, batch.left);
        }
        if let Some(hold) = settlement.hold {
            let until = self.elapsed + i64::try_from(hold.as_millis()).expect("short");
            let latest = self.holds.entry(identity).or_default();
            *latest = until.max(*latest);
        }
        if !batch.charged {
            return;
        }
        let (remaining, reset) = (settlement.rate_limit.remaining, settlement.rate_limit.reset);
        if let (Some(remaining), Some(reset)) = (remaining, reset.map(Timestamp::as_millisecond))
            && reset > clock
        {
            // A window is an hour, whatever the server says.
            self.remaining.insert(identity, (remaining, reset.min(clock + WINDOW)));
        }
    }

    /// What never left was no request, and the server did not count it.
    fn give_back(&mut self, identity: &'static str, left: i64) {
        let requests = self.requests.entry(identity).or_default();
        if let Some(index) = requests.iter().rposition(|at| *at == left) {
            requests.remove(index);
        }
        if let Some((remaining, _)) = self.remaining.get_mut(identity) {
            *remaining += 1;
        }
    }

    /// Promise 5: new records continue the chain of those read before.
    pub(super) fn read(&mut self, lines: Vec<String>) {
        for line in &lines {
            self.verifier.check(line).expect("promise 5");
        }
        self.trail.extend(lines);
    }
}
