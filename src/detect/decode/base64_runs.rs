//! Where long runs of base64 are, without looking at every byte.
//!
//! The shortest token takes [`SHORTEST_RUN`] characters of base64, line ends of wrapped text not counted. A run of that
//! length covers a whole [`BLOCK`] in every [`STRIDE`] bytes, so one block a stride is enough to miss none. In text and code
//! nine blocks of ten contain a blank or a quote. The results are collected without branches, because no processor could
//! predict those.

use std::ops::Range;

use super::alphabet::SHORTEST_RUN;
use super::base64;
use super::simd::{self, BLOCK, blocks_may_be_base64, leading, may_be_base64, trailing};

const STRIDE: usize = SHORTEST_RUN - BLOCK + 1;

/// How many bytes are searched at a time: few enough to stay in the first-level cache until needles are looked for.
pub(in crate::detect) const SEGMENT: usize = 32 * 1024;

/// How many blocks are classified at a time, and how many words a segment takes at a bit for each block.
const GROUP: usize = 16;
const WORD: usize = u64::BITS as usize;
const WORDS: usize = SEGMENT.div_ceil(STRIDE * WORD);

/// The blocks in a segment that may be part of a long run: a bit for each stride.
pub(in crate::detect) struct Candidates {
    words: [u64; WORDS],
    start: usize,
    /// How many of the first words have no bit left.
    done: usize,
}

impl Candidates {
    /// The candidates in `segment`, which is at most [`SEGMENT`] bytes long.
    pub(in crate::detect) fn in_segment(bytes: &[u8], segment: Range<usize>) -> Self {
        let mut candidates = Candidates { words: [0; WORDS], start: segment.start, done: 0 };
        let strides = bytes.get(segment.start..bytes.len().min(segment.end + BLOCK - 1)).unwrap_or_default();
        let (groups, rest) = strides.as_chunks();
        let rest = rest.chunks(STRIDE).map_while(<[u8]>::first_chunk);
        let rest = (0..).zip(rest).fold(0, |bits, (n, block)| bits | u64::from(may_be_base64(block)) << n);
        for (n, bits) in groups.iter().map(bits).chain([rest]).enumerate() {
            if let Some(word) = candidates.words.get_mut(n * GROUP / WORD) {
                *word |= bits << (n * GROUP % WORD);
            }
        }
        // One test after the other, because each rules most out and costs more than the one before; without a branch where that
        // is cheaper.
        candidates.retain(|at| neighbor_may_be_base64(bytes, at) & has_capital_nearby(bytes, at));
        candidates.retain(|at| is_long(bytes, at));
        candidates
    }

    /// Keeps the candidates for which `test` is true.
    fn retain(&mut self, test: impl Fn(usize) -> bool) {
        for (n, word) in self.words.iter_mut().enumerate() {
            let mut rest = *word;
            while rest != 0 {
                let bit = rest.trailing_zeros();
                rest &= rest - 1;
                let at = self.start + (n * WORD + bit as usize) * STRIDE;
                *word ^= u64::from(!test(at)) << bit;
            }
        }
    }

    /// Takes the first candidate, if it is before `end`.
    pub(in crate::detect) fn next_before(&mut self, end: usize) -> Option<usize> {
        while *self.words.get(self.done)? == 0 {
            self.done += 1;
        }
        let word = &mut self.words[self.done];
        let at = self.start + (self.done * WORD + word.trailing_zeros() as usize) * STRIDE;
        if at >= end {
            return None;
        }
        *word &= *word - 1;
        Some(at)
    }
}

