//! Classes of bytes, and runs of them.

use wide::u8x16;

use super::vectors::{BLOCK, Block};

/// A bit for each byte that is a character of base64, the lowest for the first.
#[inline]
pub(in crate::detect::decode) fn base64_characters(block: &Block) -> u16 {
    bits(are_base64(u8x16::new(*block)))
}

/// The same for the characters of base64 and of line ends, as they are or escaped. Vertical tab and form feed, between the two
/// in ASCII, count as well.
#[inline]
pub(in crate::detect::decode) fn base64_or_break(block: &Block) -> u16 {
    let bytes = u8x16::new(*block);
    bits(are_base64(bytes) | bytes.simd_eq(u8x16::splat(b'\\')) | within(bytes, b'\n', b'\r'))
}

/// The same with what else may stand in a gap between lines: see [`is_base64_or_gap`](super::super::alphabet::is_base64_or_gap).
#[inline]
pub(in crate::detect::decode) fn base64_or_gap(block: &Block) -> u16 {
    let bytes = u8x16::new(*block);
    base64_or_break(block) | bits(bytes.simd_eq(u8x16::splat(b'\t')) | bytes.simd_eq(u8x16::splat(b'|')))
}

/// A bit for each byte that is a letter or a digit.
#[inline]
pub(in crate::detect::decode) fn letters_and_digits(block: &Block) -> u16 {
    let bytes = u8x16::new(*block);
    bits(are_letters(bytes) | within(bytes, b'0', b'9'))
}

/// A bit for each byte that is a blank or a tab.
#[inline]
pub(in crate::detect::decode) fn blanks(block: &Block) -> u16 {
    let bytes = u8x16::new(*block);
    bits(bytes.simd_eq(u8x16::splat(b' ')) | bytes.simd_eq(u8x16::splat(b'\t')))
}

/// A bit for each byte that is zero.
#[inline]
pub(in crate::detect::decode) fn zeros(block: &Block) -> u16 {
    bits(u8x16::new(*block).simd_eq(u8x16::splat(0)))
}

/// Whether there is a capital among the bytes.
pub(in crate::detect::decode) fn any_capital(bytes: &[u8]) -> bool {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let none = u8x16::splat(0);
    let capitals = blocks.iter().fold(none, |any, block| any | within(u8x16::new(*block), b'A', b'Z'));
    capitals.any() || rest.iter().any(u8::is_ascii_uppercase)
}

/// How many of the first bytes are of the class that `class` has a bit for.
pub(in crate::detect::decode) fn leading(bytes: &[u8], class: impl Fn(&Block) -> u16) -> usize {
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
pub(in crate::detect::decode) fn trailing(bytes: &[u8], class: impl Fn(&Block) -> u16) -> usize {
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

#[inline]
fn are_base64(bytes: u8x16) -> u8x16 {
    are_letters(bytes) | within(bytes, b'0', b'9') | are_signs(bytes)
}

#[inline]
pub(in crate::detect::decode) fn are_letters(bytes: u8x16) -> u8x16 {
    within(bytes | u8x16::splat(32), b'a', b'z')
}

/// Those of either alphabet: `+`, `-`, `/` and `_`.
#[inline]
pub(in crate::detect::decode) fn are_signs(bytes: u8x16) -> u8x16 {
    // The first three are odd numbers, the comma and the dot between them even ones.
    let odd = (bytes & u8x16::splat(1)).simd_eq(u8x16::splat(1));
    (odd & within(bytes, b'+', b'/')) | bytes.simd_eq(u8x16::splat(b'_'))
}

#[inline]
pub(in crate::detect::decode) fn within(bytes: u8x16, first: u8, last: u8) -> u8x16 {
    (bytes - u8x16::splat(first)).simd_le(u8x16::splat(last - first))
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "there are sixteen")]
pub(in crate::detect::decode) fn bits(mask: u8x16) -> u16 {
    mask.to_bitmask() as u16
}
