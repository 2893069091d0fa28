//! What a response means. A 403 or 429 has several causes, distinguished by headers and body and never by the status
//! only; the same goes for a 422, which GitHub uses for bad entries and for too many calls.
//!
//! The statuses of each call: <https://docs.github.com/en/rest/credentials/revoke>,
//! <https://docs.github.com/en/rest/apps/installations#revoke-an-installation-access-token>.
//! Limits: <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use super::message;
use crate::http::Response;
use crate::provider::{Outcome, RevokeResponse};
use crate::revocation::RateLimit;

/// Longer waits are cut to this: GitHub's quotas are hourly.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// GitHub's own description of its 422 (<https://docs.github.com/en/rest/credentials/revoke>), which names both causes
/// and so decides nothing.
const EITHER: &str = "validation failed, or the endpoint has been spammed";

/// Classifies the response to `POST /credentials/revoke`.
pub(super) fn of_revocation(response: &Response, now: Timestamp) -> RevokeResponse {
    let message = message::of(response);
    let (outcome, hint) = match response.status {
        202 if response.is_html() => (Outcome::Trouble, "this is not GitHub's answer"),
        202 => (Outcome::Accepted, ""),
        422 => (unprocessable(response, &message), ""),
        status => otherwise(status, response, &message),
    };
    respond(outcome, response, now, &join(response.status, &message, hint))
}

/// Classifies the response to `DELETE /installation/token`. The token is gone after a 204 and was gone before a 401:
/// both are [`Outcome::Accepted`], and the status tells which.
pub(super) fn of_self_revocation(response: &Response, now: Timestamp) -> RevokeResponse {
    let message = message::of(response);
    let (outcome, hint) = match response.status {
        204 => (Outcome::Accepted, ""),
        401 if is_bad_credential(response) => (Outcome::Accepted, "the token was dead already"),
        status => otherwise(status, response, &message),
    };
    respond(outcome, response, now, &join(response.status, &message, hint))
}

/// Whether a 401 is about the token that was shown. A proxy may ask for a password of its own, or drop the header,
/// and GitHub then wants authentication: both prove nothing.
pub(super) fn is_bad_credential(response: &Response) -> bool {
    response.status == 401
        && !response.is_html()
        && !message::of(response).to_ascii_lowercase().contains("requires authentication")
}

/// Whether the server does not know the API version the request named.
pub(super) fn is_unknown_version(response: &Response) -> bool {
    response.status == 400 && message::of(response).to_ascii_lowercase().contains("version")
}

fn unprocessable(response: &Response, message: &str) -> Outcome {
    if response.is_html() {
        return Outcome::Trouble;
    }
    let message = message.to_ascii_lowercase();
    let rest = message.replace(EITHER, "");
    let blamed = ["spam", "abuse", "too quickly", "too many requests"].iter().any(|word| rest.contains(word));
    // Where both causes are named and no entry is blamed, taking it for spam keeps every token.
    let unclear = rest.len() < message.len() && !rest.contains(|shown: char| shown.is_alphanumeric());
    if blamed || unclear { Outcome::Spammed } else { Outcome::Invalid }
}

fn otherwise(status: u16, response: &Response, message: &str) -> (Outcome, &'static str) {
    match status {
        403 | 429 => forbidden(status, response, &message.to_ascii_lowercase()),
        300..=399 => (
            Outcome::Trouble,
            "redirects are not followed, the tokens would go along; name the right address with --host or --api-url",
        ),
        400 if is_unknown_version(response) => {
            (Outcome::Trouble, "the next request speaks another version of the API")
        }
        401 => (Outcome::Denied, "the server does not know the credential it was shown"),
        404 => (
            Outcome::Denied,
            "no such endpoint here: it exists at github.com, GHE.com and from GitHub Enterprise Server 3.18 on",
        ),
        // Not yet, not now, or a success GitHub does not document, which is then not GitHub's.
        408 | 425 | 200..=299 | 500..=599 => (Outcome::Trouble, ""),
        _ => (Outcome::Denied, ""),
    }
}

/// The limit that a 403 or 429 tells of, if it is one.
pub(super) fn limit_of(response: &Response) -> Option<Outcome> {
    let message = message::of(response).to_ascii_lowercase();
    let (outcome, _) = forbidden(response.status, response, &message);
    matches!(outcome, Outcome::PrimaryLimit | Outcome::SecondaryLimit).then_some(outcome)
}

/// The causes of a 403 or 429, in the order of GitHub's documentation:
/// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit>.
fn forbidden(status: u16, response: &Response, message: &str) -> (Outcome, &'static str) {
    if remaining(response) == Some(0) {
        return (Outcome::PrimaryLimit, "");
    }
    if message.contains("secondary rate limit") || message.contains("abuse detection") {
        return (Outcome::SecondaryLimit, "");
    }
    if message.contains("rate limit exceeded") {
        return (Outcome::PrimaryLimit, "");
    }
    if response.header("retry-after").is_some() {
        return (Outcome::SecondaryLimit, "");
    }
    if message.contains("user-agent") || message.contains("administrative rules") {
        return (Outcome::Denied, "something between here and GitHub removes the User-Agent");
    }
    match status {
        429 => (Outcome::SecondaryLimit, ""),
        _ if response.is_html() => (Outcome::Trouble, ""),
        _ => (Outcome::Denied, ""),
    }
}

fn respond(outcome: Outcome, response: &Response, now: Timestamp, message: &str) -> RevokeResponse {
    RevokeResponse {
        outcome,
        status: Some(response.status),
        request_id: request_id(response),
        limit: limit(response, now),
        message: message.to_owned(),
    }
}

/// The server's message where it had one, else the status's reason phrase; then a hint in parentheses.
fn join(status: u16, message: &str, hint: &str) -> String {
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

/// `x-github-request-id`, unless it holds what GitHub's ids do not.
pub(super) fn request_id(response: &Response) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b":-_".contains(&byte);
    response
        .header("x-github-request-id")
        .filter(|id| (1..=128).contains(&id.len()) && id.bytes().all(plain))
        .map(str::to_owned)
}

fn remaining(response: &Response) -> Option<u32> {
    response.header("x-ratelimit-remaining")?.parse().ok()
}

/// What the headers say about the limit. Waits beyond a day are cut to a day.
/// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#checking-the-status-of-your-rate-limit>
pub(super) fn limit(response: &Response, now: Timestamp) -> RateLimit {
    let latest = now.checked_add(LONGEST_WAIT).unwrap_or(now);
    let reset = |text: &str| Timestamp::from_second(text.parse().ok()?).ok();
    RateLimit {
        limit: response.header("x-ratelimit-limit").and_then(|text| text.parse().ok()),
        remaining: remaining(response),
        reset: response.header("x-ratelimit-reset").and_then(reset).map(|reset| reset.min(latest)),
        retry_after: response.header("retry-after").and_then(|text| retry_after(text, now)),
    }
}

/// Seconds, or a date (RFC 9110, section 10.2.3); a date that is past means now.
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_or(LONGEST_WAIT, Duration::from_secs)
    } else {
        let then = DateTimeParser::new().parse_timestamp(text).ok()?;
        Duration::try_from(then.duration_since(now)).unwrap_or_default()
    };
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests;
