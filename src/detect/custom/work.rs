//! How long the rules of scanned trees take. An expression takes time in proportion to its own size and the text's, and the
//! tree brings both: a rule that is slow without end is given up, and that is said.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How long all rules together may be slow.
const MAX_SLOW: Duration = Duration::from_secs(4);
/// How many bytes a second a rule must manage.
const SLOW: u64 = 2 << 20;

/// What the rules have taken so far, over all threads.
#[derive(Debug)]
pub(super) struct Work {
    slow_ns: AtomicU64,
    given_up: Vec<AtomicBool>,
}

impl Work {
    pub(super) fn new(rules: usize) -> Self {
        Work { slow_ns: AtomicU64::new(0), given_up: (0..rules).map(|_| AtomicBool::new(false)).collect() }
    }

    /// Whether this rule was given up.
    pub(super) fn is_given_up(&self, rule: usize) -> bool {
        self.given_up.get(rule).is_some_and(|given_up| given_up.load(Relaxed))
    }

    /// Counts the time that `step` takes for so many bytes beyond what it may take; whether the rule may go on.
    pub(super) fn time(&self, rule: usize, bytes: usize, step: impl FnOnce()) -> bool {
        let start = Instant::now();
        step();
        let allowed = Duration::from_nanos(1_000_000_000 * bytes as u64 / SLOW) + Duration::from_micros(50);
        let over = start.elapsed().saturating_sub(allowed).as_nanos();
        if over == 0 {
            return true;
        }
        let over = u64::try_from(over).unwrap_or(u64::MAX);
        let slow = self.slow_ns.fetch_add(over, Relaxed).saturating_add(over);
        let goes_on = Duration::from_nanos(slow) < MAX_SLOW;
        if let (false, Some(given_up)) = (goes_on, self.given_up.get(rule)) {
            given_up.store(true, Relaxed);
        }
        goes_on
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_slow_rule_is_given_up() {
        let work = Work::new(2);
        assert!(work.time(0, 1 << 20, || ()) && !work.is_given_up(0));
        work.slow_ns.store(u64::try_from(MAX_SLOW.as_nanos()).expect("short"), Relaxed);
        assert!(work.time(0, 1 << 20, || ()), "it is not slow itself");
        assert!(!work.time(1, 0, || std::thread::sleep(Duration::from_millis(5))));
        assert!(work.is_given_up(1) && !work.is_given_up(0));
    }
}
