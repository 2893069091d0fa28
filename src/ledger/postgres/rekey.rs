//! A new key for a ledger that machines share.
//!
//! First the new public key becomes the one that is sealed to, in a transaction of its own: from then on runners seal to it, and
//! who drains needs both private keys. Then what waits is sealed anew, a page a transaction, while others go on; a crash leaves
//! some texts under the old key, and the same command goes on with them. When none is left, the old key may go.
//!
//! What waits under a key whose private half was not named is no loss, but a wrong command: nothing is changed then. Held back is
//! only what does not open with the key that it is sealed to.

use std::collections::BTreeMap;

use super::PostgresLedger;
use super::db::{int, typed, uint};
use super::error::PgResult;
use super::{change, check, keys, rows};
use crate::ledger::Ledger as _;
use crate::ledger::audit::Event;
use crate::ledger::care::Rekeyed;
use crate::ledger::error::LedgerError;
use crate::ledger::seal::{KeyId, KeyRing, Opener, PublicKey, Sealer, key_id_of};
use crate::ledger::time::Now;
use crate::revocation::State;
use crate::token::{Fingerprint, Kind};

/// How many texts a transaction seals anew.
const PAGE: usize = 1000;

const NEXT: &str =
    "SELECT token.id, sha256, kind, sealed, host.name, state IN ('queued', 'sent') FROM stanch.token
    JOIN stanch.host ON host.id = token.host WHERE token.id > $1 AND sealed IS NOT NULL
    ORDER BY token.id LIMIT $2 FOR NO KEY UPDATE OF token";
/// The id of its key follows the version of a sealed text, see `seal/envelope.rs`.
const WAITING_UNDER: &str = "SELECT count(*) FROM stanch.token
    WHERE state IN ('queued', 'sent') AND substring(sealed FROM 2 FOR 8) = $1";
const RESEAL: &str = "UPDATE stanch.token SET sealed = new.sealed
    FROM unnest($1::bigint[], $2::bytea[]) AS new (id, sealed) WHERE token.id = new.id";
const REASON: &str = "its sealed text could not be opened when the ledger got a new key";

/// A text that is sealed.
struct Text {
    id: i64,
    fingerprint: Fingerprint,
    kind: Kind,
    sealed: Vec<u8>,
    host: String,
    waits: bool,
}

pub(super) fn rekey(ledger: &mut PostgresLedger, by: &str, now: Now<'_>) -> Result<Rekeyed, LedgerError> {
    let Some(path) = ledger.access.new_key.clone() else {
        return Err(LedgerError::NoNewKey { ledger: ledger.description() });
    };
    let (key, ring) = (PublicKey::read(&path)?, ledger.key_ring()?);
    check_named(ledger, &ring, Some(&key))?;
    let known = known_keys(ledger)?;
    ledger.write(now, |tx, _| {
        let (at, _) = tx.clock()?;
        keys::adopt(tx, &key, at.as_millisecond())?;
        tx.append(&Event::Key { key: key.id().to_string() }, at);
        Ok(())
    })?;
    let (mut total, mut after) = (Rekeyed::default(), 0);
    loop {
        let page = ledger.write(now, |tx, _| {
            let texts = next(tx.db.rows(NEXT, typed![after => INT8, int(PAGE) => INT8])?.as_slice())?;
            let Resealed { anew, mut lost } = reseal(&texts, &ring, &key)?;
            // Sealed to another key since it was looked at: whoever has that one opens it.
            lost.retain(|text| !is_elsewhere(text, &ring, &known));
            let (ids, sealed): (Vec<i64>, Vec<Vec<u8>>) = anew.into_iter().unzip();
            if !ids.is_empty() {
                tx.db.execute(RESEAL, typed![ids => INT8_ARRAY, sealed => BYTEA_ARRAY])?;
            }
            let mut held = 0;
            if !lost.is_empty() {
                let (at, _) = tx.clock()?;
                for text in &lost {
                    let tokens = [(text.id, text.fingerprint)];
                    held += change::set_state(tx, &tokens, (&text.host, State::Held, REASON), at)?;
                }
            }
            Ok((texts.last().map(|text| text.id), texts.len(), ids.len() as u64, held))
        })?;
        let (last, len, resealed, held) = page;
        total.resealed += resealed;
        total.held += held;
        after = last.unwrap_or(after);
        if len < PAGE {
            break;
        }
    }
    let Rekeyed { resealed, held } = total;
    ledger.record(&Event::Rekey { by: by.to_owned(), resealed, held }, now)?;
    Ok(total)
}

