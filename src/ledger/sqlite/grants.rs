//! What living tokens told, in its table.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{rows, trail};
use crate::ledger::audit::Event;
use crate::ledger::time::{timestamp, whole_millis};
use crate::revocation::Grants;
use crate::token::Fingerprint;

/// Without an outer join: SQLite would prepare the statement anew for each value that it is given.
const FIND: &str = "SELECT id, (SELECT told_at FROM grants WHERE grants.token = token.id),
        (SELECT scopes FROM grants WHERE grants.token = token.id),
        (SELECT expires_at FROM grants WHERE grants.token = token.id)
    FROM token WHERE host = ?1 AND sha256_prefix = ?2 AND sha256 = ?3";
const KEEP: &str =
    "INSERT OR REPLACE INTO grants (token, scopes, expires_at, told_at) VALUES (?1, ?2, ?3, ?4)";

/// Writes down what is new, with one record in the trail.
pub(super) fn keep(
    db: &Connection,
    host_name: &str,
    told: &[(Fingerprint, Grants)],
    at: Timestamp,
) -> rusqlite::Result<()> {
    let Some(host) = rows::host(db, host_name)? else { return Ok(()) };
    let mut new = BTreeMap::new();
    for (fingerprint, grants) in told {
        let known = db
            .prepare_cached(FIND)?
            .query_row(params![host, rows::prefix_of(fingerprint), fingerprint.0], |row| {
                Ok((row.get::<_, i64>(0)?, from_row(row, 1)?))
            })
            .optional()?;
        let grants = whole_millis(grants);
        let Some((token, _)) = known.filter(|(_, known)| known.as_ref() != Some(&grants)) else { continue };
        let scopes = grants.scopes.as_ref().map(|scopes| scopes.join(" "));
        let expires_at = grants.expires_at.map(Timestamp::as_millisecond);
        db.prepare_cached(KEEP)?.execute(params![token, scopes, expires_at, rows::millis(at)])?;
        new.insert(fingerprint.hex(), grants);
    }
    if new.is_empty() {
        return Ok(());
    }
    trail::append(db, &Event::Alive { host: host_name.to_owned(), told: new }, at)
}

/// Reads `told_at, scopes, expires_at`, from column number `first` on; none where the token was never asked.
pub(super) fn from_row(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Grants>> {
    let asked: Option<i64> = row.get(first)?;
    let (scopes, expires_at): (Option<String>, Option<i64>) = (row.get(first + 1)?, row.get(first + 2)?);
    Ok(asked.map(|_| Grants {
        scopes: scopes.map(|scopes| scopes.split_whitespace().map(str::to_owned).collect()),
        expires_at: expires_at.map(timestamp),
    }))
}
