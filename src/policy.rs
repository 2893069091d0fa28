//! What may be sent: decisions about what was found, and what the user must know before anything leaves. No I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::finding::{Confidence, Finding};
use crate::provider::{self, Provider};
use crate::revocation::State;
use crate::rule;
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
    "{would} tokens would be sent, and --max-revoke allows {most}: nothing was sent; look at them, and raise the limit if \
     they are meant"
)]
pub struct TooMany {
    /// How many would have been sent.
    pub would: u64,
    /// How many may.
    pub most: u64,
}

impl Policy {
    /// Refuses a run that would send more tokens than it may.
    pub fn allow(&self, would: u64) -> Result<(), TooMany> {
        match self.most {
            Some(most) if would > most => Err(TooMany { would, most }),
            _ => Ok(()),
        }
    }

    /// What is to become of one token: [`State::Queued`], or set aside. The gravest reason goes first.
    fn decide(&self, finding: &Finding, context: &PolicyContext<'_>) -> State {
        let (kind, fingerprint) = (finding.token.kind(), finding.token.fingerprint());
        if !self.allow_own && (context.own)(fingerprint) {
            State::Own
        } else if !context.kinds.contains(&kind) {
            State::Unsupported
        } else if finding.confidence < self.least {
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
    /// The state in which an earlier run left a token.
    pub known: &'a dyn Fn(Fingerprint) -> Option<State>,
}

/// Whether a finding can be sent at all: it counts, nothing suppresses it, and a provider revokes its kind.
pub fn eligible(finding: &Finding, counted: Confidence) -> bool {
    finding.counts() && finding.revocable() && finding.confidence >= counted
}

/// What is to become of everything that was found.
#[derive(Default)]
pub struct Plan<'a> {
    /// Each token that can be sent, and what is to become of it; those that are done are not among them.
    pub choices: Vec<(&'a Finding, State)>,
    /// How many were done by an earlier run: accepted, or refused.
    pub done: u64,
}

/// How many tokens are suppressed that could be sent otherwise.
pub fn suppressed<'a>(findings: impl IntoIterator<Item = &'a Finding>, counted: Confidence) -> u64 {
    let is_suppressed = |finding: &&Finding| {
        finding.suppressed.is_some() && finding.revocable() && finding.confidence >= counted
    };
    findings.into_iter().filter(is_suppressed).count() as u64
}

impl<'a> Plan<'a> {
    /// Decides about every finding.
    pub fn new(
        findings: impl IntoIterator<Item = &'a Finding>,
        policy: &Policy,
        context: &PolicyContext<'_>,
    ) -> Self {
        let mut plan = Plan::default();
        for finding in findings {
            if !eligible(finding, context.counted) {
                continue;
            }
            match (context.known)(finding.token.fingerprint()) {
                Some(known) if !known.pending() && !known.aside() => plan.done += 1,
                // What waits goes on waiting: the user has agreed to it before.
                Some(known) if known.pending() => plan.choices.push((finding, State::Queued)),
                _ => plan.choices.push((finding, policy.decide(finding, context))),
            }
        }
        plan
    }

    /// The tokens that would be sent.
    pub fn sent(&self) -> impl Iterator<Item = &'a Finding> {
        self.choices.iter().filter(|(_, state)| *state == State::Queued).map(|(finding, _)| *finding)
    }

    /// How many tokens are in a state.
    pub fn count(&self, state: State) -> u64 {
        self.choices.iter().filter(|(_, chosen)| *chosen == state).count() as u64
    }

    /// What sending them would do.
    pub fn impact(&self) -> Impact {
        let mut impact = Impact::default();
        for finding in self.sent() {
            impact.tokens += 1;
            *impact.kinds.entry(finding.token.kind()).or_default() += 1;
            impact.owners.extend(finding.owner_id);
        }
        impact
    }
}

/// What a run that sends would do, as far as the tokens show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impact {
    /// How many tokens.
    pub tokens: u64,
    /// How many of each kind.
    pub kinds: BTreeMap<Kind, u64>,
    /// The owners whose ids the tokens carry.
    pub owners: BTreeSet<u32>,
}

impl Impact {
    /// How many tokens are of kinds with this property.
    fn count(&self, has: fn(Kind) -> bool) -> u64 {
        self.kinds.iter().filter(|(kind, _)| has(**kind)).map(|(_, count)| count).sum()
    }

    /// Whether any token is of this provider's.
    fn concerns(&self, provider: &Provider) -> bool {
        self.kinds.keys().any(|kind| kind.provider() == Some(provider.name))
    }

    /// What the user must know before agreeing, in lines of at most 80 columns.
    pub fn lines(&self, host: &str) -> Vec<String> {
        let mut kinds = String::new();
        for (kind, count) in &self.kinds {
            let comma = if kinds.is_empty() { "" } else { ", " };
            // Writing to a String cannot fail.
            let _ = write!(kinds, "{comma}{count} {}", kind.prefix());
        }
        let mut lines = vec![format!("{} for {host}: {kinds}", counted(self.tokens, "token"))];
        let named = self.count(Kind::names_owner);
        if named > 0 {
            let owners = counted(self.owners.len() as u64, "owner");
            let rest = if self.tokens > named { "; the others do not tell theirs" } else { "" };
            lines.push(format!("The {} among them have {owners}{rest}.", prefixes(Kind::names_owner)));
        }
        let mut irrevocable = "It cannot be undone.".to_owned();
        for provider in provider::all().filter(|provider| self.concerns(provider)) {
            if !provider.consequence.is_empty() {
                irrevocable = format!("{irrevocable} {}", provider.consequence);
            }
        }
        lines.push(irrevocable);
        let apps = self.count(Kind::ends_authorization);
        if apps > 0 {
            lines.push(format!(
                "Each {} ({apps}) ends its user's whole authorization of that app,",
                prefixes(Kind::ends_authorization)
            ));
            lines.push("with every other token made by it.".to_owned());
        }
        lines
    }
}

/// The prefixes of all kinds with this property: `gho_, ghu_ and ghr_`.
fn prefixes(has: fn(Kind) -> bool) -> String {
    let prefixes: Vec<&str> = rule::kinds().filter(|kind| has(*kind)).map(Kind::prefix).collect();
    match prefixes.as_slice() {
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        prefixes => prefixes.concat(),
    }
}

fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
