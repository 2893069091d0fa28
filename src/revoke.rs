//! Sends what waits: due → chunk → wait → intend → send → settle.
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
use crate::provider::{Limits, Revoker, Verdict};
use crate::revocation::State;
use crate::token::{Fingerprint, Kind, Token};

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

/// How a run goes about it.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether to wait.
    pub wait: Wait,
    /// The pause between the beginnings of two requests.
    pub min_interval: Duration,
    /// How long a request may take: what is not answered far beyond that was abandoned.
    pub timeout: Duration,
    /// How often in a row to try again after trouble or silence.
    pub retries: u32,
    /// Ask first whether each token lives, and send no dead ones.
    pub verify: bool,
    /// Ask afterwards until they are dead.
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
    /// The hour is full, or the server asked for patience, and the run was not to wait so long.
    Later(WaitReason),
    /// The server turned the request away for a reason that waiting does not mend.
    Denied,
    /// Trouble or silence, too often in a row.
    Trouble,
    /// It was asked to stop.
    Interrupted,
}

/// What a run did, and what it left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Why it ended.
    pub ended: EndReason,
    /// The server's words, where it ended for what the server said.
    pub message: Option<String>,
    /// What this run did.
    pub seen: Counts,
    /// What the ledger holds for this host now, whoever brought it there.
    pub standing: HostStatus,
}

impl Outcome {
    /// How many tokens of this host still wait, or are on their way without an answer.
    pub fn waiting(&self) -> u64 {
        self.standing.queued + self.standing.sent
    }
}

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevokeError {
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// An answer came that could not be written down.
    #[error(
        "the answer to batch {batch} ({verdict}) could not be written down, its tokens stay `sent` and will be sent \
         again: {source}"
    )]
    Unwritten {
        /// The batch.
        batch: u64,
        /// What the answer was.
        verdict: &'static str,
        /// Why not.
        source: LedgerError,
    },
}

/// What a run works with.
pub struct Context<'a> {
    /// What remembers.
    pub ledger: &'a mut dyn Ledger,
    /// What opens the tokens that wait.
    pub opener: &'a Opener,
    /// Who ends them.
    pub revoker: &'a dyn Revoker,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// Whether to end.
    pub cancel: &'a CancelFlag,
    /// What others may see meanwhile.
    pub progress: &'a Progress,
}

/// Sends what waits at the revoker's host, as far as quota, server and `options` allow.
pub fn run<'a>(context: Context<'a>, options: &'a Options) -> Result<Outcome, RevokeError> {
    let limits = context.revoker.limits();
    let mut run = Run {
        start: context.clock.now(),
        context,
        limits,
        options,
        message: None,
        checked: HashSet::new(),
        taken: Vec::new(),
        silent: 0,
        alone_done: false,
    };
    run.set_unsupported_aside()?;
    run.tell_waiting()?;
    let ended = run.send_batches()?;
    let ended = run.end_installations(ended)?;
    let ended = if options.confirm { run.confirm(ended)? } else { ended };
    let ask = ask_of(&run.limits, options);
    let standing = run.context.ledger.host_status(&ask, &|| run.context.clock.now())?;
    Ok(Outcome { ended, message: run.message, seen: run.context.progress.read(), standing })
}

/// A run under way.
struct Run<'a> {
    context: Context<'a>,
    limits: Limits,
    options: &'a Options,
    start: Timestamp,
    /// The last words of a server that did not take a request.
    message: Option<String>,
    /// Tokens whose life was asked about before sending.
    checked: HashSet<Fingerprint>,
    /// Tokens that were taken, to be asked about afterwards.
    taken: Vec<Token>,
    /// How many questions in a row proved nothing.
    silent: u32,
    /// Whether installation tokens had their turn.
    alone_done: bool,
}

/// What to ask the ledger for. Apart from [`Run`], whose ledger is then free to be asked.
fn ask_of<'a>(limits: &'a Limits, options: &Options) -> BatchRequest<'a> {
    BatchRequest {
        host: &limits.host,
        identity: &limits.identity,
        per_hour: limits.per_hour,
        min_interval: options.min_interval,
        // A request may not take longer than its timeout; names and connections have their own share.
        lease: options.timeout.saturating_mul(2).saturating_add(Duration::from_mins(1)),
        payload: Payload::Batch(&limits.kinds),
    }
}

impl Run<'_> {
    /// Tokens that were queued when the host took their kind, or by a run that did not know better.
    fn set_unsupported_aside(&mut self) -> Result<(), RevokeError> {
        let mut kinds = self.limits.kinds.clone();
        kinds.push(Kind::AppInstallation);
        let mark = StateChange {
            host: &self.limits.host,
            selection: Selection::KindsExcept(&kinds),
            state: State::Unsupported,
            reason: "the host does not take this kind",
        };
        let clock = self.context.clock;
        self.context.ledger.change_state(&mark, &|| clock.now())?;
        Ok(())
    }

    fn tell_waiting(&self) -> Result<(), RevokeError> {
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
                && let Some((at, why)) = self.verify_due()?
            {
                match self.wait_until(at, why)? {
                    Some(ended) => return Ok(ended),
                    None => continue,
                }
            }
            if self.context.cancel.is_cancelled() {
                return Ok(EndReason::Interrupted);
            }
            let clock = self.context.clock;
            let ask = ask_of(&self.limits, self.options);
            let intent = match self.context.ledger.intend(&ask, &|| clock.now())? {
                Next::Nothing => return Ok(EndReason::Done),
                Next::Later { at, reason: why } => match self.wait_until(at, why)? {
                    Some(ended) => return Ok(ended),
                    None => continue,
                },
                Next::Send(intent) => intent,
            };
            match self.send(&intent)? {
                Some(Verdict::Denied) => return Ok(EndReason::Denied),
                Some(Verdict::Trouble | Verdict::Unknown) => {
                    failures += 1;
                    if failures > self.options.retries {
                        return Ok(EndReason::Trouble);
                    }
                    self.sleep(backoff::pause(failures, backoff::roll()));
                }
                // A limit is in the ledger now, and the next question to it brings the wait.
                Some(_) | None => failures = 0,
            }
        }
    }

    /// Waits, or says why not. The pause between two requests and somebody else's request are always waited for: both
    /// are over in a moment, or when that one's lease is.
    fn wait_until(&mut self, at: Timestamp, why: WaitReason) -> Result<Option<EndReason>, RevokeError> {
        if matches!(why, WaitReason::Quota | WaitReason::Server) {
            if !self.alone_done {
                // They take no slot: now is as good a time as any.
                let ended = self.end_installations(EndReason::Done)?;
                return Ok((ended != EndReason::Done).then_some(ended));
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
        self.sleep(length.min(LOOK_AGAIN));
        self.context.progress.next_at(None);
        Ok(None)
    }

    fn sleep(&self, length: Duration) {
        self.context.clock.sleep(length, self.context.cancel);
    }
}

/// How often a waiting run asks the ledger again: others may have been told something by the server meanwhile, and the
/// clock may have been set.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
