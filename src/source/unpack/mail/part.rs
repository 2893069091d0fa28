//! The content of one part, decoded while it is read, and of a file that is encoded in a text.

use std::io::{self, Read};

use zeroize::Zeroize as _;

use super::cursor::Cursor;
use super::lines::trimmed;
use crate::source::unpack::transfer::Decoder;

/// Up to where a part goes, if not to the end of the part of a mail that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// The part of the mail.
    Part,
    /// A line of uuencode that says so, or that is none.
    Uuencode,
    /// The line that ends `uuencode -m`.
    Base64,
}

/// Reads a part from the cursor on.
pub(super) struct Part<'p, 'r> {
    cursor: &'p mut Cursor<'r>,
    decoder: Decoder,
    until: Until,
    pending: Vec<u8>,
    given: usize,
    ended: bool,
}

impl<'p, 'r> Part<'p, 'r> {
    pub(super) fn new(cursor: &'p mut Cursor<'r>, decoder: Decoder, until: Until) -> Self {
        Part { cursor, decoder, until, pending: Vec::new(), given: 0, ended: false }
    }

    fn decode_line(&mut self) {
        let line = self.cursor.line();
        let is_last = match self.until {
            Until::Part => false,
            Until::Uuencode => self.cursor.begins_line() && !is_uuencoded(line),
            Until::Base64 => self.cursor.begins_line() && trimmed(line) == b"====",
        };
        if is_last || self.cursor.end().is_some() {
            self.ended = true;
            if let Decoder::Base64(base64) = &mut self.decoder {
                base64.end(&mut self.pending);
            }
            return;
        }
        self.decoder.decode(line, &mut self.pending);
        self.cursor.advance();
    }
}

impl Read for Part<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // A buffer is filled as far as it goes: lines are short.
        while self.pending.len() - self.given < buf.len() && !self.ended {
            if self.given > 0 {
                self.pending.drain(..self.given);
                self.given = 0;
            }
            self.decode_line();
        }
        let rest = self.pending.get(self.given..).unwrap_or_default();
        let len = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..len), rest.get(..len)) {
            to.copy_from_slice(from);
        }
        self.given += len;
        Ok(len)
    }
}

impl Drop for Part<'_, '_> {
    fn drop(&mut self) {
        self.pending.zeroize();
    }
}

/// The name of the file that a line begins, and how it is encoded: `begin 644 name`, `begin-base64 644 name` (POSIX, `uuencode`).
pub(super) fn uuencoded(line: &[u8]) -> Option<(Vec<u8>, Decoder, Until)> {
    let line = trimmed(line);
    let (rest, decoder, until) = if let Some(rest) = line.strip_prefix(b"begin ") {
        (rest, Decoder::Uuencode, Until::Uuencode)
    } else {
        (line.strip_prefix(b"begin-base64 ")?, Decoder::named(b"base64"), Until::Base64)
    };
    let blank = memchr::memchr(b' ', rest)?;
    let (mode, name) = rest.split_at(blank);
    let name = name.trim_ascii();
    let is_mode = matches!(mode.len(), 3..=6) && mode.iter().all(|digit| (b'0'..=b'7').contains(digit));
    (is_mode && !name.is_empty()).then(|| (name.to_vec(), decoder, until))
}

/// Whether a line may be one of uuencode: as long as its first character says, give or take lost blanks and a checksum.
pub(super) fn is_uuencoded(line: &[u8]) -> bool {
    let line = trimmed(line);
    let Some(first) = line.first().filter(|first| (b' '..=b'`').contains(*first)) else { return false };
    let count = usize::from(first.wrapping_sub(b' ') & 0x3f);
    let text = line.len() - 1;
    let is_text = |byte: &u8| (b' '..=b'`').contains(byte);
    count > 0 && text <= count.div_ceil(3) * 4 + 1 && line.iter().all(is_text)
}
