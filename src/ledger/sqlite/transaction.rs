//! How a ledger's file is read and written: all of a change or none of it.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::error::ledger_error;
use super::{SqliteLedger, damage, keys, open};
use crate::ledger::error::LedgerError;
use crate::ledger::owner::Owner;

impl SqliteLedger {
    /// Runs `work` in a transaction that holds the write lock from its beginning (`BEGIN IMMEDIATE`): nothing it reads can
    /// change before it commits, and it never fails half-way because another process wrote first
    /// (<https://www.sqlite.org/lang_transaction.html>).
    pub(super) fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>, &mut Owner) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        let failed = |error| ledger_error(&self.path, &error);
        let tx = Transaction::new(&mut self.db, TransactionBehavior::Immediate).map_err(failed)?;
        // Rows that are written with a key that is not the ledger's any more would look damaged.
        if self.key.is_some() && keys::current_key_id(&tx).map_err(failed)? != self.key {
            return Err(LedgerError::Rekeyed { ledger: self.path.display().to_string() });
        }
        let run = |tx: Transaction<'_>, owner: &mut Owner| {
            let done = work(&tx, owner)?;
            tx.commit()?;
            Ok(done)
        };
        let done = run(tx, &mut self.owner);
        self.owner.end_transaction(done.is_ok());
        done.map_err(failed)
    }

    /// Builds indexes anew that do not agree with their rows. Without the key it cannot be told which of the two is right.
    pub(super) fn mend_indexes(&mut self) -> Result<(), LedgerError> {
        self.read(open::check_schema)?;
        if self.key.is_some() && !self.snapshot(damage::indexes_hold)? {
            self.write(|tx, _| damage::mend_indexes(tx))?;
        }
        Ok(())
    }

    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        work(&self.db).map_err(|error| ledger_error(&self.path, &error))
    }

    /// The same in one transaction: what is compared is of the same moment, whoever writes meanwhile.
    pub(super) fn snapshot<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        self.read(|db| work(&*db.unchecked_transaction()?))
    }
}
