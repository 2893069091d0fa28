//! The key beside a ledger, and what in the ledger says which one is the right one.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, ToSql, Transaction, TransactionBehavior, params};

use super::error::{corrupt, ledger_error};
use super::{files, row_mac};
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
    let sealed = any_sealed(&tx).map_err(failed)?;
    let key = match current_key(&tx, path)? {
        Some(key) => key,
        None if sealed => return Err(LedgerError::KeyMissing { key: key_name(path) }),
        None => files::create_key(path)?,
    };
    let expected = key_id(&tx, path)?;
    if sealed && expected.is_some_and(|expected| expected != key.id()) {
        return Err(LedgerError::KeyMismatch { key: key_name(path) });
    }
    // What the lost key said of the rows is lost with it.
    adopt(&tx, &key).map_err(failed)?;
    tx.commit().map_err(failed)
}

/// Makes a key that of the ledger, and believes every row as it is now.
pub(super) fn adopt(db: &Connection, key: &SealingKey) -> rusqlite::Result<()> {
    let mac = key.row_mac(&ledger_id(db)?);
    set(db, "key_id", &key.id().bytes())?;
    set(db, "mac", &mac.tag(IDENTITY))?;
    row_mac::install(db, Some(mac))?;
    row_mac::restamp_all(db)
}

/// What the ledger's own check is over, under a key that its id is part of.
const IDENTITY: &[u8] = b"identity";

/// Lets a connection check rows with the key beside the ledger; returns which one it is. Where it is missing, another ledger's
/// or unreadable, nothing can be checked or changed.
pub(super) fn install(db: &Connection, path: &Path) -> Result<Option<KeyId>, LedgerError> {
    let failed = |error| ledger_error(path, &error);
    let Some(key) = key_if_any(db, path).ok().flatten() else {
        row_mac::install(db, None).map_err(failed)?;
        return Ok(None);
    };
    let mac = key.row_mac(&ledger_id(db).map_err(failed)?);
    let expected: Option<Vec<u8>> = db
        .query_row("SELECT value FROM meta WHERE name = 'mac'", [], |row| row.get(0))
        .optional()
        .map_err(failed)?;
    if expected.is_none_or(|expected| expected != mac.tag(IDENTITY)) {
        return Err(failed(corrupt("its id is not the one that it was made with")));
    }
    row_mac::install(db, Some(mac)).map_err(failed)?;
    Ok(Some(key.id()))
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

/// The same; none where it is missing. Another ledger's is refused while anything is sealed: with the right one put back, all of
/// it opens.
pub(super) fn key_unless_lost(db: &Connection, path: &Path) -> Result<Option<SealingKey>, LedgerError> {
    match sealing_key(db, path) {
        Err(LedgerError::KeyMissing { .. }) => Ok(None),
        Err(LedgerError::KeyMismatch { .. })
            if !any_sealed(db).map_err(|error| ledger_error(path, &error))? =>
        {
            Ok(None)
        }
        key => key.map(Some),
    }
}

fn any_sealed(db: &Connection) -> rusqlite::Result<bool> {
    db.query_row("SELECT EXISTS (SELECT 1 FROM sealed)", [], |row| row.get(0))
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
    current_key_id(db).map_err(|error| ledger_error(path, &error))
}

/// Which key the ledger's tokens are sealed with now.
pub(super) fn current_key_id(db: &Connection) -> rusqlite::Result<Option<KeyId>> {
    db.prepare_cached("SELECT value FROM meta WHERE name = 'key_id'")?
        .query_row([], |row| row.get(0).map(KeyId::new))
        .optional()
}

/// The ledger's id, of which its sealed texts are part.
pub(super) fn ledger_id(db: &Connection) -> rusqlite::Result<LedgerId> {
    let id =
        db.query_row("SELECT value FROM meta WHERE name = 'ledger_id'", [], |row| row.get(0)).optional()?;
    id.ok_or_else(|| corrupt("its id is gone"))
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