/// Blocks of words that may be base64: one in each such word of 32 bytes or more that is part of a long run, whatever precedes
/// it. Lines end no word. So these are in every run that has [`Candidates`], wherever those are in it.
pub(in crate::detect) fn words(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let blocks = bytes.as_chunks().0;
    let may_be = blocks.chunks(GROUP).zip((0..).step_by(GROUP)).flat_map(|(group, first)| {
        let mut rest = match group.first_chunk::<GROUP>() {
            Some(group) => blocks_may_be_base64(|n| &group[n]),
            None => (0..).zip(group).fold(0, |bits, (n, block)| bits | u16::from(may_be_base64(block)) << n),
        };
        std::iter::from_fn(move || {
            let bit = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
            rest &= rest - 1;
            Some((first + bit) * BLOCK)
        })
    });
    let is_word = |at: usize| bytes.get(at..).and_then(<[u8]>::first_chunk).is_some_and(may_be_base64);
    // A word of two blocks goes on by half of one, on one side or on the other; and its run is around one end of this block.
    may_be.filter(move |at| {
        (is_word(at + BLOCK / 2) || at.checked_sub(BLOCK / 2).is_some_and(is_word))
            && (is_in_long_run(bytes, *at) || is_in_long_run(bytes, at + BLOCK))
    })
}

/// The same as [`is_long`] for the run on both sides of `at`.
fn is_in_long_run(bytes: &[u8], at: usize) -> bool {
    let (before, after) = bytes.split_at(at);
    let before = trailing(&before[at.saturating_sub(SHORTEST_RUN)..], simd::base64_or_break);
    let after = leading(&after[..after.len().min(SHORTEST_RUN)], simd::base64_or_break);
    let start = at - before.min(BLOCK);
    before + after >= SHORTEST_RUN
        || super::line_break::continues_on_next_line(&bytes[start..], at + after - start)
}

/// A bit for each stride of a group whose block may be part of a run.
fn bits(group: &[u8; GROUP * STRIDE]) -> u64 {
    let (strides, _) = group.as_chunks::<STRIDE>();
    const { assert!(BLOCK <= STRIDE) };
    u64::from(blocks_may_be_base64(|n| strides[n].first_chunk().unwrap_or(&[0; BLOCK])))
}

/// Whether the block on one side of that at `at` may be base64 as well. Without a branch, because two tests cost less than a
/// misprediction.
fn neighbor_may_be_base64(bytes: &[u8], at: usize) -> bool {
    let block =
        |at: Option<usize>| at.and_then(|at| bytes.get(at..)?.first_chunk()).is_some_and(may_be_base64);
    block(at.checked_sub(BLOCK)) | block(at.checked_add(BLOCK))
}

/// How far around a block the shortest encoded token that it is part of extends, in bytes.
const CONTEXT: usize = (SHORTEST_RUN - BLOCK).next_multiple_of(BLOCK / 2);

/// Whether there is a capital near the block (see [`base64::may_hold_token`]): most runs are hashes in hex.
fn has_capital_nearby(bytes: &[u8], at: usize) -> bool {
    let near = at.checked_sub(CONTEXT).and_then(|start| bytes.get(start..)?.first_chunk());
    near.is_none_or(|near: &[u8; BLOCK + 2 * CONTEXT]| base64::may_hold_token(near))
}

/// Whether the run around the block at `at` is as long as a token needs, or ends like a line that continues on the next one.
fn is_long(bytes: &[u8], at: usize) -> bool {
    let base64_or_break = simd::base64_or_break;
    let after = leading(&bytes[at..bytes.len().min(at + SHORTEST_RUN)], base64_or_break);
    after >= SHORTEST_RUN
        || after + trailing(&bytes[at.saturating_sub(SHORTEST_RUN)..at], base64_or_break) >= SHORTEST_RUN
        || super::line_break::continues_on_next_line(&bytes[at..], after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_run_is_missed_wherever_it_is() {
        for at in 0..3 * STRIDE {
            let mut text = vec![b' '; 200];
            text[at..at + SHORTEST_RUN].fill(b'Q');
            let candidate = Candidates::in_segment(&text, 0..text.len())
                .next_before(text.len())
                .expect("a candidate in the run");
            assert!((at..at + SHORTEST_RUN).contains(&candidate), "run at {at}, candidate at {candidate}");
        }
    }
}
