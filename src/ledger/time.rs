//! Time as ledgers keep it: milliseconds since 1970, by the wall clock, and how long the machine has run.

mod uptime;

use std::time::Duration;

use jiff::Timestamp;

use crate::revocation::Grants;

pub(crate) use uptime::Uptime;
#[cfg(test)]
pub(crate) use uptime::script::set_uptime;

/// Reads the clock. A ledger calls it once it holds its lock, so that the order of the timestamps is the order of the
/// changes, however long a process had to wait.
pub type Now<'a> = &'a dyn Fn() -> Timestamp;

/// What the clocks show at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClockReading {
    /// The wall clock, in milliseconds since 1970.
    pub(crate) wall: i64,
    /// How long the machine has run, where that can be told.
    pub(crate) uptime: Option<Uptime>,
}

impl ClockReading {
    /// The wall clock as it was just read, and the uptime with it.
    pub(crate) fn of(wall: Timestamp) -> Self {
        ClockReading { wall: wall.as_millisecond(), uptime: uptime::read() }
    }
}

/// A duration in milliseconds; one that is too long is the longest there is.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The timestamp of a number of milliseconds since 1970; out of range is the latest there is.
pub(crate) fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

/// The same, as exact as a ledger keeps it.
pub(crate) fn whole_millis(grants: &Grants) -> Grants {
    let expires_at = grants.expires_at.map(|at| timestamp(at.as_millisecond()));
    Grants { expires_at, scopes: grants.scopes.clone() }
}
