//! Base64 that is wrapped into lines, unwrapped: with LF or CRLF, indented (YAML), quoted (`"…" +`), commented out, or with
//! escaped line ends (`\n` in JSON).

use std::borrow::Cow;
use std::ops::Range;

use zeroize::Zeroize as _;

use super::alphabet::{SHORTEST_RUN, is_character};
use super::simd::{base64_characters, leading, trailing};

/// The most bytes between the characters of two lines: indentation, quotes and a line end.
const MAX_LINE_BREAK: usize = 128;

/// How many bytes in front of a candidate the first line of its text is looked for.
const MAX_LOOKBACK: usize = 4096;

/// How many characters are unwrapped at once; a longer text is taken in parts.
const MAX_PART: usize = 128 * 1024;

/// How many characters at the end of a part are reported with the next one: more than any encoded token takes.
const PART_OVERLAP: usize = 24 * 1024;

/// Base64 text without its line ends.
pub(in crate::detect) struct Unwrapped<'a> {
    /// The characters.
    pub(in crate::detect) text: Cow<'a, [u8]>,
    /// The byte where the first line starts.
    start: usize,
    /// Where each of the others starts: the index of its first character in `text`, and that of its first byte.
    lines: Vec<(usize, usize)>,
    /// The byte at which the next part takes over.
    pub(in crate::detect) end: usize,
}

impl<'a> Unwrapped<'a> {
    /// The text around `candidate`, if it is long enough to contain a token. What ends before `floor` was searched before.
    pub(in crate::detect) fn around(bytes: &'a [u8], candidate: usize, floor: usize) -> Option<Self> {
        let inside = bytes[candidate..].iter().take(MAX_LINE_BREAK).position(|byte| is_character(*byte))?;
        let (start, end) = (run_start(bytes, candidate + inside), run_end(bytes, candidate + inside));
        let first = first_line(bytes, start, floor.saturating_sub(MAX_LINE_BREAK));
        let end = if first == start { end } else { run_end(bytes, first) };
        let start = first;
        if next_line(bytes, end).is_some() {
            return Unwrapped::lines(bytes, start, candidate);
        }
        let text = Cow::Borrowed(&bytes[start..end]);
        (text.len() >= SHORTEST_RUN).then_some(Unwrapped { text, start, lines: Vec::new(), end })
    }

    /// The text of several lines, copied.
    fn lines(bytes: &'a [u8], start: usize, candidate: usize) -> Option<Self> {
        let lines = lines(bytes, start, candidate);
        let length: usize = lines.iter().map(ExactSizeIterator::len).sum();
        if length < SHORTEST_RUN {
            return None;
        }
        let end = lines.last().map_or(candidate, |line| line.end);
        let mut text = Vec::with_capacity(length);
        let mut starts = Vec::with_capacity(lines.len());
        for line in lines {
            starts.push((text.len(), line.start));
            text.extend_from_slice(&bytes[line]);
        }
        starts.remove(0);
        let mut unwrapped = Unwrapped { text: Cow::Owned(text), start, lines: starts, end };
        if length >= MAX_PART {
            let cut = unwrapped.line_start(length - PART_OVERLAP);
            unwrapped.end = if cut > candidate { cut } else { end };
        }
        Some(unwrapped)
    }

    /// Whether the text starts with the first line here, rather than further back than was looked. `first` says whether
    /// `bytes` are the first of the blob.
    pub(in crate::detect) fn starts_text(&self, bytes: &[u8], first: bool) -> bool {
        if self.start == 0 { first } else { previous_line_end(bytes, self.start).is_none() }
    }

    /// The index among the bytes of a character.
    pub(in crate::detect) fn byte_of(&self, character: usize) -> usize {
        let (first, start) = self.line(character);
        start + (character - first)
    }

    /// The byte where the line with that character starts, behind its indentation.
    pub(in crate::detect) fn line_start(&self, character: usize) -> usize {
        self.line(character).1
    }

    /// The index of the first character at or behind a byte.
    pub(in crate::detect) fn character_from(&self, byte: usize) -> usize {
        let line = self.lines.partition_point(|(_, start)| *start <= byte);
        let end = self.lines.get(line).map_or(self.text.len(), |(first, _)| *first);
        let (first, start) = self.nth(line);
        (first + byte.saturating_sub(start)).min(end)
    }

    /// The characters where one of the usual headers of zlib may be: `78 01`, `78 5e`, `78 9c` and `78 da`, a window of 32 KiB
    /// at each of the four levels (RFC 1950, section 2.2).
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

    /// The first character of the line that a character is on, and that line's first byte.
    fn line(&self, character: usize) -> (usize, usize) {
        self.nth(self.lines.partition_point(|(first, _)| *first <= character))
    }

    fn nth(&self, line: usize) -> (usize, usize) {
        line.checked_sub(1).and_then(|line| self.lines.get(line)).copied().unwrap_or((0, self.start))
    }
}

impl Drop for Unwrapped<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.text {
            text.zeroize();
        }
    }
}

/// The lines of base64 from `start` on, one continuing the other: a part, and an overlap behind the line around `candidate`,
/// however long that is.
fn lines(bytes: &[u8], mut start: usize, candidate: usize) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let (mut length, mut behind_candidate) = (0, 0);
    loop {
        let end = run_end(bytes, start);
        length += end - start;
        behind_candidate += if start > candidate { end - start } else { 0 };
        lines.push(start..end);
        match next_line(bytes, end) {
            Some(next) if length < MAX_PART || behind_candidate <= PART_OVERLAP => start = next,
            _ => return lines,
        }
    }
}

