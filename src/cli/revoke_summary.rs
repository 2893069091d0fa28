//! What a revoking run says when it is over, and what that makes of the exit code.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp, TimestampRound, Unit};

use super::console::{self, Console, count};
use super::error;
use crate::finding::{Confidence, Finding};
use crate::ledger::WaitReason;
use crate::policy::eligible;
use crate::revocation::State;
use crate::revoke::{EndReason, RunOutcome};
use crate::text::printable;

/// How a question ended that was not answered with yes.
#[derive(Clone, Copy)]
pub(super) enum Unsent {
    /// With a no.
    Declined,
    /// With Ctrl-C.
    Interrupted,
}

/// What became of it all.
#[derive(Default)]
pub(super) struct RevokeSummary {
    /// What people call the host.
    host: String,
    /// Tokens passed over because something silences them.
    pub(super) suppressed: u64,
    /// What a dry run has to say.
    pub(super) rehearsed: Option<Vec<String>>,
    /// Why nothing was sent although there was something to send.
    pub(super) unsent: Option<Unsent>,
    /// The ledger, if anything was written.
    pub(super) ledger: Option<PathBuf>,
    /// What the run did, if there was one.
    pub(super) outcome: Option<RunOutcome>,
    /// Why it could not go on.
    pub(super) error: Option<anyhow::Error>,
    /// The tokens of this run by the word for their state; without one where nothing is known of them.
    states: BTreeMap<String, u64>,
    /// How many of them still work, as far as anybody knows.
    open: u64,
}

impl RevokeSummary {
    pub(super) fn new(host: &str, suppressed: u64) -> Self {
        RevokeSummary { host: host.to_owned(), suppressed, ..RevokeSummary::default() }
    }

    /// A run over what waited in the ledger alone.
    pub(super) fn of_queue(host: &str, outcome: RunOutcome, ledger: PathBuf) -> Self {
        RevokeSummary { ledger: Some(ledger), outcome: Some(outcome), ..RevokeSummary::new(host, 0) }
    }

    /// Counts what became of the tokens that could be sent.
    pub(super) fn count(&mut self, findings: &[Finding], counted: Confidence) {
        let done = [State::Accepted, State::Confirmed, State::Dead].map(State::as_str);
        for finding in findings.iter().filter(|finding| eligible(finding, counted)) {
            let state = finding.revocation.as_ref().map_or("", |revocation| revocation.state.as_str());
            *self.states.entry(state.to_owned()).or_default() += 1;
            self.open += u64::from(!done.contains(&state));
        }
    }

    /// Whether tokens remain that GitHub did not accept: those of this run, and what a run cut short left in the queue.
    pub(super) fn remaining(&self) -> bool {
        let left = self
            .outcome
            .as_ref()
            .filter(|outcome| outcome.end != EndReason::Done)
            .map_or(0, RunOutcome::waiting);
        let refused =
            self.outcome.as_ref().map_or(0, |outcome| outcome.counts.refused + outcome.counts.damaged);
        self.open + left + refused > 0
    }

    fn of(&self, state: State) -> u64 {
        self.states.get(state.as_str()).copied().unwrap_or_default()
    }

    /// Says it all on standard error.
    pub(super) fn tell(&self, console: &Console) {
        if let Some(lines) = &self.rehearsed {
            console.say("dry run: nothing was sent, nothing was written; this is what would be sent:");
            for line in lines {
                console.say(line);
            }
        }
        match self.unsent {
            Some(Unsent::Declined) => console.warn("nothing was sent, as you said"),
            Some(Unsent::Interrupted) => console.warn("interrupted: nothing was sent"),
            None => {}
        }
        if let Some(outcome) = &self.outcome {
            self.tell_outcome(outcome, console);
        }
        if let Some(failure) = &self.error {
            console::error(&error::message(failure));
        }
        if self.rehearsed.is_none() && self.unsent.is_none() {
            self.tell_asides(console);
        }
        if self.suppressed > 0 {
            console.warn(&format!("{} passed over, not sent", count(self.suppressed, "suppressed token")));
        }
        if let Some(ledger) = &self.ledger {
            console.say(&format!("ledger: {}", printable(&ledger.display().to_string())));
        }
    }

    fn tell_outcome(&self, outcome: &RunOutcome, console: &Console) {
        let seen = &outcome.counts;
        let host = &self.host;
        if seen.requests > 0 {
            let (accepted, requests) = (count(seen.accepted, "token"), count(seen.requests, "request"));
            let hint = if seen.accepted > 0 && seen.checks == 0 {
                " (taken, not yet known to be dead: --confirm asks)"
            } else {
                ""
            };
            console.say(&format!("{host} accepted {accepted} in {requests}{hint}"));
        }
        for (n, words) in [
            (seen.confirmed, "seen dead afterwards"),
            (seen.dead, "dead before, not sent"),
            (seen.refused, "refused by the server, each alone"),
        ] {
            if n > 0 {
                console.say(&format!("{} {words}", count(n, "token")));
            }
        }
        if seen.damaged > 0 {
            let damaged = count(seen.damaged, "token");
            console.warn(&format!("{damaged} could not be opened any more: scan again to queue them anew"));
        }
        if let Some(words) = left_behind(outcome, host) {
            console.warn(&words);
        }
    }

    /// What was set aside, and what would send it.
    fn tell_asides(&self, console: &Console) {
        for (state, words) in [
            (State::Held, "held back: below --revoke-confidence"),
            (State::Own, "not sent: this machine's own credentials (--allow-own sends them, too)"),
            (State::Unsupported, "not sent: the host does not take their kind"),
        ] {
            if self.of(state) > 0 {
                console.warn(&format!("{} {words}", count(self.of(state), "token")));
            }
        }
    }
}

/// What waits, why, and what sends it.
fn left_behind(outcome: &RunOutcome, host: &str) -> Option<String> {
    let waiting = outcome.waiting();
    if waiting == 0 {
        return None;
    }
    let said = outcome.message.as_deref().map(printable).filter(|said| !said.is_empty());
    let said = said.map(|said| format!(": {said}")).unwrap_or_default();
    let (used, limit) = (outcome.host_status.requests_last_hour, outcome.host_status.limit);
    let why = match outcome.end {
        EndReason::Later(WaitReason::Server) if used < limit => format!("{host} asked for patience{said}"),
        EndReason::Later(_) => format!("the hour's quota is used up ({used} of {limit} requests)"),
        EndReason::Denied => format!("{host} turned the request away{said}"),
        EndReason::Trouble => format!("no usable answer from {host}{said}"),
        EndReason::Interrupted => "interrupted".to_owned(),
        EndReason::Done => format!("not all could be sent{said}"),
    };
    let next = outcome.host_status.next_slot.map(|at| format!("; next slot at {}", to_the_second(at)));
    let tokens = count(waiting, "token");
    let verb = if waiting == 1 { "waits" } else { "wait" };
    Some(format!("{why}: {tokens} still {verb}{}; `stanch resume` goes on", next.unwrap_or_default()))
}

/// The first whole second at which it is over.
pub(super) fn to_the_second(at: Timestamp) -> Timestamp {
    let up = TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Ceil);
    at.round(up).or_else(|_| at.checked_add(SignedDuration::from_secs(1))).unwrap_or(at)
}
