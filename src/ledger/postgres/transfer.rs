//! Tokens that come from another ledger, or go to one.

use std::collections::HashMap;

use jiff::Timestamp;
use postgres::Row;

use super::db::{Db, int, typed, uint};
use super::enqueue::{record_decision, text};
use super::error::{PgError, PgResult};
use super::transaction::Tx;
use super::{PostgresLedger, carried_quota, grants, rows};
use crate::finding::Confidence;
use crate::ledger::carried::{CarriedToken, Counted, Portable, Shipment, event, merged};
use crate::ledger::carried_quota::CarriedQuota;
use crate::ledger::decision::Decision;
use crate::ledger::entry::{Attempt, BatchId};
use crate::ledger::error::LedgerError;
use crate::ledger::time::{Now, timestamp};
use crate::revocation::State;

const PAGE: &str = "SELECT token.id, host.name, sha256, kind, confidence, rank, state, created_at, token.at, location,
        sealed, told_at, scopes, expires_at, decision.by, run, consent, min_confidence, allow_own
    FROM stanch.token JOIN stanch.host ON host.id = token.host LEFT JOIN stanch.grants ON grants.token = token.id
    LEFT JOIN stanch.decision ON decision.id = token.decision
    WHERE token.id > $1 ORDER BY token.id LIMIT $2";
const ATTEMPTS: &str =
    "SELECT attempt.token, batch.id, batch.at, verdict, status, request_id, tries FROM stanch.attempt
    JOIN stanch.batch ON batch.id = attempt.batch WHERE attempt.token = ANY($1) ORDER BY batch.id";
const FIND: &str = "SELECT id, state, batch IS NOT NULL FROM stanch.token WHERE host = $1 AND sha256 = $2
    FOR NO KEY UPDATE";
const INSERT: &str = "INSERT INTO stanch.token
    (host, sha256, kind, confidence, rank, location, state, created_at, at, decision, sealed)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (host, sha256) DO NOTHING RETURNING id";
const UPDATE: &str =
    "UPDATE stanch.token SET state = $2, at = $3, decision = $4, bisect_group = 0, failed_in = 0,
    sealed = CASE WHEN $6 THEN coalesce($5, sealed) END WHERE id = $1";
const INSERT_GRANTS: &str =
    "INSERT INTO stanch.grants (token, scopes, expires_at, told_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (token) DO NOTHING";
const ENSURE_QUOTA: &str =
    "INSERT INTO stanch.quota (host, identity) VALUES ($1, $2) ON CONFLICT (host, identity) DO NOTHING";
const FIND_QUOTA: &str = "SELECT id FROM stanch.quota WHERE host = $1 AND identity = $2";
/// Without a slot: those of the other ledger are counted apart, see `carried_quota`.
const INSERT_BATCH: &str =
    "INSERT INTO stanch.batch (quota, charged, call, owner, bisect_group, at, lease, slot_at,
        slot_adjusted, verdict, closed_at, status, request_id, decided)
    VALUES ($1, false, 'revoke', 'another ledger', 0, $2, $2, $2, $2, $3, $2, $4, $5, $6) RETURNING id";
const INSERT_ATTEMPT: &str = "INSERT INTO stanch.attempt (token, batch, tries) VALUES ($1, $2, $3)";

impl Portable for PostgresLedger {
    fn carried(&self, after: u64, limit: usize) -> Result<Vec<CarriedToken>, LedgerError> {
        self.connection.read(|db| page(db, after, limit))
    }

    fn take_in(&mut self, shipment: &Shipment<'_>, now: Now<'_>) -> Result<u64, LedgerError> {
        self.write(now, |tx, _| take_in(tx, shipment))
    }

    fn instance(&self) -> Result<String, LedgerError> {
        self.which()
    }

    fn carried_quota(&self, of: Counted<'_>, now: Now<'_>) -> Result<CarriedQuota, LedgerError> {
        self.read_carried(of, now)
    }

    fn take_quota(
        &mut self,
        of: Counted<'_>,
        carried: &CarriedQuota,
        source: &str,
        now: Now<'_>,
    ) -> Result<(), LedgerError> {
        self.write(now, |tx, _| carried_quota::take(tx, of, carried, source))
    }
}

fn page(db: &mut Db<'_>, after: u64, limit: usize) -> PgResult<Vec<CarriedToken>> {
    let found = db.rows(PAGE, typed![int(after) => INT8, int(limit) => INT8])?;
    let mut page: Vec<CarriedToken> = found.iter().map(from_row).collect::<PgResult<_>>()?;
    let ids: Vec<i64> = page.iter().map(|token| int(token.number)).collect();
    let mut attempts: HashMap<u64, Vec<Attempt>> = HashMap::new();
    for row in &db.rows(ATTEMPTS, typed![ids => INT8_ARRAY])? {
        attempts.entry(uint(row.try_get(0)?)).or_default().push(attempt(row)?);
    }
    for token in &mut page {
        token.attempts = attempts.remove(&token.number).unwrap_or_default();
    }
    Ok(page)
}

fn from_row(row: &Row) -> PgResult<CarriedToken> {
    Ok(CarriedToken {
        number: uint(row.try_get(0)?),
        host: row.try_get(1)?,
        fingerprint: rows::fingerprint(row.try_get(2)?)?,
        kind: rows::kind(row.try_get(3)?),
        confidence: confidence(row.try_get(4)?),
        rank: u8::try_from(row.try_get::<_, i16>(5)?).unwrap_or(u8::MAX),
        state: State::from_word(row.try_get(6)?).unwrap_or(State::Refused),
        created_at: timestamp(row.try_get(7)?),
        at: timestamp(row.try_get(8)?),
        location: row.try_get(9)?,
        sealed: row.try_get(10)?,
        grants: grants::from_row(row, 11)?,
        decision: decision(row)?,
        attempts: Vec::new(),
    })
}

