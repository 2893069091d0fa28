//! A new key for a ledger.
//!
//! Key and ledger are two files, and no crash may leave one of them without the other: the new key is written beside the
//! old one, the texts are sealed anew and the key's check changed in one transaction, and then the new key takes the place
//! of the old. A crash in between leaves a ledger whose key waits under its other name, where the next opening finds it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::change::{NewState, set_state};
use super::keys::{self, Openers};
use super::{SqliteLedger, files, trail};
use crate::ledger::audit::Event;
use crate::ledger::care::Rekeyed;
use crate::ledger::error::LedgerError;
use crate::ledger::seal::{LedgerId, SealingKey};
use crate::ledger::time::Now;
use crate::revocation::State;
use crate::rule;
use crate::token::{Fingerprint, Kind};

const SEALED: &str =
    "SELECT token.id, host.name, sha256, kind, bytes, token.id IN (SELECT id FROM damaged_token) FROM token
    JOIN host ON host.id = token.host LEFT JOIN sealed ON sealed.token = token.id
    WHERE bytes IS NOT NULL OR state IN ('queued', 'sent') OR token.id IN (SELECT id FROM damaged_token)";
const RESEAL: &str = "UPDATE sealed SET bytes = ?2 WHERE token = ?1";
const REASON: &str =
    "its row was damaged, or its sealed text could not be opened, when the ledger got a new key";

pub(super) fn rekey(ledger: &mut SqliteLedger, by: &str, now: Now<'_>) -> Result<Rekeyed, LedgerError> {
    if ledger.owner.others_live() {
        return Err(LedgerError::Locked { ledger: ledger.path.display().to_string() });
    }
    let old = keys::key_unless_lost(&ledger.db, &ledger.path)?;
    let key = files::create_next_key(&ledger.path)?;
    let rekeyed = ledger.write(|tx, _| {
        let id = keys::ledger_id(tx)?;
        let old = old.map(|old| Openers::new(old, id));
        if old.is_none() {
            // What the lost key said of the rows is lost with it.
            keys::adopt(tx, &key)?;
        }
        let rekeyed = reseal(tx, old, (&key, &id), now())?;
        let Rekeyed { resealed, held } = rekeyed;
        trail::append(tx, &Event::Rekey { by: by.to_owned(), resealed, held }, now())?;
        keys::adopt(tx, &key)?;
        Ok(rekeyed)
    });
    // Where it failed, the rows are checked with the old key again.
    ledger.key = if rekeyed.is_ok() { Some(key.id()) } else { keys::install(&ledger.db, &ledger.path)? };
    let rekeyed = rekeyed?;
    files::adopt_next_key(&ledger.path)?;
    Ok(rekeyed)
}

/// Seals every text anew; what cannot be opened, and what waits without a text, is held.
fn reseal(
    db: &Connection,
    mut old: Option<Openers>,
    (key, ledger): (&SealingKey, &LedgerId),
    at: Timestamp,
) -> rusqlite::Result<Rekeyed> {
    let mut find = db.prepare(SEALED)?;
    let mut found = find.query([])?;
    let mut anew: Vec<(i64, Vec<u8>)> = Vec::new();
    let mut lost: BTreeMap<String, Vec<(i64, Fingerprint)>> = BTreeMap::new();
    while let Some(row) = found.next()? {
        let (id, fingerprint) = (row.get(0)?, Fingerprint(row.get(2).unwrap_or_default()));
        let damaged: bool = row.get(5)?;
        let kind = rule::kind(row.get_ref(3)?.as_str()?).unwrap_or(Kind::OTHER);
        let (host, text) = (row.get_ref(1)?.as_str()?, row.get_ref(4)?.as_blob_or_null()?);
        let token = if damaged {
            None
        } else {
            old.as_mut().zip(text).and_then(|(old, text)| old.open(host, (kind, fingerprint), text).ok())
        };
        let Some(token) = token else {
            lost.entry(host.to_owned()).or_default().push((id, fingerprint));
            continue;
        };
        let sealed = key.sealer(ledger, host).seal(&token);
        anew.push((id, sealed.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?));
    }
    drop(found);
    for (id, sealed) in &anew {
        db.prepare_cached(RESEAL)?.execute(params![id, sealed])?;
    }
    let mut held = 0;
    for (host, tokens) in lost {
        let new = NewState { host: &host, state: State::Held, reason: REASON };
        held += set_state(db, &tokens, &new, at)?;
    }
    Ok(Rekeyed { resealed: anew.len() as u64, held })
}
