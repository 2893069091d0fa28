//! What must not be forgotten: which tokens wait, which were taken, and when each request left.
//!
//! A ledger sees fingerprints and sealed bytes, never a token. [`SqliteLedger`] is the durable one, [`ModelLedger`] the
//! reference it is held against; both go through the same stories in their tests.
//!
//! # The promises
//!
//! 1. No more than the agreed number of requests leaves in any 3,600 s per host and identity.
//! 2. A token once queued is sent at least once; a token accepted is not sent again by any later run.
//! 3. No request carries more than [`MAX_BATCH`](crate::revocation::MAX_BATCH) tokens, and batches are filled across runs.
//! 4. What the server says about its limit tightens the ledger's own count.
//! 5. The audit trail is append-only, each record holding the hash of the one before.
//!
//! # Why every crash point is safe
//!
//! A process may die, or the power may fail, between any two instructions. A run goes through these points:
//!
//! - *While tokens are queued.* They come in transactions: what is committed waits and will be sent, what is not was
//!   never promised. Finding a token twice changes nothing.
//! - *After asking, before [`Ledger::intend`] has committed.* Nothing left, nothing is written: no slot is lost.
//! - *After `intend` has committed, before the request left.* The slot is spent on nothing, which keeps promise 1;
//!   the tokens carry the batch, and the next run finds its owner gone and sends them again (promise 2).
//! - *While the request is under way, or after the answer came and before [`Ledger::settle`] has committed.* The same:
//!   whether GitHub has the tokens is not known here, and revoking twice does no harm. The slot was written first, so
//!   the second sending takes a slot of its own.
//! - *In the middle of `settle`.* Its transaction holds the states, the erased texts, the halves of a refused batch, what
//!   the server said and the records of the trail: all of it or nothing.
//! - *After `settle`.* Accepted tokens have no sealed text any more: nothing could send them again.
//!
//! A batch is abandoned when its owner is gone. Owners hold a lock on a file of their own beside the ledger, which the
//! operating system releases when the process ends in whatever way: no process number that another one took over,
//! no container whose numbers mean something else, no guess by time. Only a process that is stopped, not dead, outlives
//! its lease; what it says later is still believed where it says that tokens were taken.

mod audit;
mod bisect;
mod entry;
mod error;
mod intent;
#[cfg(test)]
mod model;
#[cfg(test)]
mod model_test;
mod quota;
mod seal;
mod sqlite;

use jiff::Timestamp;

pub use audit::{BrokenTrail, Digest, Event, Head, TOKENS_IN_FULL, Verifier};
pub use entry::{Attempt, BatchId, Enqueued, Entry, SealedToken, TokenRecord};
pub use error::LedgerError;
pub use intent::{
    BatchOutcome, BatchRequest, HostStatus, Intent, Next, Payload, Settled, Settlement, WaitReason,
};
#[cfg(test)]
pub(crate) use model::ModelLedger;
pub use quota::{Heard, WINDOW_MS};
pub use seal::{Broken, Seal};
pub use sqlite::SqliteLedger;
pub use sqlite::ledger_path;

use crate::revocation::State;
use crate::token::{Fingerprint, Kind};

/// Reads the clock. A ledger calls it once it holds its lock, so that the order of the stamps is the order of the
/// changes, however long a process had to wait.
pub type Now<'a> = &'a dyn Fn() -> Timestamp;

/// The tokens a mark is put on.
#[derive(Clone, Copy, Debug)]
pub enum Selection<'a> {
    /// These.
    Tokens(&'a [Fingerprint]),
    /// Those that wait and are of none of these kinds.
    KindsBut(&'a [Kind]),
}

/// A new state for tokens that no answer gave them.
#[derive(Clone, Copy, Debug)]
pub struct StateChange<'a> {
    /// The host whose queue it is.
    pub host: &'a str,
    /// Which tokens.
    pub pick: Selection<'a>,
    /// Their new state, where [`State::may_become`] allows it; others are passed over.
    pub state: State,
    /// Why, for the audit trail.
    pub reason: &'a str,
}

/// A memory of tokens and requests that outlives the process. One handle is one owner of batches.
///
/// Few methods, each one transaction: a backend on another database has to keep nothing in step between them.
pub trait Ledger {
    /// Writes tokens down, each once a host. Known ones keep their history; what was set aside is queued if now asked for.
    fn enqueue(
        &mut self,
        host: &str,
        entries: &mut dyn Iterator<Item = Entry>,
        now: Now<'_>,
    ) -> Result<Enqueued, LedgerError>;

