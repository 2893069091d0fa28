mod clocks;

use jiff::Timestamp;

use super::*;

const HOUR: i64 = WINDOW_MS;
/// Any time will do; this one is late in 2026.
const T: i64 = 1_795_000_000_000;

/// A reading where the uptime is not known.
fn at(wall: i64) -> ClockReading {
    ClockReading { wall, uptime: None }
}

fn full(limit: u32, now: i64) -> Quota {
    let mut quota = Quota::default();
    for batch in 1..=u64::from(limit) {
        quota.take_slot(batch, at(now));
    }
    quota
}

/// What a response reports, the reset in milliseconds since 1970.
fn rate_limit(limit: Option<u32>, remaining: Option<u32>, reset: Option<i64>) -> RateLimit {
    let reset = reset.and_then(|millis| Timestamp::from_millisecond(millis).ok());
    RateLimit { limit, remaining, reset, retry_after: None }
}

fn blocked_at(quota: &mut Quota, now: i64) -> Option<(i64, WaitReason)> {
    quota.observe_clock(at(now));
    quota.blocked(60, 0, at(now))
}

#[test]
fn a_full_hour_opens_slot_by_slot() {
    let mut quota = Quota::default();
    for batch in 0..60 {
        assert_eq!(blocked_at(&mut quota, T + batch * 1000), None);
        quota.take_slot(batch.cast_unsigned(), at(T + batch * 1000));
    }
    assert_eq!(blocked_at(&mut quota, T + 60_000), Some((T + HOUR, WaitReason::Quota)));
    assert_eq!(blocked_at(&mut quota, T + HOUR - 1), Some((T + HOUR, WaitReason::Quota)));
    assert_eq!(blocked_at(&mut quota, T + HOUR), None);
    quota.take_slot(60, at(T + HOUR));
    assert_eq!(blocked_at(&mut quota, T + HOUR + 1), Some((T + HOUR + 1000, WaitReason::Quota)));
}

#[test]
fn a_slot_is_held_from_the_end_of_its_request() {
    let mut quota = full(60, T);
    quota.finish(1, at(T + 20_000));
    assert_eq!(quota.used(at(T + HOUR)), 1);
    assert_eq!(quota.used(at(T + HOUR + 20_000)), 0);
}

#[test]
fn the_pause_between_requests_is_kept_across_a_clock_set_back() {
    let mut quota = full(1, T);
    assert_eq!(quota.blocked(60, 1000, at(T + 400)), Some((T + 1000, WaitReason::Interval)));
    assert_eq!(quota.blocked(60, 1000, at(T + 1000)), None);
    quota.observe_clock(at(T - HOUR));
    assert_eq!(quota.blocked(60, 1000, at(T - HOUR)), Some((T - HOUR + 1000, WaitReason::Interval)));
}

#[test]
fn the_server_is_believed_when_it_is_stricter() {
    let mut quota = full(1, T);
    let reported = |remaining, reset| rate_limit(Some(60), Some(remaining), Some(reset));
    quota.apply_rate_limit(&reported(1, T + 600_000), at(T));
    assert_eq!(blocked_at(&mut quota, T + 1), None);
    quota.take_slot(2, at(T + 1));
    // The one that remained is spent, though no response has reported it yet.
    assert_eq!(blocked_at(&mut quota, T + 2), Some((T + 601_000, WaitReason::Server)));
    // An older answer that comes late does not give it back.
    quota.apply_rate_limit(&reported(1, T + 600_000), at(T + 3));
    assert_eq!(blocked_at(&mut quota, T + 4), Some((T + 601_000, WaitReason::Server)));
    // A new window does.
    assert_eq!(blocked_at(&mut quota, T + 601_000), None);
    // And a server that is more generous than the request changes nothing.
    let mut quota = full(60, T);
    quota.apply_rate_limit(&rate_limit(Some(5000), Some(4940), Some(T + HOUR)), at(T));
    assert_eq!(blocked_at(&mut quota, T + 1), Some((T + HOUR, WaitReason::Quota)));
}

#[test]
fn a_smaller_limit_is_believed_while_its_window_lasts() {
    let mut quota = full(30, T);
    quota.apply_rate_limit(&rate_limit(Some(30), None, Some(T + 60_000)), at(T));
    assert_eq!(quota.blocked(60, 0, at(T + 1)).map(|(_, reason)| reason), Some(WaitReason::Quota));
    assert_eq!(quota.blocked(60, 0, at(T + 61_000)), None);
}

#[test]
fn a_reset_that_makes_no_sense_is_bounded() {
    for (reset, until) in [
        (Some(T - 5000), T + 60_000),
        (Some(T), T + 60_000),
        (None, T + 60_000),
        (Some(T + 9000 * HOUR), T + HOUR),
    ] {
        let mut quota = Quota::default();
        quota.apply_rate_limit(&rate_limit(None, Some(0), reset), at(T));
        assert_eq!(quota.blocked(60, 0, at(T)), Some((until, WaitReason::Server)), "{reset:?}");
    }
}

#[test]
fn the_longest_wait_and_the_gravest_reason_win() {
    let mut quota = full(60, T);
    quota.hold(60_000, at(T));
    assert_eq!(quota.blocked(60, 1000, at(T + 1)), Some((T + HOUR, WaitReason::Server)));
}

