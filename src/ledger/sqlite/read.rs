//! What can be asked without changing anything.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::rows;
use crate::ledger::entry::{Attempt, BatchId, SealedToken, TokenRecord};
use crate::ledger::intent::{BatchRequest, HostStatus, millis, moment};
use crate::ledger::{HostEntry, Page};
use crate::revocation::State;
use crate::token::{Fingerprint, Kind};

const COUNT: &str = "SELECT count(*) FROM token WHERE host = ?1 AND state = ?2 AND state != 'queued'";
/// All that waits; what is queued is in no batch.
const WAITING: &str =
    "SELECT count(*) FROM token WHERE host = ?1 AND batch IS NULL AND state IN ('queued', 'sent')";
const SENT_AND_FREE: &str =
    "SELECT count(*) FROM token WHERE host = ?1 AND state = 'sent' AND state != 'queued'
    AND batch IS NULL";
const KNOWN: &str =
    "SELECT state, at, place, (SELECT request_id FROM attempt JOIN batch ON batch.id = attempt.batch
        WHERE attempt.token = token.id ORDER BY batch.id DESC LIMIT 1)
    FROM token WHERE host = ?1 AND head = ?2 AND sha256 = ?3";
const HOSTS: &str =
    "SELECT name, identity FROM host LEFT JOIN quota ON quota.host = host.id ORDER BY host.id, quota.id";
const ATTEMPTS: &str = "SELECT batch.id, batch.at, verdict, status, request_id FROM attempt
    JOIN batch ON batch.id = attempt.batch JOIN token ON token.id = attempt.token
    WHERE token.host = ?1 AND head = ?2 AND sha256 = ?3 ORDER BY batch.id";
const TRAIL: &str = "SELECT line FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2";

pub(super) fn due(
    db: &Connection,
    host: &str,
    kinds: &[Kind],
    page: Page,
) -> rusqlite::Result<Vec<SealedToken>> {
    let Some(host) = rows::host(db, host)? else { return Ok(Vec::new()) };
    let Some((group, _)) = rows::next_group(db, host, kinds, page.limit)? else { return Ok(Vec::new()) };
    let waiting = rows::waiting(db, host, group, kinds, page)?;
    Ok(waiting.into_iter().map(|waiting| waiting.row).collect())
}

pub(super) fn standing(
    db: &Connection,
    ask: &BatchRequest<'_>,
    at: Timestamp,
) -> rusqlite::Result<HostStatus> {
    let now = rows::millis(at);
    let mut standing = HostStatus::empty("", ask.host, ask.per_hour);
    let Some(host) = rows::host(db, ask.host)? else { return Ok(standing) };
    standing.queued = count_at(db, host, State::Queued)?;
    standing.sent = count_at(db, host, State::Sent)?;
    standing.accepted = count_at(db, host, State::Accepted)?;
    standing.confirmed = count_at(db, host, State::Confirmed)?;
    standing.refused = count_at(db, host, State::Refused)?;
    if let Some((_, mut quota)) = rows::quota(db, host, ask.identity)? {
        quota.observe(now);
        standing.requests_last_hour = quota.used(now);
        standing.limit = quota.limit(ask.per_hour, now);
        let shut = quota.gate(ask.per_hour, millis(ask.min_interval), now);
        standing.next_slot = shut.map(|(until, _)| moment(until));
        standing.shut = shut.map(|(_, why)| why);
    }
    Ok(standing)
}

pub(super) fn count(db: &Connection, host: &str, state: State) -> rusqlite::Result<u64> {
    rows::host(db, host)?.map_or(Ok(0), |host| count_at(db, host, state))
}

fn count_at(db: &Connection, host: i64, state: State) -> rusqlite::Result<u64> {
    let of_host = |sql: &str| db.prepare_cached(sql)?.query_row([host], |row| row.get::<_, u64>(0));
    if state == State::Queued {
        return Ok(of_host(WAITING)?.saturating_sub(of_host(SENT_AND_FREE)?));
    }
    db.prepare_cached(COUNT)?.query_row(params![host, state.as_str()], |row| row.get(0))
}

pub(super) fn hosts(db: &Connection) -> rusqlite::Result<Vec<HostEntry>> {
    let mut parties: Vec<HostEntry> = Vec::new();
    let mut find = db.prepare_cached(HOSTS)?;
    let mut rows = find.query([])?;
    while let Some(row) = rows.next()? {
        let (host, identity): (String, Option<String>) = (row.get(0)?, row.get(1)?);
        match parties.last_mut() {
            Some(party) if party.host == host => party.identities.extend(identity),
            _ => parties.push(HostEntry { host, identities: identity.into_iter().collect() }),
        }
    }
    Ok(parties)
}

pub(super) fn known(
    db: &Connection,
    host: &str,
    fingerprint: &Fingerprint,
) -> rusqlite::Result<Option<TokenRecord>> {
    let Some(host) = rows::host(db, host)? else { return Ok(None) };
    let found = db.prepare_cached(KNOWN)?.query_row(
        params![host, rows::head_of(fingerprint), fingerprint.0],
        |row| {
            let state: String = row.get(0)?;
            Ok(TokenRecord {
                state: State::from_word(&state).unwrap_or(State::Refused),
                at: moment(row.get(1)?),
                place: row.get(2)?,
                request_id: row.get(3)?,
            })
        },
    );
    found.optional()
}

pub(super) fn attempts(
    db: &Connection,
    host: &str,
    fingerprint: &Fingerprint,
) -> rusqlite::Result<Vec<Attempt>> {
    let Some(host) = rows::host(db, host)? else { return Ok(Vec::new()) };
    db.prepare_cached(ATTEMPTS)?
        .query_map(params![host, rows::head_of(fingerprint), fingerprint.0], |row| {
            Ok(Attempt {
                batch: BatchId(row.get(0)?),
                at: moment(row.get(1)?),
                verdict: row.get(2)?,
                status: row.get(3)?,
                request_id: row.get(4)?,
            })
        })?
        .collect()
}

pub(super) fn trail(db: &Connection, after: u64, limit: usize) -> rusqlite::Result<Vec<String>> {
    db.prepare_cached(TRAIL)?
        .query_map(params![rows::number(after), rows::number(limit)], |row| row.get(0))?
        .collect()
}

/// All of them, for the test that looks at their plans.
#[cfg(test)]
pub(super) const QUERIES: [&str; 6] = [COUNT, WAITING, SENT_AND_FREE, KNOWN, ATTEMPTS, TRAIL];
