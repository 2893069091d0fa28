//! The walk from one character of a token to the next, and the table of gaps.

use super::bytes::is_token_byte;
use super::characters::{Characters, FIRST, FIRST_LOOKBACK};
use super::{line, literal, markup};
use crate::detect::decode::CharEncoding;

/// How many bytes a token in pieces may span: forty runs of a word processor, one for each character.
const MAX_SPAN: usize = 8 * 1024;

/// How many bytes may be between two characters: the properties of a run in a word processor's document.
const MAX_GAP: usize = 2 * 1024;

/// What is between two pieces of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
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
pub(in crate::detect) struct Walk<'b> {
    bytes: &'b [u8],
    start: usize,
    at: usize,
    /// Whether letters in front of a quotation mark belong to it, as in `b"…"`, rather than to the token.
    letters_are_prefix: bool,
    /// Whether that made a difference.
    is_ambiguous: bool,
    /// How many lines were passed, and how many cuts.
    lines: usize,
    cuts: usize,
    met: Met,
}

impl<'b> Walk<'b> {
    /// A walk from `start` on.
    pub(in crate::detect) fn new(bytes: &'b [u8], start: usize) -> Self {
        let bytes = bytes.get(..bytes.len().min(start + MAX_SPAN)).unwrap_or(bytes);
        Walk {
            bytes,
            start,
            at: start,
            letters_are_prefix: true,
            is_ambiguous: false,
            lines: 0,
            cuts: 0,
            met: Met::default(),
        }
    }

    /// The same walk from its start, taking letters in front of a quotation mark for the token's: if there are any.
    pub(in crate::detect) fn other(&self) -> Option<Self> {
        let other = Walk { letters_are_prefix: false, ..Walk::new(self.bytes, self.start) };
        (self.is_ambiguous && self.letters_are_prefix).then_some(other)
    }

    /// What was decoded, encodings of single characters first: there is a cut, or a character written otherwise.
    pub(in crate::detect) fn names(self) -> Vec<&'static str> {
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
            self.cuts += 1;
            self.at += width;
        }
    }

    fn start(&self) -> usize {
        self.start
    }

    fn end(&self) -> usize {
        self.at
    }

    fn cuts(&self) -> usize {
        self.cuts
    }
}

impl Walk<'_> {
    /// What the gap here is, and its width. The first that fits is taken: they differ in what they begin with, but for a
    /// quotation mark or a backslash, which mean more at the end of a line.
    fn gap(&mut self) -> Option<(Cut, usize)> {
        let rest = self.bytes.get(self.at..)?;
        if let Some(ends) = line::line_end(rest) {
            let next = self.at + ends.width;
            self.lines += ends.lines;
            // Of the first characters, no more may depend on what is far from them: see `MATCH_CONTEXT`.
            let is_first = self.at - self.start < FIRST;
            let lookback = if is_first { FIRST_LOOKBACK } else { line::MAX_LOOKBACK };
            let own = line::start(self.bytes, self.start, lookback);
            let margin = line::margin(self.bytes, own..self.start, next, self.lines);
            return Some((Cut::Lines, ends.width + margin));
        }
        if let Some(between) = literal::between(rest) {
            self.is_ambiguous |= between.without_prefix.is_some();
            let other = between.without_prefix.filter(|_| !self.letters_are_prefix);
            return Some((Cut::Literals, other.unwrap_or(between.width)));
        }
        markup::gap(rest).map(|width| (Cut::Markup, width))
    }
}

/// What a text goes on with behind a character of a token, as far as its first bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) enum Next<'b> {
    /// Another one, and what is behind it.
    Character(u8, &'b [u8]),
    /// Neither that nor a gap, whatever follows.
    Nothing,
    /// What may be a gap or an encoded character, or nothing any more.
    Unknown,
}

/// What `rest` goes on with.
pub(in crate::detect) fn next_in(rest: &[u8]) -> Next<'_> {
    match rest {
        // A gap, as many as there are.
        [0, ..] => match rest.iter().position(|byte| *byte != 0) {
            Some(width) => next_in(&rest[width..]),
            None => Next::Unknown,
        },
        [byte, next, ..] if is_token_byte(*byte) && *next != markup::BACKSPACE => {
            Next::Character(*byte, &rest[1..])
        }
        // These are only at the end of a line, with blanks between them and it.
        [b' ' | b'\t' | b'-' | b'+', next, ..] if next.is_ascii_alphanumeric() => Next::Nothing,
        [byte, _, ..] if !is_token_byte(*byte) && !may_begin_gap(*byte) => Next::Nothing,
        _ => Next::Unknown,
    }
}

/// Whether a gap or an encoded character may begin with `byte`.
fn may_begin_gap(byte: u8) -> bool {
    CharEncoding::introduced_by(byte).is_some()
        || matches!(
            byte,
            0 | markup::BACKSPACE | b'\t'
                ..=b'\r' | 0x1b | 0x9b | b' ' | b'"' | b'#' | b'$' | b'\'' | b'*' | b'+' | b'-' | b'<'
                | b'^' | b'`' | b'{' | b'|' | b'}' | b'~'
                // The first bytes of characters that are not seen, and of what stands at the end of lines.
                | 0xc2 | 0xcd | 0xe1
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn what_the_first_bytes_tell_is_what_a_walk_reads(
            rest in prop::collection::vec(prop_oneof![
                3 => any::<u8>(),
                2 => prop::sample::select(b" \t\r\n\0\0-+=$#*\"'`\\&%<>(){}|~^_.,:;/g1".to_vec()),
            ], 0..12),
        ) {
            let text = [b"g", &rest[..]].concat();
            let mut walk = Walk::new(&text, 0);
            prop_assert_eq!(walk.next(), Some(b'g'));
            match next_in(&rest) {
                Next::Character(byte, behind) => {
                    prop_assert_eq!(walk.next(), Some(byte));
                    prop_assert_eq!(walk.end(), text.len() - behind.len());
                }
                Next::Nothing => prop_assert_eq!(walk.next(), None),
                Next::Unknown => {}
            }
        }
    }

    #[test]
    fn a_word_that_ends_is_no_gap() {
        for rest in ["./x", ".com", "/x", ": x", " actions", "-actions", ", x", "\0\0\0\u{1}\u{1}"] {
            assert_eq!(next_in(rest.as_bytes()), Next::Nothing, "{rest:?}");
        }
        for rest in ["", "_", ".", " ", "\n", "\"", "\u{200b}", "\\", " \n", "-\n", "=5F", "<b>"] {
            assert_eq!(next_in(rest.as_bytes()), Next::Unknown, "{rest:?}");
        }
        assert_eq!(next_in(b"\0_p"), Next::Character(b'_', b"p"));
    }
}
