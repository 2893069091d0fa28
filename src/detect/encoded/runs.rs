//! Where long runs of base64 characters are, without looking at every byte.
//!
//! The shortest token takes [`SHORTEST`] characters of base64, line ends of wrapped text not counted. A run of that
//! length covers a whole [`BLOCK`] in every [`STRIDE`] bytes, so one block a stride is enough to miss none. In text
//! and code nine blocks of ten hold a blank or a quote; the answers are gathered without a branch, because no
//! processor could foretell them.

use std::ops::Range;

use super::base64;

/// The characters of base64 that forty bytes take.
pub(in crate::detect) const SHORTEST: usize = 54;

const BLOCK: usize = 16;
const STRIDE: usize = SHORTEST - BLOCK + 1;

/// How many bytes are looked at in one go: few enough to stay in the first cache until the needles' turn.
pub(in crate::detect) const STRETCH: usize = 32 * 1024;

/// Room for one place a stride; a power of two, so that no bound has to be checked.
const ROOM: usize = 1024;
const _: () = assert!(STRETCH.div_ceil(STRIDE) <= ROOM);

/// Places in a stretch around which a long run may be.
pub(in crate::detect) struct Spots {
    at: [u16; ROOM],
    count: usize,
    start: usize,
}

impl Spots {
    /// No places.
    pub(in crate::detect) fn none() -> Self {
        Spots { at: [0; ROOM], count: 0, start: 0 }
    }

    /// The places in `stretch`, which is at most [`STRETCH`] long.
    #[expect(clippy::cast_possible_truncation, reason = "a stretch is shorter than 64 KiB")]
    pub(in crate::detect) fn look(&mut self, bytes: &[u8], stretch: Range<usize>) {
        (self.start, self.count) = (stretch.start, 0);
        let last = bytes.len().saturating_sub(BLOCK - 1).min(stretch.end);
        let mut count = 0;
        for at in (stretch.start..last).step_by(STRIDE) {
            let Some(block) = bytes[at..].first_chunk() else { break };
            self.at[count % ROOM] = (at - stretch.start) as u16;
            count += usize::from(may_be(block));
        }
        let mut kept = 0;
        for n in 0..count.min(ROOM) {
            let at = self.at[n];
            self.at[kept % ROOM] = at;
            kept += usize::from(goes_on(bytes, stretch.start + usize::from(at)));
        }
        self.count = kept;
    }

    /// The place with that number.
    pub(in crate::detect) fn get(&self, n: usize) -> Option<usize> {
        self.at.get(..self.count)?.get(n).map(|at| self.start + usize::from(*at))
    }
}

/// Whether a block holds neither blanks nor quotes nor brackets nor bytes beyond ASCII: a few operations on a register.
fn may_be(block: &[u8; BLOCK]) -> bool {
    let mut strange = 0;
    for byte in block {
        strange |= u8::from(byte.wrapping_sub(b'+') > b'z' - b'+') & u8::from(byte.wrapping_sub(b'\n') > 3);
    }
    strange == 0
}

/// Whether a block holds only characters of base64, and what may stand between two lines of it.
fn is_loose(block: &[u8; BLOCK]) -> bool {
    let mut strange = 0;
    for byte in block {
        let letter = u8::from((byte | 32).wrapping_sub(b'a') > 25);
        // `+`, `-` and `/` are odd numbers, the comma and the point between them even ones.
        let digit = u8::from(byte.wrapping_sub(b'/') > 10)
            & u8::from((byte & 1 == 0) | (byte.wrapping_sub(b'+') > 4));
        let other =
            u8::from(*byte != b'_') & u8::from(*byte != b'\\') & u8::from(byte.wrapping_sub(b'\n') > 3);
        strange |= letter & digit & other;
    }
    strange == 0
}

/// Whether the run that a block is part of goes on to one side of it at least.
#[expect(clippy::needless_bitwise_bool, reason = "three sure answers cost less than one wrong guess")]
fn goes_on(bytes: &[u8], at: usize) -> bool {
    let block = |at: Option<usize>| at.and_then(|at| bytes.get(at..)?.first_chunk()).is_some_and(is_loose);
    let (this, before, after) = (block(Some(at)), block(at.checked_sub(BLOCK)), block(at.checked_add(BLOCK)));
    this & (before | after)
}

/// Whether the run around the block at `at` is as long as a token needs, or ends like a line that goes on in the next.
pub(super) fn is_long(bytes: &[u8], at: usize) -> bool {
    let ahead = bytes.get(at + BLOCK..).unwrap_or_default();
    let after =
        BLOCK + ahead.iter().take(SHORTEST - BLOCK).take_while(|byte| LOOSE[usize::from(**byte)]).count();
    if after >= SHORTEST {
        return true;
    }
    let most = SHORTEST - after;
    let before = bytes[..at].iter().rev().take(most).take_while(|byte| LOOSE[usize::from(**byte)]).count();
    before == most || super::joined::goes_on_below(&bytes[at..], after)
}

/// What [`base64::is_loose`] says of each byte.
#[expect(clippy::cast_possible_truncation, reason = "no more than 255")]
const LOOSE: [bool; 256] = {
    let mut loose = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        loose[byte] = base64::is_loose(byte as u8);
        byte += 1;
    }
    loose
};

#[cfg(test)]
mod tests {
    use super::super::base64::is_character;
    use super::*;

    #[test]
    fn no_run_is_missed_wherever_it_stands() {
        for at in 0..3 * STRIDE {
            let mut text = vec![b' '; 200];
            text[at..at + SHORTEST].fill(b'Q');
            let mut spots = Spots::none();
            spots.look(&text, 0..text.len());
            let spot = spots.get(0).expect("a place in the run");
            assert!((at..at + SHORTEST).contains(&spot), "run at {at}, spot at {spot}");
            assert!(is_long(&text, spot));
        }
    }

    #[test]
    fn blocks_are_told_apart_by_their_bytes() {
        for byte in 0..=u8::MAX {
            let block = [byte; BLOCK];
            let expected = is_character(byte) || matches!(byte, b'\n'..=b'\r' | b'\\');
            assert_eq!(is_loose(&block), expected, "{byte}");
            assert!(may_be(&block) >= expected, "{byte}");
        }
    }
}
