//! Texts of which every character is encoded on its own: `%74%6f%6b%65%6e`, `\x74\x6f`, `&#116;&#111;`; and text in
//! quoted-printable. Read as a whole, line ends and quotation marks included, there are pieces of tokens in them, or another
//! alphabet.

mod character;

use std::ops::Range;

use super::simd::Wiped;
use super::{CharEncoding, MAX_CHAR_WIDTH, is_text_byte};
use character::{FULL_WIDTH, character, is_encoded, is_plain, plain_before};

/// How many encoded characters in a row make a text of them.
const LEAST: usize = 8;

/// How many of those are no zeros at least, or of twice as many: UTF-16 and UTF-32 are full of those.
const LEAST_LETTERS: usize = 4;
const MOST: usize = 2 * LEAST;

/// How many encoded characters make a text of which others are plain, and how they may be encoded.
const LEAST_PARTLY: usize = 2;
const PARTLY: [CharEncoding; 5] = [
    CharEncoding::Percent,
    CharEncoding::Escape,
    CharEncoding::Entity,
    CharEncoding::FullWidth,
    CharEncoding::QuotedPrintable,
];

/// How many bytes are looked at for the first one.
const SAMPLE: usize = 16;

/// How many plain letters and digits may be between two of them.
const MAX_PLAIN: usize = 128;

/// The length of a line of quoted-printable that is broken, `=` not counted: 76 characters at most (RFC 2045, section 6.7), and hardly
/// any mailer breaks much before.
const BROKEN_LINE: Range<usize> = 60..79;

/// What was decoded, and where it was.
pub(in crate::detect) struct EncodedText {
    pub(in crate::detect) bytes: Wiped,
    /// The decoded bytes that more than one are decoded to, and where those start.
    wide: Vec<(usize, usize)>,
    /// Its bytes.
    pub(in crate::detect) span: Range<usize>,
    pub(in crate::detect) encoding: CharEncoding,
}

impl EncodedText {
    /// The text that `at` is in, if it is in one; nothing before `floor` belongs to it.
    pub(in crate::detect) fn around(bytes: &[u8], at: usize, floor: usize) -> Option<Self> {
        let (encoding, first) = first_of_text(bytes, at)?;
        let start = start_of(bytes, encoding, first, floor);
        let (mut end, mut plain) = (start, 0);
        while let Some(rest) = bytes.get(end..) {
            let width = match character(encoding, rest) {
                Some((_, width)) => {
                    plain = 0;
                    width
                }
                None if plain < MAX_PLAIN && rest.first().is_some_and(|byte| is_plain(*byte)) => {
                    plain += 1;
                    1
                }
                None => break,
            };
            end += width;
        }
        Some(EncodedText::from(bytes, start, end - start, encoding))
    }

    /// The text from `start` on, at most `limit` bytes of it: what is not encoded is plain.
    pub(in crate::detect) fn from(bytes: &[u8], start: usize, limit: usize, encoding: CharEncoding) -> Self {
        let bytes = bytes.get(..bytes.len().min(start + limit)).unwrap_or(bytes);
        let (mut at, mut wide) = (start, Vec::new());
        // Reserved at once: a buffer that grows leaves copies of a secret behind.
        let mut text = Wiped::new(Vec::with_capacity(bytes.len().saturating_sub(start)));
        while let Some(rest) = bytes.get(at..)
            && let Some(first) = rest.first()
        {
            let plain = plain_before(encoding, rest);
            if plain > 0 {
                text.extend_from_slice(&rest[..plain]);
                at += plain;
                continue;
            }
            let (byte, width) = character(encoding, rest).unwrap_or((*first, 1));
            if width > 1 {
                wide.push((text.len(), at));
            }
            text.push(byte);
            at += width;
        }
        EncodedText { bytes: text, wide, span: start..at, encoding }
    }

    /// All of a text of which some characters are encoded: in the way that most of those are, for one text is written in one. Around
    /// all of them is quoted-printable, which breaks lines.
    pub(in crate::detect) fn partly(bytes: &[u8]) -> Option<Self> {
        let is_broken =
            memchr::memchr_iter(b'\n', bytes).any(|end| is_soft_break(bytes, end, BROKEN_LINE.start));
        let encoding = if is_broken {
            CharEncoding::QuotedPrintable
        } else {
            let counts = count_encoded(bytes).into_iter().zip(PARTLY);
            let (most, encoding) = counts.max_by_key(|(count, _)| *count)?;
            Some(encoding).filter(|_| most >= LEAST_PARTLY)?
        };
        Some(EncodedText::from(bytes, 0, bytes.len(), encoding))
    }

