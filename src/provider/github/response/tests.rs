use super::*;
use Verdict as V;

const NOW: i64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// `head` is one header a line.
fn reply(status: u16, head: &str, body: &str) -> Response {
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    Response { status, headers: head.lines().filter_map(header).collect(), body: body.as_bytes().to_vec() }
}

fn judge(status: u16, head: &str, body: &str) -> Verdict {
    of_revocation(&reply(status, head, body), now()).verdict
}

const HTML: &str = "<html><h1>502 Bad Gateway</h1></html>";

/// Verdict, status, headers, body.
const CASES: &[(Verdict, u16, &str, &str)] = &[
    // Taken: empty, null or an object; never a page.
    (V::Accepted, 202, "", ""),
    (V::Accepted, 202, "", "null"),
    (V::Accepted, 202, "x-ratelimit-remaining: 0", "{}"),
    (V::Trouble, 202, "", "<html>Please log in</html>"),
    (V::Trouble, 202, "content-type: text/html", "Please log in"),
    // Success of another kind is nobody's answer.
    (V::Trouble, 200, "", "{}"),
    (V::Trouble, 201, "", "{}"),
    (V::Trouble, 204, "", ""),
    // 422, by its words.
    (V::Invalid, 422, "", r#"{"message":"Validation Failed","errors":["credentials is invalid"]}"#),
    (V::Invalid, 422, "", r#"{"message":"Validation Failed"}"#),
    (V::Invalid, 422, "", ""),
    (V::Spammed, 422, "", r#"{"message":"The endpoint has been spammed."}"#),
    (V::Spammed, 422, "", r#"{"message":"Validation Failed","errors":["was submitted too quickly"]}"#),
    (V::Spammed, 422, "", r#"{"message":"Validation Failed","errors":[{"message":"Spammed"}]}"#),
    (V::Spammed, 422, "", "You have triggered an abuse detection mechanism"),
    (V::Spammed, 422, "", r#"{"message":"Validation failed, or the endpoint has been spammed."}"#),
    (
        V::Invalid,
        422,
        "",
        r#"{"message":"Validation failed, or the endpoint has been spammed.","errors":["credentials[3] is bad"]}"#,
    ),
    (V::Invalid, 422, "", r#"{"message":"Validation Failed","documentation_url":"https://x/spam"}"#),
    (V::Invalid, 422, "", r#"{"message":"ghp_spamspamspamspam is not valid"}"#),
    (V::Trouble, 422, "", HTML),
    // 403 and 429, by headers and words.
    (
        V::PrimaryLimit,
        403,
        "x-ratelimit-remaining: 0",
        r#"{"message":"API rate limit exceeded for 1.2.3.4."}"#,
    ),
    (V::PrimaryLimit, 429, "x-ratelimit-remaining: 0", ""),
    (V::PrimaryLimit, 403, "x-ratelimit-remaining: 0\nretry-after: 5", ""),
    (V::PrimaryLimit, 403, "", r#"{"message":"API rate limit exceeded for 1.2.3.4."}"#),
    (V::SecondaryLimit, 403, "", r#"{"message":"You have exceeded a secondary rate limit."}"#),
    (
        V::SecondaryLimit,
        429,
        "x-ratelimit-remaining: 7",
        r#"{"message":"You have exceeded a secondary rate limit."}"#,
    ),
    (V::SecondaryLimit, 403, "", r#"{"message":"You have triggered an abuse detection mechanism."}"#),
    (V::SecondaryLimit, 403, "retry-after: 60", r#"{"message":"Slow down"}"#),
    (V::SecondaryLimit, 403, "retry-after: 60", HTML),
    (V::SecondaryLimit, 429, "retry-after: 60", HTML),
    (V::SecondaryLimit, 429, "", ""),
    (V::SecondaryLimit, 429, "", HTML),
    (V::Denied, 403, "", ""),
    (V::Denied, 403, "x-ratelimit-remaining: 59", r#"{"message":"Forbidden"}"#),
    (V::Denied, 403, "x-ratelimit-remaining: 00x", r#"{"message":"Forbidden"}"#),
    (V::Denied, 403, "", r#"{"message":"This endpoint does not accept authenticated requests"}"#),
    (
        V::Denied,
        403,
        "content-type: text/html",
        "Request forbidden by administrative rules. Please make sure your request has a User-Agent header",
    ),
    (V::Trouble, 403, "", HTML),
    // The rest.
    (V::Trouble, 301, "location: https://example.com/", ""),
    (V::Trouble, 302, "", HTML),
    (V::Trouble, 304, "", ""),
    (V::Trouble, 307, "location: https://example.com/", ""),
    (V::Trouble, 308, "", ""),
    (
        V::Trouble,
        400,
        "",
        r#"{"message":"The version you specified in the \"X-GitHub-API-Version\" request header is not supported"}"#,
    ),
    (V::Denied, 400, "", r#"{"message":"Problems parsing JSON"}"#),
    (V::Denied, 401, "", r#"{"message":"Bad credentials"}"#),
    (V::Denied, 401, "", HTML),
    (V::Denied, 404, "", r#"{"message":"Not Found"}"#),
    (V::Denied, 404, "", HTML),
    (V::Denied, 405, "", ""),
    (V::Denied, 407, "", ""),
    (V::Trouble, 408, "", ""),
    (V::Denied, 413, "", HTML),
    (V::Trouble, 425, "", ""),
    (V::Denied, 451, "", ""),
    (V::Trouble, 500, "", r#"{"message":"Server Error"}"#),
    (V::Trouble, 500, "", ""),
    (V::Trouble, 502, "content-type: text/html", HTML),
    (V::Trouble, 503, "retry-after: 30", ""),
    (V::Trouble, 504, "", ""),
    (V::Denied, 600, "", ""),
];

#[test]
fn every_answer_has_its_verdict() {
    for (verdict, status, head, body) in CASES {
        assert_eq!(judge(*status, head, body), *verdict, "{status} {head:?} {body:?}");
    }
}

#[test]
fn an_installation_token_is_gone_after_204_and_was_before_401() {
    use Verdict::{Accepted, Denied, PrimaryLimit, Trouble};
    for (verdict, status, head, body) in [
        (Accepted, 204, "", ""),
        (Accepted, 401, "", r#"{"message":"Bad credentials"}"#),
        (Denied, 401, "", r#"{"message":"Requires authentication"}"#),
        (Denied, 401, "", "<html>proxy</html>"),
        (Trouble, 202, "", ""),
        (Trouble, 200, "", ""),
        (Denied, 403, "", ""),
        (PrimaryLimit, 403, "x-ratelimit-remaining: 0", ""),
        (Denied, 404, "", ""),
        (Denied, 422, "", ""),
        (Trouble, 500, "", ""),
    ] {
        let answer = of_installation_end(&reply(status, head, body), now());
        assert_eq!((answer.verdict, answer.status), (verdict, Some(status)), "{status} {body:?}");
    }
}

#[test]
fn limits_are_read_and_bounded() {
    let of = |head: &str| limit(&reply(403, head, ""), now());
    let reset = NOW + 1800;
    let said = of(&format!("x-ratelimit-limit: 60\nx-ratelimit-remaining: 3\nx-ratelimit-reset: {reset}"));
    assert_eq!((said.limit, said.remaining), (Some(60), Some(3)));
    assert_eq!(said.reset, Timestamp::from_second(reset).ok());
    assert_eq!(said.retry_after, None);
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
    let of = |head: &str| limit(&reply(403, head, ""), now());
    assert_eq!(of("retry-after: 99999999999999999999999").retry_after, Some(LONGEST_WAIT));
    assert_eq!(of("retry-after: 86401").retry_after, Some(LONGEST_WAIT));
    assert_eq!(of("retry-after: Sun, 15 Jan 2034 08:00:00 GMT").retry_after, Some(LONGEST_WAIT));
    let tomorrow = Timestamp::from_second(NOW + 86_400).ok();
    assert_eq!(of("x-ratelimit-reset: 9000000000").reset, tomorrow);
    assert_eq!(of("x-ratelimit-reset: 99999999999999999999").reset, None);
}

#[test]
fn messages_are_the_servers_words_without_tokens() {
    let token = format!("ghp_{}", "aB3".repeat(12));
    let body = format!(r#"{{"message":"{token} is\nnot valid"}}"#);
    let answer = of_revocation(&reply(422, "x-github-request-id: C0DE:1A:2b-3_4", &body), now());
    assert_eq!(answer.message, "ghp_… is not valid");
    assert_eq!(answer.request_id.as_deref(), Some("C0DE:1A:2b-3_4"));
    assert_eq!(of_revocation(&reply(202, "", ""), now()).message, "Accepted");
    let redirect = of_revocation(&reply(302, "", ""), now()).message;
    assert!(redirect.starts_with("Found (redirects are not followed"), "{redirect}");
}

#[test]
fn a_strange_request_id_is_none() {
    let id = |value: &str| request_id(&reply(202, &format!("x-github-request-id: {value}"), ""));
    assert_eq!(id("\u{1b}[2J"), None);
    assert_eq!(id(""), None);
    assert_eq!(id(&"a".repeat(129)), None);
    assert_eq!(id(&"a".repeat(128)).map(|id| id.len()), Some(128));
}

#[test]
fn only_a_400_about_versions_speaks_of_versions() {
    assert!(unknown_version(&reply(400, "", "not a supported Version")));
    assert!(!unknown_version(&reply(400, "", "Problems parsing JSON")));
    assert!(!unknown_version(&reply(422, "", "version")));
}
