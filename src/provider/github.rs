//! GitHub as a [`Revoker`]: the host, the credential it may need, its requests and what its responses mean.

mod client;
pub mod credential;
mod error;
pub mod host;
pub mod kill_switch;
mod kinds;
mod liveness;
mod request;
mod response;

use std::time::Duration;

use jiff::Timestamp;

use self::client::Client;
use self::host::{Flavour, Host};
use super::{
    CallCounter, ConnectError, Connection, Egress, Limits, Liveness, Outcome, Provider, RevokeResponse,
    Revoker,
};
use crate::github::is_unknown_version;
use crate::http::Response;
use crate::revocation::{Batch, MAX_BATCH};
use crate::token::{RevokedBy, Token};

pub use crate::github::Release;
pub use error::GitHubError;

/// GitHub, at every flavour: a thousand tokens a request, sixty requests an hour.
/// <https://docs.github.com/en/rest/credentials/revoke>
pub static PROVIDER: Provider = Provider {
    name: "github",
    max_batch: MAX_BATCH,
    per_hour: 60,
    batch_call: "POST /credentials/revoke",
    self_call: "DELETE /installation/token",
    has_host_flags: true,
    // https://docs.github.com/en/rest/credentials/revoke
    consequence: "GitHub e-mails the owners.",
    connect: |connection| Ok(Box::new(GitHub::new(connection)?)),
};

/// A minute holds 900 points for an endpoint, of which each deletion takes five: 180 of them, and a little less here, since
/// requests do not arrive as evenly as they leave.
/// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits>
pub const SELF_INTERVAL: Duration = Duration::from_millis(340);

/// How many deletions are under way at once, of the hundred requests that GitHub allows (same page): enough that a round
/// trip of a second and a half costs no time, few enough that a limit is met by a handful.
pub const SELF_PARALLEL: usize = 5;

/// GitHub, at one host.
pub struct GitHub {
    client: Client,
    credential: Option<Token>,
    egress: Option<Egress>,
}

impl GitHub {
    /// A revoker for one host; nothing is sent yet.
    ///
    /// At github.com and GHE.com a credential would get every revocation refused, so one that is given is dropped.
    /// A server needs one, and three kinds do not work there.
    pub fn new(connection: Connection) -> Result<Self, GitHubError> {
        let host = connection.host.clone().unwrap_or_else(Host::github_com);
        let client = Client::new(&host, &connection)?;
        let credential = match host.flavour() {
            Flavour::GitHubCom | Flavour::GheCom => None,
            Flavour::Server => {
                credential::may_revoke(&host, connection.credential.as_ref())?;
                connection.credential
            }
        };
        Ok(GitHub { client, credential, egress: connection.egress })
    }

    /// The release a server named, once it was asked ([`Revoker::prepare`]).
    pub fn release(&self) -> Option<Release> {
        self.client.release()
    }

    /// Asks a server which release it runs, which decides the kinds in [`Limits`]. At GitHub's own hosts nothing is
    /// asked.
    ///
    /// A server that does not tell is first sent what every release takes, and the rest by itself; the note says so.
    fn ask_release(&mut self, calls: &mut dyn CallCounter) -> Result<Option<String>, GitHubError> {
        if !self.client.is_server() {
            return Ok(None);
        }
        let host = self.client.host().label().to_owned();
        let mut ask = || {
            let counted = calls.begin(META);
            counted.then(|| {
                let asked = self.client.send(|version| request::meta(self.credential.as_ref(), version));
                calls.end(&response::of_question(&asked, Timestamp::now()));
                asked
            })
        };
        let response = match ask() {
            Some(Ok(response)) if is_unknown_version(&response) => ask(),
            response => response,
        };
        let Some(response) = response else { return Ok(Some(unasked(&host, NOT_NOW))) };
        let why = match response {
            Ok(Response { cut_short: Some(why), .. }) => why,
            Ok(response) if response.status == 200 => match Release::from_meta(&response.body) {
                Some(release) if !release.can_revoke() => return Err(GitHubError::TooOld { host, release }),
                Some(release) => {
                    self.client.set_release(release);
                    return Ok(None);
                }
                None => "its answer names none".to_owned(),
            },
            Ok(response) => format!("it answered {}", response.status),
            Err(error) => error.into_message(),
        };
        Ok(Some(unasked(&host, &why)))
    }
}

