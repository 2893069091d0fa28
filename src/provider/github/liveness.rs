//! Is a token alive? `GET /rate_limit` in its name costs no quota. Only two answers prove something; a server with
//! its limits off has no such page, and is asked for the root of its API instead.

use crate::token::{Kind, Token};

use super::request::{ApiVersion, Method, Request, Response};
use super::response;
use crate::provider::Liveness;

/// What an answer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// This much.
    So(Liveness),
    /// There is no such page: ask the root.
    NoSuchPage,
}

/// The question about one token. A refresh token cannot be asked about without spending it, and what is not
/// GitHub's is not shown to GitHub.
pub fn question(token: &Token, version: ApiVersion) -> Option<Request<'_>> {
    ask("/rate_limit", token, version)
}

/// The question where there is no `/rate_limit`.
pub fn question_at_root(token: &Token, version: ApiVersion) -> Option<Request<'_>> {
    ask("/", token, version)
}

fn ask<'a>(path: &str, token: &'a Token, version: ApiVersion) -> Option<Request<'a>> {
    let askable = !matches!(token.kind(), Kind::Refresh | Kind::Other);
    askable.then(|| Request { bearer: Some(token), ..Request::new(Method::Get, path, version) })
}

/// Reads an answer: 200 lives, 401 is dead, anything else proves nothing (a 403 is also what a living installation
/// token may get, and who has shown too many bad ones).
pub fn told(reply: &Response) -> Told {
    Told::So(match reply.status {
        200 if !reply.html() => Liveness::Alive,
        401 if response::turned_away(reply) => Liveness::Dead,
        404 => return Told::NoSuchPage,
        _ => Liveness::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_answers_prove_something() {
        let told = |status, body: &str| {
            told(&Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() })
        };
        assert_eq!(told(200, "{}"), Told::So(Liveness::Alive));
        assert_eq!(told(401, r#"{"message":"Bad credentials"}"#), Told::So(Liveness::Dead));
        assert_eq!(told(404, r#"{"message":"Rate limiting is not enabled."}"#), Told::NoSuchPage);
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
            assert_eq!(told(status, body), Told::So(Liveness::Unknown), "{status} {body}");
        }
    }

    #[test]
    fn refresh_tokens_are_never_asked_about() {
        for kind in Kind::GITHUB.into_iter().chain([Kind::Other]) {
            let token = Token::new(kind, b"x");
            let asked = !matches!(kind, Kind::Refresh | Kind::Other);
            let question = question(&token, ApiVersion::V2026);
            assert_eq!(question.is_some(), asked, "{kind:?}");
            assert_eq!(question_at_root(&token, ApiVersion::V2026).is_some(), asked, "{kind:?}");
            if let Some(request) = question {
                assert_eq!((request.method, request.path.as_str()), (Method::Get, "/rate_limit"));
                assert!(request.bearer.is_some());
            }
        }
    }
}
