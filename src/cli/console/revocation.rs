//! The progress line of a revoking run.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;

use super::{Console, PATIENCE, TICK, count};
use crate::meter::CancelFlag;
use crate::provider::github::PROVIDER;
use crate::revoke::{Counts, Progress};

impl Console {
    /// Does `work` while a line at the terminal tells what `progress` reads.
    pub(crate) fn watch_sending<T>(
        &self,
        progress: &Progress,
        cancel: &CancelFlag,
        work: impl FnOnce() -> T,
    ) -> T {
        if !self.progress {
            return work();
        }
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let line = scope.spawn(|| show(progress, cancel, &done));
            let outcome = work();
            done.store(true, Relaxed);
            line.thread().unpark();
            outcome
        })
    }
}

/// What the line says after the first Ctrl-C.
const STOPPING: &str = "stopping after the answer that is under way; Ctrl-C again does not wait for it";

fn show(progress: &Progress, cancel: &CancelFlag, done: &AtomicBool) {
    let start = Instant::now();
    let mut bar: Option<ProgressBar> = None;
    while !done.load(Relaxed) {
        thread::park_timeout(TICK);
        if start.elapsed() < PATIENCE {
            continue;
        }
        let seen = progress.read();
        let bar = bar.get_or_insert_with(new_bar);
        let over = seen.accepted + seen.dead + seen.refused + seen.damaged;
        bar.set_length(over + seen.waiting);
        bar.set_position(over);
        // A request under way is waited for: its answer is worth having.
        let words = if cancel.is_cancelled() { STOPPING.to_owned() } else { words(&seen, Timestamp::now()) };
        bar.set_message(words);
        bar.tick();
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}

fn new_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {elapsed} [{bar:20}] {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style)
}

/// What the line says beside the bar.
fn words(seen: &Counts, now: Timestamp) -> String {
    let mut words = format!("{} accepted, {} waiting", HumanCount(seen.accepted), HumanCount(seen.waiting));
    if seen.checks > 0 {
        words = format!("{words}, {}", count(seen.checks, "check"));
    }
    let pause = seen.next_at.and_then(|at| Duration::try_from(at.duration_since(now)).ok());
    if let Some(pause) = pause.filter(|pause| *pause >= Duration::from_secs(2)) {
        words = format!("{words}, next request in {}", HumanDuration(pause));
    }
    let left = left(seen.waiting, pause.unwrap_or_default());
    if left >= Duration::from_mins(1) {
        words = format!("{words}, about {} left", HumanDuration(left));
    }
    words
}

/// How long the rest takes at the least: full batches, each a second after the other, sixty an hour.
fn left(waiting: u64, pause: Duration) -> Duration {
    let batches = waiting.div_ceil(PROVIDER.max_batch as u64);
    let Some(behind) = batches.checked_sub(1) else { return pause };
    let hour = u64::from(PROVIDER.per_hour);
    pause + Duration::from_secs(behind / hour * 3600 + behind % hour)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_counted_in_full_batches_and_hours() {
        let minute = Duration::from_mins(1);
        assert_eq!(left(0, minute), minute);
        assert_eq!(left(1000, minute), minute);
        assert_eq!(left(1001, Duration::ZERO), Duration::from_secs(1));
        assert_eq!(left(60_000, Duration::ZERO), Duration::from_secs(59));
        assert_eq!(left(60_001, Duration::ZERO), Duration::from_hours(1));
    }

    #[test]
    fn the_line_tells_what_is_waited_for() {
        let now = Timestamp::UNIX_EPOCH;
        let seen = Counts {
            waiting: 1500,
            accepted: 60_000,
            next_at: now.checked_add(Duration::from_mins(30)).ok(),
            ..Counts::default()
        };
        assert_eq!(
            words(&seen, now),
            "60,000 accepted, 1,500 waiting, next request in 30 minutes, about 30 minutes left"
        );
        assert_eq!(words(&Counts { waiting: 1, ..Counts::default() }, now), "0 accepted, 1 waiting");
    }
}
