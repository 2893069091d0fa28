//! How much of the limits one member of a container may use up: a share of what is left, so that what comes behind it still
//! has one.
//!
//! A member may take most of the half while nothing was used, and less of what is left the more was: `n` members that take
//! all they may leave about one part in `n + 1`, and not one in two to the power of `n`. Shares are nested as containers are.

use super::limits::{Limit, Limits};

/// What was spent on one file of a source, at some moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    /// Bytes that came out of decompressors.
    pub(super) expanded: u64,
    /// Members that were begun.
    pub(super) entries: u64,
    /// Nanoseconds of work.
    pub(super) work: u64,
}

/// What a member asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// The size that the container states for it, and a share of what is left then; 0 where only the share is due.
    Size(u64),
    /// All that is left: nothing comes behind it.
    Rest,
}

/// The part of the limits that a member, and all that is nested in it, may use.
pub(super) struct Share {
    from: Spent,
    until: Spent,
    /// How much may have come out of decompressors when a steep stream is cut.
    steep_until: u64,
    /// How much came out of decompressors that are held to this share, and to none within it.
    own: u64,
    /// The limit that ended it.
    pub(super) ended: Option<Limit>,
    /// Whether that was reported.
    pub(super) reported: bool,
}

impl Share {
    /// All there is.
    pub(super) fn whole(limits: &Limits) -> Self {
        let until = Spent {
            expanded: limits.max_expansion,
            entries: limits.max_entries,
            work: limits.max_seconds.saturating_mul(1_000_000_000),
        };
        Share {
            from: Spent::default(),
            until,
            steep_until: limits.ratio_after,
            own: 0,
            ended: None,
            reported: false,
        }
    }

    /// The share of a member within this one, once so much was spent, that is stated to be of this size.
    pub(super) fn of_member(&self, now: Spent, size: u64) -> Self {
        let (from, until) = (self.from, self.until);
        let bound = Spent {
            expanded: part((from.expanded, now.expanded, until.expanded), size),
            entries: part((from.entries, now.entries, until.entries), 0),
            work: part((from.work, now.work, until.work), 0),
        };
        let steep_until = part((from.expanded, now.expanded, self.steep_until), 0);
        Share { from: now, until: bound, steep_until, own: 0, ended: None, reported: false }
    }

    /// The limit that is reached once so much was spent.
    pub(super) fn check(&mut self, now: Spent, work_measured: bool) -> Option<Limit> {
        let reached = if now.expanded > self.until.expanded {
            Some(Limit::Expansion)
        } else if now.entries > self.until.entries {
            Some(Limit::Entries)
        } else {
            (work_measured && now.work >= self.until.work).then_some(Limit::Seconds)
        };
        self.ended = self.ended.or(reached);
        self.ended
    }

    /// How many bytes may still come out of decompressors.
    pub(super) fn expansion_left(&self, now: Spent) -> u64 {
        self.until.expanded.saturating_sub(now.expanded)
    }

    /// What is left of it.
    pub(super) fn left(&self, now: Spent) -> Spent {
        Spent {
            expanded: self.until.expanded.saturating_sub(now.expanded),
            entries: self.until.entries.saturating_sub(now.entries),
            work: self.until.work.saturating_sub(now.work),
        }
    }

    /// Counts what came out of a decompressor that is held to this share; whether it is cut if it is steep: what the members
    /// in it gave is theirs.
    pub(super) fn count_own(&mut self, bytes: u64) -> bool {
        self.own += bytes;
        self.from.expanded + self.own > self.steep_until
    }

    /// Whether more than half of it is spent, of anything.
    pub(super) fn is_half_spent(&self, now: Spent) -> bool {
        let half = |from: u64, now: u64, until: u64| now - from > until.saturating_sub(from) / 2;
        half(self.from.expanded, now.expanded, self.until.expanded)
            || half(self.from.entries, now.entries, self.until.entries)
            || half(self.from.work, now.work, self.until.work)
    }

    /// Leaves out bytes that came out of a stream around the member: they are the container's, as far as `around` goes.
    pub(super) fn leave_out(&mut self, bytes: u64, around: u64) {
        self.from.expanded += bytes;
        self.until.expanded = self.until.expanded.saturating_add(bytes).min(around);
        self.steep_until = self.steep_until.saturating_add(bytes);
    }

    /// Up to how many bytes may come out of decompressors.
    pub(super) fn expansion(&self) -> u64 {
        self.until.expanded
    }

    /// How many members were begun in it, and how many bytes came out of decompressors.
    pub(super) fn read(&self, now: Spent) -> (u64, u64) {
        (now.entries - self.from.entries, now.expanded - self.from.expanded)
    }
}

/// Up to where a member may go that claims `size`, of what begins at `from`, was spent up to `now`, and ends at `until`.
fn part((from, now, until): (u64, u64, u64), size: u64) -> u64 {
    let all = u128::from(until.saturating_sub(from));
    let left = until.saturating_sub(now);
    let claimed = size.min(left);
    let rest = u128::from(left - claimed);
    let share = rest * rest / (all + rest).max(1);
    now + claimed + u64::try_from(share).unwrap_or(u64::MAX).min(left - claimed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn many_that_take_all_they_may_leave_something() {
        let (all, mut now) = (1 << 34, 0);
        for n in 1..=1000 {
            let until = part((0, now, all), 0);
            assert!(until - now >= all / ((n + 1) * (n + 2)), "the share of number {n}: {}", until - now);
            now = until;
        }
        assert!(all - now >= all / 1002, "{}", all - now);
    }

    proptest! {
        #[test]
        fn a_share_is_within_the_one_around_it(
            (from, spent, more) in (0..1_u64 << 40, 0..1_u64 << 40, 0..1_u64 << 40),
            size in 0..1_u64 << 41,
        ) {
            let (now, until) = (from + spent, from + spent + more);
            let end = part((from, now, until), size);
            prop_assert!(now <= end && end <= until);
            prop_assert!(end - now >= size.min(more), "what is claimed is given while there is as much");
            prop_assert!(part((from, now, until), 0) - now <= more / 2, "no more than half without a claim");
        }
    }
}
