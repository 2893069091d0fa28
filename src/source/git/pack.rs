//! A pack: entries end to end, each an object or a delta (gitformat-pack(5), "pack-*.pack files have the following
//! format"). The file is mapped, and inflated entry by entry.

use std::io::Read as _;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use flate2::bufread::ZlibDecoder;
use gix::odb::pack::data::File;
use libdeflater::Decompressor;

use super::error::{DAMAGED_ZLIB, Damage, Error};
use super::object::Kind;

/// What an entry is, as its header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryKind<'a> {
    /// An undeltified object.
    Object(Kind),
    /// A delta against the entry that starts at this offset of the pack.
    OfsDelta(u64),
    /// A delta against the object with this id.
    RefDelta(&'a [u8]),
}

/// One entry of a pack.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) kind: EntryKind<'a>,
    /// Inflated size in bytes: of the object, or of the delta's instructions.
    pub(super) size: usize,
    /// A zlib stream (RFC 1950), and at times bytes behind it.
    pub(super) deflated: &'a [u8],
}

const CUT_SHORT: Damage = "it lies behind the end of its pack, which was cut short";
const DAMAGED_HEADER: Damage = "its header within the pack is damaged";

/// A mapped pack.
pub(super) struct Pack {
    file: File,
    /// No two that are open have the same.
    number: u32,
    /// Bytes of an id.
    id_len: usize,
}

impl Pack {
    /// Maps the pack at `path`.
    pub(super) fn open(path: &Path, hash: gix::hash::Kind) -> Result<Self, Error> {
        let file = File::at(path, hash).map_err(|error| {
            let reason = error.to_string();
            Error::Pack { path: path.to_owned(), reason }
        })?;
        Ok(Pack::of(file, hash.len_in_bytes()))
    }

    fn of(file: File, id_len: usize) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Pack { file, number: NEXT.fetch_add(1, Relaxed), id_len }
    }

    /// How many entries its header announces.
    pub(super) fn announced(&self) -> usize {
        self.file.num_objects() as usize
    }

    /// The offset at which the last entry ends, and the pack's checksum starts.
    pub(super) fn end(&self) -> u64 {
        self.file.pack_end() as u64
    }

    /// The entry at an offset, where nothing says at which one it ends.
    pub(super) fn entry_at(&self, start: u64) -> Result<Entry<'_>, Damage> {
        self.entry(start, self.end())
    }

    /// The entry between two offsets of the pack: its own, and the next one's.
    pub(super) fn entry(&self, start: u64, end: u64) -> Result<Entry<'_>, Damage> {
        let bytes = (end.min(self.end()) > start)
            .then(|| self.file.entry_slice(start..end.min(self.end())))
            .flatten()
            .ok_or(CUT_SHORT)?;
        parse_entry(bytes, start, self.id_len).ok_or(DAMAGED_HEADER)
    }
}

/// Reads the entries of packs one after the other, into a buffer: what is read of a mapping counts as memory of the process as
/// long as it is mapped.
pub(super) struct EntryReader {
    /// The number of the pack that was read last, and its file.
    pack: Option<u32>,
    file: Option<std::fs::File>,
    /// Bytes of it, from an offset on.
    buffer: Vec<u8>,
    start: u64,
    /// A mapping for one large entry.
    mapping: Option<Pack>,
    at_once: usize,
}

/// An entry of more bytes is mapped.
const MAX_BUFFER: u64 = 1 << 20;

impl EntryReader {
    /// One that reads so many bytes at once.
    pub(super) fn new(at_once: usize) -> Self {
        EntryReader { pack: None, file: None, buffer: Vec::new(), start: 0, mapping: None, at_once }
    }

    /// The entry between two offsets of the pack, or the beginning of one.
    pub(super) fn entry<'m>(&'m mut self, pack: &'m Pack, start: u64, end: u64) -> Result<Entry<'m>, Damage> {
        let end = end.min(pack.end());
        if self.pack != Some(pack.number) {
            (self.pack, self.file) = (Some(pack.number), pack.open_again());
            self.buffer.clear();
        }
        if start >= end || end - start > MAX_BUFFER {
            self.mapping = pack.map_again();
            return self.mapping.as_ref().unwrap_or(pack).entry(start, end);
        }
        if (start < self.start || end > self.start + self.buffer.len() as u64)
            && self.fill(pack, start, end).is_none()
        {
            return pack.entry(start, end);
        }
        let bounds = |offset: u64| usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        let bytes = self.buffer.get(bounds(start)..bounds(end)).unwrap_or_default();
        parse_entry(bytes, start, pack.id_len).ok_or(DAMAGED_HEADER)
    }

    /// Reads what is between two offsets, and what is behind it. None where the file cannot be read.
    fn fill(&mut self, pack: &Pack, start: u64, end: u64) -> Option<()> {
        let file = self.file.as_ref()?;
        let until = pack.end().min(start + self.at_once as u64).max(end);
        self.buffer.resize(usize::try_from(until - start).ok()?, 0);
        self.start = start;
        read_at(file, start, &mut self.buffer).map_err(|_| self.buffer.clear()).ok()
    }
}

impl Pack {
    /// The same pack in another mapping. None where git has replaced or removed the file meanwhile, which this one keeps.
    fn map_again(&self) -> Option<Self> {
        let again = Pack::of(File::at(self.file.path(), self.file.object_hash()).ok()?, self.id_len);
        let is_same = again.end() == self.end() && again.file.checksum() == self.file.checksum();
        is_same.then_some(again)
    }

