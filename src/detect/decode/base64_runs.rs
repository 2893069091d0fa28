//! Where long runs of base64 characters are, without looking at every byte.
//!
//! The shortest token takes [`SHORTEST`] characters of base64, line ends of wrapped text not counted. A run of that
//! length covers a whole [`BLOCK`] in every [`STRIDE`] bytes, so one block a stride is enough to miss none. In text
//! and code nine blocks of ten hold a blank or a quote; the answers are gathered without a branch, because no
//! processor could foretell them.

use std::ops::Range;

use super::base64;
use super::simd::{self, BLOCK, all_may_be_loose, leading, may_be_loose, trailing};

/// The characters of base64 that forty bytes take.
pub(in crate::detect) const SHORTEST: usize = 54;

const STRIDE: usize = SHORTEST - BLOCK + 1;

/// How many bytes are looked at in one go: few enough to stay in the first cache until the needles' turn.
pub(in crate::detect) const STRETCH: usize = 32 * 1024;

/// How many places are looked at in one go, and how many words of a bit for each place a stretch takes.
const GROUP: usize = 16;
const WORD: usize = u64::BITS as usize;
const WORDS: usize = STRETCH.div_ceil(STRIDE * WORD);

/// Places in a stretch around which a long run may be: a bit for each stride.
pub(in crate::detect) struct Spots {
    words: [u64; WORDS],
    start: usize,
    /// How many words have none left.
    done: usize,
}

impl Spots {
    /// The places in `stretch`, which is at most [`STRETCH`] long.
    pub(in crate::detect) fn of(bytes: &[u8], stretch: Range<usize>) -> Self {
        let mut spots = Spots { words: [0; WORDS], start: stretch.start, done: 0 };
        let places = bytes.get(stretch.start..bytes.len().min(stretch.end + BLOCK - 1)).unwrap_or_default();
        let (groups, rest) = places.as_chunks();
        let rest = rest.chunks(STRIDE).map_while(<[u8]>::first_chunk);
        let rest =
            (0..).zip(rest).fold(0, |bits, (place, block)| bits | u64::from(may_be_loose(block)) << place);
        for (n, bits) in groups.iter().map(bits).chain([rest]).enumerate() {
            if let Some(word) = spots.words.get_mut(n * GROUP / WORD) {
                *word |= bits << (n * GROUP % WORD);
            }
        }
        // One after the other, because each turns most away and costs more; without a branch where that is cheaper.
        spots.keep(|at| goes_on(bytes, at) & is_no_hash(bytes, at));
        spots.keep(|at| is_long(bytes, at));
        spots
    }

    /// Keeps the places of which `worth` says so.
    fn keep(&mut self, worth: impl Fn(usize) -> bool) {
        for (n, word) in self.words.iter_mut().enumerate() {
            let mut rest = *word;
            while rest != 0 {
                let place = rest.trailing_zeros();
                rest &= rest - 1;
                let at = self.start + (n * WORD + place as usize) * STRIDE;
                *word ^= u64::from(!worth(at)) << place;
            }
        }
    }

    /// The first place left, if it stands before `end`; it is left no more.
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

/// A bit for each place of a group of which a first look does not tell that there is no run.
fn bits(group: &[u8; GROUP * STRIDE]) -> u64 {
    let (places, _) = group.as_chunks::<STRIDE>();
    const { assert!(BLOCK <= STRIDE) };
    u64::from(all_may_be_loose(|place| places[place].first_chunk().unwrap_or(&[0; BLOCK])))
}

/// Whether the run that the block at `at` may be part of may go on to one side of it at least. Without a branch, because two
/// sure answers cost less than one wrong guess.
fn goes_on(bytes: &[u8], at: usize) -> bool {
    let block =
        |at: Option<usize>| at.and_then(|at| bytes.get(at..)?.first_chunk()).is_some_and(may_be_loose);
    block(at.checked_sub(BLOCK)) | block(at.checked_add(BLOCK))
}

/// How far around a block the encoded text of a token that the block is part of can extend.
const AROUND: usize = (SHORTEST - BLOCK).next_multiple_of(BLOCK / 2);

/// Whether there is a capital near the block: see [`base64::may_hold`]. Most runs are hashes in hex.
fn is_no_hash(bytes: &[u8], at: usize) -> bool {
    let near = at.checked_sub(AROUND).and_then(|start| bytes.get(start..)?.first_chunk());
    near.is_none_or(|near: &[u8; BLOCK + 2 * AROUND]| base64::may_hold(near))
}

/// Whether the run around the block at `at` is as long as a token needs, or ends like a line that goes on in the next.
fn is_long(bytes: &[u8], at: usize) -> bool {
    let loose = simd::loose;
    let after = leading(&bytes[at..bytes.len().min(at + SHORTEST)], loose);
    after >= SHORTEST
        || after + trailing(&bytes[at.saturating_sub(SHORTEST)..at], loose) >= SHORTEST
        || super::line_wrapped::goes_on_below(&bytes[at..], after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_run_is_missed_wherever_it_stands() {
        for at in 0..3 * STRIDE {
            let mut text = vec![b' '; 200];
            text[at..at + SHORTEST].fill(b'Q');
            let spot = Spots::of(&text, 0..text.len()).next_before(text.len()).expect("a place in the run");
            assert!((at..at + SHORTEST).contains(&spot), "run at {at}, spot at {spot}");
        }
    }
}
