//! How the server ends: first nothing new is begun, then, after a while, nothing is waited for.

use crate::meter::CancelFlag;

/// The two steps of the end. A clone ends the same server.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// Nothing new is begun: no request is taken, no batch is made.
    pub begin: CancelFlag,
    /// The answer to a request that left is not waited for any more: the next run sends its tokens again.
    pub abort: CancelFlag,
}

impl Stop {
    pub(super) fn is_stopping(&self) -> bool {
        self.begin.is_cancelled()
    }
}
