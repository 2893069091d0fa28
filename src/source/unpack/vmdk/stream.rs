//! An extent whose grains stand compressed one behind the other, each behind a marker, read forwards ("Stream-Optimized Compressed
//! Sparse Extents").

use std::cell::Cell;
use std::io::{self, ErrorKind, Read};
use std::rc::Rc;

use zeroize::Zeroize as _;

use super::super::block::Codec;
use super::super::bounded_reader::{StreamError, Unpacked};
use super::super::budget::Budget;
use super::super::disk::DISK;
use super::super::input::{Input, SEAM};
use super::super::open_container::{Content, MemberName, OpenContainer, Region};
use super::super::share::Claim;
use super::super::table::{le32, le64};
use super::header::{Header, SECTOR};
use crate::blob::Rest;

/// The fixed part of a marker, in bytes: a number of eight, and the length of a grain's data, which other markers have not.
const MARKER: usize = 12;
/// The types of markers: the end, a table, the directory, the footer.
const END: u32 = 0;

/// Hands on the disk, and what stands behind it.
pub(super) fn open(container: &OpenContainer<'_>, input: &mut Input<'_>, header: &Header) {
    let name = MemberName::from_text(DISK.to_owned());
    if container.begin_member(&name) {
        let unpacked: Rc<Cell<Unpacked>> = Rc::default();
        let mut grains = Grains::new(input, header, container, Rc::clone(&unpacked));
        let content = Content::Pieces { reader: &mut grains, unpacked, claim: Claim::Rest };
        let (read, _) = container.hand_over(Region::Member(&name), content);
        if grains.damaged > 0 {
            let message = format!("{} grains of it cannot be unpacked", grains.damaged);
            container.report(Region::Member(&name), StreamError::Damaged(message), Some(read));
        }
    }
    input.lift_limits();
    if container.may_scan() && input.peek(1).is_ok_and(|bytes| !bytes.is_empty()) {
        input.with_seam(SEAM, |offset, rest| {
            container.hand_over(Region::Raw(offset), Content::Stored(&mut &mut *rest));
        });
    }
}

/// The disk, grain by grain.
struct Grains<'g, 'i> {
    input: &'g mut Input<'i>,
    container: &'g OpenContainer<'g>,
    budget: &'g Budget,
    size: u64,
    grain: usize,
    position: u64,
    /// The grain that was unpacked last, and where it is on the disk.
    bytes: Vec<u8>,
    begin: u64,
    ended: bool,
    /// Why nothing more can be read.
    failed: Option<String>,
    /// How many grains could not be unpacked, or not wholly.
    damaged: u64,
    unpacked: Rc<Cell<Unpacked>>,
}

impl<'g, 'i> Grains<'g, 'i> {
    fn new(
        input: &'g mut Input<'i>,
        header: &Header,
        container: &'g OpenContainer<'g>,
        unpacked: Rc<Cell<Unpacked>>,
    ) -> Self {
        Grains {
            input,
            container,
            budget: container.budget,
            size: header.capacity.saturating_mul(SECTOR),
            grain: usize::try_from(header.grain * SECTOR).unwrap_or(0),
            position: 0,
            bytes: Vec::new(),
            begin: 0,
            ended: false,
            failed: None,
            damaged: 0,
            unpacked,
        }
    }

    /// Reads on until a grain ends behind the position, or all have ended.
    fn advance(&mut self) -> io::Result<()> {
        while !self.ended && self.begin.saturating_add(self.bytes.len() as u64) <= self.position {
            if let Some(message) = &self.failed {
                return Err(io::Error::new(ErrorKind::InvalidData, message.clone()));
            }
            self.wipe();
            if let Err(error) = self.next_grain() {
                self.failed = Some(match error.kind() {
                    ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
                    _ => error.to_string(),
                });
                return Err(error);
            }
        }
        Ok(())
    }

    fn wipe(&mut self) {
        self.bytes.zeroize();
        self.bytes.clear();
    }