fn decision(row: &Row) -> PgResult<Option<Decision>> {
    let Some(by) = row.try_get(14)? else { return Ok(None) };
    Ok(Some(Decision {
        by,
        run: row.try_get(15)?,
        consent: row.try_get(16)?,
        min_confidence: confidence(row.try_get(17)?),
        allow_own: row.try_get(18)?,
    }))
}

fn attempt(row: &Row) -> PgResult<Attempt> {
    let status: Option<i32> = row.try_get(4)?;
    Ok(Attempt {
        batch: BatchId(uint(row.try_get(1)?)),
        at: timestamp(row.try_get(2)?),
        verdict: row.try_get(3)?,
        status: status.and_then(|status| u16::try_from(status).ok()),
        request_id: row.try_get(5)?,
        tries: uint(row.try_get(6)?),
    })
}

/// A level by its word; the one of which the least follows where there is no such word.
fn confidence(word: &str) -> Confidence {
    Confidence::from_word(word).unwrap_or(Confidence::Lookalike)
}

/// Writes down tokens of another ledger, sorted by their fingerprints so that two transactions never wait for each other in a
/// circle, with one record in the trail.
fn take_in(tx: &mut Tx<'_>, shipment: &Shipment<'_>) -> PgResult<u64> {
    let host = rows::ensure_host(&mut tx.db, shipment.host)?;
    let identity = shipment.identity;
    tx.db.execute(ENSURE_QUOTA, typed![host => INT8, identity => TEXT])?;
    let quota = tx.db.number(FIND_QUOTA, typed![host => INT8, identity => TEXT])?;
    let (at, _) = tx.clock()?;
    let mut sorted: Vec<&CarriedToken> = shipment.tokens.iter().collect();
    sorted.sort_by_key(|token| token.fingerprint.0);
    let mut changed = Vec::new();
    for token in sorted {
        let decision = token.decision.as_ref().unwrap_or(shipment.by);
        let decision = record_decision(&mut tx.db, decision, token.created_at.as_millisecond())?;
        let Some((id, state)) = write(&mut tx.db, (host, quota, decision), token)? else { continue };
        changed.push((token.fingerprint, state));
        if let Some(grants) = &token.grants {
            let scopes = grants.scopes.as_ref().map(|scopes| scopes.join(" "));
            let expires_at = grants.expires_at.map(Timestamp::as_millisecond);
            let told_at = at.as_millisecond();
            tx.db.execute(
                INSERT_GRANTS,
                typed![id => INT8, scopes => TEXT, expires_at => INT8, told_at => INT8],
            )?;
        }
    }
    if !changed.is_empty() {
        tx.append(&event(shipment, &changed), at);
    }
    Ok(changed.len() as u64)
}

/// Writes down one token; returns its row and its state, if that changed.
fn write(
    db: &mut Db<'_>,
    (host, quota, decision): (i64, i64, i64),
    token: &CarriedToken,
) -> PgResult<Option<(i64, State)>> {
    let (hash, at) = (token.fingerprint.0.as_slice(), token.at.as_millisecond());
    let sealed = |state: State| token.sealed.as_deref().filter(|_| state.keeps_text());
    let Some(row) = db.row(FIND, typed![host => INT8, hash => BYTEA])? else {
        let (kind, confidence, rank) =
            (token.kind.rule_id(), token.confidence.as_str(), i16::from(token.rank));
        let (location, state) = (text(&token.location), token.state.as_str());
        let (created_at, sealed) = (token.created_at.as_millisecond(), sealed(token.state));
        let inserted = db.returning(
            INSERT,
            typed![
                host => INT8, hash => BYTEA, kind => TEXT, confidence => TEXT, rank => INT2, location => TEXT,
                state => TEXT, created_at => INT8, at => INT8, decision => INT8, sealed => BYTEA
            ],
        )?;
        // Somebody else has written it down since.
        let id = inserted.first().ok_or(PgError::Raced)?.try_get(0)?;
        insert_attempts(db, (quota, id), token)?;
        return Ok(Some((id, token.state)));
    };
    let (id, here, in_flight): (i64, &str, bool) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let here = State::from_word(here).unwrap_or(State::Refused);
    let Some(state) = merged(here, in_flight, token.state) else { return Ok(None) };
    let (word, sealed, keeps) = (state.as_str(), sealed(state), state.keeps_text());
    db.execute(
        UPDATE,
        typed![id => INT8, word => TEXT, at => INT8, decision => INT8, sealed => BYTEA, keeps => BOOL],
    )?;
    Ok(Some((id, state)))
}

fn insert_attempts(db: &mut Db<'_>, (quota, id): (i64, i64), token: &CarriedToken) -> PgResult<()> {
    for Attempt { at, tries, verdict, status, request_id, .. } in &token.attempts {
        let (at, tries, status) = (at.as_millisecond(), int(*tries), status.map(i32::from));
        let verdict = if verdict == "open" { "lost" } else { verdict };
        let decided = !token.state.pending();
        let inserted = db.returning(
            INSERT_BATCH,
            typed![
                quota => INT8, at => INT8, verdict => TEXT, status => INT4, request_id => TEXT, decided => BOOL
            ],
        )?;
        let batch: i64 = inserted.first().ok_or(PgError::Raced)?.try_get(0)?;
        db.execute(INSERT_ATTEMPT, typed![id => INT8, batch => INT8, tries => INT8])?;
    }
    Ok(())
}
