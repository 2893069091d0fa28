//! Where long runs of base64 are, without looking at every byte.
//!
//! The shortest token takes [`SHORTEST_RUN`] characters of base64, line ends of wrapped text not counted. A run of that
//! length covers a whole [`BLOCK`] in every [`STRIDE`] bytes, so one block a stride is enough to miss none. In text and code
//! nine blocks of ten contain a blank or a quote. The results are collected without branches, because no processor could
//! predict those.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined cannot use the vector instructions of its caller"
)]

use std::ops::Range;

use super::alphabet::SHORTEST_RUN;
use super::line_break::{continues_on_next_line, next_line, previous_line_end};
use super::line_wrapped::without_escape;
use super::simd::{
    self, BEFORE, BLOCK, Block, GROUP, Vectorized, Vectors, any_capital, base64_or_break, base64_or_gap,
    leading, letters_and_digits, trailing,
};

const STRIDE: usize = SHORTEST_RUN - BLOCK + 1;

/// How many bytes are searched at a time: few enough to stay in the first-level cache until needles are looked for.
pub(in crate::detect) const SEGMENT: usize = 32 * 1024;

/// How many words a segment takes at a bit for each block.
const WORD: usize = u32::BITS as usize;
const WORDS: usize = SEGMENT.div_ceil(STRIDE * WORD);

/// The blocks in a segment that may be part of a long run.
pub(in crate::detect) struct Candidates {
    /// Those of base64 that may hold a token.
    base64: Blocks,
    /// Those of letters and digits alone, whatever they are.
    alphanumeric: Blocks,
    start: usize,
}

/// A bit for each stride.
struct Blocks {
    words: [u32; WORDS],
    /// How many of the first words have no bit left.
    done: usize,
}

impl Blocks {
    /// Takes the first one that is before `end`, counted from the start of the segment.
    fn next_before(&mut self, end: usize) -> Option<usize> {
        while *self.words.get(self.done)? == 0 {
            self.done += 1;
        }
        let word = &mut self.words[self.done];
        let at = (self.done * WORD + word.trailing_zeros() as usize) * STRIDE;
        if at >= end {
            return None;
        }
        *word &= *word - 1;
        Some(at)
    }
}

impl Candidates {
    /// The candidates in `segment`, which is at most [`SEGMENT`] bytes long. What is in front of `base64_from` is known to be no candidate
    /// for base64.
    pub(in crate::detect) fn in_segment(bytes: &[u8], segment: Range<usize>, base64_from: usize) -> Self {
        simd::vectorized(Search { bytes, segment, base64_from })
    }

    /// Takes the first candidate, if it is before `end`.
    pub(in crate::detect) fn next_before(&mut self, end: usize) -> Option<usize> {
        Some(self.start + self.base64.next_before(end.saturating_sub(self.start))?)
    }

    /// The same for those of letters and digits alone.
    pub(in crate::detect) fn next_alphanumeric_before(&mut self, end: usize) -> Option<usize> {
        Some(self.start + self.alphanumeric.next_before(end.saturating_sub(self.start))?)
    }
}

/// Blocks of words that may be base64: one in each such word of 32 bytes or more that is part of a long run, whatever precedes
/// it. Lines end no word. So these are in every run that has [`Candidates`], wherever those are in it.
pub(in crate::detect) fn words(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let groups = bytes.as_chunks().0.chunks(GROUP).zip((0..).step_by(GROUP));
    let may_be = groups.flat_map(|(group, first)| {
        let mut rest = simd::vectorized(Group(group));
        std::iter::from_fn(move || {
            let bit = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
            rest &= rest - 1;
            Some((first + bit) * BLOCK)
        })
    });
    let is_word = |at: usize| {
        let block = bytes.get(at..).and_then(<[u8]>::first_chunk);
        block.is_some_and(|block| base64_or_gap(block) == u16::MAX)
    };
    // A word of two blocks goes on by half of one, on one side or on the other; and its run is around one end of this block.
    may_be.filter(move |at| {
        (is_word(at + BLOCK / 2) || at.checked_sub(BLOCK / 2).is_some_and(is_word))
            && (is_in_long_run(bytes, *at) || is_in_long_run(bytes, at + BLOCK))
    })
}

