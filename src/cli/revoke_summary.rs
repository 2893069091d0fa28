//! How a revoking run ended: what it reports on standard error, and whether tokens remain.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, TimestampRound, Unit};

use super::console::{self, Console, count};
use super::error;
use super::left_waiting::{LeftWaiting, resume_command};
use super::plan;
use super::run_outcome::RunOutcome;
use crate::finding::{Confidence, Finding};
use crate::ledger::WaitReason;
use crate::policy::eligible;
use crate::revocation::State;
use crate::revoke::{self, Counts, EndReason};
use crate::settings::ConnectionSettings;
use crate::text::printable;

/// A host whose tokens were to be revoked.
pub(super) struct SummaryHost {
    /// Its name for people.
    pub(super) label: String,
    /// The base of its API.
    pub(super) api_base: String,
    /// The command that goes on with what waits there.
    pub(super) resume: String,
}

impl SummaryHost {
    /// The host of a connection.
    pub(super) fn of(connection: &ConnectionSettings) -> Self {
        let api_base = connection.host.api_base();
        let resume = resume_command(connection, &api_base);
        SummaryHost { label: connection.host.label().to_owned(), api_base, resume }
    }
}

/// A revoking run that is over.
pub(super) struct RevokeSummary {
    host: SummaryHost,
    /// How many tokens were not sent because they are suppressed.
    suppressed: u64,
    /// How many of this machine's own credentials were taken out of the queue without having been found by this run.
    own_elsewhere: u64,
    outcome: RunOutcome,
    /// How many of the accepted tokens were found by this run: the others waited since earlier ones.
    accepted_now: u64,
    /// What waits in the ledger, at any host.
    left: Vec<LeftWaiting>,
    /// The tokens of this run by the name of their state; without one where nothing is known of them.
    states: BTreeMap<String, u64>,
    /// How many of them still work, as far as is known.
    open: u64,
}

impl RevokeSummary {
    /// A run that looked at no findings, such as `stanch resume`, and passed over so many suppressed tokens.
    pub(super) fn new(host: SummaryHost, suppressed: u64, outcome: RunOutcome) -> Self {
        RevokeSummary {
            host,
            suppressed,
            own_elsewhere: 0,
            outcome,
            accepted_now: 0,
            left: Vec::new(),
            states: BTreeMap::new(),
            open: 0,
        }
    }

    /// With so many of this machine's own credentials that were taken out of the queue, and were not found by this run.
    pub(super) fn with_own(self, own_elsewhere: u64) -> Self {
        RevokeSummary { own_elsewhere, ..self }
    }

    /// With what waits in the ledger after the run.
    pub(super) fn with_left(self, left: Vec<LeftWaiting>) -> Self {
        RevokeSummary { left, ..self }
    }

    /// With how many of the tokens that this run has queued were accepted.
    pub(super) fn with_accepted_now(self, accepted_now: u64) -> Self {
        RevokeSummary { accepted_now, ..self }
    }

    /// Counts what became of the findings that could be sent.
    pub(super) fn with_findings(mut self, findings: &[Finding], counted: Confidence) -> Self {
        let done = [State::Accepted, State::Confirmed, State::Dead].map(State::as_str);
        for finding in findings.iter().filter(|finding| eligible(finding, counted)) {
            let state = finding.revocation.as_ref().map_or("", |revocation| revocation.state.as_str());
            *self.states.entry(state.to_owned()).or_default() += 1;
            self.open += u64::from(!done.contains(&state));
        }
        self
    }

    /// Whether tokens remain that were not revoked: those of this run, and whatever waits at any host.
    pub(super) fn remaining(&self) -> bool {
        let of_run = match &self.outcome {
            RunOutcome::Sent { outcome, .. } => {
                let Counts { refused, damaged, alive, .. } = outcome.counts;
                outcome.waiting() + refused + damaged + alive > 0
            }
            // What it was to send was not all sent, whatever can still be read of it.
            RunOutcome::Failed { .. } => true,
            // Whether it may send so many is the user's to say first; nothing of it is queued.
            RunOutcome::Refused(_) => return !self.left.is_empty(),
            _ => false,
        };
        of_run || self.open + self.own_elsewhere > 0 || !self.left.is_empty()
    }

    /// Whether sending could not go on.
    pub(super) fn failed(&self) -> bool {
        matches!(self.outcome, RunOutcome::Failed { .. })
    }

    /// Whether the run was refused whole.
    pub(super) fn refused(&self) -> bool {
        matches!(self.outcome, RunOutcome::Refused(_))
    }

    fn in_state(&self, state: State) -> u64 {
        self.states.get(state.as_str()).copied().unwrap_or_default()
    }

    /// Reports it on standard error.
    pub(super) fn print(&self, console: &Console) {
        match &self.outcome {
            RunOutcome::DryRun { plan } => {
                console.info("dry run: nothing was sent, nothing was written; this is what would be sent:");
                for line in plan {
                    console.info(line);
                }
            }
            RunOutcome::Declined => console.warn("declined: nothing was sent"),
            RunOutcome::Refused(too_many) => console::error(&too_many.to_string()),
            RunOutcome::Interrupted => console.warn("interrupted: nothing was sent"),
            RunOutcome::NothingToDo | RunOutcome::SetAside { .. } => self.print_set_aside(console),
            RunOutcome::Sent { outcome, .. } => {
                self.print_sent(outcome, console);
                self.print_set_aside(console);
            }
            RunOutcome::Failed { error, counts, .. } => {
                console::error(&error::message(error));
                self.print_accepted(counts, console);
                self.print_set_aside(console);
            }
        }
        if self.suppressed > 0 {
            console.warn(&format!("{} passed over, not sent", count(self.suppressed, "suppressed token")));
        }
        for left in self.left.iter().filter(|left| !self.tells_of(left)) {
            left.print(console);
        }
        if let RunOutcome::SetAside { ledger }
        | RunOutcome::Sent { ledger, .. }
        | RunOutcome::Failed { ledger, .. } = &self.outcome
        {
            console.info(&format!("ledger: {}", printable(ledger)));
        }
    }

