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
    /// As many tokens were sent as may be, and more were queued meanwhile.
    Bound,
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
    /// An answer came that could not be written down.
    #[error(transparent)]
    Unwritten(Box<Unwritten>),
}

/// The answer to a batch that the ledger does not have.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", self.message())]
pub struct Unwritten {
    /// The batch.
    pub batch: u64,
    /// How many tokens it carried.
    pub tokens: usize,
    /// Whether the server accepted them.
    pub accepted: bool,
    /// The class of the answer.
    pub verdict: String,
    /// GitHub's id of the request, where there was one.
    pub request_id: Option<String>,
    /// Whether the next run takes it in.
    pub kept: bool,
    /// Why it could not be written down.
    pub source: LedgerError,
}

impl Unwritten {
    fn message(&self) -> String {
        let Unwritten { batch, verdict, .. } = self;
        let tokens = if self.tokens == 1 { "1 token".to_owned() } else { format!("{} tokens", self.tokens) };
        let id = self.request_id.as_ref().map(|id| format!(", request {id}")).unwrap_or_default();
        let what = if self.accepted {
            format!("the server accepted {tokens} (batch {batch}{id}), and the ledger could not take that in")
        } else {
            format!("the answer to batch {batch} of {tokens} ({verdict}{id}) could not be written down")
        };
        let next = match (self.kept, self.accepted) {
            (true, _) => "the answer is kept beside the ledger, and the next run takes it in",
            (false, true) => {
                "it could not be kept beside the ledger either, and the next run sends them again"
            }
            (false, false) => "the next run sends them again",
        };
        format!("{what}; {next}")
    }
}
