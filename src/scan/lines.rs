//! Line and column of a byte, counted only as far as somebody asks.

use std::ops::Range;

use super::line_ends::{LineEnds, Text};
use crate::finding::{Line, Searched};

/// How many bytes of a line are taken to either side of a hit. Less than windows overlap, so that the part taken does not
/// depend on where a window was cut; and a bound for files that are one line of many megabytes.
const MAX_CONTEXT: usize = 8 * 1024;

/// Counts lines and columns in a window. A lookup is cheap where it is near the one before.
pub(super) struct Lines<'a> {
    text: Text<'a>,
    /// The position of the first of its bytes.
    base: LinePosition,
    cursors: [Cursor; LineEnds::COUNT],
    /// Where nothing was found that somebody looked for on a line.
    searched: Searched,
}

/// The lookup before, for one kind of line ends.
#[derive(Default)]
struct Cursor {
    at: usize,
    /// How many line ends stand before `at` in the window.
    line_ends: u64,
    /// Where the line of `at` starts, if it does within the window.
    line_start: Option<usize>,
    /// Where no line ends.
    searched: Searched,
}

/// How many line ends of each kind stand before a byte of a blob, and where the lines start that it is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LinePosition {
    offset: u64,
    /// The byte before it.
    before: u8,
    /// How many bytes the blob begins with that are text in ASCII, as far as they are known: up to here, where that is all.
    ascii: u64,
    counts: [Count; LineEnds::COUNT],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    line_ends: u64,
    line_start: u64,
}

impl LinePosition {
    /// The offset of the byte in its blob.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The position of the byte at `dropped` in a window that begins at this one.
    pub(super) fn advanced_by(mut self, window: &[u8], dropped: usize) -> LinePosition {
        let passed = self.text(window).passed(dropped);
        for (count, ends) in self.counts.iter_mut().zip(passed.ends) {
            count.line_ends += ends.count;
            if let Some(start) = ends.last_start {
                count.line_start = self.offset + start as u64;
            }
        }
        if self.ascii == self.offset {
            self.ascii += passed.ascii as u64;
        }
        self.before = window[..dropped].last().copied().unwrap_or(self.before);
        self.offset += dropped as u64;
        self
    }

    /// The position behind so many zeros.
    pub(super) fn behind_hole(self, zeros: u64) -> LinePosition {
        LinePosition { offset: self.offset + zeros, before: 0, ..self }
    }

    /// The bytes of a window that begins here.
    fn text(self, window: &[u8]) -> Text<'_> {
        let ascii = (self.ascii == self.offset).then_some(self.offset);
        Text::new(window, self.offset, self.before, ascii)
    }
}

impl<'a> Lines<'a> {
    pub(super) fn new(bytes: &'a [u8], base: LinePosition) -> Self {
        Lines { text: base.text(bytes), base, cursors: Default::default(), searched: Searched::default() }
    }

    /// Line and column of the byte at `at`, both from 1, where lines end so.
    pub(super) fn locate(&mut self, at: usize, kind: LineEnds) -> (u64, u64) {
        let base = self.base.counts[kind.index()];
        let cursor = &mut self.cursors[kind.index()];
        let between = self.text.count(cursor.at.min(at)..cursor.at.max(at), kind);
        // Hits within a long run of base64 do not come in their order.
        cursor.line_ends =
            if at < cursor.at { cursor.line_ends - between } else { cursor.line_ends + between };
        // One line may be the whole file, and full of hits: its start is not searched for again.
        if between > 0 {
            cursor.line_start = self.text.last_line_start(at, kind);
        }
        cursor.at = at;
        let column = match cursor.line_start {
            Some(start) => at.saturating_sub(start) as u64 + 1,
            None => (self.base.offset + at as u64).saturating_sub(base.line_start) + 1,
        };
        (base.line_ends + cursor.line_ends + 1, column)
    }

