//! What is told of a run that only queues.

use super::console::{Console, count};
use crate::ledger::{Enqueued, Spooled};
use crate::text::printable;

/// What was queued, and where it waits for a `stanch serve`.
pub(super) struct QueuedSummary {
    /// What became of the tokens in the ledger.
    pub(super) enqueued: Enqueued,
    /// What waits on this machine, because the intake is away.
    pub(super) spooled: Option<Spooled>,
    /// Whether what was to be taken out of the queue is still there.
    pub(super) out_of_reach: bool,
}

impl QueuedSummary {
    /// Reports it on standard error; `ledger` and `host` by their names for people.
    pub(super) fn print(&self, ledger: &str, host: &str, console: &Console) {
        let Enqueued { queued, waiting, done, refused, .. } = self.enqueued;
        let ledger = printable(ledger);
        if queued > 0 {
            let tokens = count(queued, "token");
            console.info(&format!("{tokens} for {host} queued in {ledger}, for a `stanch serve` to send"));
        }
        let known = waiting + done + refused;
        if known > 0 {
            console.info(&format!("{} for {host} known in {ledger} before", count(known, "token")));
        }
        if let Some(Spooled { tokens, directory, why }) = &self.spooled {
            let (tokens, directory) = (count(*tokens, "token"), printable(&directory.display().to_string()));
            console.warn(&format!(
                "{tokens} for {host} spooled in {directory}, sealed: {ledger} cannot be reached ({}); the next run with this \
                 ledger delivers them",
                printable(why)
            ));
        }
    }
}
