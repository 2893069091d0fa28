//! The durable ledger: one SQLite file.
//!
//! A rollback journal rather than a WAL, on purpose. At one request a second nothing is gained by readers that never wait,
//! and a WAL keeps erased content until it is checkpointed, which waits for all readers
//! (<https://www.sqlite.org/wal.html#ckpt>). Here a sealed text is overwritten in the file itself (`secure_delete`) before
//! the commit that erased it returns, the journal with the old pages is deleted by the same commit, and between
//! transactions the ledger is one file, which works on every file system with locks
//! (<https://www.sqlite.org/lockingv3.html>).
//!
//! `synchronous = EXTRA` also syncs the directory after the journal is deleted, so that a committed slot stays committed
//! when the power fails (<https://www.sqlite.org/pragma.html#pragma_synchronous>).

mod attempts;
mod carried_quota;
mod change;
mod check;
mod copy;
mod damage;
mod enqueue;
mod entry_sum;
mod error;
mod files;
mod grants;
mod hold;
mod intend;
mod keys;
mod list;
mod open;
mod queue;
mod quota;
mod read;
mod rekey;
mod retries;
mod row_mac;
mod rows;
mod settle;
mod space;
mod trail;
mod transaction;
mod transfer;
mod waiting;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::Ledger;
use super::address::LedgerAddress;
use super::audit::{Event, Head};
use super::care::{CheckReport, Damaged, Rekeyed};
use super::change::StateChange;
use super::decision::Decision;
use super::entry::{Attempt, BatchId, Enqueued, Entry, Page, SealedToken, TokenRecord};
use super::error::LedgerError;
use super::host::{HostEntry, HostStatus, StatusRequest};
use super::intent::{BatchRequest, Next};
use super::listing::{ListedToken, TokenFilter};
use super::owner::Owner;
use super::seal::{KeyId, Opener, Sealer};
use super::settlement::{KeptAnswer, Settled, Settlement};
use super::time::Now;
use super::waiting::WaitingToken;
use super::{paths, trust};
use crate::revocation::{Grants, State};
use crate::token::{Fingerprint, Kind};

/// How many tokens are looked up in one transaction: writers wait for it.
const LOOKUP_LEN: usize = 10_000;

/// The ledger in a file.
pub(super) struct SqliteLedger {
    db: Connection,
    path: PathBuf,
    owner: Owner,
    /// The key with which this handle checks rows, if it has it.
    key: Option<KeyId>,
}

impl SqliteLedger {
    /// Opens the ledger at `path`; creates directory, file and key where they are missing.
    pub(super) fn open(path: &Path) -> Result<Self, LedgerError> {
        open::open(files::prepare(path)?)
    }

    /// Opens the ledger at `path` if there is one; creates nothing.
    pub(super) fn open_existing(path: &Path) -> Result<Option<Self>, LedgerError> {
        files::existing(path)?.map_or(Ok(None), open::open_existing)
    }

    /// Copies it and its key.
    pub(super) fn copy(&self, to: &Path) -> Result<Head, LedgerError> {
        copy::copy(self, to)
    }

    /// Finds out whether the ledger at `path` can be written, or made where there is none; creates nothing.
    pub(super) fn check_writable(path: &Path) -> Result<(), LedgerError> {
        space::check(path)?;
        match files::existing(path)? {
            Some(path) => open::check_writable(&path),
            None => trust::check_creatable(path),
        }
    }
}

impl Ledger for SqliteLedger {
    fn description(&self) -> String {
        LedgerAddress::Sqlite(self.path.clone()).to_string()
    }

    fn sealer(&self, host: &str) -> Result<Sealer, LedgerError> {
        let key = keys::sealing_key(&self.db, &self.path)?;
        Ok(key.sealer(&self.read(keys::ledger_id)?, host))
    }

    fn opener(&self, host: &str) -> Result<Opener, LedgerError> {
        let key = keys::sealing_key(&self.db, &self.path)?;
        Ok(key.opener(&self.read(keys::ledger_id)?, host))
    }

    fn mend(&mut self, host: &str, now: Now<'_>) -> Result<Damaged, LedgerError> {
        self.mend_indexes()?;
        if !self.snapshot(damage::batches_hold)? {
            self.write(|tx, _| damage::mend_batches(tx, now()))?;
        }
        if self.read(|db| damage::any_damaged(db, host))? {
            return self.write(|tx, _| damage::set_aside(tx, host, now()));
        }
        Ok(Damaged::default())
    }

    fn check(&self) -> CheckReport {
        check::check(self)
    }

    fn unopenable(&self) -> Result<u64, LedgerError> {
        keys::key_unless_lost(&self.db, &self.path)?;
        check::unopenable(self)
    }

    fn rekey(&mut self, by: &str, now: Now<'_>) -> Result<Rekeyed, LedgerError> {
        rekey::rekey(self, by, now)
    }

    fn enqueue(
        &mut self,
        host: &str,
        decision: &Decision,
        entries: &mut dyn Iterator<Item = Entry>,
        now: Now<'_>,
    ) -> Result<Enqueued, LedgerError> {
        let mut entries = entries.peekable();
        let mut total = Enqueued::default();
        while entries.peek().is_some() {
            let part = self.write(|tx, _| enqueue::enqueue_some(tx, host, decision, &mut entries, now()))?;
            total.add(part);
        }
        Ok(total)
    }

