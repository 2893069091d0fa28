//! GitHub as a [`Revoker`]: the host, the credential it may need, the dialect, and a wire between them.

pub mod credential;
pub mod host;
pub mod kill_switch;
pub mod liveness;
mod message;
pub mod request;
mod response;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::token::{Kind, Token};

use self::credential::CredentialError;
use self::host::{Flavour, Host};
use self::liveness::Told;
use self::request::{ApiVersion, Release, Request, Response};
use super::wire::{TransportError, Wire, WireError};
use super::{Answer, Limits, Liveness, Revoker, Verdict};
use crate::revocation::{Batch, RateLimit};

/// How many revocations GitHub takes in an hour, at every flavour.
pub const PER_HOUR: u32 = 60;

/// How long an answer is waited for where the user does not say.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// Why nothing can be sent to a host at all.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// No credential, or one the server does not take.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// No way to speak to it.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The server is too old.
    #[error("{host} runs GitHub Enterprise Server {release}, which cannot revoke credentials: that came with {first}", first = Release::FIRST)]
    TooOld {
        /// The server.
        host: String,
        /// What it runs.
        release: Release,
    },
    /// The call does not exist at a server.
    #[error(
        "{host} is a GitHub Enterprise Server, which has no such call: it exists at github.com and GHE.com only"
    )]
    NoKillSwitch {
        /// The server.
        host: String,
    },
}

/// How to reach a host.
#[derive(Clone, Debug)]
pub struct Options {
    /// The host.
    pub host: Host,
    /// `--ca-cert`: certificates to trust besides the system's.
    pub ca_cert: Option<PathBuf>,
    /// How long an answer is waited for.
    pub timeout: Duration,
}

impl Options {
    /// A host, reached in the usual way.
    pub fn new(host: Host) -> Self {
        Options { host, ca_cert: None, timeout: TIMEOUT }
    }
}

/// A host, a wire to it, and the version of the API it was found to speak.
pub(super) struct Client {
    host: Host,
    wire: Wire,
    release: Option<Release>,
    /// The version the server said last that it does not know.
    unknown: Mutex<Option<ApiVersion>>,
}

impl Client {
    pub(super) fn new(options: &Options) -> Result<Self, ReachError> {
        let wire = Wire::new(&options.host, options.ca_cert.as_deref(), options.timeout)?;
        Ok(Client { host: options.host.clone(), wire, release: None, unknown: Mutex::new(None) })
    }

    pub(super) fn version(&self) -> ApiVersion {
        let first = ApiVersion::for_host(self.host.flavour(), self.release);
        if *self.unknown() == Some(first) { first.other() } else { first }
    }

    fn unknown(&self) -> MutexGuard<'_, Option<ApiVersion>> {
        self.unknown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends one request; a server that does not know its version is spoken to in the other one from then on.
    pub(super) fn send(&self, request: &Request<'_>) -> Result<Response, TransportError> {
        let reply = self.wire.send(request)?;
        if response::unknown_version(&reply) {
            *self.unknown() = Some(request.version);
        }
        Ok(reply)
    }
}

/// GitHub, at one host.
pub struct GitHub {
    client: Client,
    credential: Option<Token>,
}

impl GitHub {
    /// Opens a way to a host; nothing is sent yet.
    ///
    /// At github.com and GHE.com a credential would get every revocation refused, so one that is given is dropped.
    /// A server needs one, and three kinds do not work there.
    pub fn new(options: &Options, credential: Option<Token>) -> Result<Self, ReachError> {
        let credential = match options.host.flavour() {
            Flavour::GitHubCom | Flavour::GheCom => None,
            Flavour::Server => {
                credential::may_revoke(&options.host, credential.as_ref())?;
                credential
            }
        };
        Ok(GitHub { client: Client::new(options)?, credential })
    }

