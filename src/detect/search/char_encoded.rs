//! A token spelled character by character, from its first one on.

use std::ops::Range;

use zeroize::Zeroizing;

use super::{Finder, Found, Level, Report};
use crate::detect::classify::{Classified, HEADER, PLAIN, prove, stands_free, starts_a_jwt, weigh};
use crate::detect::decode::{Layers, Spelling, utf16};
use crate::finding::Confidence::{Certain, Lookalike};
use crate::rule::{Checksum, Rule};

/// How many characters of a spelled text tell whether it starts like a token: the longest prefix.
pub(super) const PEEK: usize = 12;

/// A token, and the text it was spelled in.
pub(super) struct Spelled<'f> {
    rule: &'f Rule,
    text: Zeroizing<Vec<u8>>,
    span: Range<usize>,
    layers: Layers,
    pub(super) classified: Classified,
}

impl Spelled<'_> {
    /// Reports it if it starts where it should; returns where it ends if it is one for certain.
    pub(super) fn report(self, level: &Level<'_>, report: Report<'_>) -> Option<usize> {
        let Spelled { rule, text, span, layers, classified } = self;
        let end = (classified.confidence == Certain).then_some(span.end);
        if level.emit.contains(&span.start) {
            let chain = layers.names(&level.bytes[span.clone()]);
            report(Found { rule, text: &text[..classified.len], span, chain, classified });
        }
        end
    }
}

impl Finder {
    /// The token spelled so from `start` on, or spelled so and then again.
    ///
    /// Without a proof, it is one only where the same text in plain would count: a placeholder somebody encoded is
    /// nobody's concern.
    pub(super) fn spelled_at(
        &self,
        level: &Level<'_>,
        spelling: Spelling,
        start: usize,
    ) -> Option<Spelled<'_>> {
        let encoded = &level.bytes[start..];
        let mut layers = Layers::one(spelling);
        loop {
            // No more than tells: in a wall of half-tokens, everything else is read for nothing.
            let strange = |at, byte| at == 0 && !self.starts[usize::from(byte)];
            let peek = layers.read(encoded, PEEK, strange);
            let rule = self.rule_of(&peek);
            let text = rule.map_or(peek, |rule| {
                let token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
                let prefix = rule.prefix.len();
                let once = rule.checksum == Checksum::Crc32Base62;
                let last = |at, byte| at >= prefix && (!token(byte) || (once && byte == b'_'));
                layers.read(encoded, rule.length, last)
            });
            if let Some(rule) = rule
                && let Some(classified) = prove(rule, &text)
            {
                return spelled(rule, text, layers, (encoded, start), classified);
            }
            let inner = text.iter().find_map(|byte| Spelling::introduced_by(*byte));
            match inner.and_then(|inner| layers.and(inner, level.depth)) {
                Some(deeper) => layers = deeper,
                None if rule.is_some() && is_free(level.bytes, spelling, start) => {
                    let rule = rule?;
                    let text = read_token(rule, layers, encoded);
                    let classified =
                        weigh(rule, &text, None).filter(|classified| classified.confidence > Lookalike)?;
                    return spelled(rule, text, layers, (encoded, start), classified);
                }
                None => return None,
            }
        }
    }
}

fn spelled<'f>(
    rule: &'f Rule,
    text: Zeroizing<Vec<u8>>,
    layers: Layers,
    (encoded, start): (&[u8], usize),
    classified: Classified,
) -> Option<Spelled<'f>> {
    let width = layers.width(encoded, classified.len);
    // As wide as it is long: nothing was encoded, or nothing that matters.
    (width > classified.len).then(|| Spelled { rule, text, span: start..start + width, layers, classified })
}

/// As much of the text as a token by this rule may take: a wall of half-tokens must not cost the longest match for each
/// of them.
fn read_token(rule: &Rule, layers: Layers, encoded: &[u8]) -> Zeroizing<Vec<u8>> {
    let end = |_, byte: u8| !(byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    let text = layers.read(encoded, PLAIN + 1, end);
    if rule.longest <= PLAIN || text.len() <= PLAIN {
        return text;
    }
    let header = layers.read(encoded, HEADER, end);
    if starts_a_jwt(rule, &header) { layers.read(encoded, rule.longest + 1, end) } else { text }
}

/// Whether the text spelled so from `start` on stands on its own.
fn is_free(bytes: &[u8], spelling: Spelling, start: usize) -> bool {
    let wide = match spelling {
        Spelling::Utf16Le => start,
        Spelling::Utf16Be => start + 1,
        _ => return stands_free(&bytes[..start]),
    };
    utf16::before(bytes, wide).is_none_or(|byte| stands_free(&[byte]))
}
