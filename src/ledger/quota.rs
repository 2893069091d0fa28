//! How many requests may leave, and when: pure arithmetic on what the ledger remembers of one host and identity.
//! All times are milliseconds since 1970.
//!
//! Clocks are set, and what was counted by them has to count on: see `moment`.
//!
//! - As long as the machine runs and tells its uptime (Linux), every slot counts for 3,600 seconds, and every wait that a
//!   server asks for lasts as long as it asked: not less, and not more, whatever the wall clock shows.
//! - Otherwise (after a restart, on another system) a clock that is set back frees nothing early, whether it is put right
//!   again or not. What it frees when it is set forward cannot be distinguished from waiting. And nobody is kept waiting for
//!   longer than twice the time and a quarter of an hour, however far the clock was off.

mod body;
mod moment;

pub(crate) use body::BodyLimit;
pub(crate) use moment::{Lease, Moment, Span};

use super::settlement::{BatchOutcome, Settlement};
use super::time::{ClockReading, millis};
use crate::revocation::RateLimit;

/// The window of the quota: GitHub's limits are per hour,
/// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>.
pub(crate) const WINDOW_MS: i64 = 3_600_000;

/// How many slots are remembered for a host and identity: far more than any quota, for clocks that jump.
pub(crate) const SLOTS_KEPT: usize = 1000;

/// How long to wait where the server says that nothing remains, but not until when. GitHub: "wait for at
/// least one minute before retrying" (same page).
const NO_RESET_MS: i64 = 60_000;

/// The server rounds its reset to seconds.
const RESET_ROUNDING_MS: i64 = 1000;

/// Two resets this close are the same window: the server computes it anew for each response.
const SAME_WINDOW_MS: u64 = 5000;

/// One request that left, or was about to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// The batch it was taken for.
    pub(crate) batch: u64,
    /// When.
    pub(crate) taken: Moment,
}

impl Slot {
    /// Until when the slot is taken, if it still is.
    pub(crate) fn end(&self, now: ClockReading) -> Option<i64> {
        self.taken.end(WINDOW_MS, now)
    }
}

/// The server's own count, until its window ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerLimit {
    /// From the response that reported it to the end of the server's window.
    pub(crate) window: Span,
    /// How many requests remained, less those sent since.
    pub(crate) remaining: Option<u32>,
    /// How many the server allows in a window.
    pub(crate) limit: Option<u32>,
}

/// Why a request cannot leave yet; a greater one is graver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaitReason {
    /// The least time between two requests is not over.
    Interval,
    /// Another request to this host and identity is under way, or holds the tokens.
    InFlight,
    /// The hour is full.
    Quota,
    /// The server asked for it.
    Server,
}

/// What the ledger remembers of one host and identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quota {
    /// The requests, oldest first.
    pub(crate) slots: Vec<Slot>,
    /// When the last request left.
    pub(crate) last: Moment,
    /// No request may leave before the end of this.
    pub(crate) hold: Span,
    /// How many responses in a row asked to slow down.
    pub(crate) strikes: u32,
    /// The server's own count.
    pub(crate) server: ServerLimit,
    /// The last batch that was accepted; 0 before the first.
    pub(crate) accepted: u64,
    /// How long requests may be.
    pub(crate) body: BodyLimit,
}

impl Quota {
    /// The most tokens a request may carry, of `max_batch` that the API allows.
    pub(crate) fn max_batch(&self, max_batch: usize) -> usize {
        let limit = self.body.tokens.and_then(|tokens| usize::try_from(tokens).ok());
        limit.map_or(max_batch, |limit| limit.clamp(1, max_batch))
    }

