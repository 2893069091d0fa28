//! Where the pages of a database are: in order in the database itself, and as copies in a write-ahead log or a rollback journal.

use std::io::{self, ErrorKind};

use crate::source::unpack::budget::Budget;
use crate::source::unpack::memory::Reservation;
use crate::source::unpack::random_access::RandomAccess;

/// How much of a file is looked at to know what it is: the header of a database (1.3).
pub(super) const HEADER: usize = 100;
/// The header of a write-ahead log, and of each frame in it (4.1).
const WAL_HEADER: u64 = 32;
const FRAME_HEADER: usize = 24;
/// How many pages are listed at a time, and reserved for.
const STEP: u64 = 16 * 1024;

/// What kind of file it is, and how large its pages are.
pub(super) struct Header {
    kind: Kind,
    size: u32,
    /// How many bytes at the end of each page are an extension's (1.3.4).
    reserved: u8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Database,
    Log,
    Journal { sector: u32 },
}

pub(super) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

impl Header {
    /// Of what a file begins with.
    pub(super) fn parse(head: &[u8]) -> Option<Self> {
        let is_size = |size: &u32| size.is_power_of_two() && (512..=65536).contains(size);
        if head.starts_with(b"SQLite format 3\0") {
            // 1 stands for 65536 (1.3.2), and the fractions at 21 are fixed (1.3.5).
            let size = match be16(head, 16)? {
                1 => 65536,
                size => u32::from(size),
            };
            let fixed = head.get(21..24)? == [64, 32, 32];
            let header = Header { kind: Kind::Database, size, reserved: *head.get(20)? };
            return (is_size(&size) && fixed && size - u32::from(header.reserved) >= 480).then_some(header);
        }
        if matches!(head, [0x37, 0x7f, 0x06, 0x82 | 0x83, ..]) {
            let size = be32(head, 8)?;
            return is_size(&size).then_some(Header { kind: Kind::Log, size, reserved: 0 });
        }
        if head.starts_with(&[0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]) {
            let (sector, size) = (be32(head, 20)?, be32(head, 24)?);
            let sound = is_size(&size) && sector.is_power_of_two() && (32..=65536).contains(&sector);
            return sound.then_some(Header { kind: Kind::Journal { sector }, size, reserved: 0 });
        }
        None
    }
}

/// A copy of a page.
#[derive(Clone, Copy)]
struct Copy {
    number: u32,
    /// Of the transaction that wrote it.
    transaction: u32,
    offset: u64,
}

/// The pages of a file. Each has a slot, in the order of the file.
pub(super) struct Pages<'f> {
    file: RandomAccess<'f>,
    /// How many bytes the file has.
    len: u64,
    size: u32,
    usable: usize,
    /// None in a database, whose pages are in order.
    copies: Option<Copies>,
}

struct Copies {
    in_order: Vec<Copy>,
    /// By number, and by the order of the file where that is the same.
    by_number: Vec<Copy>,
    reservations: Vec<Reservation>,
}

impl<'f> Pages<'f> {
    /// Those of a file with this header.
    pub(super) fn new(mut file: RandomAccess<'f>, header: &Header, budget: &Budget) -> io::Result<Self> {
        let copies = match header.kind {
            Kind::Database => None,
            Kind::Log => Some(Copies::of_log(&mut file, header.size, budget)?),
            Kind::Journal { sector } => Some(Copies::of_journal(&mut file, (header.size, sector), budget)?),
        };
        let usable = header.size as usize - usize::from(header.reserved);
        let len = file.len()?;
        Ok(Pages { file, len, size: header.size, usable, copies })
    }

    /// How many bytes a page has.
    pub(super) fn size(&self) -> usize {
        self.size as usize
    }

    /// How many of those are in use.
    pub(super) fn usable(&self) -> usize {
        self.usable
    }

    /// Whether this is the database itself.
    pub(super) fn is_database(&self) -> bool {
        self.copies.is_none()
    }

