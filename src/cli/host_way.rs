//! The way to an API base of a ledger: its provider, its address, the credential for it.

use super::connection;
use super::console::Console;
use super::revoke_target::RevokeTarget;
use crate::ledger::HostEntry;
use crate::meter::CancelFlag;
use crate::provider::github::credential::{Credential, CredentialError};
use crate::provider::github::host::{Flavour, Host};
use crate::provider::github::identity;
use crate::provider::{self, Provider};
use crate::settings::{ConnectionSettings, Env};

/// The way to the host of a queue.
pub(super) struct HostWay {
    pub(super) provider: &'static Provider,
    pub(super) connection: ConnectionSettings,
    pub(super) credential: Option<Credential>,
}

/// What ways are looked for with.
#[derive(Clone, Copy)]
pub(super) struct HostWays<'a> {
    /// Of the run: its own host's address is taken from here.
    pub(super) settings: &'a ConnectionSettings,
    pub(super) env: &'a Env,
    pub(super) console: &'a Console,
    pub(super) cancel: &'a CancelFlag,
}

impl HostWays<'_> {
    /// The way to a host with the credential for it, or why there is none. `known` are all hosts of the ledger.
    pub(super) fn to(
        &self,
        entry: &HostEntry,
        known: &[HostEntry],
    ) -> Result<Result<HostWay, &'static str>, CredentialError> {
        let HostWays { settings, env, console, cancel } = *self;
        if let Some(provider) = RevokeTarget::provider_at(&entry.host, settings, cancel) {
            return Ok(Ok(HostWay { provider, connection: settings.clone(), credential: None }));
        }
        let Some(host) = self.host(entry) else {
            return Ok(Err("its address is none that tokens may be sent to"));
        };
        let (is_own, flavour) = (host == settings.host, host.flavour());
        let connection = ConnectionSettings { host, ..settings.clone() };
        // Requests with a credential were sent there: it is a server whose address does not say so.
        let signed = entry.identities.iter().any(|identity| identity.starts_with("sha256:"));
        if flavour != Flavour::Server && signed && !is_own {
            return Ok(Err("it is a server by another name; give both --host and --api-url"));
        }
        let credential = connection::credential(&connection, env, console)?;
        // A credential is shown to no server that it may not be for; the run's own host says itself what is missing.
        let fits = flavour != Flavour::Server
            || is_own
            || credential.as_ref().is_some_and(|credential| {
                let identity = identity(flavour, Some(&credential.token), None);
                self.servers(known) == 1 || entry.identities.contains(&identity)
            });
        if fits {
            return Ok(Ok(HostWay { provider: provider::with_host_flags(), connection, credential }));
        }
        Ok(Err("no credential is known to be for it; name it with --host, and set GH_ENTERPRISE_TOKEN"))
    }

    /// The host of an entry: as the run's settings have it, else as its address says.
    pub(super) fn host(&self, entry: &HostEntry) -> Option<Host> {
        let own = &self.settings.host;
        if own.api_base() == entry.host { Some(own.clone()) } else { Host::parse(&entry.host).ok() }
    }

    /// How many servers the ledger knows.
    fn servers(&self, known: &[HostEntry]) -> usize {
        let is_server =
            |entry: &&HostEntry| self.host(entry).is_some_and(|host| host.flavour() == Flavour::Server);
        known.iter().filter(is_server).count()
    }
}
