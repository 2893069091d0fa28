//! Zstandard frames.

#![no_main]

#[path = "unpack_support.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    support::open(&support::with_magic(&[0x28, 0xb5, 0x2f, 0xfd], bytes));
});