    /// Takes note of what a response says about batches of this size. False where the batch failed for the sake of what
    /// it carried rather than of how much.
    pub(crate) fn observe_outcome(&mut self, batch: u64, size: usize, outcome: BatchOutcome) -> bool {
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        match outcome {
            BatchOutcome::Accepted => {
                self.accepted = self.accepted.max(batch);
                self.body.observe_taken(size);
                true
            }
            BatchOutcome::TooLarge => self.body.observe_too_large(size),
            BatchOutcome::Failed | BatchOutcome::Unknown => false,
            // What never left says nothing.
            BatchOutcome::Invalid | BatchOutcome::Returned | BatchOutcome::NotSent | BatchOutcome::Dead => {
                true
            }
        }
    }

    /// Takes note of what the clocks show; true if one was set and something has to be written down anew.
    pub(crate) fn observe_clock(&mut self, now: ClockReading) -> bool {
        let mut adjusted = self.hold.observe(now);
        adjusted |= self.server.window.observe(now);
        adjusted |= self.last.observe(WINDOW_MS, now);
        for slot in &mut self.slots {
            adjusted |= slot.taken.observe(WINDOW_MS, now);
        }
        adjusted
    }

    /// How many slots are taken at `now`.
    pub(crate) fn used(&self, now: ClockReading) -> u32 {
        u32::try_from(self.slots.iter().filter_map(|slot| slot.end(now)).count()).unwrap_or(u32::MAX)
    }

    /// How many requests an hour may hold: `per_hour`, or the server's limit where that is less.
    pub(crate) fn limit(&self, per_hour: u32, now: ClockReading) -> u32 {
        let reported = self.server.limit.filter(|_| self.server.window.end(now).is_some());
        // Not zero: a server that means "nothing" reports that nothing remains.
        reported.map_or(per_hour, |limit| limit.min(per_hour)).max(1)
    }

    /// `None` if a request that takes no slot may leave at `now`; else until when not, and the gravest reason.
    pub(crate) fn paced(&self, min_interval_ms: i64, now: ClockReading) -> Option<(i64, WaitReason)> {
        let pace = self.last.end(min_interval_ms, now).map(|until| (until, WaitReason::Interval));
        let hold = self.hold.end(now).map(|until| (until, WaitReason::Server));
        match (pace, hold) {
            (Some(pace), Some(hold)) => Some((pace.0.max(hold.0), pace.1.max(hold.1))),
            (pace, hold) => pace.or(hold),
        }
    }

    /// `None` if a request may leave at `now`; else until when not, and the gravest reason.
    pub(crate) fn blocked(
        &self,
        per_hour: u32,
        min_interval_ms: i64,
        now: ClockReading,
    ) -> Option<(i64, WaitReason)> {
        let mut blocked = self.paced(min_interval_ms, now);
        let mut block = |until: i64, reason: WaitReason| {
            let (latest, gravest) = blocked.unwrap_or((until, reason));
            blocked = Some((until.max(latest), reason.max(gravest)));
        };
        if let Some(until) = self.full_until(self.limit(per_hour, now), now) {
            block(until, WaitReason::Quota);
        }
        if self.server.remaining == Some(0)
            && let Some(until) = self.server.window.end(now)
        {
            block(until, WaitReason::Server);
        }
        blocked
    }

    /// The first time after `now` at which fewer than `limit` slots are taken, if that many are now.
    fn full_until(&self, limit: u32, now: ClockReading) -> Option<i64> {
        let mut ends: Vec<i64> = self.slots.iter().filter_map(|slot| slot.end(now)).collect();
        ends.sort_unstable();
        let too_many = ends.len().checked_sub(usize::try_from(limit).unwrap_or(usize::MAX))?;
        ends.get(too_many).copied()
    }

    /// Takes a slot for `batch`.
    pub(crate) fn take_slot(&mut self, batch: u64, now: ClockReading) {
        self.last = Moment::new(now);
        self.slots.push(Slot { batch, taken: self.last });
        if let Some(remaining) = &mut self.server.remaining {
            *remaining = remaining.saturating_sub(1);
        }
    }

