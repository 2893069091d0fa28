//! Disk images of macOS: the input ends in a trailer.

#![no_main]

#[path = "unpack_support.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    support::open(&[bytes, b"koly\0\0\0\x04\0\0\x02\0", &[0; 500]].concat());
});
