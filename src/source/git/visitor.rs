//! What a pass over the object database calls for each object.

use std::io::Read;
use std::path::Path;

use gix::oid;

use super::error::Damage;
use super::object::Kind;
use crate::blob::{HEAD, Prefilter};

/// A blob of more inflated bytes is passed on as a stream, unless other objects are deltas against it.
pub(super) const STREAM_THRESHOLD: usize = 32 << 20;

/// Called for every object of a database, from many threads, in no order.
///
/// An implementor says which kinds it wants and what it does with an object. The rest has defaults: only the pass that
/// scans content takes large blobs, and reports what is damaged.
pub(super) trait ObjectVisitor: Sync {
    /// Whether objects of this kind are to be read at all.
    fn wants(&self, kind: Kind) -> bool;

    /// An object of `size` bytes. The bytes are left out where the prefilter rules out a match in them.
    fn object(&self, id: &oid, kind: Kind, size: usize, bytes: Option<&[u8]>);

    /// A blob of more than [`STREAM_THRESHOLD`] bytes; where it is damaged, it ends early and is told of as damaged. To be
    /// written by whoever wants blobs.
    fn stream(&self, _id: &oid, _size: usize, _inflated: &mut dyn Read) {}

    /// An object that cannot be read from `path`, the pack or the loose object's file.
    fn damaged(&self, _id: &oid, _path: &Path, _damage: Damage) {}

    /// Rules out objects by their bytes; without one, the bytes of every object are passed on.
    fn prefilter(&self) -> Option<&dyn Prefilter> {
        None
    }

    /// Whether to end the pass early.
    fn stopped(&self) -> bool {
        false
    }
}

/// Whether a match is possible in an object: by its own bytes, or because it is a container that has to be opened.
pub(super) fn may_match(prefilter: &dyn Prefilter, kind: Kind, bytes: &[u8]) -> bool {
    prefilter.may_match(bytes) || kind == Kind::Blob && prefilter.must_open(&bytes[..bytes.len().min(HEAD)])
}
