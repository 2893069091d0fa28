//! Thirty-two bytes at once, where the machine has AVX2: twice as many, and bytes are looked up in tables.

#![expect(clippy::inline_always, reason = "what is not inlined cannot use the instructions of its caller")]

use std::arch::x86_64::{__m128i, __m256i};

use pulp::cast;
use pulp::x86::V3;

use super::vectors::{BEFORE, BLOCK, Block, GROUP, Vectorized, Vectors, fitting_alignments};
use crate::detect::decode::alphabet::{is_base64_or_gap, is_character};

/// The instructions of x86-64-v3, which are there.
#[derive(Clone, Copy)]
pub(super) struct Avx2(V3);

/// A class of ASCII characters as two tables: a character belongs to it if the entries for the halves of its byte have a bit in
/// common. There is a bit for each high half.
#[derive(Clone, Copy)]
struct Class {
    low: [u8; BLOCK],
    high: [u8; BLOCK],
}

/// Defines a class by the function that tells its characters.
macro_rules! class {
    ($is_member:expr) => {{
        let (mut low, mut high) = ([0; BLOCK], [0; BLOCK]);
        let mut byte = 0;
        while byte < 128_u8 {
            high[(byte >> 4) as usize] = 1 << (byte >> 4);
            if $is_member(byte) {
                low[(byte & 15) as usize] |= 1 << (byte >> 4);
            }
            byte += 1;
        }
        Class { low, high }
    }};
}

const BASE64: Class = class!(is_character);
const BASE64_OR_GAP: Class = class!(is_base64_or_gap);

/// What makes the value of a character of base64, by the high half of its byte; signs are left out.
const TO_VALUE: [u8; BLOCK] = {
    let (digit, capital, small) = (4, 65_u8.wrapping_neg(), 71_u8.wrapping_neg());
    [0, 0, 0, digit, capital, capital, small, small, 0, 0, 0, 0, 0, 0, 0, 0]
};

impl Avx2 {
    /// Them, if this machine has them.
    pub(super) fn detected() -> Option<Self> {
        V3::try_new().map(Avx2)
    }

    /// Runs the search with them.
    pub(super) fn run<S: Vectorized>(self, search: S) -> S::Output {
        self.0.vectorize(
            #[inline(always)]
            || search.run(self),
        )
    }

    /// A byte for each that does not belong to the class, all ones.
    #[inline(always)]
    fn others(self, class: &Class, bytes: __m256i) -> __m256i {
        let (avx, avx2) = (self.0.avx, self.0.avx2);
        let (low, high): (__m256i, __m256i) = (cast([class.low; 2]), cast([class.high; 2]));
        let high_half = avx2._mm256_and_si256(avx2._mm256_srli_epi16::<4>(bytes), avx._mm256_set1_epi8(15));
        let in_common = avx2._mm256_and_si256(
            avx2._mm256_shuffle_epi8(low, bytes),
            avx2._mm256_shuffle_epi8(high, high_half),
        );
        avx2._mm256_cmpeq_epi8(in_common, avx._mm256_setzero_si256())
    }

    /// A bit for each byte that is not zero.
    #[inline(always)]
    fn bits(self, bytes: __m256i) -> u32 {
        self.0.avx2._mm256_movemask_epi8(bytes).cast_unsigned()
    }

    #[inline(always)]
    fn load(self, bytes: &[u8], at: usize) -> __m256i {
        bytes[at..].first_chunk::<32>().map_or(self.0.avx._mm256_setzero_si256(), |bytes| cast(*bytes))
    }

    #[inline(always)]
    fn two_blocks(self, first: &Block, second: &Block) -> __m256i {
        let (first, second): (__m128i, __m128i) = (cast(*first), cast(*second));
        self.0.avx2._mm256_inserti128_si256::<1>(self.0.avx._mm256_castsi128_si256(first), second)
    }

    /// A byte for each two of these bytes, zero only where both are.
    #[inline(always)]
    fn narrow(self, first: __m256i, second: __m256i) -> __m256i {
        self.0.avx2._mm256_packs_epi16(first, second)
    }

