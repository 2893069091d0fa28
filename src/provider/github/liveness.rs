//! Is a token alive? `GET /rate_limit`, authenticated by it, costs no quota
//! (<https://docs.github.com/en/rest/rate-limit/rate-limit>). Only two responses prove something; a server with its
//! limits off has no such page, and is asked for the root of its API instead.

use jiff::Timestamp;

use super::client::Client;
use super::request;
use super::response;
use crate::github::ApiVersion;
use crate::http::{Method, Request, Response};
use crate::provider::Liveness;
use crate::revocation::Grants;
use crate::token::Token;

/// The page that tells a token's rate limit.
const RATE_LIMIT: &str = "/rate_limit";

/// The root of the API.
const ROOT: &str = "/";

/// Asks the host. A token that the question would spend is not asked about, and what is not GitHub's is not shown to
/// GitHub.
pub(super) fn check(client: &Client, token: &Token) -> Liveness {
    if !may_ask(token) {
        return Liveness::Unknown;
    }
    let ask = |path| client.send(|version| question(path, token, version)).map(|response| read(&response));
    match ask(RATE_LIMIT) {
        Ok(Reading::NoSuchPage) => match ask(ROOT) {
            Ok(Reading::Proof(liveness)) => liveness,
            Ok(Reading::NoSuchPage) | Err(_) => Liveness::Unknown,
        },
        Ok(Reading::Proof(liveness)) => liveness,
        Err(_) => Liveness::Unknown,
    }
}

fn may_ask(token: &Token) -> bool {
    token.kind().provider() == Some(super::PROVIDER.name) && token.kind().can_check_liveness()
}

fn question<'a>(path: &str, token: &'a Token, version: ApiVersion) -> Request<'a> {
    Request { bearer: Some(token), ..request::new(Method::Get, path, version) }
}

/// What a response proves.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Reading {
    /// This much.
    Proof(Liveness),
    /// There is no such page: ask the root.
    NoSuchPage,
}

/// 200: alive. GitHub's own 401: dead. Anything else proves nothing: a living installation token may get a 403, too, and so does a
/// client that has shown too many bad credentials
/// (<https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api#failed-login-limit>).
fn read(response: &Response) -> Reading {
    Reading::Proof(match response.status {
        200 if response.cut_short.is_none() && response.json().is_some_and(|body| body.is_object()) => {
            Liveness::Alive(grants(response))
        }
        401 if response::is_bad_credential(response) => Liveness::Dead,
        404 => return Reading::NoSuchPage,
        _ => Liveness::Unknown,
    })
}

/// The longest list of scopes that is kept, and the longest of them; GitHub's own is far shorter
/// (<https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps>).
const MOST_SCOPES: usize = 100;
const LONGEST_SCOPE: usize = 64;

/// What the response tells of the token: `x-oauth-scopes` (classic and OAuth tokens; empty where it has none), and
/// `github-authentication-token-expiration`.
/// <https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api>
fn grants(response: &Response) -> Grants {
    let plain = |scope: &&str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b":_-.".contains(&byte);
        (1..=LONGEST_SCOPE).contains(&scope.len()) && scope.bytes().all(allowed)
    };
    let scopes = |list: &str| {
        list.split(',').map(str::trim).filter(plain).take(MOST_SCOPES).map(str::to_owned).collect()
    };
    Grants {
        scopes: response.header("x-oauth-scopes").map(scopes),
        expires_at: response.header("github-authentication-token-expiration").and_then(expiry),
    }
}

/// `2026-12-01 10:00:00 UTC`, `2026-12-01 10:00:00 +0100`, or RFC 3339.
fn expiry(text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix(" UTC").map_or_else(|| text.to_owned(), |time| format!("{time} +0000"));
    Timestamp::strptime("%Y-%m-%d %H:%M:%S %z", &text).or_else(|_| text.parse()).ok()
}

#[cfg(test)]
mod tests {
    use super::super::client::testing::answered_with;
    use super::*;
    use crate::rule;
    use crate::token::Kind;

    const BAD: &str = r#"{"message":"Bad credentials"}"#;

