//! How a revoking run ended at one host: what it reports on standard error, and whether tokens remain.

use std::collections::{BTreeMap, HashSet};

use jiff::{SignedDuration, Timestamp, TimestampRound, Unit};

use super::console::{self, Console, count};
use super::error;
use super::left_waiting::LeftWaiting;
use super::plan;
use super::proofs;
use super::run_outcome::RunOutcome;
use super::still_queued::StillQueued;
use crate::finding::Finding;
use crate::ledger::WaitReason;
use crate::revocation::State;
use crate::revoke::{self, Counts, EndReason};
use crate::text::printable;
use crate::token::Fingerprint;

/// A host whose tokens were to be revoked.
pub(super) struct SummaryHost {
    /// Its name for people.
    pub(super) label: String,
    /// The base of its API.
    pub(super) api_base: String,
    /// The command that goes on with what waits there.
    pub(super) resume: String,
    /// The ledger's name for people where tokens are only queued in it.
    pub(super) queued_in: Option<String>,
}

/// What a run has done at one host.
pub(super) struct HostSummary {
    host: SummaryHost,
    pub(super) outcome: RunOutcome,
    /// How many tokens were not sent because they are suppressed.
    suppressed: u64,
    /// How many of this machine's own credentials were taken out of the queue without having been found by this run.
    own_elsewhere: u64,
    /// What it could not take out of the queue.
    still_queued: StillQueued,
    /// Those of its tokens that waited before it, and how many were done before it.
    before: (HashSet<Fingerprint>, u64),
    /// How many tokens earlier runs have sent that it was to ask about, and did not.
    unasked: u64,
    /// How many of the tokens that it has queued were accepted: the others that were waited since earlier runs.
    accepted_now: u64,
    /// The tokens of this run by the name of their state; without one where nothing is known of them.
    states: BTreeMap<String, u64>,
    /// How many of them still work, as far as is known.
    open: u64,
}

impl HostSummary {
    /// What a run did that passed over so many suppressed tokens.
    pub(super) fn new(host: SummaryHost, suppressed: u64, outcome: RunOutcome) -> Self {
        HostSummary {
            host,
            outcome,
            suppressed,
            own_elsewhere: 0,
            still_queued: StillQueued::default(),
            before: (HashSet::new(), 0),
            unasked: 0,
            accepted_now: 0,
            states: BTreeMap::new(),
            open: 0,
        }
    }

    /// With so many of this machine's own credentials that were taken out of the queue, and were not found by this run.
    pub(super) fn with_own(self, own_elsewhere: u64) -> Self {
        HostSummary { own_elsewhere, ..self }
    }

    /// With what should not wait any more, and does.
    pub(super) fn with_still_queued(self, still_queued: StillQueued) -> Self {
        HostSummary { still_queued, ..self }
    }

    /// With those of its tokens that waited before it, and how many were done before it.
    pub(super) fn with_tokens_before(self, waited: HashSet<Fingerprint>, done: u64) -> Self {
        HostSummary { before: (waited, done), ..self }
    }

    /// With so many tokens that earlier runs have sent, and that it was to ask about.
    pub(super) fn with_unasked(self, unasked: u64) -> Self {
        HostSummary { unasked, ..self }
    }

