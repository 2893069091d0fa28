//! The tokens that could be sent now, in the order of the queue.

use rusqlite::{Connection, Row, params};

use super::rows::number;
use crate::ledger::bisect::{self, Candidate, Group};
use crate::ledger::entry::{Page, SealedToken};
use crate::rule;
use crate::token::{Fingerprint, Kind};

/// The condition for a token that could be sent now, in a query whose `?1` is the host.
pub(super) const DUE: &str = "host = ?1 AND batch IS NULL AND state IN ('queued', 'sent')";

/// The condition for a row that is what was written.
pub(super) const WHOLE: &str = "NOT EXISTS (SELECT 1 FROM damaged_token AS d WHERE d.id = token.id)";

/// A list of kinds for an `IN`. Rule ids of built-in kinds are constants, so nothing has to be escaped.
pub(super) fn kind_list(kinds: &[Kind]) -> String {
    let ids: Vec<String> = kinds.iter().map(|kind| format!("'{}'", kind.rule_id())).collect();
    ids.join(", ")
}

/// Which tokens go next, at most `max_batch` of them.
pub(super) fn next(
    db: &Connection,
    host: i64,
    kinds: &[Kind],
    max_batch: usize,
) -> rusqlite::Result<Option<Candidate>> {
    let kinds = kind_list(kinds);
    let queue = |condition: &str| {
        let sql = format!(
            "SELECT 0, count(*), ifnull(min(failed_in), 0) FROM (SELECT failed_in FROM token
                WHERE {DUE} AND bisect_group = 0 AND {condition} AND kind IN ({kinds})
                ORDER BY failed_in LIMIT {max_batch})"
        );
        db.prepare_cached(&sql)?.query_row([host], candidate)
    };
    let mut candidates = vec![queue("failed_in = 0")?, queue("failed_in > 0")?];
    let groups = format!(
        "SELECT bisect_group, count(*), min(failed_in) FROM token
         WHERE {DUE} AND bisect_group > 0 AND kind IN ({kinds}) GROUP BY bisect_group"
    );
    for group in db.prepare_cached(&groups)?.query_map([host], candidate)? {
        let group = group?;
        candidates.push(Candidate { size: group.size.min(max_batch), ..group });
    }
    Ok(bisect::next(candidates))
}

fn candidate(row: &Row<'_>) -> rusqlite::Result<Candidate> {
    Ok(Candidate { group: row.get(0)?, size: row.get(1)?, failed_in: row.get(2)? })
}

/// A token of the queue with its row id.
pub(super) struct DueToken {
    pub(super) id: i64,
    pub(super) token: SealedToken,
}

impl DueToken {
    /// Reads a row of id, hash, kind and sealed text.
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let kind: String = row.get(2)?;
        Ok(DueToken {
            id: row.get(0)?,
            token: SealedToken {
                fingerprint: Fingerprint(row.get(1)?),
                kind: rule::kind(&kind).unwrap_or(Kind::OTHER),
                sealed: row.get(3)?,
            },
        })
    }
}

/// A page of the tokens of a group that could be sent now, in the order of the queue.
pub(super) fn page(
    db: &Connection,
    host: i64,
    group: Group,
    kinds: &[Kind],
    page: Page,
) -> rusqlite::Result<Vec<DueToken>> {
    let sql = format!(
        "SELECT id, sha256, kind, bytes FROM token JOIN sealed ON sealed.token = token.id
         WHERE {DUE} AND bisect_group = ?2 AND {WHOLE} AND kind IN ({}) ORDER BY failed_in, rank, id LIMIT ?3 OFFSET ?4",
        kind_list(kinds)
    );
    db.prepare_cached(&sql)?
        .query_map(params![host, group, number(page.limit), number(page.skip)], DueToken::from_row)?
        .collect()
}
