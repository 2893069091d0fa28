//! Sends what waits: due → batch → wait → intend → send → settle.
//!
//! Whatever happens on the way, the ledger knows it before this process acts on it. A run may be asked to stop, or be
//! killed, at any moment: the next one goes on.

mod enqueue;
mod liveness;
mod progress;
mod self_revoking;
mod send;

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;

pub use enqueue::{enqueue, entry};
pub use progress::{Counts, Progress};

use crate::backoff;
use crate::clock::Clock;
use crate::ledger::{
    BatchRequest, HostStatus, Ledger, LedgerError, Next, Opener, Payload, Selection, StateChange, WaitReason,
};
use crate::meter::CancelFlag;
use crate::provider::{Limits, Revoker};
use crate::revocation::State;
use crate::token::{Fingerprint, Token};

/// Whether to wait for the quota and for a server that asks for patience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Send what may go now, leave the rest queued.
    No,
    /// For so long, from the beginning of the run.
    AtMost(Duration),
    /// Until nothing waits any more.
    Forever,
}

/// The settings of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether to wait.
    pub wait: Wait,
    /// The pause between the beginnings of two requests.
    pub min_interval: Duration,
    /// How long a request may take: what is not answered far beyond that was abandoned.
    pub timeout: Duration,
    /// How often in a row to try again after trouble or without a response.
    pub retries: u32,
    /// Ask first whether each token is alive, and send no dead ones.
    pub verify: bool,
    /// Ask afterwards until the accepted ones are dead.
    pub confirm: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            wait: Wait::No,
            min_interval: Duration::from_secs(1),
            timeout: Duration::from_secs(30),
            retries: 4,
            verify: false,
            confirm: false,
        }
    }
}

/// Why a run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// Nothing waits any more.
    Done,
    /// The hour's quota is used up, or the server asked to wait, and the run was not to wait so long.
    Later(WaitReason),
    /// The server refused the request for a reason that waiting does not mend.
    Denied,
    /// Trouble or no response, too often in a row.
    Trouble,
    /// It was asked to stop.
    Interrupted,
}

/// What a run did, and what it left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOutcome {
    /// Why it ended.
    pub end: EndReason,
    /// The server's message, where a response ended it.
    pub message: Option<String>,
    /// What this run did.
    pub counts: Counts,
    /// What the ledger holds for this host now, whoever brought it there.
    pub host_status: HostStatus,
}

impl RunOutcome {
    /// How many tokens of this host still wait, or are on their way without an answer.
    pub fn waiting(&self) -> u64 {
        self.host_status.queued + self.host_status.sent
    }
}

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevokeError {
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A response came that could not be written down.
    #[error(
        "the answer to batch {batch} ({outcome}) could not be written down, its tokens stay `sent` and will be sent \
         again: {source}"
    )]
    Unwritten {
        /// The batch.
        batch: u64,
        /// What the answer was.
        outcome: &'static str,
        /// Why not.
        source: LedgerError,
    },
}

/// What a run works with.
pub struct Context<'a> {
    /// What is queued, and what became of it.
    pub ledger: &'a mut dyn Ledger,
    /// Opens the sealed tokens that wait.
    pub opener: &'a Opener,
    /// Revokes them.
    pub revoker: &'a dyn Revoker,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Asks the run to stop.
    pub cancel: &'a CancelFlag,
    /// Counts for others to read meanwhile.
    pub progress: &'a Progress,
}

/// Sends what waits at the revoker's host, as far as quota, server and `options` allow.
pub fn run<'a>(context: Context<'a>, options: &'a Options) -> Result<RunOutcome, RevokeError> {
    let limits = context.revoker.limits();
    let mut run = Run {
        start: context.clock.now(),
        context,
        limits,
        options,
        message: None,
        checked: HashSet::new(),
        accepted: Vec::new(),
        unanswered: 0,
        failed_alone: HashSet::new(),
        self_revoking_done: false,
    };
    run.mark_unsupported()?;
    run.count_waiting()?;
    let end = run.send_batches()?;
    let end = run.send_self_revoking(end)?;
    let end = if options.confirm { run.confirm(end)? } else { end };
    let request = batch_request(&run.limits, options);
    let host_status = run.context.ledger.host_status(&request, &|| run.context.clock.now())?;
    Ok(RunOutcome { end, message: run.message, counts: run.context.progress.read(), host_status })
}

/// A run under way.
struct Run<'a> {
    context: Context<'a>,
    limits: Limits,
    options: &'a Options,
    start: Timestamp,
    /// The last message of a server that did not accept a request.
    message: Option<String>,
    /// Tokens whose liveness was asked about before sending.
    checked: HashSet<Fingerprint>,
    /// Tokens that were accepted, to be asked about afterwards.
    accepted: Vec<Token>,
    /// How many liveness checks in a row proved nothing.
    unanswered: u32,
    /// Tokens on which the server failed though they were sent alone.
    failed_alone: HashSet<Fingerprint>,
    /// Whether the tokens that revoke themselves had their turn.
    self_revoking_done: bool,
}

