//! The kill switches of enterprises and organizations: they act on people, not on the values of tokens, and are
//! called with a credential that they may revoke, too.
//!
//! <https://docs.github.com/en/enterprise-cloud@latest/rest/enterprise-admin/credential-authorizations>; those of
//! organizations are in <https://github.com/github/rest-api-description>.

mod call;

use std::time::Duration;

use jiff::Timestamp;

use super::client::Client;
use super::error::GitHubError;
use super::host::{Flavour, Host};
use super::{credential, response};
use crate::github;
use crate::http::Response;
use crate::provider::{Connection, Outcome};
use crate::revocation::RateLimit;
use crate::token::Token;

pub use call::{Call, CallError, CredentialType, Name, Scope};

/// The beginning of the names under which ledgers keep the limits of these calls.
pub const IDENTITY_PREFIX: &str = "kill-switch:sha256:";

/// The wait after a limit that names no time: "wait for at least one minute before retrying".
const NO_TIME_WAIT: Duration = Duration::from_mins(1);

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOutcome {
    /// The HTTP status; none where no response came.
    pub status: Option<u16>,
    /// GitHub's own message, or the transport's.
    pub message: String,
    /// `x-github-request-id`.
    pub request_id: Option<String>,
    /// For how long no further call may be made, where GitHub asked for that.
    pub wait: Option<Duration>,
}

impl CallOutcome {
    /// Whether GitHub accepted the call (202).
    pub fn accepted(&self) -> bool {
        self.status == Some(202)
    }

    fn of(response: &Response, host: &Host, now: Timestamp) -> CallOutcome {
        let message = github::message(response);
        let said = |status, message: String, wait| {
            let request_id = github::request_id(response);
            CallOutcome { status, message, request_id, wait }
        };
        if let (202, Some(why)) = (response.status, &response.cut_short) {
            return CallOutcome { status: None, message: why.clone(), request_id: None, wait: None };
        }
        let hint = match response.status {
            // What claims acceptance may be a portal's answer.
            202 if !response::may_be_success(response, host) => {
                return said(None, format!("202: {}", response::NOT_GITHUBS), None);
            }
            500..=599 if response.header("retry-after").is_some() => {
                let limit = github::limit(response, now);
                let wait = server_wait(Outcome::SecondaryLimit, &limit, now);
                return said(
                    Some(response.status),
                    response::join(response.status, &message, ""),
                    Some(wait),
                );
            }
            403 | 429 => {
                let outcome = response::limit_of(response);
                if let Some(outcome) = outcome {
                    let wait = server_wait(outcome, &github::limit(response, now), now);
                    let message = response::join(response.status, &message, "");
                    return said(Some(response.status), message, Some(wait));
                }
                forbidden(response)
            }
            404 if !response.is_html() => {
                "no such enterprise, organization or user, or the credential may not see it"
            }
            422 if !response.is_html() => "the user cannot be revoked, or the option is not on offer here",
            300..=399 => "redirects are not followed",
            _ => "",
        };
        let message = match (message.is_empty(), hint.is_empty()) {
            (true, false) => hint.to_owned(),
            _ => response::join(response.status, &message, hint),
        };
        said(Some(response.status), message, None)
    }

    fn lost(message: String) -> CallOutcome {
        CallOutcome { status: None, message, request_id: None, wait: None }
    }
}

/// What a 403 that is no limit says. Rights are named only where GitHub itself answered.
fn forbidden(response: &Response) -> &'static str {
    if response.header("x-github-sso").is_some() {
        return "the credential is not authorized for the single sign-on of this organization or enterprise";
    }
    match github::request_id(response) {
        Some(_) if !response.is_html() => {
            "the credential may not do this: it needs admin:enterprise or admin:org"
        }
        _ => "",
    }
}

