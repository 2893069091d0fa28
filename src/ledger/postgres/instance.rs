//! Whether the database is still the one that it was: a backup that is put back has forgotten what came after it.
//!
//! The tokens that were accepted since wait again, and are sent again, which does no harm; but the requests of the last hour are
//! forgotten, too, and sending as if there had been none would be over the limit. So where a database shows up in another cluster
//! or under another number than the ledger remembers, no request leaves for an hour, and the trail says why. A cluster whose files
//! were put back as a whole looks the same as before: what tells then is a process that remembers more of its own chain than there
//! is, and the head of the trail that somebody noted (`audit --expect`).

use super::db::{Db, typed};
use super::error::PgResult;
use super::meta::{meta, set};
use super::quota;
use super::transaction::Tx;
use crate::ledger::audit::Event;
use crate::ledger::quota::WINDOW_MS;

/// Which database this is: the cluster's number, which a new cluster has anew, and the database's own in it.
const CURRENT: &str = "SELECT (SELECT system_identifier FROM pg_control_system())::text || ':' ||
    (SELECT oid FROM pg_database WHERE datname = current_database())::text";

pub(super) fn current(db: &mut Db<'_>) -> PgResult<String> {
    let found = db.row(CURRENT, &[])?;
    Ok(found.map(|row| row.try_get(0)).transpose()?.unwrap_or_default())
}

/// Whether the ledger was put back from a backup since somebody looked.
pub(super) fn was_restored(db: &mut Db<'_>) -> PgResult<bool> {
    let current = current(db)?;
    Ok(meta(db, "instance")?.is_some_and(|known| known != current))
}

/// Holds every quota for an hour, and says so, once; of those who notice at the same time, the first one.
pub(super) fn hold_all(tx: &mut Tx<'_>) -> PgResult<()> {
    tx.db.execute("SELECT FROM stanch.meta WHERE name = 'instance' FOR UPDATE", &[])?;
    let current = current(&mut tx.db)?;
    if meta(&mut tx.db, "instance")?.is_none_or(|known| known == current) {
        return Ok(());
    }
    let (at, now) = tx.clock()?;
    let found =
        tx.db.rows("SELECT host, identity FROM stanch.quota ORDER BY id FOR NO KEY UPDATE", typed![])?;
    for row in &found {
        if let Some(mut stored) = quota::find(&mut tx.db, row.try_get(0)?, row.try_get(1)?)? {
            stored.quota.hold(WINDOW_MS, now);
            stored.save(&mut tx.db)?;
        }
    }
    tx.append(&Event::Restored { instance: current.clone() }, at);
    set(&mut tx.db, "instance", &current)
}
