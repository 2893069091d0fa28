//! What may be sent: decisions about what was found, and what the user must know before anything leaves. No I/O.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Confidence, Finding};
use crate::ledger::TokenRecord;
use crate::revocation::State;
use crate::text::{counted, grouped};
use crate::token::{Fingerprint, Kind};

/// The user's settings for what may be sent.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Tokens below this are held back.
    pub least: Confidence,
    /// This machine's own credentials may go, too.
    pub allow_own: bool,
    /// More tokens than this are a reason to send none.
    pub most: Option<u64>,
}

impl Default for Policy {
    fn default() -> Self {
        Policy { least: Confidence::Certain, allow_own: false, most: None }
    }
}

/// More tokens than one run may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} would be sent{}, and --max-revoke allows {}: nothing was sent; look at them, and raise the limit if they are meant",
    counted(*would, "token", "tokens"),
    queued_before(*waiting),
    grouped(*most)
)]
pub struct TooMany {
    /// How many would have been sent.
    pub would: u64,
    /// How many of them wait since earlier runs.
    pub waiting: u64,
    /// How many may.
    pub most: u64,
}

/// How many of them nobody has found in this run.
fn queued_before(waiting: u64) -> String {
    if waiting > 0 {
        format!(" ({} of them queued by earlier runs)", grouped(waiting))
    } else {
        String::new()
    }
}

impl Policy {
    /// Refuses a run that would send more tokens than it may.
    pub fn allow(&self, found_now: u64, waiting: u64) -> Result<(), TooMany> {
        let would = found_now + waiting;
        match self.most {
            Some(most) if would > most => Err(TooMany { would, waiting, most }),
            _ => Ok(()),
        }
    }

    /// Whether a token that an earlier run left in the queue may leave it. Not one that is this machine's own by now, unless
    /// both this run and the decision under which it waits allow that.
    fn keeps_waiting(&self, finding: &Finding, known: Known, context: &PolicyContext<'_>) -> bool {
        known.state.pending()
            && (self.lets_own_go(known.own_allowed) || !(context.own)(finding.token.fingerprint()))
    }

    /// Whether one of this machine's own credentials may leave the queue.
    pub fn lets_own_go(&self, own_allowed: bool) -> bool {
        self.allow_own && own_allowed
    }

    /// What is to become of one token: [`State::Queued`], or set aside. The gravest reason goes first.
    fn decide(&self, finding: &Finding, context: &PolicyContext<'_>) -> State {
        let (kind, fingerprint) = (finding.token.kind(), finding.token.fingerprint());
        if !self.allow_own && (context.own)(fingerprint) {
            State::Own
        } else if !context.kinds.contains(&kind) {
            State::Unsupported
        } else if finding.confidence < self.least || (context.doubtful)(finding) {
            State::Held
        } else {
            State::Queued
        }
    }
}

/// What a plan is made with, besides the user's settings.
pub struct PolicyContext<'a> {
    /// Findings below this do not count, and are left out.
    pub counted: Confidence,
    /// The kinds that can be revoked at the host, in a batch or by themselves.
    pub kinds: &'a [Kind],
    /// Whether a token is one of this machine's own credentials.
    pub own: &'a dyn Fn(Fingerprint) -> bool,
    /// Whether a finding may be suppressed by what could not be read.
    pub doubtful: &'a dyn Fn(&Finding) -> bool,
    /// What an earlier run left of a token.
    pub known: &'a dyn Fn(Fingerprint) -> Option<Known>,
}

/// What the ledger knows of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its state.
    pub state: State,
    /// Whether the decision under which it waits allowed this machine's own credentials.
    pub own_allowed: bool,
}

impl From<&TokenRecord> for Known {
    fn from(record: &TokenRecord) -> Self {
        Known { state: record.state, own_allowed: record.own_allowed }
    }
}

/// Whether a finding can be sent at all: it counts, nothing suppresses it, and a provider revokes its kind.
pub fn eligible(finding: &Finding, counted: Confidence) -> bool {
    finding.counts(counted) && finding.revocable()
}

/// A finding, and what is to become of it.
#[derive(Clone, Copy)]
pub struct Choice<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// [`State::Queued`], or one of the states of what is set aside.
    pub state: State,
    /// The state in which an earlier run left it.
    pub known: Option<State>,
    /// Whether it waits in the queue already, and may leave it under the decision of an earlier run.
    pub waits: bool,
}

impl Choice<'_> {
    /// Whether it is to be sent on this run's decision.
    fn is_queued_now(&self) -> bool {
        self.state == State::Queued && !self.waits
    }
}

