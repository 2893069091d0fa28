//! When a batch is worth a request.
//!
//! A request carries up to a thousand tokens, and an hour has sixty of them: one that leaves with two tokens is wasted where
//! more come a moment later. A batch that is full leaves at once. Any other waits for a moment, which grows as the hour's requests
//! run out: half of what the rest of them would be spread over an hour. At a steady trickle that settles at two thirds of the
//! quota, with a wait of a minute and a half, and a burst never uses up all of it.

use std::time::Duration;

use crate::ledger::HostStatus;

const HOUR: Duration = Duration::from_hours(1);

/// How long batches are filled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pacing {
    /// How long the first token waits for others, while there are plenty of requests.
    pub(super) coalesce: Duration,
    /// The most tokens that a request carries.
    pub(super) max_batch: u64,
}

impl Pacing {
    /// For how long a batch of so many waiting tokens is filled, from the first token on.
    pub(super) fn fill_time(&self, waiting: u64, status: &HostStatus) -> Duration {
        if waiting >= self.max_batch {
            return Duration::ZERO;
        }
        let (used, limit) = (status.requests_last_hour, status.limit.max(1));
        let left = limit.saturating_sub(used);
        if left > limit / 2 {
            return self.coalesce;
        }
        // With none left, the next slot decides.
        self.coalesce.max(HOUR / (2 * left.max(1)).max(2 * limit / 10))
    }

    /// How many batches leave before the next one is filled.
    pub(super) fn batches(&self, waiting: u64) -> u64 {
        (waiting / self.max_batch.max(1)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACING: Pacing = Pacing { coalesce: Duration::from_secs(5), max_batch: 1000 };

    fn status(used: u32) -> HostStatus {
        HostStatus { requests_last_hour: used, ..HostStatus::empty("l", "h", 60) }
    }

    #[test]
    fn a_full_batch_leaves_at_once_and_others_wait_the_longer_the_fewer_requests_are_left() {
        for (waiting, used, seconds) in
            [(1000, 59, 0), (5000, 0, 0), (999, 0, 5), (1, 29, 5), (1, 30, 60), (1, 40, 90), (1, 55, 300)]
        {
            assert_eq!(
                PACING.fill_time(waiting, &status(used)),
                Duration::from_secs(seconds),
                "{waiting} tokens, {used} used"
            );
        }
        let patient = Pacing { coalesce: Duration::from_mins(10), ..PACING };
        assert_eq!(patient.fill_time(1, &status(50)), Duration::from_mins(10));
        assert!(PACING.fill_time(1, &status(60)) <= Duration::from_mins(5));
    }

    #[test]
    fn what_fills_batches_leaves_and_the_rest_is_filled_up() {
        for (waiting, batches) in [(1, 1), (999, 1), (1000, 1), (1999, 1), (2000, 2), (60_000, 60)] {
            assert_eq!(PACING.batches(waiting), batches, "{waiting}");
        }
    }

    /// A token every ten seconds, for a day: never more requests than there may be, and never a long wait for a slot.
    #[test]
    fn a_trickle_never_uses_up_the_hour() {
        let (mut sent, mut first): (Vec<u64>, Option<u64>) = (Vec::new(), None);
        let mut longest = 0;
        for second in 0..86_400_u64 {
            if second % 10 == 0 {
                first.get_or_insert(second);
            }
            sent.retain(|at| at + 3600 > second);
            let used = u32::try_from(sent.len()).expect("few");
            assert!(used < 60, "none is left in second {second}");
            let Some(since) = first else { continue };
            if second - since >= PACING.fill_time(1, &status(used)).as_secs() {
                longest = longest.max(second - since);
                sent.push(second);
                first = None;
            }
        }
        assert!(longest <= 300, "{longest} s");
    }
}
