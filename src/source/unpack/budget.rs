//! What one file of a source has cost so far, held against its [`Limits`].
//!
//! A [`Budget`] belongs to one file of a source and to one thread; everything nested in that file draws on it.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::git::GitDirs;
use super::limits::{Limit, Limits};
use super::memory::{Memory, Reservation, Window};
use super::semaphore::Semaphore;
use super::share::{Share, Spent};
use super::work_time::WorkTime;

/// What one file of a source has cost so far.
pub(super) struct Budget {
    limits: Limits,
    memory: Rc<Memory>,
    work: WorkTime,
    /// Work that other threads have done on it.
    work_elsewhere: Cell<Duration>,
    deadline_checks: Cell<u32>,
    spent: Cell<Spent>,
    /// The whole file's, and those of the members now being read, the innermost last.
    shares: RefCell<Vec<Share>>,
    /// How many faults there were so far, reported or not.
    pub(super) faults: Cell<u64>,
    /// How many of the streams now being read have broken off: what is nested in them looks damaged because of that.
    pub(super) broken_streams: Cell<u32>,
    /// The parts of git directories in the archives that are open, the innermost last.
    pub(super) git_dirs: RefCell<Vec<GitDirs>>,
}

impl Budget {
    pub(super) fn new(limits: Limits, semaphore: &Arc<Semaphore>) -> Self {
        Budget {
            limits,
            memory: Memory::new(limits.max_memory, semaphore),
            work: WorkTime::start(),
            work_elsewhere: Cell::default(),
            deadline_checks: Cell::new(0),
            spent: Cell::default(),
            shares: RefCell::new(vec![Share::whole(&limits)]),
            faults: Cell::new(0),
            broken_streams: Cell::new(0),
            git_dirs: RefCell::default(),
        }
    }

    /// Which share is the innermost: whoever reads on behalf of a container is held to the one that the container was opened in.
    pub(super) fn level(&self) -> usize {
        self.shares.borrow().len() - 1
    }

