//! xz streams, their header checksums put right.

#![no_main]

#[path = "unpack_crc.rs"]
mod crc;
#[path = "unpack_support.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut bytes = support::with_magic(b"\xfd7zXZ\0", bytes);
    if let [_, _, _, _, _, _, a, b, sum @ ..] = &mut bytes[..]
        && sum.len() > 4
    {
        sum[..4].copy_from_slice(&crc::crc(&[*a, *b]));
        let block = &mut sum[4..];
        let len = usize::from(block[0]) * 4;
        if block[0] != 0 && block.len() >= len + 4 {
            let (header, sum) = block.split_at_mut(len);
            sum[..4].copy_from_slice(&crc::crc(header));
        }
    }
    support::open(&bytes);
});
