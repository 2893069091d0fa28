//! How many requests may leave, and when: pure arithmetic on what the ledger remembers of one host and identity.
//!
//! Only the wall clock outlives a process, and it may be set. Time that seems to pass is believed: a clock set forward
//! cannot be told from an hour of waiting. Time that runs backwards is not. A slot is remembered by two stamps:
//!
//! - `at`, the time as the clock told it when the request went out. It counts whenever it lies within the window, so
//!   a clock that was set back and is put right again finds its slots where they were.
//! - `again`, the same until the clock is seen before it, and then moved to that earlier time. The slot starts its
//!   hour anew: set back by a minute or by ten years, it is freed after an hour of the clock running, not sooner, and
//!   not ten years later.
//!
//! A slot counts while either stamp is within the window. Everything else with a beginning and an end (what the server
//! asked for) moves back with the clock, keeping its length.

/// The window of the quota, in milliseconds.
pub const WINDOW_MS: i64 = 3_600_000;

/// How many slots are remembered for a host and identity: far more than any quota, for clocks that jump.
pub const SLOTS_KEPT: usize = 1000;

/// How long to wait where the server says that nothing remains, but not until when.
const NO_RESET_MS: i64 = 60_000;

/// One request that went out, or was about to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The batch it was taken for.
    pub batch: u64,
    /// When, by the clock of then, in milliseconds.
    pub at: i64,
    /// The same, moved back with a clock that was set back.
    pub again: i64,
}

impl Slot {
    /// Whether the slot is still taken at `now`.
    fn counts(&self, now: i64) -> bool {
        let start = now.saturating_sub(WINDOW_MS);
        self.again > start || (self.at > start && self.at <= now)
    }
}

/// A stretch of time that moves back with the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Its beginning, in milliseconds.
    pub since: i64,
    /// Its end.
    pub until: i64,
}

impl Span {
    fn covers(&self, now: i64) -> bool {
        now < self.until
    }

    /// Starts anew where the clock now shows a time before the beginning.
    fn observe(&mut self, now: i64) -> bool {
        let back = self.since.saturating_sub(now);
        if back > 0 {
            self.since = now;
            self.until = self.until.saturating_sub(back);
        }
        back > 0
    }
}

/// What the server said about its own count, until its window ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// When it was said, and when the server's window ends.
    pub span: Span,
    /// How many requests remained, less those sent since.
    pub remaining: Option<u32>,
    /// How many the server allows in all.
    pub limit: Option<u32>,
}

/// What an answer said about the server's limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// `x-ratelimit-limit`.
    pub limit: Option<u32>,
    /// `x-ratelimit-remaining`.
    pub remaining: Option<u32>,
    /// `x-ratelimit-reset`, in milliseconds since 1970.
    pub reset: Option<i64>,
}

/// Why a request cannot leave yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaitReason {
    /// The pause between two requests.
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
pub struct Quota {
    /// The requests, oldest first.
    pub slots: Vec<Slot>,
    /// When the last one left, moved back with the clock; 0 before the first.
    pub last: i64,
    /// Not before the end of this.
    pub hold: Span,
    /// How often in a row the server asked for patience.
    pub strikes: u32,
    /// What the server said about its count.
    pub server: Server,
}

impl Quota {
    /// Takes note of the time; true if the clock was set back and something moved with it.
    pub fn observe(&mut self, now: i64) -> bool {
        let mut moved = self.hold.observe(now) | self.server.span.observe(now);
        if self.last > now {
            self.last = now;
            moved = true;
        }
        for slot in self.slots.iter_mut().filter(|slot| slot.again > now) {
            slot.again = now;
            moved = true;
        }
        moved
    }

    /// How many slots are taken at `now`.
    pub fn used(&self, now: i64) -> u32 {
        u32::try_from(self.slots.iter().filter(|slot| slot.counts(now)).count()).unwrap_or(u32::MAX)
    }

