//! Moments, periods and leases that survive a clock that is set.
//!
//! The wall clock outlives a process and a restart of the machine, and it may be set. How long the machine has run nobody
//! sets, but it begins anew with each start, and is not known everywhere. So a moment is written down by both.
//!
//! As long as the machine runs, its uptime decides alone: exact, whatever the wall clock shows. After a restart, on another
//! machine and where there is no uptime, the wall clock has to do. A clock set forward cannot be distinguished from waiting,
//! so time that seems to pass counts as passed. Time that runs backwards does not. A moment has two timestamps:
//!
//! - `at`, the time on the clock then. A clock that was set back and is put right again finds it where it was.
//! - `adjusted`, the same until the clock is seen to be set back: then it is what the clock would have shown then, where the
//!   uptime tells. Without one it is the earliest time that the clock has shown since, from which a period starts anew: set
//!   back by a minute or by ten years, it is over after its own length of the clock running, not sooner, and not ten years
//!   later.
//!
//! A period lasts while it does by either of the two.

use crate::ledger::time::{ClockReading, Uptime};

/// How far ahead of the clock a timestamp may lie and still be one of just now: written while the clock was a little fast,
/// and read after it was put right.
pub(super) const AHEAD_MS: i64 = 900_000;

/// Two clocks are read one after the other: a difference below this is no step of one of them.
const STEP_MS: i64 = 1000;

/// A point in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moment {
    /// By the wall clock then.
    pub(crate) at: i64,
    /// By the wall clock as it was seen to be set back since.
    pub(crate) adjusted: i64,
    /// By the machine's uptime then.
    pub(crate) uptime: Option<Uptime>,
}

impl Moment {
    pub(crate) fn new(now: ClockReading) -> Self {
        Moment { at: now.wall, adjusted: now.wall, uptime: now.uptime }
    }

    /// When a period of this length that began then is over by the wall clock, if it is not over yet.
    pub(crate) fn end(&self, length: i64, now: ClockReading) -> Option<i64> {
        let end = if let Some(age) = age(self.uptime, now) {
            now.wall.saturating_add(length.saturating_sub(age))
        } else {
            let adjusted = self.adjusted.saturating_add(length);
            // Far ahead, it is one of a clock that was wrong; unless the clock comes by before the other is over.
            if self.at.saturating_sub(AHEAD_MS.min(length)) <= adjusted.max(now.wall) {
                adjusted.max(self.at.saturating_add(length))
            } else {
                adjusted
            }
        };
        (end > now.wall).then_some(end)
    }

    /// Takes note of what the clocks show, for a period of this length; true if something was adjusted.
    pub(super) fn observe(&mut self, length: i64, now: ClockReading) -> bool {
        let before = *self;
        if let Some(age) = age(self.uptime, now) {
            let exact = now.wall.saturating_sub(age);
            if self.adjusted.saturating_sub(exact) >= STEP_MS {
                self.adjusted = exact;
            }
        } else {
            self.adjusted = self.adjusted.min(now.wall);
        }
        // It is over, so the other timestamp, still far ahead, was never right: the clock must not come by it later.
        if self.at > now.wall && self.end(length, now).is_none() {
            self.at = self.adjusted;
        }
        *self != before
    }

    /// Moves it to a later one.
    pub(super) fn move_to(&mut self, later: ClockReading) {
        self.at = self.at.max(later.wall);
        self.adjusted = self.adjusted.max(later.wall);
        self.uptime = later.uptime;
    }
}

/// For how long the machine has run since `then`; `None` after a restart, for another machine's uptime, and where it went
/// back, as with a snapshot of a virtual machine.
fn age(then: Option<Uptime>, now: ClockReading) -> Option<i64> {
    let (then, now) = (then?, now.uptime?);
    let age = now.ms.saturating_sub(then.ms);
    (then.boot == now.boot && age >= 0).then_some(age)
}

/// A period of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    /// Its beginning.
    pub(crate) since: Moment,
    /// In milliseconds.
    pub(crate) length: i64,
}

impl Span {
    /// One that begins now.
    pub(crate) fn new(now: ClockReading, length: i64) -> Self {
        Span { since: Moment::new(now), length }
    }

    /// Its end by the wall clock, if it is not over.
    pub(crate) fn end(&self, now: ClockReading) -> Option<i64> {
        self.since.end(self.length, now)
    }

    pub(super) fn observe(&mut self, now: ClockReading) -> bool {
        self.since.observe(self.length, now)
    }
}

/// How long a request may take until its process counts as gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    /// When the request left, by the wall clock.
    pub(crate) since: i64,
    /// The end of the lease, by the wall clock.
    pub(crate) until: i64,
    /// When the request left, by the machine's uptime.
    pub(crate) uptime: Option<Uptime>,
}

impl Lease {
    /// Whether it is over.
    pub(crate) fn is_over(&self, now: ClockReading) -> bool {
        let length = self.until.saturating_sub(self.since);
        match age(self.uptime, now) {
            Some(age) => age >= length,
            // The clock may have been set back by more than the lease since.
            None => now.wall >= self.until || now.wall < self.since.saturating_sub(length),
        }
    }

    /// The latest moment at which its request was under way: at its end, or now if that comes first.
    pub(crate) fn last_moment(&self, now: ClockReading) -> ClockReading {
        let length = self.until.saturating_sub(self.since);
        let uptime = now.uptime.zip(age(self.uptime, now)).map(|(uptime, age)| Uptime {
            ms: uptime.ms.saturating_sub(age.saturating_sub(length).max(0)),
            ..uptime
        });
        ClockReading { wall: self.until.min(now.wall), uptime }
    }
}
