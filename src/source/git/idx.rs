//! A pack's index: which object stands where. Versions 1 and 2 of `gitformat-pack(5)`.

use std::path::Path;

use super::Error;

const FAN: usize = 256 * 4;
const MAGIC: [u8; 8] = [0xff, b't', b'O', b'c', 0, 0, 0, 2];

/// An index, read whole: about 28 bytes an object. Ids are `width` bytes long.
pub(super) struct Idx {
    bytes: Vec<u8>,
    count: usize,
    width: usize,
    layout: Layout,
}

/// Where the tables of an index start.
enum Layout {
    /// One table of offset and id.
    One,
    /// A table of ids, one of offsets, one of those offsets that need 64 bits.
    Two { offsets: usize, large: usize },
}

impl Idx {
    /// Reads the index at `path`, whose ids have `width` bytes.
    pub(super) fn read(path: &Path, width: usize) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        Idx::parse(bytes, width).ok_or_else(|| Error::PackIndex { path: path.to_owned() })
    }

    fn parse(bytes: Vec<u8>, width: usize) -> Option<Self> {
        let two = bytes.starts_with(&MAGIC);
        let fan = if two { MAGIC.len() } else { 0 };
        let mut total = 0;
        for slot in bytes.get(fan..fan + FAN)?.chunks_exact(4) {
            let count = number(slot)?;
            if count < total {
                return None;
            }
            total = count;
        }
        let count = usize::try_from(total).ok()?;
        let ids = fan + FAN;
        let (layout, least) = if two {
            let offsets = ids + count * (width + 4);
            (Layout::Two { offsets, large: offsets + count * 4 }, offsets + count * 4 + 2 * width)
        } else {
            (Layout::One, ids + count * (width + 4) + 2 * width)
        };
        (bytes.len() >= least).then_some(Idx { bytes, count, width, layout })
    }

    /// How many objects it lists.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The id at a place in the order of ids; empty behind the last.
    pub(super) fn id(&self, at: usize) -> &[u8] {
        let start = match self.layout {
            Layout::One => FAN + at * (self.width + 4) + 4,
            Layout::Two { .. } => MAGIC.len() + FAN + at * self.width,
        };
        self.bytes.get(start..start + self.width).unwrap_or_default()
    }

    /// Where the object at that place starts within the pack.
    pub(super) fn offset(&self, at: usize) -> Option<u64> {
        let word = |start: usize| self.bytes.get(start..start + 4).and_then(number);
        match self.layout {
            Layout::One => word(FAN + at * (self.width + 4)).map(u64::from),
            Layout::Two { offsets, large } => {
                let offset = word(offsets + at * 4)?;
                if offset >> 31 == 0 {
                    return Some(u64::from(offset));
                }
                let start = large + usize::try_from(offset & 0x7fff_ffff).ok()? * 8;
                Some(u64::from(word(start)?) << 32 | u64::from(word(start + 4)?))
            }
        }
    }

    /// The place of an id.
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

fn number(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}
