//! Encodings: what each looks like, and how it is decoded.
//!
//! An encoding of single characters ([`CharEncoding`]) is decoded from a token's first character on. Base64 encodes three bytes
//! at a time, so it is found by the forms that prefixes have in it ([`base64`]) and decoded around them.

mod alphabet;
pub(super) mod base64;
pub(super) mod base64_runs;
pub(super) mod base85;
pub(super) mod columns;
pub(super) mod encoded_text;
mod entity;
mod escape;
mod full_width;
pub(super) mod hex;
pub(super) mod inflate;
mod line_break;
pub(super) mod line_wrapped;
mod percent;
mod quoted_printable;
pub(super) mod radix;
pub(super) mod rot13;
mod short_lines;
mod simd;
pub(super) mod utf16;
pub(super) mod utf32;
pub(super) mod utf7;
pub(super) mod uuencode;

use zeroize::Zeroizing;

/// An encoding of single characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CharEncoding {
    /// `%67`, or the character itself.
    Percent,
    /// `\u0067`, `\u{67}`, `\x67`, `\147`, or the character itself.
    Escape,
    /// `&#103;`, `&#x67;`, or the character itself.
    Entity,
    /// `67`.
    Hex,
    /// `67:` or `67 `.
    SpacedHex,
    /// The character, and a zero byte.
    Utf16Le,
    /// A zero byte, and the character.
    Utf16Be,
    /// The character, and three zero bytes.
    Utf32Le,
    /// Three zero bytes, and the character.
    Utf32Be,
    /// `=67`, or the character itself, with line ends in between.
    QuotedPrintable,
    /// `ｇ`, or the character itself.
    FullWidth,
    /// The same in UTF-16.
    FullWidthUtf16Le,
    /// The same in UTF-16, high byte first.
    FullWidthUtf16Be,
    /// `t` for `g`.
    Rot13,
}

impl CharEncoding {
    /// The encoding whose encoded characters start with `byte`, for those in which others may be plain.
    pub(super) fn introduced_by(byte: u8) -> Option<Self> {
        match byte {
            b'%' => Some(CharEncoding::Percent),
            b'\\' => Some(CharEncoding::Escape),
            b'&' => Some(CharEncoding::Entity),
            b'=' => Some(CharEncoding::QuotedPrintable),
            0xe2 | 0xef | 0xf0 => Some(CharEncoding::FullWidth),
            _ => None,
        }
    }

