//! What must not be forgotten: which tokens wait, which were accepted, and when each request left.
//!
//! A ledger stores fingerprints and sealed bytes, never a token. [`open`] opens one by its address; the only backend so
//! far is an SQLite file. A reference implementation in memory, compiled for tests only, is run through the same random
//! sequences of operations and must give the same answers.
//!
//! # The promises
//!
//! 1. No more than the agreed number of requests leaves in any 3,600 s per host and identity.
//! 2. A token once queued is sent at least once; a token accepted is not sent again by any later run; no token, whatever the
//!    server says of it, keeps others from being sent.
//! 3. No request carries more than [`MAX_BATCH`](crate::revocation::MAX_BATCH) tokens, and batches are filled across runs.
//! 4. What the server says about its limit tightens the ledger's own count.
//! 5. The audit trail is append-only, each record holding the hash of the one before.
//!
//! # Why every crash point is safe
//!
//! A process may die, or the power may fail, between any two instructions. A run goes through these points:
//!
//! - *While tokens are queued.* They are written in transactions: what is committed waits and will be sent, what is not
//!   was never promised. Finding a token twice changes nothing.
//! - *Before [`Ledger::intend`] has committed.* Nothing left, nothing is written: no slot is lost.
//! - *After `intend` has committed, before the request left.* A slot is taken by a request that was never sent, which
//!   keeps promise 1; the tokens belong to the batch, and the next run finds its owner gone and sends them again
//!   (promise 2).
//! - *While the request is under way.* The same: whether the provider has the tokens is not known here, and revoking twice
//!   does no harm. The slot was written first, so sending again takes a slot of its own.
//! - *After the response came, before [`Ledger::settle`] has committed.* [`Ledger::keep_answer`] has written it into the file
//!   of the batch's owner, whose room was taken before the request left: neither a lock nor a full disk can refuse it. Who
//!   takes over the batch settles it by that word.
//! - *In the middle of `settle`.* Its transaction holds the states, the erased texts, the halves of an invalid batch, the
//!   server's limit and the records of the trail: all of it is committed or none.
//! - *After `settle`.* Accepted tokens have no sealed text any more: nothing could send them again.
//!
//! A batch is abandoned when its owner is gone. Each owner holds a lock on a file of its own beside the ledger, which the
//! operating system releases however the process ends. Process ids would not do: they are reused, and differ between
//! containers. Time alone would not either: only a process that is suspended, not dead, outlives its lease, and when it
//! resumes and reports that its tokens were accepted, the ledger still records that.

mod address;
mod audit;
mod bisect;
mod care;
mod carried;
mod carried_quota;
mod change;
mod decision;
mod entry;
mod error;
mod host;
mod intent;
mod listing;
#[cfg(test)]
mod model;
#[cfg(test)]
mod model_test;
mod open;
mod owner;
mod paths;
#[cfg(all(test, unix))]
#[path = "../tests/support/pg_proxy.rs"]
#[allow(dead_code, reason = "the tests of the program use the rest")]
mod pg_proxy;
#[cfg(all(test, unix))]
#[path = "../tests/support/postgres.rs"]
#[allow(dead_code, reason = "the tests of the program use the rest")]
mod pg_server;
mod postgres;
mod quota;
mod remote;
mod retry;
mod seal;
mod secret_file;
mod settlement;
mod sqlite;
mod time;
mod trail;
mod transfer;
mod trust;
mod waiting;
pub mod wire;

pub use address::{IntakeAddress, LedgerAccess, LedgerAddress, PostgresAddress, Secret, state_dir};
pub use audit::{BadHead, BrokenTrail, Digest, Event, Head};
pub use care::{CheckReport, Damaged, Rekeyed};
pub use change::{Selection, StateChange};
pub use decision::Decision;
#[cfg(test)]
pub(crate) use decision::testing::decision;
pub use entry::{Attempt, BatchId, Enqueued, Entry, Page, SealedToken, TokenRecord};
pub use error::{FileError, LedgerError};
pub use host::{HostEntry, HostStatus, StatusRequest};
pub use intent::{BatchRequest, Intent, Next, Payload};
pub use listing::{ListedToken, TokenFilter};
#[cfg(test)]
pub(crate) use model::ModelLedger;
pub use open::{check_writable, init, open, open_existing};
pub use postgres::Initialized;
pub use quota::WaitReason;
pub use remote::{
    Delivery, IntakeFault, SpoolStatus, Spooled, SpooledToken, deliver, spool_status, spooled_tokens,
};
pub(crate) use seal::{KEY_LEN, LedgerId, SealingKey, new_key};
pub use seal::{
    KeyFileError, KeyId, KeyRing, KeyTextError, OpenError, Opener, PrivateKey, PublicKey, Sealer, key_id_of,
};
pub use settlement::{BatchOutcome, Settled, Settlement};
pub use time::Now;
pub use trail::{TrailError, Verified, export, export_since, verify, verify_with};
pub use transfer::{Copied, TransferOptions, Transferred, copy};
pub use waiting::WaitingToken;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::revocation::{Grants, State};
use crate::token::{Fingerprint, Kind};

