//! A pack that is in no repository: which hash its ids are made with, where its entries are, and what cannot be built of it.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use super::delta::{Delta, Instruction};
use super::error::Error;
use super::indexed_pack::IndexedPack;
use super::object_store::inflate_untrusted;
use super::pack::{EntryKind, Pack};
use super::pack_index::PackIndex;
use super::unindexed_pack::{self, Extent, entry_offsets, offsets_past_damage};
use crate::blob::{Fault, FaultKind};

/// A pack, and what is known of it.
pub(super) struct GatheredPack {
    pub(super) pack: IndexedPack,
    pub(super) hash: gix::hash::Kind,
    /// The entries whose objects could not be built.
    pub(super) unbuilt: Vec<u64>,
    /// How many entries were found.
    found: usize,
    /// How many there should be.
    announced: usize,
    /// Whether it is known that there is nothing in the file but those.
    pub(super) is_whole: bool,
}

/// An index of more bytes is made again.
const MAX_INDEX: u64 = 64 << 20;

/// Opens the pack at `path`. Its index is believed where it names as many entries as there are, each once; else it is made.
pub(super) fn open(
    path: &Path,
    hint: Option<gix::hash::Kind>,
    extent: &Extent<'_>,
) -> Result<GatheredPack, Error> {
    let kinds = [gix::hash::Kind::Sha1, gix::hash::Kind::Sha256];
    let kinds = || kinds.into_iter().filter(|kind| hint.is_none_or(|hint| hint == *kind));
    let index = path.with_extension("idx");
    let is_usable = fs::metadata(&index).is_ok_and(|index| index.len() <= MAX_INDEX);
    for hash in kinds().filter(|_| is_usable) {
        let pack = Pack::open(path, hash)?;
        if let Ok(index) = PackIndex::read(&index, hash.len_in_bytes())
            && fits(&index, &pack, extent)
        {
            let announced = pack.announced();
            let pack = IndexedPack::of(path.to_owned(), pack, index).holding_at_most(extent.object);
            return Ok(GatheredPack {
                pack,
                hash,
                unbuilt: Vec::new(),
                found: announced,
                announced,
                is_whole: false,
            });
        }
    }
    // No pack says which hash it is of. Its entries end where its checksum begins, which has 20 or 32 bytes.
    let mut best: Option<(Pack, Vec<u64>, gix::hash::Kind, bool)> = None;
    for hash in kinds() {
        let pack = Pack::open(path, hash)?;
        let (offsets, end) = entry_offsets(&pack, extent);
        let behind = (pack.end() + hash.len_in_bytes() as u64).saturating_sub(end);
        let is_whole = offsets.len() == pack.announced() && behind == hash.len_in_bytes() as u64;
        if best.as_ref().is_none_or(|(_, known, ..)| is_whole || offsets.len() > known.len()) {
            best = Some((pack, offsets, hash, is_whole));
        }
        if is_whole {
            break;
        }
    }
    let Some((pack, mut offsets, hash, is_whole)) = best else { return Err(Error::NoPackIndex) };
    if !is_whole && offsets.len() < pack.announced().min(extent.entries) {
        offsets = offsets_past_damage(&pack, extent);
    }
    let (found, announced) = (offsets.len(), pack.announced());
    let unindexed = unindexed_pack::build(path, pack, &offsets, hash, extent);
    // What is looked up by its id is looked up there.
    fs::write(&index, unindexed.pack.index.to_file(hash.len_in_bytes()))
        .map_err(|source| Error::Io { path: index, source })?;
    Ok(GatheredPack { pack: unindexed.pack, hash, unbuilt: unindexed.unbuilt, found, announced, is_whole })
}

/// Whether an index leaves out nothing of a pack: a wrong one, or one that was made to hide something, does.
fn fits(index: &PackIndex, pack: &Pack, extent: &Extent<'_>) -> bool {
    if index.len() != pack.announced() || index.len() > extent.entries {
        return false;
    }
    let offsets = (0..index.len()).map(|at| index.offset(at).filter(|offset| *offset < pack.end()));
    let Some(mut offsets) = offsets.collect::<Option<Vec<u64>>>() else { return false };
    offsets.sort_unstable();
    let are_distinct = offsets.windows(2).all(|two| two[0] != two[1]);
    are_distinct && offsets.first().is_none_or(|first| *first == unindexed_pack::HEADER)
}

impl GatheredPack {
    /// What of it was not read.
    pub(super) fn fault(&self, path: String, extent: &Extent<'_>) -> Option<Fault> {
        let (found, announced) = (self.found, self.announced);
        let (kind, reason) = if found < announced && found >= extent.entries {
            let reason = format!(
                "cut short by max_entries: {found} of its {announced} objects were read; \
                 raise the limit in your configuration if you trust this file"
            );
            (FaultKind::CutShort, reason)
        } else if found < announced && !(extent.stopped)() {
            let reason = format!(
                "damaged: {found} of the {announced} objects in this pack could be found, and were scanned; \
                 get a whole copy to have the rest scanned"
            );
            (FaultKind::Damaged, reason)
        } else if !self.unbuilt.is_empty() && !(extent.stopped)() {
            let reason = format!(
                "{} of its {announced} objects are deltas against objects that are not in it, or are damaged: what they add \
                 was scanned; to have all of them scanned, fetch it into a clone that has the others, and run: stanch git",
                self.unbuilt.len()
            );
            (FaultKind::Unreadable, reason)
        } else {
            return None;
        };
        Some(Fault { path, kind, reason })
    }

    /// What an entry that cannot be built adds to an object that is not there: the bytes that it inserts, a line each.
    pub(super) fn added_by(&self, offset: u64, most: usize) -> Vec<u8> {
        let (mut instructions, mut added) = (Vec::new(), Vec::new());
        let Ok(entry) = self.pack.pack().entry_at(offset) else { return added };
        if matches!(entry.kind, EntryKind::Object(_)) {
            // As far as it goes.
            let inflated = flate2::bufread::ZlibDecoder::new(entry.deflated);
            let _ = inflated.take(most as u64).read_to_end(&mut added);
            return added;
        }
        if inflate_untrusted(entry, &mut instructions, most).is_err() {
            return added;
        }
        let Ok(delta) = Delta::parse(&instructions) else { return added };
        let mut follows = false;
        for instruction in delta.instructions().map_while(Result::ok) {
            match instruction {
                Instruction::Insert(bytes) => {
                    // An insertion has at most 127 bytes: several in a row are one.
                    if !follows && !added.is_empty() {
                        added.push(b'\n');
                    }
                    added.extend_from_slice(bytes);
                    follows = true;
                }
                Instruction::Copy { .. } => follows = false,
            }
        }
        added
    }
}
