//! Queries that change nothing.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use postgres::Row;

use super::db::{Db, typed, uint};
use super::error::PgResult;
use super::{grants, queue, quota, rows};
use crate::ledger::entry::{Attempt, BatchId, Page, SealedToken, TokenRecord};
use crate::ledger::host::{HostEntry, HostStatus, StatusRequest};
use crate::ledger::intent::SELF_REVOKING;
use crate::ledger::time::{ClockReading, timestamp};
use crate::revocation::State;
use crate::token::{Fingerprint, Kind};

/// A partial index is used where its condition is a term of the query's, hence the seemingly idle `state <> 'queued'`
/// (<https://www.postgresql.org/docs/current/indexes-partial.html>).
const COUNTS: &str =
    "SELECT state, count(*) FROM stanch.token WHERE host = $1 AND state <> 'queued' GROUP BY state";
const COUNT: &str = "SELECT count(*) FROM stanch.token WHERE host = $1 AND state = $2 AND state <> 'queued'";
const COUNT_QUEUED: &str = "SELECT count(*) FROM stanch.token
    WHERE host = $1 AND batch IS NULL AND state IN ('queued', 'sent') AND state = 'queued'";
const OLDEST: &str = "SELECT created_at FROM stanch.token
    WHERE host = $1 AND batch IS NULL AND state IN ('queued', 'sent') ORDER BY id LIMIT 1";
const WAITING: &str = "SELECT kind, sum(count)::bigint FROM (
        SELECT kind, count(*) FROM stanch.token WHERE host = $1 AND batch IS NULL AND state IN ('queued', 'sent')
            GROUP BY kind
        UNION ALL
        SELECT kind, count(*) FROM stanch.token WHERE batch IS NOT NULL AND host = $1 AND state IN ('queued', 'sent')
            GROUP BY kind) AS part GROUP BY kind";
const TOKENS: &str = "SELECT sha256, kind, state, at, location,
        (SELECT allow_own FROM stanch.decision WHERE decision.id = token.decision),
        (SELECT request_id FROM stanch.attempt JOIN stanch.batch ON batch.id = attempt.batch
            WHERE attempt.token = token.id ORDER BY batch.id DESC LIMIT 1),
        told_at, scopes, expires_at
    FROM stanch.token LEFT JOIN stanch.grants ON grants.token = token.id WHERE host = $1 AND sha256 = ANY($2)";
const HOSTS: &str = "SELECT name, identity FROM stanch.host LEFT JOIN stanch.quota ON quota.host = host.id
    ORDER BY host.id, quota.id";
const ATTEMPTS: &str = "SELECT batch.id, batch.at, verdict, status, request_id, tries FROM stanch.attempt
    JOIN stanch.batch ON batch.id = attempt.batch JOIN stanch.token ON token.id = attempt.token
    WHERE token.host = $1 AND sha256 = $2 ORDER BY batch.id";

pub(super) fn due(db: &mut Db<'_>, host: &str, kinds: &[Kind], page: Page) -> PgResult<Vec<SealedToken>> {
    let Some(host) = rows::host(db, host)? else { return Ok(Vec::new()) };
    let Some(next) = queue::next(db, host, kinds, page.limit)? else { return Ok(Vec::new()) };
    let due = queue::page(db, (host, next.group), kinds, page, false)?;
    Ok(due.into_iter().map(|due| due.token).collect())
}

/// The status of a host, without the ledger's description. Its times are those of the server's clock.
pub(super) fn host_status(db: &mut Db<'_>, request: &StatusRequest<'_>, now: i64) -> PgResult<HostStatus> {
    let now = ClockReading { wall: now, uptime: None };
    let mut status = HostStatus::empty("", request.host, request.per_hour);
    let Some(host) = rows::host(db, request.host)? else { return Ok(status) };
    for row in &db.rows(COUNTS, typed![host => INT8])? {
        let state = State::from_word(row.try_get(0)?).unwrap_or(State::Refused);
        *status.counter(state) += uint(row.try_get(1)?);
    }
    status.queued = uint(db.number(COUNT_QUEUED, typed![host => INT8])?);
    let oldest = db.row(OLDEST, typed![host => INT8])?;
    status.oldest = oldest.map(|row| row.try_get(0)).transpose()?.map(timestamp);
    if let Some(mut stored) = quota::find(db, host, request.identity)? {
        let quota = &mut stored.quota;
        quota.observe_clock(now);
        status.requests_last_hour = quota.used(now);
        status.limit = quota.limit(request.per_hour, now);
        let blocked = quota.blocked(request.per_hour, 0, now);
        status.next_slot = blocked.map(|(until, _)| timestamp(until));
        status.wait_reason = blocked.map(|(_, reason)| reason);
    }
    Ok(status)
}

