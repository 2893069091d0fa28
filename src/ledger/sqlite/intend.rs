//! Slot and batch, written down before the request leaves.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::{corrupt, full};
use super::queue::{self, DueToken};
use super::{attempts, quota, retries, rows, settle};
use crate::ledger::audit::Event;
use crate::ledger::bisect::Group;
use crate::ledger::entry::{BatchId, Page};
use crate::ledger::intent::{BatchRequest, Intent, Next, Payload};
use crate::ledger::owner::Owner;
use crate::ledger::quota::{Lease, Moment, WaitReason};
use crate::ledger::settlement::KeptAnswer;
use crate::ledger::time::{ClockReading, millis, timestamp};
use crate::token::Kind;

/// How soon to look again for the end of another process's batch, which may come at any time.
const POLL_MS: i64 = 100;

const OPEN_BATCHES: &str = "SELECT batch.id, owner, identity, at, lease, slot_boot, slot_uptime FROM batch
    JOIN quota ON quota.id = batch.quota WHERE quota.host = ?1 AND verdict = 'open' ORDER BY batch.id";
const VERDICT: &str = "SELECT verdict FROM batch WHERE id = ?1 AND owner = ?2";
const SET_LOST: &str = "UPDATE batch SET verdict = 'lost', closed_at = ?2 WHERE id = ?1";
const RELEASE: &str = "UPDATE token SET batch = NULL, state = 'sent' WHERE batch = ?1";
const FIND_ONE: &str =
    "SELECT id, sha256, kind, bytes, bisect_group FROM token JOIN sealed ON sealed.token = token.id
    WHERE host = ?1 AND batch IS NULL AND state IN ('queued', 'sent') AND sha256_prefix = ?2 AND sha256 = ?3
    AND NOT EXISTS (SELECT 1 FROM damaged_token AS d WHERE d.id = token.id)";
const INSERT_BATCH: &str =
    "INSERT INTO batch (quota, charged, owner, bisect_group, at, lease, slot_at, slot_adjusted, slot_boot, slot_uptime, call)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?5, ?5, ?7, ?8, ?9)";
const SET_IN_FLIGHT: &str = "UPDATE token SET batch = ?2, state = 'sent', at = ?3 WHERE id = ?1";

/// Takes a slot and a batch, or returns when to ask again.
pub(super) fn intend(
    db: &Connection,
    owner: &mut Owner,
    request: &BatchRequest<'_>,
    at: Timestamp,
) -> rusqlite::Result<Next> {
    let now = ClockReading::of(at);
    let later = |until: i64, reason| Ok(Next::Later { at: timestamp(until), reason });
    let known = match request.payload {
        Payload::Call(_) => Some((rows::ensure_host(db, request.host)?, false)),
        Payload::Batch(_) | Payload::SelfRevoking(_) => rows::find_host(db, request.host)?,
    };
    let Some((host, damaged)) = known else { return Ok(Next::Nothing) };
    let in_flight = take_over_abandoned(db, owner, (host, request.account()), (at, now))?;
    let Some(candidate) = candidate(db, host, request)? else {
        // What another process has in flight may have to be sent again.
        return if in_flight == InFlight::None {
            if damaged && !rows::has_tokens(db, host)? {
                return Err(corrupt(format!("the row of the API base {} was changed", request.host)));
            }
            Ok(Next::Nothing)
        } else {
            later(now.wall + POLL_MS, WaitReason::InFlight)
        };
    };
    let charged = request.charged();
    // One at a time, whoever sends. GitHub asks for serial requests
    // (https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api), and what a response says
    // about the rest of the hour stays exact.
    if matches!(candidate, Candidate::Kinds(_)) && in_flight == InFlight::SameIdentity {
        return later(now.wall + POLL_MS, WaitReason::InFlight);
    }
    let (quota_id, mut quota) = quota::ensure(db, host, request.account())?;
    let adjusted = quota.observe_clock(now);
    let interval = millis(request.min_interval);
    let blocked =
        if charged { quota.blocked(request.per_hour, interval, now) } else { quota.paced(interval, now) };
    if let Some((until, reason)) = blocked {
        if adjusted {
            quota::save(db, quota_id, &quota)?;
        }
        return later(until, reason);
    }
    let mut intents = Vec::new();
    for (group, due) in contents(db, host, candidate, quota.max_batch(request.max_batch))? {
        let new = NewBatch { request, quota_id, group, charged };
        let name = owner.name().map_err(|error| full(&error))?;
        let batch = insert(db, &new, &name, &due, (at, now))?;
        if charged {
            quota.take_slot(batch.0, now);
        } else {
            quota.last = Moment::new(now);
        }
        let tokens = due.into_iter().map(|due| due.token).collect();
        intents.push(Intent { batch, strikes: quota.strikes, tokens });
    }
    quota::save(db, quota_id, &quota)?;
    Ok(if charged { intents.pop().map_or(Next::Nothing, Next::Send) } else { Next::SendEach(intents) })
}

