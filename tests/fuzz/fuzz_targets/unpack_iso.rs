//! Images of CDs: what is given are the sectors behind the system's.

#![no_main]

#[path = "unpack_support.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let sectors = support::with_magic(b"\x01CD001\x01", bytes);
    support::open(&[&[0; 32 * 1024][..], &sectors].concat());
});
