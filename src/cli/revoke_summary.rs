//! What is told of a revoking run when it is over, and whether tokens remain.

use super::console::{self, Console};
use super::exit::RunStatus;
use super::host_summary::HostSummary;
use super::left_waiting::LeftWaiting;
use crate::ledger::Head;
use crate::policy::TooMany;
use crate::text::printable;

/// A revoking run that is over.
pub(super) struct RevokeSummary {
    /// What came of it at each host.
    pub(super) hosts: Vec<HostSummary>,
    /// What waits in the ledger after it, at any host.
    pub(super) left: Vec<LeftWaiting>,
    /// How many tokens that earlier runs kept on this machine for an intake are not known to be revoked, handed over or not.
    pub(super) undelivered: u64,
    /// Why it was refused whole, if it was.
    pub(super) refused: Option<TooMany>,
    /// The head of the audit trail after it, if it wrote anything down.
    pub(super) head: Option<Head>,
}

impl RevokeSummary {
    /// Whether tokens remain that were not revoked, and whether anything went wrong.
    pub(super) fn status(&self) -> RunStatus {
        RunStatus {
            remaining: self.undelivered > 0
                || !self.left.is_empty()
                || self.hosts.iter().any(HostSummary::remaining),
            trouble: self.refused.is_some() || self.hosts.iter().any(HostSummary::failed),
            ..RunStatus::default()
        }
    }

    /// Reports it on standard error.
    pub(super) fn print(&self, console: &Console) {
        if let Some(too_many) = &self.refused {
            console::error(&too_many.to_string());
        }
        for host in &self.hosts {
            host.print(console);
        }
        self.print_left(console);
        let ledger = self.hosts.iter().find_map(|host| host.outcome.ledger());
        match (ledger, &self.head) {
            (Some(ledger), Some(head)) => {
                console.info(&format!("audit trail: {}, {head}", printable(ledger)));
            }
            (Some(ledger), None) => console.info(&format!("ledger: {}", printable(ledger))),
            (None, _) => {}
        }
    }

    /// Says what waits where no host's own line tells of it.
    fn print_left(&self, console: &Console) {
        for left in &self.left {
            if !self.hosts.iter().any(|host| host.tells_of(left)) {
                left.print(console);
            }
        }
    }
}
