//! What browsers keep of responses: Chromium's files have a signature, and Firefox' are known from their ends.

#![no_main]

#[path = "unpack_support.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    support::open(&support::with_magic(b"\x30\x5c\x72\xa7\x1b\x6d\xfb\xfc", bytes));
    support::open(bytes);
});
