//! How much of the disk mirrors may take together.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::meter::CancelFlag;

/// How often a thread that waits looks whether the run was asked to end.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Room for mirrors, shared by all threads.
#[derive(Debug)]
pub struct DiskBudget {
    bytes: u64,
    taken: Mutex<Taken>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct Taken {
    bytes: u64,
    holders: u64,
    /// Whoever needs all of it goes before those that come later.
    waiting_for_all: u64,
}

/// Room for one mirror, given back when it is dropped.
#[derive(Debug)]
pub struct Reservation<'a> {
    budget: &'a DiskBudget,
    bytes: Mutex<u64>,
}

impl DiskBudget {
    /// Room of so many bytes.
    pub fn new(bytes: u64) -> DiskBudget {
        DiskBudget { bytes, taken: Mutex::default(), freed: Condvar::new() }
    }

    /// Waits until there is room for so many bytes. Whoever wants more than there is at all gets all of it, alone: that is
    /// the limit then. `None` where the run was asked to end meanwhile.
    pub fn reserve(&self, bytes: u64, cancel: &CancelFlag) -> Option<Reservation<'_>> {
        let bytes = bytes.min(self.bytes);
        let wants_all = bytes == self.bytes;
        let mut taken = self.taken();
        taken.waiting_for_all += u64::from(wants_all);
        let is_ready = |taken: &Taken| {
            let fits = taken.waiting_for_all == 0 && taken.bytes.saturating_add(bytes) <= self.bytes;
            if wants_all { taken.holders == 0 } else { fits }
        };
        while !is_ready(&taken) && !cancel.is_cancelled() {
            taken = self.freed.wait_timeout(taken, LOOK_EVERY).unwrap_or_else(PoisonError::into_inner).0;
        }
        taken.waiting_for_all -= u64::from(wants_all);
        if cancel.is_cancelled() {
            drop(taken);
            self.freed.notify_all();
            return None;
        }
        taken.bytes += bytes;
        taken.holders += 1;
        Some(Reservation { budget: self, bytes: Mutex::new(bytes) })
    }

    /// All of it, alone: for a mirror that did not fit beside others.
    pub fn reserve_all(&self, cancel: &CancelFlag) -> Option<Reservation<'_>> {
        self.reserve(u64::MAX, cancel)
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation<'_> {
    /// Whether the mirror may take so many bytes. Where that is more than was reserved, it takes what others have left.
    pub fn may_hold(&self, bytes: u64) -> bool {
        let mut own = self.own();
        if bytes <= *own {
            return true;
        }
        let mut taken = self.budget.taken();
        let others = taken.bytes - *own;
        let fits = others.saturating_add(bytes) <= self.budget.bytes;
        if fits {
            taken.bytes = others + bytes;
            *own = bytes;
        }
        fits
    }

    /// Corrects what was reserved by what was used in the end.
    pub fn used(&self, bytes: u64) {
        let mut own = self.own();
        let mut taken = self.budget.taken();
        taken.bytes = (taken.bytes - *own).saturating_add(bytes);
        *own = bytes;
        drop(taken);
        self.budget.freed.notify_all();
    }

    /// Whether nothing else could have given it more: what does not fit then will not fit later.
    pub fn is_all(&self) -> bool {
        *self.own() >= self.budget.bytes
    }

    fn own(&self) -> MutexGuard<'_, u64> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let own = *self.own();
        let mut taken = self.budget.taken();
        taken.bytes = taken.bytes.saturating_sub(own);
        taken.holders -= 1;
        drop(taken);
        self.budget.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
    use std::thread;

    use super::*;

    #[test]
    fn what_is_taken_never_exceeds_the_budget() {
        let (budget, cancel) = (DiskBudget::new(100), CancelFlag::default());
        let (taken, most, done) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for thread in 0..8_u64 {
                let (budget, cancel, taken, most, done) = (&budget, &cancel, &taken, &most, &done);
                scope.spawn(move || {
                    for round in 0..50 {
                        // The last is larger than all there is.
                        let wanted = [10, 40, 90, 1000][usize::try_from((thread + round) % 4).unwrap()];
                        let reservation = budget.reserve(wanted, cancel).unwrap();
                        let wanted = wanted.min(100);
                        most.fetch_max(taken.fetch_add(wanted, SeqCst) + wanted, SeqCst);
                        thread::yield_now();
                        taken.fetch_sub(wanted, SeqCst);
                        drop(reservation);
                        done.fetch_add(1, SeqCst);
                    }
                });
            }
        });
        assert_eq!(done.load(SeqCst), 400);
        assert!((90..=100).contains(&most.load(SeqCst)), "{most:?}");
        assert_eq!(budget.taken().bytes, 0);
    }

    #[test]
    fn a_mirror_grows_into_what_others_have_left() {
        let (budget, cancel) = (DiskBudget::new(100), CancelFlag::default());
        let one = budget.reserve(10, &cancel).unwrap();
        let other = budget.reserve(30, &cancel).unwrap();
        assert!(one.may_hold(70) && !one.may_hold(71));
        assert!(!one.is_all());
        other.used(5);
        assert!(one.may_hold(95) && !one.may_hold(96));
        drop(one);
        drop(other);
        let all = budget.reserve_all(&cancel).unwrap();
        assert!(all.is_all() && all.may_hold(100) && !all.may_hold(101));
    }

    #[test]
    fn waiting_ends_with_the_run() {
        let (budget, cancel) = (DiskBudget::new(100), CancelFlag::default());
        let _held = budget.reserve(60, &cancel).unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| budget.reserve(60, &cancel).is_none());
            let for_all = scope.spawn(|| budget.reserve_all(&cancel).is_none());
            cancel.cancel();
            assert!(waiting.join().unwrap() && for_all.join().unwrap());
        });
    }
}
