//! SQLite databases.

#![no_main]

#[path = "unpack_support.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    support::open(&support::with_magic(b"SQLite format 3\0\x02\0\x01\x01\0\x40\x20\x20", bytes));
});
