//! What waits, by the beginning of its hash and page by page.

use rusqlite::{Connection, params};

use super::rows;
use crate::ledger::entry::SealedToken;
use crate::ledger::waiting::WaitingToken;
use crate::rule;
use crate::token::{Fingerprint, Kind};

const NAMED: &str = "SELECT sha256, kind FROM token
    WHERE host = ?1 AND sha256_prefix = ?2 AND state IN ('queued', 'sent')
    AND NOT EXISTS (SELECT 1 FROM damaged_token AS d WHERE d.id = token.id)";
/// Only what waits is sealed, so the sealed texts are walked. `CROSS JOIN` keeps that order
/// (<https://www.sqlite.org/lang_select.html>, "Special handling of CROSS JOIN").
const PAGE: &str =
    "SELECT id, sha256, kind, bytes, location FROM sealed CROSS JOIN token ON token.id = sealed.token
    WHERE sealed.token > ?2 AND host = ?1 AND state IN ('queued', 'sent')
    AND NOT EXISTS (SELECT 1 FROM damaged_token AS d WHERE d.id = token.id) ORDER BY sealed.token LIMIT ?3";

/// The tokens that wait at a host and whose hash starts with one of these prefixes.
pub(super) fn named(
    db: &Connection,
    host: &str,
    prefixes: &[u64],
) -> rusqlite::Result<Vec<(Fingerprint, Kind)>> {
    let Some(host) = rows::host(db, host)? else { return Ok(Vec::new()) };
    let mut find = db.prepare_cached(NAMED)?;
    let mut found = Vec::new();
    for prefix in prefixes {
        let mut rows = find.query(params![host, prefix.cast_signed()])?;
        while let Some(row) = rows.next()? {
            found.push((Fingerprint(row.get(0)?), kind(row.get_ref(1)?.as_str()?)));
        }
    }
    Ok(found)
}

/// The tokens that wait at a host, from the one behind number `after` on.
pub(super) fn page(
    db: &Connection,
    host: &str,
    after: u64,
    limit: usize,
) -> rusqlite::Result<Vec<WaitingToken>> {
    let Some(host) = rows::host(db, host)? else { return Ok(Vec::new()) };
    db.prepare_cached(PAGE)?
        .query_map(params![host, rows::number(after), rows::number(limit)], |row| {
            let kind = kind(row.get_ref(2)?.as_str()?);
            let token = SealedToken { fingerprint: Fingerprint(row.get(1)?), kind, sealed: row.get(3)? };
            Ok(WaitingToken { number: row.get(0)?, token, location: row.get(4)? })
        })?
        .collect()
}

fn kind(rule: &str) -> Kind {
    rule::kind(rule).unwrap_or(Kind::OTHER)
}
