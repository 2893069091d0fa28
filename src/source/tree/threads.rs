//! The threads of a walk. Those that have nothing else to do help with a large file, so that the last one does not keep all
//! waiting, and no more threads work than the user allows.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// The threads of a walk.
pub(super) struct Threads {
    /// How many may work.
    most: usize,
    walkers: Mutex<Vec<Arc<Busy>>>,
    helpers: AtomicUsize,
}

/// Whether one of them has something to do. Written for every file: two that shared a cache line would slow each other down.
#[derive(Default)]
#[repr(align(128))]
pub(super) struct Busy(AtomicBool);

impl Busy {
    pub(super) fn set(&self, is_busy: bool) {
        self.0.store(is_busy, Relaxed);
    }
}

impl Threads {
    /// `most` threads; 0 for as many as the machine has.
    pub(super) fn new(most: usize) -> Self {
        let available = || thread::available_parallelism().map_or(1, usize::from);
        let most = if most > 0 { most } else { available() };
        Threads { most, walkers: Mutex::default(), helpers: AtomicUsize::new(0) }
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// One more that walks.
    pub(super) fn add(&self) -> Arc<Busy> {
        let busy = Arc::default();
        self.walkers.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&busy));
        busy
    }

    /// How many have something to do.
    fn working(&self) -> usize {
        let walkers = self.walkers.lock().unwrap_or_else(PoisonError::into_inner);
        walkers.iter().filter(|walker| walker.0.load(Relaxed)).count() + self.helpers.load(Relaxed)
    }

    /// Calls `work` until it returns that nothing is left: in this thread, and in others while they have nothing else to do.
    pub(super) fn work(&self, work: &(dyn Fn() -> bool + Sync)) {
        thread::scope(|scope| {
            let mut was_spare = false;
            while work() {
                let is_spare = self.working() < self.most;
                // One that only comes from one file to the next has no time.
                if is_spare && was_spare {
                    self.helpers.fetch_add(1, Relaxed);
                    scope.spawn(|| {
                        while work() && self.working() <= self.most {}
                        self.helpers.fetch_sub(1, Relaxed);
                    });
                }
                was_spare = is_spare;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use super::*;

    /// How many threads work, until there are `enough` or each could have come.
    fn workers(threads: &Threads, enough: usize) -> usize {
        let seen = Mutex::new((HashSet::new(), 0));
        threads.work(&|| {
            thread::sleep(Duration::from_millis(1));
            let mut seen = seen.lock().expect("no panic");
            seen.0.insert(thread::current().id());
            seen.1 += 1;
            seen.0.len() < enough && seen.1 < 50_000
        });
        seen.into_inner().expect("no panic").0.len()
    }

    #[test]
    fn those_help_that_have_nothing_else_to_do() {
        let threads = Threads::new(3);
        let (own, other) = (threads.add(), threads.add());
        own.set(true);
        assert_eq!(workers(&threads, 3), 3);
        other.set(true);
        assert_eq!(workers(&threads, 2), 2, "one that walks leaves one");
        assert_eq!(threads.helpers.load(Relaxed), 0, "all are back");
    }

    #[test]
    fn nobody_helps_where_all_walk() {
        let threads = Threads::new(1);
        threads.add().set(true);
        let units = AtomicUsize::new(0);
        threads.work(&|| {
            assert_eq!(threads.helpers.load(Relaxed), 0);
            units.fetch_add(1, Relaxed) < 100
        });
        assert_eq!(units.load(Relaxed), 101);
    }
}
