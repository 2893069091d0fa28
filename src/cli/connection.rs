//! From flags and environment to a host, a credential and a ledger.

use std::path::PathBuf;

use super::args::{ConnectionArgs, TransportArgs};
use super::console::Console;
use crate::ledger::{LedgerAddress, LedgerError};
use crate::local_credentials::{Environment, LocalCredentials};
use crate::provider::Connection;
use crate::provider::github::credential::{self, Credential, CredentialError};
use crate::provider::github::host::{Flavour, Host, HostChoice, HostError};
use crate::text::printable;
use crate::token::Token;

/// A variable that is set to something.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl ConnectionArgs {
    /// The host: flags before the environment.
    pub(super) fn host(&self) -> Result<Host, HostError> {
        Host::choose(&HostChoice {
            host: self.host.clone(),
            api_url: self.api_url.clone(),
            gh_host: variable("GH_HOST"),
            server_url: variable("GITHUB_SERVER_URL"),
        })
    }

    /// Whether anybody said which host is meant.
    pub(super) fn host_said(&self) -> bool {
        self.host.is_some()
            || self.api_url.is_some()
            || ["GH_HOST", "GITHUB_SERVER_URL"].into_iter().any(|name| variable(name).is_some())
    }

    /// The ledger's address: the flag, the environment, the default.
    pub(super) fn ledger(&self) -> Result<LedgerAddress, LedgerError> {
        let variable = std::env::var_os("STANCH_LEDGER").filter(|address| !address.is_empty());
        LedgerAddress::choose(self.ledger.clone().map(PathBuf::into_os_string).or(variable))
    }

    /// The user's own credential for this host, wherever it is kept. Only a server takes one, so elsewhere a variable that
    /// holds none is nobody's concern.
    pub(super) fn credential(&self, host: &Host) -> Result<Option<Credential>, CredentialError> {
        let (flavour, file) = (host.flavour(), self.auth_token_file.as_deref());
        match credential::find(flavour, file, &|name| std::env::var_os(name)) {
            Err(_) if file.is_none() && flavour != Flavour::Server => Ok(None),
            found => found,
        }
    }

    /// The same, where none is an error.
    pub(super) fn need_credential(&self, host: &Host) -> Result<Credential, CredentialError> {
        credential::require(host, self.auth_token_file.as_deref(), &|name| std::env::var_os(name))
    }
}

impl TransportArgs {
    /// How to reach a host, with this credential.
    pub(super) fn connection(&self, host: Host, credential: Option<Token>) -> Connection {
        Connection { host, credential, ca_cert: self.ca_cert.clone(), timeout: self.timeout() }
    }
}

/// This machine's own credentials, the one for this run among them; says what could not be read of them.
pub(super) fn own(credential: Option<&Credential>, console: &Console) -> LocalCredentials {
    let mut own = LocalCredentials::find(&Environment::of_this_process());
    if let Some(credential) = credential {
        own.add(credential.token.fingerprint(), credential.location.clone());
    }
    for unread in own.unread() {
        let (path, reason) = (printable(&unread.path.display().to_string()), printable(&unread.reason));
        console
            .warn(&format!("{path}: {reason}; if it holds a credential of yours, it is not known as yours"));
    }
    own
}
