//! Random sequences of what happens to clocks, held to the true time.
//!
//! What is guaranteed, and to whom:
//!
//! - Where the uptime is known and the machine runs on: exactly the quota and exactly the waits that were asked for,
//!   whatever is done to the wall clock.
//! - Across restarts: nothing is freed early, as long as the clock was not set forward since what is counted.
//! - Without an uptime: nothing is freed early by any steps back, nor by a step back and its correction. And nobody waits for
//!   longer than twice the time and a quarter of an hour once the clock runs on.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;

use super::moment::AHEAD_MS;
use super::*;
use crate::ledger::time::Uptime;

const HOUR: i64 = WINDOW_MS;
/// Small, so that a sequence fills it: the arithmetic is the same for 60.
const PER_HOUR: u32 = 4;

#[derive(Clone, Debug)]
enum Event {
    /// Time passes; the machine may sleep meanwhile, and its uptime counts on.
    Pass(i64),
    /// The wall clock is set.
    Step(i64),
    /// The machine is started anew, so many milliseconds later.
    Restart(i64),
    /// A process asks whether a request may leave, and sends it if so. It takes so long.
    Request(i64),
    /// The server asks for so much patience.
    Hold(i64),
    /// The server reports that nothing remains for so long.
    Empty(i64),
}

/// A machine, its ledger, and what is true.
struct World {
    quota: Quota,
    /// True time; the clock shows `offset` more.
    time: i64,
    offset: i64,
    boot: i64,
    booted: i64,
    /// Whether processes can tell the uptime.
    tells_uptime: bool,
    /// When requests were over.
    requests: Vec<i64>,
    /// The end of what the server asked for.
    held: i64,
}

impl World {
    fn new(tells_uptime: bool) -> Self {
        let time = 1_795_000_000_000;
        let booted = time - 60_000;
        World {
            quota: Quota::default(),
            time,
            offset: 0,
            boot: 1,
            booted,
            tells_uptime,
            requests: Vec::new(),
            held: 0,
        }
    }

    fn now(&self) -> ClockReading {
        let uptime = Uptime { boot: self.boot, ms: self.time - self.booted };
        ClockReading { wall: self.time + self.offset, uptime: self.tells_uptime.then_some(uptime) }
    }

    /// Asks as a process does; the end of the wait in true time.
    fn ask(&mut self) -> Option<i64> {
        self.quota.observe_clock(self.now());
        let blocked = self.quota.blocked(PER_HOUR, 0, self.now());
        blocked.map(|(until, _)| until - self.offset)
    }

    fn run(&mut self, event: &Event) {
        match *event {
            Event::Pass(ms) => self.time += ms,
            Event::Step(ms) => {
                self.offset += ms;
                self.quota.observe_clock(self.now());
            }
            Event::Restart(ms) => {
                self.time += ms;
                (self.boot, self.booted) = (self.boot + 1, self.time);
            }
            Event::Request(ms) => {
                if self.ask().is_none() {
                    let batch = self.requests.len() as u64;
                    self.quota.take_slot(batch, self.now());
                    self.time += ms;
                    self.quota.observe_clock(self.now());
                    self.quota.finish(batch, self.now());
                    self.requests.push(self.time);
                }
            }
            Event::Hold(ms) => {
                self.quota.observe_clock(self.now());
                self.quota.hold(ms, self.now());
                self.held = self.held.max(self.time + ms);
            }
            Event::Empty(ms) => {
                // Whole seconds, and one more for the rounding: what the quota makes of it is what was asked for.
                let now = self.now();
                let reset = jiff::Timestamp::from_millisecond(now.wall + ms).ok();
                let reported = RateLimit { remaining: Some(0), reset, ..RateLimit::default() };
                self.quota.observe_clock(now);
                self.quota.apply_rate_limit(&reported, now);
                self.held = self.held.max(self.time + ms);
            }
        }
    }

    /// How many requests were over less than an hour ago.
    fn used(&self) -> u32 {
        let recent = self.requests.iter().filter(|over| **over > self.time - HOUR).count();
        u32::try_from(recent).expect("few")
    }

    /// Nothing is free that is taken, and nobody is let through while the server wants none.
    fn check_nothing_is_early(&mut self) {
        let (used, wait) = (self.used(), self.ask());
        assert!(self.quota.used(self.now()) >= used, "a slot was freed early");
        assert!(used <= PER_HOUR, "{used} requests in an hour");
        assert!(wait.is_some() || used < PER_HOUR, "the quota was not kept");
        assert!(wait.is_some() || self.time >= self.held, "{} ms too early", self.held - self.time);
    }

    /// Whoever waits as long as he is told, gets through within so long.
    fn check_nobody_waits_longer_than(&mut self, ms: i64) {
        let end = self.time + ms;
        while let Some(until) = self.ask() {
            assert!(until > self.time, "later is not later");
            self.time = until;
            assert!(self.time <= end, "{} ms too long", self.time - end);
        }
    }
}

fn pass() -> impl Strategy<Value = Event> {
    prop_oneof![0..2000_i64, 0..HOUR / 2, 0..3 * HOUR, 0..72 * HOUR].prop_map(Event::Pass)
}

