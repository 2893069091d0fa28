//! Is a token alive? `GET /rate_limit`, authenticated by it, costs no quota
//! (<https://docs.github.com/en/rest/rate-limit/rate-limit>). Only two responses prove something; a server with its
//! limits off has no such page, and is asked for the root of its API instead.

use super::client::Client;
use super::request;
use super::response;
use super::version::ApiVersion;
use crate::http::{Method, Request, Response};
use crate::provider::Liveness;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// This much.
    Proof(Liveness),
    /// There is no such page: ask the root.
    NoSuchPage,
}

/// 200: alive. 401: dead. Anything else proves nothing: a living installation token may get a 403, too, and so does a
/// client that has shown too many bad credentials
/// (<https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api#failed-login-limit>).
fn read(response: &Response) -> Reading {
    Reading::Proof(match response.status {
        200 if !response.is_html() => Liveness::Alive,
        401 if response::is_bad_credential(response) => Liveness::Dead,
        404 => return Reading::NoSuchPage,
        _ => Liveness::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule;
    use crate::token::Kind;

    #[test]
    fn only_two_responses_prove_something() {
        let read = |status, body: &str| {
            read(&Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() })
        };
        assert_eq!(read(200, "{}"), Reading::Proof(Liveness::Alive));
        assert_eq!(read(401, r#"{"message":"Bad credentials"}"#), Reading::Proof(Liveness::Dead));
        assert_eq!(read(404, r#"{"message":"Rate limiting is not enabled."}"#), Reading::NoSuchPage);
        for (status, body) in [
            (200, "<html>Please log in"),
            (401, "<html>Please log in"),
            (401, r#"{"message":"Requires authentication"}"#),
            (403, r#"{"message":"Resource not accessible by integration"}"#),
            (204, ""),
            (302, ""),
            (400, ""),
            (407, ""),
            (429, ""),
            (500, ""),
        ] {
            assert_eq!(read(status, body), Reading::Proof(Liveness::Unknown), "{status} {body}");
        }
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
