//! The tables of a ledger: made, brought to the newest schema, or found to be another version's.

use postgres::Client;

use super::connection::{Connection, end};
use super::db::Db;
use super::error::{PgError, PgResult};
use super::instance;
use super::meta::{meta, set};
use crate::ledger::address::PostgresAddress;
use crate::ledger::error::LedgerError;
use crate::ledger::seal::{LedgerId, new_ledger_id};

/// The steps from one schema to the next; `schema` in the table `meta` is how many of them a ledger has taken.
const MIGRATIONS: &[&str] = &[include_str!("schema.sql")];

/// The oldest server that knows all that is asked of it: `client_connection_check_interval`, as a number of its version.
const OLDEST_SERVER: i64 = 140_000;

/// Held by whoever makes tables, until the end of the transaction: "stch" in ASCII.
const LOCK: &str = "SELECT pg_catalog.pg_advisory_xact_lock(1937007464)";

/// What making the tables came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Initialized {
    /// The schema before; none where there was none.
    pub found: Option<i64>,
    /// The schema now.
    pub schema: i64,
}

fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Makes the tables, or takes the steps that are missing, all in one transaction.
pub(super) fn init(address: &PostgresAddress) -> Result<Initialized, LedgerError> {
    let connection = Connection::open(address)?;
    let begin = format!("BEGIN; {}; {LOCK}", connection.limits());
    connection.retrying(&mut |client| {
        client.batch_execute(&begin)?;
        let done = migrate(client, &connection.description);
        match &done {
            Ok(_) => end(client, true)?,
            Err(_) => drop(end(client, false)),
        }
        done
    })
}

fn migrate(client: &mut Client, ledger: &str) -> PgResult<Initialized> {
    let mut db = Db::new(client);
    check_server(&mut db, ledger)?;
    let found = schema(&mut db)?;
    let known = newest();
    if let Some(found) = found.filter(|found| *found > known) {
        return Err(LedgerError::TooNew { ledger: ledger.to_owned(), found, known }.into());
    }
    let taken = usize::try_from(found.unwrap_or_default()).unwrap_or(usize::MAX);
    for step in MIGRATIONS.iter().skip(taken) {
        client.batch_execute(step)?;
    }
    let mut db = Db::new(client);
    if found.is_none() {
        let id = hex(&new_ledger_id()?);
        set(&mut db, "ledger_id", &id)?;
        let instance = instance::current(&mut db)?;
        set(&mut db, "instance", &instance)?;
    }
    set(&mut db, "schema", &known.to_string())?;
    Ok(Initialized { found, schema: known })
}

fn check_server(db: &mut Db<'_>, ledger: &str) -> PgResult<()> {
    let version = db.number("SELECT current_setting('server_version_num')::bigint", &[])?;
    if version < OLDEST_SERVER {
        let detail = format!("its server is PostgreSQL {}, and 14 or newer is needed", version / 10_000);
        return Err(LedgerError::Backend { ledger: ledger.to_owned(), detail }.into());
    }
    Ok(())
}

/// The schema's number; none where there are no tables.
fn schema(db: &mut Db<'_>) -> PgResult<Option<i64>> {
    let tables = db.row("SELECT to_regclass('stanch.meta') IS NOT NULL", &[])?;
    if !tables.map(|row| row.try_get(0)).transpose()?.unwrap_or(false) {
        return Ok(None);
    }
    let value = meta(db, "schema")?.and_then(|value| value.parse().ok());
    value.map(Some).ok_or_else(|| PgError::Damaged("it does not say which schema it has".to_owned()))
}

/// Finds out whether the tables are those of this version; returns the ledger's id.
pub(super) fn check(db: &mut Db<'_>, ledger: &str) -> PgResult<LedgerId> {
    let (ledger, known) = (ledger.to_owned(), newest());
    match schema(db)? {
        None => Err(LedgerError::NotPrepared { ledger }.into()),
        Some(found) if found > known => Err(LedgerError::TooNew { ledger, found, known }.into()),
        Some(found) if found < known => Err(LedgerError::TooOld { ledger, found, known }.into()),
        Some(_) => {
            let id = meta(db, "ledger_id")?.and_then(|id| parse_hex(&id));
            id.ok_or_else(|| PgError::Damaged("its id is gone".to_owned()))
        }
    }
}

fn hex(id: &LedgerId) -> String {
    format!("{:032x}", u128::from_be_bytes(*id))
}

fn parse_hex(text: &str) -> Option<LedgerId> {
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}