fn request() -> impl Strategy<Value = Event> {
    prop_oneof![4 => 0..1000_i64, 1 => 0..60_000_i64].prop_map(Event::Request)
}

/// What a server asks for lasts so long at the most.
const LONGEST_HOLD: i64 = 2 * HOUR;

fn hold() -> impl Strategy<Value = Event> {
    prop_oneof![0..60_000_i64, 0..=LONGEST_HOLD].prop_map(Event::Hold)
}

/// How far a clock is set: a little, hours, years.
fn distance() -> impl Strategy<Value = i64> {
    prop_oneof![0..5000_i64, 0..2 * AHEAD_MS, 0..3 * HOUR, 0..20_000 * HOUR]
}

fn step() -> impl Strategy<Value = Event> {
    (distance(), any::<bool>()).prop_map(|(ms, back)| Event::Step(if back { -ms } else { ms }))
}

proptest! {
    #![proptest_config(Config { cases: 500, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_running_machine_keeps_exactly_to_the_quota(
        events in vec(prop_oneof![2 => pass(), 3 => step(), 10 => request(), 1 => hold()], 1..80),
    ) {
        let mut world = World::new(true);
        for event in &events {
            world.run(event);
            world.check_nothing_is_early();
            // And not late either, by a millisecond.
            let (used, wait) = (world.used(), world.ask());
            prop_assert_eq!(world.quota.used(world.now()), used);
            prop_assert_eq!(wait.is_none(), used < PER_HOUR && world.time >= world.held);
        }
        world.check_nobody_waits_longer_than(HOUR.max(LONGEST_HOLD));
    }

    #[test]
    fn a_running_machine_waits_for_the_servers_window(
        wait in 1..HOUR / 1000, steps in vec(step(), 0..5), pause in 0..HOUR,
    ) {
        let mut world = World::new(true);
        world.run(&Event::Empty(wait * 1000));
        world.run(&Event::Pass(pause));
        for event in &steps {
            world.run(event);
            world.check_nothing_is_early();
        }
        world.check_nobody_waits_longer_than((world.held + RESET_ROUNDING_MS - world.time).max(0));
    }

    #[test]
    fn a_restart_frees_nothing_early(
        events in vec(prop_oneof![
            4 => pass(), 2 => step(), 1 => (0..600_000_i64).prop_map(Event::Restart), 10 => request(), 1 => hold()
        ], 1..80),
    ) {
        let mut world = World::new(true);
        for event in &events {
            // What left before a restart is counted by the wall clock alone.
            let counting = world.used() > 0 || world.time < world.held;
            if counting && matches!(event, Event::Step(1..)) {
                continue;
            }
            world.run(event);
            world.check_nothing_is_early();
        }
        world.check_nobody_waits_longer_than(2 * LONGEST_HOLD + AHEAD_MS);
    }

    #[test]
    fn without_an_uptime_a_clock_set_back_frees_nothing_early(
        events in vec(prop_oneof![
            4 => pass(), 1 => distance().prop_map(|ms| Event::Step(-ms)), 10 => request(), 1 => hold()
        ], 1..80),
    ) {
        let mut world = World::new(false);
        for event in &events {
            world.run(event);
            world.check_nothing_is_early();
        }
        world.check_nobody_waits_longer_than(2 * LONGEST_HOLD + AHEAD_MS);
    }

    /// Wrong once: all was sent while the clock was right, or a little fast.
    #[test]
    fn without_an_uptime_a_clock_put_right_again_frees_nothing_early(
        before in vec(prop_oneof![pass(), request(), request(), hold()], 1..40),
        fast in 0..=AHEAD_MS,
        back in distance(),
        meanwhile in vec((0..HOUR).prop_map(Event::Pass), 0..4),
        after in vec(prop_oneof![pass(), request(), request(), hold()], 1..40),
    ) {
        let mut world = World::new(false);
        world.offset = fast;
        for event in &before {
            // A little is less than the wait is long.
            world.run(&if let Event::Hold(ms) = *event { Event::Hold(ms.max(fast)) } else { event.clone() });
        }
        world.run(&Event::Step(-back - fast));
        for event in &meanwhile {
            world.run(event);
            world.quota.observe_clock(world.now());
            prop_assert!(world.quota.used(world.now()) >= world.used());
        }
        world.run(&Event::Step(back));
        for event in &after {
            world.check_nothing_is_early();
            world.run(event);
        }
        world.check_nobody_waits_longer_than(2 * LONGEST_HOLD + AHEAD_MS);
    }

    #[test]
    fn whatever_was_done_to_the_clock_nobody_is_locked_out(
        tells_uptime in any::<bool>(),
        events in vec(prop_oneof![
            4 => pass(), 4 => step(), 1 => (0..HOUR).prop_map(Event::Restart), 10 => request(), 1 => hold(),
            1 => (1..HOUR).prop_map(Event::Empty)
        ], 1..80),
    ) {
        let mut world = World::new(tells_uptime);
        for event in &events {
            world.run(event);
        }
        world.check_nobody_waits_longer_than(2 * LONGEST_HOLD + AHEAD_MS);
        // Nor later on.
        world.time += 1;
        prop_assert!(world.ask().is_none());
    }
}