    /// Counts what became of the findings that could be sent.
    pub(super) fn count_findings<'a>(&mut self, findings: impl Iterator<Item = &'a Finding>) {
        let done = [State::Accepted, State::Confirmed, State::Dead].map(State::as_str);
        let (waited, done_before) = &self.before;
        let mut accepted = 0;
        for finding in findings {
            let is_final = finding.revocation.as_ref().is_some_and(|revocation| revocation.state.is_final());
            accepted += u64::from(is_final && !waited.contains(&finding.token.fingerprint()));
            let state = finding.revocation.as_ref().map_or("", |revocation| revocation.state.as_str());
            *self.states.entry(state.to_owned()).or_default() += 1;
            self.open += u64::from(!done.contains(&state));
        }
        self.accepted_now = accepted.saturating_sub(*done_before);
    }

    /// The ledger failed after the run.
    pub(super) fn fail(&mut self, error: impl Into<anyhow::Error>) {
        let outcome = std::mem::replace(&mut self.outcome, RunOutcome::NothingToDo);
        self.outcome = outcome.failing(error);
    }

    /// Whether tokens remain that were not revoked: those of this run, and those that it was to send.
    pub(super) fn remaining(&self) -> bool {
        let of_run = match &self.outcome {
            RunOutcome::Sent { outcome, .. } => {
                let Counts { refused, damaged, .. } = outcome.counts;
                outcome.waiting() + refused + damaged + outcome.still_alive > 0
            }
            // What it was to send was not all sent, whatever can still be read of it.
            RunOutcome::Failed { .. } => true,
            // Whether it may send so many is the user's to say first; nothing of it is queued.
            RunOutcome::Refused => return false,
            _ => false,
        };
        of_run || self.open + self.own_elsewhere + self.still_queued.tokens() > 0
    }

    /// Whether sending could not go on.
    pub(super) fn failed(&self) -> bool {
        matches!(self.outcome, RunOutcome::Failed { .. })
    }

    /// Whether its own lines tell of what waits at a host.
    pub(super) fn tells_of(&self, left: &LeftWaiting) -> bool {
        let told = match &self.outcome {
            RunOutcome::Sent { outcome, .. } => outcome.waiting() > 0,
            RunOutcome::DryRun { .. } => true,
            _ => false,
        };
        told && left.host == self.host.api_base
    }

    fn in_state(&self, state: State) -> u64 {
        self.states.get(state.as_str()).copied().unwrap_or_default()
    }

    /// Reports it on standard error.
    pub(super) fn print(&self, console: &Console) {
        match &self.outcome {
            RunOutcome::DryRun { plan } => {
                let done = if self.host.queued_in.is_some() { "queued" } else { "sent" };
                console.info(&format!(
                    "dry run: nothing was sent, nothing was written; this is what would be {done}:"
                ));
                for line in plan {
                    console.info(line);
                }
                if self.own_elsewhere > 0 {
                    console.warn(&format!(
                        "{} waiting since earlier runs would not be sent: this machine's own (--allow-own sends them, too)",
                        count(self.own_elsewhere, "credential")
                    ));
                }
            }
            RunOutcome::Declined => console.warn("declined: nothing was sent"),
            RunOutcome::Queued { ledger, queued } => {
                queued.print(ledger, &self.host.label, console);
                self.print_set_aside(console);
            }
            RunOutcome::Refused => {}
            RunOutcome::Interrupted => console.warn("interrupted: nothing was sent"),
            RunOutcome::NothingToDo | RunOutcome::SetAside { .. } => self.print_set_aside(console),
            RunOutcome::Sent { outcome, .. } => {
                self.print_sent(outcome, console);
                self.print_set_aside(console);
            }
            RunOutcome::Failed { error, counts, .. } => {
                console::error(&error::message(error));
                // What the message says was taken is not counted where the ledger does not have it.
                if counts.accepted > 0 {
                    self.print_accepted(counts, console);
                }
                self.print_set_aside(console);
            }
        }
        if self.suppressed > 0 {
            console.warn(&format!("{} passed over, not sent", count(self.suppressed, "suppressed token")));
        }
        self.still_queued.print(self.host.queued_in.as_deref().unwrap_or_default(), console);
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
        let hint = if counts.accepted > counts.self_revoked && counts.checks == 0 {
            " (taken, not yet known to be dead: --confirm asks)"
        } else {
            ""
        };
        console.info(&format!("{} accepted {accepted} in {requests}{sources}{hint}", self.host.label));
    }

    fn print_sent(&self, outcome: &revoke::RunOutcome, console: &Console) {
        let counts = &outcome.counts;
        self.print_accepted(counts, console);
        let revoked = match counts.self_revoked {
            1 => "of these revoked itself, in a request of its own",
            _ => "of these revoked themselves, each in a request of its own",
        };
        for (n, what) in [
            (counts.self_revoked, revoked),
            (counts.confirmed, "seen dead afterwards"),
            (counts.dead, "dead before, not sent"),
            (counts.refused, "refused by the server, each in a request of its own"),
            // What waited when the run began, and was settled by none of its requests.
            (
                counts.waiting.saturating_sub(outcome.waiting()),
                "settled without a request of this run: by an answer that an earlier run had kept, or by another run",
            ),
        ] {
            if n > 0 {
                console.info(&format!("{} {what}", count(n, "token")));
            }
        }
        proofs::print(outcome, &self.host.label, console);
        if counts.damaged > 0 {
            let damaged = count(counts.damaged, "token");
            console.warn(&format!(
                "{damaged} damaged in the ledger, or not to be opened any more: scan again to queue them anew"
            ));
        }
        if let Some(message) = waiting(outcome, &self.host) {
            console.warn(&message);
        }
    }

    /// What was set aside, and what would send it.
    fn print_set_aside(&self, console: &Console) {
        let (_, done) = self.before;
        if done > 0 {
            console.info(&format!("{} done by earlier runs: not sent again", count(done, "token")));
        }
        if self.unasked > 0 {
            console.warn(&format!(
                "{}: accepted by earlier runs, and whether they are dead was not asked: --confirm asks about what it sends",
                count(self.unasked, "token")
            ));
        }
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

/// `works` for one, `work` for more.
fn verb(count: u64, plural: &str) -> String {
    if count == 1 { format!("{plural}s") } else { plural.to_owned() }
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
        EndReason::Bound => "more was queued meanwhile".to_owned(),
        EndReason::Interrupted => "interrupted".to_owned(),
        EndReason::Done => format!("not all could be sent{message}"),
    };
    let next = outcome.host_status.next_slot.max(outcome.self_revoking_at);
    let next = next.map(|at| format!("; next slot at {}", round_up_to_second(at)));
    let tokens = count(waiting, "token");
    let wait = verb(waiting, "wait");
    Some(format!("{why}: {tokens} still {wait}{}; `{resume}` goes on", next.unwrap_or_default()))
}

/// The first whole second that is not before `at`.
pub(super) fn round_up_to_second(at: Timestamp) -> Timestamp {
    let up = TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Ceil);
    at.round(up).or_else(|_| at.checked_add(SignedDuration::from_secs(1))).unwrap_or(at)
}
