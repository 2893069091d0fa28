//! A counting semaphore: how many files of all threads may hold much memory at a time.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Lets a few files of all threads hold much memory at a time, so that memory does not grow with the number of threads.
#[derive(Debug)]
pub(super) struct Semaphore {
    free: Mutex<u32>,
    freed: Condvar,
}

impl Semaphore {
    /// How many may hold a permit at a time.
    pub(super) const PERMITS: u32 = 2;

    pub(super) fn new() -> Self {
        Semaphore { free: Mutex::new(Self::PERMITS), freed: Condvar::new() }
    }

    /// Waits for a permit. A file asks once and keeps its permit to its end, so nobody waits while holding one.
    pub(super) fn acquire(self: &Arc<Self>) -> Permit {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Permit(Arc::clone(self))
    }
}

/// A permit, given back when dropped.
pub(super) struct Permit(Arc<Semaphore>);

impl Drop for Permit {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
