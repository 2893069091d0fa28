//! What may be sent. Pure: it is told what was found and what was asked for, and says what becomes of each token and how far
//! the blow would reach. Nothing here sends, stores or asks.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::finding::Confidence;
use crate::ledger::State;
use crate::token::{Fingerprint, Kind};

/// Said whenever a token is about to be revoked that an app was authorized with.
pub const ENDS_APPS: &str = "revoking a gho_, ghu_ or ghr_ token ends the user's whole authorization of that app, \
     for every device it is used on";

/// What the user allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The least confidence at which a token is sent: certain or likely.
    pub least: Confidence,
    /// Whether this machine's own credentials may be sent.
    pub allow_own: bool,
    /// More tokens than this: none is sent at all.
    pub max: Option<u64>,
}

impl Default for Policy {
    fn default() -> Self {
        Policy { least: Confidence::Certain, allow_own: false, max: None }
    }
}

/// What policy has to know of a token that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its SHA-256.
    pub fingerprint: Fingerprint,
    /// Its kind.
    pub kind: Kind,
    /// How sure we are of it.
    pub confidence: Confidence,
    /// The id of the user it belongs to, where the token tells.
    pub owner: Option<u32>,
    /// Whether something silences it: a silenced token is never sent.
    pub suppressed: bool,
    /// Whether it is one of this machine's own credentials.
    pub own: bool,
}

/// What becomes of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// It is sent: in a batch, or alone where it can only end itself.
    Send,
    /// Less sure than asked for.
    Held,
    /// This machine's own.
    Own,
    /// Silenced by a baseline, a comment or a list.
    Suppressed,
    /// Of a kind that the host does not take.
    Unsupported,
    /// A placeholder: a note in the report, and nothing to act on.
    Ignored,
}

impl Decision {
    /// The state the ledger and the reports give such a token; `None` for what leaves no trace there.
    pub const fn state(self) -> Option<State> {
        match self {
            Decision::Send => Some(State::Queued),
            Decision::Held => Some(State::Held),
            Decision::Own => Some(State::Own),
            Decision::Unsupported => Some(State::Unsupported),
            Decision::Suppressed | Decision::Ignored => None,
        }
    }
}

/// More tokens than the user allowed for: the run is refused before anything is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{found} tokens would be revoked, and --max-revoke allows {max}; nothing was sent: look through them, \
     then raise the number"
)]
pub struct TooMany {
    /// How many would have been sent.
    pub found: u64,
    /// How many may be.
    pub max: u64,
}

impl Policy {
    /// Decides about one token, for a host that takes `kinds`.
    pub fn decide(&self, token: &Candidate, kinds: &[Kind]) -> Decision {
        // Silence first: what was allowed to stay must not even count as held back.
        if token.suppressed {
            Decision::Suppressed
        } else if token.confidence == Confidence::Lookalike {
            Decision::Ignored
        } else if token.kind != Kind::AppInstallation && !kinds.contains(&token.kind) {
            Decision::Unsupported
        } else if token.own && !self.allow_own {
            Decision::Own
        } else if token.confidence < self.least {
            Decision::Held
        } else {
            Decision::Send
        }
    }

    /// Decides about all of them, or refuses the whole run.
    pub fn plan(&self, tokens: impl IntoIterator<Item = Candidate>, kinds: &[Kind]) -> Result<Plan, TooMany> {
        let mut plan = Plan::default();
        for token in tokens {
            let decision = self.decide(&token, kinds);
            if decision == Decision::Send {
                plan.blast.add(&token);
            }
            plan.decisions.push((token.fingerprint, decision));
        }
        match self.max {
            Some(max) if plan.blast.tokens > max => Err(TooMany { found: plan.blast.tokens, max }),
            _ => Ok(plan),
        }
    }
}

/// What is about to happen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The decision about each token, in the order they came.
    pub decisions: Vec<(Fingerprint, Decision)>,
    /// How far it reaches.
    pub blast: Blast,
}

impl Plan {
    /// How many tokens a decision was made for.
    pub fn count(&self, decision: Decision) -> usize {
        self.decisions.iter().filter(|(_, made)| *made == decision).count()
    }
}

/// How far the blow would reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blast {
    /// How many tokens would be sent.
    pub tokens: u64,
    /// How many of each kind.
    pub kinds: BTreeMap<Kind, u64>,
    owners: BTreeSet<u32>,
    /// How many do not tell whose they are.
    pub unowned: u64,
}

impl Blast {
    fn add(&mut self, token: &Candidate) {
        self.tokens += 1;
        *self.kinds.entry(token.kind).or_default() += 1;
        match token.owner {
            Some(owner) => {
                self.owners.insert(owner);
            }
            None => self.unowned += 1,
        }
    }

    /// How many different users the tokens name as their owners. Only fine-grained tokens name one.
    pub fn owners(&self) -> usize {
        self.owners.len()
    }

