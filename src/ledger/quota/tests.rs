use jiff::Timestamp;

use super::*;

const HOUR: i64 = WINDOW_MS;
/// Any time will do; this one is late in 2026.
const T: i64 = 1_795_000_000_000;

fn full(limit: u32, now: i64) -> Quota {
    let mut quota = Quota::default();
    for batch in 1..=u64::from(limit) {
        quota.take_slot(batch, now);
    }
    quota
}

/// What a response reports, the reset in milliseconds since 1970.
fn rate_limit(limit: Option<u32>, remaining: Option<u32>, reset: Option<i64>) -> RateLimit {
    let reset = reset.and_then(|millis| Timestamp::from_millisecond(millis).ok());
    RateLimit { limit, remaining, reset, retry_after: None }
}

fn blocked_at(quota: &mut Quota, now: i64) -> Option<(i64, WaitReason)> {
    quota.observe_clock(now);
    quota.blocked(60, 0, now)
}

#[test]
fn a_full_hour_opens_slot_by_slot() {
    let mut quota = Quota::default();
    for batch in 0..60 {
        assert_eq!(blocked_at(&mut quota, T + batch * 1000), None);
        quota.take_slot(batch.cast_unsigned(), T + batch * 1000);
    }
    assert_eq!(blocked_at(&mut quota, T + 60_000), Some((T + HOUR, WaitReason::Quota)));
    assert_eq!(blocked_at(&mut quota, T + HOUR - 1), Some((T + HOUR, WaitReason::Quota)));
    assert_eq!(blocked_at(&mut quota, T + HOUR), None);
    quota.take_slot(60, T + HOUR);
    assert_eq!(blocked_at(&mut quota, T + HOUR + 1), Some((T + HOUR + 1000, WaitReason::Quota)));
}

#[test]
fn a_slot_is_held_from_the_end_of_its_request() {
    let mut quota = full(60, T);
    quota.finish(1, T + 20_000);
    assert_eq!(quota.used(T + HOUR), 1);
    assert_eq!(quota.used(T + HOUR + 20_000), 0);
}

#[test]
fn a_clock_set_back_frees_nothing_early() {
    for back in [1, 1000, HOUR - 1, HOUR, HOUR + 1, 24 * HOUR, 9000 * HOUR] {
        let mut quota = full(60, T);
        let set_back = T - back;
        // Blocked for an hour, and for as long as the clock shows the hour the slots were taken in; not for the length
        // of the jump.
        let opens = if back <= HOUR { T + HOUR } else { set_back + HOUR };
        let mut now = set_back;
        while now < opens {
            assert_eq!(blocked_at(&mut quota, now), Some((opens, WaitReason::Quota)), "{back} at {now}");
            now += 60_000;
        }
        assert_eq!(blocked_at(&mut quota, opens), None, "{back}");
    }
}

#[test]
fn a_clock_put_right_again_finds_its_slots() {
    for back in [HOUR / 2, 2 * HOUR, 48 * HOUR] {
        let mut quota = full(60, T);
        assert!(blocked_at(&mut quota, T - back).is_some());
        assert_eq!(blocked_at(&mut quota, T + 60_000), Some((T + HOUR, WaitReason::Quota)), "{back}");
    }
}

#[test]
fn a_jump_forward_and_back_blocks_for_an_hour_at_most() {
    let mut quota = full(60, T);
    // A year ahead nothing counts any more: that cannot be distinguished from a year of waiting.
    let ahead = T + 8760 * HOUR;
    assert_eq!(blocked_at(&mut quota, ahead), None);
    for batch in 100..160 {
        quota.take_slot(batch, ahead);
    }
    quota.hold(600_000, ahead);
    // Back: both the slots of then and those of the year ahead count, for an hour and no longer.
    assert_eq!(blocked_at(&mut quota, T + 1000).map(|(until, _)| until), Some(T + 1000 + HOUR));
    assert_eq!(quota.used(T + 1000), 120);
    assert_eq!(quota.hold, Span { since: T + 1000, until: T + 601_000 });
    assert_eq!(blocked_at(&mut quota, T + 1000 + HOUR), None);
}

