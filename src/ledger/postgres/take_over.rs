//! Batches whose owners are gone: on this machine a lock tells at once, elsewhere the end of the lease does, by the server's clock.

use jiff::Timestamp;

use super::db::{int, typed, uint};
use super::error::PgResult;
use super::transaction::Tx;
use super::{quota, retries, settle};
use crate::ledger::audit::Event;
use crate::ledger::entry::BatchId;
use crate::ledger::owner::Owner;
use crate::ledger::quota::Lease;
use crate::ledger::settlement::KeptAnswer;
use crate::ledger::time::ClockReading;

/// Locked, for its owner may be about to settle it: that one waits, or this passes over it.
const OPEN_BATCHES: &str = "SELECT batch.id, owner, identity, at, lease FROM stanch.batch
    JOIN stanch.quota ON quota.id = batch.quota WHERE quota.host = $1 AND verdict = 'open' ORDER BY batch.id";
const LOCK_OPEN: &str =
    "SELECT id FROM stanch.batch WHERE id = $1 AND verdict = 'open' FOR NO KEY UPDATE SKIP LOCKED";
const VERDICT: &str = "SELECT verdict FROM stanch.batch WHERE id = $1 AND owner = $2";
const SET_LOST: &str = "UPDATE stanch.batch SET verdict = 'lost', closed_at = $2 WHERE id = $1";
const RELEASE: &str = "UPDATE stanch.token SET batch = NULL, state = 'sent' WHERE batch = $1";
const HAS_OPEN: &str = "SELECT 1 FROM stanch.batch WHERE owner = $1 AND verdict = 'open' LIMIT 1";

/// What is in flight at a host, of owners that live.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum InFlight {
    None,
    /// Only requests of other identities.
    OtherIdentity,
    /// A request of the identity that asks.
    SameIdentity,
}

/// Takes over the batches of owners that are gone, by the answers they kept, and returns what else is in flight.
pub(super) fn abandoned(
    tx: &mut Tx<'_>,
    owner: &mut Owner,
    (host, identity): (i64, &str),
    (at, now): (Timestamp, ClockReading),
) -> PgResult<InFlight> {
    take_in_kept(tx, owner, at)?;
    let mut in_flight = InFlight::None;
    for row in tx.db.rows(OPEN_BATCHES, typed![host => INT8])? {
        let (batch, name, account): (i64, String, String) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let lease = Lease { since: row.try_get(3)?, until: row.try_get(4)?, uptime: None };
        // A handle sends one batch at a time: an open one of its own is one it could not settle.
        let own = owner.name_if_any() == Some(name.as_str());
        let gone = own || lease.is_over(now) || owner.has_ended(&name);
        if gone && tx.db.row(LOCK_OPEN, typed![batch => INT8])?.is_some() {
            let kept = owner.kept_by(&name).filter(|kept| int(kept.batch) == batch);
            if let Some(kept) = kept {
                take_in(tx, &name, &kept, at)?;
                continue;
            }
            tx.db.execute(SET_LOST, typed![batch => INT8, now.wall => INT8])?;
            if quota::lock(&mut tx.db, host, &account)?
                && let Some(mut stored) = quota::find(&mut tx.db, host, &account)?
            {
                stored.quota.finish(uint(batch), lease.last_moment(now));
                stored.save(&mut tx.db)?;
            }
            let tokens = tx.db.execute(RELEASE, typed![batch => INT8])?;
            retries::tell_answer(tx, uint(batch), (Event::Lost { batch: uint(batch), tokens }, false), at)?;
        } else {
            let same = account == identity;
            in_flight = in_flight.max(if same { InFlight::SameIdentity } else { InFlight::OtherIdentity });
        }
    }
    remove_ended(tx, owner)?;
    Ok(in_flight)
}

/// Takes in the answers that this owner, or one of this machine that has ended, got and could not write down.
fn take_in_kept(tx: &mut Tx<'_>, owner: &mut Owner, at: Timestamp) -> PgResult<()> {
    if let Some(name) = owner.name_if_any().map(str::to_owned)
        && let Some(kept) = owner.kept_by(&name)
    {
        take_in(tx, &name, &kept, at)?;
        owner.taken_in(kept.batch);
    }
    for ended in owner.ended() {
        if let Some(kept) = &ended.kept {
            take_in(tx, &ended.name, kept, at)?;
        }
    }
    Ok(())
}

/// Removes what is left of owners of this machine that have ended, once no batch of theirs is open at any host.
fn remove_ended(tx: &mut Tx<'_>, owner: &mut Owner) -> PgResult<()> {
    for ended in owner.ended() {
        let mut is_needed = tx.db.row(HAS_OPEN, typed![ended.name => TEXT])?.is_some();
        if let Some(kept) = &ended.kept {
            // What is kept for a batch that is not here belongs to what this ledger was before it was put back from a copy.
            let verdict = tx.db.row(VERDICT, typed![int(kept.batch) => INT8, ended.name => TEXT])?;
            is_needed |= verdict.is_none();
        }
        if !is_needed {
            owner.remove(ended);
        }
    }
    Ok(())
}

/// Settles a batch of an owner by the answer it kept, unless the ledger has that.
fn take_in(tx: &mut Tx<'_>, owner: &str, kept: &KeptAnswer, at: Timestamp) -> PgResult<()> {
    let found = tx.db.row(VERDICT, typed![int(kept.batch) => INT8, owner => TEXT])?;
    let verdict: Option<String> = found.map(|row| row.try_get(0)).transpose()?;
    if verdict.as_deref().is_some_and(|verdict| ["open", "lost"].contains(&verdict)) {
        settle::settle(tx, BatchId(kept.batch), &kept.settlement, Some((at, kept.at)))?;
    }
    Ok(())
}
