//! Clocks that are set, machines that are restarted.

use super::*;
use crate::ledger::quota::moment::AHEAD_MS;
use crate::ledger::time::Uptime;

/// A reading of a machine that was started as number `boot`.
fn up(wall: i64, boot: i64, ms: i64) -> ClockReading {
    ClockReading { wall, uptime: Some(Uptime { boot, ms }) }
}

#[test]
fn a_clock_set_back_frees_nothing_early() {
    for back in [1, 1000, HOUR - 1, HOUR, HOUR + 1, 24 * HOUR, 9000 * HOUR] {
        let mut quota = full(60, T);
        let set_back = T - back;
        // Blocked for an hour, and where the clock shows the hour the slots were taken in soon after, for that as well; not
        // for the length of the jump.
        let opens = if back <= HOUR + AHEAD_MS { T + HOUR } else { set_back + HOUR };
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
        quota.take_slot(batch, at(ahead));
    }
    quota.hold(600_000, at(ahead));
    // Back: both the slots of then and those of the year ahead count, for an hour and no longer.
    assert_eq!(blocked_at(&mut quota, T + 1000).map(|(until, _)| until), Some(T + 1000 + HOUR));
    assert_eq!(quota.used(at(T + 1000)), 120);
    assert_eq!(quota.hold.end(at(T + 1000)), Some(T + 601_000));
    assert_eq!(blocked_at(&mut quota, T + 1000 + HOUR), None);
}

#[test]
fn while_the_machine_runs_no_step_of_its_clock_frees_or_keeps_a_slot() {
    // Slow at the start and then put right; an hour fast; ten minutes fast and then two hours slow; years fast.
    for steps in
        [&[2 * HOUR][..], &[-HOUR], &[HOUR], &[-600_000, -2 * HOUR, 3 * HOUR], &[9000 * HOUR, -9000 * HOUR]]
    {
        let mut quota = Quota::default();
        for batch in 1..=60 {
            quota.take_slot(batch, up(T, 7, 1000));
        }
        quota.hold(2 * HOUR, up(T, 7, 1000));
        quota.apply_rate_limit(&rate_limit(None, Some(0), Some(T + HOUR / 2)), up(T, 7, 1000));
        let mut wall = T;
        for step in steps {
            wall += step;
            quota.observe_clock(up(wall, 7, 2000));
            let opens = wall - 1000 + 2 * HOUR;
            assert_eq!(
                quota.blocked(60, 0, up(wall, 7, 2000)),
                Some((opens, WaitReason::Server)),
                "{steps:?}"
            );
            assert_eq!(quota.used(up(wall, 7, 2000)), 60, "{steps:?}");
        }
        let after = |ms| up(wall - 1000 + ms, 7, 1000 + ms);
        assert_eq!((quota.used(after(HOUR - 1)), quota.used(after(HOUR))), (60, 0), "{steps:?}");
        assert_eq!(quota.server.window.end(after(HOUR / 2 + 999)), Some(wall - 1000 + HOUR / 2 + 1000));
        assert_eq!(quota.server.window.end(after(HOUR / 2 + 1000)), None);
        assert!(quota.blocked(60, 0, after(2 * HOUR - 1)).is_some(), "{steps:?}");
        assert_eq!(quota.blocked(60, 0, after(2 * HOUR)), None, "{steps:?}");
    }
}

#[test]
fn what_was_counted_under_a_fast_clock_counts_after_a_restart_with_the_right_one() {
    let mut quota = Quota::default();
    quota.take_slot(1, up(T + 24 * HOUR, 7, 1000));
    quota.hold(HOUR / 2, up(T + 24 * HOUR, 7, 1000));
    // The clock is put right, and seen; then the machine is restarted, and its uptime tells nothing any more.
    assert!(quota.observe_clock(up(T + 60_000, 7, 61_000)));
    assert!(!quota.observe_clock(up(T + 61_000, 7, 62_000)), "nothing to write down twice");
    for restarted in [up(T + 120_000, 8, 2000), at(T + 120_000)] {
        quota.observe_clock(restarted);
        assert_eq!((quota.used(restarted), quota.hold.end(restarted)), (1, Some(T + HOUR / 2)));
        assert_eq!(quota.used(ClockReading { wall: T + HOUR, ..restarted }), 0);
    }
}

