//! 7z archives, their checksums put right: the first byte is the offset of the header.

#![no_main]

#[path = "unpack_crc.rs"]
mod crc;
#[path = "unpack_support.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [at, body @ ..] = bytes else { return };
    let at = usize::from(*at).min(body.len());
    let header = &body[at..];
    let start_header =
        [&(at as u64).to_le_bytes()[..], &(header.len() as u64).to_le_bytes(), &crc::crc(header)].concat();
    let signature_header =
        [b"7z\xbc\xaf\x27\x1c\0\x04", &crc::crc(&start_header)[..], &start_header].concat();
    support::open(&[&signature_header[..], body].concat());
});
