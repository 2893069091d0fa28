//! From tokens in the clear to entries of the ledger: the edge at which they are sealed.

use crate::finding::Confidence;
use crate::ledger::{Decision, Enqueued, Entry, Ledger, LedgerError, Now, Sealer};
use crate::revocation::State;
use crate::text::redacted;
use crate::token::Token;

/// The longest location the ledger keeps, in bytes.
const LOCATION_MAX: usize = 1024;

/// A token as an entry of the ledger: sealed if it is to be queued.
pub fn entry(
    sealer: &Sealer,
    token: &Token,
    confidence: Confidence,
    state: State,
    location: &str,
) -> Result<Entry, LedgerError> {
    Ok(Entry {
        fingerprint: token.fingerprint(),
        kind: token.kind(),
        confidence,
        state,
        location: redacted(location, LOCATION_MAX),
        sealed: if state == State::Queued { sealer.seal(token)? } else { Vec::new() },
    })
}

/// Writes entries down as they come, so that a million of them need no room but the ledger's.
/// The first one that could not be made ends it: what came before is queued.
pub fn enqueue(
    ledger: &mut dyn Ledger,
    host: &str,
    decision: &Decision,
    entries: impl IntoIterator<Item = Result<Entry, LedgerError>>,
    now: Now<'_>,
) -> Result<Enqueued, LedgerError> {
    let mut failed = None;
    let mut whole = entries.into_iter().map_while(|entry| entry.map_err(|error| failed = Some(error)).ok());
    let enqueued = ledger.enqueue(host, decision, &mut whole, now)?;
    match failed {
        Some(error) => Err(error),
        None => Ok(enqueued),
    }
}