    /// What reports call it; `encoded` is the text it was found in.
    pub(super) fn names(self, encoded: &[u8]) -> &'static [&'static str] {
        match self {
            CharEncoding::Percent => &["percent"],
            CharEncoding::Escape => escape::names(encoded),
            CharEncoding::Entity => &["html-entity"],
            CharEncoding::Hex | CharEncoding::SpacedHex => &["hex"],
            CharEncoding::Utf16Le => &["utf-16le"],
            CharEncoding::Utf16Be => &["utf-16be"],
            CharEncoding::Utf32Le => &["utf-32le"],
            CharEncoding::Utf32Be => &["utf-32be"],
            CharEncoding::QuotedPrintable => quoted_printable::names(encoded),
            CharEncoding::FullWidth => &["full-width"],
            CharEncoding::FullWidthUtf16Le => &["utf-16le", "full-width"],
            CharEncoding::FullWidthUtf16Be => &["utf-16be", "full-width"],
            CharEncoding::Rot13 => &["rot13"],
        }
    }

    /// Whether reports call an encoding so whose characters may stand among plain ones.
    pub(super) fn has_name(name: &str) -> bool {
        [
            "percent",
            "unicode-escape",
            "hex-escape",
            "octal-escape",
            "html-entity",
            "quoted-printable",
            "full-width",
        ]
        .contains(&name)
    }

    /// Whether only a checksum that holds makes a token of what is encoded so: any word is another one in it.
    pub(super) fn needs_proof(self) -> bool {
        self == CharEncoding::Rot13
    }

    /// The first character of `rest`, and how many bytes it takes.
    pub(super) fn first_char(self, rest: &[u8]) -> Option<(u8, usize)> {
        let encoded = match self {
            CharEncoding::Hex => return hex::first_char(rest),
            CharEncoding::SpacedHex => return hex::first_char_spaced(rest),
            CharEncoding::Utf16Le => return utf16::first_char_le(rest),
            CharEncoding::Utf16Be => return utf16::first_char_be(rest),
            CharEncoding::Utf32Le => return utf32::first_char_le(rest),
            CharEncoding::Utf32Be => return utf32::first_char_be(rest),
            CharEncoding::FullWidthUtf16Le => return full_width::first_char_le(rest),
            CharEncoding::FullWidthUtf16Be => return full_width::first_char_be(rest),
            CharEncoding::Rot13 => return rot13::first_char(rest),
            CharEncoding::Percent => percent::first_char(rest),
            CharEncoding::Escape => escape::first_char(rest),
            CharEncoding::Entity => entity::first_char(rest),
            CharEncoding::QuotedPrintable => quoted_printable::first_char(rest),
            CharEncoding::FullWidth => full_width::first_char(rest),
        };
        match *rest.first()? {
            byte if CharEncoding::introduced_by(byte) == Some(self) => encoded,
            // No token contains a blank.
            byte if byte > b' ' => Some((byte, 1)),
            _ => None,
        }
    }

    /// The most bytes that one encoded character takes.
    fn max_width(self) -> usize {
        match self {
            CharEncoding::Rot13 => 1,
            CharEncoding::Hex
            | CharEncoding::Utf16Le
            | CharEncoding::Utf16Be
            | CharEncoding::FullWidthUtf16Le
            | CharEncoding::FullWidthUtf16Be => 2,
            CharEncoding::Percent | CharEncoding::SpacedHex => 3,
            CharEncoding::Utf32Le | CharEncoding::Utf32Be | CharEncoding::FullWidth => 4,
            CharEncoding::Escape | CharEncoding::Entity | CharEncoding::QuotedPrintable => MAX_CHAR_WIDTH,
        }
    }
}

/// Whether `byte` may be part of a text: anything that is there may be encoded, or in pieces. Escape and backspace are what terminals
/// write.
#[inline]
const fn is_text_byte(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r' | 0x1b | 0x08)
}

/// The most bytes that an encoded character takes: `&#x0000000067;`, `\\\\\\\\U00000067`.
const MAX_CHAR_WIDTH: usize = 20;

/// How many encodings of single characters are decoded, one inside the other.
const MAX_ENCODINGS: usize = 4;

/// Encodings, one inside the other, outermost first: `%2567` is percent of percent, `&amp;#103;` entity of entity.
#[derive(Clone, Copy)]
pub(super) struct Encodings {
    encodings: [CharEncoding; MAX_ENCODINGS],
    count: usize,
}

impl Encodings {
    /// A single encoding.
    pub(super) fn single(encoding: CharEncoding) -> Self {
        Encodings { encodings: [encoding; MAX_ENCODINGS], count: 1 }
    }

    /// With one more inside, if no more than `depth` are.
    pub(super) fn with_inner(mut self, inner: CharEncoding, depth: usize) -> Option<Self> {
        if self.count >= depth.min(MAX_ENCODINGS) {
            return None;
        }
        self.encodings[self.count] = inner;
        self.count += 1;
        Some(self)
    }

    /// Decodes at most `limit` characters: as far as the encoding goes, or up to one of which `last`, called with its index and
    /// itself, is true.
    pub(super) fn read(
        &self,
        encoded: &[u8],
        limit: usize,
        last: impl Fn(usize, u8) -> bool,
    ) -> Zeroizing<Vec<u8>> {
        // Reserved at once: a buffer that grows leaves copies of a secret behind.
        let mut text = Zeroizing::new(Vec::with_capacity(limit));
        let mut rest = encoded;
        while text.len() < limit
            && let Some((byte, width)) = self.first_char(rest)
        {
            text.push(byte);
            if last(text.len() - 1, byte) {
                break;
            }
            rest = rest.get(width..).unwrap_or_default();
        }
        text
    }

