//! The audit trail in its table: one row a record, and the last one remembered apart.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::corrupt;
use crate::ledger::audit::{self, Event, Head};
use crate::ledger::time::timestamp;

const HEAD: &str = "SELECT CAST(substr(value, 66) AS INTEGER), substr(value, 1, 64)
    FROM meta WHERE name = 'head'";
const LAST: &str = "SELECT seq, line FROM audit ORDER BY seq DESC LIMIT 1";
pub(super) const PAGE: &str = "SELECT line FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2";

/// The last record: `HASH SEQ` in `meta`, so that records deleted at the end are missed.
pub(super) fn head(db: &Connection) -> rusqlite::Result<Head> {
    let found = db
        .prepare_cached(HEAD)?
        .query_row([], |row| Ok(Head { writer: String::new(), seq: row.get(0)?, hash: row.get(1)? }));
    Ok(found.optional()?.unwrap_or_default())
}

/// The same, held against the last record: where the two differ, one of them was lost or moved back.
pub(super) fn checked_head(db: &Connection) -> rusqlite::Result<Head> {
    let head = head(db)?;
    let last: Option<(u64, String)> =
        db.prepare_cached(LAST)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let agree = match &last {
        Some((seq, line)) => *seq == head.seq && line.contains(&format!("\"hash\":\"{}\"", head.hash)),
        None => head == Head::default(),
    };
    if agree {
        return Ok(head);
    }
    let last = last.map_or(0, |(seq, _)| seq);
    Err(corrupt(format!(
        "its audit trail ends with record {last}, and the ledger remembers {} as the last one",
        head.seq
    )))
}

/// Appends a record.
pub(super) fn append(db: &Connection, event: &Event, at: Timestamp) -> rusqlite::Result<()> {
    let mut head = checked_head(db)?;
    // Whole milliseconds, as everywhere in the ledger.
    let line = audit::append(&mut head, timestamp(at.as_millisecond()), event);
    db.prepare_cached("INSERT INTO audit (seq, line) VALUES (?1, ?2)")?.execute(params![head.seq, line])?;
    db.prepare_cached("INSERT OR REPLACE INTO meta (name, value) VALUES ('head', ?1)")?
        .execute([format!("{} {}", head.hash, head.seq)])?;
    Ok(())
}

/// Up to `limit` records behind number `after`.
pub(super) fn page(db: &Connection, after: i64, limit: i64) -> rusqlite::Result<Vec<String>> {
    db.prepare_cached(PAGE)?.query_map(params![after, limit], |row| row.get(0))?.collect()
}
