//! The key beside a ledger, and what in the ledger says which one is the right one.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, ToSql, Transaction, TransactionBehavior, params};

use super::{files, ledger_error};
use crate::ledger::error::LedgerError;
use crate::ledger::seal::{KeyId, LedgerId, OpenError, Opener, SealingKey, new_ledger_id};
use crate::token::{Fingerprint, Kind, Token};

/// Makes sure that the key exists and is the right one. A key that is lost while nothing is sealed with it is replaced.
pub(super) fn ensure(db: &mut Connection, path: &Path) -> Result<(), LedgerError> {
    if key_id(db, path)?.is_some() && files::read_key(path)?.is_some() {
        return sealing_key(db, path).map(drop);
    }
    let failed = |error| ledger_error(path, &error);
    let tx = Transaction::new(db, TransactionBehavior::Immediate).map_err(failed)?;
    let sealed: bool =
        tx.query_row("SELECT EXISTS (SELECT 1 FROM sealed)", [], |row| row.get(0)).map_err(failed)?;
    let key = match current_key(&tx, path)? {
        Some(key) => key,
        None if sealed => return Err(LedgerError::KeyMissing { key: key_name(path) }),
        None => files::create_key(path)?,
    };
    let expected = key_id(&tx, path)?;
    if sealed && expected.is_some_and(|expected| expected != key.id()) {
        return Err(LedgerError::KeyMismatch { key: key_name(path) });
    }
    set_key_id(&tx, key.id()).map_err(failed)?;
    tx.commit().map_err(failed)
}

/// The key beside the ledger, if it is the one that the ledger's tokens are sealed with.
pub(super) fn sealing_key(db: &Connection, path: &Path) -> Result<SealingKey, LedgerError> {
    let Some(key) = current_key(db, path)? else {
        return Err(LedgerError::KeyMissing { key: key_name(path) });
    };
    if key_id(db, path)? == Some(key.id()) {
        Ok(key)
    } else {
        Err(LedgerError::KeyMismatch { key: key_name(path) })
    }
}

/// The same; none where it is missing or another ledger's.
pub(super) fn key_if_any(db: &Connection, path: &Path) -> Result<Option<SealingKey>, LedgerError> {
    match sealing_key(db, path) {
        Ok(key) => Ok(Some(key)),
        Err(LedgerError::KeyMissing { .. } | LedgerError::KeyMismatch { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The key beside the ledger. One that was about to be replaced when a process died is replaced now.
fn current_key(db: &Connection, path: &Path) -> Result<Option<SealingKey>, LedgerError> {
    let (key, expected) = (files::read_key(path)?, key_id(db, path)?);
    if expected.is_none() || key.as_ref().map(SealingKey::id) == expected {
        return Ok(key);
    }
    match files::next_key(path)? {
        Some(next) if Some(next.id()) == expected => {
            files::adopt_next_key(path)?;
            Ok(Some(next))
        }
        _ => Ok(key),
    }
}

/// The key's path, as messages name it.
fn key_name(path: &Path) -> String {
    files::key_path(path).display().to_string()
}

fn key_id(db: &Connection, path: &Path) -> Result<Option<KeyId>, LedgerError> {
    db.query_row("SELECT value FROM meta WHERE name = 'key_id'", [], |row| row.get(0))
        .optional()
        .map_err(|error| ledger_error(path, &error))
}

/// Remembers which key the ledger's tokens are sealed with.
pub(super) fn set_key_id(db: &Connection, id: KeyId) -> rusqlite::Result<()> {
    set(db, "key_id", &id)
}

/// The ledger's id, of which its sealed texts are part.
pub(super) fn ledger_id(db: &Connection) -> rusqlite::Result<LedgerId> {
    db.query_row("SELECT value FROM meta WHERE name = 'ledger_id'", [], |row| row.get(0))
}

/// Gives a ledger its id, once and for all.
pub(super) fn insert_ledger_id(db: &Connection, path: &Path) -> Result<(), LedgerError> {
    set(db, "ledger_id", &new_ledger_id()?).map_err(|error| ledger_error(path, &error))
}

fn set(db: &Connection, name: &str, value: &dyn ToSql) -> rusqlite::Result<()> {
    db.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)", params![name, value])?;
    Ok(())
}

/// What opens the texts of all queues of a ledger.
pub(super) struct Openers {
    key: SealingKey,
    ledger: LedgerId,
    of_host: BTreeMap<String, Opener>,
}

impl Openers {
    pub(super) fn new(key: SealingKey, ledger: LedgerId) -> Self {
        Openers { key, ledger, of_host: BTreeMap::new() }
    }

    /// Opens a token that waits in the queue of an API base.
    pub(super) fn open(
        &mut self,
        host: &str,
        (kind, fingerprint): (Kind, Fingerprint),
        sealed: &[u8],
    ) -> Result<Token, OpenError> {
        if !self.of_host.contains_key(host) {
            self.of_host.insert(host.to_owned(), self.key.opener(&self.ledger, host));
        }
        match self.of_host.get(host) {
            Some(opener) => opener.open(kind, fingerprint, sealed),
            None => Err(OpenError::Changed(fingerprint)),
        }
    }
}
