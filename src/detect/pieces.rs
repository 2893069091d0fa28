//! Tokens in pieces: wrapped by a terminal, put together from string literals, cut by markup or colours.
//!
//! One walk reads a token's characters from its first one on. Where something else stands, a small table of gaps ([`gap`]) says
//! how far to skip and what that is called. No gap begins with a character of a token, so there is nothing to choose but
//! whether letters in front of a quotation mark belong to it: one walk more. The checksum decides.

mod codes;
mod dump;
mod gap;
mod line;
mod literal;
mod markup;

use super::decode::CharEncoding;

pub(super) use codes::Codes;
pub(super) use dump::{Dump, may_be_line as may_be_dump_line};

/// The characters of what may be a token, one by one.
pub(super) trait Characters {
    /// The next one, if there is one.
    fn next(&mut self) -> Option<u8>;

    /// Where the first one starts.
    fn start(&self) -> usize;

    /// Where the last one ends that was read.
    fn end(&self) -> usize;
}

/// How many bytes a token in pieces may span: forty runs of a word processor, one for each character.
const MAX_SPAN: usize = 8 * 1024;

/// How many bytes may be between two characters: the properties of a run in a word processor's document.
const MAX_GAP: usize = 2 * 1024;

/// How many bytes from a token's start on its first characters are read that decide whether it may be one, and how far in front
/// of it these depend on what is there.
pub(super) const FIRST: usize = 96;
pub(super) const FIRST_LOOKBACK: usize = 64;

/// What is between two pieces of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Line ends, and what is in front of the next line.
    Lines,
    /// The end of a string literal, and the start of the next one.
    Literals,
    /// Tags, colours, marks of emphasis, characters that are not seen.
    Markup,
}

impl Cut {
    /// What reports call it.
    fn name(self) -> &'static str {
        match self {
            Cut::Lines => "joined-lines",
            Cut::Literals => "concatenated",
            Cut::Markup => "markup",
        }
    }
}

/// What a walk met, by the names that reports have for it: encodings of single characters, and cuts.
#[derive(Default)]
struct Met {
    encodings: Vec<&'static str>,
    cuts: Vec<&'static str>,
}

fn add(names: &mut Vec<&'static str>, name: &'static str) {
    if !names.contains(&name) {
        names.push(name);
    }
}

/// Reads a token's characters one by one.
pub(super) struct Walk<'b> {
    bytes: &'b [u8],
    start: usize,
    at: usize,
    /// Whether letters in front of a quotation mark belong to it, as in `b"…"`, rather than to the token.
    letters_are_prefix: bool,
    /// Whether that made a difference.
    is_ambiguous: bool,
    /// How many lines were passed.
    lines: usize,
    met: Met,
}

impl<'b> Walk<'b> {
    /// A walk from `start` on.
    pub(super) fn new(bytes: &'b [u8], start: usize) -> Self {
        let bytes = bytes.get(..bytes.len().min(start + MAX_SPAN)).unwrap_or(bytes);
        Walk {
            bytes,
            start,
            at: start,
            letters_are_prefix: true,
            is_ambiguous: false,
            lines: 0,
            met: Met::default(),
        }
    }

    /// The same walk from its start, taking letters in front of a quotation mark for the token's: if there are any.
    pub(super) fn other(&self) -> Option<Self> {
        let other = Walk { letters_are_prefix: false, ..Walk::new(self.bytes, self.start) };
        (self.is_ambiguous && self.letters_are_prefix).then_some(other)
    }

    /// What was decoded, encodings of single characters first: there is a cut, or a character written otherwise.
    pub(super) fn names(self) -> Vec<&'static str> {
        [self.met.encodings, self.met.cuts].concat()
    }

    /// A character that is not plain, or the last one of all.
    fn character(&mut self, rest: &[u8]) -> Option<(u8, usize)> {
        if let Some(struck) = markup::character(rest) {
            add(&mut self.met.cuts, Cut::Markup.name());
            return Some(struck);
        }
        let first = *rest.first()?;
        let Some(encoding) = CharEncoding::introduced_by(first) else {
            return is_token_byte(first).then_some((first, 1));
        };
        let (byte, width) = encoding.first_char(rest).filter(|(byte, _)| is_token_byte(*byte))?;
        for name in encoding.names(rest) {
            add(&mut self.met.encodings, name);
        }
        Some((byte, width))
    }
}

impl Characters for Walk<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, mut last) = (self.at, None);
        loop {
            let rest = self.bytes.get(self.at..)?;
            if let [byte, next, ..] = rest
                && is_token_byte(*byte)
                && *next != markup::BACKSPACE
            {
                self.at += 1;
                return Some(*byte);
            }
            if let Some((byte, width)) = self.character(rest) {
                self.at += width;
                return Some(byte);
            }
            // Nothing of the token was read yet.
            if self.at == self.start || self.at - first > MAX_GAP {
                return None;
            }
            // One line end after the other is no gap: `line::line_end` takes as many as may be.
            let (cut, width) =
                self.gap().filter(|(cut, _)| *cut != Cut::Lines || last != Some(Cut::Lines))?;
            last = Some(cut);
            add(&mut self.met.cuts, cut.name());
            self.at += width;
        }
    }

    fn start(&self) -> usize {
        self.start
    }

    fn end(&self) -> usize {
        self.at
    }
}

/// Whether `byte` may be part of a token that has a checksum.
const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// How many of the first bytes, up to a limit, are such.
fn count(rest: &[u8], limit: usize, is: impl Fn(u8) -> bool) -> usize {
    rest.iter().take(limit).take_while(|byte| is(**byte)).count()
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The width of the first of these texts that `rest` starts with.
fn starts_with_any(rest: &[u8], texts: &[&[u8]]) -> Option<usize> {
    texts.iter().find(|text| rest.starts_with(text)).map(|text| text.len())
}