    /// Whether an app's authorization ends with one of them.
    pub fn ends_apps(&self) -> bool {
        [Kind::OAuth, Kind::AppUser, Kind::Refresh].iter().any(|kind| self.kinds.contains_key(kind))
    }
}

/// One line for a question or a dry run: `3 tokens (2 ghp_, 1 gho_)`, and whose they are where that is known.
impl fmt::Display for Blast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} token{}", self.tokens, if self.tokens == 1 { "" } else { "s" })?;
        let kinds: Vec<String> =
            self.kinds.iter().map(|(kind, count)| format!("{count} {}", kind.prefix())).collect();
        if !kinds.is_empty() {
            write!(f, " ({})", kinds.join(", "))?;
        }
        match (self.owners(), self.unowned) {
            (0, _) => Ok(()),
            (owners, unowned) => {
                write!(f, " of {owners} known owner{}", if owners == 1 { "" } else { "s" })?;
                if unowned > 0 { write!(f, ", {unowned} not telling whose they are") } else { Ok(()) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: &[Kind] = &[Kind::Pat, Kind::FineGrainedPat, Kind::OAuth];

    fn candidate(kind: Kind, confidence: Confidence) -> Candidate {
        let fingerprint = Fingerprint::of(format!("{kind:?}{confidence:?}").as_bytes());
        Candidate { fingerprint, kind, confidence, owner: None, suppressed: false, own: false }
    }

    fn certain(kind: Kind) -> Candidate {
        candidate(kind, Confidence::Certain)
    }

    #[test]
    fn only_what_is_sure_enough_is_sent() {
        let policy = Policy::default();
        assert_eq!(policy.decide(&certain(Kind::Pat), KINDS), Decision::Send);
        let likely = candidate(Kind::Pat, Confidence::Likely);
        assert_eq!(policy.decide(&likely, KINDS), Decision::Held);
        let lower = Policy { least: Confidence::Likely, ..policy };
        assert_eq!(lower.decide(&likely, KINDS), Decision::Send);
        // However low the bar, a placeholder does not pass it.
        let lookalike = candidate(Kind::Pat, Confidence::Lookalike);
        let lowest = Policy { least: Confidence::Lookalike, ..policy };
        assert_eq!(lowest.decide(&lookalike, KINDS), Decision::Ignored);
    }

    #[test]
    fn own_and_silenced_tokens_stay() {
        let policy = Policy::default();
        let own = Candidate { own: true, ..certain(Kind::Pat) };
        assert_eq!(policy.decide(&own, KINDS), Decision::Own);
        let allowing = Policy { allow_own: true, ..policy };
        assert_eq!(allowing.decide(&own, KINDS), Decision::Send);
        let silenced = Candidate { suppressed: true, ..own };
        assert_eq!(allowing.decide(&silenced, KINDS), Decision::Suppressed);
    }

    #[test]
    fn kinds_the_host_does_not_take_are_said_to_be_so() {
        let policy = Policy::default();
        assert_eq!(policy.decide(&certain(Kind::Refresh), KINDS), Decision::Unsupported);
        assert_eq!(policy.decide(&certain(Kind::Other), KINDS), Decision::Unsupported);
        // An installation token ends itself, whatever batches may carry.
        assert_eq!(policy.decide(&certain(Kind::AppInstallation), KINDS), Decision::Send);
    }

    #[test]
    fn too_many_refuse_the_whole_run() {
        let tokens =
            || [certain(Kind::Pat), certain(Kind::OAuth), candidate(Kind::OAuth, Confidence::Likely)];
        let policy = |max| Policy { max: Some(max), ..Policy::default() };
        assert_eq!(policy(1).plan(tokens(), KINDS), Err(TooMany { found: 2, max: 1 }));
        // What is held back is not sent, and does not count.
        let plan = policy(2).plan(tokens(), KINDS);
        assert_eq!(plan.map(|plan| (plan.count(Decision::Send), plan.count(Decision::Held))), Ok((2, 1)));
        assert_eq!(policy(0).plan([], KINDS), Ok(Plan::default()));
    }

    #[test]
    fn the_blast_says_what_it_hits() -> Result<(), TooMany> {
        let of = |owner| Candidate { owner: Some(owner), ..certain(Kind::FineGrainedPat) };
        let plan = Policy::default().plan([of(1), of(1), of(2), certain(Kind::Pat)], KINDS)?;
        assert_eq!(
            plan.blast.to_string(),
            "4 tokens (1 ghp_, 3 github_pat_) of 2 known owners, 1 not telling whose they are"
        );
        assert!(!plan.blast.ends_apps());
        let plan = Policy::default().plan([certain(Kind::OAuth)], KINDS)?;
        assert_eq!(plan.blast.to_string(), "1 token (1 gho_)");
        assert!(plan.blast.ends_apps());
        Ok(())
    }

    #[test]
    fn decisions_become_states() {
        assert_eq!(Decision::Send.state(), Some(State::Queued));
        assert_eq!(Decision::Held.state(), Some(State::Held));
        assert_eq!(Decision::Suppressed.state(), None);
    }
}