/// What came of a batch, as far as the loop needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    /// The response is in the ledger, with the wait it asked for, if any.
    Settled,
    /// The server failed on this batch, or gave no response.
    Failed,
    /// The server refuses every request.
    Denied,
}

/// What to ask the ledger for. No method of [`Run`], whose ledger must be free to be borrowed meanwhile.
fn batch_request<'a>(limits: &'a Limits, options: &Options) -> BatchRequest<'a> {
    BatchRequest {
        host: &limits.host,
        identity: &limits.identity,
        max_batch: limits.max_batch,
        per_hour: limits.per_hour,
        min_interval: options.min_interval,
        // A request may not take longer than its timeout; names and connections have their own share.
        lease: options.timeout.saturating_mul(2).saturating_add(Duration::from_mins(1)),
        payload: Payload::Batch(&limits.batch_kinds),
    }
}

impl Run<'_> {
    /// Sets aside tokens of kinds the host does not take: queued when it took them, or by a run that did not know its
    /// release.
    fn mark_unsupported(&mut self) -> Result<(), RevokeError> {
        let kinds = self.limits.revocable_kinds();
        let change = StateChange {
            host: &self.limits.host,
            selection: Selection::KindsExcept(&kinds),
            state: State::Unsupported,
            reason: "the host does not take this kind",
        };
        let clock = self.context.clock;
        self.context.ledger.change_state(&change, &|| clock.now())?;
        Ok(())
    }

    fn count_waiting(&self) -> Result<(), RevokeError> {
        let count = |state| self.context.ledger.count(&self.limits.host, state);
        self.context.progress.waiting(count(State::Queued)? + count(State::Sent)?);
        Ok(())
    }

    fn send_batches(&mut self) -> Result<EndReason, RevokeError> {
        let mut failures = 0;
        loop {
            if self.context.cancel.is_cancelled() {
                return Ok(EndReason::Interrupted);
            }
            if self.options.verify
                && let Some((at, reason)) = self.verify_due()?
            {
                match self.wait_until(at, reason)? {
                    Some(end) => return Ok(end),
                    None => continue,
                }
            }
            if self.context.cancel.is_cancelled() {
                return Ok(EndReason::Interrupted);
            }
            let clock = self.context.clock;
            let request = batch_request(&self.limits, self.options);
            let intent = match self.context.ledger.intend(&request, &|| clock.now())? {
                Next::Nothing => return Ok(EndReason::Done),
                Next::Later { at, reason } => match self.wait_until(at, reason)? {
                    Some(end) => return Ok(end),
                    None => continue,
                },
                Next::Send(intent) => intent,
            };
            match self.send(&intent)? {
                Some(Sent::Denied) => return Ok(EndReason::Denied),
                Some(Sent::Failed) => {
                    failures += 1;
                    // The failed batch waits behind all others, so that failures in a row are those of different batches,
                    // as long as there are any.
                    if failures > self.options.retries || self.has_failed_alone(&intent) {
                        return Ok(EndReason::Trouble);
                    }
                    self.sleep(backoff::pause(failures, backoff::random()));
                }
                // A limit is in the ledger now, and the next request for a batch brings the wait.
                Some(Sent::Settled) | None => failures = 0,
            }
        }
    }

    /// Waits, or returns why the run ends. The pause between two requests and another process's request are always waited
    /// for: both are over in a moment, or when that request's lease is.
    fn wait_until(&mut self, at: Timestamp, why: WaitReason) -> Result<Option<EndReason>, RevokeError> {
        if matches!(why, WaitReason::Quota | WaitReason::Server) {
            if !self.self_revoking_done {
                // They take no slot of the quota, so there is nothing to wait for.
                let end = self.send_self_revoking(EndReason::Done)?;
                return Ok((end != EndReason::Done).then_some(end));
            }
            let waits = match self.options.wait {
                Wait::No => false,
                Wait::AtMost(length) => self.start.saturating_add(length).is_ok_and(|end| at <= end),
                Wait::Forever => true,
            };
            if !waits {
                return Ok(Some(EndReason::Later(why)));
            }
        }
        self.context.progress.next_at(Some(at));
        let length = Duration::try_from(at.duration_since(self.context.clock.now())).unwrap_or_default();
        self.sleep(length.min(RECHECK));
        self.context.progress.next_at(None);
        Ok(None)
    }

    fn sleep(&self, length: Duration) {
        self.context.clock.sleep(length, self.context.cancel);
    }
}

/// How often a waiting run asks the ledger again: another process may have learned a limit from the server meanwhile, and
/// the clock may have been set.
const RECHECK: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
