//! A pack that is held in memory, where it cannot be written to a file: its objects one by one (gitformat-pack(5)).

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::Arc;

use flate2::bufread::ZlibDecoder;
use gix::ObjectId;

use super::base_cache::BaseCache;
use super::object::{Object, compute_id};
use super::object_store::{MAX_CHAIN, apply, inflate_untrusted};
use super::pack::{Entry, EntryKind, parse_entry};
use super::unindexed_pack::HEADER;

/// The entries of a pack in memory.
pub struct MemoryPack<'p> {
    bytes: &'p [u8],
    hash: gix::hash::Kind,
    offsets: Vec<u64>,
    /// How many its header announces.
    pub announced: usize,
    /// The most bytes of one object that are held.
    object_bytes: usize,
    stopped: &'p dyn Fn() -> bool,
}

/// How far the objects of a pack could be built.
pub struct Built {
    pub objects: usize,
    /// Whether each entry is one, and nothing else is in the pack.
    pub is_all: bool,
}

impl<'p> MemoryPack<'p> {
    /// Finds the entries, up to the first that is damaged; no more than so many, and as long as it is not `stopped`.
    pub fn open(
        bytes: &'p [u8],
        entries: usize,
        object_bytes: usize,
        stopped: &'p dyn Fn() -> bool,
    ) -> Option<Self> {
        let announced = u32::from_be_bytes(*bytes.get(8..)?.first_chunk()?) as usize;
        // No pack says which hash it is of: its checksum is as long as an id, and stands behind the last entry.
        let of = |hash| MemoryPack { bytes, hash, offsets: Vec::new(), announced, object_bytes, stopped };
        let mut packs = [gix::hash::Kind::Sha1, gix::hash::Kind::Sha256].map(of);
        for pack in &mut packs {
            pack.find_entries(entries);
        }
        let [sha1, sha256] = packs;
        Some(if sha256.is_whole() && !sha1.is_whole() { sha256 } else { sha1 })
    }

    fn find_entries(&mut self, most: usize) {
        let mut offset = HEADER;
        while self.offsets.len() < self.announced.min(most)
            && let Some(end) = self.entry_end(offset)
        {
            self.offsets.push(offset);
            offset = end;
        }
    }

    /// Where the checksum begins.
    fn end(&self) -> usize {
        self.bytes.len().saturating_sub(self.hash.len_in_bytes())
    }

    fn entry(&self, offset: u64) -> Option<Entry<'p>> {
        let begin = usize::try_from(offset).ok()?;
        parse_entry(self.bytes.get(begin..self.end())?, offset, self.hash.len_in_bytes())
    }

    /// Where the entry at an offset ends; none where it is damaged.
    fn entry_end(&self, offset: u64) -> Option<u64> {
        let entry = self.entry(offset)?;
        let mut inflated = ZlibDecoder::new(entry.deflated);
        let (mut buffer, mut size) = ([0; 8 * 1024], 0);
        loop {
            match inflated.read(&mut buffer).ok()? {
                _ if size > entry.size || (self.stopped)() => return None,
                0 => break,
                read => size += read,
            }
        }
        let begin = (self.end() - entry.deflated.len()) as u64;
        (size == entry.size).then(|| begin + inflated.total_in())
    }

    /// Whether all entries were found, up to the checksum.
    fn is_whole(&self) -> bool {
        let last = self.offsets.last().map_or(Some(HEADER), |last| self.entry_end(*last));
        self.offsets.len() == self.announced && last == Some(self.end() as u64)
    }

    /// Calls `each` with the kind, the id and the bytes of each object that can be built.
    pub fn for_each_object(&self, each: &mut dyn FnMut(&'static str, &str, &[u8])) -> Built {
        let (mut bases, mut by_id) = (BaseCache::default(), HashMap::new());
        let mut unbuilt = self.offsets.clone();
        // A delta against a base that is named by its id can be built once that id is known.
        loop {
            let before = unbuilt.len();
            unbuilt.retain(|offset| {
                if (self.stopped)() {
                    return true;
                }
                let Some((kind, bytes)) = self.build(*offset, &mut bases, &by_id) else { return true };
                let Some(id) = compute_id(kind, &bytes, self.hash) else { return true };
                each(kind.name(), &id.to_string(), &bytes);
                by_id.insert(id, *offset);
                false
            });
            if unbuilt.is_empty() || unbuilt.len() == before || (self.stopped)() {
                break;
            }
        }
        Built { objects: by_id.len(), is_all: unbuilt.is_empty() && self.is_whole() }
    }

    /// Builds the object of an entry: down its chain of deltas to one that is none, and up again.
    fn build(&self, offset: u64, bases: &mut BaseCache, by_id: &HashMap<ObjectId, u64>) -> Option<Object> {
        let (mut chain, mut at) = (Vec::new(), offset);
        let mut object = loop {
            if let Some(base) = bases.get((0, at)) {
                break base;
            }
            let entry = self.entry(at)?;
            let base = match entry.kind {
                EntryKind::Object(kind) => {
                    let mut bytes = Vec::new();
                    inflate_untrusted(entry, &mut bytes, self.object_bytes).ok()?;
                    break (kind, Arc::new(bytes));
                }
                EntryKind::OfsDelta(base) => base,
                EntryKind::RefDelta(id) => *by_id.get(&ObjectId::try_from(id).ok()?)?,
            };
            chain.push(at);
            at = base;
            // One that is longer goes in a circle.
            if chain.len() > MAX_CHAIN {
                return None;
            }
        };
        bases.keep((0, at), &object);
        for link in chain.into_iter().rev() {
            object = apply(Ok(self.entry(link)?), &object, self.object_bytes).ok()?;
            bases.keep((0, link), &object);
        }
        Some(object)
    }
}
