//! Base64 that was wrapped into lines, joined again: LF or CRLF, indented (YAML), quoted (`"…" +`), or with the line
//! ends written out (`\n` in JSON).

use std::borrow::Cow;

use super::base64::is_character;
use super::base64_runs::SHORTEST;
use super::simd::{characters, leading, trailing};
use zeroize::Zeroize as _;

/// The longest thing between two lines: an indentation, quotes and a line end.
const BREAK: usize = 128;

/// How far in front of a place the first line of its text is looked for.
const BACK: usize = 4096;

/// How many characters are joined at once; a longer text is taken in parts.
const PART: usize = 128 * 1024;

/// How much of a part is left to the next one to report: more than any encoded token takes.
const TAIL: usize = 24 * 1024;

/// Base64 text without its line ends.
pub(in crate::detect) struct Joined<'a> {
    /// The characters.
    pub(in crate::detect) text: Cow<'a, [u8]>,
    /// The byte where the first line starts.
    start: usize,
    /// Where each of the others starts: in `text`, and among the bytes.
    lines: Vec<(usize, usize)>,
    /// The byte behind which another part takes over.
    pub(in crate::detect) end: usize,
}

impl<'a> Joined<'a> {
    /// The text around `spot`, if it is long enough to hold a token. What ends before `floor` was looked at before.
    pub(in crate::detect) fn around(bytes: &'a [u8], spot: usize, floor: usize) -> Option<Self> {
        let inside = bytes[spot..].iter().take(BREAK).position(|byte| is_character(*byte))?;
        let (start, end) = (word_start(bytes, spot + inside), word_end(bytes, spot + inside));
        let first = first_line(bytes, start, floor.saturating_sub(BREAK));
        let end = if first == start { end } else { word_end(bytes, first) };
        let start = first;
        if next_line(bytes, end).is_some() {
            return Joined::lines(bytes, start, spot);
        }
        let text = Cow::Borrowed(&bytes[start..end]);
        (text.len() >= SHORTEST).then_some(Joined { text, start, lines: Vec::new(), end })
    }

    /// The text of several lines, copied.
    fn lines(bytes: &'a [u8], start: usize, spot: usize) -> Option<Self> {
        let lines = lines(bytes, start, spot);
        let length: usize = lines.iter().map(ExactSizeIterator::len).sum();
        if length < SHORTEST {
            return None;
        }
        let end = lines.last().map_or(spot, |line| line.end);
        let mut text = Vec::with_capacity(length);
        let mut starts = Vec::with_capacity(lines.len());
        for line in lines {
            starts.push((text.len(), line.start));
            text.extend_from_slice(&bytes[line]);
        }
        starts.remove(0);
        let mut joined = Joined { text: Cow::Owned(text), start, lines: starts, end };
        if length >= PART {
            let cut = joined.word(length - TAIL);
            joined.end = if cut > spot { cut } else { end };
        }
        Some(joined)
    }

    /// Whether the first line is where the text starts, and not where the look at it did; `bytes` may be the first.
    pub(in crate::detect) fn begins(&self, bytes: &[u8], first: bool) -> bool {
        if self.start == 0 { first } else { line_above(bytes, self.start).is_none() }
    }

    /// The byte where the character with that number stands.
    pub(in crate::detect) fn byte(&self, character: usize) -> usize {
        let (first, start) = self.line(character);
        start + (character - first)
    }

    /// The byte where the line with that character starts: the word on it, without indentation.
    pub(in crate::detect) fn word(&self, character: usize) -> usize {
        self.line(character).1
    }

    /// The number of the first character at or behind that byte.
    pub(in crate::detect) fn character(&self, byte: usize) -> usize {
        let line = self.lines.partition_point(|(_, start)| *start <= byte);
        let end = self.lines.get(line).map_or(self.text.len(), |(first, _)| *first);
        let (first, start) = self.nth(line);
        (first + byte.saturating_sub(start)).min(end)
    }

    /// Where the four headers of zlib may stand: `78 01`, `78 5e`, `78 9c`, `78 da`.
    pub(in crate::detect) fn zlib_starts(&self) -> impl Iterator<Item = usize> {
        memchr::memchr_iter(b'e', &self.text).filter(|start| {
            matches!(
                self.text[start + 1..],
                [b'A', b'E'..=b'H', ..]
                    | [b'F', b'4'..=b'7', ..]
                    | [b'J', b'w'..=b'z', ..]
                    | [b'N', b'o'..=b'r', ..]
            )
        })
    }

    fn line(&self, character: usize) -> (usize, usize) {
        self.nth(self.lines.partition_point(|(first, _)| *first <= character))
    }

    fn nth(&self, line: usize) -> (usize, usize) {
        line.checked_sub(1).and_then(|line| self.lines.get(line)).copied().unwrap_or((0, self.start))
    }
}

impl Drop for Joined<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.text {
            text.zeroize();
        }
    }
}

/// The lines of base64 from `start` on, each joined to the one before by a line end: a part's worth, and a tail behind the
/// line around `spot`, however long that is.
fn lines(bytes: &[u8], mut start: usize, spot: usize) -> Vec<std::ops::Range<usize>> {
    let mut lines = Vec::new();
    let (mut length, mut behind) = (0, 0);
    loop {
        let end = word_end(bytes, start);
        length += end - start;
        behind += if start > spot { end - start } else { 0 };
        lines.push(start..end);
        match next_line(bytes, end) {
            Some(next) if length < PART || behind <= TAIL => start = next,
            _ => return lines,
        }
    }
}

