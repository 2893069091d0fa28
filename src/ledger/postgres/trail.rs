//! The audit trail in its tables: a chain for each writer, and the end of each remembered apart.

use super::db::{Db, int, typed, uint};
use super::error::{PgError, PgResult};
use crate::ledger::audit::Head;

/// The ends of all chains, held against their last records: where the two differ, one of them was lost or moved back.
const HEADS: &str = "SELECT name, writer.seq, hash, last.seq, last.line LIKE '%\"hash\":\"' || hash || '\"%'
    FROM stanch.writer LEFT JOIN LATERAL (
        SELECT seq, line FROM stanch.audit WHERE audit.writer = writer.id ORDER BY seq DESC LIMIT 1) AS last ON true
    WHERE writer.seq > 0 OR last.seq IS NOT NULL ORDER BY writer.id";
const PAGE: &str = "SELECT line FROM stanch.audit JOIN stanch.writer ON writer.id = audit.writer
    WHERE name = $1 AND audit.seq > $2 ORDER BY audit.seq LIMIT $3";
const HEAD: &str = "SELECT seq, hash FROM stanch.writer WHERE name = $1";

/// The end of each chain, oldest writer first.
pub(super) fn heads(db: &mut Db<'_>) -> PgResult<Vec<Head>> {
    let mut heads = Vec::new();
    for row in &db.rows(HEADS, &[])? {
        let head = Head { writer: row.try_get(0)?, seq: uint(row.try_get(1)?), hash: row.try_get(2)? };
        let last = uint(row.try_get::<_, Option<i64>>(3)?.unwrap_or_default());
        if last != head.seq || row.try_get::<_, Option<bool>>(4)? != Some(true) {
            return Err(PgError::Damaged(format!(
                "the chain of {} in its audit trail ends with record {last}, and the ledger remembers {} as the last one",
                head.writer, head.seq
            )));
        }
        heads.push(head);
    }
    Ok(heads)
}

/// The end of one chain.
pub(super) fn head(db: &mut Db<'_>, writer: &str) -> PgResult<Head> {
    let found = db.row(HEAD, typed![writer => TEXT])?;
    let empty = Head { writer: writer.to_owned(), ..Head::default() };
    found.map_or(Ok(empty), |row| {
        Ok(Head { writer: writer.to_owned(), seq: uint(row.try_get(0)?), hash: row.try_get(1)? })
    })
}

/// Up to `limit` records of a chain behind number `after`.
pub(super) fn page(db: &mut Db<'_>, writer: &str, after: u64, limit: usize) -> PgResult<Vec<String>> {
    let found = db.rows(PAGE, typed![writer => TEXT, int(after) => INT8, int(limit) => INT8])?;
    found.iter().map(|row| Ok(row.try_get(0)?)).collect()
}
