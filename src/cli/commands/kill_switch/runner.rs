//! Makes the calls, one after the other, each written down before it is sent, until GitHub asks for patience.

use std::io::{self, Write as _};
use std::time::Duration;

use anyhow::bail;
use jiff::Timestamp;

use super::planned_call::{PlannedCall, names};
use crate::cli::console::{Terminal, count};
use crate::cli::exit::{Exit, RunStatus};
use crate::cli::host_summary::round_up_to_second;
use crate::clock::{Clock as _, SystemClock};
use crate::ledger::{BatchRequest, Event, Ledger, Payload};
use crate::provider::github::host::Host;
use crate::provider::github::kill_switch::{CallOutcome, KillSwitch};
use crate::text::printable;

/// Makes the calls of one run.
pub(super) struct Runner<'a> {
    /// Between two calls.
    pub(super) pause: Duration,
    pub(super) host: &'a Host,
    pub(super) terminal: Terminal<'a>,
    pub(super) switch: &'a KillSwitch,
}

impl Runner<'_> {
    /// Refuses to call while a limit lasts that an earlier run was told of.
    pub(super) fn refuse_while_held(&self, ledger: &dyn Ledger, calls: &[PlannedCall]) -> anyhow::Result<()> {
        let (host, identity) = (self.host.api_base(), self.switch.identity());
        let request = BatchRequest {
            host: &host,
            identity: &identity,
            max_batch: 1,
            // These calls count against the credential's thousands an hour, and only GitHub knows how many are left.
            per_hour: u32::MAX,
            min_interval: Duration::ZERO,
            lease: Duration::ZERO,
            payload: Payload::Batch(&[]),
        };
        let Some(until) = ledger.host_status(&request, &Timestamp::now)?.next_slot else { return Ok(()) };
        bail!(
            "{host} asked an earlier run for patience until {}: nothing was called, and this was not done for {}; run the same \
             command again then (`stanch queue release --host {host}` lifts the hold)",
            round_up_to_second(until),
            names(calls),
            host = self.host.given()
        )
    }

    /// Makes the calls. Whoever they were not made for is named.
    pub(super) fn make_all(&self, ledger: &mut dyn Ledger, calls: &[PlannedCall]) -> anyhow::Result<Exit> {
        let Terminal { console, cancel } = self.terminal;
        let mut out = Output { closed: false };
        let mut refused = 0_usize;
        let mut left = &calls[..0];
        for (n, call) in calls.iter().enumerate() {
            if n > 0 {
                SystemClock.sleep(self.pause, cancel);
            }
            if cancel.is_cancelled() {
                left = &calls[n..];
                console.warn(&format!("interrupted: {} not made", count(left.len() as u64, "call")));
                break;
            }
            ledger.record(&self.event(call, None), &Timestamp::now)?;
            let outcome = self.switch.call(&call.call);
            let recorded = ledger.record(&self.event(call, Some(&outcome)), &Timestamp::now);
            // The answer is printed even where it could not be recorded.
            out.print(call, &outcome, self.terminal)?;
            recorded?;
            refused += usize::from(!outcome.accepted());
            if let Some(wait) = outcome.wait {
                left = &calls[n..];
                self.hold(ledger, wait)?;
                break;
            }
            if outcome.status == Some(401) {
                left = &calls[n..];
                console.warn("the credential is not, or no longer, let in: no more calls are made");
                break;
            }
        }
        if !left.is_empty() {
            console.warn(&format!("not done for {}", names(left)));
        }
        let trouble = refused > 0 || !left.is_empty();
        let status = RunStatus { interrupted: cancel.is_cancelled(), trouble, ..RunStatus::default() };
        Ok(Exit::of(status, 0))
    }

    /// Remembers a limit, so that the next run asks nothing while it lasts.
    fn hold(&self, ledger: &mut dyn Ledger, wait: Duration) -> anyhow::Result<()> {
        ledger.hold(&self.host.api_base(), &self.switch.identity(), wait, &Timestamp::now)?;
        let until = Timestamp::now().saturating_add(wait).unwrap_or(Timestamp::MAX);
        self.terminal.console.warn(&format!(
            "{} asked for patience until {}: no more calls are made; run the command again then for those who are left",
            self.host.label(),
            round_up_to_second(until)
        ));
        Ok(())
    }

    fn event(&self, call: &PlannedCall, outcome: Option<&CallOutcome>) -> Event {
        let verdict = match outcome {
            None => "intent",
            Some(outcome) if outcome.accepted() => "accepted",
            Some(outcome) if outcome.wait.is_some() => "limited",
            Some(outcome) if outcome.status.is_none() => "unknown",
            Some(_) => "refused",
        };
        Event::KillSwitch {
            host: self.host.api_base(),
            call: call.name(),
            options: call.options.clone(),
            verdict: verdict.to_owned(),
            status: outcome.and_then(|outcome| outcome.status),
            request_id: outcome.and_then(|outcome| outcome.request_id.clone()),
            message: outcome.map(|outcome| outcome.message.clone()).unwrap_or_default(),
        }
    }
}

/// Standard output, until its reader closes it: the calls go on, for half a list of people helps nobody, and the rest is
/// told on standard error.
struct Output {
    closed: bool,
}

impl Output {
    /// Prints the status and GitHub's message.
    fn print(&mut self, call: &PlannedCall, outcome: &CallOutcome, terminal: Terminal<'_>) -> io::Result<()> {
        let status = match outcome.status {
            Some(202) => "202 accepted".to_owned(),
            Some(status) if outcome.wait.is_some() => format!("{status} limited"),
            Some(status) => format!("{status} refused"),
            None => "no answer".to_owned(),
        };
        let id = outcome.request_id.as_deref().map(|id| format!(" ({id})")).unwrap_or_default();
        let line = format!("{status}  {}: {}{id}", call.description(), printable(&outcome.message));
        if !self.closed {
            match writeln!(io::stdout(), "{line}") {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    self.closed = true;
                    terminal.console.warn("standard output was closed: the calls go on, and are told here");
                }
                written => return written,
            }
        }
        terminal.console.info(&line);
        Ok(())
    }
}
