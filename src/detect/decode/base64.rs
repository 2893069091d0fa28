//! Base64, standard and URL-safe (RFC 4648, sections 4 and 5): needles for prefixes in it, and decoding from any character
//! on.
//!
//! Three bytes become four characters, so a prefix has three forms, one for each alignment. The characters at the ends of a
//! form also depend on the neighboring bytes; those in between are always the same, and are the needle. A needle also gives
//! away the alignment, so characters in front of the encoded text do no harm.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined cannot use the vector instructions of its caller"
)]

use std::iter::StepBy;
use std::ops::Range;

use aho_corasick::packed;
use aho_corasick::{AhoCorasick, Input};
use zeroize::Zeroizing;

use super::alphabet::{SHORTEST_RUN, STANDARD, VALUES, is_base64_or_break};
use super::inflate::Wrapper;
use super::simd::{self, BLOCK, Vectorized, Vectors, any_capital, ascii_alignments, compressed_headers};
use crate::rule::Rules;

/// Whether a text may contain an encoded token: there is a capital, and what is either base64 of ASCII or the header of compressed data.
///
/// Without a single capital, it is the digits of a hash, or a word: three random letters and digits become four characters without
/// a capital once in twenty times, and a token is a dozen times as long: once in 10^15 tokens. UTF-16 in base64 is full of
/// capitals.
pub(in crate::detect) fn may_hold_token(text: &[u8]) -> bool {
    // Piece by piece, because the first one nearly always decides; each with what a match may take of the next one.
    let pieces =
        || (0..text.len()).step_by(PIECE).map(|start| &text[start..text.len().min(start + PIECE + BLOCK)]);
    pieces().any(any_capital)
        && pieces().any(|piece| may_encode_ascii(piece) || compressed_headers(piece).next().is_some())
}

/// How many characters are looked at before it is asked whether they decide: whole blocks.
const PIECE: usize = 64 * BLOCK;

/// Whether part of a text may be base64 of ASCII, as long as a token: that has two whole blocks in it, which agree on where groups of
/// four characters start.
fn may_encode_ascii(text: &[u8]) -> bool {
    const { assert!(SHORTEST_RUN >= 3 * BLOCK) };
    let mut fitting = 0;
    text.as_chunks::<BLOCK>().0.iter().any(|block| {
        let before = std::mem::replace(&mut fitting, ascii_alignments(block));
        before & fitting != 0
    })
}

/// Decodes characters of either alphabet into a buffer; up to three bits at the end that make no byte are left out.
pub(in crate::detect) fn decode(text: &[u8], out: &mut Scratch) {
    let (quads, rest) = text.as_chunks::<4>();
    let tail = &decode_quad(rest)[1..=rest.len().saturating_sub(1)];
    let whole = 3 * quads.len();
    out.make_room(whole + tail.len());
    out.0.resize(whole, 0);
    for (quad, bytes) in quads.iter().zip(out.0.as_chunks_mut::<3>().0) {
        let [_, decoded @ ..] = decode_quad(quad);
        *bytes = decoded;
    }
    out.0.extend_from_slice(tail);
}

/// A buffer for what was decoded, used again and again: wiping one costs more than decoding into it, and is done at the end.
#[derive(Default)]
pub(in crate::detect) struct Scratch(Zeroizing<Vec<u8>>);

impl Scratch {
    /// Empties it; so many bytes fit without moving them, which would leave a copy behind.
    fn make_room(&mut self, length: usize) {
        if self.0.capacity() < length {
            self.0 = Zeroizing::new(Vec::with_capacity(length));
        }
        self.0.clear();
    }