    /// Bytes for the `n`th block in one half of a register and the `n + 16`th in the other: zero where they are base64 or line ends.
    #[inline(always)]
    fn one<'b>(self, block: &impl Fn(usize) -> &'b Block, n: usize) -> __m256i {
        self.others(&BASE64_OR_GAP, self.two_blocks(block(n), block(n + GROUP / 2)))
    }

    #[inline(always)]
    fn two<'b>(self, block: &impl Fn(usize) -> &'b Block, n: usize) -> __m256i {
        self.narrow(self.one(block, n), self.one(block, n + 1))
    }

    #[inline(always)]
    fn four<'b>(self, block: &impl Fn(usize) -> &'b Block, n: usize) -> __m256i {
        self.narrow(self.two(block, n), self.two(block, n + 2))
    }

    #[inline(always)]
    fn eight<'b>(self, block: &impl Fn(usize) -> &'b Block, n: usize) -> __m256i {
        self.narrow(self.four(block, n), self.four(block, n + 4))
    }

    /// All ones for the bytes that are this one.
    #[inline(always)]
    fn equal(self, bytes: __m256i, byte: u8) -> __m256i {
        self.0.avx2._mm256_cmpeq_epi8(bytes, self.0.avx._mm256_set1_epi8(byte.cast_signed()))
    }

    #[inline(always)]
    fn either(self, one: __m256i, other: __m256i) -> __m256i {
        self.0.avx2._mm256_or_si256(one, other)
    }

    #[inline(always)]
    fn both(self, one: __m256i, other: __m256i) -> __m256i {
        self.0.avx2._mm256_and_si256(one, other)
    }

    /// The high half of each byte, as a number.
    #[inline(always)]
    fn high_half(self, bytes: __m128i) -> __m128i {
        let sse2 = self.0.sse2;
        sse2._mm_and_si128(sse2._mm_srli_epi16::<4>(bytes), sse2._mm_set1_epi8(15))
    }

    /// A bit for each character of base64 that cannot be the first one of a group, the second or the third, if that is ASCII.
    #[inline(always)]
    fn asked_bits(self, bytes: __m128i) -> [u32; 3] {
        let (sse2, ssse3) = (self.0.sse2, self.0.ssse3);
        let high_half = self.high_half(bytes);
        // The signs of either alphabet have the values 62 and 63, whose bits in question are the same.
        let underscore = sse2._mm_cmpeq_epi8(bytes, sse2._mm_set1_epi8(b'_'.cast_signed()));
        let signs = sse2._mm_or_si128(underscore, sse2._mm_cmpeq_epi8(high_half, sse2._mm_set1_epi8(2)));
        let values = sse2._mm_add_epi8(bytes, ssse3._mm_shuffle_epi8(cast(TO_VALUE), high_half));
        let values = sse2._mm_or_si128(values, signs);
        let first = sse2._mm_movemask_epi8(sse2._mm_slli_epi16::<2>(values)).cast_unsigned();
        let second = sse2._mm_movemask_epi8(sse2._mm_slli_epi16::<4>(values)).cast_unsigned();
        let third = sse2._mm_movemask_epi8(sse2._mm_slli_epi16::<6>(values)).cast_unsigned();
        [first, second, third]
    }

    /// A bit for each byte that is no character of base64.
    #[inline(always)]
    fn other_than_base64(self, bytes: &[u8; BEFORE]) -> u64 {
        let first = u64::from(self.bits(self.others(&BASE64, self.load(bytes, 0))));
        let second = u64::from(self.bits(self.others(&BASE64, self.load(bytes, BEFORE - 32))));
        first | second << (BEFORE - 32)
    }

    #[inline(always)]
    fn compressed_headers(self, bytes: __m256i, next: __m256i) -> __m256i {
        let a_or_f = self.either(self.equal(next, b'A'), self.equal(next, b'F'));
        let j_or_n = self.either(self.equal(next, b'J'), self.equal(next, b'N'));
        let zlib = self.both(self.equal(bytes, b'e'), self.either(a_or_f, j_or_n));
        self.either(zlib, self.both(self.equal(bytes, b'H'), self.equal(next, b'4')))
    }
}

impl Vectors for Avx2 {
    #[inline(always)]
    fn blocks_may_be_base64<'b>(self, block: impl Fn(usize) -> &'b Block) -> u32 {
        const { assert!(GROUP == 32) };
        let others = self.narrow(self.eight(&block, 0), self.eight(&block, 8));
        self.bits(self.equal(others, 0))
    }

    #[inline(always)]
    fn may_encode_ascii(self, block: &Block) -> bool {
        let sse2 = self.0.sse2;
        let bytes: __m128i = cast(*block);
        let [first, second, third] = self.asked_bits(bytes);
        // Line ends and tabs; backslashes and bars, which are `|` but for one bit.
        let no_high_half = sse2._mm_cmpeq_epi8(self.high_half(bytes), sse2._mm_setzero_si128());
        let mark = sse2._mm_or_si128(bytes, sse2._mm_set1_epi8(0x20));
        let marks = sse2._mm_cmpeq_epi8(mark, sse2._mm_set1_epi8(b'|'.cast_signed()));
        let breaks = sse2._mm_or_si128(marks, no_high_half);
        (fitting_alignments(first & 0x7fff, second & 0x7fff, third & 0x7fff) != 0)
            | (sse2._mm_movemask_epi8(breaks) != 0)
    }

    #[inline(always)]
    fn ascii_alignments(self, block: &Block) -> u32 {
        let [first, second, third] = self.asked_bits(cast(*block));
        fitting_alignments(first, second, third)
    }

    #[inline(always)]
    fn any_compressed_header(self, bytes: &[u8; BEFORE + BLOCK]) -> bool {
        let first = self.compressed_headers(self.load(bytes, 0), self.load(bytes, 1));
        let last = BEFORE + BLOCK - 33;
        let second = self.compressed_headers(self.load(bytes, last), self.load(bytes, last + 1));
        self.bits(self.either(first, second)) != 0
    }

    #[inline(always)]
    fn trailing_base64(self, bytes: &[u8; BEFORE]) -> usize {
        BEFORE.min((self.other_than_base64(bytes) << (64 - BEFORE)).leading_zeros() as usize)
    }

    #[inline(always)]
    fn leading_base64(self, bytes: &[u8; BEFORE]) -> usize {
        BEFORE.min(self.other_than_base64(bytes).trailing_zeros() as usize)
    }
}
