//! For containers whose members lie in pieces anywhere in a file: reads them, and scans what none of them covers.

use std::io::{self, Cursor, ErrorKind, Read, SeekFrom};

use super::bounded_reader::StreamError;
use super::limits::Limit;
use super::open_container::{Content, OpenContainer, Region};
use super::spool::{Spooled, with_seekable};
use crate::blob::{Body, ReadSeek};

/// Where some bytes lie: their offset in the file, and how many there are.
pub(super) type Extent = (u64, u64);

/// Fewer bytes than any token has: of one that stands across the end of a member this much is within, and none is found twice.
const SEAM: u64 = 39;

/// How many pieces are remembered, which is 16 MiB; what lies in any more is scanned twice.
const MAX_PIECES: usize = 1024 * 1024;

/// Lends a body as a file. One that is nested and too large for that is scanned as it is, which is reported.
pub(super) fn with_file(
    container: &OpenContainer<'_>,
    body: Body<'_>,
    use_it: impl FnOnce(&mut dyn ReadSeek),
) {
    with_seekable(body, container.budget, |spooled| match spooled {
        Spooled::Memory(bytes) => use_it(&mut Cursor::new(bytes)),
        Spooled::File(file) => use_it(file),
        Spooled::TooLarge(bytes, rest) => {
            container.hand_over(Region::Raw(0), Content::Stored(&mut bytes.chain(rest)));
            container.report(Region::Raw(0), StreamError::LimitReached(Limit::Memory), None);
        }
    });
}

/// Up to `len` bytes at `offset`. `len` is trusted: ask for little, or reserve it.
pub(super) fn read_at(file: &mut dyn ReadSeek, offset: u64, len: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(offset))?;
    file.take(len).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads extents one behind the other. An error where the file ends before them, or where they are fewer than `size`.
pub(super) struct ExtentReader<'f> {
    file: &'f mut dyn ReadSeek,
    extents: &'f [Extent],
    /// How many bytes of the first of those were read.
    read: u64,
    left: u64,
}

impl<'f> ExtentReader<'f> {
    /// Over the first `size` bytes of these extents.
    pub(super) fn new(file: &'f mut dyn ReadSeek, extents: &'f [Extent], size: u64) -> Self {
        ExtentReader { file, extents, read: 0, left: size }
    }
}

impl Read for ExtentReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.left > 0 && !buf.is_empty() {
            let Some(((offset, len), rest)) = self.extents.split_first() else {
                return Err(ErrorKind::UnexpectedEof.into());
            };
            let most = len.saturating_sub(self.read).min(self.left);
            if most == 0 {
                (self.extents, self.read) = (rest, 0);
                continue;
            }
            self.file.seek(SeekFrom::Start(offset.saturating_add(self.read)))?;
            let most = usize::try_from(most).map_or(buf.len(), |most| most.min(buf.len()));
            let read = self.file.read(buf.get_mut(..most).unwrap_or_default())?;
            if read == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            self.read += read as u64;
            self.left -= read as u64;
            return Ok(read);
        }
        Ok(0)
    }
}

/// The parts of a file that members cover.
#[derive(Default)]
pub(super) struct Covered {
    pieces: Vec<Extent>,
}

impl Covered {
    /// Notes the first `size` bytes of a member's extents.
    pub(super) fn add(&mut self, extents: &[Extent], size: u64) {
        let mut left = size;
        for (offset, len) in extents {
            let len = (*len).min(left);
            if len == 0 || self.pieces.len() == MAX_PIECES {
                return;
            }
            self.pieces.push((*offset, len));
            left -= len;
        }
    }

    /// Scans the parts of a file that no member covers as they are, and across each end of those that one does.
    pub(super) fn scan_rest(
        mut self,
        container: &OpenContainer<'_>,
        file: &mut dyn ReadSeek,
    ) -> io::Result<()> {
        let len = file.seek(SeekFrom::End(0))?;
        self.pieces.push((len, 0));
        self.pieces.sort_unstable();
        let mut at = 0;
        for (begin, piece_len) in self.pieces {
            let begin = begin.min(len);
            if begin >= at && begin > 0 && container.may_scan() {
                scan_gap(container, file, at..begin)?;
            }
            at = at.max(begin.saturating_add(piece_len));
        }
        Ok(())
    }
}

/// Scans what lies between two members, and a little of both.
fn scan_gap(
    container: &OpenContainer<'_>,
    file: &mut dyn ReadSeek,
    gap: std::ops::Range<u64>,
) -> io::Result<()> {
    const AT_ONCE: u64 = 64 * 1024;
    let begin = gap.start.saturating_sub(SEAM);
    if gap.end - gap.start > AT_ONCE {
        file.seek(SeekFrom::Start(begin))?;
        let mut part = file.take(gap.end.saturating_add(SEAM) - begin);
        container.hand_over(Region::Raw(begin), Content::Stored(&mut part));
        return Ok(());
    }
    let bytes = read_at(file, begin, gap.end.saturating_add(SEAM) - begin)?;
    let within = |offset: u64| usize::try_from(offset - begin).unwrap_or(usize::MAX).min(bytes.len());
    let between = bytes.get(within(gap.start)..within(gap.end)).unwrap_or_default();
    // Nothing stands across what is filled up with zeros.
    if between.len() < 2 || between.iter().any(|byte| *byte != 0) {
        container.scan_raw(begin, &bytes);
    }
    Ok(())
}
