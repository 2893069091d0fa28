//! What a server asked for, kept outside of any batch, and lifted by a person.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;

use super::{quota, rows, trail};
use crate::ledger::audit::Event;
use crate::ledger::time::{ClockReading, millis};

/// Lets no request of an identity leave for so long.
pub(super) fn hold(
    db: &Connection,
    host: &str,
    identity: &str,
    length: Duration,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let (id, mut quota) = quota::ensure(db, rows::ensure_host(db, host)?, identity)?;
    let now = ClockReading::of(at);
    quota.observe_clock(now);
    quota.hold(millis(length), now);
    quota::save(db, id, &quota)
}

/// Lifts what the server at a host asked for; returns for how many identities there was something to lift.
pub(super) fn release(db: &Connection, host: &str, by: &str, at: Timestamp) -> rusqlite::Result<u64> {
    let Some(host_id) = rows::host(db, host)? else { return Ok(0) };
    let identities: Vec<String> = (db.prepare("SELECT identity FROM quota WHERE host = ?1 ORDER BY id")?)
        .query_map([host_id], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut released = 0;
    for identity in &identities {
        let Some((id, mut quota)) = quota::find(db, host_id, identity)? else { continue };
        released += u64::from(quota.release(ClockReading::of(at)));
        quota::save(db, id, &quota)?;
    }
    if released > 0 {
        let (host, by) = (host.to_owned(), by.to_owned());
        trail::append(db, &Event::Release { host, by, identities: released }, at)?;
    }
    Ok(released)
}
