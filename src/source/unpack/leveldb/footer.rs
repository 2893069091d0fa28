//! The end of a table: where its index is.

use std::io;

use super::block::{Handle, TRAILER};
use crate::source::unpack::chunk::RandomAccess;

pub(super) const MAGIC_LEN: usize = 8;
/// How far that is from the end.
pub(super) const MAGIC_OFFSET: i64 = 8;
/// `kTableMagicNumber` in `table/format.h`, little-endian.
const LEVELDB: [u8; MAGIC_LEN] = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];
/// `kBlockBasedTableMagicNumber` in `table/block_based/block_based_table_builder.cc`, and its older one is `LevelDB`'s.
const ROCKSDB: [u8; MAGIC_LEN] = [0xf7, 0xcf, 0xf4, 0x85, 0xb7, 0x41, 0xe2, 0x88];
pub(super) static MAGICS: [[u8; MAGIC_LEN]; 2] = [LEVELDB, ROCKSDB];

/// Two handles, padded, and the magic number.
const LEVELDB_LEN: usize = 48;
/// A kind of checksum in front of them, and a version behind them.
const ROCKSDB_LEN: usize = 53;

/// Where the index of a table is, and how it is written.
pub(super) struct Footer {
    pub(super) place: Place,
    /// `format_version`; none in `LevelDB`.
    pub(super) version: Option<u32>,
}

/// What is known of where the index is.
pub(super) enum Place {
    Index(Handle),
    /// It is listed in the metaindex, which is this (`format_version` 6).
    Metaindex(Handle),
}

/// Whether a table ends so.
pub(super) fn ends(bytes: &[u8]) -> bool {
    MAGICS.iter().any(|magic| bytes.ends_with(magic))
}

/// The footer of a file, if it has one.
pub(super) fn read(file: &mut RandomAccess<'_>) -> io::Result<Option<Footer>> {
    let wrong = || io::Error::other("its footer is wrong");
    let Some(from) = file.len().checked_sub(LEVELDB_LEN as u64) else { return Ok(None) };
    let mut footer = [0; ROCKSDB_LEN];
    let tail = footer.get_mut(..LEVELDB_LEN).unwrap_or_default();
    file.read_at(from, tail)?;
    if tail.ends_with(&LEVELDB) {
        let place = Place::Index(second_handle(tail).ok_or_else(wrong)?);
        return Ok(Some(Footer { place, version: None }));
    }
    if !tail.ends_with(&ROCKSDB) {
        return Ok(None);
    }
    let from = file.len().checked_sub(ROCKSDB_LEN as u64).ok_or_else(wrong)?;
    file.read_at(from, &mut footer)?;
    let version =
        footer.get(41..).and_then(|rest| rest.first_chunk()).map(|bytes| u32::from_le_bytes(*bytes));
    let version = version.ok_or_else(wrong)?;
    let place = if version < 6 {
        Place::Index(second_handle(footer.get(1..).unwrap_or_default()).ok_or_else(wrong)?)
    } else {
        // A mark of four bytes, two checksums, and how long the metaindex in front of it is ("Footer" in `table/format.cc`).
        let size =
            footer.get(13..).and_then(|rest| rest.first_chunk()).map(|bytes| u32::from_le_bytes(*bytes));
        let size = u64::from(size.ok_or_else(wrong)?);
        let offset = from.checked_sub(size + TRAILER as u64).ok_or_else(wrong)?;
        Place::Metaindex(Handle { offset, size })
    };
    Ok(Some(Footer { place, version: Some(version) }))
}

fn second_handle(handles: &[u8]) -> Option<Handle> {
    let (_, first) = Handle::parse(handles)?;
    Handle::parse(handles.get(first..)?).map(|(handle, _)| handle)
}