    fn intend(&mut self, request: &BatchRequest<'_>, now: Now<'_>) -> Result<Next, LedgerError> {
        self.write(|tx, owner| intend::intend(tx, owner, request, now()))
    }

    fn set_lock_timeout(&mut self, length: Option<Duration>) -> Result<(), LedgerError> {
        self.read(|db| db.busy_timeout(length.unwrap_or(open::BUSY_TIMEOUT)))
    }

    fn keep_answer(
        &mut self,
        batch: BatchId,
        settlement: &Settlement,
        now: Now<'_>,
    ) -> Result<(), LedgerError> {
        let answer =
            KeptAnswer { batch: batch.0, at: now().as_millisecond(), settlement: settlement.clone() };
        self.owner.keep(answer).map_err(paths::failed("write the answer of the server beside", &self.path))
    }

    fn settle(
        &mut self,
        batch: BatchId,
        settlement: &Settlement,
        now: Now<'_>,
    ) -> Result<Settled, LedgerError> {
        let received = self.owner.received_at(batch.0);
        self.write(|tx, owner| {
            owner.taken_in(batch.0);
            settle::settle(tx, batch, settlement, now(), received)
        })?
        .ok_or(LedgerError::NoSuchBatch(batch.0))
    }

    fn change_state(&mut self, change: &StateChange<'_>, now: Now<'_>) -> Result<u64, LedgerError> {
        self.write(|tx, owner| change::change_state(tx, owner, change, now()))
    }

    fn keep_grants(
        &mut self,
        host: &str,
        told: &[(Fingerprint, Grants)],
        now: Now<'_>,
    ) -> Result<(), LedgerError> {
        self.write(|tx, _| grants::keep(tx, host, told, now()))
    }

    fn due(&self, host: &str, kinds: &[Kind], page: Page) -> Result<Vec<SealedToken>, LedgerError> {
        self.read(|db| read::due(db, host, kinds, page))
    }

    fn host_status(&self, request: &StatusRequest<'_>, now: Now<'_>) -> Result<HostStatus, LedgerError> {
        let status = self.read(|db| read::host_status(db, request, now()))?;
        Ok(HostStatus { ledger: self.description(), ..status })
    }

    fn waiting(&self, host: &str) -> Result<BTreeMap<Kind, u64>, LedgerError> {
        self.read(|db| read::waiting(db, host))
    }

    fn waiting_named(&self, host: &str, prefixes: &[u64]) -> Result<Vec<(Fingerprint, Kind)>, LedgerError> {
        self.read(|db| {
            // One lock for all of them, instead of one for each.
            let tx = db.unchecked_transaction()?;
            waiting::named(&tx, host, prefixes)
        })
    }

    fn waiting_page(&self, host: &str, after: u64, limit: usize) -> Result<Vec<WaitingToken>, LedgerError> {
        self.read(|db| waiting::page(db, host, after, limit))
    }

    fn take_over(&mut self, host: &str, now: Now<'_>) -> Result<(), LedgerError> {
        self.write(|tx, owner| intend::take_over(tx, owner, host, now()))
    }

    fn count(&self, host: &str, state: State) -> Result<u64, LedgerError> {
        self.read(|db| read::count(db, host, state))
    }

    fn hosts(&self) -> Result<Vec<HostEntry>, LedgerError> {
        self.read(read::hosts)
    }

    fn token(&self, host: &str, fingerprint: &Fingerprint) -> Result<Option<TokenRecord>, LedgerError> {
        self.read(|db| read::token(db, host, fingerprint))
    }

    fn tokens(
        &self,
        host: &str,
        fingerprints: &[Fingerprint],
    ) -> Result<Vec<Option<TokenRecord>>, LedgerError> {
        let mut records = Vec::with_capacity(fingerprints.len());
        for chunk in fingerprints.chunks(LOOKUP_LEN) {
            // One lock for all of them, instead of one for each.
            records.extend(self.snapshot(|db| read::tokens(db, host, chunk))?);
        }
        Ok(records)
    }

    fn attempts(&self, host: &str, fingerprint: &Fingerprint) -> Result<Vec<Attempt>, LedgerError> {
        self.read(|db| read::attempts(db, host, fingerprint))
    }

    fn record(&mut self, event: &Event, now: Now<'_>) -> Result<(), LedgerError> {
        self.write(|tx, _| trail::append(tx, event, now()))
    }

    fn trail(&self, _: &str, after: u64, limit: usize) -> Result<Vec<String>, LedgerError> {
        self.read(|db| trail::page(db, rows::number(after), rows::number(limit)))
    }

    fn head(&self) -> Result<Head, LedgerError> {
        self.snapshot(trail::checked_head)
    }

    fn list(
        &self,
        filter: &TokenFilter<'_>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<ListedToken>, LedgerError> {
        self.read(|db| list::list(db, filter, rows::number(after), limit))
    }

    fn hold(
        &mut self,
        host: &str,
        identity: &str,
        length: Duration,
        now: Now<'_>,
    ) -> Result<(), LedgerError> {
        self.write(|tx, _| hold::hold(tx, host, identity, length, now()))
    }

    fn release(&mut self, host: &str, by: &str, now: Now<'_>) -> Result<u64, LedgerError> {
        self.write(|tx, _| hold::release(tx, host, by, now()))
    }
}

#[cfg(test)]
mod tests;
