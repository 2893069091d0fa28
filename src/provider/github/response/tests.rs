use super::super::host::HostChoice;
use super::*;
use Outcome as O;

const NOW: i64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// `head` is one header a line.
fn response(status: u16, head: &str, body: &str) -> Response {
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    let headers = head.lines().filter_map(header).collect();
    Response { status, headers, body: body.as_bytes().to_vec(), cut_short: None }
}

/// A GitHub on loopback, where a success needs no request id.
fn loopback() -> Host {
    let choice = HostChoice { api_url: Some("http://127.0.0.1:8080".to_owned()), ..HostChoice::default() };
    Host::choose(&choice).unwrap()
}

fn classify(status: u16, head: &str, body: &str) -> Outcome {
    of_revocation(&response(status, head, body), &loopback(), now()).outcome
}

/// The header that GitHub gives to every response.
const ID: &str = "x-github-request-id: C0DE:1";

const HTML: &str = "<html><h1>502 Bad Gateway</h1></html>";

/// Outcome, status, headers, body.
const CASES: &[(Outcome, u16, &str, &str)] = &[
    // Accepted: empty, null or an object; never a page.
    (O::Accepted, 202, "", ""),
    (O::Accepted, 202, "", "null"),
    (O::Accepted, 202, "x-ratelimit-remaining: 0", "{}"),
    (O::Unexpected, 202, "", "<html>Please log in</html>"),
    (O::Unexpected, 202, "content-type: text/html", "Please log in"),
    // Another success is not documented.
    (O::Unexpected, 200, "", "{}"),
    (O::Unexpected, 201, "", "{}"),
    (O::Unexpected, 204, "", ""),
    // 422 of something in between.
    (O::Trouble, 422, "", ""),
    (O::Trouble, 422, ID, ""),
    (O::Trouble, 422, "", r#"{"message":"Validation Failed","errors":["credentials is invalid"]}"#),
    (O::Trouble, 422, ID, r#"{"error":"request blocked","rule":1729}"#),
    (O::Trouble, 422, ID, r#"["Validation Failed"]"#),
    (O::Trouble, 422, ID, "Blocked by policy"),
    (O::Trouble, 422, ID, r#"{"message":"Validation fail"#),
    (O::Trouble, 422, "x-github-request-id: no id\n", r#"{"message":"Validation Failed"}"#),
    // GitHub's 422, by its message.
    (O::Invalid, 422, ID, r#"{"message":"Validation Failed","errors":["credentials is invalid"]}"#),
    (O::Invalid, 422, ID, r#"{"message":"Validation Failed"}"#),
    (O::Spammed, 422, ID, r#"{"message":"The endpoint has been spammed."}"#),
    (O::Spammed, 422, ID, r#"{"message":"Validation Failed","errors":["was submitted too quickly"]}"#),
    (O::Spammed, 422, ID, r#"{"message":"Validation Failed","errors":[{"message":"Spammed"}]}"#),
    (O::Spammed, 422, ID, r#"{"message":"You have triggered an abuse detection mechanism"}"#),
    (O::Spammed, 422, ID, r#"{"message":"Validation failed, or the endpoint has been spammed."}"#),
    (
        O::Invalid,
        422,
        ID,
        r#"{"message":"Validation failed, or the endpoint has been spammed.","errors":["credentials[3] is bad"]}"#,
    ),
    (O::Invalid, 422, ID, r#"{"message":"Validation Failed","documentation_url":"https://x/spam"}"#),
    (O::Invalid, 422, ID, r#"{"message":"ghp_spamspamspamspam is not valid"}"#),
    (O::Trouble, 422, ID, HTML),
    // 403 and 429, by headers and message.
    (
        O::PrimaryLimit,
        403,
        "x-ratelimit-remaining: 0",
        r#"{"message":"API rate limit exceeded for 1.2.3.4."}"#,
    ),
    (O::PrimaryLimit, 429, "x-ratelimit-remaining: 0", ""),
    (O::PrimaryLimit, 403, "x-ratelimit-remaining: 0\nretry-after: 5", ""),
    (O::PrimaryLimit, 403, "", r#"{"message":"API rate limit exceeded for 1.2.3.4."}"#),
    (O::SecondaryLimit, 403, "", r#"{"message":"You have exceeded a secondary rate limit."}"#),
    (
        O::SecondaryLimit,
        429,
        "x-ratelimit-remaining: 7",
        r#"{"message":"You have exceeded a secondary rate limit."}"#,
    ),
    (O::SecondaryLimit, 403, "", r#"{"message":"You have triggered an abuse detection mechanism."}"#),
    (O::SecondaryLimit, 403, "retry-after: 60", r#"{"message":"Slow down"}"#),
    (O::SecondaryLimit, 403, "retry-after: 60", HTML),
    (O::SecondaryLimit, 429, "retry-after: 60", HTML),
    (O::SecondaryLimit, 429, "", ""),
    (O::SecondaryLimit, 429, "", HTML),
    (
        O::SecondaryLimit,
        403,
        "",
        r#"{"message":"Maximum number of login attempts exceeded. Please try again later."}"#,
    ),
    (O::Denied, 403, "", ""),
    (O::Denied, 403, "x-ratelimit-remaining: 59", r#"{"message":"Forbidden"}"#),
    (O::Denied, 403, "x-ratelimit-remaining: 00x", r#"{"message":"Forbidden"}"#),
    (O::Denied, 403, "", r#"{"message":"This endpoint does not accept authenticated requests"}"#),
    (
        O::Denied,
        403,
        "content-type: text/html",
        "Request forbidden by administrative rules. Please make sure your request has a User-Agent header",
    ),
    (O::Trouble, 403, "", HTML),
    // The rest.
    (O::Unexpected, 301, "location: https://example.com/", ""),
    (O::Unexpected, 302, "", HTML),
    (O::Unexpected, 304, "", ""),
    (O::Unexpected, 307, "location: https://example.com/", ""),
    (O::Unexpected, 308, "", ""),
    (
        O::Trouble,
        400,
        "",
        r#"{"message":"The version you specified in the \"X-GitHub-API-Version\" request header is not supported"}"#,
    ),
    (O::Denied, 400, "", r#"{"message":"Problems parsing JSON"}"#),
    (O::Denied, 401, ID, r#"{"message":"Bad credentials"}"#),
    (O::Denied, 401, ID, r#"{"message":"Requires authentication"}"#),
    (O::Trouble, 401, "", r#"{"message":"Bad credentials"}"#),
    (O::Trouble, 401, ID, ""),
    (O::Trouble, 401, "", HTML),
    (O::Denied, 404, "", r#"{"message":"Not Found"}"#),
    (O::Denied, 404, "", HTML),
    (O::Denied, 405, "", ""),
    (O::Denied, 407, "", ""),
    (O::Trouble, 408, "", ""),
    (O::Denied, 413, "", HTML),
    (O::Trouble, 425, "", ""),
    (O::Denied, 451, "", ""),
    (O::Trouble, 500, "", r#"{"message":"Server Error"}"#),
    (O::Trouble, 500, "", ""),
    (O::Trouble, 502, "content-type: text/html", HTML),
    (O::Trouble, 503, "retry-after: 30", ""),
    (O::Trouble, 504, "", ""),
    // What is no status of HTTP is to be taken for a server's error; a switch of protocols was not asked for.
    (O::Trouble, 600, "", ""),
    (O::Trouble, 999, "", ""),
    (O::Unexpected, 101, "", ""),
];

#[test]
fn every_response_has_its_outcome() {
    for (outcome, status, head, body) in CASES {
        assert_eq!(classify(*status, head, body), *outcome, "{status} {head:?} {body:?}");
    }
}

#[test]
fn an_installation_token_is_gone_after_204_and_was_before_401() {
    use Outcome::{Accepted, Denied, PrimaryLimit, Trouble, Unexpected};
    for (outcome, status, head, body) in [
        (Accepted, 204, "", ""),
        (Accepted, 401, ID, r#"{"message":"Bad credentials"}"#),
        (Denied, 401, ID, r#"{"message":"Requires authentication"}"#),
        (Trouble, 401, "", r#"{"message":"Bad credentials"}"#),
        (Trouble, 401, "", ""),
        (Trouble, 401, "", "<html>proxy</html>"),
        (Unexpected, 202, "", ""),
        (Unexpected, 200, "", ""),
        (Denied, 403, "", ""),
        (PrimaryLimit, 403, "x-ratelimit-remaining: 0", ""),
        (Denied, 404, "", ""),
        (Denied, 422, "", ""),
        (Trouble, 500, "", ""),
    ] {
        let answer = of_self_revocation(&response(status, head, body), &loopback(), now());
        assert_eq!((answer.outcome, answer.status), (outcome, Some(status)), "{status} {body:?}");
    }
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
fn messages_are_the_servers_words_without_tokens() {
    let token = format!("ghp_{}", "aB3".repeat(12));
    let body = format!(r#"{{"message":"{token} is\nnot valid"}}"#);
    let of = |status, head, body| of_revocation(&response(status, head, body), &loopback(), now());
    let answer = of(422, "x-github-request-id: C0DE:1A:2b-3_4", body.as_str());
    assert_eq!(answer.message, "ghp_… is not valid");
    assert_eq!(answer.request_id.as_deref(), Some("C0DE:1A:2b-3_4"));
    assert_eq!(of(202, "", "").message, "Accepted");
    let redirect = of(302, "location: /elsewhere", "").message;
    assert!(redirect.starts_with("Found (redirects are not followed"), "{redirect}");
    // Where there is no address to go to, there is none to be named with --host.
    assert!(!of(304, "", "").message.contains("--host"));
    let sso = of(403, "x-github-sso: required", r#"{"message":"Forbidden"}"#);
    assert_eq!(sso.outcome, O::Denied);
    assert!(sso.message.contains("single sign-on"), "{}", sso.message);
}

#[test]
fn a_strange_request_id_is_none() {
    let id = |value: &str| request_id(&response(202, &format!("x-github-request-id: {value}"), ""));
    assert_eq!(id("\u{1b}[2J"), None);
    assert_eq!(id(""), None);
    assert_eq!(id(&"a".repeat(129)), None);
    assert_eq!(id(&"a".repeat(128)).map(|id| id.len()), Some(128));
}

#[test]
fn only_a_400_about_versions_speaks_of_versions() {
    assert!(is_unknown_version(&response(400, "", "not a supported Version")));
    assert!(!is_unknown_version(&response(400, "", "Problems parsing JSON")));
    assert!(!is_unknown_version(&response(422, "", "version")));
}

#[test]
fn at_githubs_own_hosts_a_success_without_a_request_id_is_somebody_elses() {
    let github = Host::github_com();
    for (head, success) in [("", Outcome::Unexpected), (ID, Outcome::Accepted)] {
        let of = |status| response(status, head, "");
        assert_eq!(of_revocation(&of(202), &github, now()).outcome, success, "{head:?}");
        assert_eq!(of_self_revocation(&of(204), &github, now()).outcome, success, "{head:?}");
    }
    for (name, url, own) in [
        ("github.com", "", true),
        ("octocorp.ghe.com", "", true),
        ("ghes.example", "", false),
        ("github.com", "http://127.0.0.1:8080", false),
        ("github.com", "https://gateway.example/github", false),
    ] {
        let some = |text: &str| Some(text.to_owned());
        let choice = HostChoice { host: some(name), api_url: some(url), ..HostChoice::default() };
        assert_eq!(Host::choose(&choice).unwrap().is_githubs_own(), own, "{name} {url}");
    }
}

#[test]
fn a_torn_body_is_no_verdict_and_its_headers_still_tell_of_limits() {
    let bad = r#"{"message":"Bad credentials"}"#;
    for (outcome, status, head) in [
        (O::Unknown, 202, ID),
        (O::Unknown, 204, ID),
        (O::Trouble, 422, ID),
        (O::Trouble, 401, ID),
        (O::Trouble, 404, ID),
        (O::Trouble, 403, ID),
        (O::Trouble, 500, ID),
        (O::SecondaryLimit, 429, ID),
        (O::SecondaryLimit, 403, "retry-after: 60"),
        (O::PrimaryLimit, 403, "x-ratelimit-remaining: 0"),
    ] {
        let cut_short = Some("the connection broke".to_owned());
        let torn = Response { cut_short, ..response(status, head, bad) };
        for answer in
            [of_revocation(&torn, &loopback(), now()), of_self_revocation(&torn, &loopback(), now())]
        {
            assert_eq!((answer.outcome, answer.status), (outcome, Some(status)), "{status} {head}");
            assert_eq!(answer.message, "the connection broke");
        }
    }
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
