//! Which tokens were in which request. Of the requests in vain a token was in, the first and the last are kept, and how many
//! there were in between.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::rows::number;
use crate::ledger::quota::SLOTS_KEPT;
use crate::ledger::retry::LATE_ANSWER_MS;

const LAST: &str = "SELECT attempt.batch, tries, verdict, decided, closed_at,
    (SELECT min(batch) FROM attempt WHERE token = ?1) FROM attempt JOIN batch ON batch.id = attempt.batch
    WHERE token = ?1 ORDER BY attempt.batch DESC LIMIT 1";
const INSERT: &str = "INSERT INTO attempt (token, batch, tries) VALUES (?1, ?2, ?3)";
const DELETE: &str = "DELETE FROM attempt WHERE token = ?1 AND batch = ?2";
const SET_RETRY: &str = "UPDATE batch SET retry = 1 WHERE id = ?1";
const SET_UNUSED: &str =
    "UPDATE batch SET unused = 1 WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM attempt WHERE batch = ?1)";
/// What took no slot of the quota. What did is remembered by the quota for a while, and then forgotten, too.
const DELETE_UNUSED: &str = "DELETE FROM batch WHERE quota = ?1 AND unused AND NOT charged";
const DELETE_FORGOTTEN: &str = "DELETE FROM batch WHERE id IN
    (SELECT id FROM batch WHERE quota = ?1 AND unused ORDER BY id DESC LIMIT -1 OFFSET ?2)";

/// The last request a token was in.
struct Last {
    batch: u64,
    tries: u64,
    verdict: String,
    decided: bool,
    closed_at: Option<i64>,
    first: u64,
}

impl Last {
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
    db: &Connection,
    (quota, batch): (i64, u64),
    tokens: impl Iterator<Item = i64>,
    now: i64,
) -> rusqlite::Result<bool> {
    let mut last = db.prepare_cached(LAST)?;
    let (mut insert, mut delete) = (db.prepare_cached(INSERT)?, db.prepare_cached(DELETE)?);
    let (mut folded, mut retry) = (BTreeSet::new(), None);
    for token in tokens {
        let last = last.query_row([token], |row| {
            Ok(Last {
                batch: row.get(0)?,
                tries: row.get(1)?,
                verdict: row.get(2)?,
                decided: row.get(3)?,
                closed_at: row.get(4)?,
                first: row.get(5)?,
            })
        });
        let last = last.optional()?;
        let again = last.as_ref().is_some_and(|last| !last.decided);
        retry = Some(retry.unwrap_or(true) && again);
        let mut tries = 1;
        if let Some(last) = last.filter(|last| last.can_be_folded(now)) {
            delete.execute(params![token, last.batch])?;
            folded.insert(last.batch);
            tries += last.tries;
        }
        insert.execute(params![token, batch, tries])?;
    }
    // A call without tokens repeats nothing, and nothing names it.
    let Some(retry) = retry else {
        db.prepare_cached(SET_UNUSED)?.execute([batch])?;
        return Ok(false);
    };
    for batch in &folded {
        db.prepare_cached(SET_UNUSED)?.execute([batch])?;
    }
    if !folded.is_empty() {
        db.prepare_cached(DELETE_UNUSED)?.execute([quota])?;
        db.prepare_cached(DELETE_FORGOTTEN)?.execute(params![quota, number(SLOTS_KEPT)])?;
    }
    if retry {
        db.prepare_cached(SET_RETRY)?.execute([batch])?;
    }
    Ok(retry)
}
