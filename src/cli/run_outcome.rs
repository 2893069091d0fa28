//! How a revoking run ended at one host.

use super::connection::SendError;
use super::queued_summary::QueuedSummary;
use crate::revoke::{self, Counts};

/// What became of a plan.
pub(super) enum RunOutcome {
    /// No token could be sent, or earlier runs have sent them all.
    NothingToDo,
    /// It was shown.
    DryRun {
        /// As lines of text.
        plan: Vec<String>,
    },
    /// The user answered no: nothing was sent or written.
    Declined,
    /// More tokens would have left in all than may: nothing was sent or written.
    Refused,
    /// The user pressed Ctrl-C at the prompt: nothing was sent or written.
    Interrupted,
    /// Every token in it was set aside, and that was written down.
    SetAside {
        /// The ledger's name for people.
        ledger: String,
    },
    /// It was written down, for somebody else to send.
    Queued {
        /// The ledger's name for people.
        ledger: String,
        /// What became of the tokens there.
        queued: Box<QueuedSummary>,
    },
    /// It was written down, and sent as far as `outcome` has it.
    Sent {
        /// The ledger's name for people.
        ledger: String,
        /// What was sent, and what was left.
        outcome: Box<revoke::RunOutcome>,
    },
    /// It was written down, and sending could not go on.
    Failed {
        /// The ledger's name for people.
        ledger: String,
        /// Why it could not go on.
        error: anyhow::Error,
        /// What was done until then.
        counts: Box<Counts>,
    },
}

impl RunOutcome {
    /// What sending came to.
    pub(super) fn of(ledger: String, sent: Result<revoke::RunOutcome, SendError>) -> Self {
        match sent {
            Ok(outcome) => RunOutcome::Sent { ledger, outcome: Box::new(outcome) },
            Err(SendError { error, counts }) => RunOutcome::Failed { ledger, error: error.into(), counts },
        }
    }

    /// Nothing was sent, because the plan could not be written down.
    pub(super) fn failed(ledger: String, error: anyhow::Error) -> Self {
        RunOutcome::Failed { ledger, error, counts: Box::default() }
    }

    /// The same, of a ledger that could not be read afterwards.
    pub(super) fn failing(self, error: impl Into<anyhow::Error>) -> Self {
        match self {
            RunOutcome::Sent { ledger, outcome } => {
                RunOutcome::Failed { ledger, error: error.into(), counts: Box::new(outcome.counts) }
            }
            failed @ RunOutcome::Failed { .. } => failed,
            RunOutcome::Queued { ledger, .. } => RunOutcome::failed(ledger, error.into()),
            _ => RunOutcome::failed(String::new(), error.into()),
        }
    }

    /// The ledger that something was written into.
    pub(super) fn ledger(&self) -> Option<&str> {
        match self {
            RunOutcome::SetAside { ledger }
            | RunOutcome::Queued { ledger, .. }
            | RunOutcome::Sent { ledger, .. }
            | RunOutcome::Failed { ledger, .. } => Some(ledger),
            _ => None,
        }
    }
}
