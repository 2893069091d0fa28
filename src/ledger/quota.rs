//! How many requests may leave, and when: pure arithmetic on what the ledger remembers of one host and identity.
//! All times are milliseconds since 1970.
//!
//! Only the wall clock outlives a process, and it may be set. A clock set forward cannot be distinguished from an hour
//! of waiting, so time that seems to pass counts as passed. Time that runs backwards does not. A slot has two timestamps:
//!
//! - `at`, the time on the clock when the request left. It counts whenever it lies within the window, so a clock that was
//!   set back and is put right again finds its slots where they were.
//! - `clamped`, the same until the clock shows an earlier time, and then that earlier time. The slot starts its hour anew:
//!   set back by a minute or by ten years, it is freed after an hour of the clock running, not sooner, and not ten years
//!   later.
//!
//! A slot counts while either timestamp is within the window. Everything else with a beginning and an end (what the server
//! asked for) moves back with the clock, keeping its length.

mod body;

pub(crate) use body::BodyLimit;

use super::settlement::BatchOutcome;
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
const SAME_WINDOW_MS: i64 = 5000;

/// One request that left, or was about to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// The batch it was taken for.
    pub(crate) batch: u64,
    /// When, by the clock at that time.
    pub(crate) at: i64,
    /// The same, clamped to the earliest time the clock has shown since.
    pub(crate) clamped: i64,
}

impl Slot {
    /// Whether the slot is still taken at `now`.
    fn counts(&self, now: i64) -> bool {
        let start = now.saturating_sub(WINDOW_MS);
        self.clamped > start || (self.at > start && self.at <= now)
    }
}

/// A period of time that moves back with the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    /// Its beginning.
    pub(crate) since: i64,
    /// Its end.
    pub(crate) until: i64,
}

impl Span {
    fn covers(&self, now: i64) -> bool {
        now < self.until
    }

