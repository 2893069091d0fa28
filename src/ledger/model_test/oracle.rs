//! What the promises mean, kept apart from how ledgers keep them: only what was asked and what came out is looked at.

use std::collections::{HashMap, HashSet};

use super::{IDENTITIES, LEASE, PER_HOUR};
use crate::ledger::{BatchId, BatchOutcome, Intent, Settlement, Verifier};
use crate::token::Fingerprint;

const WINDOW: i64 = 3_600_000;

/// A batch that left and has no answer yet.
#[derive(Clone, Debug)]
pub(super) struct Left {
    pub(super) who: usize,
    pub(super) id: BatchId,
    tokens: Vec<Fingerprint>,
    /// When by the clock.
    at: i64,
    charged: bool,
    /// Its process still lives and has asked for nothing else since.
    alive: bool,
}

#[derive(Default)]
pub(super) struct Oracle {
    /// Time that seems to have passed: real time, and every jump of the clock forward, which cannot be told from it.
    /// Jumps back take nothing away: this is the time by which no slot may be free early.
    elapsed: i64,
    pub(super) queued: HashSet<Fingerprint>,
    pub(super) accepted: HashSet<Fingerprint>,
    pub(super) marked: HashSet<Fingerprint>,
    /// In a batch that was called invalid or dead.
    pub(super) judged: HashSet<Fingerprint>,
    pub(super) ever_sent: HashSet<Fingerprint>,
    left: Vec<Left>,
    /// Charged requests by identity, in elapsed time.
    requests: HashMap<&'static str, Vec<i64>>,
    /// Left alone until then, in elapsed time.
    holds: HashMap<&'static str, i64>,
    /// What the server said remains, and until when by the clock.
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
            // What the server meant by a time of day is not to be known any more.
            self.remaining.clear();
        }
    }

    pub(super) fn crash(&mut self, who: usize) {
        // Nobody is left to bring an answer.
        self.left.retain(|left| left.who != who);
    }

    pub(super) fn pick(&mut self, which: usize) -> Option<Left> {
        let last = self.left.len().checked_sub(1)?;
        Some(self.left.remove(which.min(last)))
    }

    /// A process that asks for the next request has given up its last one.
    pub(super) fn asks(&mut self, who: usize) {
        self.left.iter_mut().filter(|left| left.who == who).for_each(|left| left.alive = false);
    }

    /// A request leaves.
    pub(super) fn sent(&mut self, who: usize, intent: &Intent, charged: bool, (clock, pending): (i64, u64)) {
        let tokens: Vec<Fingerprint> = intent.rows.iter().map(|row| row.fingerprint).collect();
        let identity = IDENTITIES[who];
        assert!((1..=1000).contains(&tokens.len()), "promise 3: {} tokens", tokens.len());
        assert!(
            intent.rows.iter().all(|row| row.sealed == row.fingerprint.0[..20]),
            "another's sealed bytes"
        );
        for token in &tokens {
            assert!(self.queued.contains(token), "nobody queued it");
            assert!(!self.accepted.contains(token), "promise 2: sent after it was accepted");
        }
        self.nobody_else_has(&tokens, clock);
        if charged {
            self.slot(identity);
            self.patience(identity, clock);
            let rivals = self.left.iter().any(|left| left.alive);
            if self.judged.is_empty() && !rivals && pending != u64::MAX {
                assert_eq!(tokens.len() as u64, pending.min(1000), "promise 3: a batch was not filled");
            }
        }
        self.ever_sent.extend(&tokens);
        self.left.push(Left { who, id: intent.batch, tokens, at: clock, charged, alive: true });
    }

    /// Promise 1.
    fn slot(&mut self, identity: &'static str) {
        let requests = self.requests.entry(identity).or_default();
        requests.push(self.elapsed);
        let within = requests.iter().filter(|at| **at > self.elapsed - WINDOW).count();
        assert!(within <= PER_HOUR as usize, "promise 1: {within} requests within an hour");
        if let [.., before, last] = requests[..] {
            assert!(last - before >= 1000, "no pause between two requests");
        }
    }

    /// Promise 4.
    fn patience(&mut self, identity: &'static str, clock: i64) {
        let hold = self.holds.get(identity).copied().unwrap_or_default();
        assert!(self.elapsed >= hold, "promise 4: {} ms too early", hold - self.elapsed);
        if let Some((remaining, until)) = self.remaining.get_mut(identity)
            && clock < *until
        {
            assert!(*remaining > 0, "promise 4: nothing remained");
            *remaining -= 1;
        }
    }

    /// While nothing fails and no lease is over, no token is in two hands, and no identity sends twice at once.
    fn nobody_else_has(&self, tokens: &[Fingerprint], clock: i64) {
        let lease = i64::try_from(LEASE.as_millis()).expect("short");
        let others = self.left.iter().filter(|left| left.alive);
        for other in others.filter(|left| (left.at - lease..left.at + lease).contains(&clock)) {
            let both = tokens.iter().filter(|token| other.tokens.contains(token)).count();
            assert_eq!(both, 0, "sent while another living process has them under way");
        }
    }

    pub(super) fn settled(&mut self, batch: &Left, settlement: &Settlement, clock: i64) {
        match settlement.fate {
            // Those that were marked meanwhile are not the batch's any more.
            BatchOutcome::Accepted => {
                let taken = batch.tokens.iter().filter(|token| !self.marked.contains(*token));
                // Judged in another batch since: this one's answer came late.
                let taken: Vec<_> = taken.filter(|token| !self.judged.contains(*token)).copied().collect();
                self.accepted.extend(taken);
            }
            BatchOutcome::Invalid | BatchOutcome::Dead => self.judged.extend(&batch.tokens),
            BatchOutcome::Returned | BatchOutcome::Unknown => {}
        }
        if !batch.charged {
            return;
        }
        let identity = IDENTITIES[batch.who];
        if let Some(hold) = settlement.hold {
            let until = self.elapsed + i64::try_from(hold.as_millis()).expect("short");
            let known = self.holds.entry(identity).or_default();
            *known = until.max(*known);
        }
        if let (Some(remaining), Some(reset)) = (settlement.heard.remaining, settlement.heard.reset)
            && reset > clock
        {
            // A window longer than an hour is not believed beyond it.
            self.remaining.insert(identity, (remaining, reset.min(clock + WINDOW)));
        }
    }

    /// Promise 5: what is read is the continuation of what was read before.
    pub(super) fn read(&mut self, lines: Vec<String>) {
        for line in &lines {
            self.verifier.check(line).expect("promise 5");
        }
        self.trail.extend(lines);
    }
}
