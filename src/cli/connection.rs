//! From connection settings to what a run works with: a credential, a host that answers, a ledger.

use std::time::Duration;

use jiff::Timestamp;

use super::console::{Console, Terminal};
use crate::clock::SystemClock;
use crate::ledger::{HostStatus, Ledger, LedgerAddress, LedgerError, StatusRequest};
use crate::meter::CancelFlag;
use crate::provider::github::credential::{self, Credential, CredentialError};
use crate::provider::github::host::{Flavour, Host};
use crate::provider::{self, ConnectError, Connection, Limits, Provider, Revoker};
use crate::revoke::{self, Context, CountedCalls, Counts, Options, Progress, RevokeError, RunOutcome};
use crate::settings::{ConnectionSettings, Env};

/// How a host of a ledger is named to people, exactly: `--host` takes it.
pub(super) fn host_name(api_base: &str) -> String {
    Host::parse(api_base).map_or_else(|_| api_base.to_owned(), |host| host.given())
}

/// What the provider that `--host` is meant for has to know of the connection.
pub(super) fn connection(
    settings: &ConnectionSettings,
    credential: Option<Credential>,
    cancel: &CancelFlag,
) -> Connection {
    Connection {
        host: Some(settings.host.clone()),
        credential: credential.map(|credential| credential.token),
        egress: settings.egress.clone(),
        ca_cert: settings.ca_cert.clone(),
        timeout: settings.timeout,
        cancel: cancel.clone(),
    }
}

/// A run that could not go on, and what it had done until then.
#[derive(Debug)]
pub(super) struct SendError {
    pub(super) error: RevokeError,
    pub(super) counts: Box<Counts>,
}

/// A host that tokens can be sent to.
pub(super) struct HostConnection {
    revoker: Box<dyn Revoker>,
    /// Where its requests are counted.
    ledger: LedgerAddress,
}

impl HostConnection {
    /// Prepares the connection; sends nothing. A provider that `--host` is not meant for is at its own address.
    pub(super) fn open(
        provider: &Provider,
        settings: &ConnectionSettings,
        credential: Option<Credential>,
        cancel: &CancelFlag,
    ) -> Result<Self, ConnectError> {
        let connection = connection(settings, credential, cancel);
        let host = connection.host.filter(|_| provider.has_host_flags);
        let revoker = provider::connect(provider, Connection { host, ..connection })?;
        Ok(HostConnection { revoker, ledger: settings.ledger.clone() })
    }

    /// What revokes there.
    pub(super) fn into_revoker(self) -> Box<dyn Revoker> {
        self.revoker
    }

    /// The host's name in the ledger.
    pub(super) fn api_base(&self) -> String {
        self.revoker.limits().host
    }

    /// The least time between two requests by which tokens revoke themselves.
    pub(super) fn self_interval(&self) -> Duration {
        self.revoker.limits().self_interval
    }

    /// Asks the host what it takes. A server may count that with the rest, and so does the ledger.
    pub(super) fn limits(&mut self, console: &Console) -> Result<Limits, ConnectError> {
        let mut calls = CountedCalls::new(&self.ledger, self.revoker.limits(), &SystemClock);
        if let Some(note) = self.revoker.prepare(&mut calls)? {
            console.warn(&note);
        }
        Ok(self.revoker.limits())
    }

    /// What is left of its quota.
    pub(super) fn status(&self, ledger: &dyn Ledger) -> Result<HostStatus, LedgerError> {
        let limits = self.revoker.limits();
        let request =
            StatusRequest { host: &limits.host, identity: &limits.identity, per_hour: limits.per_hour };
        ledger.host_status(&request, &Timestamp::now)
    }

    /// Sends everything that the ledger has queued for the host.
    pub(super) fn send(
        &self,
        ledger: &mut dyn Ledger,
        options: &Options,
        terminal: Terminal<'_>,
    ) -> Result<RunOutcome, SendError> {
        let progress = Progress::default();
        self.send_counting(ledger, options, terminal, &progress)
            .map_err(|error| SendError { error, counts: Box::new(progress.read()) })
    }

    fn send_counting(
        &self,
        ledger: &mut dyn Ledger,
        options: &Options,
        terminal: Terminal<'_>,
        progress: &Progress,
    ) -> Result<RunOutcome, RevokeError> {
        let limits = self.revoker.limits();
        let opener = ledger.opener(&limits.host)?;
        let context = Context {
            ledger,
            opener: &opener,
            revoker: &*self.revoker,
            clock: &SystemClock,
            cancel: terminal.cancel,
            progress,
            notify: &|text| terminal.console.warn(text),
            screen: None,
        };
        terminal.watch_sending(progress, &self.revoker.limits(), || revoke::run(context, options))
    }
}

/// The user's own credential for the host: from the file that was named, or from the environment. Only a server takes
/// one, so elsewhere a variable with a malformed credential is no error.
pub(super) fn find_credential(
    settings: &ConnectionSettings,
    env: &Env,
) -> Result<Option<Credential>, CredentialError> {
    let (flavour, file) = (settings.host.flavour(), settings.auth_token_file.as_deref());
    match credential::find(flavour, file, &|name| env.raw(name)) {
        Err(_) if file.is_none() && flavour != Flavour::Server => Ok(None),
        found => found,
    }
}

/// The same, for use: warns where others can read it.
pub(super) fn credential(
    settings: &ConnectionSettings,
    env: &Env,
    console: &Console,
) -> Result<Option<Credential>, CredentialError> {
    let found = find_credential(settings, env)?;
    if let Some(credential) = &found {
        warn_if_exposed(credential, console);
    }
    Ok(found)
}

/// The same, where a call cannot do without one.
pub(super) fn require_credential(
    settings: &ConnectionSettings,
    env: &Env,
    console: &Console,
) -> Result<Credential, CredentialError> {
    let variable = |name: &str| env.raw(name);
    let found = credential::require(&settings.host, settings.auth_token_file.as_deref(), &variable)?;
    warn_if_exposed(&found, console);
    Ok(found)
}

fn warn_if_exposed(credential: &Credential, console: &Console) {
    if let Some(warning) = &credential.warning {
        console.warn(warning);
    }
}
