//! Tables and logs of LevelDB.

#![no_main]

#[path = "unpack_support.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // A table has its signature at its end.
    support::open(&[bytes, &[0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]].concat());
    support::open(bytes);
});