/// Where the characters end that start at `start`.
fn word_end(bytes: &[u8], start: usize) -> usize {
    start + leading(&bytes[start..], characters)
}

/// Where the next line starts, if the one that ends at `end` goes on there.
fn next_line(bytes: &[u8], end: usize) -> Option<usize> {
    let next = end + line_break(&bytes[end..])?;
    bytes.get(next).copied().is_some_and(is_character).then_some(next)
}

/// Where the first line starts that leads to the one at `start` without leaving the text.
fn first_line(bytes: &[u8], mut start: usize, floor: usize) -> usize {
    if !bytes.get(start).copied().is_some_and(is_character) {
        // In the middle of a written-out line end: go on behind it.
        start += line_break(&bytes[start..]).unwrap_or(0);
    }
    let floor = floor.max(start.saturating_sub(BACK));
    while start > floor
        && let Some(end) = line_above(bytes, start)
    {
        start = word_start(bytes, end);
    }
    start
}

/// Where the characters start that end before `at`. The `n` of a written-out line end is none of them.
fn word_start(bytes: &[u8], at: usize) -> usize {
    let start = at - trailing(&bytes[..at], characters);
    let written_out = bytes[..start].ends_with(b"\\") && matches!(bytes.get(start), Some(b'n' | b'r'));
    start + usize::from(written_out)
}

/// Where the line ends that goes on at `start`, if one does.
fn line_above(bytes: &[u8], start: usize) -> Option<usize> {
    let before = &bytes[start.saturating_sub(BREAK)..start];
    if !before.last().is_some_and(|byte| b" \t\n\"'+.nr".contains(byte)) {
        return None;
    }
    let gap = before.iter().rev().take_while(|byte| b" \t\r\n\"'+.,\\nr".contains(byte)).count();
    (start - gap..start)
        .filter(|end| *end > 0 && is_character(bytes[end - 1]))
        .find(|end| line_break(&bytes[*end..]) == Some(start - end))
}

/// Whether the line that ends before `at`, or with the line ends there, goes on in the next one.
pub(super) fn goes_on_below(bytes: &[u8], at: usize) -> bool {
    // Looked at often, and seldom worth it.
    if !matches!(bytes.get(at), Some(b' ' | b'\t' | b'"' | b'\'')) {
        return false;
    }
    let ends = bytes[..at].iter().rev().take_while(|byte| !is_character(**byte)).count();
    next_line(bytes, at - ends).is_some()
}

/// The width of the line break that `rest` starts with, up to the next line's first character.
fn line_break(rest: &[u8]) -> Option<usize> {
    // Asked for at the end of every run, and seldom the answer.
    if !matches!(rest.first()?, b' ' | b'\t' | b'\n' | b'\r' | b'\\' | b'"' | b'\'' | b'&') {
        return None;
    }
    let mut at = carriage_return(rest);
    // Written out: `\n`, or `\\\\n` in a text within a text.
    loop {
        let slashes = rest[at..].iter().take(BREAK).take_while(|byte| **byte == b'\\').count();
        if slashes == 0 || !matches!(rest.get(at + slashes), Some(b'n' | b'r')) {
            break;
        }
        at += slashes + 1;
    }
    let written_out = if rest.starts_with(b"\\") { at } else { 0 };
    let quote = rest.get(at).copied().filter(|byte| matches!(byte, b'"' | b'\''));
    at += usize::from(quote.is_some());
    at += blanks(&rest[at..]);
    at += usize::from(match rest.get(at) {
        Some(b'\\') => true,
        Some(b'+' | b'.' | b',') => quote.is_some(),
        _ => false,
    });
    at += blanks(&rest[at..]);
    at += usize::from(rest.get(at) == Some(&b'\r'));
    if rest.get(at) != Some(&b'\n') {
        return (written_out > 0).then_some(written_out);
    }
    at += 1;
    at += blanks(&rest[at..]);
    at += margin(&rest[at..]);
    if let Some(quote) = quote {
        at += usize::from(matches!(rest.get(at), Some(b'+' | b'.')));
        at += blanks(&rest[at..]);
        if rest.get(at) != Some(&quote) {
            return None;
        }
        at += 1;
    }
    (at <= BREAK).then_some(at)
}

/// The width of a carriage return as XML writes it, in front of a line end: Java breaks lines so.
fn carriage_return(rest: &[u8]) -> usize {
    let written = [&b"&#13;"[..], b"&#xD;", b"&#xd;"].into_iter().find(|written| rest.starts_with(written));
    written.map_or(0, <[u8]>::len)
}

/// The width of what a comment or a quoted mail puts before its lines.
fn margin(rest: &[u8]) -> usize {
    let most = rest.iter().take(12);
    most.take_while(|byte| matches!(byte, b'#' | b'>' | b'*' | b';' | b'|' | b' ')).count()
}

fn blanks(rest: &[u8]) -> usize {
    rest.iter().take(BREAK).take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}
