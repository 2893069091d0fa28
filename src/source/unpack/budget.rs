//! What one file of a source has cost so far, held against its [`Limits`].
//!
//! A [`Budget`] belongs to one file of a source and to one thread; everything nested in that file draws on it.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroize;

use super::limits::{Limit, Limits};
use super::memory::{Memory, Reservation, Window};
use super::semaphore::Semaphore;
use super::work_time::WorkTime;

/// What one file of a source has cost so far.
pub(super) struct Budget {
    limits: Limits,
    memory: Rc<Memory>,
    work: WorkTime,
    deadline_checks: Cell<u32>,
    expanded: Cell<u64>,
    entries: Cell<u64>,
    exceeded: Cell<Option<Limit>>,
    buffers: RefCell<Vec<Vec<u8>>>,
    /// Whether the limit that ended the file was reported.
    pub(super) limit_reported: Cell<bool>,
    /// How many faults there were so far, reported or not.
    pub(super) faults: Cell<u64>,
    /// How many of the streams now being read have broken off: what is nested in them looks damaged because of that.
    pub(super) broken_streams: Cell<u32>,
}

impl Budget {
    pub(super) fn new(limits: Limits, semaphore: &Arc<Semaphore>) -> Self {
        Budget {
            limits,
            memory: Memory::new(limits.max_memory, semaphore),
            work: WorkTime::start(),
            deadline_checks: Cell::new(0),
            expanded: Cell::new(0),
            entries: Cell::new(0),
            exceeded: Cell::new(None),
            buffers: RefCell::default(),
            limit_reported: Cell::new(false),
            faults: Cell::new(0),
            broken_streams: Cell::new(0),
        }
    }

    /// The limit that ended the file, if one did.
    pub(super) fn exceeded(&self) -> Option<Limit> {
        self.exceeded.get()
    }

    /// Ends the file, unless another limit has already.
    fn exceed(&self, limit: Limit) {
        self.exceeded.set(self.exceeded.get().or(Some(limit)));
    }

    /// How many members were begun, and how many bytes came out of decompressors.
    pub(super) fn read(&self) -> (u64, u64) {
        (self.entries.get(), self.expanded.get())
    }

    /// Counts a member; whether there may be one more.
    pub(super) fn count_entry(&self) -> bool {
        self.entries.set(self.entries.get() + 1);
        if self.entries.get() > self.limits.max_entries {
            self.exceed(Limit::Entries);
        }
        self.exceeded.get().is_none()
    }

    /// Whether the file may go on, by the work done on it too: not by the wait for a turn. Called for every little member; the clock is read now and then.
    pub(super) fn has_time(&self) -> bool {
        const EVERY: u32 = 16;
        self.deadline_checks.set(self.deadline_checks.get().wrapping_add(1));
        if self.deadline_checks.get() % EVERY == 1
            && self.work.elapsed() >= Duration::from_secs(self.limits.max_seconds)
        {
            self.exceed(Limit::Seconds);
        }
        self.exceeded.get().is_none()
    }

    /// Counts bytes that came out of one compressed stream, of which so many went in and came out so far; the limit that
    /// this exceeds.
    pub(super) fn count_expanded(&self, bytes: u64, stream_in: u64, stream_out: u64) -> Option<Limit> {
        /// Bytes that a stream may give at any ratio even then: members beside a bomb are read.
        const FLOOR: u64 = 64 * 1024;
        let expanded = self.expanded.get() + bytes;
        self.expanded.set(expanded);
        if expanded > self.limits.max_expansion {
            self.exceed(Limit::Expansion);
            return self.exceeded.get();
        }
        let steep = stream_out > FLOOR && stream_out / self.limits.max_ratio.max(1) > stream_in;
        (steep && expanded > self.limits.ratio_after).then_some(Limit::Ratio)
    }

    /// Reserves memory, waiting for other files where it is much. An error of kind `OutOfMemory` where the limit is
    /// less than that.
    pub(super) fn reserve(&self, bytes: u64) -> io::Result<Reservation> {
        self.memory.reserve(bytes)
    }

    /// The same for the window of a decoder, of which only what is filled is reserved.
    pub(super) fn window(&self, declared: u64, overhead: u64) -> io::Result<Window> {
        Window::new(&self.memory, declared, overhead)
    }

    /// An empty buffer, reused where there is one.
    pub(super) fn take_buffer(&self) -> Vec<u8> {
        self.buffers.borrow_mut().pop().unwrap_or_default()
    }

    /// Takes a buffer back.
    pub(super) fn return_buffer(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.buffers.borrow_mut().push(buffer);
    }
}

impl Drop for Budget {
    /// What was unpacked may have held a token.
    fn drop(&mut self) {
        self.buffers.borrow_mut().iter_mut().for_each(Zeroize::zeroize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    use crate::source::unpack::memory::WITHOUT_PERMIT;

    #[test]
    fn a_steep_stream_is_cut_and_one_beside_it_is_not() {
        let limits = Limits { ratio_after: 1000, max_ratio: 10, ..Limits::default() };
        let semaphore = Arc::new(Semaphore::new());
        let budget = Budget::new(limits, &semaphore);
        assert_eq!(budget.count_expanded(1000, 1, 1000), None, "too few bytes to decide");
        assert_eq!(budget.count_expanded(99_000, 1, 100_000), Some(Limit::Ratio));
        assert_eq!(budget.exceeded(), None, "the file goes on");
        assert_eq!(budget.count_expanded(90_000, 10_000, 90_000), None);
    }

    #[test]
    fn memory_is_given_back() {
        let limits = Limits { max_memory: 100, ..Limits::default() };
        let semaphore = Arc::new(Semaphore::new());
        let budget = Budget::new(limits, &semaphore);
        let reservation = budget.reserve(80).expect("fits");
        assert!(budget.reserve(30).is_err());
        drop(reservation);
        assert!(budget.reserve(100).is_ok());
    }

    #[test]
    fn no_more_than_two_files_are_heavy_at_a_time() {
        let semaphore = Arc::new(Semaphore::new());
        let limits = Limits::default();
        let (inside, most) = (Mutex::new(0_u32), Mutex::new(0_u32));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let budget = Budget::new(limits, &semaphore);
                    let _first = budget.reserve(WITHOUT_PERMIT + 1).expect("fits");
                    let _second = budget.reserve(WITHOUT_PERMIT + 1).expect("fits, and does not wait again");
                    *inside.lock().expect("no panic") += 1;
                    std::thread::yield_now();
                    let now = *inside.lock().expect("no panic");
                    let mut most = most.lock().expect("no panic");
                    *most = now.max(*most);
                    *inside.lock().expect("no panic") -= 1;
                });
            }
        });
        assert!((1..=Semaphore::PERMITS).contains(&most.into_inner().expect("no panic")));
    }
}
