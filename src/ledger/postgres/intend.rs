//! Slot and batch, written down before the request leaves. The row of the quota is locked before anything is looked at: whoever
//! sends for the same identity waits here, on whatever machine.

use jiff::Timestamp;

use super::db::{Db, int, typed, uint};
use super::error::{PgError, PgResult};
use super::queue::{self, DUE, DueToken};
use super::quota::{self, Stored};
use super::take_over::{self, InFlight};
use super::transaction::Tx;
use super::{attempts, retries, rows};
use crate::ledger::audit::Event;
use crate::ledger::bisect::Group;
use crate::ledger::entry::{BatchId, Page};
use crate::ledger::intent::{BatchRequest, Intent, Next, Payload};
use crate::ledger::owner::Owner;
use crate::ledger::quota::{Moment, WaitReason};
use crate::ledger::time::{ClockReading, millis};
use crate::token::{Fingerprint, Kind};

/// How soon to look again for the end of another process's batch, which may come at any time.
const POLL_MS: i64 = 100;

/// How many ends of other chains a request anchors at the most.
const MOST_ANCHORS: i64 = 1000;

const INSERT_BATCH: &str = "INSERT INTO stanch.batch
    (quota, charged, owner, bisect_group, at, lease, slot_at, slot_adjusted, call)
    VALUES ($1, $2, $3, $4, $5, $6, $5, $5, $7) RETURNING id";
const SET_IN_FLIGHT: &str = "UPDATE stanch.token SET batch = $2, state = 'sent', at = $3 WHERE id = ANY($1)";

/// Takes a slot and a batch, or returns when to ask again.
pub(super) fn intend(tx: &mut Tx<'_>, owner: &mut Owner, request: &BatchRequest<'_>) -> PgResult<Next> {
    let known = match request.payload {
        Payload::Call(_) => Some(rows::ensure_host(&mut tx.db, request.host)?),
        Payload::Batch(_) | Payload::SelfRevoking(_) => rows::host(&mut tx.db, request.host)?,
    };
    let Some(host) = known else { return Ok(Next::Nothing) };
    let is_locked = quota::lock(&mut tx.db, host, request.account())?;
    let (at, now) = tx.clock()?;
    let in_flight = take_over::abandoned(tx, owner, (host, request.account()), (at, now))?;
    let Some(candidate) = candidate(&mut tx.db, host, request)? else {
        // What another process has in flight may have to be sent again.
        return Ok(match in_flight {
            InFlight::None => Next::Nothing,
            _ => Next::Later { at: tx.local(now.wall + POLL_MS), reason: WaitReason::InFlight },
        });
    };
    // One at a time, whoever sends. GitHub asks for serial requests
    // (https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api), and what a response says
    // about the rest of the hour stays exact.
    if matches!(candidate, Candidate::Kinds(_)) && in_flight == InFlight::SameIdentity {
        return Ok(Next::Later { at: tx.local(now.wall + POLL_MS), reason: WaitReason::InFlight });
    }
    let mut stored = quota::ensure(&mut tx.db, host, request.account(), is_locked)?;
    let adjusted = stored.quota.observe_clock(now);
    let interval = millis(request.min_interval);
    let charged = request.charged();
    let blocked = if charged {
        stored.quota.blocked(request.per_hour, interval, now)
    } else {
        stored.quota.paced(interval, now)
    };
    if let Some((until, reason)) = blocked {
        if adjusted {
            stored.save(&mut tx.db)?;
        }
        return Ok(Next::Later { at: tx.local(until), reason });
    }
    send(tx, owner, (host, &mut stored), (request, candidate), (at, now))
}

/// Writes down what leaves now.
fn send(
    tx: &mut Tx<'_>,
    owner: &mut Owner,
    (host, stored): (i64, &mut Stored),
    (request, candidate): (&BatchRequest<'_>, Candidate<'_>),
    (at, now): (Timestamp, ClockReading),
) -> PgResult<Next> {
    let charged = request.charged();
    let mut intents = Vec::new();
    for (group, due) in contents(&mut tx.db, host, candidate, stored.quota.max_batch(request.max_batch))? {
        let name = owner.name().map_err(|_| PgError::Ledger(no_room()))?;
        owner.set_in_flight(true);
        let batch =
            insert(tx, &NewBatch { request, quota: stored.id(), group, owner: &name }, &due, (at, now))?;
        if charged {
            stored.quota.take_slot(batch.0, now);
        } else {
            stored.quota.last = Moment::new(now);
        }
        let tokens = due.into_iter().map(|due| due.token).collect();
        intents.push(Intent { batch, strikes: stored.quota.strikes, tokens });
    }
    stored.save(&mut tx.db)?;
    Ok(if charged { intents.pop().map_or(Next::Nothing, Next::Send) } else { Next::SendEach(intents) })
}

