//! The sectors of a compound file, and the table that says which one follows which ([MS-CFB] 2.1 to 2.5).

use std::io::{self, SeekFrom};

use crate::blob::ReadSeek;
use crate::source::unpack::budget::Budget;
use crate::source::unpack::extents::{Extent, read_at};
use crate::source::unpack::memory::Reservation;

/// The highest number of a sector (`MAXREGSECT`, 2.1).
const MAX_SECTOR: u32 = 0xffff_fffa;
/// How many sectors of the table the header names itself (2.2).
const IN_HEADER: usize = 109;

/// A file in sectors.
pub(super) struct Sectors {
    /// The size of one, as a power of two.
    shift: u32,
    file_len: u64,
    /// Which sector follows each.
    next: Vec<u32>,
    /// Which ones belong to what was read, as bits: none belongs to two.
    taken: Vec<u64>,
    pub(super) header: Header,
    _reservation: Reservation,
}

/// What the header says of the rest (2.2).
pub(super) struct Header {
    pub(super) first_directory: u32,
    /// Streams below this size lie in the mini stream.
    pub(super) mini_cutoff: u64,
    pub(super) first_mini: u32,
    /// Whether sizes have four bytes: what stands behind those may be anything (2.6.3).
    pub(super) short_sizes: bool,
}

impl Sectors {
    /// Reads the header and the table.
    pub(super) fn read(file: &mut dyn ReadSeek, budget: &Budget) -> io::Result<Self> {
        let file_len = file.seek(SeekFrom::End(0))?;
        let head = read_at(file, 0, 512)?;
        let shift = u32::from(head.get(30).copied().unwrap_or_default());
        if head.len() < 512 || !matches!(shift, 9 | 12) {
            return Err(io::Error::other("its header is cut short"));
        }
        let header = Header {
            first_directory: le32(&head, 48),
            // It is always this (2.2), and what lies below it is not checked for turning back.
            mini_cutoff: u64::from(le32(&head, 56)).min(4096),
            first_mini: le32(&head, 60),
            short_sizes: shift == 9,
        };
        let count = (file_len >> shift).min(u64::from(MAX_SECTOR));
        let reservation = budget.reserve(count * 5)?;
        let taken = vec![0; usize::try_from(count / 64 + 1).unwrap_or(0)];
        let mut sectors =
            Sectors { shift, file_len, next: Vec::new(), taken, header, _reservation: reservation };
        sectors.read_table(file, &head, count)?;
        Ok(sectors)
    }

    /// The table is in sectors that the header names, and in those that a chain of others names (2.5).
    fn read_table(&mut self, file: &mut dyn ReadSeek, head: &[u8], count: u64) -> io::Result<()> {
        let mut names: Vec<u32> = (0..IN_HEADER).map(|index| le32(head, 76 + index * 4)).collect();
        let per_sector = (1_usize << self.shift) / 4;
        let mut more = le32(head, 68);
        while let Some(offset) = self.take(more) {
            let numbers = numbers(&read_at(file, offset, 1 << self.shift)?);
            names.extend(numbers.iter().take(per_sector - 1));
            more = numbers.get(per_sector - 1).copied().unwrap_or(u32::MAX);
        }
        for name in names {
            // What is named twice is as wrong as what is not there; the chains that need it end there.
            if name > MAX_SECTOR || self.next.len() as u64 >= count {
                continue;
            }
            let Some(offset) = self.take(name) else { continue };
            self.next.extend(numbers(&read_at(file, offset, 1 << self.shift)?));
        }
        if self.next.is_empty() { Err(io::Error::other("its table of sectors is missing")) } else { Ok(()) }
    }

    /// The size of a sector.
    pub(super) fn size(&self) -> u64 {
        1 << self.shift
    }

    /// Where a sector begins, the first time that it is asked for; none where it is not in the file.
    fn take(&mut self, sector: u32) -> Option<u64> {
        let offset = (u64::from(sector) + 1) << self.shift;
        if sector > MAX_SECTOR || offset >= self.file_len {
            return None;
        }
        let (word, bit) = (usize::try_from(sector / 64).ok()?, 1_u64 << (sector % 64));
        let taken = self.taken.get_mut(word)?;
        let is_free = *taken & bit == 0;
        *taken |= bit;
        is_free.then_some(offset)
    }

    /// Where the first `size` bytes of a chain lie, as far as it goes.
    pub(super) fn chain(&mut self, first: u32, size: u64) -> Vec<Extent> {
        let (mut extents, mut left, mut sector) = (Vec::<Extent>::new(), size, first);
        while left > 0 {
            let Some(offset) = self.take(sector) else { break };
            let len = self.size().min(left).min(self.file_len - offset);
            match extents.last_mut() {
                Some((begin, run)) if *begin + *run == offset => *run += len,
                _ => extents.push((offset, len)),
            }
            left -= self.size().min(left);
            sector = self.next.get(sector as usize).copied().unwrap_or(u32::MAX);
        }
        extents
    }
}

/// The bytes of some extents, of which there are no more than the file has.
pub(super) fn gather(
    file: &mut dyn ReadSeek,
    extents: &[Extent],
    budget: &Budget,
) -> io::Result<(Vec<u8>, Reservation)> {
    let len = extents.iter().map(|(_, len)| len).sum();
    let reservation = budget.reserve(len)?;
    let mut bytes = Vec::new();
    for (offset, len) in extents {
        bytes.extend(read_at(file, *offset, *len)?);
    }
    Ok((bytes, reservation))
}

/// The numbers of four bytes that these bytes are.
pub(super) fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|number| le32(number, 0)).collect()
}

/// The number of four bytes at an offset; 0 where the end comes first.
pub(super) fn le32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}
