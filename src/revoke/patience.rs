//! The ledger, called again while it cannot be used: another process holds it, its file system is read-only for a moment,
//! its disk is full. A run that sends must not end over that: what it knows by then is not written down yet.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::Wait;
use crate::backoff;
use crate::clock::Clock;
use crate::ledger::{
    BatchId, BatchRequest, Damaged, HostStatus, Ledger, LedgerError, Next, Now, Page, SealedToken, Settled,
    Settlement, StateChange, StatusRequest, TokenRecord,
};
use crate::meter::CancelFlag;
use crate::revocation::{Grants, State};
use crate::token::{Fingerprint, Kind};

/// How long a run that is not to wait calls again, all the same.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long one call waits for other processes: in between, Ctrl-C is heard.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// The longest pause between two calls.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The pause after a call that was locked out.
const AFTER_LOCK: Duration = Duration::from_millis(100);

/// For how long a lock is nothing to tell of: others queue many tokens at a time.
const COMMON_LOCK: Duration = Duration::from_secs(5);

/// Until when a run may wait.
#[derive(Clone, Copy)]
pub(super) struct Deadline {
    pub(super) wait: Wait,
    pub(super) start: Timestamp,
}

impl Deadline {
    /// Whether the run may wait until then.
    pub(super) fn allows(&self, at: Timestamp) -> bool {
        match self.wait {
            Wait::No => false,
            Wait::AtMost(length) => self.start.saturating_add(length).is_ok_and(|end| at <= end),
            Wait::Forever => true,
        }
    }
}

/// What waiting takes.
pub(super) struct Waiting<'a> {
    pub(super) clock: &'a dyn Clock,
    pub(super) cancel: &'a CancelFlag,
    pub(super) notify: &'a dyn Fn(&str),
    pub(super) deadline: Deadline,
}

impl Waiting<'_> {
    /// Makes a call until it succeeds, fails for good, or the run may not wait any longer.
    fn patiently<T>(&self, mut call: impl FnMut() -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        let (mut since, mut failures, mut told) = (None, 0, false);
        loop {
            match call() {
                Err(error) if error.may_pass() => {
                    let now = self.clock.now();
                    let since = *since.get_or_insert(now);
                    if self.cancel.is_cancelled() || !self.may_go_on(since, now) {
                        return Err(error);
                    }
                    let is_common = matches!(error, LedgerError::Locked { .. });
                    if !told && (!is_common || lasts(since, now) >= COMMON_LOCK) {
                        told = true;
                        (self.notify)(&format!("waiting for the ledger{}: {error}", self.bound()));
                    }
                    failures += 1;
                    // A call that was locked out has waited for the lock itself.
                    let longest = if is_common { AFTER_LOCK } else { LONGEST_PAUSE };
                    let pause = backoff::pause(failures, backoff::random()).min(longest);
                    self.clock.sleep(pause, self.cancel);
                }
                done => {
                    if told && done.is_ok() {
                        (self.notify)("the ledger can be used again: going on");
                    }
                    return done;
                }
            }
        }
    }

    fn may_go_on(&self, since: Timestamp, now: Timestamp) -> bool {
        lasts(since, now) < PATIENCE || self.deadline.allows(now)
    }

    fn bound(&self) -> &'static str {
        match self.deadline.wait {
            Wait::No => ", for a minute",
            Wait::AtMost(_) => ", for as long as --wait allows",
            Wait::Forever => "",
        }
    }
}

fn lasts(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or_default()
}

/// A ledger whose every call is made patiently.
pub(super) struct PatientLedger<'a> {
    ledger: &'a mut dyn Ledger,
    waiting: Waiting<'a>,
}

impl<'a> PatientLedger<'a> {
    pub(super) fn new(ledger: &'a mut dyn Ledger, waiting: Waiting<'a>) -> Result<Self, LedgerError> {
        ledger.set_lock_timeout(Some(LOCK_TIMEOUT))?;
        Ok(PatientLedger { ledger, waiting })
    }

    /// Tells at once what keeps the run waiting.
    pub(super) fn tell(&self, text: &str) {
        (self.waiting.notify)(text);
    }

    pub(super) fn intend(&mut self, request: &BatchRequest<'_>, now: Now<'_>) -> Result<Next, LedgerError> {
        self.waiting.patiently(|| self.ledger.intend(request, now))
    }

    /// Not patiently: what takes the answer in is not held up by what only keeps it.
    pub(super) fn keep_answer(
        &mut self,
        batch: BatchId,
        settlement: &Settlement,
        now: Now<'_>,
    ) -> Result<(), LedgerError> {
        self.ledger.keep_answer(batch, settlement, now)
    }

    pub(super) fn settle(
        &mut self,
        batch: BatchId,
        settlement: &Settlement,
        now: Now<'_>,
    ) -> Result<Settled, LedgerError> {
        self.waiting.patiently(|| self.ledger.settle(batch, settlement, now))
    }

    pub(super) fn mend(&mut self, host: &str, now: Now<'_>) -> Result<Damaged, LedgerError> {
        self.waiting.patiently(|| self.ledger.mend(host, now))
    }

    pub(super) fn change_state(
        &mut self,
        change: &StateChange<'_>,
        now: Now<'_>,
    ) -> Result<u64, LedgerError> {
        self.waiting.patiently(|| self.ledger.change_state(change, now))
    }

    pub(super) fn due(
        &self,
        host: &str,
        kinds: &[Kind],
        page: Page,
    ) -> Result<Vec<SealedToken>, LedgerError> {
        self.waiting.patiently(|| self.ledger.due(host, kinds, page))
    }

    pub(super) fn tokens(
        &self,
        host: &str,
        tokens: &[Fingerprint],
    ) -> Result<Vec<Option<TokenRecord>>, LedgerError> {
        self.waiting.patiently(|| self.ledger.tokens(host, tokens))
    }

    pub(super) fn host_status(
        &self,
        request: &StatusRequest<'_>,
        now: Now<'_>,
    ) -> Result<HostStatus, LedgerError> {
        self.waiting.patiently(|| self.ledger.host_status(request, now))
    }

    pub(super) fn keep_grants(
        &mut self,
        host: &str,
        told: &[(Fingerprint, Grants)],
        now: Now<'_>,
    ) -> Result<(), LedgerError> {
        self.waiting.patiently(|| self.ledger.keep_grants(host, told, now))
    }

    pub(super) fn waiting(&self, host: &str) -> Result<BTreeMap<Kind, u64>, LedgerError> {
        self.waiting.patiently(|| self.ledger.waiting(host))
    }

    pub(super) fn count(&self, host: &str, state: State) -> Result<u64, LedgerError> {
        self.waiting.patiently(|| self.ledger.count(host, state))
    }
}

impl Drop for PatientLedger<'_> {
    fn drop(&mut self) {
        // Whoever uses the ledger next is not told where its calls fail, and has no patience.
        let _ = self.ledger.set_lock_timeout(None);
    }
}
