//! A member that stands in pieces all over its container: a file of a file system, the disk of a virtual machine.
//!
//! Each piece is a hole, stored, or compressed by itself. Holes are passed over, and a damaged piece is as long as it should be: what
//! is behind it keeps its offset.

use std::cell::Cell;
use std::io::{self, Read};
use std::ops::Range;
use std::rc::Rc;

use zeroize::Zeroize as _;

use super::block::Codec;
use super::bounded_reader::{StreamError, Unpacked};
use super::budget::Budget;
use super::covered::Covered;
use super::memory::Reservation;
use super::open_container::{Content, MemberName, OpenContainer, Region};
use super::random_access::RandomAccess;
use super::share::Claim;
use crate::blob::Rest;

/// The largest compressed piece that is read: no format's own limit is higher but that of Apple's disk images, which states none.
const MAX_PIECE: usize = 32 * 1024 * 1024;

/// No member is longer, in bytes: no disk is, and offsets behind it could overflow.
const MAX_LEN: u64 = 1 << 62;

/// Where the bytes of a member are.
pub(super) trait Layout {
    /// How many bytes the member has.
    fn size(&self) -> u64;

    /// What stands at `offset`, which is less than the size and never less than in the call before. An error ends the member.
    fn piece(&mut self, file: &mut RandomAccess<'_>, offset: u64) -> io::Result<Piece>;
}

/// A stretch of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// How long it is, from the offset that was asked for on: one byte at least.
    pub(super) len: u64,
    pub(super) data: Data,
}

/// What a stretch of a member holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Data {
    /// Nothing: it reads as zeros.
    Hole,
    /// What stands at this offset of the container.
    Stored(u64),
    Packed(Packed),
    /// What cannot be read, and why.
    Missing(&'static str),
}

/// A compressed block of the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packed {
    pub(super) codec: Codec,
    pub(super) offset: u64,
    pub(super) len: usize,
    /// How many bytes come out of it.
    pub(super) unpacked: usize,
    /// Where in those the stretch begins.
    pub(super) skip: u64,
}

/// The blocks that were unpacked last.
#[derive(Default)]
pub(super) struct Cache(Vec<CachedBlock>);

struct CachedBlock {
    offset: u64,
    bytes: Vec<u8>,
    /// How many of those came out of the block, and how many were given out since.
    len: usize,
    given: usize,
    _reservation: Reservation,
}

impl Drop for CachedBlock {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// The files of a directory share a block for their ends, and the next directory goes on in it.
const CACHED: usize = 2;

/// What is read along with a member, and kept for the next one.
pub(super) struct Context<'c, 'f> {
    pub(super) file: &'c mut RandomAccess<'f>,
    pub(super) cache: &'c mut Cache,
    pub(super) covered: &'c mut Covered,
}

/// Hands on a member in pieces, and reports what could not be read of it; whether all was.
pub(super) fn hand_over(
    container: &OpenContainer<'_>,
    context: Context<'_, '_>,
    layout: &mut dyn Layout,
    name: &MemberName,
    claim: Claim,
) -> bool {
    let file_len = context.file.len().unwrap_or(0);
    let mut reader = Reader {
        context,
        layout,
        budget: container.budget,
        file_len,
        position: 0,
        current: (0..0, Data::Hole),
        stored: 0,
        unpacked: Rc::default(),
        damaged: 0,
        damage: None,
    };
    let unpacked = Rc::clone(&reader.unpacked);
    let pieces = Content::Pieces { reader: &mut reader, unpacked, claim };
    let (_, error) = container.hand_over(Region::Member(name), pieces);
    if let Some(first) = reader.damage {
        let more = match reader.damaged {
            0 | 1 => String::new(),
            pieces => format!(", and {} more pieces of it", pieces - 1),
        };
        let error = StreamError::Damaged(format!("{first}{more}"));
        container.report(Region::Member(name), error, Some(reader.position));
        return false;
    }
    error.is_none()
}

struct Reader<'r, 'f> {
    context: Context<'r, 'f>,
    layout: &'r mut dyn Layout,
    budget: &'r Budget,
    file_len: u64,
    position: u64,
    /// The piece that was looked up last, and the bytes of the member that it holds.
    current: (Range<u64>, Data),
    /// How many stored bytes were read.
    stored: u64,
    unpacked: Rc<Cell<Unpacked>>,
    /// How many pieces could not be read, and what was wrong with the first.
    damaged: u64,
    damage: Option<String>,
}

impl Reader<'_, '_> {
    /// The piece at the position, from there on; none at the end.
    fn piece(&mut self) -> io::Result<Option<Piece>> {
        let size = self.layout.size().min(MAX_LEN);
        if self.position >= size {
            return Ok(None);
        }
        if !self.current.0.contains(&self.position) {
            let Piece { len, data } = self.layout.piece(self.context.file, self.position)?;
            let end = self.position.saturating_add(len.max(1)).min(size);
            self.current = (self.position..end, data);
            match data {
                Data::Missing(reason) => self.lose(reason),
                Data::Stored(at) if at >= self.file_len => {
                    self.lose("it goes on behind the end of the file");
                }
                _ => {}
            }
        }
        let (range, data) = &self.current;
        let passed = self.position - range.start;
        let data = match *data {
            Data::Stored(at) => Data::Stored(at.saturating_add(passed)),
            Data::Packed(packed) => {
                Data::Packed(Packed { skip: packed.skip.saturating_add(passed), ..packed })
            }
            data => data,
        };
        Ok(Some(Piece { len: range.end - self.position, data }))
    }

