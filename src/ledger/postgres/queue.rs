//! The tokens that could be sent now, in the order of the queue.

use postgres::Row;

use super::db::{Db, int, typed, uint};
use super::error::PgResult;
use super::rows;
use crate::ledger::bisect::{self, Candidate, Group};
use crate::ledger::entry::{Page, SealedToken};
use crate::token::Kind;

/// The condition for a token that could be sent now, in a query whose `$1` is the host.
pub(super) const DUE: &str = "host = $1 AND batch IS NULL AND state IN ('queued', 'sent')";

/// Which tokens go next, at most `max_batch` of them.
pub(super) fn next(
    db: &mut Db<'_>,
    host: i64,
    kinds: &[Kind],
    max_batch: usize,
) -> PgResult<Option<Candidate>> {
    let kinds = rows::rule_ids(kinds);
    let queue = |condition: &str| {
        format!(
            "SELECT 0::bigint, count(*), coalesce(min(failed_in), 0) FROM (SELECT failed_in FROM stanch.token
                WHERE {DUE} AND bisect_group = 0 AND {condition} AND kind = ANY($2) ORDER BY failed_in, rank, id LIMIT $3) AS part"
        )
    };
    let sql = format!(
        "({}) UNION ALL ({}) UNION ALL
         SELECT bisect_group, count(*), min(failed_in) FROM stanch.token
         WHERE {DUE} AND bisect_group > 0 AND kind = ANY($2) GROUP BY bisect_group",
        queue("failed_in = 0"),
        queue("failed_in > 0")
    );
    let mut candidates = Vec::new();
    for row in db.rows(&sql, typed![host => INT8, kinds => TEXT_ARRAY, int(max_batch) => INT8])? {
        let size = usize::try_from(row.try_get::<_, i64>(1)?).unwrap_or_default();
        let (group, failed_in) = (uint(row.try_get(0)?), uint(row.try_get(2)?));
        candidates.push(Candidate { group, size: size.min(max_batch), failed_in });
    }
    Ok(bisect::next(candidates))
}

/// A token of the queue with its row id.
pub(super) struct DueToken {
    pub(super) id: i64,
    pub(super) token: SealedToken,
}

impl DueToken {
    /// Reads a row of id, hash, kind and sealed text.
    pub(super) fn from_row(row: &Row) -> PgResult<Self> {
        let token = SealedToken {
            fingerprint: rows::fingerprint(row.try_get(1)?)?,
            kind: rows::kind(row.try_get(2)?),
            sealed: row.try_get(3)?,
        };
        Ok(DueToken { id: row.try_get(0)?, token })
    }
}

/// A page of the tokens of a group that could be sent now, in the order of the queue. With `lock` those that another
/// transaction has are passed over, and the others are kept from it.
pub(super) fn page(
    db: &mut Db<'_>,
    (host, group): (i64, Group),
    kinds: &[Kind],
    page: Page,
    lock: bool,
) -> PgResult<Vec<DueToken>> {
    let lock = if lock { "FOR NO KEY UPDATE SKIP LOCKED" } else { "" };
    let sql = format!(
        "SELECT id, sha256, kind, sealed FROM stanch.token WHERE {DUE} AND bisect_group = $2 AND kind = ANY($3)
            AND sealed IS NOT NULL ORDER BY failed_in, rank, id LIMIT $4 OFFSET $5 {lock}"
    );
    let (group, kinds) = (int(group), rows::rule_ids(kinds));
    let found = db.rows(
        &sql,
        typed![host => INT8, group => INT8, kinds => TEXT_ARRAY, int(page.limit) => INT8, int(page.skip) => INT8],
    )?;
    found.iter().map(DueToken::from_row).collect()
}
