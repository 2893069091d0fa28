//! What can be wrong inside a ledger that opens.

use rusqlite::Connection;

use super::SqliteLedger;
use super::keys::{self, Openers};
use super::{open, row_mac};
use crate::ledger::care::CheckReport;
use crate::ledger::error::LedgerError;
use crate::ledger::{Ledger as _, trail};
use crate::revocation::State;
use crate::rule;
use crate::token::{Fingerprint, Kind};

/// How many findings of SQLite are repeated.
const MAX_FINDINGS: usize = 5;

const WITHOUT_TEXT: &str = "SELECT count(*) FROM token WHERE state IN ('queued', 'sent')
    AND NOT EXISTS (SELECT 1 FROM sealed WHERE sealed.token = token.id)";
const SEALED: &str = "SELECT sha256, kind, bytes, host.name FROM token JOIN sealed ON sealed.token = token.id
    LEFT JOIN host ON host.id = token.host";

/// Reads all of it. A part that cannot be read is a problem, not the end.
pub(super) fn check(ledger: &SqliteLedger) -> CheckReport {
    let mut report = CheckReport::default();
    let number = |sql: &str| ledger.read(|db| db.query_row(sql, [], |row| row.get::<_, u64>(0)));
    let mut note = |found: Result<Option<String>, LedgerError>| match found {
        Ok(None) => {}
        Ok(Some(problem)) => report.problems.push(problem),
        Err(error) => report.problems.push(error.to_string()),
    };
    note(ledger.read(open::check_schema).map(|()| None));
    note(ledger.read(integrity));
    note(number("SELECT count(*) FROM pragma_foreign_key_check").map(|rows| {
        (rows > 0).then(|| format!("{rows} rows belong to rows that are gone: the file was changed by something else; go back to a copy"))
    }));
    let unknown = format!("SELECT count(*) FROM token WHERE state NOT IN ({})", states_where(|_| true));
    note(number(&unknown).map(|tokens| {
        (tokens > 0).then(|| {
            format!("{tokens} tokens are in a state that there is not: go back to a copy, or scan again")
        })
    }));
    note(number(WITHOUT_TEXT).map(|tokens| {
        (tokens > 0).then(|| {
            format!("{tokens} tokens wait without their sealed text, and cannot be sent: `stanch ledger rekey` sets them aside, and a new scan queues them anew")
        })
    }));
    let kept = states_where(State::keeps_text);
    let text_kept = format!(
        "SELECT count(*) FROM sealed WHERE NOT EXISTS
            (SELECT 1 FROM token WHERE token.id = sealed.token AND state IN ({kept}))"
    );
    note(number(&text_kept).map(|texts| {
        (texts > 0).then(|| format!("{texts} sealed texts belong to no token that may still be sent: go back to a copy, or scan again"))
    }));
    note(unopenable(ledger).map(|tokens| {
        (tokens > 0).then(|| {
            format!("{tokens} sealed tokens cannot be opened: put the right key back, or `stanch ledger rekey` sets them aside, and a new scan queues them anew")
        })
    }));
    for table in row_mac::TABLES {
        let damaged = number(&format!("SELECT count(*) FROM damaged_{table}"));
        note(damaged.map(|rows| {
            (rows > 0).then(|| {
                format!("{rows} rows of the table {table} are not what was written: go back to a copy, or `stanch ledger rekey` holds back the tokens among them, and a new scan queues them anew")
            })
        }));
    }
    let verified = trail::verify(ledger);
    note(verified.as_ref().map_or_else(|error| Ok(Some(error.to_string())), |_| Ok(None)));
    report.tokens = number("SELECT count(*) FROM token").unwrap_or_default();
    report.head = ledger.head().unwrap_or_default();
    (report.records, report.chains) = (report.head.seq, 1);
    report
}

/// The states for which `holds` does, as a list in SQL.
fn states_where(holds: fn(State) -> bool) -> String {
    let states = State::ALL.into_iter().filter(|state| holds(*state));
    states.map(|state| format!("'{}'", state.as_str())).collect::<Vec<_>>().join(", ")
}

/// What SQLite finds wrong with the file (<https://www.sqlite.org/pragma.html#pragma_integrity_check>).
fn integrity(db: &Connection) -> rusqlite::Result<Option<String>> {
    let found: Vec<String> = db
        .prepare(&format!("PRAGMA integrity_check({MAX_FINDINGS})"))?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if found.iter().all(|line| line == "ok") {
        return Ok(None);
    }
    Ok(Some(format!(
        "the file is damaged ({}): go back to a copy, or move it away and scan again",
        found.join("; ")
    )))
}

/// How many sealed texts cannot be opened; a key that is missing or another ledger's opens none.
pub(super) fn unopenable(ledger: &SqliteLedger) -> Result<u64, LedgerError> {
    let key = keys::key_if_any(&ledger.db, &ledger.path)?;
    ledger.read(|db| {
        let mut openers = match key {
            Some(key) => Some(Openers::new(key, keys::ledger_id(db)?)),
            None => None,
        };
        let mut find = db.prepare(SEALED)?;
        let mut rows = find.query([])?;
        let mut unopenable = 0;
        while let Some(row) = rows.next()? {
            let kind = rule::kind(row.get_ref(1)?.as_str()?).unwrap_or(Kind::OTHER);
            let (fingerprint, sealed) = (Fingerprint(row.get(0)?), row.get_ref(2)?.as_blob()?);
            let host = row.get_ref(3)?.as_str_or_null()?.unwrap_or_default();
            let opens = |openers: &mut Openers| openers.open(host, (kind, fingerprint), sealed).is_ok();
            unopenable += u64::from(!openers.as_mut().is_some_and(opens));
        }
        Ok(unopenable)
    })
}
