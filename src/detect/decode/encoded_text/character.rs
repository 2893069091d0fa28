//! The characters of such a text, one by one.

use super::super::{CharEncoding, is_text_byte};

/// The first byte of a full-width letter in UTF-8.
pub(super) const FULL_WIDTH: u8 = 0xef;

/// Whether this may stand among encoded characters.
pub(super) fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'~' | b'+')
}

/// The encoded character that `rest` starts with.
pub(super) fn character(encoding: CharEncoding, rest: &[u8]) -> Option<(u8, usize)> {
    match (encoding, rest) {
        (CharEncoding::Rot13, _) => encoding.first_char(rest),
        (_, [first, ..]) if CharEncoding::introduced_by(*first) != Some(encoding) => None,
        (CharEncoding::Escape, _) => encoding.first_char(rest).or_else(|| short_escape(rest)),
        (CharEncoding::Entity, _) => encoding.first_char(rest).or_else(|| named_entity(rest)),
        _ => encoding.first_char(rest),
    }
}

/// `\n`, `\"` and the like, which every language of those with the longer ones has.
fn short_escape(rest: &[u8]) -> Option<(u8, usize)> {
    match rest {
        [b'\\', b'n', ..] => Some((b'\n', 2)),
        [b'\\', b'r', ..] => Some((b'\r', 2)),
        [b'\\', b't', ..] => Some((b'\t', 2)),
        [b'\\', byte @ (b'"' | b'\'' | b'\\' | b'/'), ..] => Some((*byte, 2)),
        _ => None,
    }
}

/// The characters that XML has names for (<https://www.w3.org/TR/xml/#sec-predefined-ent>).
fn named_entity(rest: &[u8]) -> Option<(u8, usize)> {
    let named: [(&[u8], u8); 4] = [(b"&quot;", b'"'), (b"&apos;", b'\''), (b"&lt;", b'<'), (b"&gt;", b'>')];
    named.into_iter().find(|(name, _)| rest.starts_with(name)).map(|(name, byte)| (byte, name.len()))
}

/// Whether a character of a text is encoded so there. In quoted-printable, the sign that every text needs: others look like values.
pub(super) fn is_encoded(bytes: &[u8], at: usize, encoding: CharEncoding) -> bool {
    if encoding == CharEncoding::QuotedPrintable {
        return bytes.get(at..).is_some_and(|rest| rest.starts_with(b"=3D"));
    }
    let encoded = bytes.get(at..).and_then(|rest| encoding.first_char(rest));
    encoded.is_some_and(|(byte, width)| width > 2 && is_text_byte(byte))
}

/// How many bytes are in front of the first that an encoded character may begin with.
pub(super) fn plain_before(encoding: CharEncoding, rest: &[u8]) -> usize {
    let first = match encoding {
        CharEncoding::Percent => b'%',
        CharEncoding::Escape => b'\\',
        CharEncoding::Entity => b'&',
        CharEncoding::QuotedPrintable => b'=',
        _ => return 0,
    };
    memchr::memchr(first, rest).unwrap_or(rest.len())
}
