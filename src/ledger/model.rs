//! The reference: the same promises in plain data structures, for tests and for reading. Nothing outlives the process.
//!
//! Handles of one [`ModelLedger`] share its content, as processes share a file; dropping a handle is what a crash is to a
//! process.

mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::state::Content;
use super::audit::{Event, Head};
use super::entry::{Attempt, BatchId, Enqueued, Entry, SealedToken, TokenRecord};
use super::error::LedgerError;
use super::intent::{BatchRequest, HostStatus, Next, Settled, Settlement};
use super::{HostEntry, Ledger, Now, Page, StateChange};
use crate::revocation::State;
use crate::token::{Fingerprint, Kind};

/// The ledger in memory.
pub struct ModelLedger {
    content: Arc<Mutex<Content>>,
    owner: u64,
}

impl ModelLedger {
    /// An empty one.
    pub fn new() -> Self {
        let mut content = Content::default();
        let owner = content.enter();
        ModelLedger { content: Arc::new(Mutex::new(content)), owner }
    }

    /// Another handle on the same content: another owner of batches.
    #[must_use]
    pub fn another(&self) -> Self {
        let owner = self.content().enter();
        ModelLedger { content: Arc::clone(&self.content), owner }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ModelLedger {
    fn default() -> Self {
        ModelLedger::new()
    }
}

impl Drop for ModelLedger {
    fn drop(&mut self) {
        self.content().leave(self.owner);
    }
}

impl Ledger for ModelLedger {
    fn enqueue(
        &mut self,
        host: &str,
        entries: &mut dyn Iterator<Item = Entry>,
        now: Now<'_>,
    ) -> Result<Enqueued, LedgerError> {
        // Drawn before the lock is taken: whoever makes the entries may look into the ledger.
        let entries: Vec<Entry> = entries.collect();
        Ok(if entries.is_empty() {
            Enqueued::default()
        } else {
            self.content().enqueue(host, &mut entries.into_iter(), now())
        })
    }

    fn intend(&mut self, ask: &BatchRequest<'_>, now: Now<'_>) -> Result<Next, LedgerError> {
        let owner = self.owner;
        Ok(self.content().intend(owner, ask, now()))
    }

    fn settle(
        &mut self,
        batch: BatchId,
        settlement: &Settlement,
        now: Now<'_>,
    ) -> Result<Settled, LedgerError> {
        self.content().settle(batch.0, settlement, now()).ok_or(LedgerError::NoSuchBatch(batch.0))
    }

    fn mark(&mut self, mark: &StateChange<'_>, now: Now<'_>) -> Result<u64, LedgerError> {
        let owner = self.owner;
        Ok(self.content().mark(owner, mark, now()))
    }

    fn due(&self, host: &str, kinds: &[Kind], page: Page) -> Result<Vec<SealedToken>, LedgerError> {
        Ok(self.content().due(host, kinds, page))
    }

    fn standing(&self, ask: &BatchRequest<'_>, now: Now<'_>) -> Result<HostStatus, LedgerError> {
        Ok(self.content().standing(ask, now()))
    }

    fn count(&self, host: &str, state: State) -> Result<u64, LedgerError> {
        Ok(self.content().count(host, state))
    }

    fn hosts(&self) -> Result<Vec<HostEntry>, LedgerError> {
        Ok(self.content().hosts())
    }

    fn known(&self, host: &str, fingerprint: &Fingerprint) -> Result<Option<TokenRecord>, LedgerError> {
        Ok(self.content().known(host, fingerprint))
    }

    fn attempts(&self, host: &str, fingerprint: &Fingerprint) -> Result<Vec<Attempt>, LedgerError> {
        Ok(self.content().attempts(host, fingerprint))
    }

    fn record(&mut self, event: &Event, now: Now<'_>) -> Result<(), LedgerError> {
        self.content().record(event, now());
        Ok(())
    }

    fn trail(&self, after: u64, limit: usize) -> Result<Vec<String>, LedgerError> {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        Ok(self.content().trail.iter().skip(after).take(limit).cloned().collect())
    }

    fn head(&self) -> Result<Head, LedgerError> {
        Ok(self.content().head.clone())
    }
}