    /// What was decoded last.
    pub(in crate::detect) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The bytes that at most four characters stand for, behind a zero.
#[inline]
fn decode_quad(quad: &[u8]) -> [u8; 4] {
    let bits = quad.iter().fold(0, |bits: u32, byte| bits << 6 | u32::from(VALUES[usize::from(*byte)] & 63));
    (bits << (6 * (4 - quad.len()))).to_be_bytes()
}

/// The characters that `plain` always has in base64 when `before` bytes of its group of three precede it, and how many
/// characters of the group of four precede those.
fn aligned_form(plain: &[u8], before: usize) -> (Vec<u8>, usize) {
    let first = (before * 8).div_ceil(6);
    let last = (before + plain.len()) * 8 / 6;
    let bit = |at: usize| match (at / 8).checked_sub(before).and_then(|byte| plain.get(byte)) {
        Some(byte) => usize::from(byte >> (7 - at % 8) & 1),
        None => 0,
    };
    let character = |at: usize| STANDARD[(at * 6..at * 6 + 6).fold(0, |value, at| value << 1 | bit(at))];
    ((first..last).map(character).collect(), first)
}

/// The characters where one of the usual headers of zlib may be: `78 01`, `78 5e`, `78 9c` and `78 da`, a window of 32 KiB
/// at each of the four levels (RFC 1950, section 2.2).
pub(in crate::detect) fn zlib_starts(text: &[u8]) -> impl Iterator<Item = usize> {
    compressed_headers(text).filter(|start| {
        matches!(
            text[*start..],
            [b'e', b'A', b'E'..=b'H', ..]
                | [b'e', b'F', b'4'..=b'7', ..]
                | [b'e', b'J', b'w'..=b'z', ..]
                | [b'e', b'N', b'o'..=b'r', ..]
        )
    })
}

/// What a needle in base64 is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) enum NeedleKind {
    /// A prefix: so many characters of its group of four precede it.
    Prefix(usize),
    /// The header of compressed data, at the start of a group.
    Compressed(Wrapper),
}

/// One form of a prefix, or of a header.
struct Needle {
    text: Vec<u8>,
    kind: NeedleKind,
    /// How many encodings deep the token is at least, this one included.
    min_depth: usize,
}

/// How many characters of a longer form are searched for: enough to be rare, few enough to be shared by many prefixes.
const SHARED_LENGTH: usize = 4;

fn needles(rules: &Rules) -> Vec<Needle> {
    let mut needles: Vec<Needle> = Vec::new();
    let mut add = |plain: &[u8], min_depth: usize| {
        for before in 0..3 {
            let (mut text, skip) = aligned_form(plain, before);
            if min_depth > 1 {
                text.truncate(SHARED_LENGTH);
            }
            if text.len() >= SHARED_LENGTH && needles.iter().all(|needle| needle.text != text) {
                needles.push(Needle { text, kind: NeedleKind::Prefix(skip), min_depth });
            }
        }
    };
    for rule in rules {
        add(rule.prefix.as_bytes(), 1);
        // UTF-16 of either byte order: without the zero at its end, little-endian is a part of both.
        let utf16: Vec<u8> = rule.prefix.bytes().flat_map(|byte| [byte, 0]).collect();
        add(&utf16[..utf16.len().saturating_sub(1)], 2);
    }
    // The magic number and the method of gzip, 1f 8b 08 (RFC 1952, section 2.3.1).
    needles.push(Needle {
        text: b"H4sI".to_vec(),
        kind: NeedleKind::Compressed(Wrapper::Gzip),
        min_depth: 2,
    });
    needles
}

/// How many characters decide that there is text in them, which may be encoded itself, or hold a token in pieces: eighteen bytes of
/// it in a row.
const NESTED_BLOCK: usize = 24;

/// The bytes of the shortest token that is encoded itself: `ghp%5F` and 36 more; one in base64 takes 54.
const SHORTEST_NESTED: usize = 42;

/// One block in so many characters is enough: in base64, those bytes fill thirteen whole groups of four, wherever they start.
const NESTED_STRIDE: usize = (SHORTEST_NESTED - 3) / 3 * 4 - NESTED_BLOCK + 4;

