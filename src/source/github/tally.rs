//! How much of one surface was looked at, counted while many threads read it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use crate::coverage::SurfaceCount;

/// What became of one surface of a repository: its logs, its artifacts, its alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SurfaceRead {
    /// How much of it was looked at.
    pub count: SurfaceCount,
    /// Why not all of it was, in words: the first thing that could not be read, and how many more there are.
    pub reason: Option<String>,
}

/// Counts what threads read.
#[derive(Default)]
pub(super) struct Tally {
    read: AtomicU64,
    expired: AtomicU64,
    failed: AtomicU64,
    pending: AtomicU64,
    first: Mutex<Option<String>>,
}

impl Tally {
    pub(super) fn read(&self) {
        self.read.fetch_add(1, Relaxed);
    }

    pub(super) fn expired(&self, more: u64) {
        self.expired.fetch_add(more, Relaxed);
    }

    pub(super) fn pending(&self) {
        self.pending.fetch_add(1, Relaxed);
    }

    /// Counts what could not be read. The first reason is kept.
    pub(super) fn failed(&self, more: u64, reason: &str) {
        self.failed.fetch_add(more, Relaxed);
        self.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| reason.to_owned());
    }

    /// What was counted; `what` is what one of them is called.
    pub(super) fn finish(self, what: &str) -> SurfaceRead {
        let failed = self.failed.into_inner();
        let first = self.first.into_inner().unwrap_or_else(PoisonError::into_inner);
        let reason = first.map(|first| match failed {
            0 | 1 => format!("{what}: {first}"),
            _ => format!("{what}: {first} (and {} more)", failed - 1),
        });
        let count = SurfaceCount {
            read: self.read.into_inner(),
            expired: self.expired.into_inner(),
            failed,
            pending: self.pending.into_inner(),
        };
        SurfaceRead { count, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_is_told_and_the_others_are_counted() {
        let tally = Tally::default();
        tally.read();
        tally.expired(3);
        assert_eq!(tally.finish("logs").reason, None);
        let tally = Tally::default();
        tally.failed(1, "the connection broke");
        tally.failed(2, "the server answered 500");
        let surface = tally.finish("logs");
        assert_eq!(surface.count, SurfaceCount { failed: 3, ..SurfaceCount::default() });
        assert_eq!(surface.reason.as_deref(), Some("logs: the connection broke (and 2 more)"));
    }
}
