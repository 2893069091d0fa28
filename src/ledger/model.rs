//! The reference ledger: the same promises in plain data structures, for tests and for reading. Nothing outlives the
//! process.
//!
//! Handles of one [`ModelLedger`] share its state, as processes share a file; dropping a handle is what a crash is to a
//! process.

mod state;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use self::state::{ModelState, Outage};
use super::Ledger;
use super::audit::{Event, Head};
use super::care::{CheckReport, Damaged, Rekeyed};
use super::change::StateChange;
use super::decision::Decision;
use super::entry::{Attempt, BatchId, Enqueued, Entry, Page, SealedToken, TokenRecord};
use super::error::LedgerError;
use super::host::{HostEntry, HostStatus, StatusRequest};
use super::intent::{BatchRequest, Next};
use super::listing::{ListedToken, TokenFilter};
use super::seal::{KEY_LEN, LedgerId, Opener, Sealer, SealingKey};
use super::settlement::{Settled, Settlement};
use super::time::{ClockReading, Now};
use super::waiting::WaitingToken;
use crate::revocation::{Grants, State};
use crate::token::{Fingerprint, Kind};

/// The ledger in memory.
pub(crate) struct ModelLedger {
    state: Arc<Mutex<ModelState>>,
    owner: u64,
}

impl ModelLedger {
    /// An empty one.
    pub(crate) fn new() -> Self {
        let mut state = ModelState::default();
        let owner = state.new_owner();
        ModelLedger { state: Arc::new(Mutex::new(state)), owner }
    }

    /// Another handle on the same state: another owner of batches.
    #[must_use]
    pub(crate) fn another(&self) -> Self {
        let owner = self.state().new_owner();
        ModelLedger { state: Arc::clone(&self.state), owner }
    }

    fn state(&self) -> MutexGuard<'_, ModelState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets every transaction fail until then, as a lock or a full disk does.
    pub(crate) fn fail_until(&self, until: Timestamp, error: Outage) {
        self.state().outage = Some((until, error));
    }

    /// The state for a transaction, unless it is to fail.
    fn writable(&self, now: Now<'_>) -> Result<MutexGuard<'_, ModelState>, LedgerError> {
        let state = self.state();
        match state.outage {
            Some((until, error)) if now() < until => Err(error(self.description())),
            _ => Ok(state),
        }
    }

    /// The same for every model: its tokens are gone with the test.
    fn sealing_key() -> SealingKey {
        SealingKey::new(&[0; KEY_LEN])
    }
}

impl Drop for ModelLedger {
    fn drop(&mut self) {
        self.state().end_owner(self.owner);
    }
}

impl Ledger for ModelLedger {
    fn description(&self) -> String {
        String::new()
    }

    fn sealer(&self, host: &str) -> Result<Sealer, LedgerError> {
        Ok(Self::sealing_key().sealer(&LedgerId::default(), host))
    }

    fn opener(&self, host: &str) -> Result<Opener, LedgerError> {
        Ok(Self::sealing_key().opener(&LedgerId::default(), host))
    }

    /// What is in memory is not damaged.
    fn mend(&mut self, _: &str, _: Now<'_>) -> Result<Damaged, LedgerError> {
        Ok(Damaged::default())
    }

    fn check(&self) -> CheckReport {
        let state = self.state();
        let head = state.head.clone();
        let (problems, tokens) = (Vec::new(), state.listed().count() as u64);
        CheckReport { problems, tokens, records: head.seq, chains: 1, head }
    }

    fn unopenable(&self) -> Result<u64, LedgerError> {
        Ok(0)
    }

    /// Its key is that of every model.
    fn rekey(&mut self, _: &str, _: Now<'_>) -> Result<Rekeyed, LedgerError> {
        Ok(Rekeyed::default())
    }

    fn enqueue(
        &mut self,
        host: &str,
        decision: &Decision,
        entries: &mut dyn Iterator<Item = Entry>,
        now: Now<'_>,
    ) -> Result<Enqueued, LedgerError> {
        // Collected before the lock is taken: the iterator may look into the ledger.
        let entries: Vec<Entry> = entries.collect();
        Ok(if entries.is_empty() {
            Enqueued::default()
        } else {
            self.state().enqueue(host, decision, &mut entries.into_iter(), now())
        })
    }

