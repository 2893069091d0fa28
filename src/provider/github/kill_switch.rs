//! The kill switches of enterprises and organizations: they act on people, not on the values of tokens, and are
//! called with a credential that they may revoke, too.
//!
//! <https://docs.github.com/en/enterprise-cloud@latest/rest/enterprise-admin/credential-authorizations>; those of
//! organizations are in <https://github.com/github/rest-api-description>.

mod call;

use super::client::Client;
use super::error::GitHubError;
use super::host::{Flavour, Host};
use super::{credential, message, response};
use crate::http::Response;
use crate::provider::Connection;
use crate::token::Token;

pub use call::{Call, CallError, CredentialType, Name, Scope};

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOutcome {
    /// The HTTP status; none where no response came.
    pub status: Option<u16>,
    /// GitHub's own message, or the transport's.
    pub message: String,
    /// `x-github-request-id`.
    pub request_id: Option<String>,
}

impl CallOutcome {
    /// Whether GitHub accepted the call (202).
    pub fn accepted(&self) -> bool {
        self.status == Some(202)
    }

    fn of(response: &Response) -> CallOutcome {
        let message = message::of(response);
        if let (202, Some(why)) = (response.status, &response.cut_short) {
            return CallOutcome { status: None, message: why.clone(), request_id: None };
        }
        let hint = match response.status {
            202 if response.is_html() => {
                // A page that claims acceptance is a portal's, not GitHub's.
                return CallOutcome { status: None, message, request_id: None };
            }
            403 => "the credential may not do this: it needs admin:enterprise or admin:org",
            404 => "no such enterprise, organization or user, or the credential may not see it",
            422 => "the user cannot be revoked, or the option is not on offer here",
            300..=399 => "redirects are not followed",
            _ => "",
        };
        let message = match (message.is_empty(), hint.is_empty()) {
            (true, _) => hint.to_owned(),
            (false, true) => message,
            (false, false) => format!("{message} ({hint})"),
        };
        CallOutcome { status: Some(response.status), message, request_id: response::request_id(response) }
    }
}

/// The kill switches of one host, with the credential that may use them.
pub struct KillSwitch {
    client: Client,
    credential: Token,
}

impl KillSwitch {
    /// Makes ready to call; nothing is sent yet. Refused without a credential, and for a server: the calls exist at
    /// github.com and GHE.com only.
    pub fn new(connection: Connection) -> Result<Self, GitHubError> {
        let host = connection.host.clone().unwrap_or_else(Host::github_com);
        if host.flavour() == Flavour::Server {
            return Err(GitHubError::NoKillSwitch { host: host.label().to_owned() });
        }
        let client = Client::new(&host, &connection)?;
        let credential = connection.credential.ok_or_else(|| credential::missing(&host))?;
        Ok(KillSwitch { client, credential })
    }

    /// Makes one call. It is never repeated.
    pub fn call(&self, call: &Call) -> CallOutcome {
        match self.client.send(|version| call.request(&self.credential, version)) {
            Ok(response) => CallOutcome::of(&response),
            Err(error) => CallOutcome { status: None, message: error.into_message(), request_id: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_keep_githubs_messages() {
        let of = |status, body: &str| {
            let headers = vec![("x-github-request-id".to_owned(), "A:1".to_owned())];
            CallOutcome::of(&Response { status, headers, body: body.as_bytes().to_vec(), cut_short: None })
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