    fn first_char(&self, rest: &[u8]) -> Option<(u8, usize)> {
        match self.count {
            1 => self.encodings[0].first_char(rest),
            _ => first_char(&self.encodings[..self.count], rest),
        }
    }

    /// The most bytes that one character takes.
    pub(super) fn max_width(&self) -> usize {
        self.encodings[..self.count].iter().map(|encoding| encoding.max_width()).product()
    }

    /// How many bytes the first `count` characters take.
    pub(super) fn width(&self, encoded: &[u8], count: usize) -> usize {
        let mut at = 0;
        for _ in 0..count {
            let rest = encoded.get(at..).unwrap_or_default();
            let Some((_, width)) = self.first_char(rest) else { break };
            at += width;
        }
        at.min(encoded.len())
    }

    /// What reports call them; `encoded` is the text they were found in.
    pub(super) fn names(&self, encoded: &[u8]) -> Vec<&'static str> {
        let names = |index: usize| {
            if index == 0 {
                return self.encodings[0].names(encoded);
            }
            let outer = Encodings { count: index, ..*self };
            self.encodings[index].names(&outer.read(encoded, encoded.len(), |_, _| false))
        };
        (0..self.count).flat_map(names).copied().collect()
    }

    /// Whether nothing in a text is encoded but where its lines end: it is in pieces, and only a checksum that holds joins those.
    pub(super) fn only_join(&self, encoded: &[u8]) -> bool {
        self.names(encoded) == ["joined-lines"]
    }

    /// Whether only a checksum that holds makes a token of what is encoded so.
    pub(super) fn need_proof(&self) -> bool {
        self.encodings[..self.count].iter().any(|encoding| encoding.needs_proof())
    }
}

/// The first character of `rest` in all those encodings, and how many bytes it takes.
fn first_char(encodings: &[CharEncoding], rest: &[u8]) -> Option<(u8, usize)> {
    let (inner, outer) = encodings.split_last()?;
    if outer.is_empty() {
        return inner.first_char(rest);
    }
    let (mut text, mut ends) = ([0; MAX_CHAR_WIDTH], [0; MAX_CHAR_WIDTH]);
    let (mut count, mut at) = (0, 0);
    while count < inner.max_width()
        && let Some((byte, width)) = first_char(outer, rest.get(at..)?)
    {
        at += width;
        (text[count], ends[count]) = (byte, at);
        count += 1;
        // A plain character takes no more.
        if count == 1 && CharEncoding::introduced_by(byte) != Some(*inner) {
            break;
        }
    }
    let (byte, used) = inner.first_char(&text[..count])?;
    Some((byte, ends[used.checked_sub(1)?]))
}

/// The encoding and the start of the encoded character whose digits (`67` in `\u0067` or `&#x67;`) are at `digits`.
pub(super) fn encoded_char_at(bytes: &[u8], digits: usize) -> Option<(CharEncoding, usize)> {
    let before = &bytes[..digits];
    let back = before.iter().rev().take(MAX_LEAD);
    let lead = back.take_while(|byte| matches!(byte, b'0' | b'u' | b'U' | b'x' | b'X' | b'{' | b'#')).count();
    let lead = digits - lead;
    let before = &bytes[..lead];
    if before.ends_with(b"&amp;") {
        return Some((CharEncoding::Entity, lead - 5));
    }
    match before.last()? {
        b'&' => Some((CharEncoding::Entity, lead - 1)),
        // However many: each string within a string doubles them.
        b'\\' => {
            let slashes = before.iter().rev().take(MAX_LEAD).take_while(|byte| **byte == b'\\').count();
            Some((CharEncoding::Escape, lead - slashes))
        }
        _ => None,
    }
}

/// How many bytes the digits of an encoded character may be from its start: leading zeros and backslashes are limited.
const MAX_LEAD: usize = 16;
