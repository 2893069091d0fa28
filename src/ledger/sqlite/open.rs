//! Opening a ledger: the connection, the schema, the key.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior};

use super::files;
use super::owner::Owner;
use super::{SqliteLedger, explain};
use crate::ledger::error::LedgerError;
use crate::ledger::seal::Seal;

/// Marks the file as ours: "stch".
const APPLICATION_ID: i64 = 0x7374_6368;

/// The steps from one schema to the next; a ledger's `user_version` is how many of them it has taken.
const MIGRATIONS: &[&str] = &[include_str!("../schema.sql")];

/// How long to wait for others. Their transactions are short but for a queue that grows by a hundred thousands.
const BUSY: Duration = Duration::from_secs(10);

/// Read before anything else, and changes nothing.
const WHOSE: &str = "SELECT (SELECT application_id FROM pragma_application_id),
    (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)";

pub(super) fn open(path: PathBuf) -> Result<SqliteLedger, LedgerError> {
    let mut db = connect(&path)?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if schema(&db, &path)? < known {
        migrate(&mut db, &path)?;
    }
    ensure_key(&mut db, &path)?;
    Ok(SqliteLedger { db, owner: Owner::new(&path), path })
}

pub(super) fn open_existing(path: PathBuf) -> Result<Option<SqliteLedger>, LedgerError> {
    let mut db = connect(&path)?;
    match schema(&db, &path)? {
        // Made, and never written to: as good as none.
        0 => return Ok(None),
        found if found < i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX) => migrate(&mut db, &path)?,
        _ => {}
    }
    Ok(Some(SqliteLedger { db, owner: Owner::new(&path), path }))
}

fn connect(path: &Path) -> Result<Connection, LedgerError> {
    // No CREATE: the file is there, made by us with our permissions. No URI: a path is a path.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let setup = || {
        let db = Connection::open_with_flags(path, flags)?;
        db.busy_timeout(BUSY)?;
        db.pragma_update(None, "synchronous", "EXTRA")?;
        db.pragma_update(None, "secure_delete", "ON")?;
        db.pragma_update(None, "foreign_keys", "ON")?;
        db.pragma_update(None, "trusted_schema", "OFF")?;
        db.pragma_update(None, "temp_store", "MEMORY")?;
        // 32 MiB: the index of a million fingerprints is written out of order.
        db.pragma_update(None, "cache_size", -32_768)?;
        db.set_prepared_statement_cache_capacity(64);
        Ok(db)
    };
    setup().map_err(|error| explain(path, &error))
}

/// The schema's number; 0 for an empty file.
fn schema(db: &Connection, path: &Path) -> Result<i64, LedgerError> {
    let whose = db.query_row(WHOSE, [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    });
    let (application, found, tables) = whose.map_err(|error| explain(path, &error))?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    match (application, found) {
        (0, 0) if tables == 0 => Ok(0),
        (APPLICATION_ID, 1..) if found <= known => Ok(found),
        (APPLICATION_ID, 1..) => Err(LedgerError::TooNew { path: path.into(), found, known }),
        _ => Err(LedgerError::Foreign { path: path.into() }),
    }
}

/// Takes the steps that are missing, all in one transaction. Another process may have taken them first.
fn migrate(db: &mut Connection, path: &Path) -> Result<(), LedgerError> {
    let explained = |error| explain(path, &error);
    let tx = Transaction::new(db, TransactionBehavior::Immediate).map_err(explained)?;
    let found = schema(&tx, path)?;
    for step in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
        tx.execute_batch(step).map_err(explained)?;
    }
    let reached = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    tx.pragma_update(None, "application_id", APPLICATION_ID).map_err(explained)?;
    tx.pragma_update(None, "user_version", reached).map_err(explained)?;
    tx.commit().map_err(explained)
}

/// Makes sure that the key is there and the right one. A key that is lost while nothing is sealed with it is made anew.
fn ensure_key(db: &mut Connection, path: &Path) -> Result<(), LedgerError> {
    if key_check(db, path)?.is_some() && files::read_key(path)?.is_some() {
        return seal(db, path).map(drop);
    }
    let explained = |error| explain(path, &error);
    let tx = Transaction::new(db, TransactionBehavior::Immediate).map_err(explained)?;
    let sealed: bool =
        tx.query_row("SELECT EXISTS (SELECT 1 FROM sealed)", [], |row| row.get(0)).map_err(explained)?;
    let seal = match files::read_key(path)? {
        Some(seal) => seal,
        None if sealed => return Err(LedgerError::KeyMissing { path: files::key_path(path) }),
        None => files::create_key(path)?,
    };
    let known = key_check(&tx, path)?;
    if sealed && known.is_some_and(|known| known != seal.check()) {
        return Err(LedgerError::KeyMismatch { path: files::key_path(path) });
    }
    tx.execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('key_check', ?1)", [seal.check()])
        .map_err(explained)?;
    tx.commit().map_err(explained)
}

/// The key beside the ledger, if it is the one the ledger was made with.
pub(super) fn seal(db: &Connection, path: &Path) -> Result<Seal, LedgerError> {
    let key = files::key_path(path);
    let Some(seal) = files::read_key(path)? else { return Err(LedgerError::KeyMissing { path: key }) };
    if key_check(db, path)? == Some(seal.check()) {
        Ok(seal)
    } else {
        Err(LedgerError::KeyMismatch { path: key })
    }
}

fn key_check(db: &Connection, path: &Path) -> Result<Option<[u8; 16]>, LedgerError> {
    db.query_row("SELECT value FROM meta WHERE name = 'key_check'", [], |row| row.get(0))
        .optional()
        .map_err(|error| explain(path, &error))
}