    /// How many pages there are.
    pub(super) fn slots(&self) -> u32 {
        let count = match &self.copies {
            None => self.len / u64::from(self.size),
            Some(copies) => copies.in_order.len() as u64,
        };
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Reads the page in a slot; its number.
    pub(super) fn read_slot(&mut self, slot: u32, page: &mut [u8]) -> io::Result<u32> {
        let (number, offset) = match &self.copies {
            None => (slot.saturating_add(1), u64::from(slot) * u64::from(self.size)),
            Some(copies) => {
                let copy = copies.in_order.get(slot as usize).ok_or(ErrorKind::UnexpectedEof)?;
                (copy.number, copy.offset)
            }
        };
        self.file.read_exact_at(page, offset)?;
        Ok(number)
    }

    /// Reads the page of this number as it was when the one in `slot` was written; an error where it is not here.
    pub(super) fn read(&mut self, number: u32, slot: u32, page: &mut [u8]) -> io::Result<()> {
        let missing = || io::Error::new(ErrorKind::NotFound, format!("no page {number}"));
        let Some(copies) = &self.copies else {
            let slot = number.checked_sub(1).filter(|slot| *slot < self.slots()).ok_or_else(missing)?;
            return self.file.read_exact_at(page, u64::from(slot) * u64::from(self.size));
        };
        let from = copies.in_order.get(slot as usize).ok_or_else(missing)?;
        // The newest that is no newer than the transaction.
        let key = |copy: &Copy| (copy.number, copy.transaction);
        let behind = copies.by_number.partition_point(|copy| key(copy) <= (number, from.transaction));
        let copy = behind.checked_sub(1).and_then(|index| copies.by_number.get(index));
        let copy = copy.filter(|copy| copy.number == number).ok_or_else(missing)?;
        self.file.read_exact_at(page, copy.offset)
    }
}

impl Copies {
    /// The frames of a write-ahead log (4.1). Those of a log that was begun anew are older, and are read all the same.
    fn of_log(file: &mut RandomAccess<'_>, size: u32, budget: &Budget) -> io::Result<Self> {
        let (mut copies, mut offset, mut transaction) = (Self::empty(), WAL_HEADER, 0);
        let mut header = [0; FRAME_HEADER];
        let (frame, len) = (FRAME_HEADER as u64 + u64::from(size), file.len()?);
        while offset + frame <= len {
            file.read_exact_at(&mut header, offset)?;
            let number = be32(&header, 0).unwrap_or(0);
            copies.push(Copy { number, transaction, offset: offset + FRAME_HEADER as u64 }, budget)?;
            // The last frame of a transaction says how large the database is then.
            transaction += u32::from(be32(&header, 4).unwrap_or(0) != 0);
            offset += frame;
        }
        Ok(copies.sorted())
    }

    /// The records of a rollback journal: parts that begin at sectors, each with a header (3).
    fn of_journal(
        file: &mut RandomAccess<'_>,
        (size, sector): (u32, u32),
        budget: &Budget,
    ) -> io::Result<Self> {
        let (mut copies, mut offset, len) = (Self::empty(), 0, file.len()?);
        let mut header = [0; 28];
        while offset + u64::from(sector) <= len && file.read_exact_at(&mut header, offset).is_ok() {
            if !matches!(Header::parse(&header), Some(Header { kind: Kind::Journal { .. }, .. })) {
                break;
            }
            // None, or -1: as many as there are.
            let count = be32(&header, 8).filter(|count| !matches!(*count, 0 | u32::MAX));
            offset += u64::from(sector);
            let mut left = count.unwrap_or(u32::MAX);
            let mut number = [0; 4];
            while left > 0 && offset + u64::from(size) + 8 <= len {
                file.read_exact_at(&mut number, offset)?;
                let number = u32::from_be_bytes(number);
                copies.push(Copy { number, transaction: 0, offset: offset + 4 }, budget)?;
                offset += u64::from(size) + 8;
                left -= 1;
            }
            offset = offset.next_multiple_of(u64::from(sector));
        }
        Ok(copies.sorted())
    }

    fn empty() -> Self {
        Copies { in_order: Vec::new(), by_number: Vec::new(), reservations: Vec::new() }
    }

    fn push(&mut self, copy: Copy, budget: &Budget) -> io::Result<()> {
        let len = self.in_order.len();
        if len == self.in_order.capacity() {
            let step = len.max(usize::try_from(STEP).unwrap_or(0));
            let bytes = 2 * step * size_of::<Copy>();
            self.reservations.push(budget.reserve(bytes as u64)?);
            self.in_order.reserve_exact(step);
        }
        self.in_order.push(copy);
        Ok(())
    }

    fn sorted(mut self) -> Self {
        self.by_number.clone_from(&self.in_order);
        self.by_number.sort_by_key(|copy| (copy.number, copy.transaction));
        self
    }
}
