//! What no member of a container covers, and members that lie in pieces anywhere in a file.

use std::io::{self, Cursor, ErrorKind, Read, SeekFrom};
use std::ops::Range;

use super::bounded_reader::StreamError;
use super::input::Input;
use super::limits::Limit;
use super::open_container::{Content, OpenContainer, Region};
use super::spool::{Spooled, with_seekable};
use crate::blob::{Body, MIN_TOKEN_LEN, ReadSeek};

/// Where some bytes lie: their offset in the file, and how many there are.
pub(super) type Extent = (u64, u64);

/// Fewer bytes than any token has: of one that stands across the end of a member this much is within, and none is found twice.
const SEAM: usize = 39;

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

/// Scans what lies between two members; a little of them as well, where a token may stand across their ends.
fn scan_gap(container: &OpenContainer<'_>, file: &mut dyn ReadSeek, gap: Range<u64>) -> io::Result<()> {
    const AT_ONCE: u64 = 64 * 1024;
    if gap.end - gap.start > AT_ONCE {
        return scan_large_gap(container, file, gap);
    }
    let begin = gap.start.saturating_sub(SEAM as u64);
    let bytes = read_at(file, begin, gap.end.saturating_add(SEAM as u64) - begin)?;
    let within = |offset: u64| usize::try_from(offset - begin).unwrap_or(usize::MAX).min(bytes.len());
    let (mut from, mut to) = (within(gap.start), within(gap.end));
    let between = bytes.get(from..to).unwrap_or_default();
    if between.len() >= MIN_TOKEN_LEN && between.iter().all(|byte| *byte == 0) {
        return Ok(());
    }
    let is_seam = |at: usize| {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        may_stand_across(before.copied(), bytes.get(at).copied())
    };
    let is_whole = !between.is_empty();
    let (at_start, at_end) = (is_seam(from), is_seam(to));
    if at_start {
        from = 0;
    }
    if at_end {
        to = bytes.len();
    }
    if is_whole || at_start || at_end {
        container.scan_raw(begin + from as u64, bytes.get(from..to).unwrap_or_default());
    }
    Ok(())
}

/// The same where it is not read at once.
fn scan_large_gap(container: &OpenContainer<'_>, file: &mut dyn ReadSeek, gap: Range<u64>) -> io::Result<()> {
    let mut seam_at = |at: u64| -> io::Result<u64> {
        let around = if at == 0 { Vec::new() } else { read_at(file, at - 1, 2)? };
        let is_seam = may_stand_across(around.first().copied(), around.get(1).copied());
        Ok(if is_seam { SEAM as u64 } else { 0 })
    };
    let begin = gap.start.saturating_sub(seam_at(gap.start)?);
    let end = gap.end.saturating_add(seam_at(gap.end)?);
    file.seek(SeekFrom::Start(begin))?;
    let mut part = file.take(end - begin);
    container.hand_over(Region::Raw(begin), Content::Stored(&mut part));
    Ok(())
}

/// Whether a token may stand across two bytes: it has letters, digits and underscores, and a dot or dash where it holds a web token.
fn may_stand_across(before: Option<u8>, behind: Option<u8>) -> bool {
    let within = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    before.is_some_and(within) && behind.is_some_and(within)
}

/// Scans what stands before an offset and is not read otherwise as it is, or all that is left.
pub(super) fn scan_until(container: &OpenContainer<'_>, input: &mut Input<'_>, end: Option<u64>) {
    if end.is_none() {
        input.lift_limits();
    }
    let end = end.unwrap_or(u64::MAX);
    if input.offset() >= end || !container.may_scan() {
        return;
    }
    let (before, next) = (input.recent(1).first().copied(), first(input));
    if next.is_some() {
        let seam = if may_stand_across(before, next) { SEAM } else { 0 };
        input.with_seam(seam, |offset, rest| {
            container.hand_over(Region::Raw(offset), Content::Stored(&mut rest.take(end - offset)));
        });
        scan_seam(container, input, 0);
    }
}

/// Scans the end of what was read last, the next `len` bytes and a little behind them, where a token may stand across what ends here or
/// behind those.
pub(super) fn scan_seam(container: &OpenContainer<'_>, input: &mut Input<'_>, len: usize) {
    let before = input.recent(SEAM).to_vec();
    let Ok(behind) = input.peek(len + SEAM).map(<[u8]>::to_vec) else { return };
    let ends = [behind.first(), behind.get(len)];
    let starts = [before.last(), len.checked_sub(1).map_or(before.last(), |at| behind.get(at))];
    if starts.into_iter().zip(ends).any(|(start, end)| may_stand_across(start.copied(), end.copied())) {
        container.scan_raw(input.offset() - before.len() as u64, &[before, behind].concat());
    }
}

/// Scans the first bytes of a container, which were read, as they are.
pub(super) fn scan_front(container: &OpenContainer<'_>, input: &mut Input<'_>, front: &[u8]) {
    if may_stand_across(front.last().copied(), first(input)) {
        let behind = input.peek(SEAM).unwrap_or_default();
        container.scan_raw(0, &[front, behind].concat());
    } else {
        container.scan_raw(0, front);
    }
}

/// The next byte.
fn first(input: &mut Input<'_>) -> Option<u8> {
    input.peek(1).ok()?.first().copied()
}
