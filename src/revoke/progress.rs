//! What a run has done so far, for others to read while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use jiff::Timestamp;

/// Counters of a run. A clone counts the same run. Pulled, like the meter of a scan: no callbacks, no channels.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    waiting: AtomicU64,
    requests: AtomicU64,
    accepted: AtomicU64,
    self_revoking: AtomicU64,
    self_revoked: AtomicU64,
    confirmed: AtomicU64,
    dead: AtomicU64,
    refused: AtomicU64,
    damaged: AtomicU64,
    set_aside: AtomicU64,
    checks: AtomicU64,
    /// Milliseconds since 1970; 0 while nothing is waited for.
    next_at: AtomicI64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tokens that wait.
    pub waiting: u64,
    /// Requests that left, those of tokens that revoke themselves among them.
    pub requests: u64,
    /// Tokens that were accepted, those that revoked themselves among them.
    pub accepted: u64,
    /// Tokens that wait to revoke themselves, each in a request of its own.
    pub self_revoking: u64,
    /// Tokens that revoked themselves.
    pub self_revoked: u64,
    /// Tokens found dead afterwards.
    pub confirmed: u64,
    /// Tokens that were dead before.
    pub dead: u64,
    /// Tokens the server refused, each in a batch of its own.
    pub refused: u64,
    /// Sealed tokens that did not open any more.
    pub damaged: u64,
    /// Tokens that were looked at once more as they were opened, and not sent.
    pub set_aside: u64,
    /// Liveness checks.
    pub checks: u64,
    /// Until when the run waits, if it does.
    pub next_at: Option<Timestamp>,
}

impl Progress {
    /// The counters now.
    pub fn read(&self) -> Counts {
        let get = |counter: &AtomicU64| counter.load(Relaxed);
        let next_at = self.0.next_at.load(Relaxed);
        Counts {
            waiting: get(&self.0.waiting),
            requests: get(&self.0.requests),
            accepted: get(&self.0.accepted),
            self_revoking: get(&self.0.self_revoking),
            self_revoked: get(&self.0.self_revoked),
            confirmed: get(&self.0.confirmed),
            dead: get(&self.0.dead),
            refused: get(&self.0.refused),
            damaged: get(&self.0.damaged),
            set_aside: get(&self.0.set_aside),
            checks: get(&self.0.checks),
            next_at: Timestamp::from_millisecond(next_at).ok().filter(|_| next_at != 0),
        }
    }

    pub(super) fn waiting(&self, tokens: u64) {
        self.0.waiting.store(tokens, Relaxed);
    }

    pub(super) fn next_at(&self, at: Option<Timestamp>) {
        self.0.next_at.store(at.map_or(0, Timestamp::as_millisecond), Relaxed);
    }

    pub(super) fn request(&self) {
        self.0.requests.fetch_add(1, Relaxed);
    }

    pub(super) fn liveness_check(&self) {
        self.0.checks.fetch_add(1, Relaxed);
    }

    pub(super) fn settled(&self, settled: crate::ledger::Settled) {
        self.0.accepted.fetch_add(settled.accepted, Relaxed);
        self.0.refused.fetch_add(settled.refused, Relaxed);
        self.0.dead.fetch_add(settled.dead, Relaxed);
        self.take_off_waiting(settled.accepted + settled.refused + settled.dead);
    }

    pub(super) fn self_revoking(&self, tokens: u64) {
        self.0.self_revoking.store(tokens, Relaxed);
    }

    /// Counts what [`Progress::settled`] has counted, once more for those that revoke themselves.
    pub(super) fn self_revoked(&self, settled: crate::ledger::Settled) {
        self.0.self_revoked.fetch_add(settled.accepted, Relaxed);
        take_off(&self.0.self_revoking, settled.accepted + settled.refused + settled.dead);
    }

    pub(super) fn dead(&self, tokens: u64) {
        self.0.dead.fetch_add(tokens, Relaxed);
        self.take_off_waiting(tokens);
    }

    pub(super) fn damaged(&self, tokens: u64) {
        self.0.damaged.fetch_add(tokens, Relaxed);
        self.take_off_waiting(tokens);
    }

    pub(super) fn set_aside(&self, tokens: u64) {
        self.0.set_aside.fetch_add(tokens, Relaxed);
        self.take_off_waiting(tokens);
    }

    pub(super) fn confirmed(&self, tokens: u64) {
        self.0.confirmed.fetch_add(tokens, Relaxed);
    }

    fn take_off_waiting(&self, tokens: u64) {
        take_off(&self.0.waiting, tokens);
    }
}

/// Other processes add to the queue and take from it, so the number is a good guess, and never below zero.
fn take_off(counter: &AtomicU64, tokens: u64) {
    let less = |waiting: u64| Some(waiting.saturating_sub(tokens));
    // The closure always has a number.
    let _ = counter.fetch_update(Relaxed, Relaxed, less);
}
