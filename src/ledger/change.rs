//! State changes that no response to a batch brought: dead before sending, confirmed, held back, unsupported.

use crate::revocation::State;
use crate::token::{Fingerprint, Kind};

/// Which tokens of a host change their state.
#[derive(Clone, Copy, Debug)]
pub enum Selection<'a> {
    /// These.
    Tokens(&'a [Fingerprint]),
    /// Those that could be sent now and are of none of these kinds.
    KindsExcept(&'a [Kind]),
}

/// A new state for tokens, outside of any batch.
#[derive(Clone, Copy, Debug)]
pub struct StateChange<'a> {
    /// The API host in whose queue the tokens are.
    pub host: &'a str,
    /// Which tokens.
    pub selection: Selection<'a>,
    /// Their new state, where [`State::may_become`] allows it; others are passed over.
    pub state: State,
    /// Why, for the audit trail.
    pub reason: &'a str,
}
