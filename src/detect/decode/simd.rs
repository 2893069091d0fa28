//! Many bytes classified at once, in vector registers: base64 and what only looks like it.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod portable;

use wide::u8x16;

/// How many bytes a block has.
pub(super) const BLOCK: usize = 16;

/// The bytes of one block.
pub(super) type Block = [u8; BLOCK];

/// How many blocks are classified at once.
pub(super) const GROUP: usize = 32;

/// How many bytes in front of a block decide whether it is the first of a line or of a compressed stream.
pub(super) const BEFORE: usize = 40;

/// A set of vector instructions, and what is asked of it for most of the input.
pub(super) trait Vectors: Copy {
    /// A bit for each block of a group that may be base64 and line ends throughout, as they are or escaped; `block` returns them by
    /// their index. This takes as few operations as possible, because nearly all input is ruled out here.
    fn blocks_may_be_base64<'b>(self, block: impl Fn(usize) -> &'b Block) -> u32;

    /// Whether such a block may be a part of base64 that decodes to ASCII, as whatever a token is encoded in does, compressed data
    /// apart. One with a line end in it may.
    ///
    /// Each byte's high bit is one bit of a character: the highest of the first of a group of four, the fourth of the second, the
    /// second last of the third. So in one of the four alignments, all of these are zero. The last character is not asked: that of a
    /// token has bits of the byte behind it.
    fn may_encode_ascii(self, block: &Block) -> bool;

    /// Whether the header of a compressed stream may start among the first [`BEFORE`] of those bytes: `H4` of gzip's in base64, or `eA`,
    /// `eF`, `eJ` or `eN` of zlib's.
    fn any_compressed_header(self, bytes: &[u8; BEFORE + BLOCK]) -> bool;

    /// How many of the last bytes are characters of base64.
    fn trailing_base64(self, bytes: &[u8; BEFORE]) -> usize;
}

/// A search that uses vector instructions.
pub(super) trait Vectorized {
    /// What it finds.
    type Output;

    /// Searches with such instructions. Has to be inlined, as all that it calls with them.
    fn run(self, vectors: impl Vectors) -> Self::Output;
}

/// Runs the search with the best instructions that this machine has.
pub(super) fn vectorized<S: Vectorized>(search: S) -> S::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = avx2::Avx2::detected() {
        return avx2.run(search);
    }
    search.run(portable::Portable)
}

/// The alignments in which no group of four characters has a byte beyond ASCII, a bit for each, where `first`, `second` and `third` have
/// a bit for each character that cannot be at that place of a group. The lowest bit is that of groups that start at the third
/// character, the next one that of those at the fourth.
fn fitting_alignments(first: u32, second: u32, third: u32) -> u32 {
    // A bit for each place where a group may start, from two in front of the block on.
    let bad = first << 2 | second << 1 | third;
    !(bad | bad >> 4 | bad >> 8 | bad >> 12 | bad >> 16) & 15
}

/// The alignments in which a block of base64 may decode to ASCII, a bit for each: the lowest for groups that start at its third character.
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

/// A bit for each byte that is a character of base64, the lowest for the first.
pub(super) fn base64_characters(block: &Block) -> u16 {
    bits(are_base64(u8x16::new(*block)))
}

/// The same for the characters of base64 and of line ends, as they are or escaped. Vertical tab and form feed, between the two
/// in ASCII, count as well.
pub(super) fn base64_or_break(block: &Block) -> u16 {
    let bytes = u8x16::new(*block);
    bits(are_base64(bytes) | bytes.simd_eq(u8x16::splat(b'\\')) | within(bytes, b'\n', b'\r'))
}

/// Whether there is a capital among the bytes.
pub(super) fn any_capital(bytes: &[u8]) -> bool {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let none = u8x16::splat(0);
    let capitals = blocks.iter().fold(none, |any, block| any | within(u8x16::new(*block), b'A', b'Z'));
    capitals.any() || rest.iter().any(u8::is_ascii_uppercase)
}

/// How many of the first bytes are of the class that `class` has a bit for.
pub(super) fn leading(bytes: &[u8], class: impl Fn(&Block) -> u16) -> usize {
    let (blocks, rest) = bytes.as_chunks();
    for (n, block) in blocks.iter().enumerate() {
        let bits = class(block);
        if bits != u16::MAX {
            return n * BLOCK + bits.trailing_ones() as usize;
        }
    }
    // Zeros are of no class.
    let mut last = [0; BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    blocks.len() * BLOCK + class(&last).trailing_ones() as usize
}

/// How many of the last bytes are of that class.
pub(super) fn trailing(bytes: &[u8], class: impl Fn(&Block) -> u16) -> usize {
    let (rest, blocks) = bytes.as_rchunks();
    for (n, block) in blocks.iter().rev().enumerate() {
        let bits = class(block);
        if bits != u16::MAX {
            return n * BLOCK + bits.leading_ones() as usize;
        }
    }
    let mut first = [0; BLOCK];
    first[BLOCK - rest.len()..].copy_from_slice(rest);
    blocks.len() * BLOCK + class(&first).leading_ones() as usize
}

fn are_base64(bytes: u8x16) -> u8x16 {
    are_letters(bytes) | within(bytes, b'0', b'9') | are_signs(bytes)
}

fn are_letters(bytes: u8x16) -> u8x16 {
    within(bytes | u8x16::splat(32), b'a', b'z')
}

/// Those of either alphabet: `+`, `-`, `/` and `_`.
fn are_signs(bytes: u8x16) -> u8x16 {
    // The first three are odd numbers, the comma and the dot between them even ones.
    let odd = (bytes & u8x16::splat(1)).simd_eq(u8x16::splat(1));
    (odd & within(bytes, b'+', b'/')) | bytes.simd_eq(u8x16::splat(b'_'))
}

fn within(bytes: u8x16, first: u8, last: u8) -> u8x16 {
    (bytes - u8x16::splat(first)).simd_le(u8x16::splat(last - first))
}

#[expect(clippy::cast_possible_truncation, reason = "there are sixteen")]
fn bits(mask: u8x16) -> u16 {
    mask.to_bitmask() as u16
}

#[cfg(test)]
mod tests;
