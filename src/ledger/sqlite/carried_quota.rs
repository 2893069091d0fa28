//! What another ledger has counted of an identity's requests, counted here as well.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::rows::number;
use super::{quota, rows};
use crate::ledger::carried::{Counted, slot_owner};
use crate::ledger::carried_quota::CarriedQuota;
use crate::ledger::quota::{Moment, SLOTS_KEPT};
use crate::ledger::time::ClockReading;

const OWNERS: &str = "SELECT owner, id FROM batch WHERE quota = ?1 AND charged ORDER BY id DESC LIMIT ?2";
/// A batch that no token was in, over as soon as it is written down.
const INSERT_SLOT: &str =
    "INSERT INTO batch (quota, charged, call, owner, bisect_group, at, lease, slot_at, slot_adjusted,
        slot_boot, slot_uptime, verdict, closed_at, decided, unused)
    VALUES (?1, 1, 'revoke', ?2, 0, ?3, ?3, ?3, ?3, ?4, ?5, 'lost', ?3, 1, 1)";

pub(super) fn carried(db: &Connection, of: Counted<'_>, at: Timestamp) -> rusqlite::Result<CarriedQuota> {
    let Some(host) = rows::host(db, of.host)? else { return Ok(CarriedQuota::default()) };
    let Some((_, mut quota)) = quota::find(db, host, of.identity)? else {
        return Ok(CarriedQuota::default());
    };
    let now = ClockReading::of(at);
    quota.observe_clock(now);
    Ok(quota.carried(now))
}

/// Counts them, each once.
pub(super) fn take(
    db: &Connection,
    of: Counted<'_>,
    carried: &CarriedQuota,
    source: &str,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let (id, mut quota) = quota::ensure(db, rows::ensure_host(db, of.host)?, of.identity)?;
    let now = ClockReading::of(at);
    quota.observe_clock(now);
    quota.take_carried(carried, now);
    let known: HashMap<String, u64> = (db.prepare_cached(OWNERS)?)
        .query_map(params![id, number(SLOTS_KEPT)], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (batch, left) in &carried.slots {
        let owner = slot_owner(source, *batch);
        let is_known = known.get(&owner).is_some_and(|batch| quota.take_carried_slot(*batch, *left, now));
        if !is_known {
            let Moment { at, uptime, .. } = Moment::counting(*left, now);
            let (boot, uptime) = quota::columns(uptime);
            db.prepare_cached(INSERT_SLOT)?.execute(params![id, owner, at, boot, uptime])?;
        }
    }
    quota::save(db, id, &quota)
}
