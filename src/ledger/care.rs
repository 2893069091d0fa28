//! Care of a ledger as a whole: checking it, sealing it anew, copying it.

use super::audit::Head;

/// What a ledger holds, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// What is wrong, each in a sentence that says what to do.
    pub problems: Vec<String>,
    /// How many tokens it has.
    pub tokens: u64,
    /// The last record of its trail.
    pub head: Head,
}

/// What a new key did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rekeyed {
    /// How many tokens were sealed with it.
    pub resealed: u64,
    /// How many could not be opened, and are held back.
    pub held: u64,
}
