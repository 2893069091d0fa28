//! A last look at each token as it is opened, just before it leaves.

use crate::ledger::TokenRecord;
use crate::revocation::State;
use crate::token::Token;

/// Looks at each token of a batch once it is open. What was queued by others, or long ago, is not sent unseen: it may not be
/// what it was said to be, or be suppressed by now.
pub trait Screen {
    /// The state in which a token is set aside instead of being sent, and why, for the audit trail; none where it may leave.
    fn sets_aside(&self, token: &Token, record: &TokenRecord) -> Option<(State, &'static str)>;
}