    fn next_grain(&mut self) -> io::Result<()> {
        if self.input.offset() == 0 {
            // Up to `overHead`: the header, and the descriptor, which is text.
            let header = self.input.peek(512)?;
            let sectors = le64(header, 64).max(1);
            let overhead = sectors.saturating_mul(SECTOR);
            self.scan_before_grains(overhead)?;
        }
        let marker = self.input.peek(MARKER + 4)?;
        if marker.len() < MARKER + 4 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let (number, len, kind) = (le64(marker, 0), le32(marker, 8), le32(marker, 12));
        if len == 0 {
            if kind == END {
                self.ended = true;
                return Ok(());
            }
            // A table, which says no more than the markers do: in so many sectors behind this one.
            return self.pass(number.saturating_add(1).saturating_mul(SECTOR));
        }
        let begin = number.saturating_mul(SECTOR);
        let most = 2 * self.grain + 4096;
        if begin < self.position || len as usize > most {
            return Err(io::Error::new(ErrorKind::InvalidData, "its grains are not in their order"));
        }
        let _reservation = self.budget.reserve((len as usize + self.grain) as u64)?;
        self.pass(MARKER as u64)?;
        let mut packed = self.input.read_bytes(len as usize)?;
        self.bytes.resize(self.grain, 0);
        let (out, outcome) = Codec::Zlib.unpack(&packed, &mut self.bytes, self.budget);
        packed.zeroize();
        self.bytes.truncate(out);
        self.begin = begin;
        let before = self.unpacked.get();
        self.unpacked.set(Unpacked {
            bytes_in: before.bytes_in + u64::from(len),
            bytes_out: before.bytes_out + out as u64,
        });
        let over = self.input.offset() % SECTOR;
        if over != 0 {
            self.pass(SECTOR - over)?;
        }
        match outcome {
            Err(error) if error.kind() == ErrorKind::OutOfMemory => Err(error),
            Ok(()) if out == self.grain => Ok(()),
            // The last grain may be shorter than the others.
            Ok(()) if begin.saturating_add(out as u64) >= self.size => Ok(()),
            _ => {
                self.damaged += 1;
                Ok(())
            }
        }
    }

    /// Scans what stands before the grains as it is.
    fn scan_before_grains(&mut self, len: u64) -> io::Result<()> {
        /// More than any header and descriptor take.
        const MOST: u64 = 1024 * 1024;
        let len = usize::try_from(len.min(MOST)).unwrap_or(0);
        let mut bytes = self.input.read_bytes(len)?;
        self.container.scan_raw(0, &bytes);
        bytes.zeroize();
        Ok(())
    }

    fn pass(&mut self, len: u64) -> io::Result<()> {
        if self.input.skip(len)? { Ok(()) } else { Err(ErrorKind::UnexpectedEof.into()) }
    }

    /// How many zeros stand before the next grain, or before the end of the disk.
    fn hole(&self) -> u64 {
        if self.ended { self.size } else { self.begin }.saturating_sub(self.position)
    }
}

impl Drop for Grains<'_, '_> {
    fn drop(&mut self) {
        self.wipe();
    }
}

impl Read for Grains<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.advance()?;
        let hole = self.hole();
        let len = if hole > 0 {
            let len = usize::try_from(hole).map_or(buf.len(), |hole| hole.min(buf.len()));
            buf[..len].fill(0);
            len
        } else {
            let from = usize::try_from(self.position.saturating_sub(self.begin)).unwrap_or(usize::MAX);
            let bytes = self.bytes.get(from..).unwrap_or_default();
            let len = bytes.len().min(buf.len());
            buf[..len].copy_from_slice(&bytes[..len]);
            len
        };
        self.position += len as u64;
        Ok(len)
    }
}

impl Rest for Grains<'_, '_> {
    fn skip_hole(&mut self) -> u64 {
        // An error comes again with the next read.
        if self.advance().is_err() {
            return 0;
        }
        let hole = self.hole() & !1;
        self.position += hole;
        hole
    }
}
