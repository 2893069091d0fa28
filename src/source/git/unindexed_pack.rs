//! A pack without an index, as an interrupted fetch leaves it: git passes over it, and its objects are there all the same.
//! The index is made here: first the entries are found one after the other, then their objects are built for their ids.

use std::io::{self, Read as _};
use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::sync::{Mutex, PoisonError};

use flate2::bufread::ZlibDecoder;
use gix::{ObjectId, oid};

use super::error::Error;
use super::indexed_pack::IndexedPack;
use super::object::{Kind, compute_id, compute_stream_id};
use super::pack::Pack;
use super::pack_index::PackIndex;
use super::pack_walk::PackWalk;
use super::visitor::ObjectVisitor;

/// Bytes of a pack in front of its first entry: `PACK`, its version and its number of entries.
pub(super) const HEADER: u64 = 12;

/// A pack whose index was made here.
pub(super) struct UnindexedPack {
    pub(super) pack: IndexedPack,
    /// How many entries it should have.
    pub(super) announced: usize,
    /// The offsets of those that were found, and whose objects could not be built.
    pub(super) unbuilt: Vec<u64>,
}

/// How far a pack is read that may have been made to take long.
pub(super) struct Extent<'a> {
    /// The most entries.
    pub(super) entries: usize,
    /// The most bytes of one object that are held.
    pub(super) object: usize,
    /// Whether to end early.
    pub(super) stopped: &'a (dyn Fn() -> bool + Sync),
}

/// All of it.
pub(super) const WHOLE: Extent<'static> =
    Extent { entries: usize::MAX, object: usize::MAX, stopped: &|| false };

impl UnindexedPack {
    /// What is wrong with it, where not all of it can be read.
    pub(super) fn lost(&self) -> Option<String> {
        let (known, announced) = (self.pack.index.len(), self.announced);
        (known < announced).then(|| {
            format!(
                "this pack has no usable index, and git passes over it; {known} of its {announced} objects can be read, \
                 and were scanned; if nothing is fetched right now, it can be deleted"
            )
        })
    }
}

/// Opens the pack at `path`.
pub(super) fn open(path: &Path, hash: gix::hash::Kind) -> Result<UnindexedPack, Error> {
    let pack = Pack::open(path, hash)?;
    let (offsets, _) = entry_offsets(&pack, &WHOLE);
    Ok(build(path, pack, &offsets, hash, &WHOLE))
}

/// Makes the index of a pack whose entries are at these offsets.
pub(super) fn build(
    path: &Path,
    pack: Pack,
    offsets: &[u64],
    hash: gix::hash::Kind,
    extent: &Extent<'_>,
) -> UnindexedPack {
    let announced = pack.announced();
    // Until its id is known, an entry has its number in place of it.
    let mut ids: Vec<ObjectId> = (0..offsets.len()).map(|number| numbered(number, hash)).collect();
    let index = |ids: &[ObjectId]| {
        let entries = ids.iter().copied().zip(offsets.iter().copied()).collect();
        PackIndex::of(entries, hash.len_in_bytes())
    };
    let mut pack = IndexedPack::of(path.to_owned(), pack, index(&ids)).holding_at_most(extent.object);
    let mut unknown = ids.len();
    // A delta against a base that is named by its id can be built once that id is known.
    loop {
        for (number, id) in built_ids(&pack, hash, extent) {
            if let Some(slot) = ids.get_mut(number) {
                *slot = id;
            }
        }
        let left = ids.iter().enumerate().filter(|(number, id)| **id == numbered(*number, hash)).count();
        if left == 0 || left == unknown || (extent.stopped)() {
            break;
        }
        unknown = left;
        pack = pack.with_index(index(&ids));
        // What is known need be built again only where others are deltas against it.
        for at in 0..pack.index.len() {
            if number_of(&pack.id(at)).is_none() {
                pack.pass_over(at);
            }
        }
    }
    let (mut entries, mut unbuilt) = (Vec::new(), Vec::new());
    for (number, (id, offset)) in ids.iter().zip(offsets).enumerate() {
        if *id == numbered(number, hash) {
            unbuilt.push(*offset);
        } else {
            entries.push((*id, *offset));
        }
    }
    UnindexedPack { pack: pack.with_index(PackIndex::of(entries, hash.len_in_bytes())), announced, unbuilt }
}