    /// Gives back the slot of a request that surely never left, and what it took of the server's count.
    pub(crate) fn give_back(&mut self, batch: u64) {
        let taken = self.slots.len();
        self.slots.retain(|slot| slot.batch != batch);
        if self.slots.len() < taken
            && let Some(remaining) = &mut self.server.remaining
        {
            let most = self.server.limit.unwrap_or(u32::MAX);
            *remaining = remaining.saturating_add(1).min(most.max(*remaining));
        }
    }

    /// Moves the slot of `batch` to the time at which its request is known to be over: the server counted it somewhere
    /// between its leaving and then, and the later of the two cannot free it too early.
    pub(crate) fn finish(&mut self, batch: u64, over: ClockReading) {
        for slot in self.slots.iter_mut().filter(|slot| slot.batch == batch) {
            slot.taken.move_to(over);
        }
    }

    /// Takes note of what came of a batch, of an answer that was `received` at that time; `gives_back` where it surely never left.
    pub(crate) fn settle(
        &mut self,
        (batch, gives_back): (u64, bool),
        settlement: &Settlement,
        (now, received): (ClockReading, i64),
    ) {
        self.observe_clock(now);
        if gives_back {
            self.give_back(batch);
        }
        self.finish(batch, now);
        self.apply_rate_limit(&settlement.rate_limit, now);
        match settlement.hold_after(now.wall - received) {
            Some(hold) => self.hold(millis(hold), now),
            None if matches!(settlement.outcome, BatchOutcome::Accepted | BatchOutcome::Invalid) => {
                self.strikes = 0;
            }
            None => {}
        }
    }

    /// Lets no request leave for so long.
    pub(crate) fn hold(&mut self, length_ms: i64, now: ClockReading) {
        // A clock that was set back makes what is left look longer than it ever was.
        let left = self.hold.end(now).map_or(0, |end| end.saturating_sub(now.wall)).min(self.hold.length);
        self.hold = Span::new(now, length_ms.max(left));
        self.strikes = self.strikes.saturating_add(1);
    }

    /// Lifts what the server asked for: a person knows better, as where a proxy answered in its place. The slots stay: the
    /// requests did leave. True if something was in the way of a request at `now`, or would make the next wait longer.
    pub(crate) fn release(&mut self, now: ClockReading) -> bool {
        // Nor must the clock come by it later.
        self.observe_clock(now);
        let empty = self.server.remaining == Some(0);
        let held = self.hold.end(now).is_some()
            || (empty && self.server.window.end(now).is_some())
            || self.strikes > 0;
        (self.hold, self.strikes) = (Span::default(), 0);
        if empty {
            self.server = ServerLimit::default();
        }
        held
    }

    /// Takes over what a response reported of the server's count. `retry_after` is not looked at: see [`Quota::hold`].
    pub(crate) fn apply_rate_limit(&mut self, reported: &RateLimit, now: ClockReading) {
        if reported.remaining.is_none() && reported.limit.is_none() {
            return;
        }
        let length = match reported.reset.map(jiff::Timestamp::as_millisecond) {
            // A reset that is over, or more than a window away, comes from a clock that differs from ours.
            Some(reset) if reset > now.wall => (reset - now.wall + RESET_ROUNDING_MS).min(WINDOW_MS),
            _ if reported.remaining == Some(0) => NO_RESET_MS,
            _ => WINDOW_MS,
        };
        let until = now.wall.saturating_add(length);
        let same_window =
            (self.server.window.end(now)).is_some_and(|end| end.abs_diff(until) <= SAME_WINDOW_MS);
        let remaining = match (self.server.remaining, reported.remaining) {
            // Within one window the count only falls: a higher number was read before our last request was counted.
            (Some(ours), Some(theirs)) if same_window => Some(ours.min(theirs)),
            (ours, None) if same_window => ours,
            (_, theirs) => theirs,
        };
        self.server = ServerLimit { window: Span::new(now, length), remaining, limit: reported.limit };
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
