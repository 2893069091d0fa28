//! The ledger of a fleet: a PostgreSQL database that machines share.
//!
//! The same promises as in a file, kept by other means: the lock of the file is the row of a quota, locked before anything is
//! decided about a request; the time is the server's, read once that lock is held; an owner that is gone is known by the end of
//! its lease, and on the same machine by its lock as well; each handle has a chain of its own in the trail, so that those who
//! queue do not wait for each other. Every transaction sets its own limits and every statement is unnamed, so that a pool in
//! between does no harm, and a connection may be cut at any moment: see `transaction`.

mod attempts;
mod carried_quota;
mod change;
mod check;
mod config;
mod connection;
mod db;
mod enqueue;
mod error;
mod grants;
mod halves;
mod hold;
mod init;
mod instance;
mod intend;
mod key_access;
mod keys;
mod list;
mod meta;
mod open;
mod passfile;
mod queue;
mod quota;
mod read;
mod rekey;
mod retries;
mod rows;
mod settle;
mod take_over;
#[cfg(test)]
mod tests;
mod trail;
mod transaction;
mod transfer;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use self::connection::{Connection, PATIENCE};
use self::transaction::{Clock, Writer};
use super::Ledger;
use super::address::LedgerAccess;
use super::audit::{Event, Head};
use super::care::{CheckReport, Damaged, Rekeyed};
use super::change::StateChange;
use super::decision::Decision;
use super::entry::{Attempt, BatchId, Enqueued, Entry, Page, SealedToken, TokenRecord, sorted_chunk};
use super::error::LedgerError;
use super::host::{HostEntry, HostStatus, StatusRequest};
use super::intent::{BatchRequest, Next};
use super::listing::{ListedToken, TokenFilter};
use super::owner::Owner;
use super::seal::{Opener, PublicKey, Sealer};
use super::settlement::{KeptAnswer, Settled, Settlement};
use super::time::{Now, timestamp};
use super::waiting::WaitingToken;
use crate::revocation::{Grants, State};
use crate::token::{Fingerprint, Kind};

pub use self::init::Initialized;

/// How many tokens are looked up in one statement.
const LOOKUP_LEN: usize = 10_000;

/// The ledger in a database.
pub(super) struct PostgresLedger {
    connection: Connection,
    writer: Writer,
    owner: Owner,
    access: LedgerAccess,
    clock: Clock,
    /// How far this machine's clock is ahead of the server's, in milliseconds, as it was when that one was last read.
    offset: Cell<i64>,
}

impl PostgresLedger {
    /// The server's time now, as it was when its clock was last read; the caller's in tests.
    fn server_now(&self, now: Now<'_>) -> i64 {
        now().as_millisecond() - self.offset.get()
    }

    /// Reads the server's clock for what is told of the time without a transaction that changes anything.
    fn read_clock(&self, now: Now<'_>) -> Result<i64, LedgerError> {
        if self.clock == Clock::Server {
            let server = self.connection.read(transaction::read_clock)?;
            self.offset.set(now().as_millisecond() - server);
        }
        Ok(self.server_now(now))
    }
}

impl Ledger for PostgresLedger {
    fn description(&self) -> String {
        self.connection.description.clone()
    }

    fn sealer(&self, host: &str) -> Result<Sealer, LedgerError> {
        Ok(self.public_key()?.sealer(host))
    }

    fn public_keys(&self) -> Result<Vec<PublicKey>, LedgerError> {
        self.connection.read(keys::all)
    }

    fn opener(&self, host: &str) -> Result<Opener, LedgerError> {
        Ok(self.current_key_ring()?.opener(host))
    }

    /// The database checks its own pages; what is sealed has a check of its own.
    fn mend(&mut self, _: &str, _: Now<'_>) -> Result<Damaged, LedgerError> {
        Ok(Damaged::default())
    }

    fn check(&self) -> CheckReport {
        check::check(self)
    }

    fn unopenable(&self) -> Result<u64, LedgerError> {
        rekey::unopenable(self)
    }

    fn rekey(&mut self, by: &str, now: Now<'_>) -> Result<Rekeyed, LedgerError> {
        rekey::rekey(self, by, now)
    }

    fn set_lock_timeout(&mut self, length: Option<Duration>) -> Result<(), LedgerError> {
        self.connection.patience.set(length.unwrap_or(PATIENCE));
        Ok(())
    }

    fn enqueue(
        &mut self,
        host: &str,
        decision: &Decision,
        entries: &mut dyn Iterator<Item = Entry>,
        now: Now<'_>,
    ) -> Result<Enqueued, LedgerError> {
        let mut total = Enqueued::default();
        loop {
            let chunk = sorted_chunk(entries);
            if chunk.is_empty() {
                return Ok(total);
            }
            total.add(self.write(now, |tx, _| enqueue::enqueue(tx, host, decision, &chunk))?);
        }
    }

    fn intend(&mut self, request: &BatchRequest<'_>, now: Now<'_>) -> Result<Next, LedgerError> {
        self.write(now, |tx, owner| intend::intend(tx, owner, request))
    }

    fn keep_answer(
        &mut self,
        batch: BatchId,
        settlement: &Settlement,
        now: Now<'_>,
    ) -> Result<(), LedgerError> {
        let answer = KeptAnswer { batch: batch.0, at: self.server_now(now), settlement: settlement.clone() };
        // In memory it is kept in any case; a machine without a place for files has nothing else.
        let _ = self.owner.keep(answer);
        Ok(())
    }

