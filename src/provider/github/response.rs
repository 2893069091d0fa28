//! What an answer means. A 403 or 429 has several causes, told apart by headers and body and never by the status
//! alone; the same goes for a 422, which GitHub uses for bad entries and for too many calls.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use super::message;
use super::request::Response;
use crate::provider::{Answer, Verdict};
use crate::revocation::RateLimit;

/// No wait longer than this is believed: GitHub counts by the hour.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// GitHub's own description of its 422, which names both causes and so tells nothing.
const EITHER: &str = "validation failed, or the endpoint has been spammed";

/// Judges the answer to `POST /credentials/revoke`.
pub fn of_revocation(reply: &Response, now: Timestamp) -> Answer {
    let said = message::of(reply);
    let (verdict, hint) = match reply.status {
        202 if reply.html() => (Verdict::Trouble, "this is not GitHub's answer"),
        202 => (Verdict::Accepted, ""),
        422 => (unprocessable(reply, &said), ""),
        status => otherwise(status, reply, &said),
    };
    answer(verdict, reply, now, &join(reply.status, &said, hint))
}

/// Judges the answer to `DELETE /installation/token`. The token is gone after a 204 and was gone before a 401:
/// both are [`Verdict::Accepted`], and the status tells which.
pub fn of_installation_end(reply: &Response, now: Timestamp) -> Answer {
    let said = message::of(reply);
    let (verdict, hint) = match reply.status {
        204 => (Verdict::Accepted, ""),
        401 if turned_away(reply) => (Verdict::Accepted, "the token was dead already"),
        status => otherwise(status, reply, &said),
    };
    answer(verdict, reply, now, &join(reply.status, &said, hint))
}

/// Whether a 401 is about the token that was shown. A proxy may ask for a password of its own, or drop the header,
/// and GitHub then wants authentication: both prove nothing.
pub fn turned_away(reply: &Response) -> bool {
    reply.status == 401
        && !reply.html()
        && !message::of(reply).to_ascii_lowercase().contains("requires authentication")
}

/// Whether the server does not know the API version the request named.
pub fn unknown_version(reply: &Response) -> bool {
    reply.status == 400 && message::of(reply).to_ascii_lowercase().contains("version")
}

fn unprocessable(reply: &Response, said: &str) -> Verdict {
    if reply.html() {
        return Verdict::Trouble;
    }
    let said = said.to_ascii_lowercase();
    let rest = said.replace(EITHER, "");
    let blamed = ["spam", "abuse", "too quickly", "too many requests"].iter().any(|word| rest.contains(word));
    // Where both causes are named and no entry is blamed, keeping everything loses nothing.
    let untold = rest.len() < said.len() && !rest.contains(|shown: char| shown.is_alphanumeric());
    if blamed || untold { Verdict::Spammed } else { Verdict::Invalid }
}

fn otherwise(status: u16, reply: &Response, said: &str) -> (Verdict, &'static str) {
    match status {
        403 | 429 => forbidden(status, reply, &said.to_ascii_lowercase()),
        300..=399 => (
            Verdict::Trouble,
            "redirects are not followed, the tokens would go along; name the right place with --host or --api-url",
        ),
        400 if unknown_version(reply) => {
            (Verdict::Trouble, "the next request speaks another version of the API")
        }
        401 => (Verdict::Denied, "the server does not know the credential it was shown"),
        404 => (
            Verdict::Denied,
            "no such endpoint here: it exists at github.com, GHE.com and from GitHub Enterprise Server 3.18 on",
        ),
        // Not yet, not now, or a success GitHub does not document, which is then not GitHub's.
        408 | 425 | 200..=299 | 500..=599 => (Verdict::Trouble, ""),
        _ => (Verdict::Denied, ""),
    }
}

/// The causes of a 403 or 429, in the order of GitHub's documentation.
fn forbidden(status: u16, reply: &Response, said: &str) -> (Verdict, &'static str) {
    if remaining(reply) == Some(0) {
        return (Verdict::PrimaryLimit, "");
    }
    if said.contains("secondary rate limit") || said.contains("abuse detection") {
        return (Verdict::SecondaryLimit, "");
    }
    if said.contains("rate limit exceeded") {
        return (Verdict::PrimaryLimit, "");
    }
    if reply.header("retry-after").is_some() {
        return (Verdict::SecondaryLimit, "");
    }
    if said.contains("user-agent") || said.contains("administrative rules") {
        return (Verdict::Denied, "something between here and GitHub removes the User-Agent");
    }
    match status {
        429 => (Verdict::SecondaryLimit, ""),
        _ if reply.html() => (Verdict::Trouble, ""),
        _ => (Verdict::Denied, ""),
    }
}

fn answer(verdict: Verdict, reply: &Response, now: Timestamp, message: &str) -> Answer {
    Answer {
        verdict,
        status: Some(reply.status),
        request_id: request_id(reply),
        limit: limit(reply, now),
        message: message.to_owned(),
    }
}

/// The server's words where it had some, else the status's own name; then what to make of it.
fn join(status: u16, said: &str, hint: &str) -> String {
    let said = if said.is_empty() { name_of(status) } else { said };
    if hint.is_empty() { said.to_owned() } else { format!("{said} ({hint})") }
}

fn name_of(status: u16) -> &'static str {
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
        _ => "no words of explanation",
    }
}

/// `x-github-request-id`, unless it is none of GitHub's making.
pub fn request_id(reply: &Response) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b":-_".contains(&byte);
    reply
        .header("x-github-request-id")
        .filter(|id| (1..=128).contains(&id.len()) && id.bytes().all(plain))
        .map(str::to_owned)
}

fn remaining(reply: &Response) -> Option<u32> {
    reply.header("x-ratelimit-remaining")?.parse().ok()
}

/// What the server says about its limit. Waits beyond a day are cut to a day.
pub fn limit(reply: &Response, now: Timestamp) -> RateLimit {
    let latest = now.checked_add(LONGEST_WAIT).unwrap_or(now);
    let reset = |text: &str| Timestamp::from_second(text.parse().ok()?).ok();
    RateLimit {
        limit: reply.header("x-ratelimit-limit").and_then(|text| text.parse().ok()),
        remaining: remaining(reply),
        reset: reply.header("x-ratelimit-reset").and_then(reset).map(|reset| reset.min(latest)),
        retry_after: reply.header("retry-after").and_then(|text| retry_after(text, now)),
    }
}

/// Seconds, or a date; a date that is past means now.
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
