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
    /// Whose quota at that host: `anonymous`, `anonymous@` and the name of an egress, or a fingerprint of the credential (never
    /// the credential).
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
    /// The time that each request takes up by which a token revokes itself.
    pub self_interval: Duration,
    /// How many tokens may revoke themselves at once.
    pub self_parallel: usize,
}

impl Limits {
    /// Every kind that can be revoked here, as far as is known.
    pub fn revocable_kinds(&self) -> Vec<Kind> {
        self.batch_kinds.iter().chain(&self.undecided_kinds).chain(&self.self_kinds).copied().collect()
    }
}

/// Counts the requests that are part of no batch, where the host counts them for the same identity.
pub trait CallCounter {
    /// A call is about to leave, by its method and path; false if it may not.
    fn begin(&mut self, call: &'static str) -> bool;

    /// What came of it.
    fn end(&mut self, response: &RevokeResponse);
}

/// For hosts of which nothing is asked, and for tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Uncounted;

impl CallCounter for Uncounted {
    fn begin(&mut self, _: &'static str) -> bool {
        true
    }

    fn end(&mut self, _: &RevokeResponse) {}
}

/// Something that revokes tokens: one implementation speaks HTTP to GitHub, tests script another.
///
/// It knows nothing of files, ledgers or waiting. No method waits, retries or counts: pace and memory belong to the
/// caller, who must have written down that a request leaves before calling.
pub trait Revoker {
    /// What this revoker asks of its callers.
    fn limits(&self) -> Limits;

    /// Asks the host what it must know before the first batch, such as which release it runs: [`Revoker::limits`] is
    /// right only afterwards. Each request is counted by `calls`. Returns a note for the user, if there is one; an error if
    /// nothing can be revoked here.
    fn prepare(&mut self, calls: &mut dyn CallCounter) -> Result<Option<String>, ConnectError>;

    /// Sends one batch.
    fn revoke(&self, batch: &Batch<'_>) -> RevokeResponse;

    /// Lets a token revoke itself. Of another kind than [`Limits::self_kinds`] nothing is sent.
    fn revoke_self(&self, token: &Token) -> RevokeResponse;

    /// Lets each of these tokens revoke itself, [`Limits::self_parallel`] of them at the most; the responses are in their
    /// order. At once, where the provider allows more than one.
    fn revoke_each(&self, tokens: &[Token]) -> Vec<RevokeResponse> {
        tokens.iter().map(|token| self.revoke_self(token)).collect()
    }

    /// Asks whether a token is alive, and of a living one what it may do.
    fn liveness(&self, token: &Token) -> Liveness;
}
