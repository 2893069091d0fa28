//! Lines of a large blob. A file is counted only as far as something is found in it, which is seldom: by reading it a second
//! time up to there.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

use super::lines::LinePosition;
use crate::blob::{SharedFile, fill};

/// How many bytes are counted at a time: few enough to stay in a core's own cache.
const CHUNK: usize = 128 * 1024;

/// Reads a shared file from some offset on.
pub(super) struct ReadFrom<'f> {
    pub(super) file: &'f dyn SharedFile,
    pub(super) offset: u64,
}

impl Read for ReadFrom<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

/// What is known of the lines of one file, by all threads that scan it.
pub(super) struct LineIndex<'f> {
    file: &'f dyn SharedFile,
    /// How many bytes are counted between two positions that are kept.
    distance: u64,
    known: Mutex<BTreeMap<u64, LinePosition>>,
}

impl<'f> LineIndex<'f> {
    pub(super) fn new(file: &'f dyn SharedFile, distance: u64) -> Self {
        let known = BTreeMap::from([(0, LinePosition::default())]);
        LineIndex { file, distance, known: Mutex::new(known) }
    }

    /// The position of the byte at `offset`. Counted once for all threads: the others wait, and go on from there.
    fn position(&self, offset: u64) -> LinePosition {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut position = known.range(..=offset).next_back().map(|(_, known)| *known).unwrap_or_default();
        let mut chunk = Vec::new();
        while position.offset() < offset {
            let to = offset.min(position.offset() + self.distance);
            position = self.advanced(position, to, &mut chunk);
            known.insert(position.offset(), position);
        }
        position
    }

    fn keep(&self, position: LinePosition) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(position.offset(), position);
    }

    /// Counts on up to the byte at `to`.
    fn advanced(&self, mut position: LinePosition, to: u64, chunk: &mut Vec<u8>) -> LinePosition {
        // One byte more: a line end of UTF-16 has two.
        chunk.resize(CHUNK + 1, 0);
        while position.offset() < to {
            let left = to - position.offset();
            let hole = self.file.hole_at(position.offset()).min(left);
            let most = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
            if hole > 0 {
                position = position.behind_hole(hole);
                continue;
            }
            let mut reader = ReadFrom { file: self.file, offset: position.offset() };
            position = match fill(&mut reader, &mut chunk[..=most]).0 {
                // It has become shorter, or the disk fails: what is not there has no lines.
                0 => position.behind_hole(left),
                read => position.advanced_by(&chunk[..read], read.min(most)),
            };
        }
        position
    }
}

/// The position of a window.
pub(super) struct Position<'i> {
    now: Option<LinePosition>,
    /// Where it is looked up with the first hit.
    index: Option<&'i LineIndex<'i>>,
}

impl<'i> Position<'i> {
    /// That of the first byte, counted with every window.
    pub(super) fn counted() -> Self {
        Position { now: Some(LinePosition::default()), index: None }
    }

    /// One that is looked up where it is needed, and counted from there on: hits come in crowds.
    pub(super) fn indexed(index: &'i LineIndex<'i>) -> Self {
        Position { now: None, index: Some(index) }
    }

    /// The position of a window that begins at this offset.
    pub(super) fn at(&mut self, offset: u64) -> LinePosition {
        let look_up = || self.index.map(|index| index.position(offset)).unwrap_or_default();
        *self.now.get_or_insert_with(look_up)
    }

    /// Passes over the first bytes of a window.
    pub(super) fn pass(&mut self, window: &[u8], dropped: usize) {
        self.now = self.now.map(|position| position.advanced_by(window, dropped));
    }

    /// Passes over so many zeros.
    pub(super) fn pass_hole(&mut self, zeros: u64) {
        self.now = self.now.map(|position| if zeros > 0 { position.behind_hole(zeros) } else { position });
    }

    /// Lets other parts go on from here, if it is known.
    pub(super) fn keep(&self) {
        if let (Some(index), Some(position)) = (self.index, self.now) {
            index.keep(position);
        }
    }
}