#[test]
fn an_uptime_that_ran_back_is_another_start() {
    let mut quota = Quota::default();
    quota.take_slot(1, up(T, 7, 5000));
    quota.observe_clock(up(T + 1000, 7, 4999));
    assert_eq!((quota.used(up(T + HOUR - 1, 7, 4999)), quota.used(up(T + HOUR, 7, 4999))), (1, 0));
    // Not a moment later, it is the same.
    assert_eq!(quota.used(up(T + 2 * HOUR, 7, 5000)), 1);
}

#[test]
fn a_clock_that_was_fast_and_then_slow_frees_nothing_early() {
    let mut quota = full(60, T + 600_000);
    assert!(blocked_at(&mut quota, T - 2 * HOUR).is_some());
    assert_eq!(blocked_at(&mut quota, T + 1000), Some((T + 600_000 + HOUR, WaitReason::Quota)));
    // More than a little ahead is of a clock that was wrong.
    for (ahead, taken) in [(AHEAD_MS, 1), (AHEAD_MS + 1, 0)] {
        let mut quota = full(1, T + ahead);
        quota.observe_clock(at(T - 2 * HOUR));
        assert_eq!(quota.used(at(T)), taken);
    }
}

#[test]
fn what_the_server_asked_for_survives_a_clock_that_was_slow_once() {
    let mut quota = Quota::default();
    quota.hold(HOUR / 2, at(T));
    quota.apply_rate_limit(&rate_limit(None, Some(0), Some(T + HOUR / 4)), at(T));
    assert!(blocked_at(&mut quota, T - 2 * HOUR).is_some());
    assert_eq!(blocked_at(&mut quota, T + 60_000), Some((T + HOUR / 2, WaitReason::Server)));
    assert_eq!(quota.server.window.end(at(T + 60_000)), Some(T + HOUR / 4 + 1000));
    assert_eq!(blocked_at(&mut quota, T + HOUR / 2), None);
}

#[test]
fn a_wait_noted_under_a_clock_years_fast_takes_its_own_length() {
    let ahead = T + 9000 * HOUR;
    for length in [30_000, HOUR / 2, 24 * HOUR] {
        let mut quota = Quota::default();
        quota.hold(length, at(ahead));
        quota.hold(1000, at(ahead));
        assert_eq!(blocked_at(&mut quota, T), Some((T + length, WaitReason::Server)));
        assert_eq!(blocked_at(&mut quota, T + length - 1), Some((T + length, WaitReason::Server)));
        assert_eq!(blocked_at(&mut quota, T + length), None);
        // And the clock does not come by it a second time.
        assert_eq!(blocked_at(&mut quota, ahead), None);
    }
    let mut quota = full(60, ahead);
    assert!(blocked_at(&mut quota, T).is_some());
    assert_eq!(blocked_at(&mut quota, T + HOUR), None);
    assert_eq!(blocked_at(&mut quota, ahead), None);
}

#[test]
fn observing_says_whether_something_has_to_be_written_down() {
    let quota = || {
        let mut quota = Quota::default();
        quota.take_slot(1, at(T));
        quota.last = Moment::new(at(T - HOUR));
        quota
    };
    assert!(!quota().observe_clock(at(T)));
    assert!(!quota().observe_clock(at(T + 9000 * HOUR)));
    assert!(quota().observe_clock(at(T - 1)), "a slot");
    let mut last = Quota { last: Moment::new(at(T)), ..Quota::default() };
    assert!(last.observe_clock(at(T - 1)) && !last.observe_clock(at(T - 1)), "the last request");
    let mut held = Quota::default();
    held.hold(1000, at(T));
    assert!(held.observe_clock(at(T - 1)) && !held.observe_clock(at(T - 1)), "a hold");
    let mut limited = Quota::default();
    limited.apply_rate_limit(&rate_limit(Some(60), None, None), at(T));
    assert!(limited.observe_clock(at(T - 1)) && !limited.observe_clock(at(T - 1)), "the server's window");
    // By the uptime: what two clocks that are read one after the other differ by is no step.
    let running = |step: i64| {
        let mut quota = Quota::default();
        quota.take_slot(1, up(T, 7, 0));
        quota.observe_clock(up(T + 60_000 + step, 7, 60_000))
    };
    assert_eq!([-1000, -999, 0, 1000].map(running), [true, false, false, false]);
}

