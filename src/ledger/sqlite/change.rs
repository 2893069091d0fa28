//! State changes outside of any batch.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{queue, rows, trail};
use crate::ledger::audit::{Digest, Event};
use crate::ledger::change::{Selection, StateChange};
use crate::ledger::owner::Owner;
use crate::revocation::State;
use crate::token::{Fingerprint, Kind};

const FIND: &str =
    "SELECT token.id, sha256, state, token.batch, owner FROM token LEFT JOIN batch ON batch.id = token.batch
    WHERE host = ?1 AND sha256_prefix = ?2 AND sha256 = ?3
    AND NOT EXISTS (SELECT 1 FROM damaged_token AS d WHERE d.id = token.id)";
const SET_STATE: &str =
    "UPDATE token SET state = ?2, at = ?3, batch = NULL, bisect_group = 0, failed_in = 0 WHERE id = ?1";
const DELETE_ATTEMPT: &str = "DELETE FROM attempt WHERE token = ?1 AND batch = ?2";

/// Changes the state of the selected tokens, and returns how many changed.
pub(super) fn change_state(
    db: &Connection,
    owner: &Owner,
    change: &StateChange<'_>,
    at: Timestamp,
) -> rusqlite::Result<u64> {
    let Some(host) = rows::host(db, change.host)? else { return Ok(0) };
    let selected = match change.selection {
        Selection::Tokens(tokens) => listed(db, owner, host, change, tokens)?,
        Selection::KindsExcept(kinds) => other_kinds(db, host, kinds)?,
    };
    let mut tokens = Vec::new();
    for (id, fingerprint, state) in selected {
        if state.may_become(change.state) && (!change.state.pending() || has_text(db, id)?) {
            tokens.push((id, fingerprint));
        }
    }
    let StateChange { host, state, reason, .. } = *change;
    set_state(db, &tokens, &NewState { host, state, reason }, at)
}

/// A state that tokens of one host get outside of any batch, and why.
pub(super) struct NewState<'a> {
    pub(super) host: &'a str,
    pub(super) state: State,
    pub(super) reason: &'a str,
}

/// Gives tokens a state, takes them out of their batches, erases their texts where the state keeps none, and records it in
/// the trail; returns how many they are.
pub(super) fn set_state(
    db: &Connection,
    tokens: &[(i64, Fingerprint)],
    new: &NewState<'_>,
    at: Timestamp,
) -> rusqlite::Result<u64> {
    let NewState { host, state, reason } = *new;
    let mut digest = Digest::default();
    let mut update = db.prepare_cached(SET_STATE)?;
    for (id, fingerprint) in tokens {
        update.execute(params![id, state.as_str(), rows::millis(at)])?;
        digest.add(fingerprint);
    }
    let count = digest.count();
    if count > 0 {
        let (digest, listed) = digest.finish();
        let (host, reason, word) = (host.to_owned(), reason.to_owned(), state.as_str());
        let event = Event::StateChange { host, state: word, reason, count, digest, tokens: listed };
        trail::append(db, &event, at)?;
        if !state.keeps_text() {
            let ids: Vec<i64> = tokens.iter().map(|(id, _)| *id).collect();
            rows::erase(db, &ids, None, at)?;
        }
    }
    Ok(count)
}

/// Whether the sealed text is still there: a token without one cannot wait.
fn has_text(db: &Connection, token: i64) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT EXISTS (SELECT 1 FROM sealed WHERE token = ?1)")?
        .query_row([token], |row| row.get(0))
}

/// A token's row id, fingerprint and state.
type Selected = (i64, Fingerprint, State);

/// The tokens that could be sent now and are of none of these kinds.
fn other_kinds(db: &Connection, host: i64, kinds: &[Kind]) -> rusqlite::Result<Vec<Selected>> {
    let (due, whole, kinds) = (queue::DUE, queue::WHOLE, queue::kind_list(kinds));
    db.prepare(&format!(
        "SELECT id, sha256, state FROM token WHERE {due} AND kind NOT IN ({kinds}) AND {whole}"
    ))?
    .query_map([host], |row| {
        let state: String = row.get(2)?;
        Ok((row.get(0)?, Fingerprint(row.get(1)?), State::from_word(&state).unwrap_or(State::Refused)))
    })?
    .collect()
}

/// The listed tokens that no other owner has in flight; those the caller has in flight are taken out of their batch.
fn listed(
    db: &Connection,
    owner: &Owner,
    host: i64,
    change: &StateChange<'_>,
    tokens: &[Fingerprint],
) -> rusqlite::Result<Vec<Selected>> {
    let mut find = db.prepare_cached(FIND)?;
    let mut selected = Vec::new();
    for fingerprint in tokens {
        let row = find.query_row(params![host, rows::prefix_of(fingerprint), fingerprint.0], |row| {
            Ok((
                row.get(0)?,
                row.get::<_, String>(2)?,
                row.get::<_, Option<i64>>(3)?,
                row.get::<_, Option<String>>(4)?,
            ))
        });
        let Some((id, state, batch, holder)) = row.optional()? else { continue };
        let Some(state) = State::from_word(&state).filter(|state| state.may_become(change.state)) else {
            continue;
        };
        if let Some(batch) = batch {
            if holder.as_deref() != owner.name_if_any() {
                continue;
            }
            db.prepare_cached(DELETE_ATTEMPT)?.execute([id, batch])?;
        }
        selected.push((id, *fingerprint, state));
    }
    Ok(selected)
}