    /// The same pack as a file to read from; none as above.
    fn open_again(&self) -> Option<std::fs::File> {
        let file = std::fs::File::open(self.file.path()).ok()?;
        let mut checksum = vec![0; self.id_len];
        read_at(&file, self.end(), &mut checksum).ok()?;
        (checksum == self.file.checksum().as_bytes()).then_some(file)
    }
}

/// Fills `buffer` with the bytes from an offset on.
#[cfg(unix)]
fn read_at(file: &std::fs::File, offset: u64, buffer: &mut [u8]) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

/// What is not read is mapped.
#[cfg(not(unix))]
fn read_at(_: &std::fs::File, _: u64, _: &mut [u8]) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Reads the header of the entry at offset `start`. The first byte is a bit that says whether more of the size follows,
/// three bits of type, and the lowest four bits of the size; each further byte has seven more.
pub(super) fn parse_entry(bytes: &[u8], start: u64, id_len: usize) -> Option<Entry<'_>> {
    let (&first, mut rest) = bytes.split_first()?;
    let mut size = u64::from(first & 0x0f);
    let mut more = first & 0x80 != 0;
    let mut shift = 4;
    while more {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        if shift > 60 {
            return None;
        }
        size |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        more = byte & 0x80 != 0;
    }
    let kind = match first >> 4 & 7 {
        1 => EntryKind::Object(Kind::Commit),
        2 => EntryKind::Object(Kind::Tree),
        3 => EntryKind::Object(Kind::Blob),
        4 => EntryKind::Object(Kind::Tag),
        6 => EntryKind::OfsDelta(start.checked_sub(base_distance(&mut rest)?)?),
        7 => {
            let (id, after) = rest.split_at_checked(id_len)?;
            rest = after;
            EntryKind::RefDelta(id)
        }
        _ => return None,
    };
    Some(Entry { kind, size: usize::try_from(size).ok()?, deflated: rest })
}

/// Takes the "offset encoding" off `bytes`: how far in front of its own entry a delta's base starts. Seven bits a byte,
/// the highest first, with one added for each byte that follows.
fn base_distance(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = None;
    loop {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        let so_far = match value {
            None => bits,
            Some(value) if value < 1 << 55 => (value + 1) << 7 | bits,
            Some(_) => return None,
        };
        if byte & 0x80 == 0 {
            return Some(so_far);
        }
        value = Some(so_far);
    }
}

/// The most bytes that one byte of deflate can stand for (zlib's technical details, <https://zlib.net/zlib_tech.html>,
/// "Maximum Compression Factor").
const MAX_RATIO: usize = 1032;

/// An entry that is to inflate to more bytes, and to so many times its deflated ones, is inflated step by step: its header
/// is believed as far as the stream bears it out.
const TRUSTED_SIZE: usize = 16 << 20;
const TRUSTED_RATIO: usize = 64;

/// More room than an entry takes: libdeflate's faster loop ends where less than the longest match and a few words are left,
/// and most entries are not much longer.
const ROOM: usize = 320;

/// Inflates `entry` into `out`, which is overwritten.
pub(super) fn inflate(
    inflater: &mut Decompressor,
    entry: Entry<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Damage> {
    // A damaged header may announce any size. One that these bytes cannot inflate to gets no memory.
    if entry.size > entry.deflated.len().saturating_mul(MAX_RATIO) {
        return Err(DAMAGED_ZLIB);
    }
    if entry.size > TRUSTED_SIZE && entry.size / TRUSTED_RATIO > entry.deflated.len() {
        return inflate_growing(entry, out);
    }
    if out.len() < entry.size + ROOM {
        out.resize(entry.size + ROOM, 0);
    }
    match inflater.zlib_decompress(entry.deflated, &mut out[..entry.size + ROOM]) {
        Ok(size) if size == entry.size => out.truncate(size),
        _ => return Err(DAMAGED_ZLIB),
    }
    Ok(())
}

/// The same with memory for what has come out, whatever the header announces: slower, for an entry of which nothing but
/// the header says how large it is.
pub(super) fn inflate_growing(entry: Entry<'_>, out: &mut Vec<u8>) -> Result<(), Damage> {
    out.clear();
    let inflated = ZlibDecoder::new(entry.deflated);
    // One byte more than announced: a stream that is too long is damaged, too.
    match inflated.take(entry.size as u64 + 1).read_to_end(out) {
        Ok(size) if size == entry.size => Ok(()),
        _ => Err(DAMAGED_ZLIB),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_kind_size_and_base() {
        let blob = parse_entry(&[0b1011_0101, 0b0000_0010, 9], 100, 20).expect("a blob");
        assert_eq!((blob.kind, blob.size, blob.deflated), (EntryKind::Object(Kind::Blob), 5 + 32, &[9][..]));
        let delta = parse_entry(&[0b0110_0001, 0x81, 0x00, 9], 1000, 20).expect("a delta");
        assert_eq!((delta.kind, delta.size), (EntryKind::OfsDelta(1000 - 256), 1));
        let base_before_the_pack = parse_entry(&[0b0110_0001, 0x81, 0x00], 100, 20);
        assert!(base_before_the_pack.is_none());
        let ref_delta = [&[0b0111_0001][..], &[7; 20], &[9]].concat();
        assert_eq!(parse_entry(&ref_delta, 1000, 20).expect("a delta").kind, EntryKind::RefDelta(&[7; 20]));
        for cut in 0..21 {
            assert!(parse_entry(&ref_delta[..cut], 1000, 20).is_none());
        }
    }
}
