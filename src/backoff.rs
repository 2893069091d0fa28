//! How long to wait before the next request: what a server asks for, and the pauses after a failure. How many requests
//! an hour holds is the ledger's concern.
//!
//! The order of waiting is GitHub's:
//! <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit>.

use std::time::Duration;

use jiff::Timestamp;

use crate::provider::Outcome;
use crate::revocation::RateLimit;

/// The wait after a limit without a time; doubled each time in a row.
const LIMIT_WAIT: Duration = Duration::from_mins(1);
const LONGEST_LIMIT_WAIT: Duration = Duration::from_hours(1);

/// The wait after "spammed". GitHub documents no number; a quarter of an hour is a guess on the careful side.
const COOL_DOWN: Duration = Duration::from_mins(15);
const LONGEST_COOL_DOWN: Duration = Duration::from_hours(4);

/// The pause after the first failure, doubled each time in a row.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// How long a server wants no further request, if it does.
///
/// `retry-after` goes first, then the reset where nothing remains, then a minute that doubles with every `strike`, the times
/// it asked in a row. A `retry-after` is believed on any answer.
pub fn server_wait(outcome: Outcome, limit: &RateLimit, strikes: u32, now: Timestamp) -> Option<Duration> {
    let asked = limit.retry_after.map(|wait| wait.max(PAUSE));
    match outcome {
        Outcome::Spammed => Some(grown(COOL_DOWN, strikes, LONGEST_COOL_DOWN).max(asked.unwrap_or_default())),
        Outcome::PrimaryLimit | Outcome::SecondaryLimit => {
            // Only where nothing remains is the reset what to wait for: every answer carries one.
            let empty = outcome == Outcome::PrimaryLimit || limit.remaining == Some(0);
            let reset = limit.reset.filter(|_| empty).and_then(|reset| until(now, reset));
            Some(asked.or(reset).unwrap_or_else(|| grown(LIMIT_WAIT, strikes, LONGEST_LIMIT_WAIT)))
        }
        Outcome::Accepted
        | Outcome::Invalid
        | Outcome::Denied
        | Outcome::Trouble
        | Outcome::Unexpected
        | Outcome::Unknown => asked,
        // Nobody answered.
        Outcome::NotSent | Outcome::Blocked => None,
    }
}

/// The time until a reset: a second more, for the server rounds, and an hour at the most, for clocks differ.
fn until(now: Timestamp, reset: Timestamp) -> Option<Duration> {
    let wait = Duration::try_from(reset.duration_since(now)).ok()?;
    (!wait.is_zero()).then(|| (wait + Duration::from_secs(1)).min(LONGEST_LIMIT_WAIT))
}

/// The pause before another try after the `failures`-th failure in a row: exponential, capped, and with jitter, so that
/// processes that failed together do not come back together. `random` is any random number.
pub fn pause(failures: u32, random: u32) -> Duration {
    let full = grown(PAUSE, failures.saturating_sub(1), LONGEST_PAUSE);
    // Between half of it and all of it.
    full.mul_f64(0.5 + 0.5 * f64::from(random) / f64::from(u32::MAX))
}

/// A random number for [`pause`]; without randomness all pauses are the longest.
pub fn random() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX)
}

fn grown(first: Duration, times: u32, longest: Duration) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(times)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1_795_000_000).unwrap_or_default()
    }

    fn wait(outcome: Outcome, limit: RateLimit, strikes: u32) -> Option<u64> {
        server_wait(outcome, &limit, strikes, now()).map(|wait| wait.as_secs())
    }

    #[test]
    fn retry_after_then_reset_then_a_growing_minute() {
        let limit = RateLimit {
            limit: Some(60),
            remaining: Some(0),
            reset: now().checked_add(Duration::from_mins(10)).ok(),
            retry_after: Some(Duration::from_secs(30)),
        };
        assert_eq!(wait(Outcome::PrimaryLimit, limit, 0), Some(30));
        let limit = RateLimit { retry_after: None, ..limit };
        assert_eq!(wait(Outcome::PrimaryLimit, limit, 0), Some(601));
        assert_eq!(
            wait(Outcome::SecondaryLimit, limit, 0),
            Some(601),
            "nothing remains, whatever it is called"
        );
        let uncounted = RateLimit { remaining: None, ..limit };
        assert_eq!(wait(Outcome::PrimaryLimit, uncounted, 0), Some(601));
        let none = RateLimit::default();
        let waits: Vec<_> = (0..8).map(|strikes| wait(Outcome::SecondaryLimit, none, strikes)).collect();
        assert_eq!(waits, [60, 120, 240, 480, 960, 1920, 3600, 3600].map(Some));
        assert_eq!(wait(Outcome::PrimaryLimit, none, u32::MAX), Some(3600));
    }

    #[test]
    fn a_reset_counts_only_where_nothing_remains() {
        let reset = now().checked_add(Duration::from_mins(50)).ok();
        let limit = RateLimit { remaining: Some(41), reset, ..RateLimit::default() };
        assert_eq!(wait(Outcome::SecondaryLimit, limit, 0), Some(60));
        // One that is over, or absurd, is no answer or a bounded one.
        let past = RateLimit { remaining: Some(0), reset: Some(now()), ..limit };
        assert_eq!(wait(Outcome::PrimaryLimit, past, 0), Some(60));
        let absurd = RateLimit { reset: Some(Timestamp::MAX), ..past };
        assert_eq!(wait(Outcome::PrimaryLimit, absurd, 0), Some(3600));
    }

    #[test]
    fn spam_cools_down_and_success_asks_for_nothing() {
        let none = RateLimit::default();
        assert_eq!(wait(Outcome::Spammed, none, 0), Some(900));
        assert_eq!(wait(Outcome::Spammed, none, 9), Some(4 * 3600));
        let limit = RateLimit { retry_after: Some(Duration::ZERO), ..none };
        assert_eq!(wait(Outcome::SecondaryLimit, limit, 0), Some(1));
        assert_eq!(wait(Outcome::Trouble, limit, 0), Some(1));
        assert_eq!(wait(Outcome::Accepted, none, 0), None);
        assert_eq!(wait(Outcome::Trouble, none, 5), None);
    }

    #[test]
    fn processes_that_failed_together_draw_different_numbers() {
        let drawn: std::collections::HashSet<u32> = (0..16).map(|_| random()).collect();
        assert!(drawn.len() > 1);
    }

    #[test]
    fn pauses_grow_differ_and_end() {
        assert_eq!(pause(1, u32::MAX), Duration::from_secs(1));
        assert_eq!(pause(1, 0), Duration::from_millis(500));
        assert_eq!(pause(4, u32::MAX), Duration::from_secs(8));
        assert_eq!(pause(40, u32::MAX), LONGEST_PAUSE);
    }
}
