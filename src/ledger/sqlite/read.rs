//! Queries that change nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{grants, queue, quota, rows};
use crate::ledger::entry::{Attempt, BatchId, Page, SealedToken, TokenRecord};
use crate::ledger::host::{HostEntry, HostStatus, StatusRequest};
use crate::ledger::intent::SELF_REVOKING;
use crate::ledger::time::{ClockReading, timestamp};
use crate::revocation::State;
use crate::rule;
use crate::token::{Fingerprint, Kind};

/// SQLite uses a partial index where its condition is a term of the query's `WHERE`, hence the seemingly idle
/// `state != 'queued'` (<https://www.sqlite.org/partialindex.html>, section 3).
const COUNT: &str = "SELECT count(*) FROM token WHERE host = ?1 AND state = ?2 AND state != 'queued'";
/// All that could be sent now; a queued token is in no batch.
const COUNT_DUE: &str =
    "SELECT count(*) FROM token WHERE host = ?1 AND batch IS NULL AND state IN ('queued', 'sent')";
const COUNT_DUE_AGAIN: &str =
    "SELECT count(*) FROM token WHERE host = ?1 AND state = 'sent' AND state != 'queued'
    AND batch IS NULL";
/// From the index of the hashes alone.
const COUNT_ALL: &str = "SELECT count(*) FROM token WHERE host = ?1";
/// Row ids grow, so the smallest is the first that was written down. Few are looked up one by one in the index of the
/// queue; of many one soon comes where rows are read in their order, without the index (hence the `+`).
const OLDEST_OF_FEW: &str = "SELECT created_at FROM token WHERE id =
    (SELECT min(id) FROM token WHERE host = ?1 AND batch IS NULL AND state IN ('queued', 'sent'))";
const OLDEST_OF_MANY: &str = "SELECT created_at FROM token
    WHERE +host = ?1 AND batch IS NULL AND +state IN ('queued', 'sent') ORDER BY id LIMIT 1";
const FEW: u64 = 20_000;
/// Kind by kind: to group a million rows takes several times as long as to count them.
const WAITING_OF_KIND: &str = "SELECT count(*) FROM token INDEXED BY token_waiting
    WHERE host = ?1 AND kind = ?2 AND state IN ('queued', 'sent')";
const WAITING: &str = "SELECT count(*) FROM token INDEXED BY token_waiting
    WHERE host = ?1 AND state IN ('queued', 'sent')";
/// Without an outer join: SQLite would prepare the statement anew for each value that it is given.
pub(super) const TOKEN: &str = "SELECT kind, state, at, location,
        (SELECT allow_own FROM decision WHERE decision.id = token.decision
            AND NOT EXISTS (SELECT 1 FROM damaged_decision AS d WHERE d.id = decision.id)),
        (SELECT request_id FROM attempt JOIN batch ON batch.id = attempt.batch
            WHERE attempt.token = token.id ORDER BY batch.id DESC LIMIT 1),
        (SELECT told_at FROM grants WHERE grants.token = token.id),
        (SELECT scopes FROM grants WHERE grants.token = token.id),
        (SELECT expires_at FROM grants WHERE grants.token = token.id),
        EXISTS (SELECT 1 FROM damaged_token AS d WHERE d.id = token.id)
    FROM token WHERE host = ?1 AND sha256_prefix = ?2 AND sha256 = ?3";
const HOSTS: &str =
    "SELECT name, identity FROM host LEFT JOIN quota ON quota.host = host.id ORDER BY host.id, quota.id";
const ATTEMPTS: &str = "SELECT batch.id, batch.at, verdict, status, request_id, tries FROM attempt
    JOIN batch ON batch.id = attempt.batch JOIN token ON token.id = attempt.token
    WHERE token.host = ?1 AND sha256_prefix = ?2 AND sha256 = ?3 ORDER BY batch.id";

pub(super) fn due(
    db: &Connection,
    host: &str,
    kinds: &[Kind],
    page: Page,
) -> rusqlite::Result<Vec<SealedToken>> {
    let Some(host) = rows::host(db, host)? else { return Ok(Vec::new()) };
    let Some(next) = queue::next(db, host, kinds, page.limit)? else { return Ok(Vec::new()) };
    let due = queue::page(db, host, next.group, kinds, page)?;
    Ok(due.into_iter().map(|due| due.token).collect())
}

/// What is known of a token whose row, or whose host's, is not what was written: not that it was accepted, in any case.
const NOT_BELIEVED: TokenRecord = TokenRecord {
    kind: Kind::OTHER,
    state: State::Held,
    own_allowed: false,
    at: Timestamp::UNIX_EPOCH,
    request_id: None,
    location: String::new(),
    grants: None,
};

