//! The table: what comes over the wire, under which class it is written down, and what it does.

use crate::support::raw::Answer;

/// What one answer does to a run whose next request is answered well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// The token is accepted, by this answer or by the next one.
    Accepted,
    /// It is accepted by the next answer: this one leads to another try.
    TriedAgain,
    /// It waits, and nothing else is sent by this run.
    Kept,
    /// It is refused.
    Refused,
}

/// An answer, the class under which it is written down, and its effect.
pub(super) type Row = (&'static str, Answer, &'static str, Effect);

const ID: &str = "x-github-request-id: C0DE:1\r\n";
pub(super) const JSON: &str = "content-type: application/json\r\nx-github-request-id: C0DE:1\r\n";
const HTML: &str = "content-type: text/html\r\n";
const PAGE: &str = "<html><h1>Please log in</h1></html>";

/// A whole answer.
pub(super) fn whole(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Answer {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n", body.len());
    Answer::Bytes([head.as_bytes(), body].concat())
}

/// GitHub's form of an error.
fn error(status: u16, headers: &str, message: &str) -> Answer {
    whole(status, &format!("{JSON}{headers}"), serde_json::json!({ "message": message }).to_string())
}

fn raw(text: &str) -> Answer {
    Answer::of(text)
}

pub(super) fn informational() -> Vec<Row> {
    let then = |interim: &str| raw(&format!("{interim}HTTP/1.1 202 X\r\n{ID}content-length: 4\r\n\r\nnull"));
    vec![
        ("100 and no more", raw("HTTP/1.1 100 Continue\r\n\r\n"), "unknown", Effect::TriedAgain),
        ("100, then 202", then("HTTP/1.1 100 Continue\r\n\r\n"), "accepted", Effect::Accepted),
        ("102, then 202", then("HTTP/1.1 102 Processing\r\n\r\n"), "accepted", Effect::Accepted),
        ("103, then 202", then("HTTP/1.1 103 X\r\nlink: </a>\r\n\r\n"), "accepted", Effect::Accepted),
        (
            "101",
            raw("HTTP/1.1 101 X\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n"),
            "unexpected",
            Effect::Kept,
        ),
    ]
}

pub(super) fn successes() -> Vec<Row> {
    let torn = format!("HTTP/1.1 202 X\r\n{ID}content-length: 90\r\n\r\n{{");
    let chunked =
        |body: &str| raw(&format!("HTTP/1.1 202 X\r\n{ID}transfer-encoding: chunked\r\n\r\n{body}"));
    let endless = format!("HTTP/1.1 202 X\r\n{ID}\r\n");
    let mut rows = vec![
        ("202", whole(202, JSON, "null"), "accepted", Effect::Accepted),
        ("202 without a body", whole(202, ID, ""), "accepted", Effect::Accepted),
        ("202 without an id, of a server of one's own", whole(202, "", "{}"), "accepted", Effect::Accepted),
        ("202 with another body", whole(202, ID, b"\x00\xff\xfe"), "accepted", Effect::Accepted),
        (
            "202 until the connection ends",
            raw(&format!("HTTP/1.1 202 X\r\n{ID}\r\nnull")),
            "accepted",
            Effect::Accepted,
        ),
        ("202 in chunks", chunked("4\r\nnull\r\n0\r\n\r\n"), "accepted", Effect::Accepted),
        ("202 of HTTP/1.0", raw(&format!("HTTP/1.0 202 X\r\n{ID}\r\nnull")), "accepted", Effect::Accepted),
        (
            "202, said to be gzip",
            whole(202, &format!("{ID}content-encoding: gzip\r\n"), b"\x1f\x8b\x08"),
            "accepted",
            Effect::Accepted,
        ),
        (
            "202 and more than announced",
            raw(&format!("HTTP/1.1 202 X\r\n{ID}content-length: 4\r\n\r\nnullHTTP/1.1 500 X\r\n\r\n")),
            "accepted",
            Effect::Accepted,
        ),
        ("202 of a portal", whole(202, HTML, PAGE), "unexpected", Effect::Kept),
        ("202, torn", raw(&torn), "unknown", Effect::TriedAgain),
        ("202 with a broken chunk", chunked("zz\r\nnull"), "unknown", Effect::TriedAgain),
        ("202 with a chunk that ends early", chunked("ff\r\nnull"), "unknown", Effect::TriedAgain),
        (
            "202 without end",
            Answer::Endless(endless.into_bytes(), vec![b' '; 8192]),
            "unknown",
            Effect::TriedAgain,
        ),
        ("204", raw(&format!("HTTP/1.1 204 X\r\n{ID}\r\n")), "unexpected", Effect::Kept),
    ];
    for status in [200, 201, 203, 205, 206, 207, 226] {
        rows.push(("another success", whole(status, JSON, "{}"), "unexpected", Effect::Kept));
    }
    rows
}

pub(super) fn redirects() -> Vec<Row> {
    let mut rows = Vec::new();
    for status in [300, 301, 302, 303, 304, 305, 307, 308] {
        rows.push(("a redirect without an address", whole(status, ID, ""), "unexpected", Effect::Kept));
        for to in ["/credentials/revoke", "https://example.invalid/x", "//example.invalid", "\u{1}:::", ""] {
            let headers = format!("{ID}location: {to}\r\n");
            // A control character is no header at all (RFC 9110, section 5.5).
            let class = if to.starts_with('\u{1}') { "unknown" } else { "unexpected" };
            let effect = if class == "unknown" { Effect::TriedAgain } else { Effect::Kept };
            rows.push(("a redirect", whole(status, &headers, ""), class, effect));
        }
    }
    rows
}

/// 401 and 403: a credential, a limit, or somebody in between.
fn forbidden() -> Vec<Row> {
    let sso = "x-github-sso: required; url=https://github.com/orgs/x/sso\r\n";
    vec![
        ("401 of GitHub", error(401, "", "Bad credentials"), "denied", Effect::Kept),
        (
            "401 of GitHub without a credential",
            error(401, "", "Requires authentication"),
            "denied",
            Effect::Kept,
        ),
        ("401 of a gateway", whole(401, HTML, PAGE), "trouble", Effect::TriedAgain),
        ("401 without a word", whole(401, ID, ""), "trouble", Effect::TriedAgain),
        ("403", error(403, "", "Forbidden"), "denied", Effect::Kept),
        (
            "403, single sign-on",
            error(403, sso, "Resource protected by organization SAML enforcement."),
            "denied",
            Effect::Kept,
        ),
        (
            "403, primary limit",
            error(403, "x-ratelimit-remaining: 0\r\n", "API rate limit exceeded"),
            "primary-limit",
            Effect::Kept,
        ),
        (
            "403, secondary limit",
            error(403, "", "You have exceeded a secondary rate limit"),
            "secondary-limit",
            Effect::Kept,
        ),
        (
            "403, abuse",
            error(403, "", "You have triggered an abuse detection mechanism"),
            "secondary-limit",
            Effect::Kept,
        ),
        ("403 of a firewall", whole(403, HTML, PAGE), "trouble", Effect::TriedAgain),
        (
            "403, torn",
            raw("HTTP/1.1 403 X\r\nretry-after: 60\r\ncontent-length: 90\r\n\r\n{"),
            "secondary-limit",
            Effect::Kept,
        ),
    ]
}

/// 422: a bad token, too many calls, or somebody in between.
fn unprocessable() -> Vec<Row> {
    vec![
        ("422, a bad token", error(422, "", "Validation Failed"), "invalid", Effect::Refused),
        ("422, spam", error(422, "", "The endpoint has been spammed."), "spammed", Effect::Kept),
        (
            "422, either",
            error(422, "", "Validation failed, or the endpoint has been spammed."),
            "spammed",
            Effect::Kept,
        ),
        (
            "422, abuse",
            error(422, "", "You have triggered an abuse detection mechanism"),
            "spammed",
            Effect::Kept,
        ),
        ("422 of a firewall", whole(422, HTML, PAGE), "trouble", Effect::TriedAgain),
        ("422 without a word", whole(422, ID, ""), "trouble", Effect::TriedAgain),
        (
            "422 without an id",
            whole(422, "content-type: application/json\r\n", r#"{"message":"Validation Failed"}"#),
            "trouble",
            Effect::TriedAgain,
        ),
        (
            "422, said to be gzip",
            whole(422, &format!("{JSON}content-encoding: gzip\r\n"), b"\x1f\x8b\x08\x00"),
            "trouble",
            Effect::TriedAgain,
        ),
        ("422, deep", whole(422, JSON, "[".repeat(100_000)), "trouble", Effect::TriedAgain),
    ]
}

pub(super) fn client_errors() -> Vec<Row> {
    let mut rows = [forbidden(), unprocessable()].concat();
    rows.extend([
        (
            "400, an unknown version",
            error(400, "", "The version you specified is not a supported version"),
            "trouble",
            Effect::TriedAgain,
        ),
        ("404", error(404, "", "Not Found"), "denied", Effect::Kept),
        ("408", whole(408, "", ""), "trouble", Effect::TriedAgain),
        ("425", whole(425, "", ""), "trouble", Effect::TriedAgain),
    ]);
    for retry in ["30", "Fri, 31 Dec 2999 23:59:59 GMT", "soon", "99999999999999999999", "-5", "1e3", ""] {
        let headers = format!("retry-after: {retry}\r\n");
        rows.push(("429", error(429, &headers, "Too Many Requests"), "secondary-limit", Effect::Kept));
        rows.push(("429 of a proxy", whole(429, &headers, PAGE), "secondary-limit", Effect::Kept));
    }
    // About what the request carried: it may be another's turn, and this one's again.
    for status in [400, 406, 409, 411, 412, 413, 414, 415, 416, 417, 418, 423, 424, 428, 431, 444, 499] {
        rows.push(("an error of the request", whole(status, "", ""), "denied", Effect::TriedAgain));
    }
    // About address and credential: the next request fares no better.
    for status in [402, 405, 407, 410, 421, 426, 451] {
        rows.push(("an error of the address", whole(status, "", ""), "denied", Effect::Kept));
    }
    rows
}

pub(super) fn server_errors() -> Vec<Row> {
    let mut rows = vec![
        ("503 with patience", whole(503, "retry-after: 600\r\n", PAGE), "trouble", Effect::Kept),
        (
            "503 with a day's patience of a proxy",
            whole(503, "retry-after: 86400\r\n", PAGE),
            "trouble",
            Effect::Kept,
        ),
        ("503, torn", raw("HTTP/1.1 503 X\r\ncontent-length: 90\r\n\r\n{"), "trouble", Effect::TriedAgain),
    ];
    for status in
        [500, 501, 502, 503, 504, 505, 508, 511, 520, 521, 522, 523, 524, 525, 526, 530, 599, 600, 999]
    {
        rows.push(("a server's error", whole(status, HTML, PAGE), "trouble", Effect::TriedAgain));
    }
    rows
}

pub(super) fn no_http() -> Vec<Row> {
    let reset = |text: &str| Answer::Reset(text.as_bytes().to_vec());
    let many = "x: y\r\n".repeat(50_000);
    let long = format!("HTTP/1.1 202 X\r\nx: {}\r\n\r\n", "y".repeat(4_000_000));
    let rows = [
        ("nothing", raw("")),
        ("another protocol", raw("SSH-2.0-OpenSSH_9.9\r\n")),
        ("HTTP/0.9", raw(PAGE)),
        ("no status", raw("HTTP/1.1 X\r\n\r\n")),
        ("status 20", raw("HTTP/1.1 20 X\r\n\r\n")),
        ("status 2020", raw("HTTP/1.1 2020 X\r\n\r\n")),
        ("HTTP/3.0", raw("HTTP/3.0 202 X\r\n\r\n")),
        ("TLS", Answer::of(b"\x15\x03\x03\x00\x02\x02\x28")),
        ("bytes", Answer::of([0, 255, 254, 13, 10, 13, 10])),
        ("a head without end", Answer::Endless(b"HTTP/1.1 202 X\r\n".to_vec(), b"x: y\r\n".repeat(1000))),
        ("a header without end", Answer::Endless(b"HTTP/1.1 202 X\r\nx: ".to_vec(), vec![b'y'; 8192])),
        ("too many headers", raw(&format!("HTTP/1.1 202 X\r\n{many}\r\n"))),
        ("a long header", raw(&long)),
        ("a head that stops", raw("HTTP/1.1 202 X\r\nx-github-req")),
        ("two lengths", raw("HTTP/1.1 202 X\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nnull")),
        ("no length", raw("HTTP/1.1 202 X\r\ncontent-length: many\r\n\r\nnull")),
        ("a negative length", raw("HTTP/1.1 202 X\r\ncontent-length: -4\r\n\r\nnull")),
        ("a reset", reset("")),
        ("a reset in the head", reset("HTTP/1.1 202 X\r\n")),
        ("a reset in the body", reset("HTTP/1.1 202 X\r\ncontent-length: 90\r\n\r\n{")),
    ];
    rows.map(|(name, answer)| (name, answer, "unknown", Effect::TriedAgain)).into()
}

pub(super) fn all() -> Vec<Row> {
    [informational(), successes(), redirects(), client_errors(), server_errors(), no_http()].concat()
}