    fn intend(&mut self, request: &BatchRequest<'_>, now: Now<'_>) -> Result<Next, LedgerError> {
        let owner = self.owner;
        Ok(self.writable(now)?.intend(owner, request, now()))
    }

    fn keep_answer(
        &mut self,
        batch: BatchId,
        settlement: &Settlement,
        now: Now<'_>,
    ) -> Result<(), LedgerError> {
        let owner = self.owner;
        self.state().keep_answer(owner, batch.0, settlement, now());
        Ok(())
    }

    fn settle(
        &mut self,
        batch: BatchId,
        settlement: &Settlement,
        now: Now<'_>,
    ) -> Result<Settled, LedgerError> {
        let settled = self.writable(now)?.settle(self.owner, batch.0, settlement, now());
        settled.ok_or(LedgerError::NoSuchBatch(batch.0))
    }

    fn change_state(&mut self, change: &StateChange<'_>, now: Now<'_>) -> Result<u64, LedgerError> {
        let owner = self.owner;
        Ok(self.writable(now)?.change_state(owner, change, now()))
    }

    fn keep_grants(
        &mut self,
        host: &str,
        told: &[(Fingerprint, Grants)],
        now: Now<'_>,
    ) -> Result<(), LedgerError> {
        self.state().keep_grants(host, told, now());
        Ok(())
    }

    fn due(&self, host: &str, kinds: &[Kind], page: Page) -> Result<Vec<SealedToken>, LedgerError> {
        Ok(self.state().due(host, kinds, page))
    }

    fn host_status(&self, request: &StatusRequest<'_>, now: Now<'_>) -> Result<HostStatus, LedgerError> {
        Ok(self.state().host_status(request, now()))
    }

    fn waiting(&self, host: &str) -> Result<BTreeMap<Kind, u64>, LedgerError> {
        Ok(self.state().waiting(host))
    }

    fn waiting_named(&self, host: &str, prefixes: &[u64]) -> Result<Vec<(Fingerprint, Kind)>, LedgerError> {
        Ok(self.state().waiting_named(host, prefixes))
    }

    fn waiting_page(&self, host: &str, after: u64, limit: usize) -> Result<Vec<WaitingToken>, LedgerError> {
        Ok(self.state().waiting_page(host, after, limit))
    }

    fn take_over(&mut self, host: &str, now: Now<'_>) -> Result<(), LedgerError> {
        let owner = self.owner;
        let at = now();
        self.state().take_over_abandoned(owner, host, (at, ClockReading::of(at)));
        Ok(())
    }

    fn count(&self, host: &str, state: State) -> Result<u64, LedgerError> {
        Ok(self.state().count(host, state))
    }

    fn hosts(&self) -> Result<Vec<HostEntry>, LedgerError> {
        Ok(self.state().hosts())
    }

    fn token(&self, host: &str, fingerprint: &Fingerprint) -> Result<Option<TokenRecord>, LedgerError> {
        Ok(self.state().token(host, fingerprint))
    }

    fn attempts(&self, host: &str, fingerprint: &Fingerprint) -> Result<Vec<Attempt>, LedgerError> {
        Ok(self.state().attempts(host, fingerprint))
    }

    fn record(&mut self, event: &Event, now: Now<'_>) -> Result<(), LedgerError> {
        self.state().record(event, now());
        Ok(())
    }

    fn trail(&self, _: &str, after: u64, limit: usize) -> Result<Vec<String>, LedgerError> {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        Ok(self.state().trail.iter().skip(after).take(limit).cloned().collect())
    }

    fn head(&self) -> Result<Head, LedgerError> {
        Ok(self.state().head.clone())
    }

    fn list(
        &self,
        filter: &TokenFilter<'_>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<ListedToken>, LedgerError> {
        let tokens = self.state().listed();
        Ok(tokens.filter(|token| token.number > after && filter.matches(token)).take(limit).collect())
    }

    fn hold(
        &mut self,
        host: &str,
        identity: &str,
        length: Duration,
        now: Now<'_>,
    ) -> Result<(), LedgerError> {
        self.state().hold(host, identity, length, now());
        Ok(())
    }

    fn release(&mut self, host: &str, by: &str, now: Now<'_>) -> Result<u64, LedgerError> {
        Ok(self.state().release(host, by, now()))
    }
}
