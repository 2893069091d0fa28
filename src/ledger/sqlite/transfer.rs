//! Tokens that come from another ledger, or go to one.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::enqueue::record_decision;
use super::{SqliteLedger, carried_quota, grants, keys, quota, rows, trail};
use crate::finding::Confidence;
use crate::ledger::Ledger as _;
use crate::ledger::carried::{CarriedToken, Counted, Portable, Shipment, event, merged};
use crate::ledger::carried_quota::CarriedQuota;
use crate::ledger::decision::Decision;
use crate::ledger::entry::Attempt;
use crate::ledger::error::LedgerError;
use crate::ledger::time::{Now, timestamp};
use crate::revocation::State;
use crate::rule;
use crate::token::{Fingerprint, Kind};

const PAGE: &str =
    "SELECT token.id, (SELECT name FROM host WHERE host.id = token.host), sha256, kind, confidence, rank,
        state, created_at, token.at, location, bytes, told_at, scopes, expires_at,
        by, run, consent, min_confidence, allow_own
    FROM token LEFT JOIN sealed ON sealed.token = token.id LEFT JOIN grants ON grants.token = token.id
    LEFT JOIN decision ON decision.id = token.decision
    WHERE token.id > ?1 AND NOT EXISTS (SELECT 1 FROM damaged_token AS d WHERE d.id = token.id)
    ORDER BY token.id LIMIT ?2";
const FIND: &str =
    "SELECT id, state, batch IS NOT NULL, EXISTS (SELECT 1 FROM damaged_token AS d WHERE d.id = token.id)
    FROM token WHERE host = ?1 AND sha256_prefix = ?2 AND sha256 = ?3";
const INSERT: &str = "INSERT INTO token
    (host, sha256, sha256_prefix, kind, confidence, rank, location, state, created_at, at, decision)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
const UPDATE: &str =
    "UPDATE token SET state = ?2, at = ?3, decision = ?4, bisect_group = 0, failed_in = 0 WHERE id = ?1";
const INSERT_SEALED: &str = "INSERT OR REPLACE INTO sealed (token, bytes) VALUES (?1, ?2)";
const INSERT_GRANTS: &str =
    "INSERT OR IGNORE INTO grants (token, scopes, expires_at, told_at) VALUES (?1, ?2, ?3, ?4)";
/// Without a slot: those of the other ledger are counted apart, see `carried_quota`.
const INSERT_BATCH: &str = "INSERT INTO batch (quota, charged, call, owner, bisect_group, at, lease, slot_at,
        slot_adjusted, verdict, closed_at, status, request_id, decided)
    VALUES (?1, 0, 'revoke', 'another ledger', 0, ?2, ?2, ?2, ?2, ?3, ?2, ?4, ?5, ?6)";
const INSERT_ATTEMPT: &str = "INSERT INTO attempt (token, batch, tries) VALUES (?1, ?2, ?3)";

impl Portable for SqliteLedger {
    fn carried(&self, after: u64, limit: usize) -> Result<Vec<CarriedToken>, LedgerError> {
        let mut page: Vec<CarriedToken> = self.read(|db| {
            db.prepare_cached(PAGE)?
                .query_map(params![rows::number(after), rows::number(limit)], from_row)?
                .collect::<Result<_, _>>()
        })?;
        for token in &mut page {
            token.attempts = self.attempts(&token.host, &token.fingerprint)?;
        }
        Ok(page)
    }

    fn take_in(&mut self, shipment: &Shipment<'_>, now: Now<'_>) -> Result<u64, LedgerError> {
        self.write(|tx, _| take_in(tx, shipment, now()))
    }

    /// A copy of the file has the same id, and is another ledger.
    fn instance(&self) -> Result<String, LedgerError> {
        let id = u128::from_be_bytes(self.read(keys::ledger_id)?);
        Ok(format!("{id:032x}@{}", self.path.display()))
    }

    fn carried_quota(&self, of: Counted<'_>, now: Now<'_>) -> Result<CarriedQuota, LedgerError> {
        self.snapshot(|db| carried_quota::carried(db, of, now()))
    }

