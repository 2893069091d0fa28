//! The vocabulary of revoking: what became of a token, what a request may carry, what a server said about its limit.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

use crate::token::Token;

/// The most tokens one request may carry.
///
/// GitHub's limit: <https://docs.github.com/en/rest/credentials/revoke>.
pub const MAX_BATCH: usize = 1000;

/// What became of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Waits to be sent.
    Queued,
    /// Sent, and no answer is known yet: it will be sent again.
    Sent,
    /// The server took it (202). Not a proof that it is revoked.
    Accepted,
    /// Taken, and seen dead afterwards.
    Confirmed,
    /// Was dead before it was sent.
    Dead,
    /// The server refused this token alone (validation 422).
    Refused,
    /// Of a kind that this host does not take.
    Unsupported,
    /// This machine's own credential.
    Own,
    /// Held back: below the confidence asked for.
    Held,
    /// Taken back: by a person, or because it was suppressed since it was queued.
    Withdrawn,
}

impl State {
    /// Every state.
    pub const ALL: [State; 10] = [
        State::Queued,
        State::Sent,
        State::Accepted,
        State::Confirmed,
        State::Dead,
        State::Refused,
        State::Unsupported,
        State::Own,
        State::Held,
        State::Withdrawn,
    ];

    /// The word reports and the ledger use.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Queued => "queued",
            State::Sent => "sent",
            State::Accepted => "accepted",
            State::Confirmed => "confirmed",
            State::Dead => "dead",
            State::Refused => "refused",
            State::Unsupported => "unsupported",
            State::Own => "own",
            State::Held => "held",
            State::Withdrawn => "withdrawn",
        }
    }

    /// The state behind a word, the inverse of [`State::as_str`].
    pub fn from_word(word: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether a token in this state is never sent again: the host has taken it.
    pub const fn is_final(self) -> bool {
        matches!(self, State::Accepted | State::Confirmed)
    }

    /// Whether the token still has to be sent, so that its sealed text is kept.
    pub const fn pending(self) -> bool {
        matches!(self, State::Queued | State::Sent)
    }

    /// Whether the sealed text is kept in this state: while the token has to be sent, and where a server has not taken it
    /// and may yet do so. What a person took back, what is dead and what is one's own is forgotten.
    pub const fn keeps_text(self) -> bool {
        self.pending() || matches!(self, State::Refused | State::Unsupported)
    }

    /// Whether the token was set aside unsent, so that a later run may still queue it.
    pub const fn aside(self) -> bool {
        matches!(self, State::Unsupported | State::Own | State::Held | State::Withdrawn)
    }

    /// Whether a token in this state may come to be in that one without having been sent.
    ///
    /// What waits can be set aside or found dead, and what was accepted can be confirmed. Only what was accepted is final:
    /// everything else can be queued again, for a refusal or a dead token may have been a misunderstanding.
    pub const fn may_become(self, next: State) -> bool {
        match self {
            State::Queued | State::Sent => next.aside() || matches!(next, State::Dead),
            State::Accepted => matches!(next, State::Confirmed),
            State::Unsupported | State::Own | State::Held | State::Withdrawn => {
                next.aside() || matches!(next, State::Queued)
            }
            State::Dead | State::Refused => matches!(next, State::Queued),
            State::Confirmed => false,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.as_str())
    }
}

/// What only a living token tells, and nobody can ask after its revocation. In JSON, the fields `scopes` and `expires_at`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Grants {
    /// What it may do, in the provider's words; none where the provider names no scopes for its kind.
    pub scopes: Option<Vec<String>>,
    /// When it ends by itself, where it does.
    pub expires_at: Option<Timestamp>,
}

impl Grants {
    /// The scopes in one text, as in `repo, admin:org`; `none` where it may do nothing but read what is public.
    pub fn scopes_text(&self) -> Option<String> {
        let scopes = self.scopes.as_deref()?;
        Some(if scopes.is_empty() { "none".to_owned() } else { scopes.join(", ") })
    }
}

