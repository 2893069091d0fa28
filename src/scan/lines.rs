//! Line and column of a byte, counted only as far as somebody asks.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memrchr};

/// How many bytes of a line are taken to either side of a hit. Less than windows overlap, so that the part taken does not
/// depend on where a window was cut; and a bound for files that are one line of many megabytes.
const MAX_CONTEXT: usize = 8 * 1024;

/// Counts lines and columns in a window. A lookup is cheap where it is near the one before.
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    /// The position of the first of `bytes`.
    base: LinePosition,
    /// The offset of the lookup before.
    at: usize,
    /// How many line ends stand before `at` in `bytes`.
    newlines: u64,
    /// Where the line of `at` starts, if it does within `bytes`.
    line_start: Option<usize>,
}

/// How many line ends stand before a byte, and how many bytes since the last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LinePosition {
    newlines: u64,
    column: u64,
}

impl LinePosition {
    /// The position behind `bytes`, the first of which is at this one.
    pub(super) fn advanced_by(self, bytes: &[u8]) -> LinePosition {
        match memrchr(b'\n', bytes) {
            None => LinePosition { column: self.column + bytes.len() as u64, ..self },
            Some(last) => LinePosition {
                newlines: self.newlines + memchr_iter(b'\n', bytes).count() as u64,
                column: (bytes.len() - last - 1) as u64,
            },
        }
    }
}

impl<'a> Lines<'a> {
    pub(super) fn new(bytes: &'a [u8], base: LinePosition) -> Self {
        Lines { bytes, base, at: 0, newlines: 0, line_start: None }
    }

    /// Line and column of the byte at `at`, both from 1.
    pub(super) fn locate(&mut self, at: usize) -> (u64, u64) {
        let between = &self.bytes[self.at.min(at)..self.at.max(at)];
        let newlines = memchr_iter(b'\n', between).count() as u64;
        // Hits within a long run of base64 do not come in their order.
        self.newlines = if at < self.at { self.newlines - newlines } else { self.newlines + newlines };
        // One line may be the whole file, and full of hits: its start is not searched for again.
        if newlines > 0 {
            self.line_start = memrchr(b'\n', &self.bytes[..at]).map(|last| last + 1);
        }
        self.at = at;
        let column = match self.line_start {
            Some(start) => (at - start) as u64 + 1,
            None => self.base.column + at as u64 + 1,
        };
        (self.base.newlines + self.newlines + 1, column)
    }
}

/// The line of `span`, or its lines where it spans several, up to [`MAX_CONTEXT`] bytes to either side.
pub(super) fn line_around<'b>(bytes: &'b [u8], span: &Range<usize>) -> &'b [u8] {
    let first = span.start.saturating_sub(MAX_CONTEXT);
    let start = memrchr(b'\n', &bytes[first..span.start]).map_or(first, |at| first + at + 1);
    let last = bytes.len().min(span.end + MAX_CONTEXT);
    let end = memchr(b'\n', &bytes[span.end..last]).map_or(last, |at| span.end + at);
    &bytes[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_where_it_ends() {
        let text = b"one\ntwo token end\nthree";
        assert_eq!(line_around(text, &(8..13)), b"two token end");
        assert_eq!(line_around(text, &(0..3)), b"one");
        assert_eq!(line_around(text, &(18..23)), b"three");
        assert_eq!(line_around(text, &(2..20)), &text[..]);
        let long = vec![b'x'; 3 * MAX_CONTEXT];
        assert_eq!(line_around(&long, &(MAX_CONTEXT + 5..MAX_CONTEXT + 6)).len(), 2 * MAX_CONTEXT + 1);
    }

    #[test]
    fn positions_are_the_same_however_the_bytes_are_cut() {
        let text = b"one\ntwo\n\nfour and more\nfive";
        for cut in 0..text.len() {
            let base = LinePosition::default().advanced_by(&text[..cut / 2]).advanced_by(&text[cut / 2..cut]);
            let mut whole = Lines::new(text, LinePosition::default());
            let mut part = Lines::new(&text[cut..], base);
            for at in (cut..text.len()).chain((cut..text.len()).rev()) {
                assert_eq!(whole.locate(at), part.locate(at - cut), "cut {cut}, at {at}");
            }
        }
    }
}
