//! Sixteen bytes at once, as nearly every machine can.

#![expect(clippy::inline_always, reason = "what is not inlined cannot use the instructions of its caller")]

use wide::bytemuck::cast;
use wide::{i8x16, i16x16, u8x16, u16x8};

use super::classes::{are_letters, base64_characters, base64_or_gap, bits, leading, trailing, within};
use super::vectors::{BEFORE, BLOCK, Block, GROUP, Vectors, fitting_alignments};

/// Vectors of sixteen bytes.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Vectors for Portable {
    /// There is no blank, quote, bracket, colon or equals sign, and nothing but ASCII.
    #[inline(always)]
    fn blocks_may_be_base64<'b>(self, block: impl Fn(usize) -> &'b Block) -> u32 {
        // Two blocks become one that has a byte for each two of theirs, zero only where both are; so sixteen become one.
        let two = |n| narrow(surely_other(block(n)), surely_other(block(n + 1)));
        let four = |n| narrow(two(n), two(n + 2));
        let eight = |n| narrow(four(n), four(n + 4));
        let sixteen = |n| u32::from(bits(narrow(eight(n), eight(n + 8)).simd_eq(u8x16::splat(0))));
        const { assert!(GROUP == 32) };
        sixteen(0) | sixteen(16) << 16
    }

    #[inline(always)]
    fn may_encode_ascii(self, block: &Block) -> bool {
        if base64_characters(block) != u16::MAX {
            return base64_or_gap(block) == u16::MAX;
        }
        let values = values(u8x16::new(*block));
        let asked = |n| bit(values, n) & 0x7fff;
        fitting_alignments(asked(5), asked(3), asked(1)) != 0
    }

    #[inline(always)]
    fn ascii_alignments(self, block: &Block) -> u32 {
        ascii_alignments(block)
    }

    #[inline(always)]
    fn any_compressed_header(self, bytes: &[u8; BEFORE + BLOCK]) -> bool {
        let (blocks, next) = (bytes.as_chunks().0, bytes[1..].as_chunks().0);
        let headers = blocks.iter().zip(next).map(|(block, next)| compressed_headers(block, next));
        headers.fold(u8x16::splat(0), |any, headers| any | headers).any()
    }

    #[inline(always)]
    fn trailing_base64(self, bytes: &[u8; BEFORE]) -> usize {
        trailing(bytes, base64_characters)
    }

    #[inline(always)]
    fn leading_base64(self, bytes: &[u8; BEFORE]) -> usize {
        leading(bytes, base64_characters)
    }
}

/// The alignments in which a block of base64 may decode to ASCII, a bit for each: the lowest for groups that start at its third character.
#[inline]
pub(in crate::detect::decode) fn ascii_alignments(block: &Block) -> u32 {
    let values = values(u8x16::new(*block));
    fitting_alignments(bit(values, 5), bit(values, 3), bit(values, 1))
}

/// The values of characters of base64. That of a sign is 62 or 63: the bits that are asked for are the same.
#[inline]
pub(super) fn values(bytes: u8x16) -> u8x16 {
    let (letters, digits) = (are_letters(bytes), within(bytes, b'0', b'9'));
    let small = (bytes & u8x16::splat(32)).simd_eq(u8x16::splat(32));
    let offset = (letters & (u8x16::splat(b'A') + (small & u8x16::splat(b'a' - b'A' - 26))))
        | (digits & u8x16::splat(4_u8.wrapping_neg()));
    (bytes - offset) | !(letters | digits)
}

/// The `n`th bit of each byte.
#[inline]
pub(super) fn bit(bytes: u8x16, n: u16) -> u32 {
    let words: u16x8 = cast(bytes);
    u32::from(bits(cast(words << (7 - n))))
}

#[inline]
pub(super) fn compressed_headers(block: &Block, next: &Block) -> u8x16 {
    let (bytes, next) = (u8x16::new(*block), u8x16::new(*next));
    let first = |byte| bytes.simd_eq(u8x16::splat(byte));
    let second = |byte| next.simd_eq(u8x16::splat(byte));
    (first(b'e') & (second(b'A') | second(b'F') | second(b'J') | second(b'N'))) | (first(b'H') & second(b'4'))
}

/// Nonzero for the bytes of a block that are surely neither base64 nor a line end.
#[inline]
fn surely_other(block: &Block) -> u8x16 {
    let bytes = u8x16::new(*block);
    // As signed numbers, bytes beyond ASCII are negative.
    let low = i8x16::splat(b'+'.cast_signed()).simd_gt(cast::<u8x16, i8x16>(bytes));
    let no_control = (bytes & u8x16::splat(0xf8)) ^ u8x16::splat(8);
    let (first, count) = (b':', b'@' - b':' + 1);
    (low.cast_unsigned() & no_control) | u8x16::splat(count).saturating_sub(bytes - u8x16::splat(first))
}

/// A byte for each two of these bytes, zero only where both are.
#[inline]
fn narrow(first: u8x16, second: u8x16) -> u8x16 {
    let words: i16x16 = cast([first, second]);
    i8x16::from_i16x16_saturate(words).cast_unsigned()
}
