//! Pairs of bytes that a signature may begin with, thirty-two places at once: the nibbles of both bytes are looked up in tables, as Teddy
//! does it (<https://github.com/BurntSushi/aho-corasick/blob/master/src/packed/teddy/README.md>), with buckets made for these
//! pairs. On machines without AVX2 the automaton finds them.

#![expect(clippy::inline_always, reason = "what is not inlined cannot use the instructions of its caller")]

#[cfg(target_arch = "x86_64")]
pub(super) use x86::Pairs;

#[cfg(not(target_arch = "x86_64"))]
pub(super) use other::Pairs;

/// Buckets of pairs whose nibbles are alike. Those of zlib are two: it has four pairs, and noise all of them.
const BUCKETS: [&[[u8; 2]]; 8] = [
    &[[0x78, 0x01], [0x78, 0x9c]],
    &[[0x78, 0x5e], [0x78, 0xda]],
    &[[0x1f, 0x8b]],
    &[[0x28, 0xb5], *b"hs"],
    &[[0xfd, b'7'], *b"7z"],
    &[[0x04, 0x22], [0x02, 0x21]],
    &[*b"BZ", *b"MS", *b"PK"],
    &[[0x5d, 0x00]],
];

/// The buckets that a byte may belong to, by its low and its high half: a bit for each.
#[derive(Clone, Copy)]
struct Table {
    low: [u8; 16],
    high: [u8; 16],
}

/// The tables of the first and of the second byte.
const TABLES: [Table; 2] = {
    let mut tables = [Table { low: [0; 16], high: [0; 16] }; 2];
    let mut bucket = 0;
    while bucket < BUCKETS.len() {
        let mut pair = 0;
        while pair < BUCKETS[bucket].len() {
            let mut n = 0;
            while n < 2 {
                let byte = BUCKETS[bucket][pair][n];
                tables[n].low[(byte & 15) as usize] |= 1 << bucket;
                tables[n].high[(byte >> 4) as usize] |= 1 << bucket;
                n += 1;
            }
            pair += 1;
        }
        bucket += 1;
    }
    tables
};

