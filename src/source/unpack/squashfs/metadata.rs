//! Metadata: blocks of 8 KiB at most, each compressed by itself or stored, read as one ("Packing Metadata").

use std::cell::Cell;
use std::io::{self, ErrorKind, Read};
use std::rc::Rc;

use zeroize::Zeroize as _;

use super::super::block::Codec;
use super::super::budget::Budget;
use super::super::random_access::RandomAccess;

/// The most that comes out of a block, in bytes.
const BLOCK: usize = 8192;
/// The highest bit of a block's header: it is not compressed. The others are how long it is.
const STORED: u16 = 0x8000;
/// How many blocks are kept: those of inodes, directories and lists of blocks are read in turn.
const CACHED: usize = 32;

/// A block, unpacked.
pub(super) struct Block {
    at: u64,
    /// Where the next one begins.
    end: u64,
    bytes: Vec<u8>,
}

impl Drop for Block {
    /// Names and attributes are in it.
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// The blocks of metadata that were read last.
pub(super) struct Metadata<'b> {
    codec: Codec,
    budget: &'b Budget,
    blocks: Vec<Block>,
}

/// Where the next byte of metadata is: the offset of its block in the file, and where in that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) block: u64,
    pub(super) within: usize,
}

impl Cursor {
    /// Where a reference leads to in a table ("Inode References"): the offset of a block in it, and 16 bits within that.
    pub(super) fn from_reference(table: u64, reference: u64) -> Self {
        Cursor {
            block: table.saturating_add(reference >> 16),
            within: usize::try_from(reference & 0xffff).unwrap_or(0),
        }
    }
}

impl<'b> Metadata<'b> {
    pub(super) fn new(codec: Codec, budget: &'b Budget) -> Self {
        Metadata { codec, budget, blocks: Vec::new() }
    }

    fn block(&mut self, file: &mut RandomAccess<'_>, at: u64) -> io::Result<&Block> {
        if let Some(index) = self.blocks.iter().position(|block| block.at == at) {
            self.blocks[..=index].rotate_right(1);
        } else {
            let block = read_block(file, at, self.codec, self.budget)?;
            self.blocks.truncate(CACHED - 1);
            self.blocks.insert(0, block);
        }
        self.blocks.first().ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// Reads `buf` full, and moves the cursor behind that.
    pub(super) fn read(
        &mut self,
        file: &mut RandomAccess<'_>,
        cursor: &mut Cursor,
        buf: &mut [u8],
    ) -> io::Result<()> {
        let mut filled = 0;
        while filled < buf.len() {
            let block = self.block(file, cursor.block)?;
            let rest = block.bytes.get(cursor.within..).unwrap_or_default();
            if rest.is_empty() {
                // All but the last are full: one that gives nothing must not be read for ever.
                if block.bytes.is_empty() || cursor.within > block.bytes.len() {
                    return Err(io::Error::new(ErrorKind::InvalidData, "its metadata is wrong"));
                }
                *cursor = Cursor { block: block.end, within: 0 };
                continue;
            }
            let len = rest.len().min(buf.len() - filled);
            buf[filled..filled + len].copy_from_slice(&rest[..len]);
            filled += len;
            cursor.within += len;
        }
        Ok(())
    }

    /// Reads so many bytes. `len` is trusted: ask for little.
    pub(super) fn bytes(
        &mut self,
        file: &mut RandomAccess<'_>,
        cursor: &mut Cursor,
        len: usize,
    ) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        self.read(file, cursor, &mut bytes)?;
        Ok(bytes)
    }

    /// The number of four bytes at the cursor.
    pub(super) fn number_32(&mut self, file: &mut RandomAccess<'_>, cursor: &mut Cursor) -> io::Result<u32> {
        let mut bytes = [0; 4];
        self.read(file, cursor, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }
}

fn read_block(file: &mut RandomAccess<'_>, at: u64, codec: Codec, budget: &Budget) -> io::Result<Block> {
    let mut header = [0; 2];
    file.read_exact_at(&mut header, at)?;
    let header = u16::from_le_bytes(header);
    let len = usize::from(header & !STORED);
    let begin = at.saturating_add(2);
    let mut bytes = file.bytes_at(begin, len)?;
    if header & STORED == 0 {
        let mut out = vec![0; BLOCK];
        let (unpacked, outcome) = codec.unpack(&bytes, &mut out, budget);
        out.truncate(unpacked);
        bytes.zeroize();
        bytes = out;
        outcome?;
    }
    Ok(Block { at, end: begin.saturating_add(len as u64), bytes })
}

/// Blocks of metadata one behind the other, up to the one that begins at `end`.
pub(super) struct Blocks<'m, 'f> {
    pub(super) file: &'m mut RandomAccess<'f>,
    pub(super) codec: Codec,
    pub(super) budget: &'m Budget,
    /// Where the next block begins.
    pub(super) at: u64,
    pub(super) end: u64,
    /// The last one, and how much of it was given.
    pub(super) current: Option<(Block, usize)>,
    pub(super) bytes_in: Rc<Cell<u64>>,
}

impl Read for Blocks<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some((block, given)) = &mut self.current {
                let rest = block.bytes.get(*given..).unwrap_or_default();
                let len = rest.len().min(buf.len());
                buf[..len].copy_from_slice(&rest[..len]);
                *given += len;
                if len > 0 || buf.is_empty() {
                    return Ok(len);
                }
            }
            if self.at >= self.end {
                return Ok(0);
            }
            let block = read_block(self.file, self.at, self.codec, self.budget)?;
            self.bytes_in.set(self.bytes_in.get() + (block.end - self.at));
            self.at = block.end;
            self.current = Some((block, 0));
        }
    }
}
