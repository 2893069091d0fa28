//! Why a request is not done, as an answer.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::json::Json;
use crate::ledger::wire::IntakeError;
use crate::serve::pool::Unanswered;

/// After how many seconds to try again where nobody knows better.
const RETRY_AFTER: u64 = 5;

/// A request that is not done.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    text: String,
    retry_after: Option<u64>,
    closes: bool,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Refusal { status, text: text.into(), retry_after: None, closes: false }
    }

    /// One after which the connection is of no use: what is left of its body would be taken for the next request.
    pub(super) fn closing(status: StatusCode, text: impl Into<String>) -> Self {
        Refusal { closes: true, ..Refusal::new(status, text) }
    }

    /// One that passes.
    pub(super) fn later(status: StatusCode, text: impl Into<String>, after: Duration) -> Self {
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        Refusal { retry_after: Some(seconds.max(1)), ..Refusal::new(status, text) }
    }

    /// There are too many connections, and this one is closed.
    pub(super) fn crowded() -> Self {
        Refusal { closes: true, ..Refusal::unavailable("there are too many connections") }
    }

    /// The server ends, or has too much to do.
    pub(super) fn unavailable(text: impl Into<String>) -> Self {
        Refusal::later(StatusCode::SERVICE_UNAVAILABLE, text, Duration::from_secs(RETRY_AFTER))
    }
}

impl From<&Unanswered> for Refusal {
    fn from(unanswered: &Unanswered) -> Self {
        match unanswered {
            Unanswered::Ledger(error) if !error.may_pass() => Refusal::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the ledger cannot be used; the server's log says why",
            ),
            Unanswered::Ledger(_) => Refusal::unavailable("the ledger cannot be used for the moment"),
            Unanswered::Busy | Unanswered::Slow => Refusal::unavailable(unanswered.to_string()),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Json(self.status, &IntakeError { error: self.text }).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.closes {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
