//! Line and column of a byte, counted only as far as somebody asks.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memrchr};

/// How far a line is followed to either side of a hit. Less than windows overlap, so that what is seen of a line does
/// not depend on where a window was cut; and a bound for files that are one line of many megabytes.
const SIGHT: usize = 8 * 1024;

/// A position counter over one stretch of bytes. Questions are cheap while they come near the one before.
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    /// Lines before `bytes`.
    before: Lead,
    at: usize,
    newlines: u64,
    /// Where the line of `at` starts, if it does within `bytes`.
    start: Option<usize>,
}

/// What stood before a stretch of bytes: how many line ends, and how many bytes since the last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lead {
    newlines: u64,
    column: u64,
}

impl Lead {
    /// The lead after `bytes` have gone by, too.
    pub(super) fn past(self, bytes: &[u8]) -> Lead {
        match memrchr(b'\n', bytes) {
            None => Lead { column: self.column + bytes.len() as u64, ..self },
            Some(last) => Lead {
                newlines: self.newlines + memchr_iter(b'\n', bytes).count() as u64,
                column: (bytes.len() - last - 1) as u64,
            },
        }
    }
}

impl<'a> Lines<'a> {
    pub(super) fn new(bytes: &'a [u8], before: Lead) -> Self {
        Lines { bytes, before, at: 0, newlines: 0, start: None }
    }

    /// Line and column of the byte at `at`, both from 1.
    pub(super) fn locate(&mut self, at: usize) -> (u64, u64) {
        let between = &self.bytes[self.at.min(at)..self.at.max(at)];
        let newlines = memchr_iter(b'\n', between).count() as u64;
        // What stands within a long run of base64 is not asked for in its order.
        self.newlines = if at < self.at { self.newlines - newlines } else { self.newlines + newlines };
        // A line may be all there is, and full of hits: its start is not looked for again.
        if newlines > 0 {
            self.start = memrchr(b'\n', &self.bytes[..at]).map(|last| last + 1);
        }
        self.at = at;
        let column = match self.start {
            Some(start) => (at - start) as u64 + 1,
            None => self.before.column + at as u64 + 1,
        };
        (self.before.newlines + self.newlines + 1, column)
    }
}

/// The line that `span` stands on, or the lines where it goes over several, as far as [`SIGHT`].
pub(super) fn line_around<'b>(bytes: &'b [u8], span: &Range<usize>) -> &'b [u8] {
    let from = span.start.saturating_sub(SIGHT);
    let start = memrchr(b'\n', &bytes[from..span.start]).map_or(from, |at| from + at + 1);
    let until = bytes.len().min(span.end + SIGHT);
    let end = memchr(b'\n', &bytes[span.end..until]).map_or(until, |at| span.end + at);
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
        let long = vec![b'x'; 3 * SIGHT];
        assert_eq!(line_around(&long, &(SIGHT + 5..SIGHT + 6)).len(), 2 * SIGHT + 1);
    }

    #[test]
    fn places_are_the_same_however_the_bytes_are_cut() {
        let text = b"one\ntwo\n\nfour and more\nfive";
        for cut in 0..text.len() {
            let lead = Lead::default().past(&text[..cut / 2]).past(&text[cut / 2..cut]);
            let mut whole = Lines::new(text, Lead::default());
            let mut part = Lines::new(&text[cut..], lead);
            for at in (cut..text.len()).chain((cut..text.len()).rev()) {
                assert_eq!(whole.locate(at), part.locate(at - cut), "cut {cut}, at {at}");
            }
        }
    }
}