/// There is no room on this machine for the answer that is to be asked for.
fn no_room() -> crate::ledger::LedgerError {
    crate::ledger::LedgerError::Full { ledger: "the answers of the server on this machine".to_owned() }
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
    db: &mut Db<'_>,
    host: i64,
    candidate: Candidate<'_>,
    max_batch: usize,
) -> PgResult<Vec<(Group, Vec<DueToken>)>> {
    Ok(match candidate {
        Candidate::Each(tokens) => tokens.into_iter().map(|(group, token)| (group, vec![token])).collect(),
        Candidate::Nothing => vec![(0, Vec::new())],
        Candidate::Kinds(kinds) => {
            let Some(next) = queue::next(db, host, kinds, max_batch)? else { return Ok(Vec::new()) };
            let page = Page { skip: 0, limit: next.size };
            let due = queue::page(db, (host, next.group), kinds, page, true)?;
            if due.is_empty() { Vec::new() } else { vec![(next.group, due)] }
        }
    })
}

fn candidate<'a>(db: &mut Db<'_>, host: i64, request: &BatchRequest<'a>) -> PgResult<Option<Candidate<'a>>> {
    match request.payload {
        Payload::Batch(kinds) => Ok(queue::next(db, host, kinds, 1)?.map(|_| Candidate::Kinds(kinds))),
        Payload::Call(_) => Ok(Some(Candidate::Nothing)),
        Payload::SelfRevoking(fingerprints) => {
            let due = named(db, host, fingerprints)?;
            Ok((!due.is_empty()).then_some(Candidate::Each(due)))
        }
    }
}

/// Those of these tokens that wait, in the order they are named.
fn named(db: &mut Db<'_>, host: i64, fingerprints: &[Fingerprint]) -> PgResult<Vec<(Group, DueToken)>> {
    let hashes: Vec<&[u8]> = fingerprints.iter().map(|fingerprint| fingerprint.0.as_slice()).collect();
    let sql = format!(
        "SELECT id, token.sha256, kind, sealed, bisect_group FROM stanch.token
         WHERE {DUE} AND sha256 = ANY($2) AND sealed IS NOT NULL ORDER BY id FOR NO KEY UPDATE SKIP LOCKED"
    );
    let mut due = Vec::new();
    for row in &db.rows(&sql, typed![host => INT8, hashes => BYTEA_ARRAY])? {
        due.push((uint(row.try_get(4)?), DueToken::from_row(row)?));
    }
    let place = |token: &DueToken| fingerprints.iter().position(|named| *named == token.token.fingerprint);
    due.sort_by_cached_key(|(_, token)| place(token));
    Ok(due)
}

/// A batch that is about to be inserted.
struct NewBatch<'a> {
    request: &'a BatchRequest<'a>,
    quota: i64,
    group: Group,
    owner: &'a str,
}

fn insert(
    tx: &mut Tx<'_>,
    new: &NewBatch<'_>,
    due: &[DueToken],
    (at, reading): (Timestamp, ClockReading),
) -> PgResult<BatchId> {
    let (now, request) = (reading.wall, new.request);
    let lease = now.saturating_add(millis(request.lease));
    let (charged, group, call) = (request.charged(), int(new.group), request.call());
    let inserted = tx.db.returning(
        INSERT_BATCH,
        typed![
            new.quota => INT8, charged => BOOL, new.owner => TEXT, group => INT8, now => INT8, lease => INT8, call => TEXT
        ],
    )?;
    let batch: i64 = inserted.first().ok_or(PgError::Raced)?.try_get(0)?;
    let tokens: Vec<i64> = due.iter().map(|due| due.id).collect();
    if !tokens.is_empty() {
        tx.db.execute(SET_IN_FLIGHT, typed![tokens => INT8_ARRAY, batch => INT8, now => INT8])?;
    }
    attempts::insert(&mut tx.db, (new.quota, uint(batch)), &tokens, now)?;
    anchor(tx, at)?;
    retries::tell_intent(tx, uint(batch), at)?;
    Ok(BatchId(uint(batch)))
}

/// Notes the ends of the other chains in this one: what is taken out of one of them later is missed here.
fn anchor(tx: &mut Tx<'_>, at: Timestamp) -> PgResult<()> {
    let heads = tx.unanchored(MOST_ANCHORS)?;
    if !heads.is_empty() {
        let heads =
            heads.into_iter().map(|head| (head.writer, format!("{}:{}", head.seq, head.hash))).collect();
        tx.append(&Event::Anchor { heads }, at);
    }
    Ok(())
}