    /// Notes that the current piece cannot be read, and takes it for a hole.
    fn lose(&mut self, reason: impl Into<String>) {
        self.damaged += 1;
        self.damage.get_or_insert_with(|| reason.into());
        self.current.1 = Data::Hole;
    }

    fn read_stored(&mut self, buf: &mut [u8], at: u64) -> usize {
        match self.context.file.read_at(buf, at) {
            Ok(0) => self.lose("it goes on behind the end of the file"),
            Ok(read) => {
                self.context.covered.mark(at..at + read as u64);
                self.stored += read as u64;
                // What is read again and again is not stored but made.
                if self.stored > self.file_len {
                    self.count(0, read);
                }
                return read;
            }
            Err(error) => self.lose(error.to_string()),
        }
        0
    }

    fn read_packed(&mut self, buf: &mut [u8], packed: Packed) -> io::Result<usize> {
        let found = self.context.cache.0.iter().position(|block| block.offset == packed.offset);
        let index = match found {
            Some(index) => index,
            None => match self.unpack(packed) {
                Ok(index) => index,
                Err(error) if error.kind() == io::ErrorKind::OutOfMemory => return Err(error),
                Err(error) => {
                    self.lose(error.to_string());
                    return Ok(0);
                }
            },
        };
        let Some(block) = self.context.cache.0.get_mut(index) else { return Ok(0) };
        let from = usize::try_from(packed.skip).map_or(block.len, |skip| skip.min(block.len));
        let len = buf.len().min(block.len - from);
        buf[..len].copy_from_slice(&block.bytes[from..from + len]);
        block.given = block.given.saturating_add(len);
        // What is given out again and again is made anew each time.
        if block.given > block.len {
            self.count(0, len);
        }
        if len == 0 {
            self.lose("a block of it is shorter than it should be");
        }
        Ok(len)
    }

    /// Unpacks a block into the cache; where it is there. What came out of a damaged block is in it.
    fn unpack(&mut self, packed: Packed) -> io::Result<usize> {
        if packed.len > MAX_PIECE || packed.unpacked > MAX_PIECE {
            return Err(io::Error::other("a block of it is larger than any that is read"));
        }
        let memory = (packed.len + packed.unpacked) as u64;
        let blocks = &mut self.context.cache.0;
        blocks.truncate(CACHED - 1);
        let reservation = self.budget.reserve(memory)?;
        let mut input = self.context.file.bytes_at(packed.offset, packed.len)?;
        let mut bytes = vec![0; packed.unpacked];
        let (len, outcome) = packed.codec.unpack(&input, &mut bytes, self.budget);
        input.zeroize();
        blocks.insert(
            0,
            CachedBlock { offset: packed.offset, bytes, len, given: 0, _reservation: reservation },
        );
        self.count(packed.len, len);
        match outcome {
            Ok(()) => {
                self.context.covered.mark(packed.offset..packed.offset.saturating_add(packed.len as u64));
            }
            Err(error) if len == 0 => return Err(error),
            // What is missing of it is noted when it is read.
            Err(error) => self.damage = self.damage.take().or_else(|| Some(error.to_string())),
        }
        Ok(0)
    }

    fn count(&mut self, bytes_in: usize, bytes_out: usize) {
        let before = self.unpacked.get();
        self.unpacked.set(Unpacked {
            bytes_in: before.bytes_in + bytes_in as u64,
            bytes_out: before.bytes_out + bytes_out as u64,
        });
    }
}

impl Read for Reader<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            let Some(piece) = self.piece()? else { return Ok(0) };
            let most = usize::try_from(piece.len).map_or(buf.len(), |len| len.min(buf.len()));
            let room = &mut buf[..most];
            let read = match piece.data {
                Data::Hole | Data::Missing(_) => {
                    room.fill(0);
                    most
                }
                Data::Stored(at) => self.read_stored(room, at),
                Data::Packed(packed) => self.read_packed(room, packed)?,
            };
            self.position += read as u64;
            if read > 0 {
                return Ok(read);
            }
        }
    }
}

impl Rest for Reader<'_, '_> {
    fn skip_hole(&mut self) -> u64 {
        let begin = self.position;
        while self.budget.has_time() {
            let Ok(Some(piece)) = self.piece() else { break }; // An error comes again.
            let hole = match piece.data {
                Data::Hole | Data::Missing(_) => piece.len,
                Data::Stored(at) => self.context.file.hole_at(at).min(piece.len),
                Data::Packed(_) => 0,
            };
            self.position += hole;
            if hole < piece.len {
                break;
            }
        }
        // An even number; and no further than where the last piece that was looked up begins.
        let skipped = self.position - begin;
        if !skipped.is_multiple_of(2) {
            self.position -= 1;
            self.current = (self.position..self.position + 1, Data::Hole);
        }
        skipped & !1
    }
}
