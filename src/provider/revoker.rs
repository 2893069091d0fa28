//! What revokes tokens.

use std::time::Duration;

use super::ConnectError;
use super::response::{Liveness, RevokeResponse};
use crate::revocation::Batch;
use crate::token::{Kind, Token};

/// What a revoker asks of those who call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Whose quota a request counts against: the API's host.
    pub host: String,
    /// Whose quota at that host: `anonymous`, or a fingerprint of the credential (never the credential).
    pub identity: String,
    /// The most tokens one request may carry.
    pub max_batch: usize,
    /// How many requests any 3,600 seconds may hold.
    pub per_hour: u32,
    /// The kinds a batch may carry here.
    pub batch_kinds: Vec<Kind>,
    /// The kinds a batch may carry here or not: the host did not tell. They go in requests of their own, and one that is
    /// turned away decides nothing.
    pub undecided_kinds: Vec<Kind>,
    /// The kinds whose tokens revoke themselves here.
    pub self_kinds: Vec<Kind>,
    /// The least time between the beginnings of two requests by which tokens revoke themselves.
    pub self_interval: Duration,
}

impl Limits {
    /// Every kind that can be revoked here, as far as is known.
    pub fn revocable_kinds(&self) -> Vec<Kind> {
        self.batch_kinds.iter().chain(&self.undecided_kinds).chain(&self.self_kinds).copied().collect()
    }
}

/// Something that revokes tokens: one implementation speaks HTTP to GitHub, tests script another.
///
/// It knows nothing of files, ledgers or waiting. No method waits, retries or counts: pace and memory belong to the
/// caller, who must have written down that a request leaves before calling.
pub trait Revoker {
    /// What this revoker asks of its callers.
    fn limits(&self) -> Limits;

    /// Asks the host what it must know before the first batch, such as which release it runs: [`Revoker::limits`] is
    /// right only afterwards. Returns a note for the user, if there is one; an error if nothing can be revoked here.
    fn prepare(&mut self) -> Result<Option<String>, ConnectError>;

    /// Sends one batch.
    fn revoke(&self, batch: &Batch<'_>) -> RevokeResponse;

    /// Lets a token revoke itself. Of another kind than [`Limits::self_kinds`] nothing is sent.
    fn revoke_self(&self, token: &Token) -> RevokeResponse;

    /// Asks whether a token is alive, and of a living one what it may do.
    fn liveness(&self, token: &Token) -> Liveness;
}