/// The question for a server's release.
const META: &str = "GET /meta";

/// Why it was not asked.
const NOT_NOW: &str = "it takes no request now, so it was not asked";

fn unasked(host: &str, why: &str) -> String {
    format!(
        "{host} did not tell its release ({why}): what every release takes (ghp_, github_pat_) is sent first, the rest by \
         itself, and it waits if it is turned away"
    )
}

/// Whose quota a revocation counts against: at GitHub's own hosts that of the address it comes from, at a server that of a
/// credential.
pub fn identity(flavour: Flavour, credential: Option<&Token>, egress: Option<&Egress>) -> String {
    match (flavour, credential, egress) {
        (Flavour::Server, Some(token), _) => format!("sha256:{}", token.fingerprint().hex()),
        (_, _, Some(egress)) => format!("anonymous@{egress}"),
        _ => "anonymous".to_owned(),
    }
}

impl Revoker for GitHub {
    fn limits(&self) -> Limits {
        let host = self.client.host();
        let (batch_kinds, undecided_kinds) = kinds::batch_kinds(host.flavour(), self.client.release());
        Limits {
            host: host.api_base(),
            identity: identity(host.flavour(), self.credential.as_ref(), self.egress.as_ref()),
            max_batch: PROVIDER.max_batch,
            per_hour: PROVIDER.per_hour,
            batch_kinds,
            undecided_kinds,
            self_kinds: PROVIDER.kinds(RevokedBy::Itself),
            self_interval: SELF_INTERVAL,
            self_parallel: SELF_PARALLEL,
        }
    }

    fn prepare(&mut self, calls: &mut dyn CallCounter) -> Result<Option<String>, ConnectError> {
        Ok(self.ask_release(calls)?)
    }

    fn revoke(&self, batch: &Batch<'_>) -> RevokeResponse {
        let credential = self.credential.as_ref();
        match self.client.send(|version| request::revoke(batch, credential, version)) {
            Ok(response) => response::of_revocation(&response, self.client.host(), Timestamp::now()),
            Err(error) => RevokeResponse::from_transport(error),
        }
    }

    fn revoke_self(&self, token: &Token) -> RevokeResponse {
        if !PROVIDER.kinds(RevokedBy::Itself).contains(&token.kind()) {
            let message = "only an installation token (ghs_) can end itself; nothing was sent".to_owned();
            return RevokeResponse::without_status(Outcome::Denied, message);
        }
        match self.client.send(|version| request::revoke_installation_token(token, version)) {
            Ok(response) => response::of_self_revocation(&response, self.client.host(), Timestamp::now()),
            Err(error) => RevokeResponse::from_transport(error),
        }
    }

    fn revoke_each(&self, tokens: &[Token]) -> Vec<RevokeResponse> {
        std::thread::scope(|scope| {
            let start =
                |token| std::thread::Builder::new().spawn_scoped(scope, move || self.revoke_self(token));
            let requests: Vec<_> = tokens.iter().map(start).collect();
            let finish =
                |request: std::io::Result<std::thread::ScopedJoinHandle<'_, RevokeResponse>>| match request {
                    Ok(request) => request.join().unwrap_or_else(|_| without_response(Outcome::Unknown)),
                    Err(_) => without_response(Outcome::NotSent),
                };
            requests.into_iter().map(finish).collect()
        })
    }

    fn liveness(&self, token: &Token) -> Liveness {
        liveness::check(&self.client, token)
    }
}

/// Of a request whose thread panicked, so that it may have left, or could not be started.
fn without_response(outcome: Outcome) -> RevokeResponse {
    RevokeResponse::without_status(outcome, "the request ended without a response".to_owned())
}
