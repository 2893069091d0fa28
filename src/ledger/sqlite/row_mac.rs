//! A keyed check over each row on which a decision rests: a flipped bit, or a state that somebody edited, is noticed
//! before it is believed.
//!
//! Each of the tables below has a column `mac` over all its others. Triggers of the connection, not of the file, compute it
//! with each change, so no statement has to think of it, and other clients can read and write the file without the key. A
//! row that was not whole before a change is not after it either: nothing but `RESTAMP` believes a row anew.
//!
//! Without the key nothing can be checked. Such a connection reads, and changes no row.

use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use crate::ledger::seal::RowMac;

/// The tables whose rows are checked. Sealed texts have a check of their own, and so has the audit trail.
pub(super) const TABLES: [&str; 5] = ["host", "decision", "token", "quota", "batch"];

/// What a connection without the key says where it was to change a row.
pub(super) const KEYLESS: &str = "the rows of the ledger cannot be changed without its key";

/// Believes a row of the table as it is now.
fn restamp(table: &str) -> String {
    format!("UPDATE {table} SET mac = (SELECT mac FROM mac_of_{table} AS m WHERE m.id = {table}.id)")
}

/// Lets a connection check and keep the rows' checks. In its views `damaged_TABLE` are the ids of rows that are not what was
/// written, and in `mac_of_TABLE` what the check of each should be.
pub(super) fn install(db: &Connection, mac: Option<RowMac>) -> rusqlite::Result<()> {
    let keyed = mac.is_some();
    if let Some(mac) = mac {
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        db.create_scalar_function("row_mac", -1, flags, move |context| {
            let mut row = Vec::with_capacity(256);
            for index in 0..context.len() {
                encode(context.get_raw(index), &mut row);
            }
            Ok(mac.tag(&row).to_vec())
        })?;
    }
    for table in TABLES {
        let columns: Vec<String> = (db
            .prepare("SELECT name FROM pragma_table_info(?1) WHERE name != 'mac'")?)
        .query_map(params![table], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
        db.execute_batch(&if keyed { keyed_views(table, &columns) } else { keyless_views(table) })?;
    }
    Ok(())
}

fn keyed_views(table: &str, columns: &[String]) -> String {
    let mac_of = |row: &str| {
        let values: Vec<String> = columns.iter().map(|column| format!("{row}.{column}")).collect();
        format!("row_mac('{table}', {})", values.join(", "))
    };
    let (own, old, new) = (mac_of(table), mac_of("OLD"), mac_of("NEW"));
    let columns = columns.join(", ");
    format!(
        "{DROP}
         CREATE TEMP VIEW mac_of_{table} AS SELECT id, {own} AS mac FROM main.{table};
         CREATE TEMP VIEW damaged_{table} AS SELECT id FROM main.{table} WHERE mac IS NOT {own};
         CREATE TEMP TRIGGER {table}_inserted AFTER INSERT ON main.{table} WHEN NEW.mac IS NULL BEGIN
           UPDATE {table} SET mac = {new} WHERE id = NEW.id;
         END;
         CREATE TEMP TRIGGER {table}_updated AFTER UPDATE OF {columns} ON main.{table} WHEN OLD.mac IS {old} BEGIN
           UPDATE {table} SET mac = {new} WHERE id = NEW.id;
         END;",
        DROP = drop_views(table)
    )
}

fn keyless_views(table: &str) -> String {
    format!(
        "{DROP}
         CREATE TEMP VIEW damaged_{table} AS SELECT id FROM main.{table} WHERE 0;
         CREATE TEMP TRIGGER {table}_inserted BEFORE INSERT ON main.{table} BEGIN
           SELECT RAISE(ABORT, '{KEYLESS}');
         END;
         CREATE TEMP TRIGGER {table}_updated BEFORE UPDATE ON main.{table} BEGIN
           SELECT RAISE(ABORT, '{KEYLESS}');
         END;",
        DROP = drop_views(table)
    )
}

fn drop_views(table: &str) -> String {
    format!(
        "DROP VIEW IF EXISTS temp.mac_of_{table}; DROP VIEW IF EXISTS temp.damaged_{table};
         DROP TRIGGER IF EXISTS temp.{table}_inserted; DROP TRIGGER IF EXISTS temp.{table}_updated;"
    )
}

/// Believes one row of a table as it is now.
pub(super) fn restamp_row(db: &Connection, table: &str, id: i64) -> rusqlite::Result<()> {
    db.prepare_cached(&format!("{} WHERE id = ?1", restamp(table)))?.execute([id])?;
    Ok(())
}

/// Believes all rows of a table as they are now.
pub(super) fn restamp_table(db: &Connection, table: &str) -> rusqlite::Result<()> {
    db.execute(&restamp(table), [])?;
    Ok(())
}

/// Believes every row as it is now: there is a new key, and what the old one said was looked at before, or is lost.
pub(super) fn restamp_all(db: &Connection) -> rusqlite::Result<()> {
    TABLES.into_iter().try_for_each(|table| restamp_table(db, table))
}

/// Appends a value so that no two rows look alike: its type, its length, its bytes.
fn encode(value: ValueRef<'_>, row: &mut Vec<u8>) {
    let (tag, integer);
    let bytes: &[u8] = match value {
        ValueRef::Null => {
            tag = 0;
            &[]
        }
        ValueRef::Integer(value) => {
            (tag, integer) = (1, value.to_be_bytes());
            &integer
        }
        ValueRef::Real(value) => {
            (tag, integer) = (2, value.to_bits().to_be_bytes());
            &integer
        }
        ValueRef::Text(value) => {
            tag = 3;
            value
        }
        ValueRef::Blob(value) => {
            tag = 4;
            value
        }
    };
    row.push(tag);
    row.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    row.extend_from_slice(bytes);
}
