//! Opening a database as a ledger: its tables, its state on this machine, and whether it was put back from a backup.

use std::cell::Cell;
use std::path::PathBuf;

use super::connection::Connection;
use super::init::{self, Initialized};
use super::transaction::{Clock, Writer};
use super::{PostgresLedger, instance, keys};
use crate::ledger::address::{LedgerAccess, PostgresAddress};
use crate::ledger::audit::Event;
use crate::ledger::error::LedgerError;
use crate::ledger::owner::Owner;
use crate::ledger::paths::create_directory;
use crate::ledger::seal::{LedgerId, PublicKey};

impl PostgresLedger {
    /// Opens the ledger at an address, whose tables are there.
    pub(in crate::ledger) fn open(address: &PostgresAddress) -> Result<Self, LedgerError> {
        let connection = Connection::open(address)?;
        let description = connection.description.clone();
        let id = connection.read(|db| init::check(db, &description))?;
        let owner = Owner::on_this_machine(&state_path(&address.access, &id)?);
        let mut ledger = PostgresLedger {
            connection,
            writer: Writer::new(writer_name()?),
            owner,
            access: address.access.clone(),
            clock: Clock::Server,
            offset: Cell::new(0),
        };
        ledger.notice_restore()?;
        Ok(ledger)
    }

    /// The same, on the caller's clock.
    #[cfg(test)]
    pub(in crate::ledger) fn open_for_test(address: &PostgresAddress) -> Result<Self, LedgerError> {
        Ok(PostgresLedger { clock: Clock::Caller, ..Self::open(address)? })
    }

    /// Makes the tables, or brings them to the newest schema, and keeps the public key that tokens are sealed to.
    pub(in crate::ledger) fn init(
        address: &PostgresAddress,
        key: Option<&PublicKey>,
    ) -> Result<Initialized, LedgerError> {
        let done = init::init(address)?;
        if let Some(key) = key {
            let mut ledger = Self::open(address)?;
            let known = ledger.connection.read(keys::current)?;
            match known {
                Some(known) if known == *key => {}
                Some(known) => {
                    let (found, named) = (known.id().to_string(), key.id().to_string());
                    return Err(LedgerError::HasKey {
                        ledger: ledger.connection.description.clone(),
                        found,
                        named,
                    });
                }
                None => ledger.write(&jiff::Timestamp::now, |tx, _| {
                    let (at, _) = tx.clock()?;
                    keys::adopt(tx, key, at.as_millisecond())?;
                    tx.append(&Event::Key { key: key.id().to_string() }, at);
                    Ok(())
                })?,
            }
        }
        Ok(done)
    }

    /// A database that was put back from a backup has forgotten the last requests. Who may not write leaves it to those who may.
    fn notice_restore(&mut self) -> Result<(), LedgerError> {
        if !self.connection.read(instance::was_restored)? {
            return Ok(());
        }
        match self.write(&jiff::Timestamp::now, |tx, _| instance::hold_all(tx)) {
            Err(LedgerError::Denied { .. } | LedgerError::ReadOnly { .. }) => Ok(()),
            done => done,
        }
    }
}

/// Where this machine keeps the locks and the last answers of its owners in a ledger elsewhere.
fn state_path(access: &LedgerAccess, id: &LedgerId) -> Result<PathBuf, LedgerError> {
    let directory = access.state_dir()?.join("fleet");
    create_directory(&directory)?;
    Ok(directory.join(format!("{:032x}", u128::from_be_bytes(*id))))
}

/// A name for a chain of the trail: 64 random bits.
fn writer_name() -> Result<String, LedgerError> {
    let mut bits = [0; 8];
    getrandom::fill(&mut bits).map_err(|error| LedgerError::Randomness(error.to_string()))?;
    Ok(format!("{:016x}", u64::from_be_bytes(bits)))
}
