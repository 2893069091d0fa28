//! Slot and batch, written down before the request leaves.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::corrupt;
use super::owner::Owner;
use super::queue::{self, DueToken};
use super::{quota, rows, trail};
use crate::ledger::audit::Event;
use crate::ledger::bisect::Group;
use crate::ledger::entry::{BatchId, Page};
use crate::ledger::intent::{BatchRequest, Intent, Next, Payload};
use crate::ledger::quota::WaitReason;
use crate::ledger::time::{millis, timestamp};
use crate::token::Kind;

/// How soon to look again for the end of another process's batch, which may come at any time.
const POLL_MS: i64 = 100;

const OPEN_BATCHES: &str =
    "SELECT batch.id, owner, at, lease, identity = ?2 FROM batch JOIN quota ON quota.id = batch.quota
    WHERE quota.host = ?1 AND verdict = 'open' ORDER BY batch.id";
const SET_LOST: &str =
    "UPDATE batch SET verdict = 'lost', closed_at = ?2, slot_at = max(slot_at, min(lease, ?2)),
    slot_clamped = max(slot_clamped, min(lease, ?2)) WHERE id = ?1";
const RELEASE: &str = "UPDATE token SET batch = NULL, state = 'sent' WHERE batch = ?1";
const FIND_ONE: &str =
    "SELECT id, sha256, kind, bytes, bisect_group FROM token JOIN sealed ON sealed.token = token.id
    WHERE host = ?1 AND batch IS NULL AND state IN ('queued', 'sent') AND sha256_prefix = ?2 AND sha256 = ?3
    AND NOT EXISTS (SELECT 1 FROM damaged_token AS d WHERE d.id = token.id)";
const INSERT_BATCH: &str =
    "INSERT INTO batch (quota, charged, owner, bisect_group, at, lease, slot_at, slot_clamped)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?5, ?5)";
const SET_IN_FLIGHT: &str = "UPDATE token SET batch = ?2, state = 'sent', at = ?3 WHERE id = ?1";
const INSERT_ATTEMPT: &str = "INSERT INTO attempt (token, batch) VALUES (?1, ?2)";

/// Takes a slot and a batch, or returns when to ask again.
pub(super) fn intend(
    db: &Connection,
    owner: &mut Owner,
    request: &BatchRequest<'_>,
    at: Timestamp,
) -> rusqlite::Result<Next> {
    let now = rows::millis(at);
    let later = |until: i64, reason| Ok(Next::Later { at: timestamp(until), reason });
    let known = match request.payload {
        Payload::Call(_) => Some((rows::ensure_host(db, request.host)?, false)),
        Payload::Batch(_) | Payload::SelfRevoking(_) => rows::find_host(db, request.host)?,
    };
    let Some((host, damaged)) = known else { return Ok(Next::Nothing) };
    let in_flight = take_over_abandoned(db, owner, (host, request.account()), at)?;
    let Some(candidate) = candidate(db, host, request)? else {
        // What another process has in flight may have to be sent again.
        return if in_flight == InFlight::None {
            if damaged && !rows::has_tokens(db, host)? {
                return Err(corrupt(format!("the row of the API base {} was changed", request.host)));
            }
            Ok(Next::Nothing)
        } else {
            later(now + POLL_MS, WaitReason::InFlight)
        };
    };
    let charged = request.charged();
    // One at a time, whoever sends. GitHub asks for serial requests
    // (https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api), and what a response says
    // about the rest of the hour stays exact.
    if matches!(candidate, Candidate::Kinds(_)) && in_flight == InFlight::SameIdentity {
        return later(now + POLL_MS, WaitReason::InFlight);
    }
    let (quota_id, mut quota) = quota::ensure(db, host, request.account())?;
    let moved = quota.observe_clock(now);
    let interval = millis(request.min_interval);
    let blocked =
        if charged { quota.blocked(request.per_hour, interval, now) } else { quota.paced(interval, now) };
    if let Some((until, reason)) = blocked {
        if moved {
            quota::save(db, quota_id, &quota)?;
        }
        return later(until, reason);
    }
    let mut intents = Vec::new();
    for (group, due) in contents(db, host, candidate, quota.max_batch(request.max_batch))? {
        let new = NewBatch { request, quota_id, group, charged };
        let batch = insert(db, &new, &owner.name(), &due, at)?;
        if charged {
            quota.take_slot(batch.0, now);
        } else {
            quota.last = now;
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
pub(super) fn take_over(db: &Connection, owner: &Owner, host: &str, at: Timestamp) -> rusqlite::Result<()> {
    match rows::host(db, host)? {
        Some(host) => take_over_abandoned(db, owner, (host, ""), at).map(drop),
        None => Ok(()),
    }
}

/// Takes over the batches of owners that are gone, and returns what else is in flight.
fn take_over_abandoned(
    db: &Connection,
    owner: &Owner,
    (host, identity): (i64, &str),
    at: Timestamp,
) -> rusqlite::Result<InFlight> {
    let now = rows::millis(at);
    let open: Vec<(u64, String, i64, i64, bool)> = (db.prepare_cached(OPEN_BATCHES)?)
        .query_map(params![host, identity], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })?
        .collect::<Result<_, _>>()?;
    let mut in_flight = InFlight::None;
    for (batch, name, sent, lease, same_identity) in open {
        // A handle sends one batch at a time: an open one of its own is one it could not settle.
        let own = owner.name_if_any() == Some(name.as_str());
        // The clock may have been set back by more than the lease since.
        let expired = now >= lease || now < sent.saturating_sub(lease - sent);
        if own || expired || owner.has_ended(&name) {
            db.prepare_cached(SET_LOST)?.execute(params![batch, now])?;
            let tokens = db.prepare_cached(RELEASE)?.execute([batch])? as u64;
            trail::append(db, &Event::Lost { batch, tokens }, at)?;
        } else {
            in_flight =
                in_flight.max(if same_identity { InFlight::SameIdentity } else { InFlight::OtherIdentity });
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
    at: Timestamp,
) -> rusqlite::Result<BatchId> {
    let (now, request) = (rows::millis(at), new.request);
    let lease = now.saturating_add(millis(request.lease));
    db.prepare_cached(INSERT_BATCH)?.execute(params![
        new.quota_id,
        new.charged,
        owner,
        new.group,
        now,
        lease
    ])?;
    let batch = u64::try_from(db.last_insert_rowid()).unwrap_or_default();
    let mut set_in_flight = db.prepare_cached(SET_IN_FLIGHT)?;
    let mut insert_attempt = db.prepare_cached(INSERT_ATTEMPT)?;
    for due in due {
        set_in_flight.execute(params![due.id, batch, now])?;
        insert_attempt.execute(params![due.id, batch])?;
    }
    let event = Event::Intent {
        batch,
        host: request.host.into(),
        identity: request.account().into(),
        call: request.call(),
        tokens: due.iter().map(|due| due.token.fingerprint.hex()).collect(),
    };
    trail::append(db, &event, at)?;
    Ok(BatchId(batch))
}
