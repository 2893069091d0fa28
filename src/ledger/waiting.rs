//! What waits, as a run looks at it before it sends: to find what must not leave any more.

use super::entry::SealedToken;

/// A token that waits, or that was sent without a known answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingToken {
    /// Its number in the ledger, growing: where the next page starts.
    pub number: u64,
    /// The token, sealed.
    pub token: SealedToken,
    /// Where it was first found.
    pub location: String,
}
