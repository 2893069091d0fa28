//! The queue of one API base, sent batch by batch for as long as the server runs.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::destination::{Destination, Destinations};
use super::observed::Observed;
use super::pacing::Pacing;
use super::screen::{Kept, Screen};
use crate::backoff;
use crate::clock::{Clock as _, SystemClock};
use crate::ledger::{self, Ledger, LedgerAddress, LedgerError, StatusRequest};
use crate::provider::{ConnectError, Revoker as _};
use crate::revoke::{
    self, Context, CountedCalls, EndReason, Options, Progress, RevokeError, RunOutcome, Wait,
};
use crate::serve::log::{Log, Trouble};
use crate::serve::metrics::Metrics;
use crate::serve::stop::Stop;

/// How often an empty queue is looked at.
pub(super) const POLL: Duration = Duration::from_millis(500);

/// The longest pause after trouble.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// How long it takes until a host that refuses every request is asked again.
const AFTER_REFUSAL: Duration = Duration::from_mins(10);

/// What every queue is drained with.
#[derive(Clone, Copy)]
pub(super) struct Tools<'a> {
    pub(super) ledger: &'a LedgerAddress,
    pub(super) destinations: &'a dyn Destinations,
    pub(super) kept: &'a Kept,
    pub(super) options: &'a Options,
    /// How long a batch is filled.
    pub(super) coalesce: Duration,
    pub(super) log: &'a Log,
    pub(super) metrics: &'a Metrics,
    pub(super) stop: &'a Stop,
}

/// Why a queue cannot be drained for now.
#[derive(Debug, thiserror::Error)]
enum Hindrance {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Revoke(#[from] RevokeError),
    #[error("{0}")]
    NoWay(String),
}

/// A queue that is drained.
pub(super) struct Queue<'a> {
    tools: Tools<'a>,
    /// What the ledger calls the host.
    host: String,
    trouble: Trouble,
}

impl<'a> Queue<'a> {
    pub(super) fn new(tools: Tools<'a>, host: String) -> Self {
        Queue { tools, host, trouble: Trouble::default() }
    }

    /// Sends what waits, and what comes to wait, until the server ends.
    pub(super) fn drain(&self) {
        let (mut failures, mut way) = (0, None);
        while !self.tools.stop.is_stopping() {
            match self.session(&mut way, &mut failures) {
                Ok(()) => return,
                // It waited for the ledger, and was asked to end.
                Err(_) if self.tools.stop.is_stopping() => return,
                Err(hindrance) => {
                    if matches!(hindrance, Hindrance::Ledger(_) | Hindrance::Revoke(_)) {
                        self.tools.metrics.ledger_error();
                    }
                    let host = &self.host;
                    self.trouble.tell(self.tools.log, &format!("nothing is sent to {host}: {hindrance}"));
                    failures += 1;
                    // To ask it again costs a request of the hour.
                    let is_answer = matches!(hindrance, Hindrance::Connect(_));
                    let pause = backoff::pause(failures, backoff::random()).min(LONGEST_PAUSE);
                    self.sleep(if is_answer { AFTER_REFUSAL } else { pause });
                }
            }
        }
    }

    /// Drains with one handle of the ledger and one way to the host, until the server ends or the handle is of no use. The way
    /// is kept for the next one: what a host was asked, it is not asked again.
    fn session(&self, way: &mut Option<Destination>, failures: &mut u32) -> Result<(), Hindrance> {
        let mut ledger = ledger::open(self.tools.ledger)?;
        if !self.await_tokens(ledger.as_ref())? {
            return Ok(());
        }
        // Without a key nothing could be sent: then the host is not asked anything either.
        ledger.opener(&self.host)?;
        let Destination { label, revoker, credential } = match way {
            Some(way) => way,
            None => way.insert(self.open(ledger.as_ref())?),
        };
        let Tools { log, metrics, kept, .. } = self.tools;
        let revoker = Observed { inner: revoker.as_mut(), label, host: &self.host, log, metrics };
        let screen = Screen { kept, credential: *credential };
        let pacing =
            Pacing { coalesce: self.tools.coalesce, max_batch: revoker.limits().max_batch.max(1) as u64 };
        while let Some(waiting) = self.await_batch(ledger.as_mut(), &revoker, pacing)? {
            let options = Options {
                wait: Wait::Forever,
                max_batches: Some(pacing.batches(waiting)),
                ..self.tools.options.clone()
            };
            let outcome = self.send(ledger.as_mut(), &revoker, &screen, &options)?;
            self.trouble.is_over(log, &format!("sending to {label} again"));
            self.after(label, &outcome, failures);
        }
        Ok(())
    }

