//! What a run remembers from one step to the next.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::token::Fingerprint;

/// What asking about life has shown, and what it could not show.
#[derive(Debug, Default)]
pub(super) struct Proofs {
    /// Tokens that go, or went, unasked.
    pub(super) unverified: HashSet<Fingerprint>,
    /// How many accepted tokens were alive when asked last.
    pub(super) still_alive: u64,
    /// How many accepted tokens proved nothing.
    pub(super) unconfirmed: u64,
}

/// How far the tokens that revoke themselves have come.
#[derive(Debug, Default)]
pub(super) struct SelfRevoking {
    /// Each had its turn, or the way to the server is in trouble.
    pub(super) done: bool,
    /// Until when the server wants no more of them.
    pub(super) held_until: Option<Timestamp>,
    /// How many were turned away in a row.
    pub(super) denied: u32,
}