/// The offsets of all entries, up to the first that is damaged; and where the last one ends.
pub(super) fn entry_offsets(pack: &Pack, extent: &Extent<'_>) -> (Vec<u64>, u64) {
    let (mut offsets, mut offset) = (Vec::new(), HEADER);
    while offsets.len() < pack.announced().min(extent.entries)
        && !(extent.stopped)()
        && let Some(end) = entry_end(pack, offset)
    {
        offsets.push(offset);
        offset = end;
    }
    (offsets, offset)
}

/// The same past what is damaged: the next entry begins where a header stands before a zlib stream that comes out as it says.
pub(super) fn offsets_past_damage(pack: &Pack, extent: &Extent<'_>) -> Vec<u64> {
    let (mut offsets, mut offset) = (Vec::new(), HEADER);
    while offsets.len() < pack.announced().min(extent.entries) {
        let mut may_begin = (offset..pack.end())
            .take_while(|_| !(extent.stopped)())
            .filter(|at| pack.entry_at(*at).is_ok_and(|entry| entry.deflated.first() == Some(&0x78)));
        let found = may_begin.find_map(|at| Some((at, entry_end(pack, at)?)));
        let Some((begin, end)) = found else { break };
        offsets.push(begin);
        offset = end;
    }
    offsets
}

/// Where the entry at an offset ends; none where it is damaged.
fn entry_end(pack: &Pack, offset: u64) -> Option<u64> {
    let entry = pack.entry_at(offset).ok()?;
    let mut inflated = ZlibDecoder::new(entry.deflated);
    let read = io::copy(&mut (&mut inflated).take(entry.size as u64 + 1), &mut io::sink()).ok()?;
    (read == entry.size as u64).then(|| pack.end() - entry.deflated.len() as u64 + inflated.total_in())
}

/// A number in place of an id.
fn numbered(number: usize, hash: gix::hash::Kind) -> ObjectId {
    let mut id = ObjectId::null(hash);
    let bytes = id.as_mut_slice();
    let start = bytes.len() - size_of::<usize>();
    bytes[start..].copy_from_slice(&number.to_be_bytes());
    id
}

/// The number in place of an id, if there is one.
fn number_of(id: &oid) -> Option<usize> {
    let (zeros, number) = id.as_bytes().split_last_chunk()?;
    zeros.iter().all(|byte| *byte == 0).then(|| usize::from_be_bytes(*number))
}

/// The ids of those objects that have only a number, as far as they can be built.
fn built_ids(pack: &IndexedPack, hash: gix::hash::Kind, extent: &Extent<'_>) -> Vec<(usize, ObjectId)> {
    let visitor = IdVisitor { hash, ids: Mutex::default(), stopped: extent.stopped };
    let held = AtomicUsize::new(0);
    let walk = PackWalk::new(pack, &visitor, &held);
    rayon::scope(|scope| walk.spawn(scope));
    visitor.ids.into_inner().unwrap_or_else(PoisonError::into_inner)
}

struct IdVisitor<'a> {
    hash: gix::hash::Kind,
    ids: Mutex<Vec<(usize, ObjectId)>>,
    stopped: &'a (dyn Fn() -> bool + Sync),
}

impl IdVisitor<'_> {
    fn add(&self, number: Option<usize>, id: Option<ObjectId>) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).extend(number.zip(id));
    }
}

impl ObjectVisitor for IdVisitor<'_> {
    fn wants(&self, _: Kind) -> bool {
        true
    }

    fn stopped(&self) -> bool {
        (self.stopped)()
    }

    fn object(&self, id: &oid, kind: Kind, bytes: &[u8]) {
        let number = number_of(id);
        self.add(number, number.and_then(|_| compute_id(kind, bytes, self.hash)));
    }

    fn stream(&self, id: &oid, size: usize, inflated: &mut dyn io::Read) {
        let number = number_of(id);
        self.add(number, number.and_then(|_| compute_stream_id(size, inflated, self.hash)));
    }
}
