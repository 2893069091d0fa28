//! Sixteen bytes classified at once, in a vector register: base64 and what only looks like it.

use wide::bytemuck::cast;
use wide::{i8x16, i16x16, u8x16};

/// How many bytes fill a register.
pub(super) const BLOCK: usize = 16;

/// The bytes of one register.
pub(super) type Block = [u8; BLOCK];

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

/// Whether a block may be nothing but such bytes: there is no blank, quote, bracket, colon or equals sign, and nothing but
/// ASCII.
pub(super) fn may_be_base64(block: &Block) -> bool {
    surely_other(block).simd_eq(u8x16::splat(0)).all()
}

/// A bit for each of sixteen blocks of which [`may_be_base64`] is true; `block` returns them by their index. This takes as few
/// operations as possible, because nearly all input is ruled out here.
pub(super) fn blocks_may_be_base64<'b>(block: impl Fn(usize) -> &'b Block) -> u16 {
    // Two blocks become one that has a byte for each two of theirs, zero only where both are; so sixteen become one.
    let two = |n| narrow(surely_other(block(n)), surely_other(block(n + 1)));
    let four = |n| narrow(two(n), two(n + 2));
    let eight = |n| narrow(four(n), four(n + 4));
    bits(narrow(eight(0), eight(8)).simd_eq(u8x16::splat(0)))
}

/// Nonzero for the bytes of a block that are surely neither base64 nor a line end.
fn surely_other(block: &Block) -> u8x16 {
    let bytes = u8x16::new(*block);
    // As signed numbers, bytes beyond ASCII are negative.
    let low = i8x16::splat(b'+'.cast_signed()).simd_gt(cast::<u8x16, i8x16>(bytes));
    let no_control = (bytes & u8x16::splat(0xf8)) ^ u8x16::splat(8);
    let (first, count) = (b':', b'@' - b':' + 1);
    (low.cast_unsigned() & no_control) | u8x16::splat(count).saturating_sub(bytes - u8x16::splat(first))
}

/// A byte for each two of these bytes, zero only where both are.
fn narrow(first: u8x16, second: u8x16) -> u8x16 {
    let words: i16x16 = cast([first, second]);
    i8x16::from_i16x16_saturate(words).cast_unsigned()
}

/// A bit for each byte that is zero.
pub(super) fn zeros(block: &Block) -> u16 {
    bits(u8x16::new(*block).simd_eq(u8x16::splat(0)))
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
    let letters = within(bytes | u8x16::splat(32), b'a', b'z');
    // `+`, `-` and `/` are odd numbers, the comma and the dot between them even ones.
    let odd = (bytes & u8x16::splat(1)).simd_eq(u8x16::splat(1));
    let signs = odd & within(bytes, b'+', b'/');
    letters | within(bytes, b'0', b'9') | signs | bytes.simd_eq(u8x16::splat(b'_'))
}

fn within(bytes: u8x16, first: u8, last: u8) -> u8x16 {
    (bytes - u8x16::splat(first)).simd_le(u8x16::splat(last - first))
}

#[expect(clippy::cast_possible_truncation, reason = "there are sixteen")]
fn bits(mask: u8x16) -> u16 {
    mask.to_bitmask() as u16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::alphabet::{is_base64_or_break, is_character};
    use super::*;

    #[test]
    fn blocks_are_classified_as_bytes_are() {
        for byte in 0..=u8::MAX {
            let block = [byte; BLOCK];
            assert_eq!(base64_characters(&block) == u16::MAX, is_character(byte), "{byte}");
            let control = (b'\n'..=b'\r').contains(&byte);
            assert_eq!(base64_or_break(&block) == u16::MAX, is_base64_or_break(byte) || control, "{byte}");
            assert!(may_be_base64(&block) || base64_or_break(&block) == 0, "{byte}");
            assert_eq!(any_capital(&block), byte.is_ascii_uppercase(), "{byte}");
        }
        assert!(!may_be_base64(b"two words, three"));
    }

    proptest! {
        #[test]
        fn bytes_are_counted_as_one_by_one(
            bytes in prop::collection::vec(prop_oneof![20 => b'A'..=b'z', 1 => any::<u8>()], 0..90),
        ) {
            let is_one = |byte: &&u8| is_character(**byte);
            prop_assert_eq!(leading(&bytes, base64_characters), bytes.iter().take_while(is_one).count());
            prop_assert_eq!(trailing(&bytes, base64_characters), bytes.iter().rev().take_while(is_one).count());
            prop_assert_eq!(any_capital(&bytes), bytes.iter().any(u8::is_ascii_uppercase));
        }

        #[test]
        fn sixteen_blocks_are_classified_as_one_by_one(
            bytes in prop::collection::vec(prop_oneof![40 => b'A'..=b'z', 1 => any::<u8>()], 16 * BLOCK),
        ) {
            let (blocks, _) = bytes.as_chunks::<BLOCK>();
            let one_by_one = blocks.iter().rev().fold(0, |bits, block| bits << 1 | u16::from(may_be_base64(block)));
            prop_assert_eq!(blocks_may_be_base64(|n| &blocks[n]), one_by_one);
        }
    }
}
