//! How a run ended, or why it could not go on.

use jiff::Timestamp;

use super::progress::Counts;
use crate::ledger::{HostStatus, LedgerError, WaitReason};

/// Why a run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// Nothing waits any more.
    Done,
    /// The hour's quota is used up, or the server asked to wait, and the run was not to wait so long.
    Later(WaitReason),
    /// The server refused the request for a reason that waiting does not mend.
    Denied,
    /// Trouble or no response, too often in a row; or an answer, or a closed way, that trying again does not mend.
    Trouble,
    /// It was asked to stop.
    Interrupted,
}

/// What a run did, and what it left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOutcome {
    /// Why it ended.
    pub end: EndReason,
    /// The server's message, where a response ended it.
    pub message: Option<String>,
    /// What this run did.
    pub counts: Counts,
    /// What the ledger holds for this host now, whoever brought it there.
    pub host_status: HostStatus,
    /// Until when the server wants no token to revoke itself, if it said so.
    pub self_revoking_at: Option<Timestamp>,
    /// Tokens that were sent although `verify` could not learn whether they lived, or cannot for their kind.
    pub unverified: u64,
    /// Tokens that were accepted, and alive when `confirm` asked last.
    pub still_alive: u64,
    /// Tokens that were accepted, and of which `confirm` could not learn whether they live, or cannot for their kind.
    pub unconfirmed: u64,
}

impl RunOutcome {
    /// How many tokens of this host still wait, or are on their way without an answer.
    pub fn waiting(&self) -> u64 {
        self.host_status.queued + self.host_status.sent
    }
}

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevokeError {
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A response came that could not be written down.
    #[error(
        "the answer to batch {batch} ({outcome}) could not be written down, its tokens stay `sent` and will be sent \
         again: {source}"
    )]
    Unwritten {
        /// The batch.
        batch: u64,
        /// What the answer was.
        outcome: &'static str,
        /// Why not.
        source: LedgerError,
    },
}
