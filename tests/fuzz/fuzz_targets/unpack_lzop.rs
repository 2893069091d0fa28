//! lzop files.

#![no_main]

#[path = "unpack_support.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    support::open(&support::with_magic(b"\x89LZO\0\r\n\x1a\n", bytes));
});