    fn take_quota(
        &mut self,
        of: Counted<'_>,
        carried: &CarriedQuota,
        source: &str,
        now: Now<'_>,
    ) -> Result<(), LedgerError> {
        self.write(|tx, _| carried_quota::take(tx, of, carried, source, now()))
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<CarriedToken> {
    Ok(CarriedToken {
        number: row.get(0)?,
        host: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
        fingerprint: Fingerprint(row.get(2)?),
        kind: rule::kind(row.get_ref(3)?.as_str()?).unwrap_or(Kind::OTHER),
        confidence: confidence(row.get_ref(4)?.as_str()?),
        rank: row.get(5)?,
        state: State::from_word(row.get_ref(6)?.as_str()?).unwrap_or(State::Refused),
        created_at: timestamp(row.get(7)?),
        at: timestamp(row.get(8)?),
        location: row.get(9)?,
        sealed: row.get(10)?,
        grants: grants::from_row(row, 11)?,
        decision: decision(row)?,
        attempts: Vec::new(),
    })
}

fn decision(row: &Row<'_>) -> rusqlite::Result<Option<Decision>> {
    let Some(by) = row.get(14)? else { return Ok(None) };
    Ok(Some(Decision {
        by,
        run: row.get(15)?,
        consent: row.get(16)?,
        min_confidence: confidence(row.get_ref(17)?.as_str()?),
        allow_own: row.get(18)?,
    }))
}

/// A level by its word; the one of which the least follows where there is no such word.
fn confidence(word: &str) -> Confidence {
    Confidence::from_word(word).unwrap_or(Confidence::Lookalike)
}

/// Writes down tokens of another ledger, with one record in the trail.
fn take_in(db: &Connection, shipment: &Shipment<'_>, at: Timestamp) -> rusqlite::Result<u64> {
    let host = rows::ensure_host(db, shipment.host)?;
    let (quota, _) = quota::ensure(db, host, shipment.identity)?;
    let (mut changed, mut forgotten) = (Vec::new(), Vec::new());
    for token in shipment.tokens {
        let prefix = rows::prefix_of(&token.fingerprint);
        let known = db.prepare_cached(FIND)?.query_row(params![host, prefix, token.fingerprint.0], |row| {
            let state = State::from_word(row.get_ref(1)?.as_str()?).unwrap_or(State::Refused);
            Ok((row.get::<_, i64>(0)?, state, row.get::<_, bool>(2)?, row.get::<_, bool>(3)?))
        });
        let decision = token.decision.as_ref().unwrap_or(shipment.by);
        let decision = record_decision(db, decision, rows::millis(token.created_at))?;
        let (id, state) = match known.optional()? {
            // What cannot be believed may have been accepted.
            Some((_, _, _, true)) => continue,
            None => {
                insert(db, host, token, decision)?;
                let id = db.last_insert_rowid();
                insert_attempts(db, (quota, id), token)?;
                (id, token.state)
            }
            Some((id, state, in_flight, false)) => {
                let Some(state) = merged(state, in_flight, token.state) else { continue };
                db.prepare_cached(UPDATE)?.execute(params![
                    id,
                    state.as_str(),
                    rows::millis(token.at),
                    decision
                ])?;
                (id, state)
            }
        };
        changed.push((token.fingerprint, state));
        match &token.sealed {
            Some(sealed) if state.keeps_text() => {
                db.prepare_cached(INSERT_SEALED)?.execute(params![id, sealed])?;
            }
            _ => forgotten.push(id),
        }
        if let Some(grants) = &token.grants {
            let scopes = grants.scopes.as_ref().map(|scopes| scopes.join(" "));
            let expires_at = grants.expires_at.map(Timestamp::as_millisecond);
            db.prepare_cached(INSERT_GRANTS)?.execute(params![id, scopes, expires_at, rows::millis(at)])?;
        }
    }
    if !changed.is_empty() {
        trail::append(db, &event(shipment, &changed), at)?;
        rows::erase(db, &forgotten, None, at)?;
    }
    Ok(changed.len() as u64)
}

fn insert(db: &Connection, host: i64, token: &CarriedToken, decision: i64) -> rusqlite::Result<()> {
    db.prepare_cached(INSERT)?.execute(params![
        host,
        token.fingerprint.0,
        rows::prefix_of(&token.fingerprint),
        token.kind.rule_id(),
        token.confidence.as_str(),
        token.rank,
        token.location,
        token.state.as_str(),
        rows::millis(token.created_at),
        rows::millis(token.at),
        decision
    ])?;
    Ok(())
}

fn insert_attempts(db: &Connection, (quota, id): (i64, i64), token: &CarriedToken) -> rusqlite::Result<()> {
    for Attempt { at, tries, verdict, status, request_id, .. } in &token.attempts {
        let verdict = if verdict == "open" { "lost" } else { verdict };
        let decided = !token.state.pending();
        db.prepare_cached(INSERT_BATCH)?.execute(params![
            quota,
            rows::millis(*at),
            verdict,
            status,
            request_id,
            decided
        ])?;
        db.prepare_cached(INSERT_ATTEMPT)?.execute(params![id, db.last_insert_rowid(), tries])?;
    }
    Ok(())
}
