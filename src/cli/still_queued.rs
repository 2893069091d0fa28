//! What a run that only queues would take out of the queue, and may not.

use super::console::{Console, count};
use crate::text::printable;

/// Tokens that must not leave, wait all the same, and are out of this run's reach: who drains the ledger sends them.
#[derive(Clone, Copy, Default)]
pub(super) struct StillQueued {
    /// Those that are suppressed.
    pub(super) suppressed: u64,
    /// This machine's own credentials.
    pub(super) own: u64,
}

impl StillQueued {
    /// How many they are.
    pub(super) fn tokens(self) -> u64 {
        self.suppressed + self.own
    }

    /// Says how many wait on, where, and who can take them back.
    pub(super) fn print(self, ledger: &str, console: &Console) {
        let ledger = printable(ledger);
        for (tokens, what, whose) in
            [(self.suppressed, "suppressed token", ""), (self.own, "credential", " of this machine")]
        {
            if tokens > 0 {
                let wait = if tokens == 1 { "waits" } else { "wait" };
                console.warn(&format!(
                    "{}{whose} still {wait} in {ledger}, and will be sent from there: this run may take nothing out of that \
                     queue; who drains it can, with `stanch queue withdraw`",
                    count(tokens, what)
                ));
            }
        }
    }
}
