//! RPM packages.

#![no_main]

#[path = "unpack_support.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    support::open(&support::with_magic(b"\xed\xab\xee\xdb\x03\0\0\0", bytes));
});
