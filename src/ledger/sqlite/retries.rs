//! What the trail tells of requests: those that repeat others in vain are summed up.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{rows, trail};
use crate::ledger::audit::Event;
use crate::ledger::retry::{Failure, Retries, SentBatch, Telling};
use crate::token::Fingerprint;

const FIND_BATCH: &str = "SELECT quota, retry, told, call, at, identity, host.name FROM batch
    JOIN quota ON quota.id = batch.quota JOIN host ON host.id = quota.host WHERE batch.id = ?1";
const FIND: &str = "SELECT told, requests, first, last, since, until, verdict, status FROM retries
    WHERE quota = ?1 AND verdict = ?2 AND status = ?3";
const FIND_ALL: &str = "SELECT told, requests, first, last, since, until, verdict, status FROM retries
    WHERE quota = ?1 ORDER BY verdict, status";
const SAVE: &str =
    "INSERT OR REPLACE INTO retries (quota, verdict, status, told, requests, first, last, since, until)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const CARRIED: &str = "SELECT sha256 FROM attempt JOIN token ON token.id = attempt.token
    WHERE attempt.batch = ?1 ORDER BY rank, token.id";

/// The batch with this number.
fn find_batch(db: &Connection, id: u64) -> rusqlite::Result<SentBatch> {
    db.prepare_cached(FIND_BATCH)?.query_row([id], |row| {
        Ok(SentBatch {
            id,
            quota: row.get(0)?,
            retry: row.get(1)?,
            told: row.get(2)?,
            call: row.get(3)?,
            at: row.get(4)?,
            identity: row.get(5)?,
            host: row.get(6)?,
        })
    })
}

/// Tells of a request that is about to leave, unless it repeats others in vain.
pub(super) fn tell_intent(db: &Connection, batch: u64, at: Timestamp) -> rusqlite::Result<()> {
    let batch = find_batch(db, batch)?;
    let tokens = carried(db, batch.id)?;
    let event = if !batch.retry {
        batch.intent(tokens, None, None)
    } else if find_all(db, batch.quota)?.iter().any(|(_, retries)| retries.is_common()) {
        db.prepare_cached("UPDATE batch SET told = 0 WHERE id = ?1")?.execute([batch.id])?;
        return Ok(());
    } else {
        batch.intent(Vec::new(), Some(tokens.len() as u64), None)
    };
    trail::append(db, &event, at)
}

/// Tells of an answer, or that none will come; `decides` where it is the end of the tokens' way.
pub(super) fn tell_answer(
    db: &Connection,
    batch: u64,
    (mut event, decides): (Event, bool),
    at: Timestamp,
) -> rusqlite::Result<()> {
    let batch = find_batch(db, batch)?;
    if decides {
        tell_rest(db, &batch, at)?;
    }
    if batch.retry && !decides {
        return tell_failure(db, &batch, &event, at);
    }
    if batch.retry
        && let Event::Answer { tokens, .. } = &mut event
    {
        *tokens = carried(db, batch.id)?;
        if !batch.told {
            let intent = batch.intent(Vec::new(), Some(tokens.len() as u64), Some(batch.at));
            trail::append(db, &intent, at)?;
        }
    }
    trail::append(db, &event, at)
}

/// Tells of a request in vain, or only counts it.
fn tell_failure(db: &Connection, batch: &SentBatch, event: &Event, at: Timestamp) -> rusqlite::Result<()> {
    let failure = Failure::of(event);
    let found = db
        .prepare_cached(FIND)?
        .query_row(params![batch.quota, failure.verdict, failure.status], |row| Ok(parse(row)?.1));
    let mut retries = found.optional()?.unwrap_or_default();
    let telling = retries.observe(batch.id, batch.told, rows::millis(at));
    save(db, batch.quota, &failure, &retries)?;
    match telling {
        Telling::Alone => trail::append(db, event, at),
        Telling::Counted => Ok(()),
        Telling::Summed(all) => trail::append(db, &all.event(&batch.host, &batch.identity, &failure), at),
    }
}

/// Tells of all requests in vain that were only counted: what comes now is another matter.
fn tell_rest(db: &Connection, batch: &SentBatch, at: Timestamp) -> rusqlite::Result<()> {
    for (failure, mut retries) in find_all(db, batch.quota)? {
        if let Some(all) = retries.sum_up() {
            trail::append(db, &all.event(&batch.host, &batch.identity, &failure), at)?;
        }
    }
    db.prepare_cached("DELETE FROM retries WHERE quota = ?1")?.execute([batch.quota])?;
    Ok(())
}

fn carried(db: &Connection, batch: u64) -> rusqlite::Result<Vec<String>> {
    db.prepare_cached(CARRIED)?.query_map([batch], |row| Ok(Fingerprint(row.get(0)?).hex()))?.collect()
}

fn find_all(db: &Connection, quota: i64) -> rusqlite::Result<Vec<(Failure, Retries)>> {
    db.prepare_cached(FIND_ALL)?.query_map([quota], parse)?.collect()
}

fn parse(row: &Row<'_>) -> rusqlite::Result<(Failure, Retries)> {
    let retries = Retries {
        told: row.get(0)?,
        requests: row.get(1)?,
        first: row.get(2)?,
        last: row.get(3)?,
        since: row.get(4)?,
        until: row.get(5)?,
    };
    Ok((Failure { verdict: row.get(6)?, status: row.get(7)? }, retries))
}

fn save(db: &Connection, quota: i64, failure: &Failure, retries: &Retries) -> rusqlite::Result<()> {
    let Retries { told, requests, first, last, since, until } = retries;
    let Failure { verdict, status } = failure;
    db.prepare_cached(SAVE)?
        .execute(params![quota, verdict, status, told, requests, first, last, since, until])?;
    Ok(())
}
