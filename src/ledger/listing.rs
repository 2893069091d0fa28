//! Reading a ledger token by token: which are asked for, and what is told of each.

use jiff::Timestamp;

use crate::revocation::{Grants, State};
use crate::token::{Fingerprint, HashPrefix, Kind};

/// Which tokens are asked for: those for which everything that is set here holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenFilter<'a> {
    /// In the queue of this API base.
    pub host: Option<&'a str>,
    /// In one of these states; in any where there is none.
    pub states: &'a [State],
    /// Of one of these kinds; of any where there is none.
    pub kinds: &'a [Kind],
    /// In their state since this time, or longer.
    pub until: Option<Timestamp>,
    /// With one of these hashes; with any where there is none.
    pub hashes: &'a [HashPrefix],
}

impl TokenFilter<'_> {
    /// Whether a token is one of those asked for.
    pub(crate) fn matches(&self, token: &ListedToken) -> bool {
        self.host.is_none_or(|host| host == token.host)
            && (self.states.is_empty() || self.states.contains(&token.state))
            && (self.kinds.is_empty() || self.kinds.contains(&token.kind))
            && self.until.is_none_or(|until| token.at <= until)
            && (self.hashes.is_empty() || self.hashes.iter().any(|hash| hash.matches(&token.fingerprint)))
    }
}

/// What a ledger tells of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedToken {
    /// Its number in the ledger, growing in the order in which tokens were first written down.
    pub number: u64,
    /// The API base in whose queue it is.
    pub host: String,
    /// Its SHA-256.
    pub fingerprint: Fingerprint,
    /// Its kind.
    pub kind: Kind,
    /// Its state.
    pub state: State,
    /// When it came to this state.
    pub at: Timestamp,
    /// Where it was first found.
    pub location: String,
    /// Who decided what was to be done with it, as `user@host`.
    pub decided_by: String,
    /// Whether its sealed text is still there, so that it can be queued again.
    pub has_text: bool,
    /// What it told while it lived, if it was asked.
    pub grants: Option<Grants>,
}