    /// Where the bytes are that these were decoded from, and whether any of them is encoded.
    pub(in crate::detect) fn place(&self, decoded: &Range<usize>) -> (Range<usize>, bool) {
        let (start, end) = (self.byte_of(decoded.start), self.byte_of(decoded.end));
        (start..end, end - start > decoded.len())
    }

    /// Where the decoded byte starts.
    fn byte_of(&self, decoded: usize) -> usize {
        if decoded >= self.bytes.len() {
            return self.span.end;
        }
        let next = self.wide.partition_point(|(character, _)| *character < decoded);
        match (self.wide.get(next), next.checked_sub(1).and_then(|last| self.wide.get(last))) {
            (Some((character, at)), _) => at - (character - decoded).min(*at),
            (None, Some((character, _))) => self.span.end - (self.bytes.len() - decoded.max(*character)),
            (None, None) => self.span.start + decoded,
        }
    }
}

/// How many characters are encoded in each of the ways of [`PARTLY`].
fn count_encoded(bytes: &[u8]) -> [usize; PARTLY.len()] {
    let mut counts = [0; PARTLY.len()];
    let marks = memchr::memchr3_iter(b'%', b'\\', b'&', bytes);
    for at in marks.chain(memchr::memchr2_iter(b'=', FULL_WIDTH, bytes)) {
        let encoding = CharEncoding::introduced_by(bytes[at]);
        for (count, known) in counts.iter_mut().zip(PARTLY) {
            *count += usize::from(encoding == Some(known) && is_encoded(bytes, at, known));
        }
    }
    counts
}

/// The first four characters from `start` on, plain or encoded so.
pub(in crate::detect) fn first_characters(
    bytes: &[u8],
    mut start: usize,
    encoding: CharEncoding,
) -> Option<[u8; 4]> {
    let mut first = [0; 4];
    for slot in &mut first {
        let rest = bytes.get(start..)?;
        let (byte, width) = character(encoding, rest).or_else(|| Some((*rest.first()?, 1)))?;
        *slot = byte;
        start += width;
    }
    Some(first)
}

/// Whether there is such a text anywhere, as [`EncodedText`] finds it; in small ones, of which some characters are.
#[expect(clippy::needless_bitwise_bool, reason = "branches would keep it from being vectors")]
pub(in crate::detect) fn holds_text(bytes: &[u8], is_small: bool) -> bool {
    if is_small && holds_characters(bytes) {
        return true;
    }
    let (mut before, mut may_break) = (0, false);
    for (start, chunk) in (0..).step_by(CHUNK).zip(bytes.chunks(CHUNK)) {
        // Without a branch for each: the compiler makes vector instructions of it.
        let marks = chunk.iter().fold(0_u8, |marks, byte| marks + u8::from(is_mark(*byte)));
        let ends = chunk.iter().zip(bytes.get(start + 1..).unwrap_or_default());
        may_break |= ends
            .fold(false, |any, (byte, next)| any | ((*byte == b'=') & ((*next == b'\n') | (*next == b'\r'))));
        let first = start.saturating_sub(CHUNK);
        if before + marks >= LEAST_MARKS
            && (first..start + chunk.len()).any(|at| is_mark(bytes[at]) && begins_text(bytes, at).is_some())
        {
            return true;
        }
        before = marks;
    }
    // Where the line starts in front of these bytes, it may be as long as it takes.
    may_break && memchr::memchr_iter(b'\n', bytes).any(|end| is_soft_break(bytes, end, 0))
}

/// Whether any character is encoded.
fn holds_characters(bytes: &[u8]) -> bool {
    let is_character = |at: usize| {
        let encoding = bytes.get(at).and_then(|first| CharEncoding::introduced_by(*first));
        encoding.is_some_and(|encoding| is_encoded(bytes, at, encoding))
    };
    memchr::memchr3_iter(b'%', b'\\', b'&', bytes).any(is_character)
        || memchr::memchr2_iter(b'=', FULL_WIDTH, bytes).any(is_character)
}

/// How many bytes are looked at before it is asked how many encoded characters may be in them.
const CHUNK: usize = 64;

/// How many of the first [`LEAST`] characters of a text begin in two chunks, the first one in the first, at least.
const LEAST_MARKS: u8 = 4;

const _: () = assert!(LEAST_MARKS as usize <= LEAST && (LEAST_MARKS as usize - 1) * MAX_CHAR_WIDTH <= CHUNK);

/// Whether an encoded character begins so.
#[expect(clippy::needless_bitwise_bool, reason = "branches would keep it from being vectors")]
const fn is_mark(byte: u8) -> bool {
    (byte == b'%') | (byte == b'\\') | (byte == b'&')
}

