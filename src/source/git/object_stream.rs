//! A large object by its id, as a stream; and how large one is, before anything of it is read.

use std::io::Read;
use std::sync::Arc;

use flate2::bufread::ZlibDecoder;
use gix::oid;

use super::delta::{Delta, InvalidDelta};
use super::error::{DAMAGED_DELTA, DAMAGED_ZLIB, Damage, NO_BASE, ReadError};
use super::exact_reader::ExactReader;
use super::lookup::{ObjectCopy, PackFile};
use super::loose;
use super::object::Kind;
use super::object_store::{Damaged, Link, MAX_CHAIN, ObjectStore, inflate_untrusted, link_of};
use super::pack::EntryKind;

/// Bytes at the start of a delta that its two sizes fit in.
const DELTA_HEADER: u64 = 32;

/// How many times a chain of deltas may go on in another pack.
const MAX_ELSEWHERE: usize = 16;

impl ObjectStore {
    /// The kind and size of the object `id`. No more of it is read than that takes.
    pub(super) fn header(&self, id: &oid) -> Result<(Kind, usize), ReadError> {
        let copies = self.lookup.copies(id);
        copies.iter().find_map(|copy| self.header_of(copy).ok()).ok_or_else(|| ReadError::of(&copies))
    }

    /// Calls `visit` with the bytes of the object `id`, one copy after the other until one is sound. What is held of it is
    /// a window or, where it is a delta, its base.
    pub(super) fn stream(&self, id: &oid, visit: &mut dyn FnMut(&mut dyn Read)) -> Result<(), ReadError> {
        let copies = self.lookup.copies(id);
        let sound = copies.iter().any(|copy| self.stream_copy(copy, visit).is_ok());
        if sound { Ok(()) } else { Err(ReadError::of(&copies)) }
    }

    fn header_of(&self, copy: &ObjectCopy) -> Result<(Kind, usize), Damage> {
        match copy {
            ObjectCopy::Loose(path) => loose::open(path).map(|(kind, size, _)| (kind, size)),
            ObjectCopy::Packed(pack, offset) => {
                let entry = pack.entry(*offset)?;
                let size = match entry.kind {
                    EntryKind::Object(_) => entry.size,
                    _ => delta_result_size(entry.deflated)?,
                };
                Ok((self.kind_of(pack, *offset)?, size))
            }
        }
    }

    /// The kind of a packed object: that of the base at the end of its chain.
    fn kind_of(&self, pack: &Arc<PackFile>, offset: u64) -> Result<Kind, Damage> {
        let (mut pack, mut at, mut hops) = (Arc::clone(pack), offset, 0);
        for _ in 0..MAX_CHAIN {
            let elsewhere = match link_of(&pack, at) {
                Ok(Link::Root(kind, _)) => return Ok(kind),
                Ok(Link::Delta(base)) => {
                    at = base;
                    continue;
                }
                Ok(Link::Elsewhere(id)) => id.to_owned(),
                Err(damage) => pack.id_at(at).ok_or(damage)?,
            };
            hops += 1;
            let is_here = |copy: &ObjectCopy| matches!(copy, ObjectCopy::Packed(other, offset) if other.number == pack.number && *offset == at);
            let copy = self.lookup.copies(&elsewhere).into_iter().find(|copy| !is_here(copy));
            match copy.filter(|_| hops <= MAX_ELSEWHERE).ok_or(NO_BASE)? {
                ObjectCopy::Loose(path) => return loose::open(&path).map(|(kind, _, _)| kind),
                ObjectCopy::Packed(next, offset) => (pack, at) = (next, offset),
            }
        }
        Err(DAMAGED_DELTA)
    }

    fn stream_copy(&self, copy: &ObjectCopy, visit: &mut dyn FnMut(&mut dyn Read)) -> Result<(), Damage> {
        match copy {
            ObjectCopy::Loose(path) => {
                let (_, size, inflated) = loose::open(path)?;
                visit_exactly(inflated, size, visit)
            }
            ObjectCopy::Packed(pack, offset) => {
                let entry = pack.entry(*offset)?;
                let base = match link_of(pack, *offset)? {
                    Link::Root(..) => {
                        return visit_exactly(ZlibDecoder::new(entry.deflated), entry.size, visit);
                    }
                    Link::Delta(base) => self.read_packed(pack, base, &mut Damaged::new())?.1,
                    Link::Elsewhere(id) => self.read_sound(id, &|_, _| true).ok_or(NO_BASE)?.1,
                };
                let mut instructions = Vec::new();
                inflate_untrusted(entry, &mut instructions, self.max_object)?;
                let delta = Delta::parse(&instructions).map_err(|InvalidDelta| DAMAGED_DELTA)?;
                if delta.base_size != base.len() {
                    return Err(DAMAGED_DELTA);
                }
                visit_exactly(delta.reader(&base), delta.size, visit)
            }
        }
    }
}

fn visit_exactly(bytes: impl Read, size: usize, visit: &mut dyn FnMut(&mut dyn Read)) -> Result<(), Damage> {
    let mut reader = ExactReader::new(bytes, size);
    visit(&mut reader);
    reader.outcome()
}

/// The size of the object that a deflated delta makes.
fn delta_result_size(deflated: &[u8]) -> Result<usize, Damage> {
    let mut header = Vec::new();
    // What is behind may be damaged: whoever reads it will tell.
    let _ = ZlibDecoder::new(deflated).take(DELTA_HEADER).read_to_end(&mut header);
    Delta::parse(&header).map(|delta| delta.size).map_err(|InvalidDelta| DAMAGED_ZLIB)
}
