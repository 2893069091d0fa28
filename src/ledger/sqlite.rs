//! The durable ledger: one SQLite file.
//!
//! A rollback journal rather than a WAL, on purpose. At one request a second nothing is gained by readers that never wait,
//! and a WAL keeps what was erased until every reader has gone; here a sealed text is overwritten in the file itself
//! (`secure_delete`) before the commit that made it needless returns, the journal with its old pages is gone with the same
//! commit, and at rest the ledger is one file that works on every file system with locks. `synchronous = EXTRA` syncs the
//! folder, too, after the journal is removed: a slot that was committed stays committed when the power fails.

mod change;
mod enqueue;
mod files;
mod intend;
mod open;
mod owner;
mod read;
mod rows;
mod settle;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use self::owner::Owner;
use super::audit::{Event, Head};
use super::entry::{Attempt, BatchId, Enqueued, Entry, SealedToken, TokenRecord};
use super::error::LedgerError;
use super::intent::{BatchRequest, HostStatus, Next, Settled, Settlement};
use super::seal::Seal;
use super::{HostEntry, Ledger, Now, Page, StateChange};
use crate::revocation::State;
use crate::token::{Fingerprint, Kind};

pub use files::ledger_path;

/// How many tokens are looked up at a time: those who write wait for it.
const LOOKED_UP: usize = 10_000;

/// The ledger in a file.
pub struct SqliteLedger {
    db: Connection,
    path: PathBuf,
    owner: Owner,
}

impl SqliteLedger {
    /// Opens the ledger at `path`; makes folder, file and key where they are missing.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        open::open(files::prepare(path)?)
    }

    /// Opens the ledger at `path` if there is one; makes nothing.
    pub fn open_existing(path: &Path) -> Result<Option<Self>, LedgerError> {
        files::existing(path)?.map_or(Ok(None), open::open_existing)
    }

    /// What opens the tokens that wait in this ledger.
    pub fn seal(&self) -> Result<Seal, LedgerError> {
        open::seal(&self.db, &self.path)
    }

    /// The ledger's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` in a transaction that holds the write lock from its beginning: nothing it reads can change under it,
    /// and it never has to give up half-way because somebody else wrote first.
    fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>, &mut Owner) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        let run = || {
            let tx = Transaction::new(&mut self.db, TransactionBehavior::Immediate)?;
            let done = work(&tx, &mut self.owner)?;
            tx.commit()?;
            Ok(done)
        };
        run().map_err(|error| explain(&self.path, &error))
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, LedgerError> {
        work(&self.db).map_err(|error| explain(&self.path, &error))
    }
}

impl Ledger for SqliteLedger {
    fn enqueue(
        &mut self,
        host: &str,
        entries: &mut dyn Iterator<Item = Entry>,
        now: Now<'_>,
    ) -> Result<Enqueued, LedgerError> {
        let mut entries = entries.peekable();
        let mut total = Enqueued::default();
        while entries.peek().is_some() {
            let part = self.write(|tx, _| enqueue::chunk(tx, host, &mut entries, now()))?;
            total.add(part);
        }
        Ok(total)
    }

    fn intend(&mut self, ask: &BatchRequest<'_>, now: Now<'_>) -> Result<Next, LedgerError> {
        self.write(|tx, owner| intend::intend(tx, owner, ask, now()))
    }

    fn settle(
        &mut self,
        batch: BatchId,
        settlement: &Settlement,
        now: Now<'_>,
    ) -> Result<Settled, LedgerError> {
        self.write(|tx, _| settle::settle(tx, batch, settlement, now()))?
            .ok_or(LedgerError::NoSuchBatch(batch.0))
    }

    fn mark(&mut self, mark: &StateChange<'_>, now: Now<'_>) -> Result<u64, LedgerError> {
        self.write(|tx, owner| change::change(tx, owner, mark, now()))
    }

    fn due(&self, host: &str, kinds: &[Kind], page: Page) -> Result<Vec<SealedToken>, LedgerError> {
        self.read(|db| read::due(db, host, kinds, page))
    }

    fn standing(&self, ask: &BatchRequest<'_>, now: Now<'_>) -> Result<HostStatus, LedgerError> {
        let standing = self.read(|db| read::standing(db, ask, now()))?;
        Ok(HostStatus { ledger: self.path.display().to_string(), ..standing })
    }

    fn count(&self, host: &str, state: State) -> Result<u64, LedgerError> {
        self.read(|db| read::count(db, host, state))
    }

    fn hosts(&self) -> Result<Vec<HostEntry>, LedgerError> {
        self.read(read::hosts)
    }

    fn known(&self, host: &str, fingerprint: &Fingerprint) -> Result<Option<TokenRecord>, LedgerError> {
        self.read(|db| read::known(db, host, fingerprint))
    }

    fn known_of(&self, host: &str, tokens: &[Fingerprint]) -> Result<Vec<Option<TokenRecord>>, LedgerError> {
        let mut known = Vec::with_capacity(tokens.len());
        for some in tokens.chunks(LOOKED_UP) {
            self.read(|db| {
                // One lock for all of them, instead of one for each.
                let tx = db.unchecked_transaction()?;
                for token in some {
                    known.push(read::known(&tx, host, token)?);
                }
                Ok(())
            })?;
        }
        Ok(known)
    }

    fn attempts(&self, host: &str, fingerprint: &Fingerprint) -> Result<Vec<Attempt>, LedgerError> {
        self.read(|db| read::attempts(db, host, fingerprint))
    }

    fn record(&mut self, event: &Event, now: Now<'_>) -> Result<(), LedgerError> {
        self.write(|tx, _| rows::record(tx, event, now()))
    }

    fn trail(&self, after: u64, limit: usize) -> Result<Vec<String>, LedgerError> {
        self.read(|db| read::trail(db, after, limit))
    }

    fn head(&self) -> Result<Head, LedgerError> {
        self.read(rows::head)
    }
}

/// What SQLite says, in the words of somebody who has to do something about it.
fn explain(path: &Path, error: &rusqlite::Error) -> LedgerError {
    let path = path.to_path_buf();
    let detail = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
            LedgerError::Locked { path }
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => LedgerError::Corrupt { path, detail },
        // The file is there, so what could not be opened is the journal beside it.
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen) => LedgerError::ReadOnly { path },
        Some(ErrorCode::DiskFull) => LedgerError::Full { path },
        _ => LedgerError::Database { path, detail },
    }
}

#[cfg(test)]
mod tests;
