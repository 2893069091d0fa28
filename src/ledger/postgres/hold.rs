//! What a server asked for, kept outside of any batch, and lifted by a person.

use std::time::Duration;

use super::db::typed;
use super::error::PgResult;
use super::transaction::Tx;
use super::{quota, rows};
use crate::ledger::audit::Event;
use crate::ledger::time::millis;

/// Lets no request of an identity leave for so long.
pub(super) fn hold(tx: &mut Tx<'_>, host: &str, identity: &str, length: Duration) -> PgResult<()> {
    let host = rows::ensure_host(&mut tx.db, host)?;
    let is_locked = quota::lock(&mut tx.db, host, identity)?;
    let mut stored = quota::ensure(&mut tx.db, host, identity, is_locked)?;
    let (_, now) = tx.clock()?;
    stored.quota.observe_clock(now);
    stored.quota.hold(millis(length), now);
    stored.save(&mut tx.db)
}

/// Lifts what the server at a host asked for; returns for how many identities there was something to lift.
pub(super) fn release(tx: &mut Tx<'_>, host: &str, by: &str) -> PgResult<u64> {
    let Some(host_id) = rows::host(&mut tx.db, host)? else { return Ok(0) };
    let lock = "SELECT identity FROM stanch.quota WHERE host = $1 ORDER BY id FOR NO KEY UPDATE";
    let found = tx.db.rows(lock, typed![host_id => INT8])?;
    let (at, now) = tx.clock()?;
    let mut released = 0;
    for row in &found {
        let Some(mut stored) = quota::find(&mut tx.db, host_id, row.try_get(0)?)? else { continue };
        released += u64::from(stored.quota.release(now));
        stored.save(&mut tx.db)?;
    }
    if released > 0 {
        let (host, by) = (host.to_owned(), by.to_owned());
        tx.append(&Event::Release { host, by, identities: released }, at);
    }
    Ok(released)
}
