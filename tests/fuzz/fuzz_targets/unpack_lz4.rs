//! LZ4 frames of both kinds.

#![no_main]

#[path = "unpack_support.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    support::open(&support::with_magic(&[0x04, 0x22, 0x4d, 0x18], bytes));
    support::open(&support::with_magic(&[0x02, 0x21, 0x4c, 0x18], bytes));
});
