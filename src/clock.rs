//! The time, and sleeping.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::meter::CancelFlag;

/// The time, and sleeping. Tests have one whose time passes without waiting.
pub trait Clock {
    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// Returns when so much time has passed, or soon after `cancel` was set.
    fn sleep(&self, length: Duration, cancel: &CancelFlag);
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// How soon a sleeper notices that it was cancelled.
const POLL: Duration = Duration::from_millis(50);

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, length: Duration, cancel: &CancelFlag) {
        // The monotonic clock stands still while the machine is suspended, the wall clock may be set back: the first to get
        // there counts.
        let (asleep, until) =
            (Instant::now(), Timestamp::now().saturating_add(length).unwrap_or(Timestamp::MAX));
        while !cancel.is_cancelled() && asleep.elapsed() < length && Timestamp::now() < until {
            std::thread::sleep(POLL.min(length.saturating_sub(asleep.elapsed())));
        }
    }
}

/// A clock for tests: sleeping takes no time, and moves it.
#[cfg(test)]
pub(crate) mod fake {
    use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
    use std::time::Duration;

    use jiff::Timestamp;

    use super::Clock;
    use crate::meter::CancelFlag;

    pub(crate) struct FakeClock(AtomicI64);

    impl FakeClock {
        /// Late in 2026.
        pub(crate) fn new() -> Self {
            FakeClock(AtomicI64::new(1_795_000_000_000))
        }

        pub(crate) fn advance(&self, length: Duration) {
            self.0.fetch_add(i64::try_from(length.as_millis()).unwrap_or(i64::MAX), Relaxed);
        }
    }

    impl Clock for FakeClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_millisecond(self.0.load(Relaxed)).unwrap_or(Timestamp::MAX)
        }

        fn sleep(&self, length: Duration, cancel: &CancelFlag) {
            if !cancel.is_cancelled() {
                // A moment at the least, so that no loop waits for a clock that stands still.
                self.advance(length.max(Duration::from_millis(1)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleeper_wakes_when_asked() {
        let cancel = CancelFlag::default();
        cancel.cancel();
        // Would outlast any test run.
        SystemClock.sleep(Duration::from_hours(1000), &cancel);
        SystemClock.sleep(Duration::from_millis(1), &CancelFlag::default());
        assert!(cancel.clone().is_cancelled());
    }

    #[test]
    fn a_sleeper_is_woken_in_the_middle_of_it() {
        let (cancel, started) = (CancelFlag::default(), Instant::now());
        std::thread::scope(|scope| {
            let sleeper = scope.spawn(|| SystemClock.sleep(Duration::from_hours(1000), &cancel));
            std::thread::sleep(POLL);
            assert!(!sleeper.is_finished(), "nobody has asked yet");
            cancel.cancel();
        });
        assert!(started.elapsed() < Duration::from_hours(1));
    }

    #[test]
    fn a_sleeper_sleeps_as_long_as_it_was_told() {
        let (started, length) = (Instant::now(), POLL * 3 / 2);
        SystemClock.sleep(length, &CancelFlag::default());
        // Two clocks are looked at, which may differ by a little.
        assert!(started.elapsed() + Duration::from_millis(5) >= length);
    }

    #[test]
    fn the_system_clock_tells_the_time() {
        let (before, now) = (Timestamp::now(), SystemClock.now());
        assert!(now.duration_since(before).abs() < jiff::SignedDuration::from_hours(1));
    }
}
