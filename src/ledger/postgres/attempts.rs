//! Which tokens were in which request. Of the requests in vain a token was in, the first and the last are kept, and how many
//! there were in between.

use std::collections::BTreeSet;

use postgres::Row;

use super::db::{Db, int, typed};
use super::error::PgResult;
use crate::ledger::quota::SLOTS_KEPT;
use crate::ledger::retry::LATE_ANSWER_MS;

const LAST: &str = "SELECT token.id, last.batch, last.tries, last.verdict, last.decided, last.closed_at,
        (SELECT min(batch) FROM stanch.attempt WHERE attempt.token = token.id)
    FROM unnest($1::bigint[]) AS token (id) JOIN LATERAL (
        SELECT attempt.batch, tries, verdict, decided, closed_at FROM stanch.attempt
        JOIN stanch.batch ON batch.id = attempt.batch
        WHERE attempt.token = token.id ORDER BY attempt.batch DESC LIMIT 1) AS last ON true";
const INSERT: &str = "INSERT INTO stanch.attempt (token, batch, tries) SELECT token, $1, tries FROM unnest($2::bigint[], $3::bigint[]) AS new (token, tries)";
const DELETE: &str =
    "DELETE FROM stanch.attempt USING unnest($1::bigint[], $2::bigint[]) AS old (token, batch)
    WHERE attempt.token = old.token AND attempt.batch = old.batch";
const SET_UNUSED: &str = "UPDATE stanch.batch SET unused = true WHERE id = ANY($1)
    AND NOT EXISTS (SELECT 1 FROM stanch.attempt WHERE attempt.batch = batch.id)";
/// What took no slot of the quota. What did is remembered by the quota for a while, and then forgotten, too.
const DELETE_UNUSED: &str = "DELETE FROM stanch.batch WHERE quota = $1 AND unused AND (NOT charged OR id IN
    (SELECT id FROM stanch.batch WHERE quota = $1 AND unused ORDER BY id DESC OFFSET $2))";

/// The last request a token was in.
struct Last {
    token: i64,
    batch: i64,
    tries: i64,
    verdict: String,
    decided: bool,
    closed_at: Option<i64>,
    first: i64,
}

impl Last {
    fn from_row(row: &Row) -> PgResult<Self> {
        Ok(Last {
            token: row.try_get(0)?,
            batch: row.try_get(1)?,
            tries: row.try_get(2)?,
            verdict: row.try_get(3)?,
            decided: row.try_get(4)?,
            closed_at: row.try_get(5)?,
            first: row.try_get(6)?,
        })
    }

    /// Whether nothing is lost when the next request stands for it, too.
    fn can_be_folded(&self, now: i64) -> bool {
        let may_be_answered = match self.verdict.as_str() {
            "open" => true,
            "lost" => self.closed_at.is_none_or(|closed| closed > now.saturating_sub(LATE_ANSWER_MS)),
            _ => false,
        };
        self.batch != self.first && !self.decided && !may_be_answered
    }
}

/// Writes down that a batch carries these tokens; true if all of them were sent before, and nothing was decided.
pub(super) fn insert(
    db: &mut Db<'_>,
    (quota, batch): (i64, u64),
    tokens: &[i64],
    now: i64,
) -> PgResult<bool> {
    let batch = int(batch);
    // A call without tokens repeats nothing, and nothing names it.
    if tokens.is_empty() {
        db.execute(SET_UNUSED, typed![vec![batch] => INT8_ARRAY])?;
        return Ok(false);
    }
    let found = db.rows(LAST, typed![tokens => INT8_ARRAY])?;
    let last: Vec<Last> = found.iter().map(Last::from_row).collect::<PgResult<_>>()?;
    let retry = last.len() == tokens.len() && last.iter().all(|last| !last.decided);
    let folded: Vec<&Last> = last.iter().filter(|last| last.can_be_folded(now)).collect();
    let tries: Vec<i64> = (tokens.iter())
        .map(|token| 1 + folded.iter().find(|last| last.token == *token).map_or(0, |last| last.tries))
        .collect();
    if !folded.is_empty() {
        let of: Vec<i64> = folded.iter().map(|last| last.token).collect();
        let batches: Vec<i64> = folded.iter().map(|last| last.batch).collect();
        db.execute(DELETE, typed![of => INT8_ARRAY, batches => INT8_ARRAY])?;
        let batches: Vec<i64> = batches.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        db.execute(SET_UNUSED, typed![batches => INT8_ARRAY])?;
        db.execute(DELETE_UNUSED, typed![quota => INT8, int(SLOTS_KEPT) => INT8])?;
    }
    db.execute(INSERT, typed![batch => INT8, tokens => INT8_ARRAY, tries => INT8_ARRAY])?;
    if retry {
        db.execute("UPDATE stanch.batch SET retry = true WHERE id = $1", typed![batch => INT8])?;
    }
    Ok(retry)
}