    /// Starts anew where the clock now shows a time before the beginning; true if it did.
    fn observe_clock(&mut self, now: i64) -> bool {
        let back = self.since.saturating_sub(now);
        if back > 0 {
            self.since = now;
            self.until = self.until.saturating_sub(back);
        }
        back > 0
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
    /// When the last request left, moved back with the clock; 0 before the first.
    pub(crate) last: i64,
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

    /// Takes note of the time; true if the clock was set back and something moved with it.
    pub(crate) fn observe_clock(&mut self, now: i64) -> bool {
        let mut moved = self.hold.observe_clock(now) | self.server.window.observe_clock(now);
        if self.last > now {
            self.last = now;
            moved = true;
        }
        for slot in self.slots.iter_mut().filter(|slot| slot.clamped > now) {
            slot.clamped = now;
            moved = true;
        }
        moved
    }

    /// How many slots are taken at `now`.
    pub(crate) fn used(&self, now: i64) -> u32 {
        u32::try_from(self.slots.iter().filter(|slot| slot.counts(now)).count()).unwrap_or(u32::MAX)
    }

    /// How many requests an hour may hold: `per_hour`, or the server's limit where that is less.
    pub(crate) fn limit(&self, per_hour: u32, now: i64) -> u32 {
        let reported = self.server.limit.filter(|_| self.server.window.covers(now));
        // Not zero: a server that means "nothing" reports that nothing remains.
        reported.map_or(per_hour, |limit| limit.min(per_hour)).max(1)
    }

    /// `None` if a request that takes no slot may leave at `now`; else until when not, and the gravest reason.
    pub(crate) fn paced(&self, min_interval_ms: i64, now: i64) -> Option<(i64, WaitReason)> {
        let next = self.last.saturating_add(min_interval_ms);
        let pace = (self.last != 0 && now < next).then_some((next, WaitReason::Interval));
        let hold = self.hold.covers(now).then_some((self.hold.until, WaitReason::Server));
        match (pace, hold) {
            (Some(pace), Some(hold)) => Some((pace.0.max(hold.0), pace.1.max(hold.1))),
            (pace, hold) => pace.or(hold),
        }
    }

    /// `None` if a request may leave at `now`; else until when not, and the gravest reason.
    pub(crate) fn blocked(&self, per_hour: u32, min_interval_ms: i64, now: i64) -> Option<(i64, WaitReason)> {
        let mut blocked = self.paced(min_interval_ms, now);
        let mut block = |until: i64, reason: WaitReason| {
            let (latest, gravest) = blocked.unwrap_or((until, reason));
            blocked = Some((until.max(latest), reason.max(gravest)));
        };
        let limit = self.limit(per_hour, now);
        if self.used(now) >= limit {
            block(self.free_at(limit, now), WaitReason::Quota);
        }
        if self.server.remaining == Some(0) && self.server.window.covers(now) {
            block(self.server.window.until, WaitReason::Server);
        }
        blocked
    }

    /// The first time after `now` at which fewer than `limit` slots are taken.
    fn free_at(&self, limit: u32, now: i64) -> i64 {
        let mut ends: Vec<i64> = (self.slots.iter())
            .flat_map(|slot| [slot.at, slot.clamped])
            .map(|taken| taken.saturating_add(WINDOW_MS))
            .filter(|end| *end > now)
            .collect();
        ends.sort_unstable();
        ends.into_iter().find(|end| self.used(*end) < limit).unwrap_or(now.saturating_add(WINDOW_MS))
    }

    /// Takes a slot for `batch`.
    pub(crate) fn take_slot(&mut self, batch: u64, now: i64) {
        self.slots.push(Slot { batch, at: now, clamped: now });
        self.last = now;
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
    pub(crate) fn finish(&mut self, batch: u64, over: i64) {
        for slot in self.slots.iter_mut().filter(|slot| slot.batch == batch) {
            slot.at = slot.at.max(over);
            slot.clamped = slot.clamped.max(over);
        }
    }

    /// Lets no request leave for so long.
    pub(crate) fn hold(&mut self, length_ms: i64, now: i64) {
        let until = now.saturating_add(length_ms).max(self.hold.until);
        self.hold = Span { since: now, until };
        self.strikes = self.strikes.saturating_add(1);
    }

    /// Lifts what the server asked for: a person knows better, as where a proxy answered in its place. The slots stay: the
    /// requests did leave. True if something was in the way of a request at `now`, or would make the next wait longer.
    pub(crate) fn release(&mut self, now: i64) -> bool {
        let empty = self.server.remaining == Some(0) && self.server.window.covers(now);
        let held = self.hold.covers(now) || empty || self.strikes > 0;
        (self.hold, self.strikes) = (Span::default(), 0);
        if empty {
            self.server = ServerLimit::default();
        }
        held
    }

    /// Takes over what a response reported of the server's count. `retry_after` is not looked at: see [`Quota::hold`].
    pub(crate) fn apply_rate_limit(&mut self, reported: &RateLimit, now: i64) {
        if reported.remaining.is_none() && reported.limit.is_none() {
            return;
        }
        let until = match reported.reset.map(jiff::Timestamp::as_millisecond) {
            // A reset that is over, or more than a window away, comes from a clock that differs from ours.
            Some(reset) if reset > now => (reset + RESET_ROUNDING_MS).min(now.saturating_add(WINDOW_MS)),
            _ if reported.remaining == Some(0) => now.saturating_add(NO_RESET_MS),
            _ => now.saturating_add(WINDOW_MS),
        };
        let same_window =
            self.server.window.covers(now) && (self.server.window.until - until).abs() <= SAME_WINDOW_MS;
        let remaining = match (self.server.remaining, reported.remaining) {
            // Within one window the count only falls: a higher number was read before our last request was counted.
            (Some(ours), Some(theirs)) if same_window => Some(ours.min(theirs)),
            (ours, None) if same_window => ours,
            (_, theirs) => theirs,
        };
        self.server = ServerLimit { window: Span { since: now, until }, remaining, limit: reported.limit };
    }
}

#[cfg(test)]
mod tests;
