//! How much of the disk those mirrors may take that are kept.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Mirrors that are kept.
pub(super) struct KeptMirrors {
    /// How many bytes they may take.
    room: u64,
    /// How many those take that this run has kept.
    taken: AtomicU64,
}

impl KeptMirrors {
    /// None yet; they may take `room` bytes.
    pub(super) fn new(room: u64) -> Self {
        KeptMirrors { room, taken: AtomicU64::new(0) }
    }

    /// Takes one more, if there is room for it.
    pub(super) fn take(&self, bytes: u64) -> bool {
        let fits = |taken: u64| Some(taken.saturating_add(bytes)).filter(|taken| *taken <= self.room);
        self.taken.fetch_update(Relaxed, Relaxed, fits).is_ok()
    }

    /// Counts one that stays whatever room there is: it could not be had again.
    pub(super) fn count(&self, bytes: u64) {
        let more = |taken: u64| Some(taken.saturating_add(bytes));
        let _ = self.taken.fetch_update(Relaxed, Relaxed, more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_had_again_stays_and_takes_its_room() {
        let kept = KeptMirrors::new(10);
        assert!(kept.take(4) && !kept.take(7));
        kept.count(20);
        assert!(!kept.take(1));
    }
}
