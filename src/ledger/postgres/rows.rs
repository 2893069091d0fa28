//! What more than one transaction needs: hosts, erasing sealed texts.

use jiff::Timestamp;

use super::db::{Db, typed};
use super::error::{PgError, PgResult};
use super::transaction::Tx;
use crate::ledger::audit::Event;
use crate::rule;
use crate::token::{Fingerprint, Kind};

/// The host's id, if a token was ever queued for it, or a request counted.
pub(super) fn host(db: &mut Db<'_>, name: &str) -> PgResult<Option<i64>> {
    let found = db.row("SELECT id FROM stanch.host WHERE name = $1", typed![name => TEXT])?;
    found.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// The host's id, inserted if need be.
pub(super) fn ensure_host(db: &mut Db<'_>, name: &str) -> PgResult<i64> {
    if let Some(id) = host(db, name)? {
        return Ok(id);
    }
    db.execute(
        "INSERT INTO stanch.host (name) VALUES ($1) ON CONFLICT (name) DO NOTHING",
        typed![name => TEXT],
    )?;
    host(db, name)?.ok_or(PgError::Raced)
}

/// A fingerprint as its column has it.
pub(super) fn fingerprint(bytes: &[u8]) -> PgResult<Fingerprint> {
    let bytes =
        bytes.try_into().map_err(|_| PgError::Damaged("a SHA-256 is not 32 bytes long".to_owned()))?;
    Ok(Fingerprint(bytes))
}

/// The kind with this rule id; one that there is not is none of those that can be sent.
pub(super) fn kind(rule: &str) -> Kind {
    rule::kind(rule).unwrap_or(Kind::OTHER)
}

/// Rule ids, for an `= ANY`.
pub(super) fn rule_ids(kinds: &[Kind]) -> Vec<&'static str> {
    kinds.iter().map(|kind| kind.rule_id()).collect()
}

/// Erases the sealed texts of tokens that will not be sent again, and records it in the trail.
pub(super) fn erase(tx: &mut Tx<'_>, tokens: &[i64], batch: Option<u64>, at: Timestamp) -> PgResult<()> {
    if tokens.is_empty() {
        return Ok(());
    }
    let erased = tx.db.execute(
        "UPDATE stanch.token SET sealed = NULL WHERE id = ANY($1) AND has_text",
        typed![tokens => INT8_ARRAY],
    )?;
    if erased > 0 {
        tx.append(&Event::Erase { batch, tokens: erased }, at);
    }
    Ok(())
}
