//! What more than one transaction needs: hosts, fingerprints, erasing sealed texts.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

use super::error::corrupt;
use super::trail;
use crate::ledger::audit::Event;
use crate::token::Fingerprint;

/// Few rows, and an index could have been damaged.
const HOST: &str = "SELECT id, EXISTS (SELECT 1 FROM damaged_host AS d WHERE d.id = host.id) FROM host NOT INDEXED WHERE name = ?1";

pub(super) fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// A count as a `LIMIT` or `OFFSET` takes it; more than SQLite can count is no limit.
pub(super) fn number<N: TryInto<i64>>(count: N) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// What a fingerprint is indexed by: its first eight bytes, big-endian.
pub(super) fn prefix_of(fingerprint: &Fingerprint) -> i64 {
    fingerprint.0.first_chunk().map_or(0, |prefix| i64::from_be_bytes(*prefix))
}

/// The host's id, if a token was ever queued for it. One that is not found while the name of another was changed may be
/// that one: to say that nothing is known of it would be to send all of its tokens again, with a fresh quota.
pub(super) fn host(db: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    Ok(find_host(db, name)?.map(|(id, _)| id))
}

/// The host's id, and whether its row is not what was written.
pub(super) fn find_host(db: &Connection, name: &str) -> rusqlite::Result<Option<(i64, bool)>> {
    let found =
        db.prepare_cached(HOST)?.query_row([name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    if found.is_none() && db.prepare_cached("SELECT 1 FROM damaged_host")?.exists([])? {
        return Err(corrupt("the name of an API base was changed"));
    }
    Ok(found)
}

/// Whether any token was ever queued for a host.
pub(super) fn has_tokens(db: &Connection, host: i64) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM token WHERE host = ?1")?.exists([host])
}

/// The host's id, inserted if need be.
pub(super) fn ensure_host(db: &Connection, name: &str) -> rusqlite::Result<i64> {
    match find_host(db, name)? {
        Some((id, false)) => return Ok(id),
        Some((_, true)) => return Err(corrupt(format!("the row of the API base {name} was changed"))),
        None => {}
    }
    db.execute("INSERT INTO host (name) VALUES (?1)", [name])?;
    Ok(db.last_insert_rowid())
}

/// Erases the sealed texts of tokens that will not be sent again, and records it in the trail.
pub(super) fn erase(
    db: &Connection,
    tokens: &[i64],
    batch: Option<u64>,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let mut delete = db.prepare_cached("DELETE FROM sealed WHERE token = ?1")?;
    let mut erased = 0_usize;
    for token in tokens {
        erased += delete.execute([token])?;
    }
    if erased == 0 {
        return Ok(());
    }
    trail::append(db, &Event::Erase { batch, tokens: erased as u64 }, at)
}