/// The status of a host, without the ledger's description.
pub(super) fn host_status(
    db: &Connection,
    request: &StatusRequest<'_>,
    at: Timestamp,
) -> rusqlite::Result<HostStatus> {
    let now = ClockReading::of(at);
    let mut status = HostStatus::empty("", request.host, request.per_hour);
    let Some(host) = rows::host(db, request.host)? else { return Ok(status) };
    // The rest of a million: to count the queued ones themselves would be to look at each of their rows.
    let mut rest: u64 = db.prepare_cached(COUNT_ALL)?.query_row([host], |row| row.get(0))?;
    for state in State::ALL.into_iter().filter(|state| *state != State::Queued) {
        let count = count_by_id(db, host, state)?;
        *status.counter(state) = count;
        rest = rest.saturating_sub(count);
    }
    status.queued = rest;
    let oldest = if status.waiting() < FEW { OLDEST_OF_FEW } else { OLDEST_OF_MANY };
    status.oldest = db.prepare_cached(oldest)?.query_row([host], |row| row.get(0)).optional()?.map(timestamp);
    if let Some((_, mut quota)) = quota::find(db, host, request.identity)? {
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
pub(super) fn waiting(db: &Connection, host: &str) -> rusqlite::Result<BTreeMap<Kind, u64>> {
    let Some(host) = rows::host(db, host)? else { return Ok(BTreeMap::new()) };
    let mut others: u64 = db.prepare_cached(WAITING)?.query_row([host], |row| row.get(0))?;
    let mut counts: BTreeMap<Kind, u64> = BTreeMap::new();
    let mut find = db.prepare_cached(WAITING_OF_KIND)?;
    for kind in rule::kinds() {
        let count: u64 = find.query_row(params![host, kind.rule_id()], |row| row.get(0))?;
        others = others.saturating_sub(count);
        counts.insert(kind, count);
    }
    // Their kind is what was damaged.
    counts.insert(Kind::OTHER, others);
    counts.retain(|_, count| *count > 0);
    Ok(counts)
}

pub(super) fn count(db: &Connection, host: &str, state: State) -> rusqlite::Result<u64> {
    rows::host(db, host)?.map_or(Ok(0), |host| count_by_id(db, host, state))
}

fn count_by_id(db: &Connection, host: i64, state: State) -> rusqlite::Result<u64> {
    let count = |sql: &str| db.prepare_cached(sql)?.query_row([host], |row| row.get::<_, u64>(0));
    if state == State::Queued {
        return Ok(count(COUNT_DUE)?.saturating_sub(count(COUNT_DUE_AGAIN)?));
    }
    db.prepare_cached(COUNT)?.query_row(params![host, state.as_str()], |row| row.get(0))
}

pub(super) fn hosts(db: &Connection) -> rusqlite::Result<Vec<HostEntry>> {
    let mut hosts: Vec<HostEntry> = Vec::new();
    let mut find = db.prepare_cached(HOSTS)?;
    let mut rows = find.query([])?;
    while let Some(row) = rows.next()? {
        let (host, identity): (String, Option<String>) = (row.get(0)?, row.get(1)?);
        let identity = identity.filter(|identity| identity != SELF_REVOKING);
        match hosts.last_mut() {
            Some(last) if last.host == host => last.identities.extend(identity),
            _ => hosts.push(HostEntry { host, identities: identity.into_iter().collect() }),
        }
    }
    Ok(hosts)
}

pub(super) fn token(
    db: &Connection,
    host: &str,
    fingerprint: &Fingerprint,
) -> rusqlite::Result<Option<TokenRecord>> {
    rows::find_host(db, host)?.map_or(Ok(None), |host| token_of(db, host, fingerprint))
}

/// The token of a host that is known by its id; `changed` where its row is not what was written.
fn token_of(
    db: &Connection,
    (host, changed): (i64, bool),
    fingerprint: &Fingerprint,
) -> rusqlite::Result<Option<TokenRecord>> {
    let found = db.prepare_cached(TOKEN)?.query_row(
        params![host, rows::prefix_of(fingerprint), fingerprint.0],
        |row| {
            if changed || row.get(9)? {
                return Ok(NOT_BELIEVED);
            }
            let state: String = row.get(1)?;
            Ok(TokenRecord {
                kind: rule::kind(row.get_ref(0)?.as_str()?).unwrap_or(Kind::OTHER),
                state: State::from_word(&state).unwrap_or(State::Refused),
                own_allowed: row.get::<_, Option<bool>>(4)?.unwrap_or_default(),
                at: timestamp(row.get(2)?),
                location: row.get(3)?,
                request_id: row.get(5)?,
                grants: grants::from_row(row, 6)?,
            })
        },
    );
    found.optional()
}

pub(super) fn tokens(
    db: &Connection,
    host: &str,
    fingerprints: &[Fingerprint],
) -> rusqlite::Result<Vec<Option<TokenRecord>>> {
    match rows::find_host(db, host)? {
        Some(host) => fingerprints.iter().map(|fingerprint| token_of(db, host, fingerprint)).collect(),
        None => Ok(vec![None; fingerprints.len()]),
    }
}

pub(super) fn attempts(
    db: &Connection,
    host: &str,
    fingerprint: &Fingerprint,
) -> rusqlite::Result<Vec<Attempt>> {
    let Some(host) = rows::host(db, host)? else { return Ok(Vec::new()) };
    db.prepare_cached(ATTEMPTS)?
        .query_map(params![host, rows::prefix_of(fingerprint), fingerprint.0], |row| {
            Ok(Attempt {
                batch: BatchId(row.get(0)?),
                at: timestamp(row.get(1)?),
                verdict: row.get(2)?,
                status: row.get(3)?,
                request_id: row.get(4)?,
                tries: row.get(5)?,
            })
        })?
        .collect()
}

/// All queries whose cost must not grow with the ledger, for the test that looks at their plans.
#[cfg(test)]
pub(super) const QUERIES: [&str; 6] =
    [COUNT, COUNT_DUE, COUNT_DUE_AGAIN, TOKEN, ATTEMPTS, super::trail::PAGE];
