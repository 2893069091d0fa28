//! The kill switches of enterprises and organizations: they act on people, not on the values of tokens, and are
//! called with a credential that may die of them itself.

mod call;

use crate::token::Token;

use super::host::Flavour;
use super::request::Response;
use super::{Client, Options, ReachError};
use super::{message, response};
use crate::provider::wire::TransportError;

pub use call::{Call, CallError, CredentialType, Name, Scope};

/// What GitHub answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The HTTP status; none where no answer came.
    pub status: Option<u16>,
    /// GitHub's own words, or what the transport said.
    pub message: String,
    /// `x-github-request-id`.
    pub request_id: Option<String>,
}

impl Outcome {
    /// Whether GitHub took the order.
    pub fn accepted(&self) -> bool {
        self.status == Some(202)
    }

    fn of(reply: &Response) -> Outcome {
        let said = message::of(reply);
        let hint = match reply.status {
            202 if reply.html() => {
                // A page that claims acceptance is a portal's, not GitHub's.
                return Outcome { status: None, message: said, request_id: None };
            }
            403 => "the credential may not do this: it needs admin:enterprise or admin:org",
            404 => "no such enterprise, organization or user, or the credential may not see it",
            422 => "the user cannot be revoked, or the option is not on offer here",
            300..=399 => "redirects are not followed",
            _ => "",
        };
        let message = match (said.is_empty(), hint.is_empty()) {
            (true, _) => hint.to_owned(),
            (false, true) => said,
            (false, false) => format!("{said} ({hint})"),
        };
        Outcome { status: Some(reply.status), message, request_id: response::request_id(reply) }
    }
}

/// The hand on the switch: one credential at one host.
pub struct KillSwitch {
    client: Client,
    credential: Token,
}

impl KillSwitch {
    /// Opens a way to the host. Refused for a server: the calls exist at github.com and GHE.com only.
    pub fn new(options: &Options, credential: Token) -> Result<Self, ReachError> {
        if options.host.flavour() == Flavour::Server {
            return Err(ReachError::NoKillSwitch { host: options.host.label().to_owned() });
        }
        Ok(KillSwitch { client: Client::new(options)?, credential })
    }

    /// Makes one call. It is never repeated.
    pub fn call(&self, order: &Call) -> Outcome {
        let version = self.client.version();
        match self.client.send(&order.request(&self.credential, version)) {
            Ok(reply) => Outcome::of(&reply),
            Err(
                TransportError::NotSent(message)
                | TransportError::Untrusted(message)
                | TransportError::Lost(message),
            ) => Outcome { status: None, message, request_id: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_keep_githubs_words() {
        let of = |status, body: &str| {
            let headers = vec![("x-github-request-id".to_owned(), "A:1".to_owned())];
            Outcome::of(&Response { status, headers, body: body.as_bytes().to_vec() })
        };
        let accepted = of(202, r#"{"message":"Revocation has been queued"}"#);
        assert!(accepted.accepted());
        assert_eq!(accepted.message, "Revocation has been queued");
        assert_eq!(accepted.request_id.as_deref(), Some("A:1"));
        for (status, begin) in
            [(403, "No (the credential"), (404, "No (no such"), (422, "No (the user"), (500, "No")]
        {
            let refused = of(status, r#"{"message":"No"}"#);
            assert_eq!(refused.status, Some(status));
            assert!(!refused.accepted() && refused.message.starts_with(begin), "{}", refused.message);
        }
        assert!(!of(202, "<html>").accepted());
        assert!(!of(200, "{}").accepted());
        assert!(of(403, "").message.starts_with("the credential"));
    }
}