    #[test]
    fn only_two_responses_prove_something() {
        let of = |status, body: &str, id: bool| {
            let id = id.then(|| ("x-github-request-id".to_owned(), "C0DE:1".to_owned()));
            read(&Response {
                status,
                headers: id.into_iter().collect(),
                body: body.as_bytes().to_vec(),
                cut_short: None,
            })
        };
        assert_eq!(of(200, "{}", false), Reading::Proof(Liveness::Alive(Grants::default())));
        assert_eq!(of(401, BAD, true), Reading::Proof(Liveness::Dead));
        assert_eq!(of(404, r#"{"message":"Rate limiting is not enabled."}"#, true), Reading::NoSuchPage);
        assert_eq!(of(401, BAD, false), Reading::Proof(Liveness::Unknown), "not GitHub's");
        for (status, body) in [
            (200, "<html>Please log in"),
            (200, ""),
            (200, "OK"),
            (401, ""),
            (401, "Bad credentials"),
            (401, "<html>Please log in"),
            (401, r#"{"message":"Requires authentication"}"#),
            (401, r#"{"message":"Unauthorized"}"#),
            (401, r#"{"error":"Bad credentials"}"#),
            (403, r#"{"message":"Resource not accessible by integration"}"#),
            (204, ""),
            (302, ""),
            (400, ""),
            (407, ""),
            (429, ""),
            (500, ""),
        ] {
            assert_eq!(of(status, body, true), Reading::Proof(Liveness::Unknown), "{status} {body}");
        }
        let torn = |status| {
            let headers = vec![("x-github-request-id".to_owned(), "C0DE:1".to_owned())];
            let cut_short = Some("the connection broke".to_owned());
            read(&Response { status, headers, body: BAD.as_bytes().to_vec(), cut_short })
        };
        assert_eq!(torn(200), Reading::Proof(Liveness::Unknown));
        assert_eq!(torn(401), Reading::Proof(Liveness::Unknown));
    }

    #[test]
    fn a_living_token_tells_its_scopes_and_its_end() {
        let of = |headers: &[(&str, &str)]| {
            let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            grants(&Response { status: 200, headers: headers.collect(), ..Response::default() })
        };
        let end = |text| of(&[("github-authentication-token-expiration", text)]).expires_at;
        let scopes = |text| of(&[("x-oauth-scopes", text)]).scopes;
        assert_eq!(of(&[]), Grants::default());
        assert_eq!(scopes("repo, admin:org"), Some(vec!["repo".to_owned(), "admin:org".to_owned()]));
        assert_eq!(scopes(""), Some(Vec::new()));
        assert_eq!(scopes("repo, \u{1b}[2J"), Some(vec!["repo".to_owned()]));
        let noon: Option<Timestamp> = "2026-12-01T12:00:00Z".parse().ok();
        assert!(noon.is_some());
        for text in ["2026-12-01 12:00:00 UTC", "2026-12-01 05:00:00 -0700", "2026-12-01T12:00:00Z"] {
            assert_eq!(end(text), noon, "{text}");
        }
        assert_eq!(end("soon"), None);
    }

    #[test]
    fn a_token_that_is_not_to_be_shown_is_not_shown() {
        let (client, heads) = answered_with(concat!(
            "HTTP/1.1 401 Unauthorized\r\nx-github-request-id: C0DE:1\r\ncontent-length: 29\r\nconnection: close\r\n\r\n",
            r#"{"message":"Bad credentials"}"#
        ));
        assert_eq!(check(&client, &Token::new(Kind::refresh(), b"ghr_x")), Liveness::Unknown);
        assert_eq!(heads.lock().unwrap().len(), 0);
        assert_eq!(check(&client, &Token::new(Kind::pat(), b"ghp_x")), Liveness::Dead);
        assert_eq!(heads.lock().unwrap().len(), 1);
    }

    #[test]
    fn refresh_tokens_and_those_of_others_are_never_asked_about() {
        for kind in rule::kinds().chain([Kind::OTHER]) {
            let token = Token::new(kind, b"x");
            let asked = Kind::github().contains(&kind) && kind != Kind::refresh();
            assert_eq!(may_ask(&token), asked, "{kind:?}");
        }
        let token = Token::new(Kind::pat(), b"x");
        let request = question(RATE_LIMIT, &token, ApiVersion::V2026);
        assert_eq!((request.method, request.path.as_str()), (Method::Get, "/rate_limit"));
        assert!(request.bearer.is_some());
    }
}
