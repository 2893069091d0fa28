//! A pack index: at which offset of its pack each object starts. Versions 1 and 2 (gitformat-pack(5), "pack-*.idx
//! files have the following format").

use std::path::Path;

use gix::ObjectId;

use super::error::Error;

/// Bytes of the fan-out table: for each first byte of an id, how many ids start with it or a lower one.
const FAN_OUT: usize = 256 * 4;
/// What version 2 starts with: a magic number, and the version. Version 1 starts with its fan-out table.
const MAGIC: [u8; 8] = [0xff, b't', b'O', b'c', 0, 0, 0, 2];

/// A pack index, read whole: about 28 bytes an object. Objects are numbered in the order of their ids, from 0: such a
/// number is called an object's index.
pub(super) struct PackIndex {
    bytes: Vec<u8>,
    count: usize,
    /// Bytes of an id.
    id_len: usize,
    layout: Layout,
}

/// Where the tables behind the fan-out table are.
enum Layout {
    /// One table of offset and id.
    V1,
    /// A table of ids, one of checksums, one of offsets, and one of the offsets that need 64 bits.
    V2 { offsets: usize, large_offsets: usize },
}

impl PackIndex {
    /// Reads the pack index at `path`, whose ids have `id_len` bytes.
    pub(super) fn read(path: &Path, id_len: usize) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => Error::NoPackIndex,
            _ => Error::Io { path: path.to_owned(), source },
        })?;
        PackIndex::parse(bytes, id_len).ok_or_else(|| Error::PackIndex { path: path.to_owned() })
    }

    /// The index of a pack that has these ids at these offsets.
    pub(super) fn of(mut entries: Vec<(ObjectId, u64)>, id_len: usize) -> Self {
        entries.sort_unstable();
        let mut bytes = vec![0; MAGIC.len() + FAN_OUT];
        bytes.extend(entries.iter().flat_map(|(id, _)| id.as_bytes()));
        let offsets = bytes.len();
        // Each is told as the number of one with 64 bits.
        bytes.extend((1_u32 << 31..).zip(&entries).flat_map(|(number, _)| number.to_be_bytes()));
        let large_offsets = bytes.len();
        bytes.extend(entries.iter().flat_map(|(_, offset)| offset.to_be_bytes()));
        PackIndex { bytes, count: entries.len(), id_len, layout: Layout::V2 { offsets, large_offsets } }
    }

    /// The same as git writes it, in version 2, but without the checksums, which nobody reads here.
    pub(super) fn to_file(&self, id_len: usize) -> Vec<u8> {
        let ids = || (0..self.len()).map(|at| self.id(at));
        let mut counts = [0_u32; 256];
        for first in ids().filter_map(|id| id.first()) {
            counts[usize::from(*first)] += 1;
        }
        let mut file = MAGIC.to_vec();
        let mut total = 0_u32;
        for count in counts {
            total += count;
            file.extend(total.to_be_bytes());
        }
        file.extend(ids().flatten());
        file.resize(file.len() + 4 * self.len(), 0);
        let mut large = Vec::new();
        for offset in (0..self.len()).map(|at| self.offset(at).unwrap_or(0)) {
            let small = u32::try_from(offset).ok().filter(|offset| offset >> 31 == 0);
            let slot = small.unwrap_or_else(|| {
                large.extend(offset.to_be_bytes());
                1 << 31 | u32::try_from(large.len() / 8 - 1).unwrap_or(0)
            });
            file.extend(slot.to_be_bytes());
        }
        file.append(&mut large);
        file.resize(file.len() + 2 * id_len, 0);
        file
    }

    fn parse(bytes: Vec<u8>, id_len: usize) -> Option<Self> {
        let is_v2 = bytes.starts_with(&MAGIC);
        let fan_out = if is_v2 { MAGIC.len() } else { 0 };
        let mut total = 0;
        for slot in bytes.get(fan_out..fan_out + FAN_OUT)?.chunks_exact(4) {
            let count = be_u32(slot)?;
            if count < total {
                return None;
            }
            total = count;
        }
        let count = usize::try_from(total).ok()?;
        let ids = fan_out + FAN_OUT;
        let (layout, min_len) = if is_v2 {
            let offsets = ids + count * (id_len + 4);
            let large_offsets = offsets + count * 4;
            (Layout::V2 { offsets, large_offsets }, large_offsets + 2 * id_len)
        } else {
            (Layout::V1, ids + count * (id_len + 4) + 2 * id_len)
        };
        (bytes.len() >= min_len).then_some(PackIndex { bytes, count, id_len, layout })
    }

    /// How many objects it lists.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The id of an object; empty behind the last.
    pub(super) fn id(&self, index: usize) -> &[u8] {
        let start = match self.layout {
            Layout::V1 => FAN_OUT + index * (self.id_len + 4) + 4,
            Layout::V2 { .. } => MAGIC.len() + FAN_OUT + index * self.id_len,
        };
        self.bytes.get(start..start + self.id_len).unwrap_or_default()
    }

    /// The offset at which an object's entry starts within the pack. In version 2, the highest bit marks an index into
    /// the table of 64-bit offsets.
    pub(super) fn offset(&self, index: usize) -> Option<u64> {
        let u32_at = |start: usize| self.bytes.get(start..start + 4).and_then(be_u32);
        match self.layout {
            Layout::V1 => u32_at(FAN_OUT + index * (self.id_len + 4)).map(u64::from),
            Layout::V2 { offsets, large_offsets } => {
                let offset = u32_at(offsets + index * 4)?;
                if offset >> 31 == 0 {
                    return Some(u64::from(offset));
                }
                let start = large_offsets + usize::try_from(offset & 0x7fff_ffff).ok()? * 8;
                Some(u64::from(u32_at(start)?) << 32 | u64::from(u32_at(start + 4)?))
            }
        }
    }

    /// The index of the object with this id.
    pub(super) fn find(&self, id: &[u8]) -> Option<usize> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            match self.id(middle).cmp(id) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
    }
}

fn be_u32(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}
