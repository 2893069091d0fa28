//! What a pass over the object database calls for each object.

use std::io::Read;
use std::path::Path;

use gix::{ObjectId, oid};

use super::delta::{Delta, InvalidDelta};
use super::error::Damage;
use super::object::Kind;
use super::tree_entries::TreeEntries;
use crate::blob::{HEAD, Prefilter};
use crate::shard::Shard;

/// A blob of more inflated bytes is passed on as a stream, unless other objects are deltas against it.
pub(super) const STREAM_THRESHOLD: usize = 32 << 20;

/// Called for every object of a database, from many threads, in no order.
///
/// An implementor says which kinds it wants and what it does with an object. The rest has defaults: only the pass that
/// scans content takes large blobs, and reports what is damaged.
pub(super) trait ObjectVisitor: Sync {
    /// Whether objects of this kind are to be read at all.
    fn wants(&self, kind: Kind) -> bool;

    /// An object.
    fn object(&self, id: &oid, kind: Kind, bytes: &[u8]);

    /// An object of `size` bytes, which are left out because the prefilter rules out a match in them. Its id is looked up
    /// where it is asked for. To be written by whoever has a prefilter.
    fn ruled_out(&self, _kind: Kind, _size: usize, _id: &dyn Fn() -> ObjectId) {}

    /// A blob of more than [`STREAM_THRESHOLD`] bytes; where it is damaged, it ends early and is told of as damaged. To be
    /// written by whoever wants blobs.
    fn stream(&self, _id: &oid, _size: usize, _inflated: &mut dyn Read) {}

    /// An object that cannot be read from `path`, the pack or the loose object's file.
    fn damaged(&self, _id: &oid, _path: &Path, _damage: Damage) {}

    /// Rules out objects of this kind by their bytes; without one, the bytes of every object are passed on.
    fn prefilter(&self, _kind: Kind) -> Option<&dyn Prefilter> {
        None
    }

    /// For whoever wants nothing but trees, and of them only the entries: those in a pack are passed to this one.
    fn trees(&self) -> Option<&dyn TreeVisitor> {
        None
    }

    /// The share of the objects that is passed on, for whoever does not want all: with it every commit, whichever shard it
    /// belongs to, and no damage of others' objects.
    fn shard(&self) -> Option<Shard> {
        None
    }

    /// Whether to end the pass early.
    fn stopped(&self) -> bool {
        false
    }
}

/// Called for the trees of a pack.
pub(super) trait TreeVisitor {
    /// The entries of a tree.
    fn entries(&self, bytes: &[u8]) -> TreeEntries;

    /// The entries of a tree that is a delta against one with the entries `base`; it may be a base itself.
    fn delta_entries(
        &self,
        base: &TreeEntries,
        delta: (&Delta<'_>, &[u8]),
        is_base: bool,
    ) -> Result<TreeEntries, InvalidDelta>;

    /// A tree.
    fn tree(&self, id: &oid, entries: &TreeEntries);
}

/// Whether a match is possible in an object: by its own bytes, or because it is a container that has to be opened.
pub(super) fn may_match(visitor: &dyn ObjectVisitor, kind: Kind, bytes: &[u8]) -> bool {
    visitor.prefilter(kind).is_none_or(|prefilter| {
        bytes_may_match(prefilter, kind, bytes)
            || kind == Kind::Blob && prefilter.must_open(&bytes[..bytes.len().min(HEAD)])
    })
}

/// Only blobs are containers: what the ids in a tree begin like is chance. Nor does a name in a tree go on behind its zero.
pub(super) fn bytes_may_match(prefilter: &dyn Prefilter, kind: Kind, bytes: &[u8]) -> bool {
    match kind {
        Kind::Blob => prefilter.may_match(bytes),
        Kind::Commit | Kind::Tag => prefilter.may_match_in_text(bytes),
        Kind::Tree => {
            let ended = bytes.iter().map(|byte| if *byte == 0 { NAME_END } else { *byte });
            prefilter.may_match_in_text(&ended.collect::<Vec<_>>())
        }
    }
}

/// What no text goes on behind.
pub(super) const NAME_END: u8 = 1;

/// Whether a match is possible in an object whose base has none.
pub(super) fn delta_may_match(
    prefilter: &dyn Prefilter,
    kind: Kind,
    (delta, base): (&Delta<'_>, &[u8]),
    new_bytes: &mut Vec<u8>,
) -> Result<bool, InvalidDelta> {
    delta.new_bytes(base, prefilter.context(), new_bytes)?;
    if bytes_may_match(prefilter, kind, new_bytes) {
        return Ok(true);
    }
    if kind != Kind::Blob || delta.keeps_head(HEAD) {
        return Ok(false);
    }
    delta.head(base, HEAD, new_bytes)?;
    Ok(prefilter.must_open(new_bytes))
}