/// What is to become of everything that was found, and of what waits: a run that sends anything sends the whole queue.
#[derive(Default)]
pub struct Plan<'a> {
    /// Each token that can be sent, and what is to become of it; those that are done are not among them.
    pub choices: Vec<Choice<'a>>,
    /// How many were accepted by an earlier run.
    pub done: u64,
    /// How many tokens of each kind wait at the host, those that were found again among them.
    pub waiting: BTreeMap<Kind, u64>,
}

/// How many tokens are suppressed that could be sent otherwise.
pub fn suppressed<'a>(findings: impl IntoIterator<Item = &'a Finding>, counted: Confidence) -> u64 {
    findings.into_iter().filter(|finding| is_suppressed(finding, counted)).count() as u64
}

/// Whether nothing but a suppression keeps a finding from being sent.
fn is_suppressed(finding: &Finding, counted: Confidence) -> bool {
    finding.suppressed.is_some() && finding.revocable() && finding.confidence >= counted
}

impl<'a> Plan<'a> {
    /// Decides about every finding. `waiting` is what waits at the host and may leave.
    pub fn new(
        findings: impl IntoIterator<Item = &'a Finding>,
        policy: &Policy,
        context: &PolicyContext<'_>,
        mut waiting: BTreeMap<Kind, u64>,
    ) -> Self {
        waiting.retain(|kind, _| context.kinds.contains(kind));
        let mut plan = Plan { waiting, ..Plan::default() };
        for finding in findings.into_iter().filter(|finding| eligible(finding, context.counted)) {
            let known = (context.known)(finding.token.fingerprint());
            if known.is_some_and(|known| known.state.is_final()) {
                plan.done += 1;
                continue;
            }
            let waits = known.is_some_and(|known| policy.keeps_waiting(finding, known, context));
            // What waits goes on waiting: the user has agreed to it before.
            let state = if waits { State::Queued } else { policy.decide(finding, context) };
            plan.choices.push(Choice { finding, state, known: known.map(|known| known.state), waits });
        }
        plan
    }

    /// Whether carrying it out would send or write down anything: not where earlier runs have set aside all of it.
    pub fn changes_anything(&self) -> bool {
        let changes =
            |choice: &Choice<'_>| choice.state == State::Queued || choice.known != Some(choice.state);
        self.choices.iter().any(changes)
    }

    /// The tokens of this run that would be sent.
    pub fn sent(&self) -> impl Iterator<Item = &'a Finding> {
        self.choices.iter().filter(|choice| choice.state == State::Queued).map(|choice| choice.finding)
    }

    /// The tokens of this run that are set aside, and how.
    pub fn set_aside(&self) -> impl Iterator<Item = (Fingerprint, State)> + use<'_, 'a> {
        let aside = self.choices.iter().filter(|choice| choice.state != State::Queued);
        aside.map(|choice| (choice.finding.token.fingerprint(), choice.state))
    }

    /// The tokens of this run that wait in the queue already.
    pub fn waited(&self) -> impl Iterator<Item = Fingerprint> + use<'_, 'a> {
        self.choices.iter().filter(|choice| choice.waits).map(|choice| choice.finding.token.fingerprint())
    }

    /// What sending them would do. Where none of this run's tokens is to be sent, the queue stays as it is, too.
    pub fn impact(&self) -> Impact {
        if self.sent().next().is_none() {
            return Impact::default();
        }
        let mut impact = Impact::of_queue(self.waiting.clone());
        for choice in self.choices.iter().filter(|choice| choice.is_queued_now()) {
            impact.found_now += 1;
            *impact.kinds.entry(choice.finding.token.kind()).or_default() += 1;
        }
        impact.owners.extend(self.sent().filter_map(|finding| finding.owner_id));
        impact
    }
}

/// What a run that sends would do, as far as the tokens show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    /// How many tokens were found now, and do not wait yet.
    pub found_now: u64,
    /// How many tokens wait since earlier runs.
    pub waiting: u64,
    /// How many of each kind, of both.
    pub kinds: BTreeMap<Kind, u64>,
    /// The owners whose ids the tokens of this run carry. Those of the queue are sealed.
    pub owners: BTreeSet<u32>,
}

impl Impact {
    /// What sending a queue would do.
    pub fn of_queue(kinds: BTreeMap<Kind, u64>) -> Self {
        Impact { waiting: kinds.values().sum(), kinds, ..Impact::default() }
    }

    /// How many tokens leave.
    pub fn tokens(&self) -> u64 {
        self.found_now + self.waiting
    }

    /// How many tokens are of kinds with this property.
    pub fn count(&self, has: impl Fn(Kind) -> bool) -> u64 {
        self.kinds.iter().filter(|(kind, _)| has(**kind)).map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests;
