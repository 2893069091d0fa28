//! GitHub's requests: paths, headers and bodies, without a socket.

use crate::github::{ApiVersion, headers};
use crate::http::{Body, Method, Request};
use crate::revocation::Batch;
use crate::token::Token;

/// A request without body and credential.
pub(super) fn new<'a>(method: Method, path: impl Into<String>, version: ApiVersion) -> Request<'a> {
    Request { method, path: path.into(), headers: headers(version), bearer: None, body: Body::Empty }
}

/// `POST /credentials/revoke`; at a server with its `credential`, at GitHub's own hosts with none.
/// <https://docs.github.com/en/rest/credentials/revoke>
pub(super) fn revoke<'a>(
    batch: &Batch<'a>,
    credential: Option<&'a Token>,
    version: ApiVersion,
) -> Request<'a> {
    Request {
        bearer: credential,
        body: Body::Tokens { field: "credentials", tokens: batch.tokens() },
        ..new(Method::Post, "/credentials/revoke", version)
    }
}

/// `DELETE /installation/token`, authenticated by the token that is to end.
/// <https://docs.github.com/en/rest/apps/installations#revoke-an-installation-access-token>
pub(super) fn revoke_installation_token(token: &Token, version: ApiVersion) -> Request<'_> {
    Request { bearer: Some(token), ..new(Method::Delete, "/installation/token", version) }
}

/// `GET /meta`. A server in private mode takes it from those it knows only.
/// <https://docs.github.com/en/rest/meta/meta#get-github-meta-information>
pub(super) fn meta(credential: Option<&Token>, version: ApiVersion) -> Request<'_> {
    Request { bearer: credential, ..new(Method::Get, "/meta", version) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Kind;

    fn token(kind: Kind) -> Token {
        Token::new(kind, format!("{}{}", kind.prefix(), "aB3".repeat(12)).as_bytes())
    }

    #[test]
    fn a_request_has_its_path_and_headers() {
        let tokens = [token(Kind::pat())];
        let batch = Batch::new(&tokens).unwrap();
        let request = revoke(&batch, None, ApiVersion::V2026);
        assert_eq!((request.method, request.path.as_str()), (Method::Post, "/credentials/revoke"));
        assert!(request.bearer.is_none());
        assert_eq!(
            request.headers().collect::<Vec<_>>(),
            [
                ("accept", "application/vnd.github+json, application/json"),
                ("x-github-api-version", "2026-03-10"),
                ("user-agent", concat!("stanch/", env!("CARGO_PKG_VERSION"))),
                ("content-type", "application/json"),
            ]
        );
        let ghs = token(Kind::app_installation());
        let request = revoke_installation_token(&ghs, ApiVersion::V2022);
        assert_eq!((request.method, request.path.as_str()), (Method::Delete, "/installation/token"));
        assert_eq!(request.bearer.map(Token::fingerprint), Some(ghs.fingerprint()));
        assert_eq!(request.headers().count(), 3);
    }

    #[test]
    fn a_server_is_shown_the_credential() {
        let (leaked, own) = ([token(Kind::pat())], Token::new(Kind::pat(), b"ghp_own"));
        let batch = Batch::new(&leaked).unwrap();
        for request in [revoke(&batch, Some(&own), ApiVersion::V2022), meta(Some(&own), ApiVersion::V2022)] {
            assert_eq!(request.bearer.map(Token::fingerprint), Some(own.fingerprint()), "{}", request.path);
        }
        let asked = meta(None, ApiVersion::V2022);
        assert_eq!((asked.method, asked.path.as_str()), (Method::Get, "/meta"));
        assert!(asked.bearer.is_none());
    }

    #[test]
    fn a_printed_request_shows_no_token() {
        let tokens = [token(Kind::pat())];
        let batch = Batch::new(&tokens).unwrap();
        assert!(!format!("{:?}", revoke(&batch, Some(&tokens[0]), ApiVersion::V2026)).contains("aB3"));
    }
}
