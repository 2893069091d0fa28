//! What is wrong with a ledger that opens, before a run believes it: indexes that differ from their rows, rows that are not
//! what was written.
//!
//! SQLite itself notices a page that is no page, and believes everything else: it looks a token up in an index whose entry
//! was damaged, does not find it, and the token is lost, or sent again.

use std::sync::OnceLock;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::change::{NewState, set_state};
use super::error::corrupt;
use super::{row_mac, rows};
use crate::ledger::care::Damaged;
use crate::ledger::quota::{SLOTS_KEPT, WINDOW_MS};
use crate::ledger::time::ClockReading;
use crate::revocation::State;
use crate::token::Fingerprint;

/// An index: its name, what it is on in the order of its definition, and the condition for being in it.
type Index = (&'static str, &'static str, &'static str);

/// The indexes of each table.
const INDEXES: [(&str, &[Index]); 5] = [
    ("host", &[("sqlite_autoindex_host_1", "name, id", "1")]),
    ("quota", &[("sqlite_autoindex_quota_1", "host, identity, id", "1")]),
    (
        "token",
        &[
            ("token_sha256", "host, sha256_prefix, id", "1"),
            ("token_state", "host, state, id", "state != 'queued'"),
            (
                "token_due",
                "host, bisect_group, failed_in, rank, id",
                "batch IS NULL AND state IN ('queued', 'sent')",
            ),
            ("token_waiting", "host, kind, id", "state IN ('queued', 'sent')"),
            ("token_in_flight", "batch, id", "batch IS NOT NULL"),
        ],
    ),
    ("batch", &[("batch_slots", "quota, id", "charged"), ("batch_open", "quota, id", "verdict = 'open'")]),
    ("attempt", &[("attempt_batch", "batch, token", "1")]),
];

/// Where an entry of the index of the hashes and its row disagree and the row is damaged, the entry is what was written.
const RESTORE: &str = "UPDATE token SET host = entry.host, sha256_prefix = entry.sha256_prefix FROM
    (SELECT id, host, sha256_prefix FROM token INDEXED BY token_sha256 WHERE host > -1) AS entry
    WHERE token.id = entry.id AND token.id IN (SELECT id FROM damaged_token)";

/// In flight with a batch that is not under way: nobody would ever settle it.
const ORPHANS: &str = "SELECT EXISTS (SELECT 1 FROM token WHERE batch IS NOT NULL AND NOT EXISTS
    (SELECT 1 FROM batch JOIN quota ON quota.id = batch.quota
     WHERE batch.id = token.batch AND verdict = 'open' AND quota.host = token.host))";
const RELEASE_ORPHANS: &str =
    "UPDATE token SET batch = NULL, state = 'sent' WHERE batch IS NOT NULL AND NOT EXISTS
    (SELECT 1 FROM batch JOIN quota ON quota.id = batch.quota
     WHERE batch.id = token.batch AND verdict = 'open' AND quota.host = token.host)";

const QUOTA_DAMAGED: &str = "SELECT EXISTS (SELECT 1 FROM damaged_quota) OR EXISTS
    (SELECT 1 FROM (SELECT id FROM batch ORDER BY id DESC LIMIT ?1) WHERE id IN (SELECT id FROM damaged_batch))";
const HOLD_ALL: &str = "UPDATE quota SET hold_at = ?1, hold_adjusted = ?1, hold_boot = ?2, hold_uptime = ?3,
    hold_length = max(hold_length, ?4)";
const SET_FOUND: &str = "INSERT OR REPLACE INTO meta (name, value) VALUES ('count_damaged_at', ?1)";

/// What is not what was written and has a text, whatever its state says now, so that it may wait; and what waits without a
/// text. What is in flight is settled first.
const DAMAGED: &str =
    "SELECT id, sha256, 1 AS text, 1 AS damaged FROM sealed JOIN token ON token.id = sealed.token
        WHERE host = ?1 AND batch IS NULL AND EXISTS (SELECT 1 FROM damaged_token AS d WHERE d.id = token.id)
    UNION ALL
    SELECT id, sha256, 0, EXISTS (SELECT 1 FROM damaged_token AS d WHERE d.id = token.id) FROM token
        WHERE host = ?1 AND batch IS NULL AND state IN ('queued', 'sent')
        AND NOT EXISTS (SELECT 1 FROM sealed WHERE sealed.token = token.id)";
const REASON: &str = "its row or its sealed text was damaged";

/// Whether the file holds together, and every index agrees with its rows.
pub(super) fn indexes_hold(db: &Connection) -> rusqlite::Result<bool> {
    Ok(quick_check(db)?.is_none() && !indexes_differ(db))
}

/// Builds the indexes anew.
pub(super) fn mend_indexes(db: &Connection) -> rusqlite::Result<()> {
    // Where a page is no page, nothing in the indexes is better than the rows.
    if quick_check(db)?.is_none() {
        db.execute(RESTORE, [])?;
    }
    db.execute_batch("REINDEX")?;
    match quick_check(db)? {
        Some(found) => Err(corrupt(found)),
        None => Ok(()),
    }
}