/// Whether a pair may be one.
fn may_be(first: u8, second: u8) -> bool {
    let [one, other] = &TABLES;
    let buckets =
        |table: &Table, byte: u8| table.low[usize::from(byte & 15)] & table.high[usize::from(byte >> 4)];
    buckets(one, first) & buckets(other, second) != 0
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::__m256i;

    use pulp::cast;
    use pulp::x86::V3;

    use super::{TABLES, Table, may_be};

    /// The instructions of x86-64-v3, which are there.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Pairs(V3);

    impl Pairs {
        /// Them, if this machine has them.
        pub(in super::super) fn detected() -> Option<Self> {
            V3::try_new().map(Pairs)
        }

        /// The first place from an offset on of which `is_one` is true, among those where a pair stands that may be one.
        pub(in super::super) fn find(
            self,
            bytes: &[u8],
            from: usize,
            is_one: impl Fn(usize) -> bool,
        ) -> Option<usize> {
            self.0.vectorize(
                #[inline(always)]
                || self.find_within(bytes, from, is_one),
            )
        }

        #[inline(always)]
        fn find_within(self, bytes: &[u8], from: usize, is_one: impl Fn(usize) -> bool) -> Option<usize> {
            let mut at = from;
            // Most of them hold none: four blocks are asked at once, and then each.
            while let Some(bytes) = bytes.get(at..).and_then(<[u8]>::first_chunk::<{ 4 * 32 + 1 }>) {
                let (a, b) = (self.pairs(bytes, 0), self.pairs(bytes, 32));
                let (c, d) = (self.pairs(bytes, 64), self.pairs(bytes, 96));
                let or = |one, other| self.0.avx2._mm256_or_si256(one, other);
                if self.none(or(or(a, b), or(c, d))) != u32::MAX {
                    let places =
                        self.places(a) | self.places(b) << 32 | self.places(c) << 64 | self.places(d) << 96;
                    if let Some(place) = first(places, |place| is_one(at + place)) {
                        return Some(at + place);
                    }
                }
                at += 4 * 32;
            }
            while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<33>) {
                let places = self.places(self.pairs(block, 0));
                if let Some(place) = first(places, |place| is_one(at + place)) {
                    return Some(at + place);
                }
                at += 32;
            }
            let last = bytes.get(at..).unwrap_or_default().windows(2).enumerate();
            let mut last = last.filter(|(_, pair)| may_be(pair[0], pair[1]));
            last.find(|(n, _)| is_one(at + n)).map(|(n, _)| at + n)
        }

        /// A bit for each place of a block where a pair stands that may be one.
        #[inline(always)]
        fn places(self, buckets: __m256i) -> u128 {
            u128::from(!self.none(buckets))
        }

        /// A bit for each byte that is zero.
        #[inline(always)]
        fn none(self, buckets: __m256i) -> u32 {
            let (avx, avx2) = (self.0.avx, self.0.avx2);
            avx2._mm256_movemask_epi8(avx2._mm256_cmpeq_epi8(buckets, avx._mm256_setzero_si256()))
                .cast_unsigned()
        }

        /// The buckets of the pairs that begin in the block at an offset.
        #[inline(always)]
        fn pairs(self, bytes: &[u8], at: usize) -> __m256i {
            let load = |at: usize| {
                let block = bytes.get(at..).and_then(<[u8]>::first_chunk::<32>);
                block.map_or(self.0.avx._mm256_setzero_si256(), |bytes| cast(*bytes))
            };
            let first = self.buckets(&TABLES[0], load(at));
            self.0.avx2._mm256_and_si256(first, self.buckets(&TABLES[1], load(at + 1)))
        }

        #[inline(always)]
        fn buckets(self, table: &Table, bytes: __m256i) -> __m256i {
            let (avx, avx2) = (self.0.avx, self.0.avx2);
            let (low, high): (__m256i, __m256i) = (cast([table.low; 2]), cast([table.high; 2]));
            let nibble = avx._mm256_set1_epi8(15);
            let low_half = avx2._mm256_and_si256(bytes, nibble);
            let high_half = avx2._mm256_and_si256(avx2._mm256_srli_epi16::<4>(bytes), nibble);
            avx2._mm256_and_si256(
                avx2._mm256_shuffle_epi8(low, low_half),
                avx2._mm256_shuffle_epi8(high, high_half),
            )
        }
    }

    /// The first of the places, given as bits, of which `is_one` is true.
    #[inline(always)]
    fn first(mut places: u128, is_one: impl Fn(usize) -> bool) -> Option<usize> {
        while places != 0 {
            let place = places.trailing_zeros() as usize;
            if is_one(place) {
                return Some(place);
            }
            places &= places - 1;
        }
        None
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod other {
    /// No instructions that are used here.
    #[derive(Clone, Copy)]
    pub(in super::super) enum Pairs {}

    impl Pairs {
        pub(in super::super) fn detected() -> Option<Self> {
            None
        }

        pub(in super::super) fn find(
            self,
            _bytes: &[u8],
            _from: usize,
            _is_one: impl Fn(usize) -> bool,
        ) -> Option<usize> {
            match self {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_found_at_every_place() {
        let Some(pairs) = Pairs::detected() else { return };
        for len in [2, 31, 32, 33, 34, 64, 65, 70, 129, 130, 161, 260] {
            for pair in BUCKETS.into_iter().flatten() {
                for at in 0..len - 1 {
                    let mut bytes = vec![0xee; len];
                    bytes[at..at + 2].copy_from_slice(pair);
                    for from in [0, at / 2, at] {
                        assert_eq!(pairs.find(&bytes, from, |_| true), Some(at), "{pair:?} of {len}");
                    }
                    assert_eq!(pairs.find(&bytes, at + 1, |place| place == at), None);
                }
            }
        }
        let text = "words of a text, in which there are none of them\0\u{1}".repeat(20);
        assert_eq!(pairs.find(text.as_bytes(), 0, |_| true), None);
    }

    #[test]
    fn the_vectors_find_what_the_tables_have() {
        let Some(pairs) = Pairs::detected() else { return };
        let bytes: Vec<u8> =
            (0..=u8::MAX).flat_map(|first| (0..=u8::MAX).flat_map(move |second| [first, second])).collect();
        let mut at = 0;
        for place in (0..bytes.len() - 1).filter(|place| may_be(bytes[*place], bytes[place + 1])) {
            assert_eq!(pairs.find(&bytes, at, |_| true), Some(place));
            at = place + 1;
        }
    }
}
