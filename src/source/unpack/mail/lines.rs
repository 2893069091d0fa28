//! The lines of a mail, in pieces where they are endless.

use std::io::Read;

use memchr::memchr;
use zeroize::Zeroize as _;

use crate::blob::fill;

/// The longest piece of a line that is held, in bytes.
const CHUNK: usize = 64 * 1024;

/// Lines from a reader, one at a time.
pub(super) struct Lines<'r> {
    reader: &'r mut dyn Read,
    buffer: Vec<u8>,
    /// The line there is: in the buffer from here, to there.
    at: usize,
    end: usize,
    /// Up to where the buffer is filled.
    filled: usize,
    ended: bool,
    /// Whether the line there is begins one, and is not the rest of an endless one.
    begins: bool,
}

impl<'r> Lines<'r> {
    /// The lines of what a reader gives.
    pub(super) fn new(reader: &'r mut dyn Read) -> Self {
        let mut lines =
            Lines { reader, buffer: vec![0; CHUNK], at: 0, end: 0, filled: 0, ended: false, begins: true };
        lines.find_end();
        lines
    }

    /// The line there is, with its end; empty where there is none any more.
    pub(super) fn line(&self) -> &[u8] {
        self.buffer.get(self.at..self.end).unwrap_or_default()
    }

    /// That line, and what was read behind it.
    pub(super) fn ahead(&self) -> &[u8] {
        self.buffer.get(self.at..self.filled).unwrap_or_default()
    }

    /// Whether that begins a line.
    pub(super) fn begins(&self) -> bool {
        self.begins
    }

    /// Goes on to the next line.
    pub(super) fn advance(&mut self) {
        self.begins = self.line().last().is_none_or(|last| *last == b'\n');
        self.at = self.end;
        self.find_end();
    }

    fn find_end(&mut self) {
        let found = |buffer: &[u8]| memchr(b'\n', buffer).map(|end| end + 1);
        let mut end = self.buffer.get(self.at..self.filled).and_then(found);
        if end.is_none() && !self.ended {
            self.buffer.copy_within(self.at..self.filled, 0);
            (self.filled, self.at) = (self.filled - self.at, 0);
            let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
            let (read, outcome) = fill(self.reader, room);
            // A reader that fails gives no more; whoever scans the bytes themselves reports it.
            self.ended = !matches!(outcome, Ok(true));
            self.filled += read;
            end = self.buffer.get(..self.filled).and_then(found);
        }
        self.end = end.map_or(self.filled, |end| self.at + end);
    }
}

impl Drop for Lines<'_> {
    fn drop(&mut self) {
        self.buffer.zeroize();
    }
}

/// A line without its end.
pub(super) fn trimmed(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_where_they_fit() {
        let long = [vec![b'x'; CHUNK + 10], b"\nlast".to_vec()].concat();
        let text = [b"a\r\n\nbc\n", &long[..]].concat();
        let mut reader = &text[..];
        let mut lines = Lines::new(&mut reader);
        let mut seen = Vec::new();
        while !lines.line().is_empty() {
            seen.push((lines.line().len(), lines.begins()));
            lines.advance();
        }
        assert_eq!(seen, [(3, true), (1, true), (3, true), (CHUNK, true), (11, false), (4, true)]);
    }
}
