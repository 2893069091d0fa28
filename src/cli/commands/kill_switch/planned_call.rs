//! A call of a kill switch that is to be made.

use std::collections::BTreeMap;

use crate::provider::github::kill_switch::Call;
use crate::text::printable;

/// One call, and its options as the audit trail has them.
pub(super) struct PlannedCall {
    pub(super) call: Call,
    /// Whose credentials, for people.
    pub(super) user: String,
    pub(super) options: BTreeMap<String, String>,
}

impl PlannedCall {
    /// The call as the audit trail names it.
    pub(super) fn name(&self) -> String {
        format!("POST {}", self.call.path())
    }

    /// The call with its options, for people.
    pub(super) fn description(&self) -> String {
        let options = self.options.iter().map(|(name, value)| format!("  {name}={value}"));
        format!("{}{}", self.name(), options.collect::<String>())
    }
}

/// The users of these calls, each once.
pub(super) fn names(calls: &[PlannedCall]) -> String {
    let mut names: Vec<String> = calls.iter().map(|call| printable(&call.user)).collect();
    names.dedup();
    names.join(", ")
}