#[test]
fn a_release_lifts_what_only_a_step_of_the_clock_would_bring_back() {
    let lasting = |lift: fn(&mut Quota)| {
        let mut quota = Quota::default();
        lift(&mut quota);
        // The clock was a day fast; the hold is over since, but nobody has looked at it.
        let now = at(T - 24 * HOUR);
        assert!(quota.release(now));
        assert!(!quota.release(now), "twice is once");
        assert_eq!((quota.blocked(60, 0, at(T)), quota.blocked(60, 0, now)), (None, None));
    };
    lasting(|quota| quota.hold(HOUR, at(T)));
    lasting(|quota| quota.apply_rate_limit(&rate_limit(Some(60), Some(0), Some(T + HOUR)), at(T)));
    // One that is over by now, and that nobody has looked at since.
    let mut quota = Quota::default();
    quota.hold(HOUR, at(T + 24 * HOUR));
    quota.observe_clock(at(T));
    quota.strikes = 0;
    assert!(!quota.release(at(T + HOUR)));
    assert_eq!(quota.blocked(60, 0, at(T + 24 * HOUR)), None);
    // What the server counted stays where there is something left.
    let mut quota = full(60, T);
    quota.apply_rate_limit(&rate_limit(Some(60), Some(5), Some(T + HOUR)), at(T));
    let before = quota.clone();
    assert!(!quota.release(at(T + 1)));
    assert_eq!(quota, before);
    quota.hold(1000, at(T));
    assert!(quota.release(at(T + 1)));
    assert_eq!((quota.strikes, quota.used(at(T + 1))), (0, 60), "the requests of the last hour still count");
    assert!(!Quota::default().release(at(T)));
    // A hold that is over is nothing to lift, but that the server asked for it is.
    quota.hold(1000, at(T));
    assert!(quota.release(at(T + 1000)));
}

#[test]
fn a_lease_is_over_by_the_uptime_or_by_the_clock() {
    let lease = |uptime| Lease { since: T, until: T + 90_000, uptime };
    let (timed, by_wall) = (lease(up(T, 7, 1000).uptime), lease(None));
    // By the uptime, whatever the clock shows.
    for wall in [T - HOUR, T, T + HOUR] {
        let over = [90_999, 91_000].map(|ms| timed.is_over(up(wall, 7, ms)));
        assert_eq!(over, [false, true]);
        assert_eq!(timed.last_moment(up(wall, 7, 50_000)), up(wall.min(T + 90_000), 7, 50_000));
        assert_eq!(timed.last_moment(up(wall, 7, 500_000)), up(wall.min(T + 90_000), 7, 91_000));
    }
    for now in [at, |wall| up(wall, 8, 0)] {
        let walls = [T - 90_001, T - 90_000, T + 89_999, T + 90_000];
        assert_eq!(walls.map(|wall| timed.is_over(now(wall))), [true, false, false, true]);
        assert_eq!(walls.map(|wall| by_wall.is_over(now(wall))), [true, false, false, true]);
        assert_eq!(timed.last_moment(now(T + HOUR)), at(T + 90_000));
        assert_eq!(timed.last_moment(now(T + 1)), at(T + 1));
    }
    // The slot of a request whose process is gone counts from then on.
    let mut quota = Quota::default();
    quota.take_slot(1, up(T, 7, 1000));
    quota.finish(1, timed.last_moment(up(T + HOUR, 7, 500_000)));
    assert_eq!([HOUR + 90_999, HOUR + 91_000].map(|ms| quota.used(up(T, 7, ms))), [1, 0]);
}

#[test]
fn a_second_wait_under_a_clock_set_back_makes_the_first_no_longer() {
    let wall = |wall| ClockReading { wall, uptime: None };
    let (mut quota, back) = (Quota::default(), HOUR / 2);
    quota.hold(HOUR, wall(T));
    quota.observe_clock(wall(T - back));
    quota.hold(0, wall(T - back));
    assert_eq!(quota.hold.end(wall(T - back)), Some(T - back + HOUR));
}