/// A group of blocks, or fewer.
struct Group<'b>(&'b [Block]);

impl Vectorized for Group<'_> {
    type Output = u32;

    #[inline(always)]
    fn run(self, vectors: impl Vectors) -> u32 {
        vectors.blocks_may_be_base64(|n| self.0.get(n).unwrap_or(&[0; BLOCK]))
    }
}

/// The same as [`is_long`] for the run on both sides of `at`.
fn is_in_long_run(bytes: &[u8], at: usize) -> bool {
    let (before, after) = bytes.split_at(at);
    let before = trailing(&before[at.saturating_sub(SHORTEST_RUN)..], base64_or_break);
    let after = leading(&after[..after.len().min(SHORTEST_RUN)], base64_or_break);
    let start = at - before.min(BLOCK);
    before + after >= SHORTEST_RUN || continues_on_next_line(&bytes[start..], at + after - start)
}

/// The search for candidates.
struct Search<'b> {
    bytes: &'b [u8],
    segment: Range<usize>,
    base64_from: usize,
}

impl Vectorized for Search<'_> {
    type Output = Candidates;

    #[inline(always)]
    fn run(self, vectors: impl Vectors) -> Candidates {
        let Search { bytes, segment: Range { start, end }, base64_from } = self;
        let (mut words, mut alphanumeric) = ([0; WORDS], [0; WORDS]);
        let strides = bytes.get(start..bytes.len().min(end + BLOCK - 1)).unwrap_or_default();
        let (groups, rest) = strides.as_chunks::<{ GROUP * STRIDE }>();
        for (word, group) in words.iter_mut().zip(groups) {
            let (strides, _) = group.as_chunks::<STRIDE>();
            *word = vectors.blocks_may_be_base64(|n| strides[n].first_chunk().unwrap_or(&[0; BLOCK]));
        }
        if let Some(word) = words.get_mut(groups.len())
            && !rest.is_empty()
        {
            let block = |n| rest.get(n * STRIDE..).and_then(<[u8]>::first_chunk);
            *word = vectors.blocks_may_be_base64(|n| block(n).unwrap_or(&[0; BLOCK]));
        }
        for (n, (word, alphanumeric)) in words.iter_mut().zip(&mut alphanumeric).enumerate() {
            let mut rest = *word;
            while rest != 0 {
                let bit = rest.trailing_zeros();
                rest &= rest - 1;
                let at = start + (n * WORD + bit as usize) * STRIDE;
                let kept = at >= base64_from && is_candidate(vectors, bytes, at);
                *word ^= u32::from(!kept) << bit;
                *alphanumeric |= u32::from(is_in_alphanumeric_run(bytes, at)) << bit;
            }
        }
        let blocks = |words| Blocks { words, done: 0 };
        Candidates { base64: blocks(words), alphanumeric: blocks(alphanumeric), start }
    }
}

/// Whether the block at `at` is of letters and digits alone, as is the run around it, which is as long as a token needs: that may be
/// hexadecimal, base32 or base58.
#[inline(always)]
fn is_in_alphanumeric_run(bytes: &[u8], at: usize) -> bool {
    let Some(block) = bytes[at..].first_chunk() else { return false };
    // Blocks of names have an underscore or another case.
    letters_and_digits(block) == u16::MAX && {
        let after = leading(&bytes[at..bytes.len().min(at + SHORTEST_RUN)], letters_and_digits);
        after >= SHORTEST_RUN
            || after + trailing(&bytes[at.saturating_sub(SHORTEST_RUN)..at], letters_and_digits)
                >= SHORTEST_RUN
    }
}

