use super::super::host::HostChoice;
use super::*;
use crate::github::testing::{now, response};
use Outcome as O;

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
    // It names no cause at all: what GitHub documents first is an entry that is not valid.
    (O::Invalid, 422, ID, r#"{"message":"…"}"#),
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
    (O::SecondaryLimit, 403, "", r#"{"message":"Maximum number of login attempts exceeded."}"#),
    (O::SecondaryLimit, 403, "", r#"{"message":"Please try again later."}"#),
    (O::Denied, 403, "", ""),
    (O::Denied, 403, "content-type: text/html", "Request forbidden by administrative rules."),
    (O::Denied, 403, "content-type: text/html", "Please make sure your request has a User-Agent header"),
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
    let refused = of(401, ID, r#"{"message":"Bad credentials"}"#).message;
    assert_eq!(refused, "Bad credentials (the server does not know the credential it was shown)");
    let missing = of(404, "", "").message;
    assert!(missing.starts_with("Not Found (no such endpoint here"), "{missing}");
    let sso = of(403, "x-github-sso: required", r#"{"message":"Forbidden"}"#);
    assert_eq!(sso.outcome, O::Denied);
    assert!(sso.message.contains("single sign-on"), "{}", sso.message);
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

/// RFC 9110, section 15.
#[test]
fn a_response_without_a_message_is_told_by_its_reason_phrase() {
    for (status, phrase) in [
        (200, "OK"),
        (202, "Accepted"),
        (204, "No Content"),
        (301, "Moved Permanently"),
        (302, "Found"),
        (307, "Temporary Redirect"),
        (308, "Permanent Redirect"),
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (404, "Not Found"),
        (422, "Unprocessable Content"),
        (429, "Too Many Requests"),
        (500, "Internal Server Error"),
        (502, "Bad Gateway"),
        (503, "Service Unavailable"),
        (504, "Gateway Timeout"),
        (999, "no explanation"),
    ] {
        assert_eq!(join(status, "", ""), phrase);
        assert_eq!(join(status, "", "why"), format!("{phrase} (why)"));
        assert_eq!(join(status, "words", ""), "words");
    }
}
