//! What came of a request, whichever provider answered it.

use crate::http::TransportError;
use crate::revocation::{Grants, RateLimit};

/// What a response means for the tokens of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Taken. Not yet revoked: a provider may accept tokens that never existed, too.
    Accepted,
    /// About the content: at least one token is malformed or of a kind the server does not take.
    Invalid,
    /// Too many calls of a suspicious kind: stop, cool down, keep everything.
    Spammed,
    /// The quota of the hour is used up.
    PrimaryLimit,
    /// Too fast, or too much at once: the server says when to come back, or nothing.
    SecondaryLimit,
    /// Refused for a reason that waiting does not mend: the run ends, everything is kept.
    Denied,
    /// Server errors, an answer that is not the API's: try again a bounded number of times.
    Trouble,
    /// A redirect, or a success that is not documented: nobody knows what became of the request, and asking again at
    /// once brings the same.
    Unexpected,
    /// No response, or not all of it: whether the request arrived is not known, and sending again is harmless.
    Unknown,
    /// The request surely never left, and the way may be open again in a moment.
    NotSent,
    /// The request surely never left, and waiting does not open the way: a certificate that nobody knows, a proxy that
    /// wants a password.
    Blocked,
}

impl Outcome {
    /// The word the audit trail has for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Accepted => "accepted",
            Outcome::Invalid => "invalid",
            Outcome::Spammed => "spammed",
            Outcome::PrimaryLimit => "primary-limit",
            Outcome::SecondaryLimit => "secondary-limit",
            Outcome::Denied => "denied",
            Outcome::Trouble => "trouble",
            Outcome::Unexpected => "unexpected",
            Outcome::Unknown => "unknown",
            Outcome::NotSent => "not-sent",
            Outcome::Blocked => "blocked",
        }
    }

    /// Whether a request left, as far as is known.
    pub const fn left(self) -> bool {
        !matches!(self, Outcome::NotSent | Outcome::Blocked)
    }
}

/// What came back of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokeResponse {
    /// What it means.
    pub outcome: Outcome,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// The provider's id of the request, where there was one.
    pub request_id: Option<String>,
    /// The server's limit, as far as the response states it.
    pub limit: RateLimit,
    /// The server's own message, or the transport's; free of tokens.
    pub message: String,
}

impl RevokeResponse {
    /// What it means that a request brought no response.
    pub(crate) fn from_transport(error: TransportError) -> RevokeResponse {
        let outcome = match error {
            TransportError::NotSent(_) => Outcome::NotSent,
            TransportError::Blocked(_) => Outcome::Blocked,
            TransportError::Lost(_) => Outcome::Unknown,
        };
        RevokeResponse::without_status(outcome, error.into_message())
    }

    /// What a revoker itself decides, without a response.
    pub(crate) fn without_status(outcome: Outcome, message: String) -> RevokeResponse {
        RevokeResponse { outcome, status: None, request_id: None, limit: RateLimit::default(), message }
    }
}

/// Whether a token is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// It was let in.
    Alive(Grants),
    /// It was turned away as unknown.
    Dead,
    /// Nothing was proved, or this kind cannot be asked about without spending it.
    Unknown,
}