/// What became of a token that was to be revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Revocation {
    /// Its state.
    pub state: State,
    /// When it came to be so; RFC 3339 in reports.
    pub at: Timestamp,
    /// GitHub's id of the request (`x-github-request-id`), where there was one.
    pub request_id: Option<Box<str>>,
    /// What it told while it lived, if it was asked.
    #[serde(flatten, serialize_with = "as_fields")]
    pub grants: Option<Box<Grants>>,
}

impl Revocation {
    /// What two runs say of one token: the surer word, that it is dead before that it was taken; else the later one.
    #[must_use]
    pub fn joined(self, other: Revocation) -> Self {
        let rank = |one: &Revocation| match one.state {
            State::Confirmed => 3,
            State::Accepted => 2,
            State::Dead => 1,
            _ => 0,
        };
        let (ours, theirs) = ((rank(&self), self.at), (rank(&other), other.at));
        let (mut kept, left) = if theirs > ours { (other, self) } else { (self, other) };
        // Only a living token tells what it may do, and the other run may be the one that asked.
        kept.grants = kept.grants.or(left.grants);
        kept
    }
}

/// The same fields for every token, also where nothing was told.
#[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
fn as_fields<S: Serializer>(grants: &Option<Box<Grants>>, out: S) -> Result<S::Ok, S::Error> {
    grants.as_deref().unwrap_or(&Grants { scopes: None, expires_at: None }).serialize(out)
}

/// One to [`MAX_BATCH`] tokens: a larger batch cannot be made.
pub struct Batch<'a>(&'a [Token]);

impl<'a> Batch<'a> {
    /// A batch, unless `tokens` is empty or too long for one.
    pub fn new(tokens: &'a [Token]) -> Option<Self> {
        (1..=MAX_BATCH).contains(&tokens.len()).then_some(Batch(tokens))
    }

    /// The tokens in it.
    pub fn tokens(&self) -> &'a [Token] {
        self.0
    }
}

/// What the server said about its limit, where it said anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    /// `x-ratelimit-limit`.
    pub limit: Option<u32>,
    /// `x-ratelimit-remaining`.
    pub remaining: Option<u32>,
    /// `x-ratelimit-reset`.
    pub reset: Option<Timestamp>,
    /// `retry-after`, in seconds or as a date.
    pub retry_after: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_survive_their_words() {
        for state in State::ALL {
            assert_eq!(State::from_word(state.as_str()), Some(state));
        }
        assert_eq!(State::from_word("revoked"), None);
    }

    #[test]
    fn the_surer_word_on_a_token_is_kept_and_else_the_later() {
        let at = |second| Timestamp::from_second(second).expect("a time");
        let one = |state, second| Revocation { state, at: at(second), request_id: None, grants: None };
        for (ours, theirs, kept) in [
            (one(State::Queued, 2), one(State::Accepted, 1), (State::Accepted, 1)),
            (one(State::Confirmed, 1), one(State::Accepted, 5), (State::Confirmed, 1)),
            (one(State::Accepted, 1), one(State::Accepted, 5), (State::Accepted, 5)),
            (one(State::Dead, 1), one(State::Queued, 5), (State::Dead, 1)),
            (one(State::Held, 3), one(State::Queued, 2), (State::Held, 3)),
        ] {
            for joined in [ours.clone().joined(theirs.clone()), theirs.joined(ours)] {
                assert_eq!((joined.state, joined.at), (kept.0, at(kept.1)));
            }
        }
        let grants = Some(Box::new(Grants { scopes: Some(Vec::new()), expires_at: None }));
        let asked = Revocation { grants: grants.clone(), ..one(State::Queued, 1) };
        assert_eq!(asked.joined(one(State::Accepted, 2)).grants, grants);
    }

    #[test]
    fn what_was_taken_is_never_queued_again() {
        for state in State::ALL.into_iter().filter(|state| !state.pending()) {
            let is_final = matches!(state, State::Accepted | State::Confirmed);
            assert_eq!(state.may_become(State::Queued), !is_final, "{state}");
        }
    }
}
