//! Who can end a token. A [`Revoker`] takes batches and gives verdicts; it knows nothing of files, ledgers or waiting.

pub mod github;
mod wire;

use crate::revocation::{Batch, RateLimit};
use crate::token::{Kind, Token};

pub use github::{GitHub, Options, PER_HOUR, ReachError, TIMEOUT, identity};
pub use wire::WireError;

/// What a revoker asks of those who call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Whose quota a request counts against: the API host.
    pub host: String,
    /// Who asks: `anonymous`, or a fingerprint of the credential (never the credential).
    pub identity: String,
    /// How many requests any 3,600 seconds may hold.
    pub per_hour: u32,
    /// The kinds a batch may carry here.
    pub kinds: Vec<Kind>,
}

/// What an answer means for the tokens of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// 202: taken. Not yet revoked, and GitHub says so for tokens that never existed, too.
    Accepted,
    /// 422 about the content: at least one entry is not to the server's liking.
    Invalid,
    /// 422 "spammed": stop, cool down, keep everything.
    Spammed,
    /// 403 or 429 with `x-ratelimit-remaining: 0`.
    PrimaryLimit,
    /// 403 or 429 that speaks of a secondary limit or says when to come back.
    SecondaryLimit,
    /// 401, 403 or 404 for a reason that waiting does not mend: the run ends, everything is kept.
    Denied,
    /// 5xx, a redirect, a body that is not GitHub's: try again a bounded number of times.
    Trouble,
    /// No answer: whether it arrived is not known, and sending again is harmless.
    Unknown,
}

/// What came back of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it means.
    pub verdict: Verdict,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// `x-github-request-id`.
    pub request_id: Option<String>,
    /// What the server said about its limit.
    pub limit: RateLimit,
    /// The server's own words, or the transport's; free of tokens.
    pub message: String,
}

/// Whether a token still lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// It was let in.
    Alive,
    /// It was turned away as unknown.
    Dead,
    /// Nothing was proved, or this kind cannot be asked about without spending it.
    Unknown,
}

/// Something that ends tokens: one implementation speaks HTTP to GitHub, tests script another.
///
/// No method waits, retries or counts: pace and memory belong to the caller, who must have written down
/// that a request leaves before calling.
pub trait Revoker {
    /// What this revoker asks of its callers.
    fn limits(&self) -> Limits;

    /// Sends one batch.
    fn revoke(&self, batch: &Batch<'_>) -> Answer;

    /// Lets an installation token end itself.
    fn end_installation(&self, token: &Token) -> Answer;

    /// Asks whether a token lives.
    fn liveness(&self, token: &Token) -> Liveness;
}
