//! Many bytes classified at once, in vector registers: base64 and what only looks like it.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined cannot use the vector instructions of its caller"
)]

#[cfg(target_arch = "x86_64")]
mod avx2;
mod classes;
mod portable;
mod vectors;

pub(super) use classes::{
    any_capital, base64_characters, base64_or_break, base64_or_gap, blanks, leading, letters_and_digits,
    trailing, zeros,
};
pub(super) use portable::ascii_alignments;
pub(super) use vectors::{BEFORE, BLOCK, Block, GROUP, Vectorized, Vectors};

use std::ops::{Deref, DerefMut};

use wide::bytemuck::pod_align_to_mut;
use zeroize::Zeroize as _;

/// Runs the search with the best instructions that this machine has.
pub(super) fn vectorized<S: Vectorized>(search: S) -> S::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = avx2::Avx2::detected() {
        return avx2.run(search);
    }
    search.run(portable::Portable)
}

/// How many of the first bytes are characters of base64.
pub(super) fn leading_base64(bytes: &[u8]) -> usize {
    vectorized(LeadingBase64(bytes))
}

struct LeadingBase64<'b>(&'b [u8]);

impl Vectorized for LeadingBase64<'_> {
    type Output = usize;

    #[inline(always)]
    fn run(self, vectors: impl Vectors) -> usize {
        let (chunks, rest) = self.0.as_chunks::<BEFORE>();
        for (n, chunk) in chunks.iter().enumerate() {
            let length = vectors.leading_base64(chunk);
            if length < BEFORE {
                return n * BEFORE + length;
            }
        }
        chunks.len() * BEFORE + leading(rest, base64_characters)
    }
}

/// Where the header of a compressed stream may start among those characters.
pub(super) fn compressed_headers(text: &[u8]) -> impl Iterator<Item = usize> {
    let blocks = text.as_chunks().0.iter().zip(text.get(1..).unwrap_or_default().as_chunks().0);
    let rest = blocks.len() * BLOCK;
    let found = blocks.map(|(block, next)| classes::bits(portable::compressed_headers(block, next)));
    let found = (0..).step_by(BLOCK).zip(found).filter(|(_, bits)| *bits != 0);
    let last = (rest..).zip(text[rest..].windows(2));
    let last = last.filter(|(_, pair)| matches!(pair, [b'e', b'A' | b'F' | b'J' | b'N'] | [b'H', b'4']));
    found.flat_map(|(start, bits)| set_bits(bits).map(move |bit| start + bit)).chain(last.map(|(at, _)| at))
}

/// Which bits are set, from the lowest on.
fn set_bits(mut bits: u16) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (bits != 0).then(|| bits.trailing_zeros() as usize);
        bits &= bits.wrapping_sub(1);
        bit
    })
}

/// Overwrites bytes with zeros for good, eight at a time: one at a time, as it is done otherwise, costs more than searching them.
pub(super) fn wipe(bytes: &mut [u8]) {
    let (first, words, last) = pod_align_to_mut::<u8, u64>(bytes);
    first.zeroize();
    words.zeroize();
    last.zeroize();
}

/// Bytes that are overwritten so when they are dropped. Whoever fills them reserves what they take: a buffer that grows leaves copies of
/// a secret behind.
pub(in crate::detect) struct Wiped(Vec<u8>);

impl Wiped {
    /// These.
    pub(in crate::detect) fn new(bytes: Vec<u8>) -> Self {
        Wiped(bytes)
    }
}

impl Deref for Wiped {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Wiped {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

#[cfg(test)]
mod tests;
