use super::*;
use crate::github::testing::{NOW, now, response};

/// The header that GitHub gives to every response.
const ID: &str = "x-github-request-id: C0DE:1";

const HTML: &str = "<html><h1>502 Bad Gateway</h1></html>";

#[test]
fn a_strange_request_id_is_none() {
    let id = |value: &str| request_id(&response(202, &format!("x-github-request-id: {value}"), ""));
    assert_eq!(id("\u{1b}[2J"), None);
    assert_eq!(id(""), None);
    assert_eq!(id(&"a".repeat(129)), None);
    assert_eq!(id(&"a".repeat(128)).map(|id| id.len()), Some(128));
}

#[test]
fn limits_are_read_and_bounded() {
    let of = |head: &str| limit(&response(403, &[ID, head].join("\n"), ""), now());
    let reset = NOW + 1800;
    let limits = of(&format!("x-ratelimit-limit: 60\nx-ratelimit-remaining: 3\nx-ratelimit-reset: {reset}"));
    assert_eq!((limits.limit, limits.remaining), (Some(60), Some(3)));
    assert_eq!(limits.reset, Timestamp::from_second(reset).ok());
    assert_eq!(limits.retry_after, None);
    assert_eq!(of("retry-after: 61").retry_after, Some(Duration::from_secs(61)));
    assert_eq!(of("retry-after: 0").retry_after, Some(Duration::ZERO));
    // 1,800,000,000 is Fri, 15 Jan 2027 08:00:00 GMT.
    assert_eq!(of("retry-after: Fri, 15 Jan 2027 08:01:30 GMT").retry_after, Some(Duration::from_secs(90)));
    assert_eq!(of("retry-after: Fri, 15 Jan 2027 07:00:00 GMT").retry_after, Some(Duration::ZERO));
    assert_eq!(of("retry-after: soon").retry_after, None);
    assert_eq!(of("retry-after: -1").retry_after, None);
    assert_eq!(of("x-ratelimit-reset: soon\nx-ratelimit-remaining: -1"), RateLimit::default());
}

#[test]
fn no_wait_beyond_a_day_is_believed() {
    let of = |head: &str| limit(&response(403, &[ID, head].join("\n"), ""), now());
    assert_eq!(of("retry-after: 99999999999999999999999").retry_after, Some(LONGEST_WAIT));
    assert_eq!(of("retry-after: 86401").retry_after, Some(LONGEST_WAIT));
    assert_eq!(of("retry-after: Sun, 15 Jan 2034 08:00:00 GMT").retry_after, Some(LONGEST_WAIT));
    let tomorrow = Timestamp::from_second(NOW + 86_400).ok();
    assert_eq!(of("x-ratelimit-reset: 9000000000").reset, tomorrow);
    assert_eq!(of("x-ratelimit-reset: 99999999999999999999").reset, None);
}

#[test]
fn what_is_not_github_asks_for_a_quarter_of_an_hour_at_the_most() {
    let of = |head: &str| limit(&response(503, head, HTML), now());
    assert_eq!(of("retry-after: 86400").retry_after, Some(LONGEST_FOREIGN_WAIT));
    assert_eq!(of("retry-after: 60").retry_after, Some(Duration::from_mins(1)));
    let reset = format!("x-ratelimit-remaining: 0\nx-ratelimit-reset: {}", NOW + 7200);
    assert_eq!(of(&reset).reset, Timestamp::from_second(NOW + 900).ok());
    assert_eq!(of(&format!("{ID}\n{reset}")).reset, Timestamp::from_second(NOW + 7200).ok());
}

#[test]
fn what_the_server_says_by_its_clock_is_told_by_ours() {
    // 15 Jan 2027, 08:00:00 here; the server's clock is two hours behind or ahead.
    for (date, server_now) in [
        ("Fri, 15 Jan 2027 06:00:00 GMT", NOW - 7200),
        ("Fri, 15 Jan 2027 08:00:00 GMT", NOW),
        ("Fri, 15 Jan 2027 10:00:00 GMT", NOW + 7200),
        ("yesterday", NOW),
    ] {
        let reset = server_now + 1800;
        let head = format!("{ID}\ndate: {date}\nx-ratelimit-remaining: 0\nx-ratelimit-reset: {reset}");
        let limit = limit(&response(403, &head, ""), now());
        assert_eq!(limit.reset, Timestamp::from_second(NOW + 1800).ok(), "{date}");
    }
    let head = "date: Fri, 15 Jan 2027 10:00:00 GMT\nretry-after: Fri, 15 Jan 2027 10:01:30 GMT";
    assert_eq!(limit(&response(503, head, ""), now()).retry_after, Some(Duration::from_secs(90)));
}
