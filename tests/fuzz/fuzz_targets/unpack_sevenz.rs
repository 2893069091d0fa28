//! 7z archives, their checksums put right: the first byte tells where the header begins.

#![no_main]

#[path = "unpack_crc.rs"]
mod crc;
#[path = "unpack_support.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [at, body @ ..] = bytes else { return };
    let at = usize::from(*at).min(body.len());
    let header = &body[at..];
    let place = [&(at as u64).to_le_bytes()[..], &(header.len() as u64).to_le_bytes(), &crc::crc(header)]
        .concat();
    let fixed = [b"7z\xbc\xaf\x27\x1c\0\x04", &crc::crc(&place)[..], &place].concat();
    support::open(&[&fixed[..], body].concat());
});
