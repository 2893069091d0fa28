//! What a revoking run has done when its plans are carried out.

use super::run_outcome::RunOutcome;
use super::run_record::RunRecord;
use crate::ledger::Ledger;

/// A run that has written something down.
pub(super) struct WrittenRun {
    pub(super) ledger: Box<dyn Ledger>,
    /// Its beginning in the trail, which still wants an end; none where the ledger keeps no trail of runs.
    pub(super) record: Option<RunRecord>,
}

/// What came of the plans.
pub(super) struct CarriedOut {
    /// Of each.
    pub(super) outcomes: Vec<RunOutcome>,
    /// What the trail knows of the run, if it knows anything.
    pub(super) written: Option<WrittenRun>,
    /// How many tokens that waited on this machine are not known to be revoked.
    pub(super) undelivered: u64,
}

impl CarriedOut {
    /// Nothing was written down.
    pub(super) fn not_at_all(outcomes: Vec<RunOutcome>) -> Self {
        CarriedOut { outcomes, written: None, undelivered: 0 }
    }
}