#[test]
fn the_pause_between_requests_is_kept_across_a_clock_set_back() {
    let mut quota = full(1, T);
    assert_eq!(quota.blocked(60, 1000, T + 400), Some((T + 1000, WaitReason::Interval)));
    assert_eq!(quota.blocked(60, 1000, T + 1000), None);
    quota.observe_clock(T - HOUR);
    assert_eq!(quota.blocked(60, 1000, T - HOUR), Some((T - HOUR + 1000, WaitReason::Interval)));
}

#[test]
fn the_server_is_believed_when_it_is_stricter() {
    let mut quota = full(1, T);
    let reported = |remaining, reset| rate_limit(Some(60), Some(remaining), Some(reset));
    quota.apply_rate_limit(&reported(1, T + 600_000), T);
    assert_eq!(blocked_at(&mut quota, T + 1), None);
    quota.take_slot(2, T + 1);
    // The one that remained is spent, though no response has reported it yet.
    assert_eq!(blocked_at(&mut quota, T + 2), Some((T + 601_000, WaitReason::Server)));
    // An older answer that comes late does not give it back.
    quota.apply_rate_limit(&reported(1, T + 600_000), T + 3);
    assert_eq!(blocked_at(&mut quota, T + 4), Some((T + 601_000, WaitReason::Server)));
    // A new window does.
    assert_eq!(blocked_at(&mut quota, T + 601_000), None);
    // And a server that is more generous than the request changes nothing.
    let mut quota = full(60, T);
    quota.apply_rate_limit(&rate_limit(Some(5000), Some(4940), Some(T + HOUR)), T);
    assert_eq!(blocked_at(&mut quota, T + 1), Some((T + HOUR, WaitReason::Quota)));
}

#[test]
fn a_smaller_limit_is_believed_while_its_window_lasts() {
    let mut quota = full(30, T);
    quota.apply_rate_limit(&rate_limit(Some(30), None, Some(T + 60_000)), T);
    assert_eq!(quota.blocked(60, 0, T + 1).map(|(_, reason)| reason), Some(WaitReason::Quota));
    assert_eq!(quota.blocked(60, 0, T + 61_000), None);
}

#[test]
fn a_reset_that_makes_no_sense_is_bounded() {
    for (reset, until) in
        [(Some(T - 5000), T + 60_000), (None, T + 60_000), (Some(T + 9000 * HOUR), T + HOUR)]
    {
        let mut quota = Quota::default();
        quota.apply_rate_limit(&rate_limit(None, Some(0), reset), T);
        assert_eq!(quota.blocked(60, 0, T), Some((until, WaitReason::Server)), "{reset:?}");
    }
}

#[test]
fn the_longest_wait_and_the_gravest_reason_win() {
    let mut quota = full(60, T);
    quota.hold(60_000, T);
    assert_eq!(quota.blocked(60, 1000, T + 1), Some((T + HOUR, WaitReason::Server)));
}

#[test]
fn a_request_that_never_left_gives_everything_back() {
    let mut quota = full(59, T);
    quota.apply_rate_limit(&rate_limit(Some(60), Some(1), Some(T + HOUR)), T);
    let before = quota.clone();
    quota.take_slot(60, T);
    assert_eq!((quota.used(T), quota.server.remaining), (60, Some(0)));
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
    assert_eq!(quota.paced(334, T), Some((T + 334, WaitReason::Interval)));
    assert_eq!(quota.paced(334, T + 334), None, "a full hour is no matter");
    quota.hold(1000, T);
    assert_eq!(quota.paced(334, T), Some((T + 1000, WaitReason::Server)));
    assert_eq!(quota.paced(334, T + 1000), None);
}
