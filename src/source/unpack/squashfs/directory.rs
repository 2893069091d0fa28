//! The entries of a directory ("The Directory Table").

use std::io::{self, ErrorKind};

use super::super::random_access::RandomAccess;
use super::super::table::{le16, le32};
use super::inode::Directory;
use super::metadata::{Cursor, Metadata};

/// What the size of a directory counts besides its entries: those of itself and of the one above it.
const NOT_STORED: u32 = 3;
/// The lengths of a header, and of the fixed part of an entry, in bytes.
const HEADER: u32 = 12;
const ENTRY: u32 = 8;
/// The most entries behind a header.
const MAX_ENTRIES: u32 = 256;

/// The entries of a directory, one after the other.
pub(super) struct Entries {
    cursor: Cursor,
    /// How many bytes are left.
    left: u32,
    /// How many entries are left behind the last header, and the block of their inodes.
    behind_header: u32,
    inodes: u32,
}

/// An entry: a name, and a reference to its inode.
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) inode: u64,
}

impl Entries {
    pub(super) fn of(directory: Directory, table: u64) -> Self {
        let cursor =
            Cursor { block: table.saturating_add(directory.block.into()), within: directory.within.into() };
        let left = directory.size.saturating_sub(NOT_STORED);
        Entries { cursor, left, behind_header: 0, inodes: 0 }
    }

    /// The next entry; none at the end.
    pub(super) fn next(
        &mut self,
        file: &mut RandomAccess<'_>,
        metadata: &mut Metadata<'_>,
    ) -> io::Result<Option<Entry>> {
        if self.behind_header == 0 {
            if self.left == 0 {
                return Ok(None);
            }
            let header = metadata.bytes(file, &mut self.cursor, HEADER as usize)?;
            self.take(HEADER)?;
            // One less than there are.
            self.behind_header = le32(&header, 0).saturating_add(1);
            self.inodes = le32(&header, 4);
            if self.behind_header > MAX_ENTRIES {
                return Err(damaged());
            }
        }
        let fixed = metadata.bytes(file, &mut self.cursor, ENTRY as usize)?;
        let len = u32::from(le16(&fixed, 6)) + 1;
        self.take(ENTRY + len)?;
        self.behind_header -= 1;
        let name = metadata.bytes(file, &mut self.cursor, len as usize)?;
        Ok(Some(Entry { name, inode: u64::from(self.inodes) << 16 | u64::from(le16(&fixed, 0)) }))
    }

    fn take(&mut self, len: u32) -> io::Result<()> {
        self.left = self.left.checked_sub(len).ok_or_else(damaged)?;
        Ok(())
    }
}

fn damaged() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "a directory is not as long as it should be")
}