/// The first encoded character from `at` on, if a text is there.
fn first_of_text(bytes: &[u8], at: usize) -> Option<(CharEncoding, usize)> {
    let sample: &[u8; SAMPLE] = bytes.get(at..)?.first_chunk()?;
    // Without a branch for each: the compiler makes vector instructions of it.
    if !sample.iter().fold(false, |any, byte| any | is_mark(*byte)) {
        return None;
    }
    let first = at + sample.iter().position(|byte| is_mark(*byte))?;
    Some((begins_text(bytes, first)?, first))
}

/// The encoding of the text that begins at `at`, or goes on there.
fn begins_text(bytes: &[u8], mut at: usize) -> Option<CharEncoding> {
    let encoding = CharEncoding::introduced_by(*bytes.get(at)?)?;
    let mut letters = 0;
    for n in 1..=MOST {
        let (byte, width) = character(encoding, bytes.get(at..)?).filter(|(_, width)| *width > 2)?;
        match byte {
            0 => {}
            byte if is_text_byte(byte) => letters += 1,
            _ => return None,
        }
        if n >= LEAST && letters >= LEAST_LETTERS {
            return Some(encoding);
        }
        at += width;
    }
    None
}

/// Where the text starts that has an encoded character at `first`.
fn start_of(bytes: &[u8], encoding: CharEncoding, first: usize, floor: usize) -> usize {
    let (mut start, mut at, mut plain) = (first, first, 0);
    while at > floor && plain <= MAX_PLAIN {
        let from = at.saturating_sub(MAX_CHAR_WIDTH).max(floor);
        let before = bytes.get(from..at).unwrap_or_default();
        let widths = (2..=before.len()).rev();
        let width = widths.into_iter().find(|width| {
            let rest = bytes.get(at - width..).unwrap_or_default();
            rest.first().is_some_and(|byte| CharEncoding::introduced_by(*byte) == Some(encoding))
                && character(encoding, rest).is_some_and(|(_, taken)| taken == *width)
        });
        match (width, before.last()) {
            (Some(width), _) => {
                (at, plain) = (at - width, 0);
                start = at;
            }
            (None, Some(byte)) if is_plain(*byte) => (at, plain) = (at - 1, plain + 1),
            _ => break,
        }
    }
    // Plain ones in front belong to it as well.
    at.min(start)
}

/// Whether the line that ends at `end` is one of quoted-printable that goes on behind it, and in the middle of a word. `least` is how long
/// it is at least, where nothing is known to be in front of it.
fn is_soft_break(bytes: &[u8], end: usize, least: usize) -> bool {
    let line = bytes.get(end.saturating_sub(BROKEN_LINE.end + 2)..end).unwrap_or_default();
    let Some(line) = line.strip_suffix(b"\r").unwrap_or(line).strip_suffix(b"=") else { return false };
    // An equals sign would be encoded: two end base64.
    if !line.last().is_some_and(|byte| byte.is_ascii_graphic() && *byte != b'=') {
        return false;
    }
    match memchr::memrchr(b'\n', line) {
        Some(before) => BROKEN_LINE.contains(&(line.len() - before - 1)),
        None => end <= BROKEN_LINE.end + 2 && (least..BROKEN_LINE.end).contains(&line.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_decoded_and_has_its_place() {
        let text = "x a\\x74\\u006f\\n\\\"\\x6b\\x65\\x6e\\x3d\\x67\\x68\\x70\\x5fab\\x0a cd";
        for at in 4..40 {
            let Some(read) = EncodedText::around(text.as_bytes(), at, 0) else { continue };
            assert_eq!(*read.bytes, *b"ato\n\"ken=ghp_ab\n", "{at}");
            assert_eq!(read.span, 2..text.len() - 3);
            for (n, byte) in read.bytes.iter().enumerate() {
                let (place, is_encoded) = read.place(&(n..n + 1));
                let rest = &text.as_bytes()[place];
                assert_eq!(
                    character(CharEncoding::Escape, rest).unwrap_or((rest[0], 1)),
                    (*byte, rest.len())
                );
                assert_eq!(is_encoded, rest.len() > 1);
            }
        }
        assert!(EncodedText::around(text.as_bytes(), 4, 0).is_none());
        assert!((4..40).any(|at| EncodedText::around(text.as_bytes(), at, 0).is_some()));
    }

    #[test]
    fn code_and_text_in_another_script_are_none() {
        for text in [
            "printf(\"%d%s%i%x%c%p%lu%zu%%\\n\\t\\n\\t\\n\\t\\n\\t\\n\");",
            "\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00",
            "%E4%BD%A0%E5%A5%BD%E4%B8%96%E7%95%8C%E4%BD%A0%E5%A5%BD",
            "let a_name_as_long_as_a_line_may_be_in_some_language_or_another: u8 =\n    1;",
        ] {
            assert!(!holds_text(text.as_bytes(), false), "{text}");
        }
    }
}
