//! What stands between the characters of two lines of base64: line ends, indentation, quotes, and what comments, diffs and
//! quoted mails put in front of their lines.

use super::alphabet::is_character;
use super::simd::{blanks, leading};

/// The most bytes between the characters of two lines.
pub(super) const MAX_LINE_BREAK: usize = 128;

/// The most bytes that are put in front of a line.
const MAX_LINE_PREFIX: usize = 12;

/// Whether `byte` may be put in front of lines, and belongs to base64 as well.
pub(super) const fn is_sign(byte: u8) -> bool {
    matches!(byte, b'+' | b'-' | b'/')
}

/// Whether `byte` may be put in front of lines, and is no character of base64.
const fn is_line_prefix(byte: u8) -> bool {
    matches!(byte, b'#' | b'>' | b'*' | b';' | b'|' | b'!' | b'%' | b' ' | b'\t')
}

/// Bytes, by a table: they are asked for around every name.
struct ByteSet([bool; 256]);

impl ByteSet {
    /// The line prefixes and these.
    const fn prefixes_and(others: &[u8]) -> Self {
        let mut set = [false; 256];
        // Prefixes are ASCII.
        let mut byte = 0_u8;
        while byte.is_ascii() {
            set[byte as usize] = is_line_prefix(byte);
            byte += 1;
        }
        let mut n = 0;
        while n < others.len() {
            set[others[n] as usize] = true;
            n += 1;
        }
        ByteSet(set)
    }

    fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte)]
    }
}

/// What may stand between two lines, and what of it may be the last.
static GAP: ByteSet = ByteSet::prefixes_and(b"\r\n\"'.,\\nr+-/");
static GAP_END: ByteSet = ByteSet::prefixes_and(b"\n\"'+.nr");

/// Where the next line starts, if the one that ends at `end` continues there.
#[inline]
pub(super) fn next_line(bytes: &[u8], end: usize) -> Option<usize> {
    // Nearly all of a text's lines end so.
    if let [b'\n', next, ..] = bytes[end..]
        && next.is_ascii_alphanumeric()
    {
        return Some(end + 1);
    }
    let next = end + line_break(&bytes[end..])?;
    bytes.get(next).copied().is_some_and(is_character).then_some(next)
}

/// Where the line ends that continues at `start`, if one does.
pub(super) fn previous_line_end(bytes: &[u8], start: usize) -> Option<usize> {
    let before = &bytes[start.saturating_sub(MAX_LINE_BREAK)..start];
    if !before.last().is_some_and(|byte| GAP_END.contains(*byte)) {
        return None;
    }
    // Nearly always it is a blank between two words: a line ends with one of these.
    let (mut gap, mut is_line_end) = (0, false);
    for byte in before.iter().rev().take_while(|byte| GAP.contains(**byte)) {
        gap += 1;
        is_line_end |= matches!(byte, b'\n' | b'\\');
    }
    if !is_line_end {
        return None;
    }
    (start - gap..start)
        .filter(|end| *end > 0 && is_character(bytes[end - 1]))
        .find(|end| line_break(&bytes[*end..]) == Some(start - end))
}

/// Whether the line that ends before `at`, or with the line ends there, continues on the next one.
pub(super) fn continues_on_next_line(bytes: &[u8], at: usize) -> bool {
    // Called often, and seldom true: the cheap test first.
    if !bytes.get(at).is_some_and(|byte| matches!(byte, b'"' | b'\'') || is_line_prefix(*byte)) {
        return false;
    }
    // `//` and `--` in front of a line look like characters of it.
    let signs = bytes[..at].iter().rev().take(MAX_LINE_PREFIX).take_while(|byte| is_sign(**byte)).count();
    let at = if bytes[..at - signs].ends_with(b"\n") { at - signs } else { at };
    let ends = bytes[..at].iter().rev().take_while(|byte| !is_character(**byte)).count();
    next_line(bytes, at - ends).is_some()
}

/// The width of the line break that `rest` starts with, up to the next line's first character.
#[inline]
pub(super) fn line_break(rest: &[u8]) -> Option<usize> {
    if may_be_line_break(rest) { line_break_width(rest) } else { None }
}

/// Asked at the end of every run, and seldom true.
#[inline]
fn may_be_line_break(rest: &[u8]) -> bool {
    match rest.first() {
        Some(b' ' | b'\t') => matches!(rest.get(leading_blanks(rest)), Some(b'\\' | b'\r' | b'\n')),
        Some(b'\n' | b'\r' | b'\\' | b'"' | b'\'' | b'&') => true,
        _ => false,
    }
}

fn line_break_width(rest: &[u8]) -> Option<usize> {
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
    if rest[0] != b'&' {
        return 0;
    }
    let references = [&b"&#13;"[..], b"&#xD;", b"&#xd;"];
    references.into_iter().find(|reference| rest.starts_with(reference)).map_or(0, <[u8]>::len)
}

/// The width of what is put in front of a line. Of the signs that are base64 themselves, those in front of a blank or of another
/// mark: those right before the text cannot be told from it on one line alone.
fn line_prefix(rest: &[u8]) -> usize {
    let prefix = rest.iter().take(MAX_LINE_PREFIX);
    let width = prefix.take_while(|byte| is_line_prefix(**byte) || is_sign(**byte)).count();
    width - rest[..width].iter().rev().take_while(|byte| is_sign(**byte)).count()
}

#[inline]
fn leading_blanks(rest: &[u8]) -> usize {
    leading(&rest[..rest.len().min(MAX_LINE_BREAK)], blanks)
}
