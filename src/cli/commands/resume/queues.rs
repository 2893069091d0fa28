//! Which hosts a run drains: that which was named, or every one that it has the credentials for.

use crate::cli::connection::host_name;
use crate::cli::console::Terminal;
use crate::cli::host_way::{HostWay, HostWays};
use crate::cli::left_waiting::LeftWaiting;
use crate::cli::own_credentials::own_credentials;
use crate::cli::queue_review::{QueueReview, ReviewContext};
use crate::ledger::{HostEntry, Ledger};
use crate::local_credentials::LocalCredentials;
use crate::provider::Provider;
use crate::provider::github::credential::Credential;
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

impl Queues<'_> {
    /// The queues in which something waits, and which this run can drain. Says why it cannot drain the others.
    pub(super) fn read(&self, env: &Env) -> anyhow::Result<Vec<HostQueue>> {
        let entries = self.entries()?;
        let Some(first) = entries.first() else { return Ok(Vec::new()) };
        let console = self.terminal.console;
        // Before anything is asked of a host: without the key nothing that waits can be opened.
        self.ledger.opener(&first.host)?;
        let cancel = self.terminal.cancel;
        let ways = HostWays { settings: &self.settings.connection, env, console, cancel };
        let known = self.ledger.hosts()?;
        let mut chosen = Vec::new();
        for entry in &entries {
            match ways.to(entry, &known)? {
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

    fn queue(&self, entry: &HostEntry, way: HostWay, own: &LocalCredentials) -> anyhow::Result<HostQueue> {
        let (suppressions, policy) = (self.suppressions, &self.settings.policy);
        let context = ReviewContext { suppressions, own, policy, findings: &[], by_hash: false };
        let left = self.left.iter().find(|left| left.host == entry.host);
        let waiting = left.map(|left| left.kinds.clone()).unwrap_or_default();
        let review = QueueReview::of(self.ledger, &entry.host, waiting, &context)?;
        let HostWay { provider, connection, credential } = way;
        Ok(HostQueue { provider, connection, api_base: entry.host.clone(), credential, review })
    }
}
