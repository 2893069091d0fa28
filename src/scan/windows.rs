//! A large blob, window by window: each holds what the one before could not decide, and new bytes.

use std::cell::RefCell;
use std::io;

use super::line_index::Position;
use crate::blob::{Rest, fill};
use crate::detect::{ByteOrder, MAX_SPAN, Window, ends_in_run};

/// As many zeros as a finding may span.
static ZEROS: [u8; MAX_SPAN] = [0; MAX_SPAN];

thread_local! {
    /// One window a thread, reused for every large blob.
    static WINDOW: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Takes one window, which begins at this offset and position of its blob; whether to go on.
pub(super) type Visit<'v> = dyn FnMut(&Window<'_>, u64, &mut Position<'_>) -> bool + 'v;

/// How large blobs are cut. All are even numbers of bytes.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    /// How much is read at a time: the system copies much at once faster than little.
    pub(super) read: usize,
    /// How many new bytes a window adds: few enough to stay in a core's own cache.
    pub(super) window: usize,
    /// How many a window may add that would end in a run of base64: a stream that is compressed in it is inflated from its
    /// beginning, so it is to be in one window.
    pub(super) wide: usize,
    /// How much a thread takes of a file at a time: what parts overlap by is little beside it, and nobody waits long for the
    /// one that has the last. At least [`MAX_SPAN`].
    pub(super) part: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        let mib = 1024 * 1024;
        Sizes { read: mib, window: mib / 2, wide: 4 * mib, part: 4 * 1024 * 1024 }
    }
}

/// The windows of a blob, or of a part of one.
pub(super) struct Windows<'r> {
    rest: &'r mut dyn Rest,
    mark: Option<ByteOrder>,
    sizes: Sizes,
    /// The offset of the window's first byte in the blob: an even number, because code units of UTF-16 are two bytes long.
    offset: u64,
    /// How many of its bytes were scanned for what starts in them.
    decided: usize,
    /// What starts from this offset on is another part's.
    end: u64,
}

/// What was read and not passed over yet.
struct Buffer {
    bytes: Vec<u8>,
    window: usize,
    filled: usize,
    /// Why nothing more is read, if so.
    ended: Option<io::Result<()>>,
}

impl Buffer {
    fn len(&self) -> usize {
        self.filled - self.window
    }

    /// Reads as much as there is room for, and no more than `most` bytes.
    fn fill(&mut self, rest: &mut dyn Rest, most: u64) {
        self.bytes.copy_within(self.window..self.filled, 0);
        (self.window, self.filled) = (0, self.len());
        let room = self.bytes.len() - self.filled;
        let most = usize::try_from(most).map_or(room, |most| most.min(room));
        let (read, outcome) = fill(rest, &mut self.bytes[self.filled..self.filled + most]);
        self.filled += read;
        self.ended = match outcome {
            Ok(true) => None,
            Ok(false) => Some(Ok(())),
            Err(error) => Some(Err(error)),
        };
    }
}

impl<'r> Windows<'r> {
    /// Those of a whole blob.
    pub(super) fn of_blob(rest: &'r mut dyn Rest, mark: Option<ByteOrder>, sizes: Sizes) -> Self {
        Windows { rest, mark, sizes, offset: 0, decided: 0, end: u64::MAX }
    }

    /// Those of the part that begins at `start`; `rest` begins [`MAX_SPAN`] bytes before it.
    #[must_use]
    pub(super) fn from(self, start: u64) -> Self {
        let decided = if start > 0 { MAX_SPAN } else { 0 };
        Windows { offset: start - decided as u64, decided, ..self }
    }

    /// Only those up to `end`.
    #[must_use]
    pub(super) fn until(self, end: u64) -> Self {
        Windows { end, ..self }
    }

    /// Hands over all windows; `head` is what was read of the first already. At the end of a part, `position` is that of the
    /// window which the next part begins with.
    pub(super) fn visit(
        mut self,
        head: &[u8],
        position: &mut Position<'_>,
        visit: &mut Visit<'_>,
    ) -> io::Result<()> {
        // Taken out rather than borrowed: a source may hand over a blob from within another one.
        let mut bytes = WINDOW.take();
        let capacity = head.len().max(2 * MAX_SPAN + self.sizes.window) + self.sizes.read;
        bytes.resize(capacity.max(bytes.len()), 0);
        bytes[..head.len()].copy_from_slice(head);
        let mut buffer = Buffer { bytes, window: 0, filled: head.len(), ended: None };
        self.visit_in(&mut buffer, position, visit);
        // A wide one is not kept.
        if buffer.bytes.len() <= capacity {
            WINDOW.set(buffer.bytes);
        }
        buffer.ended.unwrap_or(Ok(()))
    }

    /// How many bytes a window is to have: as usual, or up to the end of the run of base64 that it would end in.
    fn wanted(&mut self, buffer: &mut Buffer) -> usize {
        let usual = self.decided + self.sizes.window + MAX_SPAN;
        let mut wanted = usual;
        loop {
            if buffer.len() < wanted && buffer.ended.is_none() {
                // What was passed over makes room before anything is read.
                if wanted > buffer.bytes.len() {
                    buffer.bytes.resize(wanted, 0);
                }
                let needed = self.end.saturating_add(MAX_SPAN as u64) - self.offset;
                buffer.fill(self.rest, needed.saturating_sub(buffer.len() as u64));
            }
            let most = usual - self.sizes.window + self.sizes.wide;
            let window = buffer.window..buffer.window + wanted.min(buffer.len());
            if wanted >= most || buffer.len() <= wanted && buffer.ended.is_some() {
                return wanted;
            }
            if !buffer.bytes.get(window).is_some_and(ends_in_run) {
                return wanted;
            }
            wanted = most.min(wanted + self.sizes.window);
        }
    }

    fn visit_in(&mut self, buffer: &mut Buffer, position: &mut Position<'_>, visit: &mut Visit<'_>) {
        while self.offset + (self.decided as u64) < self.end {
            let wanted = self.wanted(buffer);
            let bytes = &buffer.bytes[buffer.window..buffer.window + wanted.min(buffer.len())];
            let is_all = bytes.len() == buffer.len();
            let last = is_all && buffer.ended.is_some();
            if bytes.len() < self.decided {
                // The file has become shorter.
                break;
            }
            // Behind so many zeros nothing goes on, and a hole of a sparse file may begin.
            let zeros = is_all && !last && bytes.len() >= MAX_SPAN && bytes.ends_with(&ZEROS);
            // What starts within the last MAX_SPAN bytes may end in the next window, and is decided there.
            let decidable = if last || zeros { bytes.len() } else { bytes.len().saturating_sub(MAX_SPAN) };
            let own = usize::try_from(self.end - self.offset).unwrap_or(usize::MAX);
            let emit = decidable.min(own).max(self.decided);
            let window = Window { bytes, emit: self.decided..emit, mark: self.mark };
            if !visit(&window, self.offset, position) || last {
                break;
            }
            let hole = if zeros { self.rest.skip_hole() } else { 0 };
            let passed = if hole > 0 { bytes.len() } else { emit.saturating_sub(MAX_SPAN) & !1 };
            position.pass(bytes, passed);
            position.pass_hole(hole);
            buffer.window += passed;
            self.offset += passed as u64 + hole;
            self.decided = if hole > 0 { 0 } else { emit - passed };
        }
    }
}
