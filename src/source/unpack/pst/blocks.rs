//! Blocks, and the tree that says where they are ([MS-PST] 2.2.2.7 and 2.2.2.8).

use std::io::{self, ErrorKind};

use super::crypt::Method;
use crate::source::unpack::budget::Budget;
use crate::source::unpack::chunk::Chunk;
use crate::source::unpack::packed_block::{Codec, decompress};
use crate::source::unpack::random_access::RandomAccess;

/// The kind of the pages of the tree (`ptypeBBT`).
const BLOCK_TREE: u8 = 0x80;
/// No tree is deeper in practice.
const MAX_LEVEL: u8 = 8;
/// The kind of blocks that lead to others (2.2.2.8.3.2).
const DATA_TREE: u8 = 1;
/// How much of a header is needed.
pub(super) const HEADER: usize = 520;

/// A file's own sizes: those of old files with numbers of four bytes, of newer ones with eight, and of those of 2013 with large pages.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    id: usize,
    page: usize,
    /// Where the count of entries stands in a page, and the kind.
    count: usize,
    kind: usize,
    is_large: bool,
    pub(super) method: Method,
    root: u64,
}

fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(width)?)?;
    Some(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

impl Layout {
    /// By the header of a file (2.2.2.6).
    pub(super) fn parse(header: &[u8]) -> Option<Self> {
        let version = number(header, 10, 2)?;
        let (id, page, count, kind, is_large) = match version {
            14 | 15 => (4, 512, 496, 500, false),
            23.. if version >= 36 => (8, 4096, 4056, 4072, true),
            23.. => (8, 512, 488, 496, false),
            _ => return None,
        };
        let (root, method) = if id == 4 { (196, 461) } else { (240, 513) };
        let method = Method::new(*header.get(method)?)?;
        Some(Layout { id, page, count, kind, is_large, method, root: number(header, root, id)? })
    }
}

/// Where a block is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) id: u64,
    offset: u64,
    len: usize,
    /// How many bytes come out of it.
    unpacked: usize,
}

impl Block {
    /// Whether it leads to other blocks, or is data (2.2.2.2).
    pub(super) fn is_internal(&self) -> bool {
        self.id & 2 != 0
    }
}

/// An entry of a page: a block, or another page.
enum Entry {
    Block(Block),
    Page { key: u64, offset: u64 },
}

/// The blocks of a file.
pub(super) struct Blocks<'f> {
    file: RandomAccess<'f>,
    pub(super) layout: Layout,
}

impl<'f> Blocks<'f> {
    pub(super) fn new(file: RandomAccess<'f>, layout: Layout) -> Self {
        Blocks { file, layout }
    }

    /// The level of a page of the tree, and its entries.
    fn page(&mut self, offset: u64, budget: &Budget) -> io::Result<(u8, Vec<Entry>)> {
        let Layout { id, page, count, kind, is_large, .. } = self.layout;
        let page = self.file.chunk((offset, page as u64), page, budget)?;
        let parsed = || {
            if page.get(kind..kind + 2)? != [BLOCK_TREE; 2] {
                return None;
            }
            let wide = usize::from(is_large) + 1;
            let entries = usize::try_from(number(&page, count, wide)?).ok()?;
            let len = usize::from(*page.get(count + 2 * wide)?);
            let level = *page.get(count + 2 * wide + 1)?;
            let entries = (0..entries).map_while(|index| {
                let at = index * len;
                let (key, offset) = (number(&page, at, id)? & !1, number(&page, at + id, id)?);
                if level > 0 {
                    return Some(Entry::Page { key, offset: number(&page, at + 2 * id, id)? });
                }
                let size = usize::try_from(number(&page, at + 2 * id, 2)?).ok()?;
                let second = usize::try_from(number(&page, at + 2 * id + 2, 2)?).ok()?;
                let unpacked = if is_large { second } else { size };
                Some(Entry::Block(Block { id: key, offset, len: size, unpacked }))
            });
            Some((level, entries.collect()))
        };
        parsed().ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "a page of its tree is wrong"))
    }

    /// Calls `each` with every block, in order, until it says no.
    pub(super) fn walk(
        &mut self,
        budget: &Budget,
        each: &mut dyn FnMut(&mut Self, Block) -> io::Result<bool>,
    ) -> io::Result<()> {
        let mut pages = vec![(self.layout.root, MAX_LEVEL)];
        while let Some((offset, above)) = pages.pop() {
            let (level, entries) = self.page(offset, budget)?;
            if level >= above {
                return Err(io::Error::new(ErrorKind::InvalidData, "its tree has a circle"));
            }
            for entry in entries.into_iter().rev().filter(|_| level > 0) {
                if let Entry::Page { offset, .. } = entry {
                    pages.push((offset, level));
                }
            }
            if level > 0 {
                continue;
            }
            for entry in self.page(offset, budget)?.1 {
                if let Entry::Block(block) = entry
                    && !each(self, block)?
                {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The block with an identifier.
    pub(super) fn find(&mut self, id: u64, budget: &Budget) -> io::Result<Option<Block>> {
        let (id, mut offset, mut above) = (id & !1, self.layout.root, MAX_LEVEL);
        loop {
            let (level, entries) = self.page(offset, budget)?;
            if level >= above {
                return Ok(None);
            }
            above = level;
            let (mut block, mut next) = (None, None);
            for entry in entries {
                match entry {
                    Entry::Block(found) if found.id == id => block = Some(found),
                    Entry::Page { key, offset } if key <= id => next = Some(offset),
                    _ => {}
                }
            }
            match next {
                Some(page) if level > 0 => offset = page,
                _ => return Ok(block),
            }
        }
    }

    /// The data of a block, decoded.
    pub(super) fn read(&mut self, block: &Block, budget: &Budget) -> io::Result<Chunk> {
        let mut data = self.file.chunk((block.offset, block.len as u64), usize::from(u16::MAX), budget)?;
        if block.unpacked != block.len {
            data = decompress(Codec::Zlib, &data, Some(block.unpacked), budget)?;
        }
        if !block.is_internal() {
            self.layout.method.decode(data.as_mut_slice(), block.id);
        }
        Ok(data)
    }

    /// The blocks that one leads to, and whether these are data; none where it is no tree of data.
    pub(super) fn children(&mut self, block: &Block, budget: &Budget) -> io::Result<Option<Vec<u64>>> {
        let data = self.read(block, budget)?;
        if data.first() != Some(&DATA_TREE) {
            return Ok(None);
        }
        let count = number(&data, 2, 2).and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
        let id = self.layout.id;
        Ok(Some((0..count).map_while(|index| number(&data, 8 + index * id, id)).map(|id| id & !1).collect()))
    }
}
