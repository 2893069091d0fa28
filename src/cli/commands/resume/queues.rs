//! Which hosts a run drains: that which was named, or every one that it has the credentials for.

use crate::cli::connection;
use crate::cli::connection::host_name;
use crate::cli::console::Terminal;
use crate::cli::left_waiting::LeftWaiting;
use crate::cli::own_credentials::own_credentials;
use crate::cli::queue_review::{QueueReview, ReviewContext};
use crate::cli::revoke_target::RevokeTarget;
use crate::ledger::{HostEntry, Ledger};
use crate::local_credentials::LocalCredentials;
use crate::provider::github::credential::Credential;
use crate::provider::github::host::{Flavour, Host};
use crate::provider::github::identity;
use crate::provider::{self, Provider};
use crate::settings::{ConnectionSettings, Env, RevokeSettings};
use crate::suppress::Suppressions;
use crate::text::printable;

/// The queue of one host, ready to be sent.
pub(super) struct HostQueue {
    pub(super) provider: &'static Provider,
    pub(super) connection: ConnectionSettings,
    /// The host's name in the ledger.
    pub(super) api_base: String,
    pub(super) credential: Option<Credential>,
    pub(super) review: QueueReview,
}

impl HostQueue {
    /// The host's name for people.
    pub(super) fn label(&self) -> &str {
        if self.provider.has_host_flags { self.connection.host.label() } else { &self.api_base }
    }
}

/// Where to look for queues.
pub(super) struct Queues<'a> {
    pub(super) ledger: &'a dyn Ledger,
    pub(super) settings: &'a RevokeSettings,
    /// What waits.
    pub(super) left: &'a [LeftWaiting],
    /// Whether a flag names the host: then it is the only one.
    pub(super) is_named: bool,
    pub(super) suppressions: &'a Suppressions,
    pub(super) terminal: Terminal<'a>,
}

/// The way to the host of a queue.
struct Way {
    provider: &'static Provider,
    connection: ConnectionSettings,
    credential: Option<Credential>,
}

impl Queues<'_> {
    /// The queues in which something waits, and which this run can drain. Says why it cannot drain the others.
    pub(super) fn read(&self, env: &Env) -> anyhow::Result<Vec<HostQueue>> {
        let entries = self.entries()?;
        let Some(first) = entries.first() else { return Ok(Vec::new()) };
        let console = self.terminal.console;
        // Before anything is asked of a host: without the key nothing that waits can be opened.
        self.ledger.opener(&first.host)?;
        let servers = self.servers()?;
        let mut chosen = Vec::new();
        for entry in &entries {
            match self.way(entry, servers, env)? {
                Ok(way) => chosen.push((entry, way)),
                Err(why) => {
                    console
                        .warn(&format!("nothing is sent to {}: {why}", printable(&host_name(&entry.host))));
                }
            }
        }
        let mut own = own_credentials(env, &[], None, console);
        for (_, way) in &chosen {
            if let Some(credential) = &way.credential {
                own.add(credential.token.fingerprint(), credential.location.clone());
            }
        }
        chosen.into_iter().map(|(entry, way)| self.queue(entry, way, &own)).collect()
    }

    /// The hosts at which something waits, the run's own first.
    fn entries(&self) -> anyhow::Result<Vec<HostEntry>> {
        let own = self.settings.connection.host.api_base();
        let mut entries = self.ledger.hosts()?;
        let waits = |entry: &HostEntry| self.left.iter().any(|left| left.host == entry.host);
        entries.retain(|entry| waits(entry) && (entry.host == own || !self.is_named));
        entries.sort_by_key(|entry| entry.host != own);
        Ok(entries)
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
        if own.api_base() == entry.host { Some(own.clone()) } else { Host::parse(&entry.host).ok() }
    }

    /// The way to a host with the credential for it, or why there is none.
    fn way(&self, entry: &HostEntry, servers: usize, env: &Env) -> anyhow::Result<Result<Way, &'static str>> {
        let (console, settings) = (self.terminal.console, &self.settings.connection);
        if let Some(provider) = RevokeTarget::provider_at(&entry.host, settings, self.terminal.cancel) {
            return Ok(Ok(Way { provider, connection: settings.clone(), credential: None }));
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
                servers == 1 || entry.identities.contains(&identity(flavour, Some(&credential.token), None))
            });
        if fits {
            return Ok(Ok(Way { provider: provider::with_host_flags(), connection, credential }));
        }
        Ok(Err("no credential is known to be for it; name it with --host, and set GH_ENTERPRISE_TOKEN"))
    }

    fn queue(&self, entry: &HostEntry, way: Way, own: &LocalCredentials) -> anyhow::Result<HostQueue> {
        let (suppressions, policy) = (self.suppressions, &self.settings.policy);
        let context = ReviewContext { suppressions, own, policy, findings: &[] };
        let left = self.left.iter().find(|left| left.host == entry.host);
        let waiting = left.map(|left| left.kinds.clone()).unwrap_or_default();
        let review = QueueReview::of(self.ledger, &entry.host, waiting, &context)?;
        let Way { provider, connection, credential } = way;
        Ok(HostQueue { provider, connection, api_base: entry.host.clone(), credential, review })
    }
}
