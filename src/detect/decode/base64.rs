//! Base64, standard and URL-safe: the forms a prefix takes in it, and decoding from any character on.
//!
//! Three bytes become four characters, so a prefix has three forms, one for each place it may take among the three.
//! Of each form, the characters at its ends also depend on the neighbours; those in between are always the same, and
//! are what is searched for. They tell the alignment, too: whatever is glued to the encoded text does no harm.

use std::ops::Range;

use aho_corasick::packed;
use aho_corasick::{AhoCorasick, Input};
use zeroize::Zeroizing;

use super::inflate::Wrapper;
use super::simd::any_capital;
use crate::rule::Rules;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The value of each character of both alphabets, 64 for any other byte.
const VALUES: [u8; 256] = {
    let mut values = [64; 256];
    let mut value = 0;
    while value < 64 {
        values[STANDARD[value as usize] as usize] = value;
        value += 1;
    }
    values[b'-' as usize] = 62;
    values[b'_' as usize] = 63;
    values
};

/// Whether `byte` belongs to either alphabet.
pub(super) const fn is_character(byte: u8) -> bool {
    VALUES[byte as usize] < 64
}

/// Whether a text may hold an encoded token: without a single capital, it is the digits of a hash, or a word.
///
/// Three random letters and digits become four characters without a capital once in twenty times, and a token has a
/// dozen times as many: once in 10^15 tokens. UTF-16 in base64 is full of them.
pub(in crate::detect) fn may_hold(text: &[u8]) -> bool {
    any_capital(text)
}

/// Decodes characters of either alphabet; up to three bits at the end that make no byte are left out.
pub(in crate::detect) fn decode(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len() / 4 * 3 + 3));
    let mut quads = text.chunks_exact(4);
    for quad in &mut quads {
        out.extend_from_slice(&bytes_of(quad)[1..]);
    }
    let rest = quads.remainder();
    out.extend_from_slice(&bytes_of(rest)[1..=rest.len().saturating_sub(1)]);
    out
}

/// The bytes that at most four characters stand for, behind a zero.
fn bytes_of(quad: &[u8]) -> [u8; 4] {
    let bits = quad.iter().fold(0, |bits: u32, byte| bits << 6 | u32::from(VALUES[usize::from(*byte)] & 63));
    (bits << (6 * (4 - quad.len()))).to_be_bytes()
}

/// The characters that `plain` always has in base64 when so many bytes of a group of three stand before it, and how
/// many characters of its group of four stand before those.
fn form(plain: &[u8], before: usize) -> (Vec<u8>, usize) {
    let first = (before * 8).div_ceil(6);
    let last = (before + plain.len()) * 8 / 6;
    let bit = |at: usize| match (at / 8).checked_sub(before).and_then(|byte| plain.get(byte)) {
        Some(byte) => usize::from(byte >> (7 - at % 8) & 1),
        None => 0,
    };
    let character = |at: usize| STANDARD[(at * 6..at * 6 + 6).fold(0, |value, at| value << 1 | bit(at))];
    ((first..last).map(character).collect(), first)
}

/// What a needle in base64 stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) enum Clue {
    /// A prefix: so many characters of its group of four stand before it.
    Prefix(usize),
    /// The header of a compressed text, first in its group.
    Packed(Wrapper),
}

/// One form of a prefix.
struct Needle {
    text: Vec<u8>,
    clue: Clue,
    /// How many encodings deep the token is at least, this one included.
    depth: usize,
}

/// How many characters of a longer form are searched for: enough to be rare, few enough to be shared by many prefixes.
const SHARED: usize = 4;

fn needles(rules: &Rules) -> Vec<Needle> {
    let mut needles: Vec<Needle> = Vec::new();
    let mut add = |plain: &[u8], depth: usize| {
        for before in 0..3 {
            let (mut text, skip) = form(plain, before);
            if depth > 1 {
                text.truncate(SHARED);
            }
            if text.len() >= SHARED && needles.iter().all(|needle| needle.text != text) {
                needles.push(Needle { text, clue: Clue::Prefix(skip), depth });
            }
        }
    };
    for rule in rules {
        add(rule.prefix.as_bytes(), 1);
        // UTF-16 of either byte order: the zeros of the one are the zeros of the other, one byte on.
        let wide: Vec<u8> = rule.prefix.bytes().flat_map(|byte| [byte, 0]).collect();
        add(&wide[..wide.len().saturating_sub(1)], 2);
    }
    needles.push(Needle { text: b"H4sI".to_vec(), clue: Clue::Packed(Wrapper::Gzip), depth: 2 });
    needles
}

