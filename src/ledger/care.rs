//! Care of a ledger as a whole: checking it, sealing it anew, copying it.

use super::audit::Head;

/// What a ledger holds, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// What is wrong, each in a sentence that says what to do.
    pub problems: Vec<String>,
    /// How many tokens it has.
    pub tokens: u64,
    /// How many records its trail has.
    pub records: u64,
    /// How many chains these are in.
    pub chains: u64,
    /// The record that was written last.
    pub head: Head,
}

/// What of a host's queue was damaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Damaged {
    /// How many tokens were set aside, `held`: a scan that finds them again queues them anew.
    pub set_aside: u64,
    /// How many rows say nothing that can be believed, not even whether their tokens were accepted. They are left as they are.
    pub unknown: u64,
}

impl Damaged {
    /// Both together.
    pub fn tokens(&self) -> u64 {
        self.set_aside + self.unknown
    }
}

/// What a new key did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rekeyed {
    /// How many tokens were sealed with it.
    pub resealed: u64,
    /// How many could not be opened, and are held back.
    pub held: u64,
}
