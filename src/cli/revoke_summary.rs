//! How a revoking run ended: what it reports on standard error, and whether tokens remain.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, TimestampRound, Unit};

use super::console::{self, Console, count};
use super::error;
use crate::finding::Finding;
use crate::ledger::WaitReason;
use crate::revocation::State;
use crate::revoke::{self, EndReason};
use crate::text::printable;

/// What became of a plan.
pub(super) enum RunOutcome {
    /// No token could be sent, or earlier runs have sent them all.
    NothingToDo,
    /// It was shown.
    DryRun {
        /// As lines of text.
        plan: Vec<String>,
    },
    /// The user answered no: nothing was sent or written.
    Declined,
    /// The user pressed Ctrl-C at the prompt: nothing was sent or written.
    Interrupted,
    /// Every token in it was set aside, and that was written down.
    SetAside {
        /// The ledger's name for people.
        ledger: String,
    },
    /// It was written down, and sent as far as `outcome` has it.
    Sent {
        /// The ledger's name for people.
        ledger: String,
        /// What was sent, and what was left.
        outcome: Box<revoke::RunOutcome>,
    },
    /// It was written down, and sending could not go on.
    Failed {
        /// The ledger's name for people.
        ledger: String,
        /// Why it could not go on.
        error: anyhow::Error,
    },
}

/// A revoking run that is over.
pub(super) struct RevokeSummary {
    /// The host's name for people.
    host: String,
    /// How many tokens were not sent because they are suppressed.
    suppressed: u64,
    outcome: RunOutcome,
    /// The tokens of this run by the name of their state; without one where nothing is known of them.
    states: BTreeMap<String, u64>,
    /// How many of them still work, as far as is known.
    open: u64,
}

impl RevokeSummary {
    /// A run that looked at no findings, such as `stanch resume`.
    pub(super) fn new(host: &str, suppressed: u64, outcome: RunOutcome) -> Self {
        RevokeSummary { host: host.to_owned(), suppressed, outcome, states: BTreeMap::new(), open: 0 }
    }

    /// Counts what became of the findings that could be sent.
    pub(super) fn with_findings<'a>(mut self, findings: impl Iterator<Item = &'a Finding>) -> Self {
        let done = [State::Accepted, State::Confirmed, State::Dead].map(State::as_str);
        for finding in findings {
            let state = finding.revocation.as_ref().map_or("", |revocation| revocation.state.as_str());
            *self.states.entry(state.to_owned()).or_default() += 1;
            self.open += u64::from(!done.contains(&state));
        }
        self
    }

    /// Whether tokens remain that the host did not accept: those of this run, and what a run cut short left in the queue.
    pub(super) fn remaining(&self) -> bool {
        let of_queue = match &self.outcome {
            RunOutcome::Sent { outcome, .. } => {
                let left = if outcome.end == EndReason::Done { 0 } else { outcome.waiting() };
                left + outcome.counts.refused + outcome.counts.damaged + outcome.still_alive
            }
            _ => 0,
        };
        self.open + of_queue > 0
    }

    /// Whether sending could not go on.
    pub(super) fn failed(&self) -> bool {
        matches!(self.outcome, RunOutcome::Failed { .. })
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
            RunOutcome::Interrupted => console.warn("interrupted: nothing was sent"),
            RunOutcome::NothingToDo | RunOutcome::SetAside { .. } => self.print_set_aside(console),
            RunOutcome::Sent { outcome, .. } => {
                self.print_sent(outcome, console);
                self.print_set_aside(console);
            }
            RunOutcome::Failed { error, .. } => {
                console::error(&error::message(error));
                self.print_set_aside(console);
            }
        }
        if self.suppressed > 0 {
            console.warn(&format!("{} passed over, not sent", count(self.suppressed, "suppressed token")));
        }
        if let RunOutcome::SetAside { ledger }
        | RunOutcome::Sent { ledger, .. }
        | RunOutcome::Failed { ledger, .. } = &self.outcome
        {
            console.info(&format!("ledger: {}", printable(ledger)));
        }
    }

    fn print_sent(&self, outcome: &revoke::RunOutcome, console: &Console) {
        let counts = &outcome.counts;
        let host = &self.host;
        if counts.requests > 0 {
            let (accepted, requests) = (count(counts.accepted, "token"), count(counts.requests, "request"));
            let hint = if counts.accepted > 0 && counts.checks == 0 {
                " (taken, not yet known to be dead: --confirm asks)"
            } else {
                ""
            };
            console.info(&format!("{host} accepted {accepted} in {requests}{hint}"));
        }
        for (n, what) in [
            (counts.self_revoked, "of these revoked themselves, each in a request of its own"),
            (counts.confirmed, "seen dead afterwards"),
            (counts.dead, "dead before, not sent"),
            (counts.refused, "refused by the server, each in a request of its own"),
        ] {
            if n > 0 {
                console.info(&format!("{} {what}", count(n, "token")));
            }
        }
        print_proofs(outcome, host, console);
        if counts.damaged > 0 {
            let damaged = count(counts.damaged, "token");
            console.warn(&format!(
                "{damaged} damaged in the ledger, or not to be opened any more: scan again to queue them anew"
            ));
        }
        if let Some(message) = waiting(outcome, host) {
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
            if self.in_state(state) > 0 {
                console.warn(&format!("{} {why}", count(self.in_state(state), "token")));
            }
        }
    }
}

/// What `--verify` and `--confirm` could not show, or showed to be alive.
fn print_proofs(outcome: &revoke::RunOutcome, host: &str, console: &Console) {
    if outcome.still_alive > 0 {
        let (tokens, work) = (count(outcome.still_alive, "token"), verb(outcome.still_alive, "work"));
        console.warn(&format!(
            "{tokens} still {work}: {host} accepted them, and they were alive when --confirm asked last; revoke them by \
             hand if that stays so"
        ));
    }
    for (tokens, what) in [
        (outcome.unverified, "--verify could not learn whether they live, and they go unasked"),
        (outcome.unconfirmed, "accepted, but --confirm could not learn whether they are dead"),
    ] {
        if tokens > 0 {
            console.warn(&format!("{}: {what}", count(tokens, "token")));
        }
    }
}

/// `works` for one, `work` for more.
fn verb(count: u64, plural: &str) -> String {
    if count == 1 { format!("{plural}s") } else { plural.to_owned() }
}

/// How many tokens still wait, why, and what sends them; none where nothing waits.
fn waiting(outcome: &revoke::RunOutcome, host: &str) -> Option<String> {
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
    let next = outcome.host_status.next_slot.max(outcome.self_revoking_at);
    let next = next.map(|at| format!("; next slot at {}", round_up_to_second(at)));
    let tokens = count(waiting, "token");
    let wait = verb(waiting, "wait");
    Some(format!("{why}: {tokens} still {wait}{}; `stanch resume` goes on", next.unwrap_or_default()))
}

/// The first whole second that is not before `at`.
pub(super) fn round_up_to_second(at: Timestamp) -> Timestamp {
    let up = TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Ceil);
    at.round(up).or_else(|_| at.checked_add(SignedDuration::from_secs(1))).unwrap_or(at)
}
