//! VHD images.

#![no_main]

#[path = "unpack_support.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    support::open(&support::with_magic(b"conectix\0\0\0\x02\0\x01\0\0", bytes));
});