    /// The line of `span`, or its lines where it spans several, up to [`MAX_CONTEXT`] bytes to either side.
    pub(super) fn around(&mut self, span: &Range<usize>, kind: LineEnds) -> Line<'_> {
        self.locate(span.start, kind);
        let cursor = &self.cursors[kind.index()];
        let first = span.start.saturating_sub(MAX_CONTEXT);
        let start = cursor.line_start.map_or(first, |start| start.max(first));
        let last = self.text.bytes().len().min(span.end + MAX_CONTEXT);
        let line_end = |part| Some((self.text.first_line_end(part, kind)?, ()));
        let end = cursor.searched.first(span.end..last, line_end).map_or(last, |(end, ())| end);
        Line::new(self.text.bytes(), start..end, &self.searched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::ByteOrder;

    fn line_around<'b>(bytes: &'b [u8], span: &Range<usize>) -> &'b [u8] {
        part_around(bytes, &mut Lines::new(bytes, LinePosition::default()), span, LineEnds::Bytes)
    }

    fn part_around<'b>(
        bytes: &'b [u8],
        lines: &mut Lines<'b>,
        span: &Range<usize>,
        kind: LineEnds,
    ) -> &'b [u8] {
        let mut whole = 0..0;
        let line = lines.around(span, kind);
        line.first(|_, part| {
            whole = part;
            None::<(usize, ())>
        });
        &bytes[whole]
    }

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

    fn utf16(text: &str, order: ByteOrder) -> Vec<u8> {
        let bytes = |unit: u16| match order {
            ByteOrder::Little => unit.to_le_bytes(),
            ByteOrder::Big => unit.to_be_bytes(),
        };
        text.encode_utf16().flat_map(bytes).collect()
    }

    /// Every kind of text, and how its lines end.
    fn texts() -> Vec<(Vec<u8>, LineEnds)> {
        let plain = "one\ntwo\n\nfour and more\nfive";
        let letters = "\u{4e0a}\u{6d77}\n\u{a0a}\u{10a}\u{a00}\n\n\u{a97}\u{ac1} x\n\u{4e00}\n";
        let mut texts = vec![(plain.as_bytes().to_vec(), LineEnds::Bytes)];
        for order in [ByteOrder::Little, ByteOrder::Big] {
            for odd in [false, true] {
                let raw = if odd { &b"\xff"[..] } else { b"" };
                let bytes = [raw, &utf16(letters, order)].concat();
                texts.push((bytes, LineEnds::Utf16 { order, odd }));
            }
            // As a shell appends to a file in ASCII.
            let head = "a line of a log in ASCII\n".repeat(4);
            let bytes = [head.as_bytes(), &utf16(plain, order)].concat();
            texts.push((bytes, LineEnds::Utf16 { order, odd: head.len() % 2 == 1 }));
        }
        texts
    }

    #[test]
    fn positions_are_the_same_however_the_bytes_are_cut() {
        for (text, kind) in texts() {
            for cut in 0..text.len() {
                let half = LinePosition::default().advanced_by(&text, cut / 2);
                let base = half.advanced_by(&text[cut / 2..], cut - cut / 2);
                let mut whole = Lines::new(&text, LinePosition::default());
                let mut part = Lines::new(&text[cut..], base);
                for at in (cut..text.len()).chain((cut..text.len()).rev()) {
                    assert_eq!(
                        whole.locate(at, kind),
                        part.locate(at - cut, kind),
                        "{kind:?}, cut {cut}, at {at}"
                    );
                }
            }
        }
    }

    #[test]
    fn half_a_letter_is_no_line_end() {
        for order in [ByteOrder::Little, ByteOrder::Big] {
            let text = "\u{4e0a}\n\u{a0a}\u{10a}\u{a00}\nghp";
            let bytes = utf16(text, order);
            let kind = LineEnds::Utf16 { order, odd: false };
            let mut lines = Lines::new(&bytes, LinePosition::default());
            assert_eq!(lines.locate(bytes.len() - 6, kind), (3, 1), "{order:?}");
            assert_eq!(lines.locate(bytes.len() - 2, kind), (3, 5), "{order:?}");
            let line = part_around(&bytes, &mut lines, &(4..6), kind);
            assert!(line.len() >= 6 && line.len() <= 8, "{line:?}");
        }
    }

    #[test]
    fn text_in_front_of_utf16_has_lines_too() {
        let head = "a line of a log in ASCII\n".repeat(4);
        let bytes = [head.as_bytes(), &utf16("x\nghp", ByteOrder::Little)].concat();
        let mut lines = Lines::new(&bytes, LinePosition::default());
        let kind = LineEnds::Utf16 { order: ByteOrder::Little, odd: false };
        assert_eq!(lines.locate(bytes.len() - 6, kind), (6, 1));
    }
}
