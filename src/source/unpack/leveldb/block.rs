//! A block of a table: entries whose keys leave out what they share with the one before.

use std::io;

use zeroize::Zeroizing;

use crate::source::unpack::budget::Budget;
use crate::source::unpack::chunk::Chunk;
use crate::source::unpack::packed_block::{Codec, MAX_LEN, decompress};
use crate::source::unpack::random_access::RandomAccess;

/// Behind each block: how it is compressed, and a checksum.
pub(super) const TRAILER: usize = 5;

/// Where a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handle {
    pub(super) offset: u64,
    pub(super) size: u64,
}

impl Handle {
    /// An offset and a size, and how many bytes they take.
    pub(super) fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let (offset, first) = varint(bytes)?;
        let (size, second) = varint(bytes.get(first..)?)?;
        Some((Handle { offset, size }, first + second))
    }
}

/// A little-endian number in groups of seven bits, and how many bytes it has.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f).checked_shl(u32::try_from(7 * at).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    None
}

/// Reads a block, and unpacks it; how many bytes it took.
pub(super) fn read(
    file: &mut RandomAccess<'_>,
    handle: Handle,
    version: Option<u32>,
    budget: &Budget,
) -> io::Result<Chunk> {
    let packed = file.chunk((handle.offset, handle.size.saturating_add(1)), MAX_LEN, budget)?;
    let Some((kind, packed)) = packed.split_last() else { return Ok(Chunk::default()) };
    let is_rocks = version.is_some();
    let (codec, sized) = match (*kind, is_rocks) {
        (0, _) => (Codec::None, false),
        (1, _) => (Codec::Snappy, false),
        // What Minecraft has added has the numbers of `RocksDB`.
        (2, false) if packed.starts_with(b"\x28\xb5\x2f\xfd") => (Codec::Zstd, false),
        (2, false) => (Codec::Zlib, false),
        (4, false) => (Codec::Deflate, false),
        (2, true) => (Codec::Deflate, true),
        (3, true) => (Codec::Bzip2, true),
        (4 | 5, true) => (Codec::Lz4, true),
        (7 | 0x40, true) => (Codec::Zstd, true),
        (kind, _) => {
            let message = format!("a block that is compressed in an unknown way ({kind})");
            return Err(io::Error::other(message));
        }
    };
    // From `format_version` 2 on, the size of what comes out stands in front.
    let (size, from) = if sized && version.is_some_and(|version| version >= 2) {
        varint(packed).unwrap_or_default()
    } else {
        (0, 0)
    };
    let size = usize::try_from(size).ok().filter(|size| *size > 0);
    decompress(codec, packed.get(from..).unwrap_or_default(), size, budget)
}

/// How the values of a block are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    /// With their lengths in front.
    Sized,
    /// Places of blocks, each told from the one before (`format_version` 4, index blocks).
    Deltas,
}

/// An entry of a block.
pub(super) struct Entry<'b> {
    pub(super) key: &'b [u8],
    pub(super) value: &'b [u8],
    /// Where a value that is told from the one before leads.
    pub(super) handle: Option<Handle>,
}

/// The entries of a block, and where they end: how many bytes from there on nobody made sense of is told at the end.
pub(super) fn entries(block: &[u8], values: Values, mut each: impl FnMut(&Entry<'_>) -> bool) -> usize {
    let end = entries_end(block);
    let (mut at, mut key, mut last) = (0, Zeroizing::new(Vec::new()), None);
    while at < end {
        let Some(next) = entry(block.get(at..end).unwrap_or_default(), values, &mut key, &mut last) else {
            break;
        };
        let (value, len) = next;
        at += len;
        let value = block.get(at - value..at).unwrap_or_default();
        if !each(&Entry { key: &key, value, handle: last }) {
            break;
        }
    }
    at
}

/// Reads an entry: its key is put together; how long its value is, and all of it.
fn entry(
    bytes: &[u8],
    values: Values,
    key: &mut Vec<u8>,
    last: &mut Option<Handle>,
) -> Option<(usize, usize)> {
    let mut at = 0;
    let mut next = || {
        let (value, width) = varint(bytes.get(at..)?)?;
        at += width;
        usize::try_from(value).ok()
    };
    let (shared, own) = (next()?, next()?);
    let len = if values == Values::Sized { next()? } else { 0 };
    if shared > key.len() {
        return None;
    }
    key.truncate(shared);
    key.extend_from_slice(bytes.get(at..at.checked_add(own)?)?);
    at += own;
    if values == Values::Sized {
        bytes.get(at..at.checked_add(len)?)?;
        return Some((len, at + len));
    }
    let rest = bytes.get(at..)?;
    let (handle, width) = if let Some(before) = last.filter(|_| shared > 0) {
        // The difference of its size to the one before, its sign in the lowest bit.
        let (delta, width) = varint(rest)?;
        let delta = (delta >> 1).cast_signed() ^ -((delta & 1).cast_signed());
        let offset = before.offset.checked_add(before.size)?.checked_add(TRAILER as u64)?;
        (Handle { offset, size: before.size.checked_add_signed(delta)? }, width)
    } else {
        Handle::parse(rest)?
    };
    *last = Some(handle);
    Some((width, at + width))
}

/// Where the entries end and the restart points begin, and in `RocksDB` a hash index (`kDataBlockBinaryAndHash`).
fn entries_end(block: &[u8]) -> usize {
    let Some(at) = block.len().checked_sub(4) else { return 0 };
    let restarts =
        block.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes));
    let mut end = at;
    if restarts & 1 << 31 != 0 {
        let buckets = at.checked_sub(2).and_then(|at| block.get(at..)?.first_chunk());
        end = end.saturating_sub(2 + buckets.map_or(0, |bytes| usize::from(u16::from_le_bytes(*bytes))));
    }
    let restarts = usize::try_from(restarts & !(1 << 31)).unwrap_or(usize::MAX);
    end.saturating_sub(restarts.saturating_mul(4))
}
