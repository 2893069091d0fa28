//! Slot and batch, written down before the request leaves.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::owner::Owner;
use super::rows::{self, Waiting};
use crate::ledger::Page;
use crate::ledger::audit::Event;
use crate::ledger::bisect::Group;
use crate::ledger::entry::BatchId;
use crate::ledger::intent::{BatchRequest, Intent, Next, Payload, WaitReason, millis, moment};
use crate::ledger::quota::Quota;

/// How soon to look again for a batch of another process to end: that may be any moment.
const POLL_MS: i64 = 100;

const OPEN: &str =
    "SELECT batch.id, owner, at, lease, identity = ?2 FROM batch JOIN quota ON quota.id = batch.quota
    WHERE quota.host = ?1 AND verdict = 'open' ORDER BY batch.id";
const LOSE: &str = "UPDATE batch SET verdict = 'lost', over = ?2, slot_at = max(slot_at, min(lease, ?2)),
    slot_again = max(slot_again, min(lease, ?2)) WHERE id = ?1";
const RELEASE: &str = "UPDATE token SET batch = NULL, state = 'sent' WHERE batch = ?1";
const ALONE: &str =
    "SELECT id, sha256, kind, bytes, suspect FROM token JOIN sealed ON sealed.token = token.id
    WHERE host = ?1 AND batch IS NULL AND state IN ('queued', 'sent') AND head = ?2 AND sha256 = ?3";
const BATCH: &str = "INSERT INTO batch (quota, charged, owner, suspect, at, lease, slot_at, slot_again)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?5, ?5)";
const TAKE: &str = "UPDATE token SET batch = ?2, state = 'sent', at = ?3 WHERE id = ?1";
const ATTEMPT: &str = "INSERT INTO attempt (token, batch) VALUES (?1, ?2)";

pub(super) fn intend(
    db: &Connection,
    owner: &mut Owner,
    ask: &BatchRequest<'_>,
    at: Timestamp,
) -> rusqlite::Result<Next> {
    let now = rows::millis(at);
    let later = |until: i64, why| Ok(Next::Later { at: moment(until), why });
    let Some(host) = rows::host(db, ask.host)? else { return Ok(Next::Nothing) };
    let flight = recover(db, owner, (host, ask.identity), at)?;
    let Some((group, found)) = candidate(db, host, ask)? else {
        // What another process has under way may come back.
        return if flight == Flight::None {
            Ok(Next::Nothing)
        } else {
            later(now + POLL_MS, WaitReason::InFlight)
        };
    };
    let charged = matches!(ask.what, Payload::Batch(_));
    // One at a time, whoever sends: GitHub asks for it, and what it says about the rest of the hour stays exact.
    if charged && flight == Flight::Ours {
        return later(now + POLL_MS, WaitReason::InFlight);
    }
    let (quota_id, mut quota) = rows::ensure_quota(db, host, ask.identity)?;
    if charged {
        let moved = quota.observe(now);
        let shut = quota.gate(ask.per_hour, millis(ask.min_interval), now);
        if let Some((until, why)) = shut {
            if moved {
                rows::save_quota(db, quota_id, &quota)?;
            }
            return later(until, why);
        }
    }
    let waiting = match found {
        Some(lone) => vec![lone],
        None => rows::waiting(db, host, group, kinds(ask), Page { skip: 0, limit: ask.max_batch })?,
    };
    let draft = Draft { ask, quota_id, group, charged };
    let batch = write(db, &draft, &owner.name(), &waiting, at)?;
    if charged {
        quota.charge(batch.0, now);
        rows::save_quota(db, quota_id, &quota)?;
    }
    let rows = waiting.into_iter().map(|waiting| waiting.row).collect();
    Ok(Next::Send(Intent { batch, strikes: quota.strikes, rows }))
}

fn kinds<'a>(ask: &BatchRequest<'a>) -> &'a [crate::token::Kind] {
    match ask.what {
        Payload::Batch(kinds) => kinds,
        Payload::Alone(_) => &[],
    }
}

/// Which group goes next; for a token alone, the token itself.
fn candidate(
    db: &Connection,
    host: i64,
    ask: &BatchRequest<'_>,
) -> rusqlite::Result<Option<(Group, Option<Waiting>)>> {
    match &ask.what {
        Payload::Batch(kinds) => {
            Ok(rows::next_group(db, host, kinds, ask.max_batch)?.map(|(group, _)| (group, None)))
        }
        Payload::Alone(fingerprint) => db
            .prepare_cached(ALONE)?
            .query_row(params![host, rows::head_of(fingerprint), fingerprint.0], |row| {
                Ok((row.get(4)?, Some(rows::waiting_row(row)?)))
            })
            .optional(),
    }
}

/// What is under way at a host, by processes that live.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Flight {
    None,
    /// Only of other identities.
    Others,
    /// Of the identity that asks.
    Ours,
}

/// Takes over what processes that are gone have left behind, and says what is left under way.
fn recover(
    db: &Connection,
    owner: &Owner,
    (host, identity): (i64, &str),
    at: Timestamp,
) -> rusqlite::Result<Flight> {
    let now = rows::millis(at);
    let open: Vec<(u64, String, i64, i64, bool)> = (db.prepare_cached(OPEN)?)
        .query_map(params![host, identity], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })?
        .collect::<Result<_, _>>()?;
    let mut flight = Flight::None;
    for (batch, name, left, lease, ours) in open {
        // A handle sends one batch at a time: an open one of its own is one it could not settle.
        let own = owner.known_name() == Some(name.as_str());
        // The clock may have been set back by more than the lease since.
        let over = now >= lease || now < left.saturating_sub(lease - left);
        if own || over || owner.gone(&name) {
            db.prepare_cached(LOSE)?.execute(params![batch, now])?;
            let tokens = db.prepare_cached(RELEASE)?.execute([batch])? as u64;
            rows::record(db, &Event::Lost { batch, tokens }, at)?;
        } else {
            flight = flight.max(if ours { Flight::Ours } else { Flight::Others });
        }
    }
    Ok(flight)
}

/// What a batch is about to be.
struct Draft<'a> {
    ask: &'a BatchRequest<'a>,
    quota_id: i64,
    group: Group,
    charged: bool,
}

fn write(
    db: &Connection,
    draft: &Draft<'_>,
    owner: &str,
    waiting: &[Waiting],
    at: Timestamp,
) -> rusqlite::Result<BatchId> {
    let (now, ask) = (rows::millis(at), draft.ask);
    let lease = now.saturating_add(millis(ask.lease));
    db.prepare_cached(BATCH)?.execute(params![
        draft.quota_id,
        draft.charged,
        owner,
        draft.group,
        now,
        lease
    ])?;
    let batch = u64::try_from(db.last_insert_rowid()).unwrap_or_default();
    let (mut take, mut attempt) = (db.prepare_cached(TAKE)?, db.prepare_cached(ATTEMPT)?);
    for token in waiting {
        take.execute(params![token.id, batch, now])?;
        attempt.execute(params![token.id, batch])?;
    }
    let event = Event::Intent {
        batch,
        host: ask.host.into(),
        identity: ask.identity.into(),
        call: if draft.charged { "revoke" } else { "end-installation" },
        tokens: waiting.iter().map(|token| token.row.fingerprint.hex()).collect(),
    };
    rows::record(db, &event, at)?;
    Ok(BatchId(batch))
}

/// Moves the slot where a quota is loaded anyway; see [`Quota::finish`].
pub(super) fn finish(quota: &mut Quota, batch: u64, now: i64) {
    quota.observe(now);
    quota.finish(batch, now);
}