    /// Asks for the next request: takes a slot and a batch, both durable when this returns [`Next::Send`].
    /// Batches of owners that are gone are taken over first.
    fn intend(&mut self, ask: &BatchRequest<'_>, now: Now<'_>) -> Result<Next, LedgerError>;

    /// Writes down what came of a batch. An owner that was given up is believed only where tokens were taken.
    fn settle(
        &mut self,
        batch: BatchId,
        settlement: &Settlement,
        now: Now<'_>,
    ) -> Result<Settled, LedgerError>;

    /// Gives tokens a state that no answer gave them, and returns how many took it.
    /// A token taken out of the caller's own open batch is not touched by that batch's answer.
    fn mark(&mut self, mark: &StateChange<'_>, now: Now<'_>) -> Result<u64, LedgerError>;

    /// Up to `limit` tokens of these kinds that could be sent now, in the order of the queue, behind `skip` others.
    fn due(&self, host: &str, kinds: &[Kind], page: Page) -> Result<Vec<SealedToken>, LedgerError>;

    /// Where a host and identity stand.
    fn standing(&self, ask: &BatchRequest<'_>, now: Now<'_>) -> Result<HostStatus, LedgerError>;

    /// How many tokens of a host are in a state.
    fn count(&self, host: &str, state: State) -> Result<u64, LedgerError>;

    /// Every host that anything was ever queued for.
    fn hosts(&self) -> Result<Vec<HostEntry>, LedgerError>;

    /// What is known of a token.
    fn known(&self, host: &str, fingerprint: &Fingerprint) -> Result<Option<TokenRecord>, LedgerError>;

    /// What is known of many tokens, in their order.
    fn known_of(&self, host: &str, tokens: &[Fingerprint]) -> Result<Vec<Option<TokenRecord>>, LedgerError> {
        tokens.iter().map(|token| self.known(host, token)).collect()
    }

    /// Every request a token was in, oldest first.
    fn attempts(&self, host: &str, fingerprint: &Fingerprint) -> Result<Vec<Attempt>, LedgerError>;

    /// Adds a record to the audit trail.
    fn record(&mut self, event: &Event, now: Now<'_>) -> Result<(), LedgerError>;

    /// Up to `limit` records of the trail behind number `after`, as JSON lines.
    fn trail(&self, after: u64, limit: usize) -> Result<Vec<String>, LedgerError>;

    /// The end of the trail, as the ledger remembers it apart from the records.
    fn head(&self) -> Result<Head, LedgerError>;
}

/// A host, and who has sent something to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostEntry {
    /// The API host.
    pub host: String,
    /// Whose requests were counted there; empty where none left yet.
    pub identities: Vec<String>,
}

/// A stretch of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many to pass over.
    pub skip: usize,
    /// How many to give at the most.
    pub limit: usize,
}

/// How many records are read at a time: a long export must not lock out those who write.
const TRAIL_PAGE: usize = 256;

/// Hands every record of the trail to `take`, oldest first.
pub fn export<E: From<LedgerError>>(
    ledger: &dyn Ledger,
    mut take: impl FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    let mut after = 0;
    loop {
        let page = ledger.trail(after, TRAIL_PAGE)?;
        for line in &page {
            take(line)?;
            after += 1;
        }
        if page.len() < TRAIL_PAGE {
            return Ok(());
        }
    }
}

/// Why a trail could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum TrailError {
    /// It does not hold.
    #[error(transparent)]
    Broken(#[from] BrokenTrail),
    /// It could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Checks the whole trail: every hash, every link, and that nothing is missing at its end.
pub fn verify(ledger: &dyn Ledger) -> Result<Head, TrailError> {
    // Read before the walk: what others append meanwhile lies behind it.
    let end = ledger.head()?;
    let mut verifier = Verifier::default();
    export(ledger, |line| {
        if verifier.head().seq == end.seq {
            verifier.ends_at(&end)?;
        }
        Ok::<(), TrailError>(verifier.check(line)?)
    })?;
    if verifier.head().seq <= end.seq {
        verifier.ends_at(&end)?;
    }
    Ok(verifier.head().clone())
}
