//! `.lzma` files.

#![no_main]

#[path = "unpack_support.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let head = [0x5d, 0, 0, 0x10, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0];
    support::open(&support::with_magic(&head, bytes));
});