    /// Whether the outcome itself tells of what waits at a host.
    pub(super) fn tells_of(&self, left: &LeftWaiting) -> bool {
        let told = match &self.outcome {
            RunOutcome::Sent { outcome, .. } => outcome.waiting() > 0,
            RunOutcome::DryRun { .. } => true,
            _ => false,
        };
        told && left.host == self.host.api_base
    }

    /// What the server is known to have taken, those of this run and those of earlier ones told apart.
    fn print_accepted(&self, counts: &Counts, console: &Console) {
        if counts.requests == 0 {
            return;
        }
        let (accepted, requests) = (count(counts.accepted, "token"), count(counts.requests, "request"));
        let queued_before = counts.accepted.saturating_sub(self.accepted_now);
        let sources = plan::sources(counts.accepted - queued_before, queued_before);
        let sources = sources.map(|sources| format!(": {sources}")).unwrap_or_default();
        let hint = if counts.accepted > 0 && counts.checks == 0 {
            " (taken, not yet known to be dead: --confirm asks)"
        } else {
            ""
        };
        console.info(&format!("{} accepted {accepted} in {requests}{sources}{hint}", self.host.label));
    }

    fn print_sent(&self, outcome: &revoke::RunOutcome, console: &Console) {
        let counts = &outcome.counts;
        self.print_accepted(counts, console);
        for (n, what) in [
            (counts.confirmed, "seen dead afterwards"),
            (counts.dead, "dead before, not sent"),
            (counts.refused, "refused by the server, each in a request of its own"),
        ] {
            if n > 0 {
                console.info(&format!("{} {what}", count(n, "token")));
            }
        }
        if counts.damaged > 0 {
            let damaged = count(counts.damaged, "token");
            console.warn(&format!("{damaged} could not be opened any more: scan again to queue them anew"));
        }
        if counts.alive > 0 {
            let (alive, live) = (count(counts.alive, "token"), if counts.alive == 1 { "is" } else { "are" });
            console.warn(&format!(
                "{alive} accepted, and still alive when asked last: revoking takes a while; if {live} not dead \
                 tomorrow, tell the owners",
            ));
        }
        if counts.unasked > 0 {
            console.warn(&format!(
                "whether {} {} could not be asked: no usable answer came in time",
                count(counts.unasked, "token"),
                if counts.unasked == 1 { "is alive" } else { "are alive" }
            ));
        }
        if let Some(message) = waiting(outcome, &self.host) {
            console.warn(&message);
        }
    }

    /// What was set aside, and what would send it.
    fn print_set_aside(&self, console: &Console) {
        for (state, why) in [
            (State::Held, "held back: below --revoke-confidence"),
            (State::Own, "not sent: this machine's own credentials (--allow-own sends them, too)"),
            (State::Unsupported, "not sent: the host does not take their kind"),
        ] {
            let elsewhere = if state == State::Own { self.own_elsewhere } else { 0 };
            let tokens = self.in_state(state) + elsewhere;
            if tokens > 0 {
                console.warn(&format!("{} {why}", count(tokens, "token")));
            }
        }
    }
}

/// How many tokens still wait, why, and what sends them; none where nothing waits.
fn waiting(outcome: &revoke::RunOutcome, host: &SummaryHost) -> Option<String> {
    let SummaryHost { label: host, resume, .. } = host;
    let waiting = outcome.waiting();
    if waiting == 0 {
        return None;
    }
    let message = outcome.message.as_deref().map(printable).filter(|message| !message.is_empty());
    let message = message.map(|message| format!(": {message}")).unwrap_or_default();
    let (used, limit) = (outcome.host_status.requests_last_hour, outcome.host_status.limit);
    let why = match outcome.end {
        EndReason::Later(WaitReason::Server) if used < limit => format!("{host} asked for patience{message}"),
        EndReason::Later(_) => format!("the hour's quota is used up ({used} of {limit} requests)"),
        EndReason::Denied => format!("{host} turned the request away{message}"),
        EndReason::Trouble => format!("no usable answer from {host}{message}"),
        EndReason::Interrupted => "interrupted".to_owned(),
        EndReason::Done => format!("not all could be sent{message}"),
    };
    let next = outcome.host_status.next_slot.map(|at| format!("; next slot at {}", round_up_to_second(at)));
    let tokens = count(waiting, "token");
    let wait = if waiting == 1 { "waits" } else { "wait" };
    Some(format!("{why}: {tokens} still {wait}{}; `{resume}` goes on", next.unwrap_or_default()))
}

/// The first whole second that is not before `at`.
pub(super) fn round_up_to_second(at: Timestamp) -> Timestamp {
    let up = TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Ceil);
    at.round(up).or_else(|_| at.checked_add(SignedDuration::from_secs(1))).unwrap_or(at)
}
