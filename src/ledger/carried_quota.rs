//! What a quota counts, on its way to another ledger. That one may have another clock, so only lengths go over.

use super::quota::{Moment, Quota, ServerLimit, Slot, Span, WINDOW_MS};
use super::time::{ClockReading, Uptime};

/// What is counted of an identity's requests at one moment. All lengths are milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CarriedQuota {
    /// The requests that still count: the batch of each in its own ledger, and for how long it counts.
    pub(crate) slots: Vec<(u64, i64)>,
    /// For how long the server asked for patience.
    hold: i64,
    strikes: u32,
    /// The server's own count, and for how long it is one.
    server: ServerLimit,
    server_left: i64,
}

impl CarriedQuota {
    /// Whether the server asked for patience, or said that nothing remains.
    pub(crate) fn asks_for_patience(&self) -> bool {
        self.hold > 0 || (self.server_left > 0 && self.server.remaining == Some(0))
    }
}

impl Quota {
    /// What is counted at `now`.
    pub(crate) fn carried(&self, now: ClockReading) -> CarriedQuota {
        let left = |end: Option<i64>| end.map_or(0, |end| end.saturating_sub(now.wall));
        let counting = |slot: &Slot| Some((slot.batch, left(Some(slot.end(now)?)).min(WINDOW_MS)));
        CarriedQuota {
            slots: self.slots.iter().filter_map(counting).collect(),
            hold: left(self.hold.end(now)).min(self.hold.length),
            strikes: self.strikes,
            server: self.server,
            server_left: left(self.server.window.end(now)).min(WINDOW_MS),
        }
    }

    /// Takes over what a server asked for in another ledger, where that is more than what it asked for here. The slots are for
    /// the backend to write down, see [`Quota::take_carried_slot`].
    pub(crate) fn take_carried(&mut self, carried: &CarriedQuota, now: ClockReading) {
        let left = |span: &Span| span.end(now).map_or(0, |end| end.saturating_sub(now.wall));
        if carried.hold > left(&self.hold) {
            self.hold = Span::new(now, carried.hold);
        }
        self.strikes = self.strikes.max(carried.strikes);
        if carried.server_left == 0 {
            return;
        }
        let here = left(&self.server.window);
        let fewest = |ours: Option<u32>, theirs: Option<u32>| match ours.filter(|_| here > 0) {
            Some(ours) => Some(theirs.map_or(ours, |theirs| ours.min(theirs))),
            None => theirs,
        };
        self.server = ServerLimit {
            remaining: fewest(self.server.remaining, carried.server.remaining),
            limit: fewest(self.server.limit, carried.server.limit),
            window: Span::new(now, carried.server_left.max(here)),
        };
    }

    /// Lets the slot of `batch`, which came from another ledger, count for so long, if it does not do so for longer; true if it
    /// is one of this quota's.
    pub(crate) fn take_carried_slot(&mut self, batch: u64, left: i64, now: ClockReading) -> bool {
        let Some(slot) = self.slots.iter_mut().find(|slot| slot.batch == batch) else { return false };
        if slot.end(now).is_none_or(|end| end.saturating_sub(now.wall) < left) {
            slot.taken = Moment::counting(left, now);
        }
        true
    }
}

impl Moment {
    /// The moment of a request that counts for so long from `now` on.
    pub(crate) fn counting(left: i64, now: ClockReading) -> Self {
        let age = WINDOW_MS.saturating_sub(left);
        let uptime = now.uptime.map(|uptime| Uptime { ms: uptime.ms.saturating_sub(age), ..uptime });
        Moment::new(ClockReading { wall: now.wall.saturating_sub(age), uptime })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn wall(wall: i64) -> ClockReading {
        ClockReading { wall, uptime: None }
    }

    #[test]
    fn a_request_counts_for_as_long_as_where_it_came_from_whatever_the_clock_there() {
        let mut source = Quota::default();
        for (batch, at) in [(1, 1_000_000), (2, 1_000_000 + 50 * MINUTE), (3, 1_000_000 + 55 * MINUTE)] {
            source.take_slot(batch, wall(at));
        }
        let carried = source.carried(wall(1_000_000 + 70 * MINUTE));
        assert_eq!(carried.slots, [(2, 40 * MINUTE), (3, 45 * MINUTE)]);
        assert!(!carried.asks_for_patience());
        // Another clock, and a machine that has run for a minute.
        let now = ClockReading { wall: 77, uptime: Some(Uptime { boot: 1, ms: MINUTE }) };
        for (_, left) in carried.slots {
            let moment = Moment::counting(left, now);
            assert_eq!(moment.end(WINDOW_MS, now), Some(77 + left));
        }
    }

    #[test]
    fn a_slot_is_never_freed_by_being_carried_again() {
        let mut target = Quota::default();
        target.take_slot(9, wall(5 * MINUTE));
        assert!(target.take_carried_slot(9, MINUTE, wall(6 * MINUTE)));
        assert_eq!(target.carried(wall(6 * MINUTE)).slots, [(9, 59 * MINUTE)]);
        // Its request was over later than it was thought to be.
        assert!(target.take_carried_slot(9, 60 * MINUTE, wall(6 * MINUTE)));
        assert_eq!(target.carried(wall(6 * MINUTE)).slots, [(9, 60 * MINUTE)]);
        assert!(!target.take_carried_slot(8, MINUTE, wall(6 * MINUTE)));
    }

    #[test]
    fn the_stricter_word_of_the_server_counts() {
        let limit = |remaining, length| ServerLimit {
            window: Span::new(wall(0), length),
            remaining: Some(remaining),
            limit: Some(60),
        };
        let source = Quota {
            hold: Span::new(wall(0), 30 * MINUTE),
            strikes: 2,
            server: limit(0, 10 * MINUTE),
            ..Quota::default()
        };
        let carried = source.carried(wall(MINUTE));
        assert!(carried.asks_for_patience());
        let mut target = Quota { server: limit(7, 20 * MINUTE), ..Quota::default() };
        for _ in 0..2 {
            target.take_carried(&carried, wall(MINUTE));
            assert_eq!(target.hold.end(wall(MINUTE)), Some(30 * MINUTE));
            assert_eq!((target.strikes, target.server.remaining), (2, Some(0)));
            assert_eq!(target.server.window.end(wall(MINUTE)), Some(20 * MINUTE));
        }
        // What is over says nothing.
        let mut quiet = Quota::default();
        quiet.take_carried(&source.carried(wall(100 * MINUTE)), wall(0));
        assert_eq!((quiet.hold, quiet.server), (Span::default(), ServerLimit::default()));
    }
}
