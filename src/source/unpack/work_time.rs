//! How long a thread has worked on a file: not how long it waited for its turn, for a disk or for other threads.

use std::time::Duration;
#[cfg(not(unix))]
use std::time::Instant;

/// Counts a thread's own work from its start on.
pub(super) struct WorkTime {
    #[cfg(unix)]
    start: Duration,
    #[cfg(not(unix))]
    start: Instant,
}

#[cfg(unix)]
impl WorkTime {
    pub(super) fn start() -> Self {
        WorkTime { start: of_thread() }
    }

    /// The processor's time that this thread has taken since then; of any other thread, nothing is known.
    pub(super) fn elapsed(&self) -> Duration {
        of_thread().saturating_sub(self.start)
    }
}

/// A clock that cannot be read stands still.
#[cfg(unix)]
fn of_thread() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// Where the thread's own clock is not read, waiting counts.
#[cfg(not(unix))]
impl WorkTime {
    pub(super) fn start() -> Self {
        WorkTime { start: Instant::now() }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_no_work() {
        let time = WorkTime::start();
        std::thread::sleep(Duration::from_millis(300));
        assert!(time.elapsed() < Duration::from_millis(200), "{:?}", time.elapsed());
        let mut sum = 0_u64;
        while time.elapsed() < Duration::from_millis(5) {
            sum = sum.wrapping_mul(31).wrapping_add(1);
        }
        assert_ne!(sum, 0);
    }
}
