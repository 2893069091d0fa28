//! What an answer says of a limit. A 403 or 429 has several causes, distinguished by headers and body and never by the
//! status only: <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use serde_json::Value;

use crate::http::Response;
use crate::revocation::RateLimit;

/// Longer waits are cut to this: GitHub's quotas are hourly.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// The longest wait that something in between may ask for: a proxy's page of an outage knows nothing of GitHub's limits.
const LONGEST_FOREIGN_WAIT: Duration = Duration::from_mins(15);

/// Which limit turned a request away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limited {
    /// The quota of the hour is used up.
    Primary,
    /// Too fast, or too much at once: the server says when to come back, or nothing.
    Secondary,
}

/// The limit that a 403 or 429 with this message tells of, if it is one. The causes are in the order of GitHub's documentation:
/// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit>.
pub(crate) fn limited(response: &Response, message: &str) -> Option<Limited> {
    if !matches!(response.status, 403 | 429) {
        return None;
    }
    let message = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|words| message.contains(words));
    if remaining(response) == Some(0) {
        return Some(Limited::Primary);
    }
    if says(&["secondary rate limit", "abuse detection"]) {
        return Some(Limited::Secondary);
    }
    if says(&["rate limit exceeded"]) {
        return Some(Limited::Primary);
    }
    // Too many bad credentials were shown: every one is turned away for a while, good ones too.
    // https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api#failed-login-limit
    if says(&["login attempts", "try again later"]) || response.header("retry-after").is_some() {
        return Some(Limited::Secondary);
    }
    // What says why is no limit, whatever its status.
    let is_explained =
        response.header("x-github-sso").is_some() || says(&["user-agent", "administrative rules"]);
    (response.status == 429 && !is_explained).then_some(Limited::Secondary)
}

/// Whether a response is GitHub's own word: an error in its JSON form, with the id that it gives to every request.
/// A gateway, a firewall or a portal in between has neither.
/// <https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api>
pub(crate) fn is_githubs(response: &Response) -> bool {
    let typed = response.header("content-type").is_none_or(|kind| kind.to_ascii_lowercase().contains("json"));
    let worded = || response.json().is_some_and(|body| body.get("message").is_some_and(Value::is_string));
    response.cut_short.is_none() && request_id(response).is_some() && typed && worded()
}

/// `x-github-request-id`, unless it holds what GitHub's ids do not.
pub(crate) fn request_id(response: &Response) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b":-_".contains(&byte);
    response
        .header("x-github-request-id")
        .filter(|id| (1..=128).contains(&id.len()) && id.bytes().all(plain))
        .map(str::to_owned)
}

/// `x-ratelimit-remaining`.
pub(crate) fn remaining(response: &Response) -> Option<u32> {
    response.header("x-ratelimit-remaining")?.parse().ok()
}

/// What the headers say about the limit. Waits beyond a day are cut to a day, and to less where GitHub did not answer.
/// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#checking-the-status-of-your-rate-limit>
pub(crate) fn limit(response: &Response, now: Timestamp) -> RateLimit {
    let longest = if request_id(response).is_some() { LONGEST_WAIT } else { LONGEST_FOREIGN_WAIT };
    let latest = now.checked_add(longest).unwrap_or(now);
    let server_now = server_time(response).unwrap_or(now);
    // A time by the server's clock is as far from its own as it is from ours by ours.
    let reset = |text: &str| {
        let reset = Timestamp::from_second(text.parse().ok()?).ok()?;
        Some(now.checked_add(reset.duration_since(server_now)).unwrap_or(latest))
    };
    RateLimit {
        limit: response.header("x-ratelimit-limit").and_then(|text| text.parse().ok()),
        remaining: remaining(response),
        reset: response.header("x-ratelimit-reset").and_then(reset).map(|reset| reset.min(latest)),
        retry_after: response
            .header("retry-after")
            .and_then(|text| retry_after(text, server_now))
            .map(|wait| wait.min(longest)),
    }
}

/// When the server sent this, by its own clock (RFC 9110, section 6.6.1).
fn server_time(response: &Response) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(response.header("date")?).ok()
}

/// Seconds, or a date (RFC 9110, section 10.2.3); a date that is past means now.
fn retry_after(text: &str, server_now: Timestamp) -> Option<Duration> {
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_or(LONGEST_WAIT, Duration::from_secs)
    } else {
        let then = DateTimeParser::new().parse_timestamp(text).ok()?;
        Duration::try_from(then.duration_since(server_now)).unwrap_or_default()
    };
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests;