/// Where in `text[range]`, in each alignment, base64 encodes text.
///
/// Needles for what is encoded in that, or in pieces, would be many, and inner lines may end in the middle of them.
pub(in crate::detect) fn nested(text: &[u8], range: Range<usize>) -> impl Iterator<Item = usize> {
    let mut blocks = range.step_by(NESTED_STRIDE);
    let fitting = std::iter::from_fn(move || simd::vectorized(NextFitting { text, blocks: &mut blocks }));
    let starts = fitting.flat_map(|(start, alignments)| {
        (0..4).filter(move |n| alignments >> ((n + 3) % 4) & 1 == 1).map(move |n| start + n)
    });
    starts.filter(|start| {
        let block = text.get(*start..*start + NESTED_BLOCK);
        block.is_some_and(|block| {
            // In UTF-16 there is a zero for each byte, in UTF-32 there are three.
            let bytes = || block.chunks_exact(4).flat_map(|quad| decode_quad(quad).into_iter().skip(1));
            let letters = |column| bytes().skip(column).step_by(4).filter(|byte| *byte != 0).count();
            bytes().all(|byte| super::is_text_byte(byte) || byte == 0)
                && (bytes().filter(|byte| *byte == 0).count() <= NESTED_BLOCK * 3 / 4 / 2
                    || (0..4).filter(|column| letters(*column) == 0).count() == 3)
                && (0..4).any(|column| letters(column) > 3)
        })
    })
}

/// The next block that may be base64 of ASCII, and the alignments in which it is: what is encoded again is ASCII, which most
/// alignments rule out.
struct NextFitting<'n> {
    text: &'n [u8],
    blocks: &'n mut StepBy<Range<usize>>,
}

impl Vectorized for NextFitting<'_> {
    type Output = Option<(usize, u32)>;

    #[inline(always)]
    fn run(self, vectors: impl Vectors) -> Option<(usize, u32)> {
        self.blocks.find_map(|start| {
            // All four blocks that start here have these characters.
            let block = self.text.get(start + 3..).and_then(<[u8]>::first_chunk);
            let fitting = block.map_or(0, |block| vectors.ascii_alignments(block));
            (fitting != 0).then_some((start, fitting))
        })
    }
}

/// Whether the last `length` bytes are base64 or its line ends, so that a run of it may go on behind them.
pub(in crate::detect) fn ends_nested(decoded: &[u8], length: usize) -> bool {
    let end = decoded.len().checked_sub(length).and_then(|start| decoded.get(start..));
    end.is_some_and(|end| end.iter().rev().all(|byte| is_base64_or_break(*byte)))
}

/// Finds needles in base64 text.
pub(in crate::detect) struct Base64Needles {
    needles: Vec<Needle>,
    packed: Option<packed::Searcher>,
    automaton: Option<AhoCorasick>,
}

impl Base64Needles {
    pub(in crate::detect) fn new(rules: &Rules) -> Self {
        let needles = needles(rules);
        let texts = || needles.iter().map(|needle| &needle.text);
        let packed = packed::Searcher::new(texts());
        let automaton = if packed.is_none() { AhoCorasick::new(texts()).ok() } else { None };
        Base64Needles { needles, packed, automaton }
    }

    /// The first needle at or after `from` that a search `depth` encodings deep can follow, and where it starts.
    pub(in crate::detect) fn next(
        &self,
        text: &[u8],
        mut from: usize,
        depth: usize,
    ) -> Option<(NeedleKind, usize)> {
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
            if needle.min_depth <= depth {
                return Some((needle.kind, start));
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
        fn decoding_agrees_with_the_base64_crate(plain in prop::collection::vec(any::<u8>(), 0..80)) {
            let mut scratch = Scratch::default();
            for text in [URL_SAFE_NO_PAD.encode(&plain), STANDARD_NO_PAD.encode([&plain[..], b"x"].concat())] {
                decode(text.as_bytes(), &mut scratch);
                prop_assert!([&plain[..], b"x"].concat().starts_with(scratch.bytes()));
                prop_assert_eq!(scratch.bytes().len(), text.len() * 3 / 4);
            }
        }

        #[test]
        fn a_form_is_in_every_encoding(
            before in prop::collection::vec(any::<u8>(), 0..9), after in prop::collection::vec(any::<u8>(), 0..9),
        ) {
            let (form, skip) = aligned_form(b"ghp_", before.len() % 3);
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
