//! Opening a ledger by its address: which backend keeps it is decided here and nowhere else.

use super::address::LedgerAddress;
use super::error::LedgerError;
use super::postgres::{self, Initialized};
use super::seal::PublicKey;
use super::{Ledger, remote, sqlite};

/// Opens the ledger at an address, and creates it where there is none. One handle is one owner of batches.
///
/// # Errors
/// A [`LedgerError`] that says why this ledger cannot be used and what to do.
pub fn open(address: &LedgerAddress) -> Result<Box<dyn Ledger>, LedgerError> {
    match address {
        LedgerAddress::Sqlite(path) => Ok(Box::new(sqlite::SqliteLedger::open(path)?)),
        LedgerAddress::Postgres(address) => Ok(Box::new(postgres::PostgresLedger::open(address)?)),
        LedgerAddress::Intake(intake) => Ok(Box::new(remote::RemoteLedger::open(intake)?)),
    }
}

/// Makes a ledger where there is none: the file with its key, or the tables of a database, which are brought to the newest schema.
/// A database keeps the public key that tokens are sealed to, which `seal_to` names; none of the rest asks for one.
///
/// # Errors
/// As [`open`]; [`LedgerError::NotPinned`] where the database has another key.
pub fn init(address: &LedgerAddress, seal_to: Option<&PublicKey>) -> Result<Initialized, LedgerError> {
    match (address, seal_to) {
        (LedgerAddress::Postgres(address), key) => postgres::PostgresLedger::init(address, key),
        (LedgerAddress::Intake(_), _) => {
            Err(LedgerError::IntakeOnly { ledger: address.to_string(), action: "make its ledger" })
        }
        (address, None) => {
            let found = open_existing(address)?.map(|_| 1);
            open(address)?;
            Ok(Initialized { found, schema: 1 })
        }
        (address, Some(_)) => Err(LedgerError::NotSealedTo { ledger: address.to_string() }),
    }
}

/// Opens the ledger at an address if there is one, and creates nothing.
///
/// # Errors
/// As [`open`].
pub fn open_existing(address: &LedgerAddress) -> Result<Option<Box<dyn Ledger>>, LedgerError> {
    match address {
        address if address.is_in_anothers_home() => Ok(None),
        LedgerAddress::Sqlite(path) => {
            Ok(sqlite::SqliteLedger::open_existing(path)?.map(|ledger| Box::new(ledger) as Box<dyn Ledger>))
        }
        // What machines share is made by `stanch ledger init` alone.
        address => open(address).map(Some),
    }
}

/// Finds out whether the ledger at an address can be written, or made where there is none, and whether the tokens that wait
/// in it can be opened. Creates no ledger, and builds damaged indexes anew: what would end a run is found before it looks at
/// anything.
///
/// # Errors
/// As [`open`].
pub fn check_writable(address: &LedgerAddress) -> Result<(), LedgerError> {
    match address {
        LedgerAddress::Sqlite(path) => sqlite::SqliteLedger::check_writable(path),
        LedgerAddress::Intake(intake) => remote::RemoteLedger::open(intake)?.check_writable(),
        address => open(address).map(drop),
    }
}
