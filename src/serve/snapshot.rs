//! The state of the ledger, as the metrics tell it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::ledger::{HostStatus, Ledger, LedgerError, StatusRequest};
use crate::provider;
use crate::provider::github::kill_switch::IDENTITY_PREFIX;
use crate::token::Kind;

/// One API base.
#[derive(Clone, Debug)]
pub(super) struct HostSnapshot {
    pub(super) host: String,
    /// Its tokens by state.
    pub(super) status: HostStatus,
    /// Those that wait, by kind.
    pub(super) waiting: BTreeMap<Kind, u64>,
    /// The quota of each identity that has sent there.
    pub(super) quotas: Vec<(String, HostStatus)>,
}

/// Every API base.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) hosts: Vec<HostSnapshot>,
}

impl Snapshot {
    pub(super) fn read(ledger: &dyn Ledger) -> Result<Self, LedgerError> {
        let per_hour = provider::with_host_flags().per_hour;
        let mut hosts = Vec::new();
        for entry in ledger.hosts()? {
            let status = |identity: &str| {
                let request = StatusRequest { host: &entry.host, identity, per_hour };
                ledger.host_status(&request, &Timestamp::now)
            };
            let mut quotas = Vec::new();
            // What the kill switches were told does not concern the queue.
            for identity in entry.identities.iter().filter(|known| !known.starts_with(IDENTITY_PREFIX)) {
                quotas.push((identity.clone(), status(identity)?));
            }
            let of_host = quotas.last().map(|(_, status)| status.clone());
            hosts.push(HostSnapshot {
                status: of_host.map_or_else(|| status("anonymous"), Ok)?,
                waiting: ledger.waiting(&entry.host)?,
                quotas,
                host: entry.host,
            });
        }
        Ok(Snapshot { hosts })
    }
}
