//! Files that zisofs compresses.

#![no_main]

#[path = "unpack_support.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    support::open(&support::with_magic(b"\x37\xe4\x53\x96\xc9\xdb\xd6\x07", bytes));
});