/// How many tokens of each kind wait, or were sent without a known response.
pub(super) fn waiting(db: &mut Db<'_>, host: &str) -> PgResult<BTreeMap<Kind, u64>> {
    let mut counts: BTreeMap<Kind, u64> = BTreeMap::new();
    let Some(host) = rows::host(db, host)? else { return Ok(counts) };
    for row in &db.rows(WAITING, typed![host => INT8])? {
        *counts.entry(rows::kind(row.try_get(0)?)).or_default() += uint(row.try_get(1)?);
    }
    Ok(counts)
}

pub(super) fn count(db: &mut Db<'_>, host: &str, state: State) -> PgResult<u64> {
    let Some(host) = rows::host(db, host)? else { return Ok(0) };
    let count = match state {
        State::Queued => db.number(COUNT_QUEUED, typed![host => INT8]),
        state => db.number(COUNT, typed![host => INT8, state.as_str() => TEXT]),
    };
    count.map(uint)
}

pub(super) fn hosts(db: &mut Db<'_>) -> PgResult<Vec<HostEntry>> {
    let mut hosts: Vec<HostEntry> = Vec::new();
    for row in &db.rows(HOSTS, &[])? {
        let (host, identity): (String, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
        let identity = identity.filter(|identity| identity != SELF_REVOKING);
        match hosts.last_mut() {
            Some(last) if last.host == host => last.identities.extend(identity),
            _ => hosts.push(HostEntry { host, identities: identity.into_iter().collect() }),
        }
    }
    Ok(hosts)
}

/// What is known of tokens, in their order.
pub(super) fn tokens(
    db: &mut Db<'_>,
    host: &str,
    fingerprints: &[Fingerprint],
) -> PgResult<Vec<Option<TokenRecord>>> {
    let Some(host) = rows::host(db, host)? else { return Ok(vec![None; fingerprints.len()]) };
    let hashes: Vec<&[u8]> = fingerprints.iter().map(|fingerprint| fingerprint.0.as_slice()).collect();
    let mut known: HashMap<Fingerprint, TokenRecord> = HashMap::new();
    for row in &db.rows(TOKENS, typed![host => INT8, hashes => BYTEA_ARRAY])? {
        known.insert(rows::fingerprint(row.try_get(0)?)?, record(row)?);
    }
    Ok(fingerprints.iter().map(|fingerprint| known.get(fingerprint).cloned()).collect())
}

fn record(row: &Row) -> PgResult<TokenRecord> {
    Ok(TokenRecord {
        kind: rows::kind(row.try_get(1)?),
        state: State::from_word(row.try_get(2)?).unwrap_or(State::Refused),
        at: timestamp(row.try_get(3)?),
        location: row.try_get(4)?,
        own_allowed: row.try_get::<_, Option<bool>>(5)?.unwrap_or_default(),
        request_id: row.try_get(6)?,
        grants: grants::from_row(row, 7)?,
    })
}

pub(super) fn attempts(db: &mut Db<'_>, host: &str, fingerprint: &Fingerprint) -> PgResult<Vec<Attempt>> {
    let Some(host) = rows::host(db, host)? else { return Ok(Vec::new()) };
    let sha256 = fingerprint.0.as_slice();
    let found = db.rows(ATTEMPTS, typed![host => INT8, sha256 => BYTEA])?;
    let attempt = |row: &Row| {
        let at: Timestamp = timestamp(row.try_get(1)?);
        let status: Option<i32> = row.try_get(3)?;
        Ok(Attempt {
            batch: BatchId(uint(row.try_get(0)?)),
            at,
            verdict: row.try_get(2)?,
            status: status.and_then(|status| u16::try_from(status).ok()),
            request_id: row.try_get(4)?,
            tries: uint(row.try_get(5)?),
        })
    };
    found.iter().map(attempt).collect()
}
