//! What can be wrong inside a database that opens.

use std::collections::BTreeMap;

use super::PostgresLedger;
use super::db::{int, typed, uint};
use super::error::PgResult;
use super::rows;
use crate::ledger::care::CheckReport;
use crate::ledger::error::LedgerError;
use crate::ledger::seal::{KeyId, key_id_of};
use crate::ledger::trail;
use crate::revocation::State;

/// How many sealed texts are looked at in one statement.
const PAGE: usize = 5000;

const WITHOUT_TEXT: &str =
    "SELECT count(*) FROM stanch.token WHERE state IN ('queued', 'sent') AND NOT has_text";
const SEALED: &str = "SELECT token.id, sha256, kind, sealed, host.name FROM stanch.token
    JOIN stanch.host ON host.id = token.host WHERE token.id > $1 AND sealed IS NOT NULL ORDER BY token.id LIMIT $2";

/// Reads all of it. A part that cannot be read is a problem, not the end.
pub(super) fn check(ledger: &PostgresLedger) -> CheckReport {
    let mut report = CheckReport::default();
    let number = |sql: &str, words: &[&str]| {
        let words: Vec<&str> = words.to_vec();
        ledger.connection.read(|db| {
            if words.is_empty() { db.number(sql, &[]) } else { db.number(sql, typed![words => TEXT_ARRAY]) }
                .map(uint)
        })
    };
    let states = |holds: fn(State) -> bool| -> Vec<&'static str> {
        State::ALL.into_iter().filter(|state| holds(*state)).map(State::as_str).collect()
    };
    let mut note = |found: Result<u64, LedgerError>, problem: &str| match found {
        Ok(0) => {}
        Ok(count) => report.problems.push(format!("{count} {problem}")),
        Err(error) => report.problems.push(error.to_string()),
    };
    note(
        number("SELECT count(*) FROM stanch.token WHERE state <> ALL($1)", &states(|_| true)),
        "tokens are in a state that there is not: go back to a backup, or scan again",
    );
    note(
        number(WITHOUT_TEXT, &[]),
        "tokens wait without their sealed text, and cannot be sent: `stanch queue withdraw` takes them out, and a new scan queues \
         them anew",
    );
    note(
        number(
            "SELECT count(*) FROM stanch.token WHERE has_text AND state <> ALL($1)",
            &states(State::keeps_text),
        ),
        "sealed texts belong to no token that may still be sent: go back to a backup, or scan again",
    );
    // Without a private key it cannot be told, and that is how it should be.
    if !ledger.access.key_files.is_empty() {
        note(
            unopenable(ledger, None),
            "sealed tokens cannot be opened with the keys that were named: name the right ones with --key",
        );
    }
    let verified = trail::verify(ledger);
    match verified {
        Ok(verified) => {
            report.chains = verified.heads.len() as u64;
            (report.records, report.head) = (verified.records, verified.last);
        }
        Err(error) => report.problems.push(error.to_string()),
    }
    report.tokens = number("SELECT count(*) FROM stanch.token", &[]).unwrap_or_default();
    report
}

/// How many sealed texts cannot be opened with the keys at hand; those that are sealed to `apart` are not looked at.
pub(super) fn unopenable(ledger: &PostgresLedger, apart: Option<KeyId>) -> Result<u64, LedgerError> {
    let ring = ledger.key_ring()?;
    let (mut after, mut unopenable, mut openers) = (0, 0, BTreeMap::new());
    loop {
        let page = ledger.connection.read(|db| {
            let found = db.rows(SEALED, typed![after => INT8, int(PAGE) => INT8])?;
            let token = |row: &postgres::Row| -> PgResult<_> {
                let fingerprint = rows::fingerprint(row.try_get(1)?)?;
                let kind = rows::kind(row.try_get(2)?);
                Ok((
                    row.try_get::<_, i64>(0)?,
                    fingerprint,
                    kind,
                    row.try_get::<_, Vec<u8>>(3)?,
                    row.try_get::<_, String>(4)?,
                ))
            };
            found.iter().map(token).collect::<PgResult<Vec<_>>>()
        })?;
        for (id, fingerprint, kind, sealed, host) in &page {
            after = *id;
            if apart.is_some() && key_id_of(sealed) == apart {
                continue;
            }
            let opener = openers.entry(host.clone()).or_insert_with(|| ring.opener(host));
            unopenable += u64::from(opener.open(*kind, *fingerprint, sealed).is_err());
        }
        if page.len() < PAGE {
            return Ok(unopenable);
        }
    }
}
