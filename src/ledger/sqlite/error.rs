//! Errors of SQLite as those of a ledger, each with what to do.

use std::io;
use std::path::Path;

use rusqlite::{ErrorCode, ffi};

use super::files;
use super::row_mac::KEYLESS;
use crate::ledger::error::LedgerError;

/// An error of SQLite that says what is damaged.
pub(super) fn corrupt(what: impl Into<String>) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(what.into()))
}

/// What SQLite says where there is no room, of a file beside the ledger for which there was none.
pub(super) fn full(error: &io::Error) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_FULL), Some(error.to_string()))
}

/// An error of SQLite (<https://www.sqlite.org/rescode.html>) as one that says what to do.
pub(super) fn ledger_error(path: &Path, error: &rusqlite::Error) -> LedgerError {
    let ledger = path.display().to_string();
    let detail = error.to_string();
    if detail == KEYLESS {
        return LedgerError::KeyMissing { key: files::key_path(path).display().to_string() };
    }
    match error {
        // A value of another type, length or range than was written.
        rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::Utf8Error(..) => return LedgerError::Damaged { ledger, detail },
        _ => {}
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
            LedgerError::Locked { ledger }
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => LedgerError::Damaged { ledger, detail },
        // The database file exists, so what could not be opened is the journal beside it.
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen) => LedgerError::ReadOnly { ledger },
        Some(ErrorCode::DiskFull) => LedgerError::Full { ledger },
        Some(ErrorCode::SystemIoFailure) => LedgerError::Storage { ledger, detail },
        _ => LedgerError::Backend { ledger, detail },
    }
}
