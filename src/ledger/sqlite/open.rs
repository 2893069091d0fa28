//! Opening a ledger: the connection, the schema, the key.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::error::ledger_error;
use super::{Ledger as _, SqliteLedger};
use super::{damage, entry_sum, files, keys};
use crate::ledger::error::LedgerError;
use crate::ledger::owner::Owner;
use crate::ledger::{paths, trust};

/// Marks the file as a ledger: "stch" (<https://www.sqlite.org/pragma.html#pragma_application_id>).
const APPLICATION_ID: i64 = 0x7374_6368;

/// The steps from one schema to the next; a ledger's `user_version` is how many of them it has taken.
const MIGRATIONS: &[&str] = &[include_str!("schema.sql")];

/// How long to wait for the locks of other processes. Their transactions are short, except where hundreds of thousands of
/// tokens are queued.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Read before anything else, and changes nothing.
const IDENTITY: &str = "SELECT (SELECT application_id FROM pragma_application_id),
    (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)";

/// Opens the file at `path`, which exists and may be empty, and creates schema and key where they are missing.
pub(super) fn open(path: PathBuf) -> Result<SqliteLedger, LedgerError> {
    let mut db = connect(&path)?;
    match schema(&db, &path)? {
        0 if files::has_key(&path) => return Err(files::lost(&path)),
        found if found < newest_schema() => migrate(&mut db, &path)?,
        _ => {}
    }
    keys::ensure(&mut db, &path)?;
    finish(db, path)
}

/// Opens the file at `path`; `None` where it is empty.
pub(super) fn open_existing(path: PathBuf) -> Result<Option<SqliteLedger>, LedgerError> {
    let mut db = connect(&path)?;
    match schema(&db, &path)? {
        0 if files::has_key(&path) => return Err(files::lost(&path)),
        // Created, and never written to.
        0 => return Ok(None),
        found if found < newest_schema() => migrate(&mut db, &path)?,
        _ => {}
    }
    finish(db, path).map(Some)
}

fn finish(db: Connection, path: PathBuf) -> Result<SqliteLedger, LedgerError> {
    let key = keys::install(&db, &path)?;
    Ok(SqliteLedger { db, key, owner: Owner::new(&path), path })
}

/// Finds out whether tables, indexes and triggers are those of a ledger.
pub(super) fn check_schema(db: &Connection) -> rusqlite::Result<()> {
    damage::check_schema(db, MIGRATIONS)
}

/// Finds out whether the ledger at `path` can be written and what waits in it can be opened.
pub(super) fn check_writable(path: &Path) -> Result<(), LedgerError> {
    trust::check_access(paths::directory_of(path))?;
    let mut db = connect(path)?;
    let failed = |error| ledger_error(path, &error);
    if schema(&db, path)? == 0 {
        return if files::has_key(path) { Err(files::lost(path)) } else { Ok(()) };
    }
    // Takes the write lock, and gives it back by a rollback.
    let tx = Transaction::new(&mut db, TransactionBehavior::Immediate).map_err(failed)?;
    let sealed: bool =
        tx.query_row("SELECT EXISTS (SELECT 1 FROM sealed)", [], |row| row.get(0)).map_err(failed)?;
    if sealed || files::read_key(path)?.is_some() {
        match keys::sealing_key(&tx, path) {
            // A key that is lost while nothing is sealed with it is replaced.
            Err(LedgerError::KeyMissing { .. } | LedgerError::KeyMismatch { .. }) if !sealed => {}
            checked => drop(checked?),
        }
    }
    drop(tx);
    let mut ledger = finish(db, path.into())?;
    ledger.mend_indexes()?;
    // A trail that lost its end is found before anything is looked at, too.
    ledger.head().map(drop)
}

/// Opens a connection, with pragmas as in <https://www.sqlite.org/pragma.html>.
fn connect(path: &Path) -> Result<Connection, LedgerError> {
    // No CREATE: the file exists, created by us with our permissions. No URI: a path is a path.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let setup = || {
        let db = Connection::open_with_flags(path, flags)?;
        db.busy_timeout(BUSY_TIMEOUT)?;
        db.pragma_update(None, "synchronous", "EXTRA")?;
        leave_wal(&db)?;
        db.pragma_update(None, "secure_delete", "ON")?;
        db.pragma_update(None, "foreign_keys", "ON")?;
        db.pragma_update(None, "trusted_schema", "OFF")?;
        db.pragma_update(None, "temp_store", "MEMORY")?;
        // In KiB where negative: 32 MiB, for the index of a million fingerprints is written in random order.
        db.pragma_update(None, "cache_size", -32_768)?;
        db.set_prepared_statement_cache_capacity(64);
        entry_sum::install(&db)?;
        Ok(db)
    };
    setup().map_err(|error| ledger_error(path, &error))
}

/// Another tool may have left the database in WAL mode, which is kept in the file: then erased texts stay in the WAL until
/// it is checkpointed. Leaving the mode writes the WAL back and deletes it
/// (<https://www.sqlite.org/pragma.html#pragma_journal_mode>). An empty file is in no mode yet.
fn leave_wal(db: &Connection) -> rusqlite::Result<()> {
    let mode: String = db.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    if mode != "delete" {
        db.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    }
    Ok(())
}

fn newest_schema() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// The schema's number; 0 for an empty file.
fn schema(db: &Connection, path: &Path) -> Result<i64, LedgerError> {
    let identity = db.query_row(IDENTITY, [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    });
    let (application, found, tables) = identity.map_err(|error| ledger_error(path, &error))?;
    let known = newest_schema();
    match (application, found) {
        (0, 0) if tables == 0 => Ok(0),
        (APPLICATION_ID, 1..) if found <= known => Ok(found),
        (APPLICATION_ID, 1..) => {
            Err(LedgerError::TooNew { ledger: path.display().to_string(), found, known })
        }
        _ => Err(LedgerError::Foreign { ledger: path.display().to_string() }),
    }
}

/// Takes the steps that are missing, all in one transaction. Another process may have taken them first.
fn migrate(db: &mut Connection, path: &Path) -> Result<(), LedgerError> {
    let failed = |error| ledger_error(path, &error);
    let tx = Transaction::new(db, TransactionBehavior::Immediate).map_err(failed)?;
    let found = schema(&tx, path)?;
    for step in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
        tx.execute_batch(step).map_err(failed)?;
    }
    if found == 0 {
        keys::insert_ledger_id(&tx, path)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
    tx.pragma_update(None, "user_version", newest_schema()).map_err(failed)?;
    tx.commit().map_err(failed)
}
