//! The trailer of an image, its last 512 bytes (`UDIFResourceFile`).

use super::super::disk::{Refusal, damaged};
use super::super::random_access::RandomAccess;
use super::super::table::{be32, be64};

/// How it begins: its signature, version 4, and how long it is.
pub(in super::super) const KOLY: &[u8] = b"koly\0\0\0\x04\0\0\x02\0";
/// Its length in bytes.
const LEN: usize = 512;

/// What is read of it.
#[derive(Debug)]
pub(super) struct Trailer {
    /// Where the chunks' offsets count from.
    pub(super) data_at: u64,
    /// The resource fork of old images, and the property list of newer ones: offset and length.
    pub(super) resources: (u64, u64),
    pub(super) plist: (u64, u64),
    pub(super) segment: u32,
    pub(super) segments: u32,
    /// The size of the disk, in sectors.
    pub(super) sectors: u64,
}

impl Trailer {
    pub(super) fn read(file: &mut RandomAccess<'_>) -> Result<Trailer, Refusal> {
        let len = file.len()?;
        let at = len.checked_sub(LEN as u64).ok_or_else(|| damaged("its trailer is missing"))?;
        let bytes = file.bytes_at(at, LEN)?;
        if !bytes.starts_with(KOLY) {
            return Err(damaged("its trailer is missing"));
        }
        Ok(Trailer {
            data_at: be64(&bytes, 24),
            resources: (be64(&bytes, 40), be64(&bytes, 48)),
            segment: be32(&bytes, 56),
            segments: be32(&bytes, 60),
            plist: (be64(&bytes, 216), be64(&bytes, 224)),
            sectors: be64(&bytes, 492),
        })
    }
}

/// Whether an encrypted image begins so (version 2 of their header).
pub(super) fn is_encrypted(head: &[u8]) -> bool {
    head.starts_with(b"encrcdsa\0\0\0\x02")
}

/// Whether a file with these last bytes ends in a trailer.
pub(in super::super) fn is_at_end(last: &[u8]) -> bool {
    last.len().checked_sub(LEN).is_some_and(|at| last[at..].starts_with(KOLY))
}
