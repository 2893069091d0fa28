//! Which bytes end a line: in UTF-16 not every byte 0x0A does, because it may be half of a letter.

use std::cell::OnceCell;
use std::ops::Range;

use memchr::{memchr, memchr_iter, memrchr_iter};

use crate::detect::ByteOrder;

/// Fewer bytes of ASCII at the start of a blob may be letters of UTF-16.
const SHORTEST_ASCII: usize = 64;

/// How lines end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineEnds {
    /// With the byte 0x0A.
    Bytes,
    /// With the code unit 0x000A; code units start at even offsets in the blob, or at odd ones.
    Utf16 { order: ByteOrder, odd: bool },
}

impl LineEnds {
    pub(super) const COUNT: usize = 5;

    /// The line ends of the text that a token was found in, which starts at this offset in the blob.
    pub(super) fn of(decoded: &[&'static str], offset: u64) -> Self {
        match decoded.first().and_then(|name| ByteOrder::of_encoding(name)) {
            Some(order) => LineEnds::Utf16 { order, odd: offset % 2 == 1 },
            None => LineEnds::Bytes,
        }
    }

    pub(super) fn index(self) -> usize {
        match self {
            LineEnds::Bytes => 0,
            LineEnds::Utf16 { order, odd } => 1 + 2 * usize::from(order == ByteOrder::Big) + usize::from(odd),
        }
    }
}

/// Bytes of a blob, and what of those before them decides about line ends.
pub(super) struct Text<'a> {
    bytes: &'a [u8],
    offset: u64,
    /// The byte in front of the first one.
    before: u8,
    /// How many bytes the blob has before these, where all of them are ASCII.
    ascii_before: Option<u64>,
    ascii_end: OnceCell<usize>,
}

