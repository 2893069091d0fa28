//! The durable ledgers that a story is told on.

use std::path::Path;

use tempfile::TempDir;

#[cfg(unix)]
use crate::ledger::address::{LedgerAccess, PostgresAddress};
#[cfg(unix)]
use crate::ledger::postgres::PostgresLedger;
use crate::ledger::{Ledger, LedgerAddress, open};

/// A place for a ledger of its own, gone with it.
pub(in crate::ledger) enum Backend {
    /// An SQLite file.
    Sqlite(TempDir),
    /// A database, and a home for what a machine keeps beside it.
    #[cfg(unix)]
    Postgres(TempDir, crate::ledger::pg_server::Database),
}

impl Backend {
    /// In a file.
    pub(in crate::ledger) fn sqlite() -> Self {
        Backend::Sqlite(tempfile::tempdir().expect("a directory"))
    }

    /// In a database; none where there is no PostgreSQL, which was said.
    #[cfg(unix)]
    pub(in crate::ledger) fn postgres() -> Option<Self> {
        let database = crate::ledger::pg_server::shared()?.prepared(|url| {
            PostgresLedger::init(&address(url, Path::new("/")), None).expect("tables");
            let mut client = url
                .parse::<::postgres::Config>()
                .expect("an address")
                .connect(::postgres::NoTls)
                .expect("a server");
            // The copies are not what was put back from a backup.
            client.batch_execute("DELETE FROM stanch.meta WHERE name = 'instance'").expect("tables");
        });
        Some(Backend::Postgres(tempfile::tempdir().expect("a directory"), database))
    }

    /// Another process on the same machine.
    pub(in crate::ledger) fn open(&self) -> Box<dyn Ledger> {
        match self {
            Backend::Sqlite(home) => {
                open(&LedgerAddress::Sqlite(home.path().join("ledger.db"))).expect("a ledger")
            }
            #[cfg(unix)]
            Backend::Postgres(home, database) => open_database(&database.url(), home.path()),
        }
    }

    /// A process on a machine that has this home, where it makes a difference.
    pub(in crate::ledger) fn open_elsewhere(&self, home: &Path) -> Box<dyn Ledger> {
        match self {
            Backend::Sqlite(_) => self.open(),
            #[cfg(unix)]
            Backend::Postgres(_, database) => open_database(&database.url(), home),
        }
    }

    /// Whether it gives the same numbers as the reference, and keeps one trail. In a database, what is begun anew leaves gaps,
    /// and each writer has a chain of its own.
    pub(in crate::ledger) fn is_exact(&self) -> bool {
        matches!(self, Backend::Sqlite(_))
    }
}

/// A handle on the ledger in a database, for a machine with this home.
#[cfg(unix)]
pub(in crate::ledger) fn open_database(url: &str, home: &Path) -> Box<dyn Ledger> {
    PostgresLedger::open_for_test(&address(url, home)).map(|ledger| Box::new(ledger) as _).expect("a ledger")
}

#[cfg(unix)]
fn address(url: &str, home: &Path) -> PostgresAddress {
    let access = LedgerAccess { state_dir: Some(home.into()), ..LedgerAccess::default() };
    match LedgerAddress::parse(url.as_ref()).expect("an address").with_access(access) {
        LedgerAddress::Postgres(address) => *address,
        other => panic!("{other} is no database"),
    }
}