    /// How many requests an hour may hold: the terms', or the server's where that is less.
    pub fn limit(&self, per_hour: u32, now: i64) -> u32 {
        let said = self.server.limit.filter(|_| self.server.span.covers(now));
        // Not zero: a server that means "nothing" says so by what remains.
        said.map_or(per_hour, |limit| limit.min(per_hour)).max(1)
    }

    /// Whether a request may leave at `now`; else until when not, and the gravest reason.
    pub fn gate(&self, per_hour: u32, min_interval_ms: i64, now: i64) -> Option<(i64, WaitReason)> {
        let mut shut: Option<(i64, WaitReason)> = None;
        let mut wait = |until: i64, why: WaitReason| {
            let (latest, gravest) = shut.unwrap_or((until, why));
            shut = Some((until.max(latest), why.max(gravest)));
        };
        let next = self.last.saturating_add(min_interval_ms);
        if self.last != 0 && now < next {
            wait(next, WaitReason::Interval);
        }
        let limit = self.limit(per_hour, now);
        if self.used(now) >= limit {
            wait(self.free_at(limit, now), WaitReason::Quota);
        }
        if self.server.remaining == Some(0) && self.server.span.covers(now) {
            wait(self.server.span.until, WaitReason::Server);
        }
        if self.hold.covers(now) {
            wait(self.hold.until, WaitReason::Server);
        }
        shut
    }

    /// The first moment after `now` at which fewer than `limit` slots are taken.
    fn free_at(&self, limit: u32, now: i64) -> i64 {
        let mut ends: Vec<i64> = (self.slots.iter())
            .flat_map(|slot| [slot.at, slot.again])
            .map(|stamp| stamp.saturating_add(WINDOW_MS))
            .filter(|end| *end > now)
            .collect();
        ends.sort_unstable();
        ends.into_iter().find(|end| self.used(*end) < limit).unwrap_or(now.saturating_add(WINDOW_MS))
    }

    /// Takes a slot for `batch`.
    pub fn charge(&mut self, batch: u64, now: i64) {
        self.slots.push(Slot { batch, at: now, again: now });
        self.last = now;
        if let Some(remaining) = &mut self.server.remaining {
            *remaining = remaining.saturating_sub(1);
        }
    }

    /// Moves the slot of `batch` to the moment its request is known to be over: the server counted it between its
    /// leaving and then, and the later of the two is the one that cannot free it early.
    pub fn finish(&mut self, batch: u64, over: i64) {
        for slot in self.slots.iter_mut().filter(|slot| slot.batch == batch) {
            slot.at = slot.at.max(over);
            slot.again = slot.again.max(over);
        }
    }

    /// Leaves the server alone for so long.
    pub fn hold(&mut self, length_ms: i64, now: i64) {
        let until = now.saturating_add(length_ms).max(self.hold.until);
        self.hold = Span { since: now, until };
        self.strikes = self.strikes.saturating_add(1);
    }

    /// Believes the server: what it said about its own count.
    pub fn hear(&mut self, heard: Heard, now: i64) {
        if heard.remaining.is_none() && heard.limit.is_none() {
            return;
        }
        let until = match heard.reset {
            // A second more, since the server rounds. A reset that is over, or further than a window away, is a clock
            // that differs from ours.
            Some(reset) if reset > now => (reset + 1000).min(now.saturating_add(WINDOW_MS)),
            _ if heard.remaining == Some(0) => now.saturating_add(NO_RESET_MS),
            _ => now.saturating_add(WINDOW_MS),
        };
        let same_window = self.server.span.covers(now) && (self.server.span.until - until).abs() <= 5000;
        let remaining = match (self.server.remaining, heard.remaining) {
            // Within one window the count only falls: a higher number was read before our last request was counted.
            (Some(ours), Some(theirs)) if same_window => Some(ours.min(theirs)),
            (ours, None) if same_window => ours,
            (_, theirs) => theirs,
        };
        self.server = Server { span: Span { since: now, until }, remaining, limit: heard.limit };
    }
}

#[cfg(test)]
mod tests;
