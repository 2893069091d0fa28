//! Where the blocks of a file are ("Data and Fragment Blocks").

use std::io;

use super::super::pieces::{Data, Layout, Packed, Piece};
use super::super::random_access::RandomAccess;
use super::super::table::{le32, le64};
use super::inode::File;
use super::metadata::{Cursor, Metadata};
use super::superblock::Superblock;

/// The bit of a block's length that says it is not compressed, and those that are the length.
const STORED: u32 = 1 << 24;
const LENGTH: u32 = STORED - 1;
/// The length of an entry of the table of fragments, and how many there are in a block of it ("The Fragment Table").
const FRAGMENT: u64 = 16;
const FRAGMENTS: u64 = 512;

/// The blocks of one file.
pub(super) struct Blocks<'s, 'm, 'b> {
    superblock: &'s Superblock,
    metadata: &'m mut Metadata<'b>,
    inode: File,
    /// The block whose length is read next, and where it begins in the file.
    next: u64,
    at: u64,
    lengths: Cursor,
    /// The length of the one before, and where that begins.
    current: Option<(u32, u64)>,
}

impl<'s, 'm, 'b> Blocks<'s, 'm, 'b> {
    pub(super) fn new(superblock: &'s Superblock, metadata: &'m mut Metadata<'b>, inode: File) -> Self {
        let at = superblock.base.saturating_add(inode.at);
        Blocks { superblock, metadata, inode, next: 0, at, lengths: inode.blocks, current: None }
    }

    /// What a length says of the block at `at`, of which `unpacked` bytes are the file's, from `skip` on.
    fn block(&self, length: u32, at: u64, unpacked: u64, skip: u64) -> Data {
        let len = length & LENGTH;
        if len == 0 {
            return Data::Hole;
        }
        if length & STORED != 0 {
            return Data::Stored(at.saturating_add(skip));
        }
        Data::Packed(Packed {
            codec: self.superblock.codec,
            offset: at,
            len: len as usize,
            unpacked: usize::try_from(unpacked).unwrap_or(usize::MAX),
            skip,
        })
    }

    /// The block with the ends of several files.
    fn fragment(&mut self, file: &mut RandomAccess<'_>, index: u32, skip: u64) -> io::Result<Data> {
        if index >= self.superblock.fragments {
            return Ok(Data::Missing("the end of it is in a block that is not there"));
        }
        let index = u64::from(index);
        let pointer = self.superblock.fragments_at.saturating_add(8 * (index / FRAGMENTS));
        let table = le64(&file.bytes_at(pointer, 8)?, 0);
        let within = usize::try_from(index % FRAGMENTS * FRAGMENT).unwrap_or(0);
        let mut cursor = Cursor { block: self.superblock.base.saturating_add(table), within };
        let entry = self.metadata.bytes(file, &mut cursor, 16)?;
        let at = self.superblock.base.saturating_add(le64(&entry, 0));
        Ok(self.block(le32(&entry, 8), at, self.superblock.block.into(), skip))
    }
}

impl Layout for Blocks<'_, '_, '_> {
    fn size(&self) -> u64 {
        self.inode.size
    }

    fn piece(&mut self, file: &mut RandomAccess<'_>, offset: u64) -> io::Result<Piece> {
        let block = u64::from(self.superblock.block);
        let (index, within) = (offset / block, offset % block);
        let left = self.inode.size - offset;
        if let Some((fragment, begin)) = self.inode.fragment
            && index == self.inode.size / block
        {
            let data = self.fragment(file, fragment, u64::from(begin) + within)?;
            return Ok(Piece { len: left, data });
        }
        while self.next <= index {
            let length = self.metadata.number_32(file, &mut self.lengths)?;
            self.current = Some((length, self.at));
            self.at = self.at.saturating_add((length & LENGTH).into());
            self.next += 1;
        }
        let unpacked = (left + within).min(block);
        let data = match self.current {
            Some((length, at)) => self.block(length, at, unpacked, within),
            None => Data::Hole,
        };
        Ok(Piece { len: unpacked - within, data })
    }
}
