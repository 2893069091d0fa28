//! How many requests a second are taken: a bucket that fills evenly, for each bearer and for all of them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How fast a bucket fills, and how much it holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    /// Requests a second.
    pub(super) per_second: f64,
    /// How many may come at once.
    pub(super) burst: f64,
}

/// What one bearer may send.
const OF_ONE: Rate = Rate { per_second: 200.0, burst: 400.0 };

/// What all of them together may send.
const OF_ALL: Rate = Rate { per_second: 500.0, burst: 1000.0 };

/// How often nobody may try: a flood of wrong tokens takes nothing from those who have the right one.
const OF_STRANGERS: Rate = Rate { per_second: 20.0, burst: 100.0 };

/// A bucket of requests.
#[derive(Debug)]
struct Bucket {
    rate: Rate,
    left: f64,
    at: Instant,
}

impl Bucket {
    fn new(rate: Rate, now: Instant) -> Self {
        Bucket { rate, left: rate.burst, at: now }
    }

    /// Takes one; or how long until there is one.
    fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + passed * self.rate.per_second).min(self.rate.burst);
        self.at = now;
        if self.left >= 1.0 {
            self.left -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - self.left) / self.rate.per_second))
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// The bearer at this place in the file.
    Bearer(usize),
    /// Somebody without a token that is known here.
    Stranger,
}

/// Every bucket.
#[derive(Debug)]
pub(super) struct Throttle(Mutex<Buckets>);

#[derive(Debug)]
struct Buckets {
    all: Bucket,
    strangers: Bucket,
    each: Vec<Bucket>,
}

impl Throttle {
    /// Full buckets.
    pub(super) fn new() -> Self {
        let now = Instant::now();
        let bucket = |rate| Bucket::new(rate, now);
        Throttle(Mutex::new(Buckets {
            all: bucket(OF_ALL),
            strangers: bucket(OF_STRANGERS),
            each: Vec::new(),
        }))
    }

    /// Lets a request in; or how long its sender has to wait.
    pub(super) fn admit(&self, asker: Asker, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Asker::Bearer(index) = asker else { return buckets.strangers.take(now) };
        while buckets.each.len() <= index {
            buckets.each.push(Bucket::new(OF_ONE, now));
        }
        buckets.each[index].take(now)?;
        buckets.all.take(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(throttle: &Throttle, asker: Asker, now: Instant) -> usize {
        (0..10_000).take_while(|_| throttle.admit(asker, now).is_ok()).count()
    }

    #[test]
    fn one_bearer_does_not_take_all_and_strangers_take_nothing_of_theirs() {
        let (throttle, now) = (Throttle::new(), Instant::now());
        assert_eq!(admitted(&throttle, Asker::Stranger, now), 100);
        assert_eq!(admitted(&throttle, Asker::Bearer(1), now), 400);
        assert_eq!(admitted(&throttle, Asker::Bearer(0), now), 400);
        assert_eq!(admitted(&throttle, Asker::Bearer(2), now), 200, "what all may send");
        let wait = throttle.admit(Asker::Bearer(1), now).expect_err("none is left");
        assert!(wait <= Duration::from_millis(6), "{wait:?}");
        let later = now + Duration::from_millis(100);
        assert_eq!(admitted(&throttle, Asker::Bearer(1), later), 20);
        assert_eq!(admitted(&throttle, Asker::Stranger, later), 2);
        // A full bucket stays full.
        let much_later = now + Duration::from_hours(1);
        assert_eq!(admitted(&throttle, Asker::Bearer(1), much_later), 400);
    }
}
