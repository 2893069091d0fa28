//! Logs: records, cut where a block of 32 KiB ends (`doc/log_format.md`), and a header in front of each piece.

use std::io;

use super::batch::{hand_over_value, values};
use super::crc32c;
use crate::source::unpack::chunk::Chunk;
use crate::source::unpack::open_container::{Content, MemberName, OpenContainer, Region};
use crate::source::unpack::packed_block::MAX_LEN;
use crate::source::unpack::random_access::RandomAccess;

const BLOCK: usize = 32 * 1024;
/// A checksum, a length, and which piece it is.
const HEADER: usize = 7;
/// `RocksDB` adds the number of the log where it writes over old ones.
const RECYCLED_HEADER: usize = 11;

/// Which piece of a record it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    Full,
    First,
    Middle,
    Last,
}

/// The piece that stands at `at` in a block: what it is, and where its bytes begin and end.
fn piece(block: &[u8], at: usize) -> Option<(Piece, usize, usize)> {
    let header: &[u8; HEADER] = block.get(at..)?.first_chunk()?;
    let [_, _, _, _, low, high, kind] = *header;
    let (piece, width) = match kind {
        1 => (Piece::Full, HEADER),
        2 => (Piece::First, HEADER),
        3 => (Piece::Middle, HEADER),
        4 => (Piece::Last, HEADER),
        5 => (Piece::Full, RECYCLED_HEADER),
        6 => (Piece::First, RECYCLED_HEADER),
        7 => (Piece::Middle, RECYCLED_HEADER),
        8 => (Piece::Last, RECYCLED_HEADER),
        _ => return None,
    };
    let from = at + width;
    Some((piece, from, from + usize::from(u16::from_le_bytes([low, high]))))
}

/// Whether a log begins so: with a piece whose checksum holds, or, where not all of it is there, with what looks like the first
/// changes of a database.
pub(super) fn begins(head: &[u8]) -> bool {
    // The first piece begins a record.
    if !matches!(head.get(6), Some(1 | 2 | 5 | 6)) {
        return false;
    }
    match piece(head, 0) {
        Some((_, from, end)) if end > from && end <= BLOCK => match head.get(6..end) {
            Some(bytes) => sum(head) == Some(crc32c::masked(bytes)),
            // A number that is not large, and a count.
            None => matches!(
                head.get(from..),
                Some([_, _, _, _, _, _, 0, 0, _, _, _, 0, kind, ..]) if *kind < 32
            ),
        },
        _ => false,
    }
}

fn sum(piece: &[u8]) -> Option<u32> {
    piece.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

/// Hands on the records that are cut, and values that are packed.
pub(super) fn read(container: &OpenContainer<'_>, file: &mut RandomAccess<'_>) -> io::Result<()> {
    let mut block = Chunk::zeros(BLOCK, container.budget)?;
    let mut records = Records { container, record: None, number: 0 };
    let (mut offset, end) = (0, file.len()?);
    while offset < end && container.may_continue() {
        let len = usize::try_from(end - offset).unwrap_or(BLOCK).min(BLOCK);
        let bytes = block.as_mut_slice().get_mut(..len).unwrap_or_default();
        file.read_exact_at(bytes, offset)?;
        if offset == 0 && !begins(bytes) {
            return Ok(());
        }
        let mut at = 0;
        while let Some((piece, from, end)) = piece(bytes, at) {
            // The last one may be cut off: a program died while it wrote.
            let Some(data) = bytes.get(from..end.min(len)) else { break };
            if !records.add(piece, data)? {
                return Ok(());
            }
            at = end;
        }
        offset += BLOCK as u64;
    }
    Ok(())
}

/// Puts records together.
struct Records<'c> {
    container: &'c OpenContainer<'c>,
    /// What there is of one that is cut.
    record: Option<Chunk>,
    number: u64,
}

impl Records<'_> {
    /// Adds a piece; whether to go on.
    fn add(&mut self, piece: Piece, data: &[u8]) -> io::Result<bool> {
        if matches!(piece, Piece::Full | Piece::First) {
            self.number += 1;
            self.record = None;
        }
        let budget = self.container.budget;
        match piece {
            Piece::Full => return Ok(self.hand_over_values(data)),
            Piece::First => {
                let mut record = Chunk::default();
                record.push(data, budget)?;
                self.record = Some(record);
            }
            Piece::Middle | Piece::Last => {
                let Some(record) = &mut self.record else { return Ok(true) };
                if record.len() + data.len() > MAX_LEN {
                    let message = "a record that is larger than it may be";
                    return Err(io::Error::new(io::ErrorKind::OutOfMemory, message));
                }
                record.push(data, budget)?;
            }
        }
        if piece != Piece::Last {
            return Ok(true);
        }
        let Some(record) = self.record.take() else { return Ok(true) };
        if !self.container.begin_part() {
            return Ok(false);
        }
        let name = MemberName::from_text(format!("record {}", self.number));
        self.container.hand_over(Region::MemberPart(&name, 0), Content::Memory(&record));
        Ok(self.hand_over_values(&record))
    }

    fn hand_over_values(&self, record: &[u8]) -> bool {
        let mut index = 0_u64;
        values(record, |value| {
            index += 1;
            hand_over_value(self.container, value, || format!("record {}/entry {index}", self.number))
        });
        self.container.may_continue()
    }
}
