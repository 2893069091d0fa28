//! The header of a sparse extent.

use memchr::memmem;

use super::super::disk::{Refusal, damaged};
use super::super::random_access::RandomAccess;
use super::super::table::{le16, le32, le64};

/// The size of a sector, the unit of nearly every number.
pub(super) const SECTOR: u64 = 512;

/// The flags of `SparseExtentHeader`: entries of 1 stand for zeros, grains are compressed, and markers stand before them.
const ZERO_GRAINS: u32 = 1 << 2;
const COMPRESSED: u32 = 1 << 16;
const MARKERS: u32 = 1 << 17;
/// The directory stands behind the grains, and the footer says where (`GD_AT_END`).
const AT_END: u64 = u64::MAX;
/// The only way of compression there is (`COMPRESSION_DEFLATE`).
const DEFLATE: u16 = 1;
/// The grains that a table of a `COWDisk_Header` leads to.
const COW_TABLE: u64 = 4096;
/// The largest grain that is read, and the largest table, both much larger than any: 128 sectors and 512 entries are usual.
const MAX_GRAIN: u64 = 64 * 1024;
const MAX_TABLE: u64 = 1024 * 1024;
/// More than any descriptor has, in bytes.
const MAX_DESCRIPTOR: usize = 64 * 1024;

/// What is read of a header.
#[derive(Debug)]
pub(super) struct Header {
    /// The size of the disk, or of this part of it, in sectors.
    pub(super) capacity: u64,
    /// How many sectors a grain has.
    pub(super) grain: u64,
    /// How many grains a table leads to.
    pub(super) table: u64,
    /// The sector of the directory; none where it is not known.
    pub(super) directory: Option<u64>,
    pub(super) zero_grains: bool,
    pub(super) compressed: bool,
    /// Whether it can be read forwards.
    pub(super) is_stream: bool,
    descriptor: u64,
    descriptor_len: u64,
    /// The name of the disk that this one is a snapshot of, where the header states it.
    parent: Vec<u8>,
}

impl Header {
    /// That of a file, with what its footer says.
    pub(super) fn read(file: &mut RandomAccess<'_>) -> Result<Header, Refusal> {
        let len = file.len()?;
        let first = file.bytes_at(0, usize::try_from(len.min(2 * SECTOR + SECTOR)).unwrap_or(0))?;
        let mut header = Header::parse(&first)?;
        if header.directory.is_none() {
            // The footer is the last but one sector: a header with the offset.
            let footer = len.checked_sub(2 * SECTOR).and_then(|at| file.bytes_at(at, 512).ok());
            let footer = footer
                .filter(|bytes| bytes.starts_with(b"KDMV"))
                .and_then(|bytes| Header::parse(&bytes).ok());
            if let Some(footer) = footer.filter(|footer| footer.directory.is_some()) {
                header = footer;
            }
        }
        Ok(header)
    }

    /// That which these bytes begin with.
    pub(super) fn parse(bytes: &[u8]) -> Result<Header, Refusal> {
        let header = if bytes.starts_with(b"COWD") { cow(bytes) } else { sparse(bytes)? };
        if !(1..=MAX_GRAIN).contains(&header.grain) || !(1..=MAX_TABLE).contains(&header.table) {
            return Err(damaged("its header has impossible sizes"));
        }
        Ok(header)
    }

    /// The name of the disk that this one is a snapshot of, which its descriptor states (`parentFileNameHint`).
    pub(super) fn parent(&self, file: &mut RandomAccess<'_>) -> Option<Vec<u8>> {
        if !self.parent.is_empty() {
            return Some(self.parent.clone());
        }
        let len = usize::try_from(self.descriptor_len.saturating_mul(SECTOR)).ok()?.min(MAX_DESCRIPTOR);
        if self.descriptor == 0 || len == 0 {
            return None;
        }
        let text = file.bytes_at(self.descriptor.checked_mul(SECTOR)?, len).ok()?;
        let hint = b"parentFileNameHint=\"";
        let name = text.get(memmem::find(&text, hint)? + hint.len()..)?;
        let end = name.iter().position(|byte| matches!(byte, b'"' | b'\n' | 0)).unwrap_or(name.len());
        name.get(..end).map(<[u8]>::to_vec)
    }
}

/// `SparseExtentHeader`.
fn sparse(bytes: &[u8]) -> Result<Header, Refusal> {
    let (flags, directory) = (le32(bytes, 8), le64(bytes, 56));
    let compressed = flags & COMPRESSED != 0;
    let method = le16(bytes, 77);
    if compressed && method != DEFLATE {
        let reason = format!("packed by method {method}, which is not supported: convert it and scan that");
        return Err(Refusal::Unsupported(reason));
    }
    Ok(Header {
        capacity: le64(bytes, 12),
        grain: le64(bytes, 20),
        table: le32(bytes, 44).into(),
        directory: Some(directory).filter(|directory| *directory != AT_END),
        zero_grains: flags & ZERO_GRAINS != 0,
        compressed,
        is_stream: compressed && flags & MARKERS != 0,
        descriptor: le64(bytes, 28),
        descriptor_len: le64(bytes, 36),
        parent: Vec::new(),
    })
}

/// `COWDisk_Header`. Bit 1 of its flags is set for a disk that is no snapshot.
fn cow(bytes: &[u8]) -> Header {
    let parent = if le32(bytes, 8) & 2 == 0 { bytes.get(32..32 + 1024).unwrap_or_default() } else { &[] };
    let end = parent.iter().position(|byte| *byte == 0).unwrap_or(parent.len());
    Header {
        capacity: le32(bytes, 12).into(),
        grain: le32(bytes, 16).into(),
        table: COW_TABLE,
        directory: Some(le32(bytes, 20).into()),
        zero_grains: false,
        compressed: false,
        is_stream: false,
        descriptor: 0,
        descriptor_len: 0,
        parent: parent[..end].to_vec(),
    }
}