    fn settle(
        &mut self,
        batch: BatchId,
        settlement: &Settlement,
        now: Now<'_>,
    ) -> Result<Settled, LedgerError> {
        let received = self.owner.received_at(batch.0);
        let settled = self.write(now, |tx, owner| {
            owner.taken_in(batch.0);
            let kept = match received {
                Some(received) => Some((tx.clock()?.0, received)),
                None => None,
            };
            settle::settle(tx, batch, settlement, kept)
        })?;
        self.owner.set_in_flight(false);
        settled.ok_or(LedgerError::NoSuchBatch(batch.0))
    }

    fn change_state(&mut self, change: &StateChange<'_>, now: Now<'_>) -> Result<u64, LedgerError> {
        self.write(now, |tx, owner| change::change_state(tx, owner, change))
    }

    fn keep_grants(
        &mut self,
        host: &str,
        told: &[(Fingerprint, Grants)],
        now: Now<'_>,
    ) -> Result<(), LedgerError> {
        self.write(now, |tx, _| grants::keep(tx, host, told))
    }

    fn due(&self, host: &str, kinds: &[Kind], page: Page) -> Result<Vec<SealedToken>, LedgerError> {
        self.connection.read(|db| read::due(db, host, kinds, page))
    }

    fn host_status(&self, request: &StatusRequest<'_>, now: Now<'_>) -> Result<HostStatus, LedgerError> {
        let server = self.read_clock(now)?;
        let mut status = self.connection.read(|db| read::host_status(db, request, server))?;
        status.ledger = self.description();
        status.next_slot = status.next_slot.map(|at| timestamp(at.as_millisecond() + self.offset.get()));
        Ok(status)
    }

    fn waiting(&self, host: &str) -> Result<BTreeMap<Kind, u64>, LedgerError> {
        self.connection.read(|db| read::waiting(db, host))
    }

    fn waiting_named(&self, host: &str, prefixes: &[u64]) -> Result<Vec<(Fingerprint, Kind)>, LedgerError> {
        self.connection.read(|db| list::named(db, host, prefixes))
    }

    fn waiting_page(&self, host: &str, after: u64, limit: usize) -> Result<Vec<WaitingToken>, LedgerError> {
        self.connection.read(|db| list::page(db, host, after, limit))
    }

    fn take_over(&mut self, host: &str, now: Now<'_>) -> Result<(), LedgerError> {
        self.write(now, |tx, owner| {
            let Some(host) = rows::host(&mut tx.db, host)? else { return Ok(()) };
            let at = tx.clock()?;
            take_over::abandoned(tx, owner, (host, ""), at).map(drop)
        })
    }

    fn count(&self, host: &str, state: State) -> Result<u64, LedgerError> {
        self.connection.read(|db| read::count(db, host, state))
    }

    fn hosts(&self) -> Result<Vec<HostEntry>, LedgerError> {
        self.connection.read(read::hosts)
    }

    fn token(&self, host: &str, fingerprint: &Fingerprint) -> Result<Option<TokenRecord>, LedgerError> {
        let found = self.connection.read(|db| read::tokens(db, host, &[*fingerprint]))?;
        Ok(found.into_iter().next().flatten())
    }

    fn tokens(
        &self,
        host: &str,
        fingerprints: &[Fingerprint],
    ) -> Result<Vec<Option<TokenRecord>>, LedgerError> {
        let mut records = Vec::with_capacity(fingerprints.len());
        for chunk in fingerprints.chunks(LOOKUP_LEN) {
            records.extend(self.connection.read(|db| read::tokens(db, host, chunk))?);
        }
        Ok(records)
    }

    fn attempts(&self, host: &str, fingerprint: &Fingerprint) -> Result<Vec<Attempt>, LedgerError> {
        self.connection.read(|db| read::attempts(db, host, fingerprint))
    }

    fn record(&mut self, event: &Event, now: Now<'_>) -> Result<(), LedgerError> {
        self.write(now, |tx, _| {
            let (at, _) = tx.clock()?;
            tx.append(event, at);
            Ok(())
        })
    }

    fn chains(&self) -> Result<Vec<Head>, LedgerError> {
        self.connection.read(trail::heads)
    }

    fn trail(&self, writer: &str, after: u64, limit: usize) -> Result<Vec<String>, LedgerError> {
        self.connection.read(|db| trail::page(db, writer, after, limit))
    }

    fn head(&self) -> Result<Head, LedgerError> {
        self.connection.read(|db| trail::head(db, &self.writer.name))
    }

    fn list(
        &self,
        filter: &TokenFilter<'_>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<ListedToken>, LedgerError> {
        self.connection.read(|db| list::list(db, filter, after, limit))
    }

    fn hold(
        &mut self,
        host: &str,
        identity: &str,
        length: Duration,
        now: Now<'_>,
    ) -> Result<(), LedgerError> {
        self.write(now, |tx, _| hold::hold(tx, host, identity, length))
    }

    fn release(&mut self, host: &str, by: &str, now: Now<'_>) -> Result<u64, LedgerError> {
        self.write(now, |tx, _| hold::release(tx, host, by))
    }
}