#[test]
fn a_request_that_never_left_gives_everything_back() {
    let mut quota = full(59, T);
    quota.apply_rate_limit(&rate_limit(Some(60), Some(1), Some(T + HOUR)), at(T));
    let before = quota.clone();
    quota.take_slot(60, at(T));
    assert_eq!((quota.used(at(T)), quota.server.remaining), (60, Some(0)));
    quota.give_back(60);
    assert_eq!((&quota.slots, quota.server.remaining), (&before.slots, Some(1)));
    assert_eq!(blocked_at(&mut quota, T), None);
    // Twice is once, and what was never taken is not given.
    quota.give_back(60);
    assert_eq!(quota.server.remaining, Some(1));
    // Never more than the server allows at all.
    quota.server.remaining = Some(60);
    quota.give_back(1);
    assert_eq!(quota.server.remaining, Some(60));
}

#[test]
fn what_takes_no_slot_keeps_the_pace_and_obeys_the_server() {
    let mut quota = full(60, T);
    assert_eq!(quota.paced(334, at(T)), Some((T + 334, WaitReason::Interval)));
    assert_eq!(quota.paced(334, at(T + 334)), None, "a full hour is no matter");
    quota.hold(1000, at(T));
    assert_eq!(quota.paced(334, at(T)), Some((T + 1000, WaitReason::Server)));
    assert_eq!(quota.paced(334, at(T + 1000)), None);
}

#[test]
fn the_last_batch_that_was_accepted_is_kept() {
    let mut quota = Quota::default();
    assert!(quota.observe_outcome(3, 10, BatchOutcome::Accepted));
    assert!(quota.observe_outcome(2, 10, BatchOutcome::Accepted));
    assert_eq!(quota.accepted, 3, "a late answer moves nothing back");
    for (outcome, blameless) in [
        (BatchOutcome::Failed, false),
        (BatchOutcome::Unknown, false),
        (BatchOutcome::Invalid, true),
        (BatchOutcome::Returned, true),
        (BatchOutcome::NotSent, true),
        (BatchOutcome::Dead, true),
    ] {
        let before = quota.clone();
        assert_eq!(quota.observe_outcome(4, 10, outcome), blameless, "{outcome:?}");
        assert_eq!(quota, before);
    }
}

#[test]
fn a_request_that_was_too_long_bounds_the_next() {
    let mut quota = Quota::default();
    assert_eq!(quota.max_batch(1000), 1000);
    // Before one was too long, what is taken says nothing.
    quota.observe_outcome(1, 900, BatchOutcome::Accepted);
    assert!(quota.observe_outcome(2, 800, BatchOutcome::TooLarge));
    assert_eq!((quota.max_batch(1000), quota.max_batch(30)), (400, 30));
    quota.observe_outcome(3, 300, BatchOutcome::Accepted);
    quota.observe_outcome(4, 200, BatchOutcome::Accepted);
    assert!(quota.observe_outcome(5, 400, BatchOutcome::TooLarge));
    assert_eq!(quota.max_batch(1000), 300, "as many as were taken");
    // One no longer than what was taken is not too long: the bound was wrong.
    assert!(!quota.observe_outcome(6, 300, BatchOutcome::TooLarge));
    assert_eq!(quota.max_batch(1000), 1000);
    // A single token is not too long either.
    assert!(quota.observe_outcome(7, 2, BatchOutcome::TooLarge));
    assert_eq!(quota.max_batch(1000), 1);
    assert!(!quota.observe_outcome(8, 1, BatchOutcome::TooLarge));
}

#[test]
fn what_a_server_counts_lasts_an_hour_where_it_does_not_say_until_when() {
    let mut quota = full(5, T);
    quota.apply_rate_limit(&rate_limit(Some(5), Some(1), None), at(T));
    assert_eq!([HOUR - 1, HOUR].map(|ms| quota.limit(60, at(T + ms))), [5, 60]);
    // What says nothing changes nothing.
    let before = quota.clone();
    quota.apply_rate_limit(&rate_limit(None, None, Some(T + HOUR)), at(T + 1));
    assert_eq!(quota, before);
}

#[test]
fn what_remained_in_one_window_says_nothing_of_the_next() {
    let first = rate_limit(Some(60), Some(0), Some(T + 600_000));
    for (reset, remaining) in [(T + 600_000 + 5000, Some(0)), (T + 600_000 + 5001, None)] {
        let mut quota = Quota::default();
        quota.apply_rate_limit(&first, at(T));
        quota.apply_rate_limit(&rate_limit(Some(60), None, Some(reset)), at(T + 1));
        assert_eq!(quota.server.remaining, remaining, "{reset}");
        quota.apply_rate_limit(&rate_limit(None, Some(7), Some(reset)), at(T + 2));
        assert_eq!(quota.server.remaining, remaining.or(Some(7)), "{reset}");
    }
    let mut quota = Quota::default();
    quota.apply_rate_limit(&first, at(T));
    quota.apply_rate_limit(&rate_limit(None, Some(7), Some(T + HOUR)), at(T + 1));
    assert_eq!(quota.server.remaining, Some(7));
}