/// How many characters tell that the text in them is encoded itself: eighteen bytes in a row that base64, the ends of its
/// lines, or another spelling is made of.
const NESTED: usize = 24;

/// The bytes of the shortest token that is encoded itself: `ghp%5F` and 36 more; one in base64 takes 54.
const SHORTEST_NESTED: usize = 42;

/// How far apart they may be looked for: in base64, those bytes hold thirteen whole groups of four, wherever they start.
const NESTED_STRIDE: usize = (SHORTEST_NESTED - 3) / 3 * 4 - NESTED + 4;

/// The places in `text[range]`, in each alignment, where base64 of something that is encoded itself goes on.
///
/// Its needles would be many, and the inner text may be wrapped in the middle of them: so the same is done here as
/// with plain base64, and looked for long runs.
pub(in crate::detect) fn nested(text: &[u8], range: Range<usize>) -> impl Iterator<Item = usize> {
    let starts = range.step_by(NESTED_STRIDE).flat_map(|start| start..start + 4);
    starts.filter(|start| {
        let block = text.get(*start..*start + NESTED);
        block.is_some_and(|block| {
            block.chunks_exact(4).all(|quad| bytes_of(quad)[1..].iter().all(|byte| is_encoded(*byte)))
        })
    })
}

/// Whether `byte` may stand in the middle of a token in any encoding.
const fn is_encoded(byte: u8) -> bool {
    is_loose(byte) || matches!(byte, b'%' | b'&' | b'#' | b';' | b'{' | b'}')
}

/// Whether `byte` belongs to base64 or may end a line of it.
pub(super) const fn is_loose(byte: u8) -> bool {
    is_character(byte) || matches!(byte, b'\n' | b'\r' | b'\\')
}

/// Finds the forms of every prefix in base64 text.
pub(in crate::detect) struct Forms {
    needles: Vec<Needle>,
    packed: Option<packed::Searcher>,
    automaton: Option<AhoCorasick>,
}

impl Forms {
    pub(in crate::detect) fn new(rules: &Rules) -> Self {
        let needles = needles(rules);
        let texts = || needles.iter().map(|needle| &needle.text);
        let packed = packed::Searcher::new(texts());
        let automaton = if packed.is_none() { AhoCorasick::new(texts()).ok() } else { None };
        Forms { needles, packed, automaton }
    }

    /// The first needle at or after `from` that a search so many encodings deep can follow, and its place.
    pub(in crate::detect) fn next(
        &self,
        text: &[u8],
        mut from: usize,
        depth: usize,
    ) -> Option<(Clue, usize)> {
        while from < text.len() {
            let (pattern, start) = match (&self.packed, &self.automaton) {
                (Some(packed), _) => {
                    let found = packed.find_in(text, (from..text.len()).into())?;
                    (found.pattern(), found.start())
                }
                (None, Some(automaton)) => {
                    let found = automaton.find(Input::new(text).range(from..))?;
                    (found.pattern(), found.start())
                }
                (None, None) => return None,
            };
            let needle = self.needles.get(pattern.as_usize())?;
            if needle.depth <= depth {
                return Some((needle.clue, start));
            }
            from = start + 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn decoding_is_what_everybody_else_does(plain in prop::collection::vec(any::<u8>(), 0..80)) {
            prop_assert_eq!(&*decode(STANDARD_NO_PAD.encode(&plain).as_bytes()), &plain);
            prop_assert_eq!(&*decode(URL_SAFE_NO_PAD.encode(&plain).as_bytes()), &plain);
        }

        #[test]
        fn a_form_stands_in_every_encoding(
            before in prop::collection::vec(any::<u8>(), 0..9), after in prop::collection::vec(any::<u8>(), 0..9),
        ) {
            let (form, skip) = form(b"ghp_", before.len() % 3);
            let encoded = STANDARD_NO_PAD.encode([&before, &b"ghp_"[..], &after].concat());
            let at = before.len() / 3 * 4 + skip;
            prop_assert_eq!(&encoded.as_bytes()[at..at + form.len()], &form);
        }
    }

    #[test]
    fn no_two_needles_are_the_same_and_teddy_takes_them_all() {
        let needles = needles(crate::rule::testing::github_rules());
        let texts: std::collections::BTreeSet<_> = needles.iter().map(|needle| &needle.text).collect();
        assert_eq!(texts.len(), needles.len());
        assert!(needles.len() <= 32, "{}", needles.len());
    }
}
