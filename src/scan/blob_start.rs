//! Where a blob begins: asked for with its first hit, and with no other.

use std::cell::OnceCell;

use crate::blob::Origin;
use crate::finding::Location;

/// The location of a blob's first byte.
pub(super) struct BlobStart<'o> {
    origin: &'o dyn Fn() -> Origin,
    location: OnceCell<Location>,
}

impl<'o> BlobStart<'o> {
    pub(super) fn new(origin: &'o dyn Fn() -> Origin) -> Self {
        BlobStart { origin, location: OnceCell::new() }
    }

    /// The location, as `redact` leaves it: a path may hold a token itself.
    pub(super) fn location(&self, redact: impl FnOnce(Origin) -> Origin) -> &Location {
        self.location.get_or_init(|| Location::new(redact((self.origin)()), 0, 1, 1, Vec::new()))
    }
}
