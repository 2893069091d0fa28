//! `=67=68=70=5F` (RFC 2045, section 6.7), and its lines, which end in `=` where the text goes on: mails, vCards, MHTML.

use super::hex;

/// How many line ends are passed over in front of one character.
const MAX_BREAKS: usize = 3;

/// How many blanks that were added on the way are passed over at the end of a line (rule 3).
const MAX_BLANKS: usize = 4;

/// What reports call a text of which every `=` ends a line, and one in which some stand for characters.
pub(super) fn names(encoded: &[u8]) -> &'static [&'static str] {
    let mut signs = memchr::memchr_iter(b'=', encoded);
    let ends_line = |at: usize| matches!(encoded.get(at + 1), Some(b'\r' | b'\n' | b' ' | b'\t'));
    if signs.all(ends_line) { &["joined-lines"] } else { &["quoted-printable"] }
}

/// The encoded character that `rest` starts with; it may be a plain one behind a line end.
pub(super) fn first_char(rest: &[u8]) -> Option<(u8, usize)> {
    let mut at = 0;
    for _ in 0..MAX_BREAKS {
        match soft_break(rest.get(at..)?) {
            Some(width) => at += width,
            None => break,
        }
    }
    match *rest.get(at..)? {
        [b'=', high, low, ..] => hex::pair(high, low).map(|byte| (byte, at + 3)),
        [byte @ (b'\t' | b' '..), ..] if at > 0 => Some((byte, at + 1)),
        _ => None,
    }
}

/// The width of the line end that `rest` starts with and that is none of the text.
fn soft_break(rest: &[u8]) -> Option<usize> {
    let blanks = rest.strip_prefix(b"=")?;
    let count = blanks.iter().take(MAX_BLANKS).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    match blanks.get(count..)? {
        [b'\r', b'\n', ..] => Some(count + 3),
        [b'\n', ..] => Some(count + 2),
        _ => None,
    }
}