/// How long to wait after a limit: what `retry-after` says, else until the reset where nothing remains, else a minute.
/// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit>
fn server_wait(outcome: Outcome, limit: &RateLimit, now: Timestamp) -> Duration {
    let empty = outcome == Outcome::PrimaryLimit || limit.remaining == Some(0);
    let reset = limit.reset.filter(|_| empty).and_then(|at| Duration::try_from(at.duration_since(now)).ok());
    limit.retry_after.or(reset).map_or(NO_TIME_WAIT, |wait| wait.max(Duration::from_secs(1)))
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

    /// Under which name the ledger keeps what GitHub asks of these calls: they count against the credential, apart from the
    /// revocations, which count against the address they come from.
    pub fn identity(&self) -> String {
        format!("{IDENTITY_PREFIX}{}", self.credential.fingerprint().hex())
    }

    /// Makes one call. It is never repeated.
    pub fn call(&self, call: &Call) -> CallOutcome {
        match self.client.send(|version| call.request(&self.credential, version)) {
            Ok(response) => CallOutcome::of(&response, self.client.host(), Timestamp::now()),
            Err(error) => CallOutcome::lost(error.into_message()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{Fingerprint, Kind};

    #[test]
    fn outcomes_keep_githubs_messages() {
        let of = |status, body: &str| {
            let headers = vec![("x-github-request-id".to_owned(), "A:1".to_owned())];
            let body = body.as_bytes().to_vec();
            let response = Response { status, headers, body, cut_short: None };
            CallOutcome::of(&response, &Host::github_com(), Timestamp::UNIX_EPOCH)
        };
        let accepted = of(202, r#"{"message":"Revocation has been queued"}"#);
        assert!(accepted.accepted());
        assert_eq!(accepted.message, "Revocation has been queued");
        assert_eq!(accepted.request_id.as_deref(), Some("A:1"));
        for (status, begin) in [
            (302, "No (redirects are not followed"),
            (403, "No (the credential"),
            (404, "No (no such"),
            (422, "No (the user"),
            (500, "No"),
        ] {
            let refused = of(status, r#"{"message":"No"}"#);
            assert_eq!((refused.status, refused.wait), (Some(status), None));
            assert!(!refused.accepted() && refused.message.starts_with(begin), "{}", refused.message);
        }
        // A page is not GitHub's word on rights, users or enterprises, whatever id it carries.
        for status in [403, 404, 422] {
            let page = of(status, "<html><h1></h1></html>");
            assert_eq!(page.message, "an HTML page, not GitHub's JSON", "{status}");
        }
        assert!(!of(202, "<html>").accepted());
        assert!(!of(200, "{}").accepted());
        assert!(of(403, "").message.starts_with("the credential"));
    }

    #[test]
    fn a_limit_is_not_taken_for_missing_rights() {
        let of = |status, body: &str, headers: &[(&str, &str)]| {
            let named = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            CallOutcome::of(
                &Response {
                    status,
                    headers: named.collect(),
                    body: body.as_bytes().to_vec(),
                    cut_short: None,
                },
                &Host::github_com(),
                Timestamp::UNIX_EPOCH,
            )
        };
        let secondary = r#"{"message":"You have exceeded a secondary rate limit."}"#;
        for (status, body, headers, seconds) in [
            (403, secondary, &[("retry-after", "3600"), ("x-github-request-id", "A:1")][..], 3600),
            (429, secondary, &[], 60),
            (429, "", &[], 60),
            (
                403,
                r#"{"message":"API rate limit exceeded"}"#,
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "90")],
                90,
            ),
            (403, r#"{"message":"API rate limit exceeded"}"#, &[("x-ratelimit-reset", "90")], 90),
            // Something remains: the hour's reset is not what is waited for.
            (429, secondary, &[("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", "90")], 60),
            (
                503,
                "",
                &[("retry-after", "soon"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "90")],
                90,
            ),
        ] {
            let outcome = of(status, body, headers);
            assert_eq!(outcome.wait, Some(Duration::from_secs(seconds)), "{body}");
            assert!(!outcome.accepted() && !outcome.message.contains("admin:"), "{}", outcome.message);
        }
        // A server that is away says when to come back, and whoever gave that answer may not ask for long.
        let away = of(503, "", &[("retry-after", "86400")]);
        assert_eq!(
            (away.wait, away.message.as_str()),
            (Some(Duration::from_mins(15)), "Service Unavailable")
        );
        // Acceptance without the id that GitHub gives to every request is somebody else's.
        let foreign = of(202, r#"{"message":"queued"}"#, &[]);
        assert_eq!((foreign.status, foreign.accepted()), (None, false));
        // Neither is what no GitHub said, nor a missing single sign-on.
        assert!(!of(403, "<html>", &[]).message.contains("admin:"));
        let sso =
            of(403, r#"{"message":"No"}"#, &[("x-github-sso", "required"), ("x-github-request-id", "A:1")]);
        assert!(sso.message.contains("single sign-on") && sso.wait.is_none(), "{}", sso.message);
    }

    #[test]
    fn each_credential_has_limits_of_its_own() {
        let identity = |secret: &[u8]| {
            let credential = Some(Token::new(Kind::pat(), secret));
            let connection = Connection { credential, ..Connection::new(Host::github_com()) };
            KillSwitch::new(connection).unwrap().identity()
        };
        let one = identity(b"ghp_one");
        assert_eq!(one, format!("{IDENTITY_PREFIX}{}", Fingerprint::of(b"ghp_one").hex()));
        assert_ne!(one, identity(b"ghp_two"));
        assert!(KillSwitch::new(Connection::new(Host::github_com())).is_err());
    }
}
