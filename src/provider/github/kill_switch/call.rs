//! The calls of the kill switches: paths and bodies.

use std::fmt;

use serde_json::json;

use crate::github::ApiVersion;
use crate::http::{Body, Method, Request};
use crate::provider::github::request;
use crate::text;
use crate::token::Token;

/// Longer than any slug or user name.
const LONGEST_NAME: usize = 100;

/// A call that GitHub does not offer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Not a slug or user name.
    #[error("{name:?} is not the name of {what}: {why}")]
    Name {
        /// What the name is for.
        what: &'static str,
        /// The given name, cleaned.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Organizations cannot destroy what belongs to people.
    #[error(
        "--destroy-credentials is for enterprises; an organization can only take its authorizations back"
    )]
    DestroyInOrg,
    /// GitHub documents that these cannot be destroyed.
    #[error(
        "--destroy-credentials does nothing for oauth_app_token: only their authorizations can be revoked"
    )]
    DestroyOAuth,
}

/// A name that can be one part of a path: a slug, a login.
#[derive(Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Checks a name; `what` says what it is to name, for the error.
    pub fn new(what: &'static str, text: &str) -> Result<Name, CallError> {
        let why = if text.is_empty() {
            "it is empty"
        } else if text.len() > LONGEST_NAME {
            "it is too long"
        } else if text == "." || text.contains("..") || text.contains(['/', '\\']) {
            "it is a path"
        } else if text.chars().any(|shown| shown.is_control() || shown.is_whitespace()) {
            "it holds a space or a control character"
        } else if text::redacted(text, LONGEST_NAME).contains('…') {
            // It would go into a URL, the audit trail and the terminal.
            "it holds a token: `stanch revoke` takes those"
        } else {
            return Ok(Name(text.to_owned()));
        };
        Err(CallError::Name { what, name: text::one_line(text, 60), why })
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// Percent-encoded: everything but the unreserved characters (RFC 3986, section 2.3).
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                write!(f, "{}", char::from(byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

/// Whose members or users a call acts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// An enterprise, by its slug.
    Enterprise(Name),
    /// An organization, by its login.
    Org(Name),
}

/// The one type of credential a call is limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialType {
    /// `classic_pat`
    ClassicPat,
    /// `fine_grained_pat`
    FineGrainedPat,
    /// `ssh_key`
    SshKey,
    /// `oauth_app_token`
    OAuthAppToken,
}

impl CredentialType {
    /// All of them.
    pub const ALL: [CredentialType; 4] = [
        CredentialType::ClassicPat,
        CredentialType::FineGrainedPat,
        CredentialType::SshKey,
        CredentialType::OAuthAppToken,
    ];

    /// The value GitHub's API has for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            CredentialType::ClassicPat => "classic_pat",
            CredentialType::FineGrainedPat => "fine_grained_pat",
            CredentialType::SshKey => "ssh_key",
            CredentialType::OAuthAppToken => "oauth_app_token",
        }
    }
}

/// One call: whose credentials, of whom, of which type, and whether they are destroyed, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    scope: Scope,
    user: Option<Name>,
    only: Option<CredentialType>,
    destroy: bool,
}

impl Call {
    /// Everything of everyone in `scope`, or of one `user`, or only one type of credential.
    /// `destroy` also destroys the credentials themselves (enterprises with managed users only).
    pub fn new(
        scope: Scope,
        user: Option<Name>,
        only: Option<CredentialType>,
        destroy: bool,
    ) -> Result<Call, CallError> {
        match (&scope, only) {
            (Scope::Org(_), _) if destroy => Err(CallError::DestroyInOrg),
            (_, Some(CredentialType::OAuthAppToken)) if destroy => Err(CallError::DestroyOAuth),
            _ => Ok(Call { scope, user, only, destroy }),
        }
    }

    /// The path of the call.
    pub fn path(&self) -> String {
        let whose = match &self.scope {
            Scope::Enterprise(name) => format!("/enterprises/{name}"),
            Scope::Org(name) => format!("/orgs/{name}"),
        };
        let whom = self.user.as_ref().map(|user| format!("/{user}")).unwrap_or_default();
        let what = match (self.only, &self.user) {
            (Some(_), _) => "revoke-credential-type",
            (None, Some(_)) => "revoke",
            (None, None) => "revoke-all",
        };
        format!("{whose}/credential-authorizations{whom}/{what}")
    }

