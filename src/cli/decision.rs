//! Who runs this, for the decision that queued tokens carry and for the audit trail.

use crate::ledger::Decision;
use crate::policy::Policy;

/// The decision of this run's user, who agreed in the way `consent` names.
pub(super) fn decision(policy: &Policy, run: &str, consent: &str) -> Decision {
    Decision {
        by: user_at_host(),
        run: run.to_owned(),
        consent: consent.to_owned(),
        min_confidence: policy.least,
        allow_own: policy.allow_own,
    }
}

/// A random id for this run, which all its records share.
pub(super) fn run_id() -> String {
    // Without randomness, records of two runs are told apart by their times.
    getrandom::u64().map_or_else(|_| "0".to_owned(), |id| format!("{id:016x}"))
}

/// `user@host`, as far as the system tells.
pub(super) fn user_at_host() -> String {
    let user = whoami::username().unwrap_or_else(|_| "unknown".to_owned());
    let host = whoami::hostname().unwrap_or_else(|_| "unknown".to_owned());
    format!("{user}@{host}")
}
