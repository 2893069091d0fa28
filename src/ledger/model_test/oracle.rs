//! What the promises mean, independent of how ledgers keep them: checked on operations and their results only.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::input::{IDENTITIES, LEASE, PER_HOUR};
use crate::ledger::audit::Verifier;
use crate::ledger::intent::SELF_REVOKING;
use crate::ledger::settlement::KeptAnswer;
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
    /// Its lease has not run out yet; once it has, it does not come back with the clock.
    leased: bool,
    /// Its process still lives and has asked for no other request since.
    alive: bool,
    /// Its process died, and has kept the answer.
    crashed: bool,
    /// It was given up, before an answer came.
    lost: bool,
    /// The answer that the ledger does not have, and when it came.
    pub(super) kept: Option<KeptAnswer>,
}

impl InFlight {
    /// Whether its lease is over: by how long the machine has run since, where that is known, else by the clock.
    fn is_expired(&self, clock: i64, ran: Option<i64>) -> bool {
        let lease = i64::try_from(LEASE.as_millis()).expect("short");
        match ran {
            Some(elapsed) => elapsed - self.left >= lease,
            None => !(self.at - lease..self.at + lease).contains(&clock),
        }
    }
}

#[derive(Default)]
pub(super) struct Oracle {
    /// Time that seems to have passed: real time, and, where no uptime is known, every jump of the clock forward, which
    /// cannot be distinguished from it. Jumps back take nothing away: by this time no slot may be freed too early.
    elapsed: i64,
    /// Whether the ledgers are told how long the machine has run.
    uptime_is_known: bool,
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
    pub(super) fn new(uptime_is_known: bool) -> Self {
        Oracle { uptime_is_known, ..Oracle::default() }
    }

    /// Time passes, until the clock shows this.
    pub(super) fn pass(&mut self, ms: i64, clock: i64) {
        self.elapsed += ms;
        self.end_leases(clock);
    }

    /// How long the machine has run, where that is known: the time that has passed, then.
    fn ran(&self) -> Option<i64> {
        self.uptime_is_known.then_some(self.elapsed)
    }

    fn end_leases(&mut self, clock: i64) {
        let ran = self.ran();
        for request in &mut self.in_flight {
            request.leased &= !request.is_expired(clock, ran);
        }
    }

    /// The clock is set, to this.
    pub(super) fn jump(&mut self, ms: i64, clock: i64) {
        if !self.uptime_is_known {
            self.elapsed += ms.max(0);
        }
        self.end_leases(clock);
        if ms < 0 {
            // The server's reset was a time by the old clock.
            self.remaining.clear();
        }
    }

    pub(super) fn crash(&mut self, process: usize) {
        // No process is left to settle them, except by the answers that were kept.
        self.in_flight.retain(|request| request.process != process || request.kept.is_some());
        for request in self.in_flight.iter_mut().filter(|request| request.process == process) {
            (request.alive, request.crashed) = (false, true);
        }
    }

    /// A request whose process can settle it.
    pub(super) fn take(&mut self, index: usize) -> Option<InFlight> {
        let living: Vec<usize> =
            (0..self.in_flight.len()).filter(|index| !self.in_flight[*index].crashed).collect();
        let last = living.len().checked_sub(1)?;
        Some(self.in_flight.remove(living[index.min(last)]))
    }

    /// A request whose process can keep the answer.
    pub(super) fn answered(&mut self, index: usize) -> Option<&mut InFlight> {
        let waiting = |request: &&mut InFlight| request.alive && request.kept.is_none();
        self.in_flight.iter_mut().filter(waiting).nth(index)
    }

    /// What becomes of the requests in flight when this process asks for another: those whose answers were kept are
    /// settled by them, the others given up.
    pub(super) fn taken_over(&mut self, process: usize, clock: i64) -> Vec<InFlight> {
        let (mut settled, mut left, ran) = (Vec::new(), Vec::new(), self.ran());
        for mut request in std::mem::take(&mut self.in_flight) {
            let gone = request.crashed || request.process == process;
            let expired = request.is_expired(clock, ran) && !request.lost;
            if request.kept.is_some() && (gone || expired) {
                settled.push(request);
            } else {
                request.lost |= gone || expired;
                left.push(request);
            }
        }
        self.in_flight = left;
        // One's own first, then those of the dead.
        settled.sort_by_key(|request| {
            (request.crashed || request.process != process, !request.crashed, request.id)
        });
        settled
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
        self.check_exclusive(&tokens);
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
            leased: true,
            alive: true,
            crashed: false,
            lost: false,
            kept: None,
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
    fn check_exclusive(&self, tokens: &[Fingerprint]) {
        let others = self.in_flight.iter().filter(|request| request.alive && request.leased);
        for other in others {
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