    /// Begins the share of a member that is stated to be of this size; it ends with what is returned.
    pub(super) fn begin_share(&self, size: u64) -> OpenShare<'_> {
        let mut shares = self.shares.borrow_mut();
        if let Some(share) = shares.last().map(|share| share.of_member(self.spent.get(), size)) {
            shares.push(share);
        }
        OpenShare { budget: self }
    }

    /// What the innermost share is of a limit, for a message.
    pub(super) fn part(&self) -> &'static str {
        if self.level() == 0 { "" } else { "its share of " }
    }

    fn with_share<T>(&self, level: usize, use_it: impl FnOnce(&mut Share) -> T) -> T {
        let mut shares = self.shares.borrow_mut();
        let last = shares.len() - 1;
        use_it(&mut shares[level.min(last)])
    }

    /// The limit that ended the innermost share, if one did.
    pub(super) fn exceeded(&self) -> Option<Limit> {
        self.with_share(self.level(), |share| share.ended)
    }

    /// Notes that the limit that ended the innermost share was reported; whether it was before.
    pub(super) fn replace_reported(&self) -> bool {
        self.with_share(self.level(), |share| std::mem::replace(&mut share.reported, true))
    }

    /// Whether more than half of the innermost share is spent.
    pub(super) fn is_half_spent(&self) -> bool {
        self.with_share(self.level(), |share| share.is_half_spent(self.spent.get()))
    }

    /// How many members were begun in the innermost share, and how many bytes came out of decompressors.
    pub(super) fn read(&self) -> (u64, u64) {
        self.with_share(self.level(), |share| share.read(self.spent.get()))
    }

    /// The limit that a share has reached, if it has.
    pub(super) fn check(&self, level: usize) -> Option<Limit> {
        let measured = self.deadline_checks.get() > 0;
        self.with_share(level, |share| share.check(self.spent.get(), measured))
    }

    /// Counts a member, if there may be one more; whether there may.
    pub(super) fn count_entry(&self) -> bool {
        let spent = self.spent.get();
        let counted = Spent { entries: spent.entries + 1, ..spent };
        let may = self.with_share(self.level(), |share| share.check(counted, false)).is_none();
        if may {
            self.spent.set(counted);
        }
        may
    }

    /// Whether the innermost share may go on, by the work done on the file too.
    pub(super) fn has_time(&self) -> bool {
        self.has_time_at(self.level())
    }

    /// Whether a share may go on, by the work done on the file too: not by the wait for a turn. Called for every little member; the
    /// clock is read now and then.
    pub(super) fn has_time_at(&self, level: usize) -> bool {
        const EVERY: u32 = 16;
        self.deadline_checks.set(self.deadline_checks.get().wrapping_add(1));
        if self.deadline_checks.get() % EVERY == 1 {
            let work = self.work.elapsed().saturating_add(self.work_elsewhere.get());
            let work = u64::try_from(work.as_nanos()).unwrap_or(u64::MAX);
            self.spent.set(Spent { work, ..self.spent.get() });
        }
        self.check(level).is_none()
    }

    /// How many of so many bytes may come out of a decompressor at once: no more than one over the limit.
    pub(super) fn most_expanded(&self, level: usize, bytes: usize) -> usize {
        let left = self.with_share(level, |share| share.expansion_left(self.spent.get()));
        usize::try_from(left.saturating_add(1)).map_or(bytes, |most| most.min(bytes))
    }

    /// Counts bytes that came out of one compressed stream, of which so many went in and came out so far; the limit that
    /// this exceeds for a share.
    pub(super) fn count_expanded(
        &self,
        bytes: u64,
        level: usize,
        (went_in, came_out): (u64, u64),
    ) -> Option<Limit> {
        /// Bytes that a stream may give at any ratio even then: members beside a bomb are read.
        const FLOOR: u64 = 64 * 1024;
        let spent = self.spent.get();
        let expanded = spent.expanded + bytes;
        self.spent.set(Spent { expanded, ..spent });
        for within in level + 1..=self.level() {
            let around = self.with_share(within - 1, |share| share.expansion());
            self.with_share(within, |share| share.leave_out(bytes, around));
        }
        let cuts_steep = self.with_share(level, |share| share.count_own(bytes));
        let steep = came_out > FLOOR && came_out / self.limits.max_ratio.max(1) > went_in;
        self.check(level).or((steep && cuts_steep).then_some(Limit::Ratio))
    }

    /// What is left of the innermost share.
    pub(super) fn left(&self) -> Spent {
        self.with_share(self.level(), |share| share.left(self.spent.get()))
    }

    /// How much memory may still be reserved.
    pub(super) fn memory_left(&self) -> u64 {
        self.memory.left()
    }

    /// Counts what another thread has spent on it.
    pub(super) fn charge(&self, work: Duration, expanded: u64) {
        self.work_elsewhere.set(self.work_elsewhere.get().saturating_add(work));
        let spent = self.spent.get();
        self.spent.set(Spent { expanded: spent.expanded.saturating_add(expanded), ..spent });
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
}

/// The share of a member that is being read.
pub(super) struct OpenShare<'b> {
    budget: &'b Budget,
}

impl Drop for OpenShare<'_> {
    fn drop(&mut self) {
        self.budget.shares.borrow_mut().pop();
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
        assert_eq!(budget.count_expanded(1000, 0, (1, 1000)), None, "too few bytes to decide");
        assert_eq!(budget.count_expanded(99_000, 0, (1, 100_000)), Some(Limit::Ratio));
        assert_eq!(budget.exceeded(), None, "the file goes on");
        assert_eq!(budget.count_expanded(90_000, 0, (10_000, 90_000)), None);
    }

    #[test]
    fn what_ends_a_share_ends_no_other() {
        let limits = Limits { max_expansion: 1000, max_entries: 10, ..Limits::default() };
        let budget = Budget::new(limits, &Arc::new(Semaphore::new()));
        for size in [0, 0, 300] {
            let share = budget.begin_share(size);
            assert_eq!(budget.exceeded(), None);
            assert_eq!(budget.count_expanded(200, 0, (1, 1)), None);
            assert_eq!(
                budget.check(1),
                None,
                "what comes out of a stream around the member is the container's"
            );
            assert_eq!(budget.count_expanded(700, 1, (1, 1)), Some(Limit::Expansion));
            assert_eq!(budget.check(0), None, "the container around it goes on");
            assert!(!budget.replace_reported() && budget.replace_reported());
            drop(share);
            assert_eq!(budget.exceeded(), None);
            budget.spent.set(Spent { expanded: 0, ..budget.spent.get() });
        }
        assert_eq!(budget.count_expanded(1001, 0, (1, 1)), Some(Limit::Expansion));
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
