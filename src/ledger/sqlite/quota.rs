//! The quota of a host and identity in its table, its slots in the table of batches.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::damage;
use super::rows::number;
use crate::ledger::quota::{BodyLimit, Quota, SLOTS_KEPT, ServerLimit, Slot, Span};

const FIND: &str =
    "SELECT id, last, hold_since, hold_until, strikes, server_since, server_until, server_remaining,
    server_limit, accepted, body_limit, body_taken FROM quota WHERE host = ?1 AND identity = ?2";
const SLOTS: &str = "SELECT id, slot_at, slot_clamped FROM batch WHERE quota = ?1 AND charged
    ORDER BY id DESC LIMIT ?2";
const SAVE: &str =
    "UPDATE quota SET last = ?2, hold_since = ?3, hold_until = ?4, strikes = ?5, server_since = ?6,
    server_until = ?7, server_remaining = ?8, server_limit = ?9, accepted = ?10, body_limit = ?11, body_taken = ?12 WHERE id = ?1";
const SAVE_SLOT: &str = "UPDATE batch SET slot_at = ?2, slot_clamped = ?3
    WHERE id = ?1 AND (slot_at != ?2 OR slot_clamped != ?3)";

/// The quota of a host and identity with its id, if a request was ever asked for.
pub(super) fn find(db: &Connection, host: i64, identity: &str) -> rusqlite::Result<Option<(i64, Quota)>> {
    let found = db.prepare_cached(FIND)?.query_row(params![host, identity], |row| {
        let quota = Quota {
            slots: Vec::new(),
            last: row.get(1)?,
            hold: Span { since: row.get(2)?, until: row.get(3)? },
            strikes: row.get(4)?,
            server: ServerLimit {
                window: Span { since: row.get(5)?, until: row.get(6)? },
                remaining: row.get(7)?,
                limit: row.get(8)?,
            },
            accepted: row.get(9)?,
            body: BodyLimit { tokens: row.get(10)?, taken: row.get(11)? },
        };
        Ok((row.get(0)?, quota))
    });
    let Some((id, mut quota)) = found.optional()? else { return Ok(None) };
    quota.slots = (db.prepare_cached(SLOTS)?)
        .query_map(params![id, number(SLOTS_KEPT)], |row| {
            Ok(Slot { batch: row.get(0)?, at: row.get(1)?, clamped: row.get(2)? })
        })?
        .collect::<Result<_, _>>()?;
    quota.slots.reverse();
    Ok(Some((id, quota)))
}

/// The quota of a host and identity with its id, inserted if need be.
pub(super) fn ensure(db: &Connection, host: i64, identity: &str) -> rusqlite::Result<(i64, Quota)> {
    if let Some(found) = find(db, host, identity)? {
        return Ok(found);
    }
    // Where the count of requests was damaged, this identity may have had one.
    let until = damage::hold_until(db)?;
    db.execute(
        "INSERT INTO quota (host, identity, hold_until) VALUES (?1, ?2, ?3)",
        params![host, identity, until],
    )?;
    let hold = Span { since: 0, until };
    Ok((db.last_insert_rowid(), Quota { hold, ..Quota::default() }))
}

/// Saves a quota and those of its slots that moved.
pub(super) fn save(db: &Connection, id: i64, quota: &Quota) -> rusqlite::Result<()> {
    let Quota { last, hold, strikes, server, accepted, body, slots } = quota;
    db.prepare_cached(SAVE)?.execute(params![
        id,
        last,
        hold.since,
        hold.until,
        strikes,
        server.window.since,
        server.window.until,
        server.remaining,
        server.limit,
        accepted,
        body.tokens,
        body.taken
    ])?;
    let mut save = db.prepare_cached(SAVE_SLOT)?;
    for slot in slots {
        save.execute(params![slot.batch, slot.at, slot.clamped])?;
    }
    Ok(())
}
