//! What another ledger has counted of an identity's requests, counted here as well.

use std::collections::HashMap;

use super::PostgresLedger;
use super::db::{Db, int, typed, uint};
use super::error::PgResult;
use super::transaction::Tx;
use super::{instance, meta, quota, rows};
use crate::ledger::carried::{Counted, slot_owner};
use crate::ledger::carried_quota::CarriedQuota;
use crate::ledger::error::LedgerError;
use crate::ledger::quota::{Moment, SLOTS_KEPT};
use crate::ledger::time::{ClockReading, Now};

const OWNERS: &str =
    "SELECT owner, id FROM stanch.batch WHERE quota = $1 AND charged ORDER BY id DESC LIMIT $2";
/// A batch that no token was in, over as soon as it is written down.
const INSERT_SLOT: &str =
    "INSERT INTO stanch.batch (quota, charged, call, owner, bisect_group, at, lease, slot_at, slot_adjusted,
        verdict, closed_at, decided, unused)
    VALUES ($1, true, 'revoke', $2, 0, $3, $3, $3, $3, 'lost', $3, true, true)";

impl PostgresLedger {
    /// The ledger's id, and which database it is: a dump that was put back into another one is another ledger.
    pub(super) fn which(&self) -> Result<String, LedgerError> {
        self.connection.read(|db| {
            let id = meta::meta(db, "ledger_id")?.unwrap_or_default();
            Ok(format!("{id}@{}", instance::current(db)?))
        })
    }

    pub(super) fn read_carried(&self, of: Counted<'_>, now: Now<'_>) -> Result<CarriedQuota, LedgerError> {
        let now = ClockReading { wall: self.read_clock(now)?, uptime: None };
        self.connection.read(|db| carried(db, of, now))
    }
}

fn carried(db: &mut Db<'_>, of: Counted<'_>, now: ClockReading) -> PgResult<CarriedQuota> {
    let Some(host) = rows::host(db, of.host)? else { return Ok(CarriedQuota::default()) };
    let Some(mut stored) = quota::find(db, host, of.identity)? else { return Ok(CarriedQuota::default()) };
    stored.quota.observe_clock(now);
    Ok(stored.quota.carried(now))
}

/// Counts them, each once.
pub(super) fn take(tx: &mut Tx<'_>, of: Counted<'_>, carried: &CarriedQuota, source: &str) -> PgResult<()> {
    let host = rows::ensure_host(&mut tx.db, of.host)?;
    let is_locked = quota::lock(&mut tx.db, host, of.identity)?;
    let mut stored = quota::ensure(&mut tx.db, host, of.identity, is_locked)?;
    let (_, now) = tx.clock()?;
    stored.quota.observe_clock(now);
    stored.quota.take_carried(carried, now);
    let mut known: HashMap<String, u64> = HashMap::new();
    for row in &tx.db.rows(OWNERS, typed![stored.id() => INT8, int(SLOTS_KEPT) => INT8])? {
        known.insert(row.try_get(0)?, uint(row.try_get(1)?));
    }
    for (batch, left) in &carried.slots {
        let owner = slot_owner(source, *batch);
        let is_known =
            known.get(&owner).is_some_and(|batch| stored.quota.take_carried_slot(*batch, *left, now));
        if !is_known {
            let at = Moment::counting(*left, now).at;
            tx.db.execute(INSERT_SLOT, typed![stored.id() => INT8, owner => TEXT, at => INT8])?;
        }
    }
    stored.save(&mut tx.db)
}
