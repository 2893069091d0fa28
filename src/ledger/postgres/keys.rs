//! The public keys of a ledger. It holds no private one: who drains brings it.

use super::db::{Db, typed};
use super::error::PgResult;
use super::transaction::Tx;
use crate::ledger::error::LedgerError;
use crate::ledger::seal::PublicKey;

const CURRENT: &str = "SELECT public FROM stanch.key WHERE retired_at IS NULL";

/// The key that is sealed to now, if there is one.
pub(super) fn current(db: &mut Db<'_>) -> PgResult<Option<PublicKey>> {
    let Some(row) = db.row(CURRENT, &[])? else { return Ok(None) };
    let key = PublicKey::parse(row.try_get(0)?).map_err(LedgerError::from)?;
    Ok(Some(key))
}

/// Every key that was ever sealed to, the one that is sealed to now first.
pub(super) fn all(db: &mut Db<'_>) -> PgResult<Vec<PublicKey>> {
    let rows = db.rows("SELECT public FROM stanch.key ORDER BY retired_at DESC NULLS FIRST", &[])?;
    rows.iter().map(|row| Ok(PublicKey::parse(row.try_get(0)?).map_err(LedgerError::from)?)).collect()
}

/// Makes a key the one that is sealed to. What is sealed to the one before stays, and opens with that one's private half.
pub(super) fn adopt(tx: &mut Tx<'_>, key: &PublicKey, at: i64) -> PgResult<()> {
    let (id, public) = (key.id().bytes(), key.to_string());
    let id = id.as_slice();
    tx.db.execute(
        "UPDATE stanch.key SET retired_at = $1 WHERE retired_at IS NULL AND id <> $2",
        typed![at => INT8, id => BYTEA],
    )?;
    let insert = "INSERT INTO stanch.key (id, public, added_at) VALUES ($1, $2, $3)
        ON CONFLICT (id) DO UPDATE SET retired_at = NULL";
    tx.db.execute(insert, typed![id => BYTEA, public => TEXT, at => INT8]).map(drop)
}
