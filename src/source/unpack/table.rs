//! Tables of numbers in a container, read a page at a time.

use std::io;

use super::random_access::RandomAccess;

/// How many bytes are read at a time.
const PAGE: u64 = 64 * 1024;

/// Which byte of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endian {
    Big,
    Little,
}

/// The page of a container that was read last, for the numbers in it.
pub(super) struct Table {
    endian: Endian,
    page: Vec<u8>,
    /// Where that begins.
    at: u64,
}

impl Table {
    pub(super) fn new(endian: Endian) -> Self {
        Table { endian, page: Vec::new(), at: 0 }
    }

    /// The number of eight bytes at `offset`.
    pub(super) fn number_64(&mut self, file: &mut RandomAccess<'_>, offset: u64) -> io::Result<u64> {
        let bytes = self.bytes(file, offset)?;
        Ok(if self.endian == Endian::Big { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }

    /// The number of four bytes at `offset`.
    pub(super) fn number_32(&mut self, file: &mut RandomAccess<'_>, offset: u64) -> io::Result<u32> {
        let bytes = self.bytes(file, offset)?;
        Ok(if self.endian == Endian::Big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn bytes<const N: usize>(&mut self, file: &mut RandomAccess<'_>, offset: u64) -> io::Result<[u8; N]> {
        if let Some(bytes) = self.cached(offset) {
            return Ok(bytes);
        }
        // Tables are aligned as their numbers are: where one is not, a page of its own is read for it.
        self.at = if offset.is_multiple_of(N as u64) { offset - offset % PAGE } else { offset };
        self.page.resize(usize::try_from(PAGE).unwrap_or(0), 0);
        let mut filled = 0;
        while filled < self.page.len() {
            match file.read_at(&mut self.page[filled..], self.at.saturating_add(filled as u64))? {
                0 => break,
                read => filled += read,
            }
        }
        self.page.truncate(filled);
        self.cached(offset).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn cached<const N: usize>(&self, offset: u64) -> Option<[u8; N]> {
        let from = usize::try_from(offset.checked_sub(self.at)?).ok()?;
        self.page.get(from..)?.first_chunk().copied()
    }
}

/// The number of two bytes at `at`; 0 behind the end.
pub(super) fn be16(bytes: &[u8], at: usize) -> u16 {
    chunk(bytes, at).map_or(0, u16::from_be_bytes)
}

/// The number of four bytes at `at`; 0 behind the end.
pub(super) fn be32(bytes: &[u8], at: usize) -> u32 {
    chunk(bytes, at).map_or(0, u32::from_be_bytes)
}

/// The number of eight bytes at `at`; 0 behind the end.
pub(super) fn be64(bytes: &[u8], at: usize) -> u64 {
    chunk(bytes, at).map_or(0, u64::from_be_bytes)
}

/// The number of two bytes at `at`, the least byte first; 0 behind the end.
pub(super) fn le16(bytes: &[u8], at: usize) -> u16 {
    chunk(bytes, at).map_or(0, u16::from_le_bytes)
}

/// The number of four bytes at `at`, the least byte first; 0 behind the end.
pub(super) fn le32(bytes: &[u8], at: usize) -> u32 {
    chunk(bytes, at).map_or(0, u32::from_le_bytes)
}

/// The number of eight bytes at `at`, the least byte first; 0 behind the end.
pub(super) fn le64(bytes: &[u8], at: usize) -> u64 {
    chunk(bytes, at).map_or(0, u64::from_le_bytes)
}

fn chunk<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}
