//! What the progress line says while something is scanned.

use std::time::Duration;

use indicatif::{HumanBytes, HumanCount, HumanDuration};

use super::count;
use crate::meter::Reading;

/// What was scanned since the run started, and how long the rest takes; `before` is where this step of the run began, and
/// `second` is now, since 1970.
pub(super) fn line(before: Reading, now: Reading, elapsed: Duration, second: u64) -> String {
    let scanned = match now {
        Reading { expected_repositories: 1.., .. } => {
            let (done, all) = (now.repositories, now.expected_repositories);
            let noun = if all == 1 { "repository" } else { "repositories" };
            format!("{}/{} {noun}", HumanCount(done), HumanCount(all))
        }
        Reading { objects: 1.., .. } => count(now.objects, "object"),
        _ => count(now.files, "file"),
    };
    let mut line = format!("{scanned}  {}  {}", HumanBytes(now.bytes), count(now.hits, "hit"));
    if let Some(share) = share_done(before, now) {
        line = format!("{line}  {}", left(share, elapsed));
    }
    let wait = now.waits_until.saturating_sub(second);
    if wait > 0 {
        line = format!("{line}  waiting {} for the server's limit", HumanDuration(Duration::from_secs(wait)));
    }
    line
}

/// The share that is done of what one step of a run has to scan, where that is known. Of a sweep of repositories, that is by
/// their sizes: each of them says what it has only when it is there, and the largest come first.
fn share_done(before: Reading, now: Reading) -> Option<f64> {
    let (expected, done) = if now.expected_repositories > 0 {
        (now.expected_size, now.size)
    } else {
        (now.expected.saturating_sub(before.expected), now.scanned().saturating_sub(before.scanned()))
    };
    // Far more than a terminal shows, and exact up to 2^53.
    #[expect(clippy::cast_precision_loss, reason = "a share of a percent is not shown")]
    let share = done as f64 / expected as f64;
    (expected > 0 && !now.counting).then_some(share.min(1.0))
}

/// How much is done, and how long the rest takes: `42%, 3 minutes left`.
fn left(share: f64, elapsed: Duration) -> String {
    let percent = format!("{:.0}%", (share * 100.0).floor());
    // The first files tell little.
    if !(0.02..1.0).contains(&share) || elapsed < Duration::from_secs(2) {
        return percent;
    }
    let rest = elapsed.mul_f64((1.0 - share) / share);
    format!("{percent}, {} left", HumanDuration(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_is_told_by_its_repositories() {
        let before = Reading::default();
        let now = Reading {
            objects: 900,
            bytes: 3 << 20,
            hits: 3,
            repositories: 12,
            expected_repositories: 1200,
            size: 250,
            expected_size: 1000,
            ..Reading::default()
        };
        let told = |now, second| line(before, now, Duration::from_mins(1), second);
        assert_eq!(told(now, 0), "12/1,200 repositories  3.00 MiB  3 hits  25%, 3 minutes left");
        let listed = Reading { counting: true, ..now };
        assert_eq!(told(listed, 0), "12/1,200 repositories  3.00 MiB  3 hits", "there may be more of them");
        let waits = Reading { waits_until: 1042, ..listed };
        let wait = "  waiting 42 seconds for the server's limit";
        assert_eq!(told(waits, 1000), format!("{}{wait}", told(listed, 0)));
        assert_eq!(told(waits, 1042), told(listed, 0), "it is over");
        let scan = Reading { objects: 900, bytes: 3 << 20, hits: 1, expected: 1800, ..Reading::default() };
        assert_eq!(told(scan, 0), "900 objects  3.00 MiB  1 hit  50%, 60 seconds left");
    }

    #[test]
    fn a_step_knows_how_much_of_it_is_done() {
        let read =
            |objects, expected, counting| Reading { objects, expected, counting, ..Reading::default() };
        let before = read(10, 10, false);
        assert_eq!(share_done(before, read(35, 60, false)), Some(0.5));
        assert_eq!(share_done(before, read(70, 60, false)), Some(1.0), "a file that came later");
        assert_eq!(share_done(before, read(35, 60, true)), None, "nobody knows yet");
        assert_eq!(share_done(before, read(35, 10, false)), None, "a pipe");
    }

    #[test]
    fn the_time_left_is_told_once_it_means_something() {
        assert_eq!(left(0.001, Duration::from_mins(1)), "0%");
        assert_eq!(left(0.5, Duration::from_secs(1)), "50%");
        assert_eq!(left(0.25, Duration::from_mins(1)), "25%, 3 minutes left");
        assert_eq!(left(1.0, Duration::from_mins(1)), "100%");
    }
}