/// Whether the block at `at` is to be searched. One test after the other, because each rules most out and costs more than the one
/// before.
#[inline(always)]
fn is_candidate(vectors: impl Vectors, bytes: &[u8], at: usize) -> bool {
    let Some(block) = bytes[at..].first_chunk() else { return false };
    has_capital_nearby(bytes, at)
        && (vectors.may_encode_ascii(block) || may_be_compressed(vectors, bytes, at))
        && is_long(bytes, at)
}

/// Whether the block at `at` may be the first one of a compressed stream, whose header is right in front; or belongs to a text of
/// several lines, which is to be looked at as a whole.
#[inline(always)]
fn may_be_compressed(vectors: impl Vectors, bytes: &[u8], at: usize) -> bool {
    const { assert!(STRIDE <= BEFORE) };
    let around = at.checked_sub(BEFORE).and_then(|start| bytes[start..].first_chunk());
    let after = bytes.get(at + BLOCK..).and_then(<[u8]>::first_chunk);
    let (Some(around), Some(after)) = (around, after) else { return true };
    if vectors.any_compressed_header(around) {
        return true;
    }
    let Some(before) = around.first_chunk() else { return true };
    // Where the line starts or ends further away, another block is closer.
    let (before, after) = (vectors.trailing_base64(before), vectors.leading_base64(after));
    before < BEFORE && continues_line(bytes, at - before)
        || after < BEFORE && next_line(bytes, at + BLOCK + after).is_some()
}

/// Whether the characters that start at `start` continue the line before.
#[inline]
fn continues_line(bytes: &[u8], start: usize) -> bool {
    let start = without_escape(bytes, start);
    previous_line_end(bytes, start).is_some()
}

/// How far around a block the shortest encoded token that it is part of extends, in bytes.
const CONTEXT: usize = (SHORTEST_RUN - BLOCK).next_multiple_of(BLOCK / 2);

/// Whether there is a capital near the block (see [`may_hold_token`](super::base64::may_hold_token)): most runs are hashes in hex, or paths.
fn has_capital_nearby(bytes: &[u8], at: usize) -> bool {
    let near = at.checked_sub(CONTEXT).and_then(|start| bytes.get(start..)?.first_chunk());
    near.is_none_or(|near: &[u8; BLOCK + 2 * CONTEXT]| any_capital(near))
}

/// Whether the run around the block at `at` is as long as a token needs, or ends like a line that continues on the next one.
fn is_long(bytes: &[u8], at: usize) -> bool {
    let after = leading(&bytes[at..bytes.len().min(at + SHORTEST_RUN)], base64_or_break);
    after >= SHORTEST_RUN
        || after + trailing(&bytes[at.saturating_sub(SHORTEST_RUN)..at], base64_or_break) >= SHORTEST_RUN
        || continues_on_next_line(&bytes[at..], after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_run_is_missed_wherever_it_is() {
        for at in 0..3 * STRIDE {
            let mut text = vec![b' '; 200];
            text[at..at + SHORTEST_RUN].fill(b'Q');
            let candidate = Candidates::in_segment(&text, 0..text.len(), 0)
                .next_before(text.len())
                .expect("a candidate in the run");
            assert!((at..at + SHORTEST_RUN).contains(&candidate), "run at {at}, candidate at {candidate}");
        }
    }
    #[test]
    fn a_run_in_narrow_lines_is_found_wherever_it_is() {
        for gap in ["\n", "\n\t", "\r\n\t", "\t\n", "\n|", "\\\n"] {
            let lines = format!("{gap}{}{gap}{}{gap}", "Q".repeat(40), "Q".repeat(14));
            for at in 0..2 * STRIDE {
                let text = format!("{}{lines}{}", " ".repeat(at), " ".repeat(40));
                let candidate =
                    Candidates::in_segment(text.as_bytes(), 0..text.len(), 0).next_before(text.len());
                assert!(candidate.is_some(), "{gap:?} at {at}");
            }
        }
    }
}
