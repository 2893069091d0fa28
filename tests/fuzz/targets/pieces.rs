#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| stanch_fuzz::sweep(stanch_fuzz::Dictionary::Pieces, data));
