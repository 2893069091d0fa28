//! From connection settings to what a run works with: a credential, a host that answers, a ledger.

use std::ffi::OsStr;
use std::path::Path;

use anyhow::bail;

use super::console::{Console, Terminal};
use crate::clock::SystemClock;
use crate::ledger::{self, Ledger, LedgerAddress};
use crate::provider::github::credential::{self, Credential, CredentialError};
use crate::provider::github::host::Flavour;
use crate::provider::{self, ConnectError, Connection, Limits, Revoker, github};
use crate::revoke::{self, Context, Counts, Options, Progress, RevokeError, RunOutcome};
use crate::settings::{ConnectionSettings, Env};

/// What a provider has to know of the connection.
pub(super) fn connection(settings: &ConnectionSettings, credential: Option<Credential>) -> Connection {
    Connection {
        host: settings.host.clone(),
        credential: credential.map(|credential| credential.token),
        ca_cert: settings.ca_cert.clone(),
        timeout: settings.timeout,
    }
}

/// A run that could not go on, and what it had done until then.
#[derive(Debug)]
pub(super) struct SendError {
    pub(super) error: RevokeError,
    pub(super) counts: Box<Counts>,
}

/// Finds out what would keep a run from writing anything down, before it looks at anything; changes nothing.
pub(super) fn check_ledger(address: &LedgerAddress) -> anyhow::Result<()> {
    if let Some(ledger) = ledger::open_existing(address)? {
        for entry in ledger.hosts()? {
            if !ledger.waiting(&entry.host)?.is_empty() {
                // Without the key nothing that waits can be sent, and nothing can be queued beside it.
                ledger.opener()?;
            }
        }
        return Ok(());
    }
    let LedgerAddress::Sqlite(path) = address;
    let mut ancestors = path
        .ancestors()
        .skip(1)
        .map(|directory| if directory.as_os_str().is_empty() { Path::new(".") } else { directory });
    let Some((directory, metadata)) =
        ancestors.find_map(|directory| Some((directory, directory.metadata().ok()?)))
    else {
        return Ok(());
    };
    let name = directory.display();
    if !metadata.is_dir() {
        bail!(
            "no ledger can be made at {address}: {name} is not a directory; name another path with --ledger"
        );
    }
    if metadata.permissions().readonly() {
        bail!("no ledger can be made at {address}: {name} is read-only; name another path with --ledger");
    }
    Ok(())
}

/// A host that tokens can be sent to.
pub(super) struct HostConnection {
    revoker: Box<dyn Revoker>,
}

impl HostConnection {
    /// Prepares the connection; sends nothing.
    pub(super) fn open(
        settings: &ConnectionSettings,
        credential: Option<Credential>,
    ) -> Result<Self, ConnectError> {
        let revoker = provider::connect(&github::PROVIDER, connection(settings, credential))?;
        Ok(HostConnection { revoker })
    }

    /// Asks the host what it takes.
    pub(super) fn limits(&mut self, console: &Console) -> Result<Limits, ConnectError> {
        if let Some(note) = self.revoker.prepare()? {
            console.warn(&note);
        }
        Ok(self.revoker.limits())
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
        let opener = ledger.opener()?;
        let context = Context {
            ledger,
            opener: &opener,
            revoker: &*self.revoker,
            clock: &SystemClock,
            cancel: terminal.cancel,
            progress,
        };
        terminal.watch_sending(progress, || revoke::run(context, options))
    }
}

/// The user's own credential for the host: from the file that was named, or from the environment. Only a server takes
/// one, so elsewhere a variable with a malformed credential is no error.
pub(super) fn find_credential(
    settings: &ConnectionSettings,
    env: &Env,
) -> Result<Option<Credential>, CredentialError> {
    let (flavour, file) = (settings.host.flavour(), settings.auth_token_file.as_deref());
    match credential::find(flavour, file, &|name| env.raw(name).map(OsStr::to_owned)) {
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
    let variable = |name: &str| env.raw(name).map(OsStr::to_owned);
    let found = credential::require(&settings.host, settings.auth_token_file.as_deref(), &variable)?;
    warn_if_exposed(&found, console);
    Ok(found)
}

fn warn_if_exposed(credential: &Credential, console: &Console) {
    if let Some(warning) = &credential.warning {
        console.warn(warning);
    }
}