/// The line ends in the first bytes of a text.
pub(super) struct Passed {
    /// For each kind.
    pub(super) ends: [Ends; LineEnds::COUNT],
    /// How many of those bytes are the ASCII that the blob begins with.
    pub(super) ascii: usize,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Ends {
    pub(super) count: u64,
    /// Where the line starts behind the last of them.
    pub(super) last_start: Option<usize>,
}

impl Ends {
    fn add(&mut self, start: usize) {
        *self = Ends { count: self.count + 1, last_start: Some(start) };
    }
}

impl<'a> Text<'a> {
    /// `ascii_before` is how many bytes the blob has before these, where all of them are ASCII.
    pub(super) fn new(bytes: &'a [u8], offset: u64, before: u8, ascii_before: Option<u64>) -> Self {
        Text { bytes, offset, before, ascii_before, ascii_end: OnceCell::new() }
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Behind the last of the bytes that the blob begins with and that are ASCII: UTF-16 may follow, which has zeros. Looked for
    /// only where somebody asks.
    pub(super) fn ascii_end(&self) -> usize {
        let first_zero = || memchr(0, self.bytes).unwrap_or(self.bytes.len());
        *self.ascii_end.get_or_init(|| if self.begins_in_ascii() { first_zero() } else { 0 })
    }

    /// Whether the blob begins with ASCII, up to these bytes or with them.
    fn begins_in_ascii(&self) -> bool {
        let is_text = |byte: &u8| matches!(*byte, b' '..=b'~' | b'\t' | b'\n' | b'\r');
        match self.ascii_before {
            None => false,
            Some(0) => self.bytes.get(..SHORTEST_ASCII).is_some_and(|start| start.iter().all(is_text)),
            Some(_) => true,
        }
    }

    /// What is passed with the first `length` bytes.
    pub(super) fn passed(&self, length: usize) -> Passed {
        // Each line end of UTF-16 has a zero, of which half may be in the next part. Nearly every text has none, and nearly
        // everything else has one soon.
        let nearby = &self.bytes[..self.bytes.len().min(length + 1)];
        let has_zero =
            self.before == 0 || nearby.last() == Some(&0) || nearby.iter().take(SOON).any(|byte| *byte == 0);
        let newlines = if has_zero { None } else { newlines_without_zeros(&self.bytes[..length]) };
        let Some(count) = newlines else {
            return Passed { ends: self.ends_among_zeros(length), ascii: self.ascii_end().min(length) };
        };
        let is_ascii = self.begins_in_ascii();
        let bytes = Ends { count, last_start: self.last_line_start(length, LineEnds::Bytes) };
        let mut ends = [if is_ascii { bytes } else { Ends::default() }; LineEnds::COUNT];
        ends[LineEnds::Bytes.index()] = bytes;
        Passed { ends, ascii: if is_ascii { length } else { 0 } }
    }

    /// The line ends in the first `length` bytes, of all kinds at once.
    fn ends_among_zeros(&self, length: usize) -> [Ends; LineEnds::COUNT] {
        let mut all = [Ends::default(); LineEnds::COUNT];
        for at in memchr_iter(b'\n', &self.bytes[..length]) {
            if at < self.ascii_end() {
                for ends in &mut all {
                    ends.add(at + 1);
                }
                continue;
            }
            let zero_before = at.checked_sub(1).map_or(self.before, |before| self.bytes[before]) == 0;
            let is_odd = self.is_odd(at);
            all[LineEnds::Bytes.index()].add(at + 1);
            if self.bytes.get(at + 1) == Some(&0) {
                all[LineEnds::Utf16 { order: ByteOrder::Little, odd: is_odd }.index()].add(at + 2);
            }
            if zero_before {
                all[LineEnds::Utf16 { order: ByteOrder::Big, odd: !is_odd }.index()].add(at + 1);
            }
        }
        all
    }

    /// Whether the byte 0x0A at `at` ends a line.
    pub(super) fn is_line_end(&self, at: usize, kind: LineEnds) -> bool {
        let LineEnds::Utf16 { order, odd } = kind else { return true };
        let (other, starts_odd) = match order {
            ByteOrder::Little => (self.bytes.get(at + 1).copied(), self.is_odd(at)),
            ByteOrder::Big => {
                (Some(at.checked_sub(1).map_or(self.before, |before| self.bytes[before])), !self.is_odd(at))
            }
        };
        other == Some(0) && starts_odd == odd || at < self.ascii_end()
    }

    fn is_odd(&self, at: usize) -> bool {
        (self.offset + at as u64) % 2 == 1
    }

    /// The first byte of a part that ends a line.
    pub(super) fn first_line_end(&self, part: Range<usize>, kind: LineEnds) -> Option<usize> {
        let start = part.start;
        memchr_iter(b'\n', &self.bytes[part]).map(|at| start + at).find(|at| self.is_line_end(*at, kind))
    }

    /// How many lines end in a part of the bytes.
    pub(super) fn count(&self, part: Range<usize>, kind: LineEnds) -> u64 {
        let start = part.start;
        let found = memchr_iter(b'\n', &self.bytes[part]);
        let count = if kind == LineEnds::Bytes {
            found.count()
        } else {
            found.filter(|at| self.is_line_end(start + at, kind)).count()
        };
        count as u64
    }

    /// Where the line starts that is left at `at`, if it does among the bytes.
    pub(super) fn last_line_start(&self, at: usize, kind: LineEnds) -> Option<usize> {
        let end = memrchr_iter(b'\n', &self.bytes[..at]).find(|end| self.is_line_end(*end, kind))?;
        let half =
            matches!(kind, LineEnds::Utf16 { order: ByteOrder::Little, .. }) && end >= self.ascii_end();
        Some(end + 1 + usize::from(half))
    }
}

/// How many bytes are looked at for a zero before all are.
const SOON: usize = 4096;

/// How many bytes are compared at a time.
const ROW: usize = 32;

/// How many bytes 0x0A there are, where there is no zero; in one pass, and the compiler makes vectors of the rows.
fn newlines_without_zeros(bytes: &[u8]) -> Option<u64> {
    let (mut newlines, mut least) = (0, u8::MAX);
    // As many rows as a byte can count.
    for part in bytes.chunks(ROW * usize::from(u8::MAX)) {
        let (rows, rest) = part.as_chunks::<ROW>();
        let (mut counts, mut lowest) = ([0_u8; ROW], [u8::MAX; ROW]);
        for row in rows {
            for ((count, low), byte) in counts.iter_mut().zip(&mut lowest).zip(row) {
                *count += u8::from(*byte == b'\n');
                *low = (*low).min(*byte);
            }
        }
        newlines += counts.iter().map(|count| u64::from(*count)).sum::<u64>();
        newlines += rest.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        least = lowest.iter().chain(rest).fold(least, |least, low| least.min(*low));
    }
    (least > 0).then_some(newlines)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn newlines_are_counted_as_one_by_one_where_there_is_no_zero(
            head in prop::collection::vec(prop_oneof![1 => 0..=10_u8, 9 => 1..=u8::MAX], 0..200),
            middle in prop_oneof![Just(0), Just(ROW * 255), Just(ROW * 300)],
            tail in prop::collection::vec(1..=20_u8, 0..100),
        ) {
            let bytes = [head, vec![b'\n'; middle], tail].concat();
            let newlines = memchr_iter(b'\n', &bytes).count() as u64;
            prop_assert_eq!(newlines_without_zeros(&bytes), (!bytes.contains(&0)).then_some(newlines));
        }
    }
}
