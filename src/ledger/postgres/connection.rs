//! A connection to the database that is made anew whenever it is lost, and what is read over it.

use std::cell::{Cell, RefCell};
use std::thread;
use std::time::{Duration, Instant};

use postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::config;
use super::db::Db;
use super::error::{PgError, PgResult, Remedy};
use crate::ledger::address::PostgresAddress;
use crate::ledger::error::LedgerError;

/// How long a call waits for locks and for a server that is away, unless it is told otherwise.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The pause before a connection is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// How often a transaction that others got in the way of is begun anew.
const REPETITIONS: u32 = 20;

/// A way to the database, and the connection if there is one.
pub(super) struct Connection {
    config: Config,
    tls: MakeRustlsConnect,
    /// The address, for people.
    pub(super) description: String,
    client: RefCell<Option<Client>>,
    /// How long to wait for locks and for the server.
    pub(super) patience: Cell<Duration>,
}

impl Connection {
    /// Connects.
    pub(super) fn open(address: &PostgresAddress) -> Result<Self, LedgerError> {
        let settings = config::settings(address)?;
        let tls = crate::http::tls_config(settings.ca_cert.as_deref()).map_err(|error| {
            LedgerError::Backend { ledger: address.url.clone(), detail: error.to_string() }
        })?;
        let connection = Connection {
            config: settings.config,
            tls: MakeRustlsConnect::new(tls),
            description: address.url.clone(),
            client: RefCell::new(None),
            patience: Cell::new(address.access.patience.unwrap_or(PATIENCE)),
        };
        connection.retrying(&mut |client| Ok(client.batch_execute("")?))?;
        Ok(connection)
    }

    /// Runs `work` on the connection, which is not used again where it failed: what state it is in nobody knows.
    pub(super) fn with<T>(&self, work: &mut dyn FnMut(&mut Client) -> PgResult<T>) -> PgResult<T> {
        let mut slot = self.client.borrow_mut();
        let mut client = match slot.take().filter(|client| !client.is_closed()) {
            Some(client) => client,
            None => self.config.connect(self.tls.clone())?,
        };
        let done = work(&mut client);
        match &done {
            Err(error) if error.remedy() == Remedy::Reconnect => drop(client),
            _ => *slot = Some(client),
        }
        done
    }

    /// The same, again and again for as long as it is worth it.
    pub(super) fn retrying<T>(
        &self,
        work: &mut dyn FnMut(&mut Client) -> PgResult<T>,
    ) -> Result<T, LedgerError> {
        let mut attempts = Attempts::new(self.patience.get());
        loop {
            match self.with(work) {
                Ok(done) => return Ok(done),
                Err(error) => attempts.after(error).map_err(|error| self.error(error))?,
            }
        }
    }

    /// Reads in one transaction: what is compared is of the same moment, whoever writes meanwhile.
    pub(super) fn read<T>(&self, mut work: impl FnMut(&mut Db<'_>) -> PgResult<T>) -> Result<T, LedgerError> {
        let begin = format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {}", self.limits());
        self.retrying(&mut |client| {
            client.batch_execute(&begin)?;
            let done = work(&mut Db::new(client));
            end(client, done.is_ok())?;
            done
        })
    }

    /// The limits of a transaction, set in each of them: a pool hands out the same connection to others in between. A client
    /// that was killed, or whose machine is gone, keeps its locks no longer than these say; without them it would for hours
    /// (<https://www.postgresql.org/docs/current/runtime-config-client.html>).
    ///
    /// Every query here has an index. Where a table has grown since the server looked at it last, it would read the table
    /// instead, each time.
    pub(super) fn limits(&self) -> String {
        let patience = self.patience.get().as_millis().max(1);
        format!(
            "SET LOCAL lock_timeout = {patience}; SET LOCAL statement_timeout = 120000; \
             SET LOCAL idle_in_transaction_session_timeout = 15000; SET LOCAL client_connection_check_interval = 1000; \
             SET LOCAL tcp_user_timeout = 15000; SET LOCAL tcp_keepalives_idle = 5; SET LOCAL tcp_keepalives_interval = 5; \
             SET LOCAL search_path = pg_catalog; SET LOCAL enable_seqscan = off; SET LOCAL jit = off"
        )
    }

    /// An error, with the ledger's name.
    pub(super) fn error(&self, error: PgError) -> LedgerError {
        error.into_ledger_error(&self.description)
    }
}

/// Ends a transaction; one that failed on the way is rolled back.
pub(super) fn end(client: &mut Client, commit: bool) -> PgResult<()> {
    // Nothing is left to be rolled back; but what could not be told to commit is not committed.
    if !commit && client.is_closed() {
        return Ok(());
    }
    Ok(client.batch_execute(if commit { "COMMIT" } else { "ROLLBACK" })?)
}

/// The attempts of a call.
pub(super) struct Attempts {
    until: Instant,
    repetitions: u32,
    reconnected: bool,
}

impl Attempts {
    pub(super) fn new(patience: Duration) -> Self {
        Attempts { until: Instant::now() + patience, repetitions: 0, reconnected: false }
    }

    /// Waits as long as it takes after such a failure; the failure itself where it is not worth another attempt.
    pub(super) fn after(&mut self, error: PgError) -> PgResult<()> {
        match error.remedy() {
            Remedy::Again if self.repetitions < REPETITIONS => {
                self.repetitions += 1;
                // Those that got into each other's way must not meet again.
                thread::sleep(Duration::from_millis(
                    u64::from(random_byte()) * u64::from(self.repetitions.min(8)) / 16,
                ));
                Ok(())
            }
            Remedy::Reconnect if Instant::now() < self.until => {
                // A connection that was cut is made anew at once; a server that is away is given time.
                if std::mem::replace(&mut self.reconnected, true) {
                    thread::sleep(PAUSE);
                }
                Ok(())
            }
            _ => Err(error),
        }
    }
}

/// A random number, to spread those who would meet again; where there is none, the middle one.
fn random_byte() -> u8 {
    let mut byte = [128];
    let _ = getrandom::fill(&mut byte);
    byte[0]
}
