//! Brotli streams, which are told by their name.

#![no_main]

#[path = "unpack_support.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    support::open_as("fuzz.br", bytes);
});
