//! Tokens by what is asked for, a page at a time.

use rusqlite::{Connection, Row, params_from_iter};

use super::{grants, rows};
use crate::ledger::listing::{ListedToken, TokenFilter};
use crate::ledger::time::timestamp;
use crate::revocation::State;
use crate::rule;
use crate::token::{Fingerprint, Kind};

const COLUMNS: &str =
    "SELECT token.id, (SELECT name FROM host WHERE host.id = token.host), sha256, kind, state,
    token.at, location, (SELECT by FROM decision WHERE decision.id = token.decision),
    EXISTS (SELECT 1 FROM sealed WHERE sealed.token = token.id), told_at, scopes, expires_at
    FROM token LEFT JOIN grants ON grants.token = token.id";

/// Up to `limit` tokens behind number `after`. Longer hashes than the index holds are compared in the rows.
pub(super) fn list(
    db: &Connection,
    filter: &TokenFilter<'_>,
    after: i64,
    limit: usize,
) -> rusqlite::Result<Vec<ListedToken>> {
    let mut conditions = vec![format!("token.id > {after}")];
    let mut values: Vec<i64> = Vec::new();
    match filter.host {
        Some(host) => {
            let Some(host) = rows::host(db, host)? else { return Ok(Vec::new()) };
            // Without a hash, rows are read in their order: by the index of the hashes they would all have to be sorted
            // for each page. A `+` keeps a term from choosing an index (<https://www.sqlite.org/optoverview.html>).
            let plus = if filter.hashes.is_empty() { "+" } else { "" };
            conditions.push(format!("{plus}host = {host}"));
        }
        // The index of the hashes begins with the host.
        None if !filter.hashes.is_empty() => conditions.push("host IN (SELECT id FROM host)".to_owned()),
        None => {}
    }
    // States and rule ids are constants of the program, so nothing has to be escaped.
    let quoted =
        |names: Vec<&str>| names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    if !filter.states.is_empty() {
        let states = filter.states.iter().map(|state| state.as_str()).collect();
        conditions.push(format!("state IN ({})", quoted(states)));
    }
    if !filter.kinds.is_empty() {
        let kinds = filter.kinds.iter().map(|kind| kind.rule_id()).collect();
        conditions.push(format!("kind IN ({})", quoted(kinds)));
    }
    if let Some(until) = filter.until {
        conditions.push(format!("token.at <= {}", rows::millis(until)));
    }
    if !filter.hashes.is_empty() {
        values.extend(filter.hashes.iter().map(|hash| i64::from_be_bytes(hash.key().to_be_bytes())));
        conditions.push(format!("sha256_prefix IN ({})", vec!["?"; values.len()].join(", ")));
    }
    let sql = format!("{COLUMNS} WHERE {} ORDER BY token.id", conditions.join(" AND "));
    let mut statement = db.prepare(&sql)?;
    let found = statement.query_map(params_from_iter(values), from_row)?;
    let mut page = Vec::new();
    for token in found {
        let token = token?;
        if filter.matches(&token) {
            page.push(token);
        }
        if page.len() == limit {
            break;
        }
    }
    Ok(page)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<ListedToken> {
    Ok(ListedToken {
        number: row.get(0)?,
        host: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
        fingerprint: Fingerprint(row.get(2)?),
        kind: rule::kind(row.get_ref(3)?.as_str()?).unwrap_or(Kind::OTHER),
        state: State::from_word(row.get_ref(4)?.as_str()?).unwrap_or(State::Refused),
        at: timestamp(row.get(5)?),
        location: row.get(6)?,
        decided_by: row.get::<_, Option<String>>(7)?.unwrap_or_default(),
        has_text: row.get(8)?,
        grants: grants::from_row(row, 9)?,
    })
}
