//! Sends what waits in the ledger, batch by batch: intend → send → settle, with the waits that pace and server ask for.
//!
//! Whatever happens on the way, the ledger has it before this process acts on it. A run may be asked to stop, or be
//! killed, at any moment: the next one goes on.

mod bound;
mod counted_calls;
mod enqueue;
mod liveness;
mod memory;
mod options;
mod outcome;
mod patience;
mod progress;
mod screen;
mod self_revoking;
mod send;
mod wait;

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;

pub use counted_calls::CountedCalls;
pub use enqueue::{enqueue, entry};
pub use options::{Options, Wait};
pub use outcome::{EndReason, RevokeError, RunOutcome, Unwritten};
pub use progress::{Counts, Progress};
pub use screen::Screen;

use crate::backoff;
use crate::clock::Clock;
use crate::ledger::{
    BatchRequest, Ledger, LedgerError, Next, Opener, Payload, Selection, StateChange, StatusRequest,
};
use crate::meter::CancelFlag;
use crate::provider::{Limits, Revoker};
use crate::revocation::State;
use crate::token::{Fingerprint, Token};
use bound::Bound;
use memory::{Proofs, SelfRevoking};
use patience::{Deadline, PatientLedger, Waiting};
use wait::Blocked;

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
    /// Tells at once what the run lives through.
    pub notify: &'a dyn Fn(&str),
    /// Looks at each token as it is opened; where there is none, what waits was looked at before.
    pub screen: Option<&'a dyn Screen>,
}

/// Sends what waits at the revoker's host, as far as quota, server and `options` allow.
pub fn run<'a>(context: Context<'a>, options: &'a Options) -> Result<RunOutcome, RevokeError> {
    let limits = context.revoker.limits();
    let start = context.clock.now();
    let context = Tools::new(context, Deadline { wait: options.wait, start })?;
    let mut run = Run {
        start,
        context,
        limits,
        options,
        message: None,
        checked: HashSet::new(),
        accepted: Vec::new(),
        unanswered: 0,
        failed_alone: HashSet::new(),
        probing: false,
        bound: Bound::new(options.most),
        blocked: Blocked::default(),
        proofs: Proofs::default(),
        self_revoking: SelfRevoking::default(),
    };
    run.mend()?;
    run.mark_unsupported()?;
    run.count_waiting()?;
    let end = run.send_batches()?;
    let end = run.finish_self_revoking(end)?;
    let end = if options.confirm { run.confirm(end)? } else { end };
    run.outcome(end)
}

/// What a run works with, and the ledger behind its patience.
struct Tools<'a> {
    ledger: PatientLedger<'a>,
    opener: &'a Opener,
    revoker: &'a dyn Revoker,
    clock: &'a dyn Clock,
    cancel: &'a CancelFlag,
    progress: &'a Progress,
    screen: Option<&'a dyn Screen>,
}

impl<'a> Tools<'a> {
    fn new(context: Context<'a>, deadline: Deadline) -> Result<Self, LedgerError> {
        let Context { ledger, opener, revoker, clock, cancel, progress, notify, screen } = context;
        let ledger = PatientLedger::new(ledger, Waiting { clock, cancel, notify, deadline })?;
        Ok(Tools { ledger, opener, revoker, clock, cancel, progress, screen })
    }
}

/// A run under way.
struct Run<'a> {
    context: Tools<'a>,
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
    /// Whether the batches carry what the host may not take, and did not tell.
    probing: bool,
    /// How many tokens it may send.
    bound: Bound,
    /// Since when another process keeps it waiting.
    blocked: Blocked,
    /// What asking about life has shown.
    proofs: Proofs,
    /// How far the tokens that revoke themselves have come.
    self_revoking: SelfRevoking,
}