    /// The way to the host, which was asked what has to be known of it.
    fn open(&self, ledger: &dyn Ledger) -> Result<Destination, Hindrance> {
        let entries = ledger.hosts()?;
        let Some(entry) = entries.iter().find(|entry| entry.host == self.host) else {
            return Err(Hindrance::NoWay("the ledger does not know it any more".to_owned()));
        };
        let mut way = self.tools.destinations.open(entry, &entries).map_err(Hindrance::NoWay)?;
        let mut calls = CountedCalls::new(self.tools.ledger, way.revoker.limits(), &SystemClock);
        if let Some(note) = way.revoker.prepare(&mut calls)? {
            self.tools.log.warn(&note);
        }
        Ok(way)
    }

    /// Waits until there is anything to send; false when the server ends before.
    fn await_tokens(&self, ledger: &dyn Ledger) -> Result<bool, LedgerError> {
        while !self.tools.stop.is_stopping() {
            if waiting(ledger, &self.host)? > 0 {
                return Ok(true);
            }
            self.sleep(POLL);
        }
        Ok(false)
    }

    /// Waits until a batch is worth a request. Returns how many tokens wait; none when the server ends before.
    fn await_batch(
        &self,
        ledger: &mut dyn Ledger,
        revoker: &Observed<'_>,
        pacing: Pacing,
    ) -> Result<Option<u64>, LedgerError> {
        let limits = revoker.limits();
        let request =
            StatusRequest { host: &limits.host, identity: &limits.identity, per_hour: limits.per_hour };
        let mut since = None;
        while !self.tools.stop.is_stopping() {
            let waiting = waiting(ledger, &self.host)?;
            if waiting > 0 {
                let since = *since.get_or_insert_with(Instant::now);
                let status = ledger.host_status(&request, &Timestamp::now)?;
                if since.elapsed() >= pacing.fill_time(waiting, &status) {
                    return Ok(Some(waiting));
                }
            }
            self.sleep(POLL);
        }
        Ok(None)
    }

    fn send(
        &self,
        ledger: &mut dyn Ledger,
        revoker: &Observed<'_>,
        screen: &Screen<'_>,
        options: &Options,
    ) -> Result<RunOutcome, Hindrance> {
        let Tools { log, stop, .. } = self.tools;
        let opener = ledger.opener(&self.host)?;
        let progress = Progress::default();
        let context = Context {
            ledger,
            opener: &opener,
            revoker,
            clock: &SystemClock,
            cancel: &stop.begin,
            progress: &progress,
            notify: &|text| log.warn(text),
            screen: Some(screen),
        };
        Ok(revoke::run(context, options)?)
    }

    /// Tells what a run came to, and pauses after one that the host refused.
    fn after(&self, label: &str, outcome: &RunOutcome, failures: &mut u32) {
        let log = self.tools.log;
        let aside = outcome.counts.set_aside + outcome.counts.damaged;
        if aside > 0 {
            log.warn(&format!(
                "{label}: {aside} tokens were set aside, and not sent; `stanch queue list` has them"
            ));
        }
        let message = outcome.message.as_deref().unwrap_or("no message");
        match outcome.end {
            EndReason::Done | EndReason::Bound | EndReason::Interrupted | EndReason::Later(_) => {
                *failures = 0;
            }
            EndReason::Denied => {
                log.warn(&format!("{label} refuses every request ({message}); trying again in 10 minutes"));
                self.sleep(AFTER_REFUSAL);
            }
            EndReason::Trouble => {
                *failures += 1;
                log.warn(&format!("{label}: trouble ({message}); what waits is kept, and tried again"));
                self.sleep(backoff::pause(*failures, backoff::random()).min(LONGEST_PAUSE));
            }
        }
    }

    fn sleep(&self, length: Duration) {
        SystemClock.sleep(length, &self.tools.stop.begin);
    }
}

/// How many tokens wait, or were sent without a known answer.
fn waiting(ledger: &dyn Ledger, host: &str) -> Result<u64, LedgerError> {
    Ok(ledger.waiting(host)?.values().sum())
}