/// Lets go of tokens that are in flight with nothing, and lets nothing leave for an hour where what counts the requests was
/// changed.
pub(super) fn mend_batches(db: &Connection, at: Timestamp) -> rusqlite::Result<()> {
    db.execute(RELEASE_ORPHANS, [])?;
    if quota_is_damaged(db)? {
        let ClockReading { wall, uptime } = ClockReading::of(at);
        let (boot, ran) = (uptime.map(|uptime| uptime.boot), uptime.map(|uptime| uptime.ms));
        db.execute(HOLD_ALL, params![wall, boot, ran, WINDOW_MS])?;
        db.execute(SET_FOUND, [wall])?;
        row_mac::restamp_table(db, "quota")?;
        row_mac::restamp_table(db, "batch")?;
    }
    Ok(())
}

/// Whether every batch is what was written, and what is in flight is in one of them.
pub(super) fn batches_hold(db: &Connection) -> rusqlite::Result<bool> {
    let orphans: bool = db.query_row(ORPHANS, [], |row| row.get(0))?;
    Ok(!orphans && !quota_is_damaged(db)?)
}

fn quota_is_damaged(db: &Connection) -> rusqlite::Result<bool> {
    db.query_row(QUOTA_DAMAGED, [rows::number(SLOTS_KEPT)], |row| row.get(0))
}

/// Whether any index differs from its rows. One that cannot be read does.
fn indexes_differ(db: &Connection) -> bool {
    INDEXES.iter().any(|(table, indexes)| differ(db, table, indexes).unwrap_or(true))
}

/// What SQLite finds wrong with the file's pages (<https://www.sqlite.org/pragma.html#pragma_quick_check>).
fn quick_check(db: &Connection) -> rusqlite::Result<Option<String>> {
    let found: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok(Some(found).filter(|found| found != "ok"))
}

/// Whether an index of a table holds other entries than its rows say. A sum over all entries does not depend on their order,
/// and one pass over the rows serves all indexes.
fn differ(db: &Connection, table: &str, indexes: &[Index]) -> rusqlite::Result<bool> {
    let sums: Vec<String> = (indexes.iter())
        .map(|(_, columns, condition)| format!("entry_sum({columns}) FILTER (WHERE {condition})"))
        .collect();
    let of_rows: Vec<Vec<u8>> =
        db.query_row(&format!("SELECT {} FROM {table} NOT INDEXED", sums.join(", ")), [], |row| {
            (0..indexes.len()).map(|index| row.get(index)).collect()
        })?;
    for ((index, columns, condition), of_rows) in indexes.iter().zip(of_rows) {
        let sql = format!("SELECT entry_sum({columns}) FROM {table} INDEXED BY {index} WHERE {condition}");
        if of_rows != db.query_row(&sql, [], |row| row.get::<_, Vec<u8>>(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether anything of a host's queue is not what was written, or has no text any more.
pub(super) fn any_damaged(db: &Connection, host: &str) -> rusqlite::Result<bool> {
    match rows::host(db, host)? {
        Some(host) => db.prepare_cached(DAMAGED)?.exists([host]),
        None => Ok(false),
    }
}

/// Sets aside what waits at a host and is not what was written. A row that has lost its text may be one that was accepted:
/// it is left as it is, and nothing is believed of it.
pub(super) fn set_aside(db: &Connection, host: &str, at: Timestamp) -> rusqlite::Result<Damaged> {
    let Some(host_id) = rows::host(db, host)? else { return Ok(Damaged::default()) };
    let found: Vec<(i64, Fingerprint, bool, bool)> = (db.prepare_cached(DAMAGED)?)
        .query_map([host_id], |row| {
            // The hash itself may be what was damaged.
            Ok((row.get(0)?, Fingerprint(row.get(1).unwrap_or_default()), row.get(2)?, row.get(3)?))
        })?
        .collect::<Result<_, _>>()?;
    let mut damaged = Damaged::default();
    let mut tokens = Vec::new();
    for (id, fingerprint, text, changed) in found {
        if changed && !text {
            damaged.unknown += 1;
        } else {
            tokens.push((id, fingerprint));
        }
    }
    damaged.set_aside = set_state(db, &tokens, &NewState { host, state: State::Held, reason: REASON }, at)?;
    for (id, _) in tokens {
        row_mac::restamp_row(db, "token", id)?;
    }
    Ok(damaged)
}

/// When what counts the requests was last found to be damaged: for an hour after that nothing may leave.
pub(super) fn found_at(db: &Connection) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT value FROM meta WHERE name = 'count_damaged_at'")?
        .query_row([], |row| row.get(0))
        .optional()
}

/// Compares the definitions of tables, indexes and triggers with those of a new ledger: in a damaged one, a trigger may be
/// gone, and a partial index may leave tokens out.
pub(super) fn check_schema(db: &Connection, migrations: &[&str]) -> rusqlite::Result<()> {
    static EXPECTED: OnceLock<Vec<[String; 3]>> = OnceLock::new();
    let definitions = |db: &Connection| {
        (db.prepare("SELECT type, name, sql FROM main.sqlite_schema WHERE sql IS NOT NULL ORDER BY name")?)
            .query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?
            .collect::<rusqlite::Result<Vec<[String; 3]>>>()
    };
    let expected = if let Some(expected) = EXPECTED.get() {
        expected
    } else {
        let new = Connection::open_in_memory()?;
        migrations.iter().try_for_each(|step| new.execute_batch(step))?;
        EXPECTED.get_or_init(|| definitions(&new).unwrap_or_default())
    };
    let found = definitions(db)?;
    match expected.iter().find(|definition| !found.contains(definition)) {
        Some([kind, name, _]) => Err(corrupt(format!("the definition of the {kind} {name} was changed"))),
        None => Ok(()),
    }
}
