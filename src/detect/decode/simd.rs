//! Many bytes classified at once, in vector registers: base64 and what only looks like it.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod classes;
mod portable;
mod vectors;

pub(super) use classes::{any_capital, base64_characters, base64_or_break, blanks, leading, trailing, zeros};
pub(super) use vectors::{BEFORE, BLOCK, Block, GROUP, Vectorized, Vectors};

use vectors::fitting_alignments;
use wide::bytemuck::pod_align_to_mut;
use wide::u8x16;
use zeroize::Zeroize as _;

/// Runs the search with the best instructions that this machine has.
pub(super) fn vectorized<S: Vectorized>(search: S) -> S::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = avx2::Avx2::detected() {
        return avx2.run(search);
    }
    search.run(portable::Portable)
}

/// The alignments in which a block of base64 may decode to ASCII, a bit for each: the lowest for groups that start at its third character.
#[inline]
pub(super) fn ascii_alignments(block: &Block) -> u32 {
    let values = portable::values(u8x16::new(*block));
    fitting_alignments(portable::bit(values, 5), portable::bit(values, 3), portable::bit(values, 1))
}

/// Whether the header of a compressed stream may start among those characters.
pub(super) fn any_compressed_header(text: &[u8]) -> bool {
    let blocks = text.as_chunks().0.iter().zip(text.get(1..).unwrap_or_default().as_chunks().0);
    let found = blocks.clone().any(|(block, next)| portable::compressed_headers(block, next).any());
    let rest = &text[blocks.len() * BLOCK..];
    found || rest.windows(2).any(|pair| matches!(pair, [b'e', b'A' | b'F' | b'J' | b'N'] | [b'H', b'4']))
}

/// Overwrites bytes with zeros for good, eight at a time: one at a time, as it is done otherwise, costs more than searching them.
pub(super) fn wipe(bytes: &mut [u8]) {
    let (first, words, last) = pod_align_to_mut::<u8, u64>(bytes);
    first.zeroize();
    words.zeroize();
    last.zeroize();
}

#[cfg(test)]
mod tests;
