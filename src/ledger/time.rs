//! Time as ledgers keep it: milliseconds since 1970, by the wall clock.

use std::time::Duration;

use jiff::Timestamp;

use crate::revocation::Grants;

/// Reads the clock. A ledger calls it once it holds its lock, so that the order of the timestamps is the order of the
/// changes, however long a process had to wait.
pub type Now<'a> = &'a dyn Fn() -> Timestamp;

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
