//! Tokens by what is asked for, a page at a time.

use postgres::Row;

use super::db::{Db, int, typed, uint};
use super::error::PgResult;
use super::{grants, rows};
use crate::ledger::entry::SealedToken;
use crate::ledger::listing::{ListedToken, TokenFilter};
use crate::ledger::time::timestamp;
use crate::ledger::waiting::WaitingToken;
use crate::revocation::State;
use crate::token::{Fingerprint, Kind};

const LIST: &str = "SELECT token.id, host.name, sha256, kind, state, token.at, location, decision.by,
        has_text, told_at, scopes, expires_at
    FROM stanch.token JOIN stanch.host ON host.id = token.host
    LEFT JOIN stanch.decision ON decision.id = token.decision LEFT JOIN stanch.grants ON grants.token = token.id
    WHERE token.id > $1 AND ($2::text IS NULL OR host.name = $2) AND (cardinality($3::text[]) = 0 OR state = ANY($3))
        AND (cardinality($4::text[]) = 0 OR kind = ANY($4)) AND ($5::bigint IS NULL OR token.at <= $5)
        AND (cardinality($6::bytea[]) = 0 OR substring(sha256 FROM 1 FOR 8) = ANY($6))
    ORDER BY token.id LIMIT $7";
/// The tokens whose hash begins so, by the index of the hashes.
const NAMED: &str = "SELECT sha256, kind FROM unnest($2::bytea[], $3::bytea[]) AS prefix (low, high)
    JOIN stanch.token ON host = $1 AND sha256 BETWEEN low AND high AND state IN ('queued', 'sent') ORDER BY token.id";
const PAGE: &str = "SELECT id, sha256, kind, sealed, location FROM stanch.token
    WHERE id > $2 AND host = $1 AND state IN ('queued', 'sent') AND sealed IS NOT NULL ORDER BY id LIMIT $3";

/// Up to `limit` tokens behind number `after`. Longer hashes than eight bytes are compared here.
pub(super) fn list(
    db: &mut Db<'_>,
    filter: &TokenFilter<'_>,
    mut after: u64,
    limit: usize,
) -> PgResult<Vec<ListedToken>> {
    let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
    let (kinds, until) = (rows::rule_ids(filter.kinds), filter.until.map(jiff::Timestamp::as_millisecond));
    let prefixes: Vec<Vec<u8>> = filter.hashes.iter().map(|hash| hash.key().to_be_bytes().to_vec()).collect();
    let mut page = Vec::new();
    loop {
        let found = db.rows(
            LIST,
            typed![
                int(after) => INT8, filter.host => TEXT, states => TEXT_ARRAY, kinds => TEXT_ARRAY, until => INT8,
                prefixes => BYTEA_ARRAY, int(limit) => INT8
            ],
        )?;
        for row in &found {
            let token = from_row(row)?;
            after = token.number;
            if filter.matches(&token) && page.len() < limit {
                page.push(token);
            }
        }
        if page.len() == limit || found.len() < limit {
            return Ok(page);
        }
    }
}

fn from_row(row: &Row) -> PgResult<ListedToken> {
    Ok(ListedToken {
        number: uint(row.try_get(0)?),
        host: row.try_get(1)?,
        fingerprint: rows::fingerprint(row.try_get(2)?)?,
        kind: rows::kind(row.try_get(3)?),
        state: State::from_word(row.try_get(4)?).unwrap_or(State::Refused),
        at: timestamp(row.try_get(5)?),
        location: row.try_get(6)?,
        decided_by: row.try_get::<_, Option<String>>(7)?.unwrap_or_default(),
        has_text: row.try_get(8)?,
        grants: grants::from_row(row, 9)?,
    })
}

/// The tokens that wait at a host and whose hash starts with one of these prefixes.
pub(super) fn named(db: &mut Db<'_>, host: &str, prefixes: &[u64]) -> PgResult<Vec<(Fingerprint, Kind)>> {
    let Some(host) = rows::host(db, host)? else { return Ok(Vec::new()) };
    let bound = |prefix: &u64, rest: u8| [prefix.to_be_bytes().as_slice(), &[rest; 24]].concat();
    let low: Vec<Vec<u8>> = prefixes.iter().map(|prefix| bound(prefix, 0)).collect();
    let high: Vec<Vec<u8>> = prefixes.iter().map(|prefix| bound(prefix, 0xff)).collect();
    let found = db.rows(NAMED, typed![host => INT8, low => BYTEA_ARRAY, high => BYTEA_ARRAY])?;
    found.iter().map(|row| Ok((rows::fingerprint(row.try_get(0)?)?, rows::kind(row.try_get(1)?)))).collect()
}

/// The tokens that wait at a host, from the one behind number `after` on.
pub(super) fn page(db: &mut Db<'_>, host: &str, after: u64, limit: usize) -> PgResult<Vec<WaitingToken>> {
    let Some(host) = rows::host(db, host)? else { return Ok(Vec::new()) };
    let found = db.rows(PAGE, typed![host => INT8, int(after) => INT8, int(limit) => INT8])?;
    let token = |row: &Row| {
        let kind = rows::kind(row.try_get(2)?);
        let token =
            SealedToken { fingerprint: rows::fingerprint(row.try_get(1)?)?, kind, sealed: row.try_get(3)? };
        Ok(WaitingToken { number: uint(row.try_get(0)?), token, location: row.try_get(4)? })
    };
    found.iter().map(token).collect()
}
