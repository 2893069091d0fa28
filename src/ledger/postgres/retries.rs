//! What the trail tells of requests: those that repeat others in vain are summed up.

use jiff::Timestamp;
use postgres::Row;

use super::db::{Db, int, typed, uint};
use super::error::PgResult;
use super::rows;
use super::transaction::Tx;
use crate::ledger::audit::Event;
use crate::ledger::retry::{Failure, Retries, SentBatch, Telling};

const FIND_BATCH: &str = "SELECT quota, retry, told, call, at, identity, host.name FROM stanch.batch
    JOIN stanch.quota ON quota.id = batch.quota JOIN stanch.host ON host.id = quota.host WHERE batch.id = $1";
const FIND: &str = "SELECT told, requests, first, last, since, until, verdict, status FROM stanch.retries
    WHERE quota = $1 AND verdict = $2 AND status = $3";
const FIND_ALL: &str = "SELECT told, requests, first, last, since, until, verdict, status FROM stanch.retries
    WHERE quota = $1 ORDER BY verdict COLLATE \"C\", status";
const SAVE: &str =
    "INSERT INTO stanch.retries (quota, verdict, status, told, requests, first, last, since, until)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (quota, verdict, status) DO UPDATE SET told = $4,
    requests = $5, first = $6, last = $7, since = $8, until = $9";
const CARRIED: &str = "SELECT sha256 FROM stanch.attempt JOIN stanch.token ON token.id = attempt.token
    WHERE attempt.batch = $1 ORDER BY rank, token.id";

/// The batch with this number.
fn find_batch(db: &mut Db<'_>, id: u64) -> PgResult<Option<SentBatch>> {
    let Some(row) = db.row(FIND_BATCH, typed![int(id) => INT8])? else { return Ok(None) };
    Ok(Some(SentBatch {
        id,
        quota: row.try_get(0)?,
        retry: row.try_get(1)?,
        told: row.try_get(2)?,
        call: row.try_get(3)?,
        at: row.try_get(4)?,
        identity: row.try_get(5)?,
        host: row.try_get(6)?,
    }))
}

/// Tells of a request that is about to leave, unless it repeats others in vain.
pub(super) fn tell_intent(tx: &mut Tx<'_>, batch: u64, at: Timestamp) -> PgResult<()> {
    let Some(batch) = find_batch(&mut tx.db, batch)? else { return Ok(()) };
    let tokens = carried(&mut tx.db, batch.id)?;
    let event = if !batch.retry {
        batch.intent(tokens, None, None)
    } else if find_all(&mut tx.db, batch.quota)?.iter().any(|(_, retries)| retries.is_common()) {
        let set_untold = "UPDATE stanch.batch SET told = false WHERE id = $1";
        return tx.db.execute(set_untold, typed![int(batch.id) => INT8]).map(drop);
    } else {
        batch.intent(Vec::new(), Some(tokens.len() as u64), None)
    };
    tx.append(&event, at);
    Ok(())
}

/// Tells of an answer, or that none will come; `decides` where it is the end of the tokens' way.
pub(super) fn tell_answer(
    tx: &mut Tx<'_>,
    batch: u64,
    (mut event, decides): (Event, bool),
    at: Timestamp,
) -> PgResult<()> {
    let Some(batch) = find_batch(&mut tx.db, batch)? else { return Ok(()) };
    if decides {
        tell_rest(tx, &batch, at)?;
    }
    if batch.retry && !decides {
        return tell_failure(tx, &batch, &event, at);
    }
    if batch.retry
        && let Event::Answer { tokens, .. } = &mut event
    {
        *tokens = carried(&mut tx.db, batch.id)?;
        if !batch.told {
            let intent = batch.intent(Vec::new(), Some(tokens.len() as u64), Some(batch.at));
            tx.append(&intent, at);
        }
    }
    tx.append(&event, at);
    Ok(())
}

/// Tells of a request in vain, or only counts it.
fn tell_failure(tx: &mut Tx<'_>, batch: &SentBatch, event: &Event, at: Timestamp) -> PgResult<()> {
    let failure = Failure::of(event);
    let status = i32::from(failure.status);
    let found = tx.db.row(FIND, typed![batch.quota => INT8, failure.verdict => TEXT, status => INT4])?;
    let mut retries =
        found.map(|row| parse(&row)).transpose()?.map(|(_, retries)| retries).unwrap_or_default();
    let telling = retries.observe(batch.id, batch.told, at.as_millisecond());
    save(&mut tx.db, batch.quota, &failure, &retries)?;
    match telling {
        Telling::Alone => tx.append(event, at),
        Telling::Counted => {}
        Telling::Summed(all) => tx.append(&all.event(&batch.host, &batch.identity, &failure), at),
    }
    Ok(())
}

/// Tells of all requests in vain that were only counted: what comes now is another matter.
fn tell_rest(tx: &mut Tx<'_>, batch: &SentBatch, at: Timestamp) -> PgResult<()> {
    let all = find_all(&mut tx.db, batch.quota)?;
    if all.is_empty() {
        return Ok(());
    }
    for (failure, mut retries) in all {
        if let Some(all) = retries.sum_up() {
            tx.append(&all.event(&batch.host, &batch.identity, &failure), at);
        }
    }
    tx.db.execute("DELETE FROM stanch.retries WHERE quota = $1", typed![batch.quota => INT8]).map(drop)
}

fn carried(db: &mut Db<'_>, batch: u64) -> PgResult<Vec<String>> {
    let found = db.rows(CARRIED, typed![int(batch) => INT8])?;
    found.iter().map(|row| Ok(rows::fingerprint(row.try_get(0)?)?.hex())).collect()
}

fn find_all(db: &mut Db<'_>, quota: i64) -> PgResult<Vec<(Failure, Retries)>> {
    db.rows(FIND_ALL, typed![quota => INT8])?.iter().map(parse).collect()
}

fn parse(row: &Row) -> PgResult<(Failure, Retries)> {
    let number = |column| -> PgResult<u64> { Ok(uint(row.try_get(column)?)) };
    let retries = Retries {
        told: number(0)?,
        requests: number(1)?,
        first: number(2)?,
        last: number(3)?,
        since: row.try_get(4)?,
        until: row.try_get(5)?,
    };
    let status = u16::try_from(row.try_get::<_, i32>(7)?).unwrap_or_default();
    Ok((Failure { verdict: row.try_get(6)?, status }, retries))
}

fn save(db: &mut Db<'_>, quota: i64, failure: &Failure, retries: &Retries) -> PgResult<()> {
    let Retries { told, requests, first, last, since, until } = retries;
    let Failure { verdict, status } = failure;
    db.execute(
        SAVE,
        typed![
            quota => INT8, verdict => TEXT, i32::from(*status) => INT4, int(*told) => INT8, int(*requests) => INT8,
            int(*first) => INT8, int(*last) => INT8, since => INT8, until => INT8
        ],
    )
    .map(drop)
}
