//! Which hosts a run drains: that which was named, or every one that it has the credentials for.

use crate::cli::connection;
use crate::cli::console::Console;
use crate::cli::left_waiting::at;
use crate::cli::queue_review::{QueueReview, ReviewContext};
use crate::cli::revoke_session::own_credentials;
use crate::ledger::{HostEntry, Ledger};
use crate::local_credentials::LocalCredentials;
use crate::provider::github::credential::Credential;
use crate::provider::github::host::{Flavour, Host};
use crate::provider::github::identity;
use crate::settings::{ConnectionSettings, Env, RevokeSettings};
use crate::suppress::Suppressions;
use crate::text::printable;

/// The queue of one host, ready to be sent.
pub(super) struct HostQueue {
    pub(super) connection: ConnectionSettings,
    pub(super) credential: Option<Credential>,
    pub(super) review: QueueReview,
}

/// Where to look for queues.
pub(super) struct Queues<'a> {
    pub(super) ledger: &'a dyn Ledger,
    pub(super) settings: &'a RevokeSettings,
    /// Whether a flag names the host: then it is the only one.
    pub(super) is_named: bool,
    pub(super) suppressions: &'a Suppressions,
}

impl Queues<'_> {
    /// The queues in which something waits, and which this run can drain. Says why it cannot drain the others.
    pub(super) fn read(&self, env: &Env, console: &Console) -> anyhow::Result<Vec<HostQueue>> {
        let entries = self.entries()?;
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        // Before anything is asked of a host: without the key nothing that waits can be opened.
        self.ledger.opener()?;
        let servers = self.servers()?;
        let mut chosen = Vec::new();
        for entry in &entries {
            match self.connection(entry, servers, env, console)? {
                Ok(ready) => chosen.push(ready),
                Err(why) => console.warn(&format!("nothing is sent to {}: {why}", printable(&entry.host))),
            }
        }
        let mut own = own_credentials(env, None, console);
        for (_, credential) in &chosen {
            if let Some(credential) = credential {
                own.add(credential.token.fingerprint(), credential.location.clone());
            }
        }
        chosen.into_iter().map(|(connection, credential)| self.queue(connection, credential, &own)).collect()
    }

    /// The hosts at which something waits, the run's own first.
    fn entries(&self) -> anyhow::Result<Vec<HostEntry>> {
        let own = self.settings.connection.host.api_base();
        let mut entries = self.ledger.hosts()?;
        entries.retain(|entry| entry.host == own || !self.is_named);
        entries.sort_by_key(|entry| entry.host != own);
        let mut waiting = Vec::new();
        for entry in entries {
            if !self.ledger.waiting(&entry.host)?.is_empty() {
                waiting.push(entry);
            }
        }
        Ok(waiting)
    }

    /// How many servers the ledger knows.
    fn servers(&self) -> anyhow::Result<usize> {
        let is_server =
            |entry: &HostEntry| self.host(entry).is_some_and(|host| host.flavour() == Flavour::Server);
        Ok(self.ledger.hosts()?.iter().filter(|entry| is_server(entry)).count())
    }

    /// The host of an entry: as the run's settings have it, else as its address says.
    fn host(&self, entry: &HostEntry) -> Option<Host> {
        let own = &self.settings.connection.host;
        if own.api_base() == entry.host { Some(own.clone()) } else { at(&entry.host) }
    }

    /// The connection to a host and the credential for it, or why there is none.
    fn connection(
        &self,
        entry: &HostEntry,
        servers: usize,
        env: &Env,
        console: &Console,
    ) -> anyhow::Result<Result<(ConnectionSettings, Option<Credential>), &'static str>> {
        let Some(host) = self.host(entry) else {
            return Ok(Err("its address is none that tokens may be sent to"));
        };
        let is_own = host == self.settings.connection.host;
        let flavour = host.flavour();
        let connection = ConnectionSettings { host, ..self.settings.connection.clone() };
        if flavour != Flavour::Server {
            // Requests with a credential were sent there: it is a server whose address does not say so.
            let signed = entry.identities.iter().any(|identity| identity.starts_with("sha256:"));
            if signed && !is_own {
                return Ok(Err("it is a server by another name; give both --host and --api-url"));
            }
            let credential = connection::credential(&connection, env, console)?;
            return Ok(Ok((connection, credential)));
        }
        let credential = connection::credential(&connection, env, console)?;
        // A credential is shown to no server that it may not be for.
        let fits = credential.as_ref().is_some_and(|credential| {
            let identity = identity(flavour, Some(&credential.token));
            is_own || servers == 1 || entry.identities.contains(&identity)
        });
        // The run's own host says itself what is missing.
        if fits || is_own {
            return Ok(Ok((connection, credential)));
        }
        Ok(Err("no credential is known to be for it; name it with --host, and set GH_ENTERPRISE_TOKEN"))
    }

    fn queue(
        &self,
        connection: ConnectionSettings,
        credential: Option<Credential>,
        own: &LocalCredentials,
    ) -> anyhow::Result<HostQueue> {
        let (suppressions, policy) = (self.suppressions, &self.settings.policy);
        let context = ReviewContext { suppressions, own, policy, findings: &[] };
        let review = QueueReview::read(self.ledger, &connection.host.api_base(), &context)?;
        Ok(HostQueue { connection, credential, review })
    }
}
