//! What living tokens told, in its table.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use postgres::Row;

use super::db::typed;
use super::error::PgResult;
use super::rows;
use super::transaction::Tx;
use crate::ledger::audit::Event;
use crate::ledger::time::{timestamp, whole_millis};
use crate::revocation::Grants;
use crate::token::Fingerprint;

const FIND: &str = "SELECT sha256, id, told_at, scopes, expires_at FROM stanch.token
    LEFT JOIN stanch.grants ON grants.token = token.id WHERE host = $1 AND sha256 = ANY($2)";
const KEEP: &str = "INSERT INTO stanch.grants (token, scopes, expires_at, told_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (token) DO UPDATE SET scopes = $2, expires_at = $3, told_at = $4";

/// Writes down what is new, with one record in the trail.
pub(super) fn keep(tx: &mut Tx<'_>, host_name: &str, told: &[(Fingerprint, Grants)]) -> PgResult<()> {
    let Some(host) = rows::host(&mut tx.db, host_name)? else { return Ok(()) };
    let hashes: Vec<&[u8]> = told.iter().map(|(fingerprint, _)| fingerprint.0.as_slice()).collect();
    let mut known: HashMap<Fingerprint, (i64, Option<Grants>)> = HashMap::new();
    for row in &tx.db.rows(FIND, typed![host => INT8, hashes => BYTEA_ARRAY])? {
        known.insert(rows::fingerprint(row.try_get(0)?)?, (row.try_get(1)?, from_row(row, 2)?));
    }
    let (at, _) = tx.clock()?;
    let mut new = BTreeMap::new();
    for (fingerprint, grants) in told {
        let grants = whole_millis(grants);
        let Some((token, known)) = known.get_mut(fingerprint) else { continue };
        if known.as_ref() == Some(&grants) {
            continue;
        }
        let scopes = grants.scopes.as_ref().map(|scopes| scopes.join(" "));
        let expires_at = grants.expires_at.map(Timestamp::as_millisecond);
        tx.db.execute(
            KEEP,
            typed![*token => INT8, scopes => TEXT, expires_at => INT8, at.as_millisecond() => INT8],
        )?;
        *known = Some(grants.clone());
        new.insert(fingerprint.hex(), grants);
    }
    if !new.is_empty() {
        tx.append(&Event::Alive { host: host_name.to_owned(), told: new }, at);
    }
    Ok(())
}

/// Reads `told_at, scopes, expires_at`, from column number `first` on; none where the token was never asked.
pub(super) fn from_row(row: &Row, first: usize) -> PgResult<Option<Grants>> {
    let asked: Option<i64> = row.try_get(first)?;
    let (scopes, expires_at): (Option<&str>, Option<i64>) =
        (row.try_get(first + 1)?, row.try_get(first + 2)?);
    Ok(asked.map(|_| Grants {
        scopes: scopes.map(|scopes| scopes.split_whitespace().map(str::to_owned).collect()),
        expires_at: expires_at.map(timestamp),
    }))
}
