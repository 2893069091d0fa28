//! States that no answer gave.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::owner::Owner;
use super::rows;
use crate::ledger::audit::{Digest, Event};
use crate::ledger::{Selection, StateChange};
use crate::revocation::State;
use crate::token::{Fingerprint, Kind};

const FIND: &str =
    "SELECT token.id, sha256, state, token.batch, owner FROM token LEFT JOIN batch ON batch.id = token.batch
    WHERE host = ?1 AND head = ?2 AND sha256 = ?3";
const MARK: &str = "UPDATE token SET state = ?2, at = ?3, batch = NULL, suspect = 0 WHERE id = ?1";
const FORGET: &str = "DELETE FROM attempt WHERE token = ?1 AND batch = ?2";

pub(super) fn change(
    db: &Connection,
    owner: &Owner,
    mark: &StateChange<'_>,
    at: Timestamp,
) -> rusqlite::Result<u64> {
    let Some(host) = rows::host(db, mark.host)? else { return Ok(0) };
    let found = match mark.pick {
        Selection::Tokens(tokens) => listed(db, owner, host, mark, tokens)?,
        Selection::KindsBut(kinds) => others(db, host, kinds)?,
    };
    let mut digest = Digest::default();
    let mut erased = Vec::new();
    let mut update = db.prepare_cached(MARK)?;
    for (id, fingerprint, state) in found {
        if !state.may_become(mark.state) {
            continue;
        }
        update.execute(params![id, mark.state.as_str(), rows::millis(at)])?;
        digest.add(&fingerprint);
        if state.pending() {
            erased.push(id);
        }
    }
    let count = digest.count();
    if count > 0 {
        let (digest, tokens) = digest.finish();
        let (host, reason) = (mark.host.into(), mark.reason.into());
        rows::record(
            db,
            &Event::StateChange { host, state: mark.state.as_str(), reason, count, digest, tokens },
            at,
        )?;
        rows::erase(db, &erased, None, at)?;
    }
    Ok(count)
}

/// A token's row, fingerprint and state.
type Found = (i64, Fingerprint, State);

/// The tokens that wait and are of none of these kinds.
fn others(db: &Connection, host: i64, kinds: &[Kind]) -> rusqlite::Result<Vec<Found>> {
    let (due, kinds) = (rows::DUE, rows::kind_list(kinds));
    db.prepare(&format!("SELECT id, sha256, state FROM token WHERE {due} AND kind NOT IN ({kinds})"))?
        .query_map([host], |row| {
            let state: String = row.get(2)?;
            Ok((row.get(0)?, Fingerprint(row.get(1)?), State::from_word(&state).unwrap_or(State::Refused)))
        })?
        .collect()
}

/// The listed tokens that nobody else has in flight; those the caller has in flight are taken out of their batch.
fn listed(
    db: &Connection,
    owner: &Owner,
    host: i64,
    mark: &StateChange<'_>,
    tokens: &[Fingerprint],
) -> rusqlite::Result<Vec<Found>> {
    let mut find = db.prepare_cached(FIND)?;
    let mut found = Vec::new();
    for fingerprint in tokens {
        let row = find.query_row(params![host, rows::head_of(fingerprint), fingerprint.0], |row| {
            Ok((
                row.get(0)?,
                row.get::<_, String>(2)?,
                row.get::<_, Option<i64>>(3)?,
                row.get::<_, Option<String>>(4)?,
            ))
        });
        let Some((id, state, batch, holder)) = row.optional()? else { continue };
        let Some(state) = State::from_word(&state).filter(|state| state.may_become(mark.state)) else {
            continue;
        };
        if let Some(batch) = batch {
            if holder.as_deref() != owner.known_name() {
                continue;
            }
            db.prepare_cached(FORGET)?.execute([id, batch])?;
        }
        found.push((id, *fingerprint, state));
    }
    Ok(found)
}
