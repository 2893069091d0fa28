//! State changes outside of any batch.

use jiff::Timestamp;

use super::db::{Db, typed};
use super::error::PgResult;
use super::queue::DUE;
use super::rows;
use super::transaction::Tx;
use crate::ledger::audit::{Digest, Event};
use crate::ledger::change::{Selection, StateChange};
use crate::ledger::owner::Owner;
use crate::revocation::State;
use crate::token::{Fingerprint, Kind};

const FIND: &str = "SELECT token.id, sha256, state, token.batch, owner, has_text FROM stanch.token
    LEFT JOIN stanch.batch ON batch.id = token.batch
    WHERE host = $1 AND sha256 = ANY($2) ORDER BY token.id FOR NO KEY UPDATE OF token";
const SET_STATE: &str =
    "UPDATE stanch.token SET state = $2, at = $3, batch = NULL, bisect_group = 0, failed_in = 0
    WHERE id = ANY($1)";
const DELETE_ATTEMPTS: &str =
    "DELETE FROM stanch.attempt USING unnest($1::bigint[], $2::bigint[]) AS old (token, batch)
    WHERE attempt.token = old.token AND attempt.batch = old.batch";

/// A token that is selected: its row id and its fingerprint.
type Selected = (i64, Fingerprint);

/// Changes the state of the selected tokens, and returns how many changed.
pub(super) fn change_state(tx: &mut Tx<'_>, owner: &Owner, change: &StateChange<'_>) -> PgResult<u64> {
    let Some(host) = rows::host(&mut tx.db, change.host)? else { return Ok(0) };
    let tokens = match change.selection {
        Selection::Tokens(tokens) => listed(&mut tx.db, owner, host, change, tokens)?,
        Selection::KindsExcept(kinds) => other_kinds(&mut tx.db, host, change, kinds)?,
    };
    if tokens.is_empty() {
        return Ok(0);
    }
    let (at, _) = tx.clock()?;
    let StateChange { host, state, reason, .. } = *change;
    set_state(tx, &tokens, (host, state, reason), at)
}

/// Gives tokens a state for a reason, takes them out of their batches, erases their texts where the state keeps none, and
/// records it in the trail; returns how many they are.
pub(super) fn set_state(
    tx: &mut Tx<'_>,
    tokens: &[Selected],
    (host, state, reason): (&str, State, &str),
    at: Timestamp,
) -> PgResult<u64> {
    let ids: Vec<i64> = tokens.iter().map(|(id, _)| *id).collect();
    tx.db
        .execute(SET_STATE, typed![ids => INT8_ARRAY, state.as_str() => TEXT, at.as_millisecond() => INT8])?;
    let mut digest = Digest::default();
    for (_, fingerprint) in tokens {
        digest.add(fingerprint);
    }
    let count = digest.count();
    if count > 0 {
        let (digest, listed) = digest.finish();
        let (host, reason, word) = (host.to_owned(), reason.to_owned(), state.as_str());
        tx.append(&Event::StateChange { host, state: word, reason, count, digest, tokens: listed }, at);
        if !state.keeps_text() {
            rows::erase(tx, &ids, None, at)?;
        }
    }
    Ok(count)
}

/// Whether a token in this state, with its sealed text or without, may come to the new one.
fn may_change(state: State, has_text: bool, change: &StateChange<'_>) -> bool {
    state.may_become(change.state) && (!change.state.pending() || has_text)
}

/// The tokens that could be sent now and are of none of these kinds.
fn other_kinds(
    db: &mut Db<'_>,
    host: i64,
    change: &StateChange<'_>,
    kinds: &[Kind],
) -> PgResult<Vec<Selected>> {
    let sql = format!(
        "SELECT id, sha256, state, has_text FROM stanch.token WHERE {DUE} AND kind <> ALL($2)
         ORDER BY id FOR NO KEY UPDATE"
    );
    let kinds = rows::rule_ids(kinds);
    let mut selected = Vec::new();
    for row in &db.rows(&sql, typed![host => INT8, kinds => TEXT_ARRAY])? {
        let state = State::from_word(row.try_get(2)?).unwrap_or(State::Refused);
        if may_change(state, row.try_get(3)?, change) {
            selected.push((row.try_get(0)?, rows::fingerprint(row.try_get(1)?)?));
        }
    }
    Ok(selected)
}

/// The listed tokens that no other owner has in flight; those the caller has in flight are taken out of their batch.
fn listed(
    db: &mut Db<'_>,
    owner: &Owner,
    host: i64,
    change: &StateChange<'_>,
    tokens: &[Fingerprint],
) -> PgResult<Vec<Selected>> {
    let hashes: Vec<&[u8]> = tokens.iter().map(|fingerprint| fingerprint.0.as_slice()).collect();
    let (mut found, mut left) = (Vec::new(), (Vec::new(), Vec::new()));
    for row in &db.rows(FIND, typed![host => INT8, hashes => BYTEA_ARRAY])? {
        let id: i64 = row.try_get(0)?;
        let (state, has_text): (&str, bool) = (row.try_get(2)?, row.try_get(5)?);
        let Some(state) = State::from_word(state).filter(|state| state.may_become(change.state)) else {
            continue;
        };
        if let Some(batch) = row.try_get::<_, Option<i64>>(3)? {
            if row.try_get::<_, Option<&str>>(4)? != owner.name_if_any() {
                continue;
            }
            left.0.push(id);
            left.1.push(batch);
        }
        if may_change(state, has_text, change) {
            found.push((id, rows::fingerprint(row.try_get(1)?)?));
        }
    }
    if !left.0.is_empty() {
        db.execute(DELETE_ATTEMPTS, typed![left.0 => INT8_ARRAY, left.1 => INT8_ARRAY])?;
    }
    // In the order in which they were named, which is that of the digest.
    let place = |token: &Fingerprint| tokens.iter().position(|named| named == token);
    if found.len() <= MOST_SORTED {
        found.sort_by_cached_key(|(_, token)| place(token));
    }
    Ok(found)
}

/// Of more than these no order is kept: the trail lists none of them by name.
const MOST_SORTED: usize = crate::revocation::MAX_BATCH;