/// Where the characters end that start at `start`.
fn run_end(bytes: &[u8], start: usize) -> usize {
    start + leading(&bytes[start..], base64_characters)
}

/// Where the next line starts, if the one that ends at `end` continues there.
fn next_line(bytes: &[u8], end: usize) -> Option<usize> {
    let next = end + line_break(&bytes[end..])?;
    bytes.get(next).copied().is_some_and(is_character).then_some(next)
}

/// Where the first line of the text starts that the line at `start` belongs to.
fn first_line(bytes: &[u8], mut start: usize, floor: usize) -> usize {
    if !bytes.get(start).copied().is_some_and(is_character) {
        // In the middle of an escaped line end.
        start += line_break(&bytes[start..]).unwrap_or(0);
    }
    let floor = floor.max(start.saturating_sub(MAX_LOOKBACK));
    while start > floor
        && let Some(end) = previous_line_end(bytes, start)
    {
        start = run_start(bytes, end);
    }
    start
}

/// Where the characters start that end at `end`. The `n` of an escaped line end is none of them.
fn run_start(bytes: &[u8], end: usize) -> usize {
    let start = end - trailing(&bytes[..end], base64_characters);
    let escaped = bytes[..start].ends_with(b"\\") && matches!(bytes.get(start), Some(b'n' | b'r'));
    start + usize::from(escaped)
}

/// Where the line ends that continues at `start`, if one does.
fn previous_line_end(bytes: &[u8], start: usize) -> Option<usize> {
    let before = &bytes[start.saturating_sub(MAX_LINE_BREAK)..start];
    if !before.last().is_some_and(|byte| b" \t\n\"'+.nr".contains(byte)) {
        return None;
    }
    let gap = before.iter().rev().take_while(|byte| b" \t\r\n\"'+.,\\nr".contains(byte)).count();
    (start - gap..start)
        .filter(|end| *end > 0 && is_character(bytes[end - 1]))
        .find(|end| line_break(&bytes[*end..]) == Some(start - end))
}

/// Whether the line that ends before `at`, or with the line ends there, continues on the next one.
pub(super) fn continues_on_next_line(bytes: &[u8], at: usize) -> bool {
    // Called often, and seldom true: the cheap test first.
    if !matches!(bytes.get(at), Some(b' ' | b'\t' | b'"' | b'\'')) {
        return false;
    }
    let ends = bytes[..at].iter().rev().take_while(|byte| !is_character(**byte)).count();
    next_line(bytes, at - ends).is_some()
}

/// The width of the line break that `rest` starts with, up to the next line's first character.
fn line_break(rest: &[u8]) -> Option<usize> {
    // Called at the end of every run, and seldom true: the cheap test first.
    if !matches!(rest.first()?, b' ' | b'\t' | b'\n' | b'\r' | b'\\' | b'"' | b'\'' | b'&') {
        return None;
    }
    let mut at = carriage_return(rest);
    // Escaped: `\n`, or `\\\\n` in a string within a string.
    loop {
        let slashes = rest[at..].iter().take(MAX_LINE_BREAK).take_while(|byte| **byte == b'\\').count();
        if slashes == 0 || !matches!(rest.get(at + slashes), Some(b'n' | b'r')) {
            break;
        }
        at += slashes + 1;
    }
    let escaped = if rest.starts_with(b"\\") { at } else { 0 };
    let quote = rest.get(at).copied().filter(|byte| matches!(byte, b'"' | b'\''));
    at += usize::from(quote.is_some());
    at += leading_blanks(&rest[at..]);
    at += usize::from(match rest.get(at) {
        Some(b'\\') => true,
        Some(b'+' | b'.' | b',') => quote.is_some(),
        _ => false,
    });
    at += leading_blanks(&rest[at..]);
    at += usize::from(rest.get(at) == Some(&b'\r'));
    if rest.get(at) != Some(&b'\n') {
        return (escaped > 0).then_some(escaped);
    }
    at += 1;
    at += leading_blanks(&rest[at..]);
    at += line_prefix(&rest[at..]);
    if let Some(quote) = quote {
        at += usize::from(matches!(rest.get(at), Some(b'+' | b'.')));
        at += leading_blanks(&rest[at..]);
        if rest.get(at) != Some(&quote) {
            return None;
        }
        at += 1;
    }
    (at <= MAX_LINE_BREAK).then_some(at)
}

/// The width of a character reference to a carriage return, which Java's XML signatures put in front of line ends.
fn carriage_return(rest: &[u8]) -> usize {
    let references = [&b"&#13;"[..], b"&#xD;", b"&#xd;"];
    references.into_iter().find(|reference| rest.starts_with(reference)).map_or(0, <[u8]>::len)
}

/// The width of what comments and quoted mails put in front of their lines.
fn line_prefix(rest: &[u8]) -> usize {
    let longest = rest.iter().take(12);
    longest.take_while(|byte| matches!(byte, b'#' | b'>' | b'*' | b';' | b'|' | b' ')).count()
}

fn leading_blanks(rest: &[u8]) -> usize {
    rest.iter().take(MAX_LINE_BREAK).take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}
