//! The quota of a host and identity in its table, its slots in the table of batches.

use postgres::Row;

use super::db::{Db, int, typed, uint};
use super::error::{PgError, PgResult};
use crate::ledger::quota::{BodyLimit, Moment, Quota, SLOTS_KEPT, ServerLimit, Slot, Span};

const FIND: &str =
    "SELECT id, last_at, last_adjusted, hold_at, hold_adjusted, hold_length, server_at, server_adjusted,
    server_length, server_remaining, server_limit, strikes, accepted, body_limit, body_taken
    FROM stanch.quota WHERE host = $1 AND identity = $2";
const SLOTS: &str = "SELECT id, slot_at, slot_adjusted FROM stanch.batch WHERE quota = $1 AND charged
    ORDER BY id DESC LIMIT $2";
const INSERT: &str =
    "INSERT INTO stanch.quota (host, identity) VALUES ($1, $2) ON CONFLICT (host, identity) DO NOTHING";
const SAVE: &str =
    "UPDATE stanch.quota SET last_at = $2, last_adjusted = $3, hold_at = $4, hold_adjusted = $5,
    hold_length = $6, server_at = $7, server_adjusted = $8, server_length = $9, server_remaining = $10,
    server_limit = $11, strikes = $12, accepted = $13, body_limit = $14, body_taken = $15 WHERE id = $1";
const SAVE_SLOTS: &str = "UPDATE stanch.batch SET slot_at = moved.at, slot_adjusted = moved.adjusted
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS moved (id, at, adjusted) WHERE batch.id = moved.id";

/// A quota as it was read.
pub(super) struct Stored {
    id: i64,
    pub(super) quota: Quota,
    /// The slots as the table has them.
    slots: Vec<Slot>,
}

/// The quota of a host and identity, if a request was ever asked for.
pub(super) fn find(db: &mut Db<'_>, host: i64, identity: &str) -> PgResult<Option<Stored>> {
    let Some(row) = db.row(FIND, typed![host => INT8, identity => TEXT])? else { return Ok(None) };
    let id: i64 = row.try_get(0)?;
    let small = |index| -> PgResult<Option<u32>> {
        let number: Option<i64> = row.try_get(index)?;
        Ok(number.map(|number| u32::try_from(number).unwrap_or(u32::MAX)))
    };
    let mut slots = Vec::new();
    for row in db.rows(SLOTS, typed![id => INT8, int(SLOTS_KEPT) => INT8])?.iter().rev() {
        slots.push(Slot { batch: uint(row.try_get(0)?), taken: moment(row, 1)? });
    }
    let quota = Quota {
        slots: slots.clone(),
        last: moment(&row, 1)?,
        hold: Span { since: moment(&row, 3)?, length: row.try_get(5)? },
        server: ServerLimit {
            window: Span { since: moment(&row, 6)?, length: row.try_get(8)? },
            remaining: small(9)?,
            limit: small(10)?,
        },
        strikes: small(11)?.unwrap_or_default(),
        accepted: uint(row.try_get(12)?),
        body: BodyLimit { tokens: small(13)?, taken: small(14)?.unwrap_or_default() },
    };
    Ok(Some(Stored { id, quota, slots }))
}

/// Locks the quota of a host and identity until the end of the transaction: whoever decides about a request is alone with it.
/// False where there is none yet.
pub(super) fn lock(db: &mut Db<'_>, host: i64, identity: &str) -> PgResult<bool> {
    let lock = "SELECT id FROM stanch.quota WHERE host = $1 AND identity = $2 FOR NO KEY UPDATE";
    Ok(db.row(lock, typed![host => INT8, identity => TEXT])?.is_some())
}

/// The quota of a host and identity, locked and inserted if need be; `is_locked` where it was locked before. One that somebody
/// else has inserted since makes the transaction begin anew.
pub(super) fn ensure(db: &mut Db<'_>, host: i64, identity: &str, is_locked: bool) -> PgResult<Stored> {
    if !is_locked && db.execute(INSERT, typed![host => INT8, identity => TEXT])? == 0 {
        return Err(PgError::Raced);
    }
    find(db, host, identity)?.ok_or(PgError::Raced)
}

/// A moment from two columns of a row, the first of which is `column`.
fn moment(row: &Row, column: usize) -> PgResult<Moment> {
    Ok(Moment { at: row.try_get(column)?, adjusted: row.try_get(column + 1)?, uptime: None })
}

impl Stored {
    /// Its id.
    pub(super) fn id(&self) -> i64 {
        self.id
    }

    /// Saves the quota, and those of its slots that moved. The slot of a new batch is in its row.
    pub(super) fn save(&self, db: &mut Db<'_>) -> PgResult<()> {
        let Quota { last, hold, strikes, server, accepted, body, slots } = &self.quota;
        let (window, since) = (&server.window.since, &hold.since);
        let (remaining, limit) = (server.remaining.map(i64::from), server.limit.map(i64::from));
        db.execute(
            SAVE,
            typed![
                self.id => INT8, last.at => INT8, last.adjusted => INT8, since.at => INT8, since.adjusted => INT8,
                hold.length => INT8, window.at => INT8, window.adjusted => INT8, server.window.length => INT8,
                remaining => INT8, limit => INT8, i64::from(*strikes) => INT8, int(*accepted) => INT8,
                body.tokens.map(i64::from) => INT8, i64::from(body.taken) => INT8
            ],
        )?;
        let moved: Vec<&Slot> = slots.iter().filter(|slot| !self.slots.contains(slot)).collect();
        if moved.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = moved.iter().map(|slot| int(slot.batch)).collect();
        let at: Vec<i64> = moved.iter().map(|slot| slot.taken.at).collect();
        let adjusted: Vec<i64> = moved.iter().map(|slot| slot.taken.adjusted).collect();
        db.execute(SAVE_SLOTS, typed![ids => INT8_ARRAY, at => INT8_ARRAY, adjusted => INT8_ARRAY]).map(drop)
    }
}
