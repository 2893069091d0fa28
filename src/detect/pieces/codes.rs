//! Lists of numbers, one for each character: `[103, 104, 112, 95]`, `0x67, 0x68`, `chr(103) . chr(104)`, `0147, 0150`,
//! `01100111 01101000`; and hexadecimal digits over several lines.

use super::bytes::{count, is_token_byte};
use super::characters::Characters;
use super::{line, literal};
use crate::detect::decode::hex;

/// How many bytes from one number to the next.
const MAX_SEPARATOR: usize = 64;

/// The most bytes of what separates two numbers, blanks left out.
const MAX_TEMPLATE: usize = 32;

/// How many bytes a list may span.
const MAX_SPAN: usize = 8 * 1024;

/// The most bytes of a comment in a list.
const MAX_COMMENT: usize = 128;

/// How numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notation {
    Binary,
    Octal,
    Decimal,
    Hexadecimal,
}

impl Notation {
    /// The first letter of every prefix, and what may be the second one.
    fn letters(self) -> (&'static [u8], [&'static [u8]; 2]) {
        match self {
            Notation::Binary => (b"01100111", [b"01101000", b"01101001"]),
            Notation::Octal => (b"147", [b"150", b"151"]),
            Notation::Decimal => (b"103", [b"104", b"105"]),
            Notation::Hexadecimal => (b"67", [b"68", b"69"]),
        }
    }

    /// The number that `rest` begins with, and its width; `is_closed` says that no digit may follow.
    fn number(self, rest: &[u8], is_closed: bool) -> Option<(u8, usize)> {
        let (radix, least, most) = match self {
            Notation::Binary => (2, 8, 8),
            Notation::Octal => (8, 3, 3),
            Notation::Decimal => (10, 2, 3),
            Notation::Hexadecimal => (16, 2, 2),
        };
        let digits = count(rest, most, |byte| self.is_digit(byte));
        if digits < least || is_closed && rest.get(digits).is_some_and(|byte| self.is_digit(*byte)) {
            return None;
        }
        let text = std::str::from_utf8(rest.get(..digits)?).ok()?;
        Some((u8::from_str_radix(text, radix).ok()?, digits))
    }

    /// Whether numbers may follow each other without anything between them.
    fn has_one_width(self) -> bool {
        matches!(self, Notation::Binary | Notation::Hexadecimal)
    }

    fn is_digit(self, byte: u8) -> bool {
        match self {
            Notation::Hexadecimal => byte.is_ascii_hexdigit(),
            _ => byte.is_ascii_digit(),
        }
    }
}

/// Reads a token's characters from a list of numbers.
pub(in crate::detect) struct Codes<'b> {
    bytes: &'b [u8],
    start: usize,
    at: usize,
    notation: Notation,
    /// What is between two numbers, without blanks; for its length.
    template: [u8; MAX_TEMPLATE],
    template_length: usize,
}

impl<'b> Codes<'b> {
    /// The list that begins with the digits of a `g` at `start`, if an `h` or an `i` follows.
    pub(in crate::detect) fn at(bytes: &'b [u8], start: usize) -> Option<Self> {
        let rest = bytes.get(start..bytes.len().min(start + MAX_SPAN))?;
        let all = [Notation::Decimal, Notation::Hexadecimal, Notation::Octal, Notation::Binary];
        let notation = all.into_iter().find(|notation| rest.starts_with(notation.letters().0))?;
        let (first, seconds) = notation.letters();
        let before = start.checked_sub(1).and_then(|before| bytes.get(before));
        let is_closed = |byte: Option<&u8>| byte.is_none_or(|byte| !notation.is_digit(*byte));
        if notation == Notation::Decimal && !(is_closed(before) && is_closed(rest.get(first.len()))) {
            return None;
        }
        let behind = rest.get(first.len()..rest.len().min(first.len() + MAX_SEPARATOR))?;
        // It is near, and what a search takes to begin costs more than this; they differ in their last digits.
        let is_second = |rest: &[u8]| {
            let ends = |second: &[u8]| rest.get(second.len() - 1) == second.last();
            seconds.iter().any(|second| ends(second) && rest.starts_with(second))
        };
        let separator = (0..behind.len()).find(|at| is_second(&behind[*at..]))?;
        let mut codes = Codes {
            bytes: bytes.get(..bytes.len().min(start + MAX_SPAN))?,
            start,
            at: start,
            notation,
            template: [0; MAX_TEMPLATE],
            template_length: 0,
        };
        for byte in behind.get(..separator)?.iter().filter(|byte| !byte.is_ascii_whitespace()) {
            *codes.template.get_mut(codes.template_length)? = *byte;
            codes.template_length += 1;
        }
        // Character references are an encoding of their own.
        if memchr::memchr(b'&', codes.template()).is_some()
            && memchr::memchr(b'#', codes.template()).is_some()
        {
            return None;
        }
        let blank = separator > codes.template_length;
        (codes.template_length > 0 || blank || notation.has_one_width()).then_some(codes)
    }