/// What came of a batch, as far as the loop needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    /// The response is in the ledger, with the wait it asked for, if any.
    Settled,
    /// The server failed on this batch, or gave no response.
    Failed,
    /// It never left, and the way may be open again in a moment.
    Unable,
    /// It brought what another request would bring, too, and nothing about the tokens.
    Troubled,
    /// The server refuses every request, or what it may not take: that decides nothing, and what waits is kept.
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

/// What is asked for the state of queue and quota.
fn status_request(limits: &Limits) -> StatusRequest<'_> {
    StatusRequest { host: &limits.host, identity: &limits.identity, per_hour: limits.per_hour }
}

impl Run<'_> {
    fn outcome(self, end: EndReason) -> Result<RunOutcome, RevokeError> {
        let Run { context, limits, message, proofs, self_revoking, bound, .. } = self;
        let request = status_request(&limits);
        let host_status = context.ledger.host_status(&request, &|| context.clock.now())?;
        let counts = context.progress.read();
        let more = bound.is_reached() && host_status.queued > 0;
        Ok(RunOutcome {
            end: if more && end == EndReason::Done { EndReason::Bound } else { end },
            message,
            counts,
            host_status,
            self_revoking_at: self_revoking.held_until,
            unverified: proofs.unverified.len() as u64,
            still_alive: proofs.still_alive,
            unconfirmed: proofs.unconfirmed,
        })
    }

    /// Sets aside what waits and was damaged, before anything is chosen to be sent.
    fn mend(&mut self) -> Result<(), RevokeError> {
        let clock = self.context.clock;
        let damaged = self.context.ledger.mend(&self.limits.host, &|| clock.now())?;
        self.context.progress.damaged(damaged.tokens());
        Ok(())
    }

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
        let (mut failures, mut batches) = (0, 0);
        loop {
            if self.context.cancel.is_cancelled() {
                return Ok(EndReason::Interrupted);
            }
            if self.options.max_batches.is_some_and(|most| batches >= most) {
                return Ok(EndReason::Done);
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
            let max_batch = self.bound.room(self.limits.max_batch);
            if max_batch == 0 {
                return Ok(EndReason::Done);
            }
            let clock = self.context.clock;
            let request = BatchRequest { max_batch, ..batch_request(&self.limits, self.options) };
            let intent = match self.context.ledger.intend(&request, &|| clock.now())? {
                Next::Nothing if self.probe() => continue,
                // The second is no answer to a request for a batch.
                Next::Nothing | Next::SendEach(_) => return Ok(EndReason::Done),
                Next::Later { at, reason } => match self.wait_until(at, reason)? {
                    Some(end) => return Ok(end),
                    None => continue,
                },
                Next::Send(intent) => intent,
            };
            self.blocked = Blocked::default();
            if !self.bound.admits(&intent.tokens) {
                self.settle(&intent, &send::unsent())?;
                return Ok(EndReason::Done);
            }
            match self.send(&intent)? {
                Some(Sent::Denied) => return Ok(EndReason::Denied),
                Some(Sent::Troubled) => return Ok(EndReason::Trouble),
                Some(sent @ (Sent::Failed | Sent::Unable)) => {
                    failures += 1;
                    // The failed batch waits behind all others, so that failures in a row are those of different batches,
                    // as long as there are any.
                    let alone = sent == Sent::Failed && self.has_failed_alone(&intent);
                    if alone || failures > self.options.retries {
                        return Ok(EndReason::Trouble);
                    }
                    self.sleep(backoff::pause(failures, backoff::random()));
                }
                // A limit is in the ledger now, and the next request for a batch brings the wait.
                Some(Sent::Settled) => (failures, batches) = (0, batches + 1),
                None => failures = 0,
            }
        }
    }

    /// Goes on with what the host may not take, and did not tell; true if there is any.
    fn probe(&mut self) -> bool {
        let undecided = std::mem::take(&mut self.limits.undecided_kinds);
        let any = !undecided.is_empty();
        if any {
            self.limits.batch_kinds = undecided;
            self.probing = true;
        }
        any
    }
}

#[cfg(test)]
mod tests;
