//! The quota of a host and identity in its table, its slots in the table of batches.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::damage;
use super::rows::number;
use crate::ledger::quota::{BodyLimit, Moment, Quota, SLOTS_KEPT, ServerLimit, Slot, Span, WINDOW_MS};
use crate::ledger::time::Uptime;

const FIND: &str =
    "SELECT id, last_at, last_adjusted, last_boot, last_uptime, hold_at, hold_adjusted, hold_boot, hold_uptime, hold_length,
    server_at, server_adjusted, server_boot, server_uptime, server_length, server_remaining, server_limit, strikes,
    accepted, body_limit, body_taken FROM quota WHERE host = ?1 AND identity = ?2";
const SLOTS: &str =
    "SELECT id, slot_at, slot_adjusted, slot_boot, slot_uptime FROM batch WHERE quota = ?1 AND charged
    ORDER BY id DESC LIMIT ?2";
const SAVE: &str = "UPDATE quota SET server_remaining = ?2, server_limit = ?3, strikes = ?4, accepted = ?5,
    body_limit = ?6, body_taken = ?7 WHERE id = ?1";
const SAVE_LAST: &str =
    "UPDATE quota SET last_at = ?2, last_adjusted = ?3, last_boot = ?4, last_uptime = ?5 WHERE id = ?1";
const SAVE_HOLD: &str = "UPDATE quota SET hold_at = ?2, hold_adjusted = ?3, hold_boot = ?4, hold_uptime = ?5,
    hold_length = ?6 WHERE id = ?1";
const SAVE_WINDOW: &str =
    "UPDATE quota SET server_at = ?2, server_adjusted = ?3, server_boot = ?4, server_uptime = ?5,
    server_length = ?6 WHERE id = ?1";
const SAVE_SLOT: &str = "UPDATE batch SET slot_at = ?2, slot_adjusted = ?3, slot_boot = ?4, slot_uptime = ?5
    WHERE id = ?1 AND (slot_at, slot_adjusted, slot_boot, slot_uptime) IS NOT (?2, ?3, ?4, ?5)";

/// The quota of a host and identity with its id, if a request was ever asked for.
pub(super) fn find(db: &Connection, host: i64, identity: &str) -> rusqlite::Result<Option<(i64, Quota)>> {
    let found = db.prepare_cached(FIND)?.query_row(params![host, identity], |row| {
        let quota = Quota {
            slots: Vec::new(),
            last: moment(row, 1)?,
            hold: Span { since: moment(row, 5)?, length: row.get(9)? },
            server: ServerLimit {
                window: Span { since: moment(row, 10)?, length: row.get(14)? },
                remaining: row.get(15)?,
                limit: row.get(16)?,
            },
            strikes: row.get(17)?,
            accepted: row.get(18)?,
            body: BodyLimit { tokens: row.get(19)?, taken: row.get(20)? },
        };
        Ok((row.get(0)?, quota))
    });
    let Some((id, mut quota)) = found.optional()? else { return Ok(None) };
    quota.slots = (db.prepare_cached(SLOTS)?)
        .query_map(params![id, number(SLOTS_KEPT)], |row| {
            Ok(Slot { batch: row.get(0)?, taken: moment(row, 1)? })
        })?
        .collect::<Result<_, _>>()?;
    quota.slots.reverse();
    Ok(Some((id, quota)))
}

/// A moment from four columns of a row, the first of which is `column`.
fn moment(row: &Row<'_>, column: usize) -> rusqlite::Result<Moment> {
    let (at, adjusted) = (row.get(column)?, row.get(column + 1)?);
    Ok(Moment { at, adjusted, uptime: uptime(row, column + 2)? })
}

/// An uptime from two columns of a row, the first of which is `column`.
pub(super) fn uptime(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Uptime>> {
    let (boot, ms): (Option<i64>, Option<i64>) = (row.get(column)?, row.get(column + 1)?);
    Ok(boot.zip(ms).map(|(boot, ms)| Uptime { boot, ms }))
}

/// The quota of a host and identity with its id, inserted if need be.
pub(super) fn ensure(db: &Connection, host: i64, identity: &str) -> rusqlite::Result<(i64, Quota)> {
    if let Some(found) = find(db, host, identity)? {
        return Ok(found);
    }
    db.execute("INSERT INTO quota (host, identity) VALUES (?1, ?2)", params![host, identity])?;
    let (id, mut quota) = (db.last_insert_rowid(), Quota::default());
    // Where the count of requests was damaged, this identity may have had one.
    if let Some(at) = damage::found_at(db)? {
        let since = Moment { at, adjusted: at, uptime: None };
        quota.hold = Span { since, length: WINDOW_MS };
        save(db, id, &quota)?;
    }
    Ok((id, quota))
}

/// Saves a quota and those of its slots that moved.
pub(super) fn save(db: &Connection, id: i64, quota: &Quota) -> rusqlite::Result<()> {
    let Quota { last, hold, strikes, server, accepted, body, slots } = quota;
    let ServerLimit { window, remaining, limit } = server;
    db.prepare_cached(SAVE)?.execute(params![
        id,
        remaining,
        limit,
        strikes,
        accepted,
        body.tokens,
        body.taken
    ])?;
    let (boot, uptime) = columns(last.uptime);
    db.prepare_cached(SAVE_LAST)?.execute(params![id, last.at, last.adjusted, boot, uptime])?;
    for (save, Span { since, length }) in [(SAVE_HOLD, hold), (SAVE_WINDOW, window)] {
        let (boot, uptime) = columns(since.uptime);
        db.prepare_cached(save)?.execute(params![id, since.at, since.adjusted, boot, uptime, length])?;
    }
    let mut save = db.prepare_cached(SAVE_SLOT)?;
    for Slot { batch, taken } in slots {
        let (boot, uptime) = columns(taken.uptime);
        save.execute(params![batch, taken.at, taken.adjusted, boot, uptime])?;
    }
    Ok(())
}

/// An uptime as two columns of a row.
pub(super) fn columns(uptime: Option<Uptime>) -> (Option<i64>, Option<i64>) {
    (uptime.map(|uptime| uptime.boot), uptime.map(|uptime| uptime.ms))
}