/// A record of tokens and requests that outlives the process. One handle is one owner of batches.
///
/// Few methods, each one transaction: a backend on another database has to keep nothing in step between them. Every
/// method fails with the [`LedgerError`] of its backend, and its transaction is rolled back. Only [`Ledger::enqueue`] may
/// take several transactions: entries before the one that failed stay queued.
pub trait Ledger {
    /// What people call this ledger: its path where it is a file. Holds no password.
    fn description(&self) -> String;

    /// Whether it has an audit trail that a run writes into. An intake keeps that of its own.
    fn keeps_trail(&self) -> bool {
        true
    }

    /// What this handle has kept on this machine, because the ledger is an intake that is away; else it is all in the ledger.
    fn spooled(&self) -> Option<&Spooled> {
        None
    }

    /// What seals tokens for a host's queue in this ledger, and for no other.
    fn sealer(&self, host: &str) -> Result<Sealer, LedgerError>;

    /// The public keys of this ledger, that which is sealed to now first; none where it has a key of its own.
    fn public_keys(&self) -> Result<Vec<PublicKey>, LedgerError> {
        Ok(Vec::new())
    }

    /// What opens the tokens that wait for a host in this ledger.
    fn opener(&self, host: &str) -> Result<Opener, LedgerError>;

    /// Looks for damage in what a run for a host is about to believe, mends what can be mended, and sets aside the tokens that
    /// wait and are not what was written. Where the count of requests was damaged, none may leave for an hour.
    fn mend(&mut self, host: &str, now: Now<'_>) -> Result<Damaged, LedgerError>;

    /// What is wrong with this ledger, as far as it can be told.
    fn check(&self) -> CheckReport;

    /// How many tokens cannot be opened with the key of this ledger: what [`Ledger::rekey`] would hold back. Fails with
    /// [`LedgerError::KeyNotNamed`] where it would refuse.
    fn unopenable(&self) -> Result<u64, LedgerError>;

    /// Makes a new key, on the word of `by`, and seals with it what can be opened; what cannot, and what is damaged, is held
    /// back. Quota, history and trail stay. Fails with [`LedgerError::Locked`] while another process is at work, and, changing
    /// nothing, where the key that tokens wait under is another one than what is at hand.
    fn rekey(&mut self, by: &str, now: Now<'_>) -> Result<Rekeyed, LedgerError>;

    /// How long a call waits for other processes before it fails with [`LedgerError::Locked`]; as long as when it was opened
    /// where there is no length. A ledger that nobody else can lock has nothing to set.
    fn set_lock_timeout(&mut self, length: Option<Duration>) -> Result<(), LedgerError> {
        let _ = length;
        Ok(())
    }

    /// Writes tokens down under a decision, each once per host. Known ones keep their history; one that was set aside is queued if `entries`
    /// now asks for that.
    fn enqueue(
        &mut self,
        host: &str,
        decision: &Decision,
        entries: &mut dyn Iterator<Item = Entry>,
        now: Now<'_>,
    ) -> Result<Enqueued, LedgerError>;

    /// Asks for the next request: takes a slot and a batch, both durable when this returns [`Next::Send`].
    /// Batches of owners that are gone are taken over first.
    fn intend(&mut self, request: &BatchRequest<'_>, now: Now<'_>) -> Result<Next, LedgerError>;

    /// Keeps the answer to a batch apart from the ledger, where neither the locks of others nor a full disk can refuse it,
    /// until [`Ledger::settle`] has taken it in. Should this handle end before, the next one to ask for a batch takes it in.
    fn keep_answer(
        &mut self,
        batch: BatchId,
        settlement: &Settlement,
        now: Now<'_>,
    ) -> Result<(), LedgerError>;

    /// Writes down what came of a batch. From an owner whose batch was taken over, only that its tokens were accepted
    /// still counts; what was written down already changes nothing.
    fn settle(
        &mut self,
        batch: BatchId,
        settlement: &Settlement,
        now: Now<'_>,
    ) -> Result<Settled, LedgerError>;

    /// Changes the state of tokens outside of any batch, and returns how many changed.
    /// A token in the caller's own open batch is taken out of it, so that settling the batch does not touch it.
    fn change_state(&mut self, change: &StateChange<'_>, now: Now<'_>) -> Result<u64, LedgerError>;

    /// Keeps what living tokens told when they were asked, for nobody can ask them after their revocation. What is known
    /// already is not written again; tokens that are not in the ledger are passed over.
    fn keep_grants(
        &mut self,
        host: &str,
        told: &[(Fingerprint, Grants)],
        now: Now<'_>,
    ) -> Result<(), LedgerError>;

    /// A page of the tokens of these kinds that could be sent now, in the order of the queue.
    fn due(&self, host: &str, kinds: &[Kind], page: Page) -> Result<Vec<SealedToken>, LedgerError>;

    /// The state of a host's queue and of an identity's quota there. The pause between two requests is left out: it is over
    /// before anybody has read of it.
    fn host_status(&self, request: &StatusRequest<'_>, now: Now<'_>) -> Result<HostStatus, LedgerError>;

    /// How many tokens of each kind wait at a host, or were sent without a known response: what the next runs send.
    fn waiting(&self, host: &str) -> Result<BTreeMap<Kind, u64>, LedgerError>;

    /// The tokens that wait at a host and whose SHA-256 starts with one of these: its first eight bytes, big-endian.
    fn waiting_named(&self, host: &str, prefixes: &[u64]) -> Result<Vec<(Fingerprint, Kind)>, LedgerError>;

    /// Up to `limit` of the tokens that wait at a host, those in flight among them, from the one behind number `after` on.
    fn waiting_page(&self, host: &str, after: u64, limit: usize) -> Result<Vec<WaitingToken>, LedgerError>;

    /// Takes over the batches at a host whose owners are gone: what they carried waits again, and
    /// [`Ledger::change_state`] reaches it. [`Ledger::intend`] does the same before it chooses a batch.
    fn take_over(&mut self, host: &str, now: Now<'_>) -> Result<(), LedgerError>;

    /// How many tokens of a host are in a state.
    fn count(&self, host: &str, state: State) -> Result<u64, LedgerError>;

    /// Every host that a token was ever queued for, oldest first.
    fn hosts(&self) -> Result<Vec<HostEntry>, LedgerError>;

    /// What is known of a token.
    fn token(&self, host: &str, fingerprint: &Fingerprint) -> Result<Option<TokenRecord>, LedgerError>;

    /// What is known of many tokens, in their order.
    fn tokens(
        &self,
        host: &str,
        fingerprints: &[Fingerprint],
    ) -> Result<Vec<Option<TokenRecord>>, LedgerError> {
        fingerprints.iter().map(|fingerprint| self.token(host, fingerprint)).collect()
    }

    /// Every request a token was in, oldest first.
    fn attempts(&self, host: &str, fingerprint: &Fingerprint) -> Result<Vec<Attempt>, LedgerError>;

    /// Appends a record to the audit trail.
    fn record(&mut self, event: &Event, now: Now<'_>) -> Result<(), LedgerError>;

    /// The end of each chain of the trail, as the ledger remembers it apart from the records. A file has one, whose writer has
    /// no name.
    fn chains(&self) -> Result<Vec<Head>, LedgerError> {
        Ok(vec![self.head()?])
    }

    /// Up to `limit` records of a writer's chain behind number `after`, as JSON lines.
    fn trail(&self, writer: &str, after: u64, limit: usize) -> Result<Vec<String>, LedgerError>;

    /// The last record of the chain that this handle writes, as the ledger remembers it apart from the records.
    fn head(&self) -> Result<Head, LedgerError>;

    /// Up to `limit` of the tokens asked for, in the order of their numbers, behind number `after`.
    fn list(
        &self,
        filter: &TokenFilter<'_>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<ListedToken>, LedgerError>;

    /// Lets no request of an identity leave for so long: a server asked for it outside of any batch.
    fn hold(&mut self, host: &str, identity: &str, length: Duration, now: Now<'_>)
    -> Result<(), LedgerError>;

    /// Lifts what the server at a host asked for, on the word of `by`; returns for how many identities.
    fn release(&mut self, host: &str, by: &str, now: Now<'_>) -> Result<u64, LedgerError>;
}
