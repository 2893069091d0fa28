//! What an intake and its runners say to each other: JSON over HTTP, one door for both sides of it.
//!
//! - `POST /v1/tokens` takes [`TokenLine`]s, one a line, and answers [`Taken`] once they are committed.
//! - `GET /v1/tokens/SHA256` answers a [`TokenState`], or 404 for what was never queued there.
//! - `GET /v1/key` answers the [`IntakeKey`] that tokens are sealed to.
//!
//! Every error has an [`IntakeError`] as its body. All of them ask for a bearer token.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The path of the queue.
pub const TOKENS_PATH: &str = "/v1/tokens";

/// The path of the key.
pub const KEY_PATH: &str = "/v1/key";

/// The most bytes of a body that an intake takes, and that a runner sends: some ten thousand tokens.
pub const MAX_BODY: usize = 8 * 1024 * 1024;

/// The most lines of a body.
pub const MAX_LINES: usize = 10_000;

/// The most bytes of a line: sealed, and in base64, no token is nearly as long.
pub const MAX_LINE: usize = 16 * 1024;

/// A token for the queue: in the clear, to be judged by its checksum, or sealed, with what is said of it.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TokenLine {
    /// The token itself. Only over TLS, or on the machine itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Zeroizing<String>>,
    /// The token, sealed to the intake's key, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
    /// The SHA-256 of a sealed token, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The rule id of a sealed token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// How sure the finder is: `certain`, `likely`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<String>,
    /// Where it was found, tokens redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The API base whose queue it is for: one of those that the intake serves, its first one where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Who decided that it may be sent, and within which bounds; the bearer of the token where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// What became of the lines of one request.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
pub struct Taken {
    /// How many are queued by it.
    pub accepted: u64,
    /// How many were known before, whatever their state.
    pub known: u64,
    /// Those that were not taken.
    pub refused: Vec<RefusedLine>,
}

/// A line that was not taken.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub struct RefusedLine {
    /// Its number, from 1.
    pub line: u64,
    /// Why, in words, without the token.
    pub reason: String,
}

/// What is known of a token.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub struct TokenState {
    /// Its SHA-256, in hex.
    pub sha256: String,
    /// The API base whose queue it is in.
    pub host: String,
    /// Its rule id.
    pub kind: String,
    /// Its state, as in the reports.
    pub state: String,
    /// Since when, in RFC 3339.
    pub at: String,
    /// GitHub's id of the last request that it was in.
    pub request_id: Option<String>,
}

/// The key that tokens are sealed to.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub struct IntakeKey {
    /// As `FILE.pub` has it.
    pub public_key: String,
    /// The API bases that the intake has queues for, the first being that of a line without one.
    pub hosts: Vec<String>,
}

/// Why a request was not done.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub struct IntakeError {
    /// In words.
    pub error: String,
}