    /// Asks a server which release it runs, which decides the kinds in [`Limits`]. At GitHub's own hosts nothing is
    /// asked. Once, before the first batch.
    ///
    /// A server that does not tell is taken for one that knows all five kinds; the note says so.
    pub fn ask_release(&mut self) -> Result<Option<String>, ReachError> {
        let host = self.client.host.label();
        if self.client.host.flavour() != Flavour::Server {
            return Ok(None);
        }
        let ask = || self.client.send(&Request::meta(self.credential.as_ref(), self.client.version()));
        let reply = match ask() {
            Ok(reply) if response::unknown_version(&reply) => ask(),
            reply => reply,
        };
        let why = match reply {
            Ok(reply) if reply.status == 200 => match Release::of_meta(&reply.body) {
                Some(release) if !release.can_revoke() => {
                    return Err(ReachError::TooOld { host: host.to_owned(), release });
                }
                Some(release) => {
                    self.client.release = Some(release);
                    return Ok(None);
                }
                None => "its answer names none".to_owned(),
            },
            Ok(reply) => format!("it answered {}", reply.status),
            Err(
                TransportError::NotSent(said) | TransportError::Untrusted(said) | TransportError::Lost(said),
            ) => said,
        };
        Ok(Some(format!(
            "{host} did not tell its release ({why}); taking it for one that revokes all five kinds"
        )))
    }

    /// The release a server told.
    pub fn release(&self) -> Option<Release> {
        self.client.release
    }

    /// The host.
    pub fn host(&self) -> &Host {
        &self.client.host
    }

    fn ask(&self, question: &Request<'_>) -> Told {
        match self.client.send(question) {
            Ok(reply) => liveness::told(&reply),
            Err(_) => Told::So(Liveness::Unknown),
        }
    }
}

/// Whose quota a revocation counts against: nobody's in particular at GitHub's own hosts, a credential's at a server.
pub fn identity(flavour: Flavour, credential: Option<&Token>) -> String {
    match (flavour, credential) {
        (Flavour::Server, Some(token)) => format!("sha256:{}", token.fingerprint().hex()),
        _ => "anonymous".to_owned(),
    }
}

/// What no answer means: where no connection came about nothing was sent, and trying again is not a repetition.
fn of_silence(silence: TransportError) -> Answer {
    let (verdict, message) = match silence {
        TransportError::NotSent(message) => (Verdict::Trouble, message),
        TransportError::Untrusted(message) => (Verdict::Denied, message),
        TransportError::Lost(message) => (Verdict::Unknown, message),
    };
    Answer { verdict, status: None, request_id: None, limit: RateLimit::default(), message }
}

impl Revoker for GitHub {
    fn limits(&self) -> Limits {
        Limits {
            host: self.client.host.api_host(),
            identity: identity(self.client.host.flavour(), self.credential.as_ref()),
            per_hour: PER_HOUR,
            kinds: request::kinds(self.client.release),
        }
    }

    fn revoke(&self, batch: &Batch<'_>) -> Answer {
        let request = Request::revoke(batch, self.credential.as_ref(), self.client.version());
        match self.client.send(&request) {
            Ok(reply) => response::of_revocation(&reply, Timestamp::now()),
            Err(silence) => of_silence(silence),
        }
    }

    fn end_installation(&self, token: &Token) -> Answer {
        if token.kind() != Kind::AppInstallation {
            let message = "only an installation token (ghs_) can end itself; nothing was sent".to_owned();
            return Answer { verdict: Verdict::Denied, ..of_silence(TransportError::NotSent(message)) };
        }
        match self.client.send(&Request::end_installation(token, self.client.version())) {
            Ok(reply) => response::of_installation_end(&reply, Timestamp::now()),
            Err(silence) => of_silence(silence),
        }
    }

    fn liveness(&self, token: &Token) -> Liveness {
        let version = self.client.version();
        let Some(question) = liveness::question(token, version) else { return Liveness::Unknown };
        let told = match (self.ask(&question), liveness::question_at_root(token, version)) {
            (Told::NoSuchPage, Some(question)) => self.ask(&question),
            (told, _) => told,
        };
        match told {
            Told::So(liveness) => liveness,
            Told::NoSuchPage => Liveness::Unknown,
        }
    }
}