/// What a request would carry.
enum Candidate<'a> {
    /// As many tokens of these kinds as go together.
    Kinds(&'a [Kind]),
    /// No token.
    Nothing,
    /// Each of these by itself, with its group.
    Each(Vec<(Group, DueToken)>),
}

/// What each request carries, with the group of its tokens: one request, but for tokens that go by themselves.
fn contents(
    db: &Connection,
    host: i64,
    candidate: Candidate<'_>,
    max_batch: usize,
) -> rusqlite::Result<Vec<(Group, Vec<DueToken>)>> {
    Ok(match candidate {
        Candidate::Each(tokens) => tokens.into_iter().map(|(group, token)| (group, vec![token])).collect(),
        Candidate::Nothing => vec![(0, Vec::new())],
        Candidate::Kinds(kinds) => {
            let Some(next) = queue::next(db, host, kinds, max_batch)? else { return Ok(Vec::new()) };
            let page = Page { skip: 0, limit: next.size };
            let due = queue::page(db, host, next.group, kinds, page)?;
            // What is damaged is counted, and does not leave.
            if due.is_empty() { Vec::new() } else { vec![(next.group, due)] }
        }
    })
}

fn candidate<'a>(
    db: &Connection,
    host: i64,
    request: &BatchRequest<'a>,
) -> rusqlite::Result<Option<Candidate<'a>>> {
    match request.payload {
        Payload::Batch(kinds) => Ok(queue::next(db, host, kinds, 1)?.map(|_| Candidate::Kinds(kinds))),
        Payload::Call(_) => Ok(Some(Candidate::Nothing)),
        Payload::SelfRevoking(fingerprints) => {
            let mut due = Vec::with_capacity(fingerprints.len());
            for fingerprint in fingerprints {
                let found = db
                    .prepare_cached(FIND_ONE)?
                    .query_row(params![host, rows::prefix_of(fingerprint), fingerprint.0], |row| {
                        Ok((row.get(4)?, DueToken::from_row(row)?))
                    });
                due.extend(found.optional()?);
            }
            Ok((!due.is_empty()).then_some(Candidate::Each(due)))
        }
    }
}

/// What is in flight at a host, of owners that live.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum InFlight {
    None,
    /// Only requests of other identities.
    OtherIdentity,
    /// A request of the identity that asks.
    SameIdentity,
}

/// Takes over the batches of owners that are gone.
pub(super) fn take_over(
    db: &Connection,
    owner: &mut Owner,
    host: &str,
    at: Timestamp,
) -> rusqlite::Result<()> {
    match rows::host(db, host)? {
        Some(host) => take_over_abandoned(db, owner, (host, ""), (at, ClockReading::of(at))).map(drop),
        None => Ok(()),
    }
}

/// Takes in the answers that this owner, or one that has ended, got and could not write down.
fn take_in_kept(db: &Connection, owner: &mut Owner, at: Timestamp) -> rusqlite::Result<()> {
    if let Some(name) = owner.name_if_any().map(str::to_owned)
        && let Some(kept) = owner.kept_by(&name)
    {
        take_in(db, &name, &kept, at)?;
        owner.taken_in(kept.batch);
    }
    for ended in owner.ended() {
        let had = ended.kept.as_ref().map_or(Ok(true), |kept| take_in(db, &ended.name, kept, at))?;
        // What is kept for a batch that is not here belongs to what this ledger was before it was put back from a copy.
        if had {
            owner.remove(ended);
        }
    }
    Ok(())
}

