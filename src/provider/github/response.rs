//! What a response means. A 403 or 429 has several causes, distinguished by headers and body and never by the status
//! only; the same goes for a 422, which GitHub uses for bad entries and for too many calls.
//!
//! The statuses of each call: <https://docs.github.com/en/rest/credentials/revoke>,
//! <https://docs.github.com/en/rest/apps/installations#revoke-an-installation-access-token>.
//! Limits: <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>.

use jiff::Timestamp;

use super::host::Host;
use crate::github::{self, Limited, is_githubs, is_unknown_version, limit, limited, remaining, request_id};
use crate::http::{Response, TransportError};
use crate::provider::{Outcome, RevokeResponse};

pub(super) const NOT_GITHUBS: &str = "this is not GitHub's answer: something between here and GitHub gave it";

/// GitHub's own description of its 422 (<https://docs.github.com/en/rest/credentials/revoke>), which names both causes
/// and so decides nothing.
const EITHER: &str = "validation failed, or the endpoint has been spammed";

/// Classifies the response to `POST /credentials/revoke`.
pub(super) fn of_revocation(response: &Response, host: &Host, now: Timestamp) -> RevokeResponse {
    classify(response, now, |message| match response.status {
        202 if !may_be_success(response, host) => (Outcome::Unexpected, NOT_GITHUBS),
        202 => (Outcome::Accepted, ""),
        422 if !is_githubs(response) => (Outcome::Trouble, NOT_GITHUBS),
        422 => (unprocessable(message), ""),
        status => otherwise(status, response, message),
    })
}

/// Classifies the response to `DELETE /installation/token`. The token is gone after a 204 and was gone before GitHub's
/// own 401: both are [`Outcome::Accepted`], and the status tells which.
pub(super) fn of_self_revocation(response: &Response, host: &Host, now: Timestamp) -> RevokeResponse {
    classify(response, now, |message| match response.status {
        204 if !may_be_success(response, host) => (Outcome::Unexpected, NOT_GITHUBS),
        204 => (Outcome::Accepted, ""),
        401 if is_bad_credential(response) => (Outcome::Accepted, "the token was dead already"),
        status => otherwise(status, response, message),
    })
}

/// What came of a question that is about no token. That it was answered is all that an [`Outcome::Accepted`] says.
pub(super) fn of_question(asked: &Result<Response, TransportError>, now: Timestamp) -> RevokeResponse {
    match asked {
        Ok(response) => classify(response, now, |message| match response.status {
            200 => (Outcome::Accepted, ""),
            status => otherwise(status, response, message),
        }),
        Err(error) => RevokeResponse::from_transport(error.clone()),
    }
}

fn classify(
    response: &Response,
    now: Timestamp,
    of_whole: impl FnOnce(&str) -> (Outcome, &'static str),
) -> RevokeResponse {
    let (outcome, message) = if let Some(why) = &response.cut_short {
        // What is left of a torn body may say the opposite of the whole.
        (of_torn(response), join(response.status, why, ""))
    } else {
        let message = github::message(response);
        let (outcome, hint) = of_whole(&message);
        (outcome, join(response.status, &message, hint))
    };
    RevokeResponse {
        outcome,
        status: Some(response.status),
        request_id: request_id(response),
        limit: limit(response, now),
        message,
    }
}

/// Only the headers are whole: they may tell of a limit, and never of a token.
fn of_torn(response: &Response) -> Outcome {
    match response.status {
        403 | 429 if remaining(response) == Some(0) => Outcome::PrimaryLimit,
        403 if response.header("retry-after").is_some() => Outcome::SecondaryLimit,
        429 => Outcome::SecondaryLimit,
        200..=299 => Outcome::Unknown,
        _ => Outcome::Trouble,
    }
}

/// Whether a success can be the API's. At GitHub's own hosts each has a request id; a gateway in front of another may
/// keep it to itself.
pub(super) fn may_be_success(response: &Response, host: &Host) -> bool {
    let page = response.is_html() && response.status != 204;
    !page && (request_id(response).is_some() || !host.is_githubs_own())
}

/// Whether GitHub itself does not know the token that was shown. Any other 401 proves nothing: a proxy may ask for a
/// password of its own, or drop the header, and GitHub then wants authentication.
/// <https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api#failed-login-limit>
pub(super) fn is_bad_credential(response: &Response) -> bool {
    response.status == 401
        && is_githubs(response)
        && github::message(response).to_ascii_lowercase().starts_with("bad credentials")
}

fn unprocessable(message: &str) -> Outcome {
    let message = message.to_ascii_lowercase();
    let rest = message.replace(EITHER, "");
    let blamed = ["spam", "abuse", "too quickly", "too many requests"].iter().any(|word| rest.contains(word));
    // Where both causes are named and no entry is blamed, taking it for spam keeps every token.
    let unclear = rest.len() < message.len() && !rest.contains(|shown: char| shown.is_alphanumeric());
    if blamed || unclear { Outcome::Spammed } else { Outcome::Invalid }
}

fn otherwise(status: u16, response: &Response, message: &str) -> (Outcome, &'static str) {
    match status {
        403 | 429 => forbidden(response, message),
        300..=399 if response.header("location").is_some() => (
            Outcome::Unexpected,
            "redirects are not followed, the tokens would go along; name the right address with --host or --api-url",
        ),
        400 if is_unknown_version(response) => {
            (Outcome::Trouble, "the next request speaks another version of the API")
        }
        401 if !is_githubs(response) => (Outcome::Trouble, NOT_GITHUBS),
        401 => (Outcome::Denied, "the server does not know the credential it was shown"),
        404 => (
            Outcome::Denied,
            "no such endpoint here: it exists at github.com, GHE.com and from GitHub Enterprise Server 3.18 on",
        ),
        0..=399 => (Outcome::Unexpected, "GitHub documents no such answer to this call"),
        // Not yet, or not now. What is no status of HTTP is to be taken for a server's error (RFC 9110, section 15).
        408 | 425 | 500.. => (Outcome::Trouble, ""),
        _ => (Outcome::Denied, ""),
    }
}

/// The limit that a 403 or 429 tells of, if it is one.
pub(super) fn limit_of(response: &Response) -> Option<Outcome> {
    limited(response, &github::message(response)).map(outcome_of)
}

fn outcome_of(limited: Limited) -> Outcome {
    match limited {
        Limited::Primary => Outcome::PrimaryLimit,
        Limited::Secondary => Outcome::SecondaryLimit,
    }
}

fn forbidden(response: &Response, message: &str) -> (Outcome, &'static str) {
    if let Some(limited) = limited(response, message) {
        return (outcome_of(limited), "");
    }
    // https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api#authenticating-with-single-sign-on
    if response.header("x-github-sso").is_some() {
        return (Outcome::Denied, "the credential is not authorized for single sign-on here");
    }
    let message = message.to_ascii_lowercase();
    if message.contains("user-agent") || message.contains("administrative rules") {
        return (Outcome::Denied, "something between here and GitHub removes the User-Agent");
    }
    (if response.is_html() { Outcome::Trouble } else { Outcome::Denied }, "")
}

/// The server's message where it had one, else the status's reason phrase; then a hint in parentheses.
pub(super) fn join(status: u16, message: &str, hint: &str) -> String {
    let message = if message.is_empty() { reason_phrase(status) } else { message };
    if hint.is_empty() { message.to_owned() } else { format!("{message} ({hint})") }
}

/// The reason phrases of RFC 9110, section 15.
fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "no explanation",
    }
}

#[cfg(test)]
mod tests;
