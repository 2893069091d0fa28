//! Where the tokens of a queue go.

use crate::ledger::HostEntry;
use crate::provider::Revoker;
use crate::token::Fingerprint;

/// The way to an API base.
pub struct Destination {
    /// What people call it.
    pub label: String,
    /// What revokes there. Its requests must not be ended by the signal that ends the server, but by
    /// [`Stop::abort`](crate::serve::Stop::abort).
    pub revoker: Box<dyn Revoker>,
    /// The credential that signs the requests, where there is one.
    pub credential: Option<Fingerprint>,
}

/// Knows the ways that the server's user allows.
pub trait Destinations: Sync {
    /// The way to an API base of the ledger, all of whose API bases are `known`; or why nothing is sent there.
    fn open(&self, entry: &HostEntry, known: &[HostEntry]) -> Result<Destination, String>;
}