/// The keys that texts of this ledger may be sealed to.
fn known_keys(ledger: &PostgresLedger) -> Result<Vec<KeyId>, LedgerError> {
    Ok(ledger.public_keys()?.iter().map(PublicKey::id).collect())
}

/// Whether a text waits under a key of the ledger that is not at hand.
fn is_elsewhere(text: &Text, ring: &KeyRing, known: &[KeyId]) -> bool {
    text.waits && key_id_of(&text.sealed).is_some_and(|id| known.contains(&id) && !ring.has(&id))
}

/// Refuses where anything waits under a key of the ledger whose private half was not named, and which is not `new`.
fn check_named(ledger: &PostgresLedger, ring: &KeyRing, new: Option<&PublicKey>) -> Result<(), LedgerError> {
    for id in known_keys(ledger)?.into_iter().filter(|id| !ring.has(id)) {
        if new.is_some_and(|new| new.id() == id) {
            continue;
        }
        let bytes = id.bytes();
        let tokens = ledger
            .connection
            .read(|db| Ok(uint(db.number(WAITING_UNDER, typed![bytes.as_slice() => BYTEA])?)))?;
        if tokens > 0 {
            return Err(LedgerError::KeyNotNamed {
                ledger: ledger.description(),
                key: id.to_string(),
                tokens,
            });
        }
    }
    Ok(())
}

/// How many texts a new key would leave behind: those that do not open with the key that they are sealed to.
pub(super) fn unopenable(ledger: &PostgresLedger) -> Result<u64, LedgerError> {
    let new = ledger.access.new_key.as_deref().map(PublicKey::read).transpose()?;
    let ring = ledger.key_ring()?;
    check_named(ledger, &ring, new.as_ref())?;
    check::unopenable(ledger, new.map(|key| key.id()))
}

fn next(found: &[postgres::Row]) -> PgResult<Vec<Text>> {
    let text = |row: &postgres::Row| {
        Ok(Text {
            id: row.try_get(0)?,
            fingerprint: rows::fingerprint(row.try_get(1)?)?,
            kind: rows::kind(row.try_get(2)?),
            sealed: row.try_get(3)?,
            host: row.try_get(4)?,
            waits: row.try_get(5)?,
        })
    };
    found.iter().map(text).collect()
}

/// What became of some texts.
#[derive(Default)]
struct Resealed<'a> {
    /// Sealed to the new key, by the ids of their tokens.
    anew: Vec<(i64, Vec<u8>)>,
    /// Those that could not be opened.
    lost: Vec<&'a Text>,
}

/// Seals to the new key the texts that are sealed to another one.
fn reseal<'a>(texts: &'a [Text], ring: &KeyRing, key: &PublicKey) -> Result<Resealed<'a>, LedgerError> {
    let mut resealed = Resealed::default();
    // One pair a host: what is costly about it is the agreement on a key.
    let mut pairs: BTreeMap<&str, (Opener, Sealer)> = BTreeMap::new();
    for text in texts.iter().filter(|text| key_id_of(&text.sealed) != Some(key.id())) {
        let host = text.host.as_str();
        let (opener, sealer) = pairs.entry(host).or_insert_with(|| (ring.opener(host), key.sealer(host)));
        match opener.open(text.kind, text.fingerprint, &text.sealed) {
            Ok(token) => resealed.anew.push((text.id, sealer.seal(&token)?)),
            Err(_) => resealed.lost.push(text),
        }
    }
    Ok(resealed)
}
