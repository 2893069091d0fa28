//! OLE2 compound files.

#![no_main]

#[path = "unpack_support.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    support::open(&support::with_magic(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", bytes));
});