    /// The body. What was not asked for is not mentioned: GitHub answers 422 where an option is not on offer.
    fn body(&self) -> Body<'static> {
        let mut body = serde_json::Map::new();
        if let Some(only) = self.only {
            body.insert("credential_type".to_owned(), json!(only.as_str()));
        }
        if self.destroy {
            body.insert("revoke_credentials".to_owned(), json!(true));
        }
        if body.is_empty() { Body::Empty } else { Body::Json(serde_json::Value::Object(body).to_string()) }
    }

    /// The request, authenticated by `credential`.
    pub(super) fn request<'a>(&self, credential: &'a Token, version: ApiVersion) -> Request<'a> {
        Request {
            bearer: Some(credential),
            body: self.body(),
            ..request::new(Method::Post, self.path(), version)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Kind;

    fn name(text: &str) -> Name {
        Name::new("a user", text).unwrap()
    }

    fn body(call: &Call) -> Option<String> {
        match call.body() {
            Body::Json(body) => Some(body),
            _ => None,
        }
    }

    #[test]
    fn each_call_has_its_path_and_body() {
        let enterprise = Scope::Enterprise(name("octo-corp"));
        let org = Scope::Org(name("octo-org"));
        let mona = || Some(name("mona_octo"));
        let ssh = Some(CredentialType::SshKey);
        for (scope, user, only, destroy, path, wanted) in [
            (
                &enterprise,
                None,
                None,
                false,
                "/enterprises/octo-corp/credential-authorizations/revoke-all",
                None,
            ),
            (
                &enterprise,
                None,
                None,
                true,
                "/enterprises/octo-corp/credential-authorizations/revoke-all",
                Some(r#"{"revoke_credentials":true}"#),
            ),
            (
                &enterprise,
                mona(),
                None,
                false,
                "/enterprises/octo-corp/credential-authorizations/mona_octo/revoke",
                None,
            ),
            (
                &enterprise,
                None,
                ssh,
                true,
                "/enterprises/octo-corp/credential-authorizations/revoke-credential-type",
                Some(r#"{"credential_type":"ssh_key","revoke_credentials":true}"#),
            ),
            (&org, None, None, false, "/orgs/octo-org/credential-authorizations/revoke-all", None),
            (&org, mona(), None, false, "/orgs/octo-org/credential-authorizations/mona_octo/revoke", None),
            (
                &org,
                mona(),
                ssh,
                false,
                "/orgs/octo-org/credential-authorizations/mona_octo/revoke-credential-type",
                Some(r#"{"credential_type":"ssh_key"}"#),
            ),
        ] {
            let call = Call::new(scope.clone(), user, only, destroy).unwrap();
            assert_eq!((call.path().as_str(), body(&call).as_deref()), (path, wanted));
        }
    }

    #[test]
    fn a_call_is_authenticated_and_carries_its_body() {
        let credential = Token::new(Kind::pat(), b"ghp_own");
        let call = Call::new(Scope::Enterprise(name("octo-corp")), None, None, true).unwrap();
        let request = call.request(&credential, ApiVersion::V2026);
        assert_eq!((request.method, request.path), (Method::Post, call.path()));
        assert_eq!(request.bearer.map(Token::fingerprint), Some(credential.fingerprint()));
        assert!(matches!(request.body, Body::Json(text) if text == r#"{"revoke_credentials":true}"#));
    }

    #[test]
    fn what_cannot_be_destroyed_is_refused() {
        let org = Scope::Org(name("octo-org"));
        assert_eq!(Call::new(org, None, None, true), Err(CallError::DestroyInOrg));
        let enterprise = Scope::Enterprise(name("octo-corp"));
        let oauth = Some(CredentialType::OAuthAppToken);
        assert_eq!(Call::new(enterprise.clone(), None, oauth, true), Err(CallError::DestroyOAuth));
        assert!(Call::new(enterprise, None, oauth, false).is_ok());
    }

    #[test]
    fn names_stay_one_part_of_a_path() {
        for (text, encoded) in [
            ("octo-corp", "octo-corp"),
            ("mona_octo", "mona_octo"),
            ("dependabot[bot]", "dependabot%5Bbot%5D"),
            ("a?b#c%2f", "a%3Fb%23c%252f"),
            ("m\u{f6}na", "m%C3%B6na"),
        ] {
            assert_eq!(name(text).to_string(), encoded);
            assert_eq!(name(text).as_str(), text);
            assert_eq!(format!("{:?}", name(text)), format!("{text:?}"));
        }
        let long = "a".repeat(LONGEST_NAME + 1);
        for text in ["", ".", "..", "a/b", "../x", "a..b", "a\\b", "a b", "a\n", "\u{7}", "\u{85}", &long] {
            assert!(matches!(Name::new("a user", text), Err(CallError::Name { .. })), "{text:?}");
        }
        assert!(Name::new("a user", &"a".repeat(LONGEST_NAME)).is_ok());
    }
}
