//! bzip3's file format (<https://github.com/kspalaiologos/bzip3/blob/master/doc/bzip3_format.md>).

/// What bzip3 takes for the size of a block: 65 KiB to 511 MiB.
const BLOCK_SIZES: std::ops::RangeInclusive<u32> = 65 * 1024..=511 * 1024 * 1024;

/// Whether a file begins so: the signature, the size of a block, and the two sizes of the first one.
pub(super) fn begins(head: &[u8]) -> bool {
    let Some(rest) = head.strip_prefix(b"BZ3v1") else { return false };
    let number =
        |at: usize| rest.get(at..).and_then(<[u8]>::first_chunk).map(|bytes| u32::from_le_bytes(*bytes));
    let Some(block) = number(0).filter(|size| BLOCK_SIZES.contains(size)) else { return false };
    // What is packed badly is a fiftieth and a few bytes longer (`bz3_bound`).
    number(4).is_none_or(|packed| packed <= block + block / 50 + 32)
        && number(8).is_none_or(|plain| plain <= block)
}
