//! What a response means. A 403 or 429 has several causes, distinguished by headers and body and never by the status
//! only; the same goes for a 422, which GitHub uses for bad entries and for too many calls.
//!
//! The statuses of each call: <https://docs.github.com/en/rest/credentials/revoke>,
//! <https://docs.github.com/en/rest/apps/installations#revoke-an-installation-access-token>.
//! Limits: <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use serde_json::Value;

use super::host::Host;
use super::message;
use crate::http::{Response, TransportError};
use crate::provider::{Outcome, RevokeResponse};
use crate::revocation::RateLimit;

/// Longer waits are cut to this: GitHub's quotas are hourly.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// The longest wait that something in between may ask for: a proxy's page of an outage knows nothing of GitHub's limits.
const LONGEST_FOREIGN_WAIT: Duration = Duration::from_mins(15);

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
        let message = message::of(response);
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

/// Whether a response is GitHub's own word: an error in its JSON form, with the id that it gives to every request.
/// A gateway, a firewall or a portal in between has neither.
/// <https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api>
fn is_githubs(response: &Response) -> bool {
    let typed = response.header("content-type").is_none_or(|kind| kind.to_ascii_lowercase().contains("json"));
    let worded = || response.json().is_some_and(|body| body.get("message").is_some_and(Value::is_string));
    response.cut_short.is_none() && request_id(response).is_some() && typed && worded()
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
        && message::of(response).to_ascii_lowercase().starts_with("bad credentials")
}

/// Whether the server does not know the API version the request named.
pub(super) fn is_unknown_version(response: &Response) -> bool {
    response.status == 400
        && response.cut_short.is_none()
        && message::of(response).to_ascii_lowercase().contains("version")
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
        403 | 429 => forbidden(status, response, &message.to_ascii_lowercase()),
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
    // Too many bad credentials were shown: every one is turned away for a while, good ones too.
    // https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api#failed-login-limit
    if message.contains("login attempts") || message.contains("try again later") {
        return (Outcome::SecondaryLimit, "");
    }
    if response.header("retry-after").is_some() {
        return (Outcome::SecondaryLimit, "");
    }
    // https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api#authenticating-with-single-sign-on
    if response.header("x-github-sso").is_some() {
        return (Outcome::Denied, "the credential is not authorized for single sign-on here");
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

/// What the headers say about the limit. Waits beyond a day are cut to a day, and to less where GitHub did not answer.
/// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#checking-the-status-of-your-rate-limit>
pub(super) fn limit(response: &Response, now: Timestamp) -> RateLimit {
    let longest = if request_id(response).is_some() { LONGEST_WAIT } else { LONGEST_FOREIGN_WAIT };
    let latest = now.checked_add(longest).unwrap_or(now);
    let reset = |text: &str| Timestamp::from_second(text.parse().ok()?).ok();
    RateLimit {
        limit: response.header("x-ratelimit-limit").and_then(|text| text.parse().ok()),
        remaining: remaining(response),
        reset: response.header("x-ratelimit-reset").and_then(reset).map(|reset| reset.min(latest)),
        retry_after: response
            .header("retry-after")
            .and_then(|text| retry_after(text, now))
            .map(|wait| wait.min(longest)),
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
