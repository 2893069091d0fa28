//! Rows written behind the program's back that are to be believed: the check over a row, from its description.

use std::fs;
use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result};
use sha2::Sha256;

/// Writes the check of every row of these tables anew.
pub(crate) fn restamp(db: &Connection, ledger: &Path, tables: &[&str]) -> Result<()> {
    let key = fs::read(ledger.with_file_name("ledger.db.key")).expect("a key");
    let id: Vec<u8> =
        db.query_row("SELECT value FROM meta WHERE name = 'ledger_id'", [], |row| row.get(0))?;
    let derived = hmac(&key).chain_update(b"stanch ledger rows\0").chain_update(id).finalize().into_bytes();
    let mac = hmac(&derived);
    db.create_scalar_function("row_mac", -1, FunctionFlags::SQLITE_UTF8, move |row| {
        Ok(mac.clone().chain_update(encoded(row)).finalize().into_bytes()[..16].to_vec())
    })?;
    for table in tables {
        let columns: String = db.query_row(
            "SELECT group_concat(name, ', ') FROM pragma_table_info(?1) WHERE name != 'mac'",
            [table],
            |row| row.get(0),
        )?;
        db.execute(&format!("UPDATE {table} SET mac = row_mac('{table}', {columns})"), [])?;
    }
    Ok(())
}

fn hmac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("any length will do")
}

/// Each value as its type, its length and its bytes.
fn encoded(row: &Context<'_>) -> Vec<u8> {
    let values = (0..row.len()).map(|index| match row.get_raw(index) {
        ValueRef::Null => (0, Vec::new()),
        ValueRef::Integer(value) => (1, value.to_be_bytes().to_vec()),
        ValueRef::Real(value) => (2, value.to_be_bytes().to_vec()),
        ValueRef::Text(value) => (3, value.to_vec()),
        ValueRef::Blob(value) => (4, value.to_vec()),
    });
    values
        .flat_map(|(tag, bytes)| [vec![tag], (bytes.len() as u64).to_be_bytes().to_vec(), bytes].concat())
        .collect()
}