    fn template(&self) -> &[u8] {
        self.template.get(..self.template_length).unwrap_or_default()
    }

    /// What reports call it: digits without anything but blanks and line ends between them are hex as in one line.
    pub(in crate::detect) fn name(&self) -> &'static str {
        let plain = self.template_length == 0 && self.notation == Notation::Hexadecimal;
        if plain { "hex" } else { "char-codes" }
    }

    /// Behind what separates two numbers, which begins at `at`: the template, with blanks, line ends and comments anywhere.
    fn separator(&self, at: usize) -> Option<usize> {
        let end = at;
        let mut at = self.blanks(at, self.template.first().copied())?;
        for n in 0..self.template_length {
            let expected = *self.template.get(n)?;
            if self.bytes.get(at) != Some(&expected) {
                return None;
            }
            at = self.blanks(at + 1, self.template.get(n + 1).copied())?;
        }
        let needs_one = self.template_length == 0 && !self.notation.has_one_width();
        (at > end || !needs_one).then_some(at)
    }

    /// Behind blanks, line ends with their margins, and comments.
    fn blanks(&self, mut at: usize, expected: Option<u8>) -> Option<usize> {
        let first = at;
        while at - first <= MAX_SEPARATOR * 2 {
            let rest = self.bytes.get(at..)?;
            let byte = rest.first().copied();
            let width = match byte {
                Some(b' ' | b'\t' | b'\r' | b'\n' | b'\\') => match line::line_end(rest) {
                    Some(ends) => {
                        let margin = line::margin(self.bytes, 0..0, at + ends.width, ends.lines);
                        ends.width + self.before(at + ends.width, margin, expected)
                    }
                    None => usize::from(byte != Some(b'\\')),
                },
                Some(b'/') => comment(rest).unwrap_or(0),
                // Digits in a string literal that goes on.
                Some(b'"' | b'\'') if self.template_length == 0 => literal::between(rest)?.width,
                _ => 0,
            };
            if width == 0 {
                break;
            }
            at += width;
        }
        Some(at)
    }

    /// Two hexadecimal digits, one on each side of a line end.
    fn divided_pair(&self, at: usize) -> Option<(u8, usize)> {
        if self.notation != Notation::Hexadecimal || self.template_length > 0 {
            return None;
        }
        let second = self.blanks(at + 1, None)?;
        Some((hex::pair(*self.bytes.get(at)?, *self.bytes.get(second)?)?, second + 1))
    }

    /// A margin up to where what is expected begins, which may look like a part of it.
    fn before(&self, at: usize, margin: usize, expected: Option<u8>) -> usize {
        let expected = expected.filter(|_| self.template_length > 0);
        let found = expected.and_then(|byte| memchr::memchr(byte, self.bytes.get(at..at + margin)?));
        found.unwrap_or(margin)
    }
}

impl Characters for Codes<'_> {
    fn next(&mut self) -> Option<u8> {
        let mut at = self.at;
        if at > self.start {
            at = self.separator(at)?;
        }
        let is_closed = !self.notation.has_one_width() || self.template_length > 0;
        let number = self.notation.number(self.bytes.get(at..)?, is_closed);
        let (byte, end) = match number {
            Some((byte, width)) => (byte, at + width),
            None => self.divided_pair(at)?,
        };
        self.at = end;
        is_token_byte(byte).then_some(byte)
    }

    fn start(&self) -> usize {
        self.start
    }

    fn end(&self) -> usize {
        self.at
    }
}

/// The width of a comment in C's way.
fn comment(rest: &[u8]) -> Option<usize> {
    let part = rest.get(..rest.len().min(MAX_COMMENT))?;
    match part {
        [b'/', b'*', ..] => memchr::memmem::find(part, b"*/").map(|end| end + 2),
        [b'/', b'/', ..] => memchr::memchr(b'\n', part),
        _ => None,
    }
}