/// Settles a batch of an owner by the answer it kept, unless the ledger has that; false where there is no such batch.
fn take_in(db: &Connection, owner: &str, kept: &KeptAnswer, at: Timestamp) -> rusqlite::Result<bool> {
    let verdict: Option<String> =
        (db.prepare_cached(VERDICT)?).query_row(params![kept.batch, owner], |row| row.get(0)).optional()?;
    if verdict.as_deref().is_some_and(|verdict| ["open", "lost"].contains(&verdict)) {
        settle::settle(db, BatchId(kept.batch), &kept.settlement, at, Some(kept.at))?;
    }
    Ok(verdict.is_some())
}

/// Takes over the batches of owners that are gone, by the answers they kept, and returns what else is in flight.
fn take_over_abandoned(
    db: &Connection,
    owner: &mut Owner,
    (host, identity): (i64, &str),
    (at, now): (Timestamp, ClockReading),
) -> rusqlite::Result<InFlight> {
    take_in_kept(db, owner, at)?;
    let open: Vec<(u64, String, String, Lease)> = (db.prepare_cached(OPEN_BATCHES)?)
        .query_map([host], |row| {
            let (since, until) = (row.get(3)?, row.get(4)?);
            let lease = Lease { since, until, uptime: quota::uptime(row, 5)? };
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, lease))
        })?
        .collect::<Result<_, _>>()?;
    let mut in_flight = InFlight::None;
    for (batch, name, account, lease) in open {
        // A handle sends one batch at a time: an open one of its own is one it could not settle.
        let own = owner.name_if_any() == Some(name.as_str());
        if own || lease.is_over(now) || owner.has_ended(&name) {
            let kept = owner.kept_by(&name).filter(|kept| kept.batch == batch);
            if let Some(kept) = kept {
                take_in(db, &name, &kept, at)?;
                continue;
            }
            db.prepare_cached(SET_LOST)?.execute(params![batch, now.wall])?;
            if let Some((id, mut quota)) = quota::find(db, host, &account)? {
                quota.finish(batch, lease.last_moment(now));
                quota::save(db, id, &quota)?;
            }
            let tokens = db.prepare_cached(RELEASE)?.execute([batch])? as u64;
            retries::tell_answer(db, batch, (Event::Lost { batch, tokens }, false), at)?;
        } else {
            let same = account == identity;
            in_flight = in_flight.max(if same { InFlight::SameIdentity } else { InFlight::OtherIdentity });
        }
    }
    Ok(in_flight)
}

/// A batch that is about to be inserted.
struct NewBatch<'a> {
    request: &'a BatchRequest<'a>,
    quota_id: i64,
    group: Group,
    charged: bool,
}

fn insert(
    db: &Connection,
    new: &NewBatch<'_>,
    owner: &str,
    due: &[DueToken],
    (at, reading): (Timestamp, ClockReading),
) -> rusqlite::Result<BatchId> {
    let (now, request) = (reading.wall, new.request);
    let lease = now.saturating_add(millis(request.lease));
    db.prepare_cached(INSERT_BATCH)?.execute(params![
        new.quota_id,
        new.charged,
        owner,
        new.group,
        now,
        lease,
        reading.uptime.map(|uptime| uptime.boot),
        reading.uptime.map(|uptime| uptime.ms),
        request.call()
    ])?;
    let batch = u64::try_from(db.last_insert_rowid()).unwrap_or_default();
    let mut set_in_flight = db.prepare_cached(SET_IN_FLIGHT)?;
    for due in due {
        set_in_flight.execute(params![due.id, batch, now])?;
    }
    attempts::insert(db, (new.quota_id, batch), due.iter().map(|due| due.id), now)?;
    retries::tell_intent(db, batch, at)?;
    Ok(BatchId(batch))
}
