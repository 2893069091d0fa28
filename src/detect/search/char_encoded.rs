//! Tokens that are encoded character by character, from the first one on.

use std::ops::Range;

use zeroize::Zeroizing;

use super::{Finder, Found, Layer, OnFound};
use crate::detect::classify::{
    Classified, MAX_JWT_HEADER, MAX_PLAIN_LENGTH, classify_proven, classify_unproven, starts_jwt, starts_word,
};
use crate::detect::decode::{CharEncoding, Encodings, utf16};
use crate::finding::Confidence::{Certain, Lookalike};
use crate::rule::{Checksum, Rule};

/// How many characters decide whether a text starts like a token: the longest prefix, `github_pat_`, and one more.
pub(super) const PREFIX_WINDOW: usize = 12;

/// A token, and the encoded text it was read from.
pub(super) struct EncodedToken<'f> {
    rule: &'f Rule,
    text: Zeroizing<Vec<u8>>,
    span: Range<usize>,
    encodings: Encodings,
    pub(super) classified: Classified,
}

impl EncodedToken<'_> {
    /// Reports it if it starts in `layer.emit`; returns where it ends if it is certain.
    pub(super) fn report(self, layer: &Layer<'_>, report: OnFound<'_>) -> Option<usize> {
        let EncodedToken { rule, text, span, encodings, classified } = self;
        let end = (classified.confidence == Certain).then_some(span.end);
        if layer.emit.contains(&span.start) {
            let decoded = encodings.names(&layer.bytes[span.clone()]);
            report(Found { rule, text: &text[..classified.len], span, decoded, classified });
        }
        end
    }
}

impl Finder {
    /// Whether the character at an index of a text rules out that the text is a token: the first one may.
    pub(super) fn cannot_start(&self) -> impl Fn(usize, u8) -> bool {
        |at, byte| at == 0 && !self.first_bytes[usize::from(byte)]
    }

    /// Whether the first two characters of a text that is encoded so, or encoded so again, may be those of a token. Nearly all
    /// needles in hex fail this, and nothing was allocated for them.
    fn may_start(&self, encoding: CharEncoding, encoded: &[u8]) -> bool {
        let may_be = |byte: u8, bytes: &[bool; 256]| {
            bytes[usize::from(byte)] || CharEncoding::introduced_by(byte).is_some()
        };
        let Some((first, width)) = encoding.first_char(encoded) else { return false };
        let second = encoded.get(width..).and_then(|rest| encoding.first_char(rest));
        may_be(first, &self.first_bytes)
            && (CharEncoding::introduced_by(first).is_some()
                || second.is_none_or(|(second, _)| may_be(second, &self.second_bytes)))
    }

    /// The token that is encoded so from `start` on, or encoded so again, up to the depth of the layer.
    ///
    /// Without a checksum that holds, only what would count in plain text is a token: encoded placeholders are not reported.
    pub(super) fn encoded_token_at(
        &self,
        layer: &Layer<'_>,
        encoding: CharEncoding,
        start: usize,
    ) -> Option<EncodedToken<'_>> {
        let encoded = &layer.bytes[start..];
        if !self.may_start(encoding, encoded) {
            return None;
        }
        let mut encodings = Encodings::single(encoding);
        loop {
            // Only as much as decides: in text full of prefixes, everything else would be read in vain.
            let peek = encodings.read(encoded, PREFIX_WINDOW, self.cannot_start());
            let rule = self.rule_for(&peek);
            let text = rule.map_or(peek, |rule| {
                let token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
                let prefix = rule.prefix.len();
                let classic = rule.checksum == Checksum::Crc32Base62;
                let last = |at, byte| at >= prefix && (!token(byte) || (classic && byte == b'_'));
                encodings.read(encoded, rule.length, last)
            });
            if let Some(rule) = rule
                && let Some(classified) = classify_proven(rule, &text)
            {
                return encoded_token(rule, text, encodings, (encoded, start), classified);
            }
            let inner = text.iter().find_map(|byte| CharEncoding::introduced_by(*byte));
            match inner.and_then(|inner| encodings.with_inner(inner, layer.depth)) {
                Some(more) => encodings = more,
                None if encoding.needs_proof() => return None,
                None if rule.is_some() && starts_encoded_word(layer.bytes, encoding, start) => {
                    let rule = rule?;
                    let text = read_token(rule, encodings, encoded);
                    let classified = classify_unproven(rule, &text, None)
                        .filter(|classified| classified.confidence > Lookalike)?;
                    return encoded_token(rule, text, encodings, (encoded, start), classified)
                        .filter(|found| !encodings.only_join(&layer.bytes[found.span.clone()]));
                }
                None => return None,
            }
        }
    }
}

fn encoded_token<'f>(
    rule: &'f Rule,
    text: Zeroizing<Vec<u8>>,
    encodings: Encodings,
    (encoded, start): (&[u8], usize),
    classified: Classified,
) -> Option<EncodedToken<'f>> {
    let width = encodings.width(encoded, classified.len);
    // As many bytes as characters: nothing of the token itself is encoded, or all of it in as many.
    (width > classified.len || encodings.need_proof()).then(|| EncodedToken {
        rule,
        text,
        span: start..start + width,
        encodings,
        classified,
    })
}

/// As much of the text as a token of this rule may take. The stateless form is read only behind its header, so that text full
/// of prefixes does not cost the longest match for each of them.
fn read_token(rule: &Rule, encodings: Encodings, encoded: &[u8]) -> Zeroizing<Vec<u8>> {
    let end = |_, byte: u8| !(byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    let text = encodings.read(encoded, MAX_PLAIN_LENGTH + 1, end);
    if rule.longest <= MAX_PLAIN_LENGTH || text.len() <= MAX_PLAIN_LENGTH {
        return text;
    }
    let header = encodings.read(encoded, MAX_JWT_HEADER, end);
    if starts_jwt(rule, &header) { encodings.read(encoded, rule.longest + 1, end) } else { text }
}

/// Whether the text that is encoded so from `start` on starts a word.
fn starts_encoded_word(bytes: &[u8], encoding: CharEncoding, start: usize) -> bool {
    let first = match encoding {
        CharEncoding::Utf16Le => start,
        CharEncoding::Utf16Be => start + 1,
        CharEncoding::Utf32Le | CharEncoding::Utf32Be => {
            let before = start.checked_sub(4).and_then(|before| encoding.first_char(&bytes[before..]));
            return before.is_none_or(|(byte, _)| starts_word(&[byte]));
        }
        _ => return starts_word(&bytes[..start]),
    };
    utf16::char_before(bytes, first).is_none_or(|byte| starts_word(&[byte]))
}
