//! The progress line of a revoking run.

use std::time::Duration;

use indicatif::{HumanCount, HumanDuration, ProgressBar};
use jiff::Timestamp;

use super::{Terminal, count};
use crate::provider::Limits;
use crate::revoke::{Counts, Progress};

/// The message after the first Ctrl-C: an answer is worth having, and mostly there at once.
const STOPPING: &str =
    "stopping: an answer that is under way is waited for a moment; Ctrl-C again ends at once";

impl Terminal<'_> {
    /// Does `work` while a progress line shows what `progress` reads; `limits` are those of the host.
    pub(crate) fn watch_sending<T>(
        &self,
        progress: &Progress,
        limits: &Limits,
        work: impl FnOnce() -> T,
    ) -> T {
        let update = |bar: &ProgressBar| {
            let counts = progress.read();
            let done = counts.accepted + counts.dead + counts.refused + counts.damaged;
            bar.set_length(done + counts.waiting);
            bar.set_position(done);
            let stopping = self.cancel.is_cancelled();
            bar.set_message(if stopping {
                STOPPING.to_owned()
            } else {
                message(&counts, limits, Timestamp::now())
            });
        };
        self.console.with_progress("{spinner} {elapsed} [{bar:20}] {wide_msg}", &update, work)
    }
}

/// The text beside the bar.
fn message(counts: &Counts, limits: &Limits, now: Timestamp) -> String {
    let mut message =
        format!("{} accepted, {} waiting", HumanCount(counts.accepted), HumanCount(counts.waiting));
    if counts.checks > 0 {
        message = format!("{message}, {}", count(counts.checks, "check"));
    }
    let pause = counts.next_at.and_then(|at| Duration::try_from(at.duration_since(now)).ok());
    if let Some(pause) = pause.filter(|pause| *pause >= Duration::from_secs(2)) {
        message = format!("{message}, next request in {}", HumanDuration(pause));
    }
    if counts.self_revoking > 0 {
        message = format!("{message}, {} of them end themselves", HumanCount(counts.self_revoking));
    }
    let batched = counts.waiting.saturating_sub(counts.self_revoking);
    let pause = pause.unwrap_or_default();
    let left = min_time_left(batched, limits, pause).max(pause + one_by_one(counts.self_revoking, limits));
    if left >= Duration::from_mins(1) {
        message = format!("{message}, about {} left", HumanDuration(left));
    }
    message
}

/// How long the rest takes at the least: full batches, one a second and as many an hour as the host takes.
fn min_time_left(waiting: u64, limits: &Limits, pause: Duration) -> Duration {
    let batches = waiting.div_ceil(limits.max_batch.max(1) as u64);
    let Some(later) = batches.checked_sub(1) else { return pause };
    let hour = u64::from(limits.per_hour.max(1));
    pause + Duration::from_secs(later / hour * 3600 + later % hour)
}

/// How long it takes at the least until so many tokens have ended themselves, each by a request of its own.
fn one_by_one(tokens: u64, limits: &Limits) -> Duration {
    limits.self_interval.saturating_mul(u32::try_from(tokens).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thousand tokens a request, sixty requests an hour.
    fn limits() -> Limits {
        Limits {
            host: "api.github.com".to_owned(),
            identity: "anonymous".to_owned(),
            max_batch: 1000,
            per_hour: 60,
            batch_kinds: Vec::new(),
            undecided_kinds: Vec::new(),
            self_kinds: Vec::new(),
            self_interval: Duration::from_millis(334),
            self_parallel: 5,
        }
    }

    #[test]
    fn the_time_left_is_counted_in_full_batches_and_hours() {
        let minute = Duration::from_mins(1);
        assert_eq!(min_time_left(0, &limits(), minute), minute);
        assert_eq!(min_time_left(1000, &limits(), minute), minute);
        assert_eq!(min_time_left(1001, &limits(), Duration::ZERO), Duration::from_secs(1));
        assert_eq!(min_time_left(60_000, &limits(), Duration::ZERO), Duration::from_secs(59));
        assert_eq!(min_time_left(60_001, &limits(), Duration::ZERO), Duration::from_hours(1));
    }

    #[test]
    fn the_line_shows_what_is_waited_for() {
        let now = Timestamp::UNIX_EPOCH;
        let counts = Counts {
            waiting: 1500,
            accepted: 60_000,
            next_at: now.checked_add(Duration::from_mins(30)).ok(),
            ..Counts::default()
        };
        assert_eq!(
            message(&counts, &limits(), now),
            "60,000 accepted, 1,500 waiting, next request in 30 minutes, about 30 minutes left"
        );
        let ending = Counts { waiting: 1800, self_revoking: 1800, ..Counts::default() };
        assert_eq!(
            message(&ending, &limits(), now),
            "0 accepted, 1,800 waiting, 1,800 of them end themselves, about 10 minutes left"
        );
        assert_eq!(
            message(&Counts { waiting: 1, ..Counts::default() }, &limits(), now),
            "0 accepted, 1 waiting"
        );
    }
}
