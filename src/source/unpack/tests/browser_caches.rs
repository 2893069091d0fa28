//! What Chromium and Firefox keep of responses.

use super::pack_rare::brotli_in_blocks;
use super::support::*;
use super::{pack, pack_rare};
use crate::source::unpack::Limits;

const HEADER: [&str; 3] = ["HTTP/1.1 200 OK", "Content-Type: text/plain", "Content-Encoding: br"];

/// An entry of Chromium's, which ends in this header; with the SHA-256 of its key or without it.
fn chromium(header: &[&str], body: &[u8], has_hash: bool) -> Vec<u8> {
    let key = b"1/0/_dk_https://example.com https://example.com/a";
    let end = |flags: u32, len: usize| {
        let magic: &[u8] = &0xf4fa_6f45_970d_41d8_u64.to_le_bytes();
        let len = u32::try_from(len).expect("short").to_le_bytes();
        [magic, &flags.to_le_bytes(), &[7; 4], &len, &[0; 4]].concat()
    };
    let header = [b"\x88\0\0\0\x03\0\0\0".as_slice(), header.join("\0").as_bytes(), b"\0\0more"].concat();
    let hash: &[u8] = if has_hash { &[9; 32] } else { &[] };
    let begin: &[u8] = b"\x30\x5c\x72\xa7\x1b\x6d\xfb\xfc\x05\0\0\0";
    let key_len = u32::try_from(key.len()).expect("short").to_le_bytes();
    let begin = [begin, &key_len, &[1; 4], &[0; 4], key].concat();
    let last = end(if has_hash { 3 } else { 1 }, header.len());
    [begin.as_slice(), body, &end(1, 0), &header, hash, &last].concat()
}

/// An entry of Firefox's of this version.
fn firefox(header: &[&str], body: &[u8], version: u32) -> Vec<u8> {
    let key = b":https://example.com/a";
    let len = u32::try_from(body.len()).expect("short");
    let mut numbers =
        [version, 1, 2, 3, 4, 5, u32::try_from(key.len()).expect("short"), 0].map(u32::to_be_bytes);
    numbers[7] = [0; 4];
    let hashes = vec![8; 2 * body.len().div_ceil(256 * 1024)];
    let elements = format!("\0request-method\0GET\0response-head\0{}\r\n\0", header.join("\r\n"));
    [body, &[1; 4], &hashes, numbers.as_flattened(), key, elements.as_bytes(), &len.to_be_bytes()].concat()
}

/// Brotli that no token stands in as it is.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    brotli_in_blocks(bytes, 20)
}

#[track_caller]
fn found_as(forms: &[Form], bytes: &[u8], expected: &[Found]) {
    for form in forms {
        let outcome = unpack_as(*form, "f", bytes, Limits::default()).faultless();
        assert_eq!(outcome.found, expected, "{form:?}");
    }
}

#[test]
fn a_body_in_brotli_is_found_in_what_browsers_keep() {
    let body = brotli(&text(1));
    assert!(memchr::memmem::find(&body, token(1).as_bytes()).is_none());
    let found = [Found::content("f!body", OFFSET, LINE)];
    let newer = ["HTTP/2 200 OK", HEADER[1], "content-encoding: br"];
    for header in [HEADER, newer] {
        found_as(&FORMS, &chromium(&header, &body, true), &found);
        found_as(&FORMS, &chromium(&header, &body, false), &found);
        for version in 2..=4 {
            found_as(&[Form::Whole, Form::File(700)], &firefox(&header, &body, version), &found);
        }
    }
    // A long one, of which several hashes are kept.
    let long = [noise(600_000), text(2)].concat();
    let at = u64::try_from(600_000).expect("short") + OFFSET;
    for entry in [chromium(&HEADER, &brotli(&long), true), firefox(&HEADER, &brotli(&long), 3)] {
        let outcome = unpack_as(FORMS[0], "f", &entry, Limits::default()).faultless();
        assert_eq!(outcome.found.iter().map(|found| found.offset).collect::<Vec<_>>(), [at]);
    }
}

#[test]
fn a_body_in_any_other_coding_is_found_and_so_is_a_container() {
    let gzip = |name| [HEADER[0], HEADER[1], name];
    let archive = pack::tar(&[("b/c.txt", &text(1))]);
    for (coding, body, path) in [
        ("content-encoding: gzip", pack::gzip(&text(1)), "f!body"),
        ("Content-Encoding: deflate", pack_rare::zlib(&text(1)), "f!body"),
        ("X-Other: none", pack::gzip(&archive), "f!body!b/c.txt"),
    ] {
        for entry in [chromium(&gzip(coding), &body, true), firefox(&gzip(coding), &body, 4)] {
            let outcome = unpack_as(Form::Whole, "f", &entry, Limits::default()).faultless();
            assert_eq!(outcome.found.len(), 1, "{coding}");
            if entry.starts_with(b"0") {
                assert_eq!(outcome.found, [Found::content(path, OFFSET, LINE)]);
            }
        }
    }
}

#[test]
fn a_body_that_is_not_in_brotli_is_found_where_it_stands() {
    let plain = [HEADER[0], HEADER[1]];
    for entry in [chromium(&plain, &text(1), true), firefox(&plain, &text(1), 3)] {
        let at = memchr::memmem::find(&entry, token(1).as_bytes()).expect("it stands there");
        let outcome = unpack_as(FORMS[0], "f", &entry, Limits::default()).faultless();
        assert_eq!(
            outcome.found.iter().map(|found| (found.path.as_str(), found.offset)).collect::<Vec<_>>(),
            [("f", at as u64)]
        );
    }
}

#[test]
fn an_entry_that_is_cut_or_changed_is_no_fault() {
    let body = brotli(&text(1));
    for entry in [chromium(&HEADER, &body, true), firefox(&HEADER, &body, 3)] {
        for len in 0..entry.len() {
            unpack_as(FORMS[0], "f", &entry[..len], Limits::default()).faultless();
        }
        for at in 0..entry.len() {
            let mut changed = entry.clone();
            changed[at] ^= 0x41;
            let outcome = unpack_as(FORMS[0], "f", &changed, Limits::default());
            assert!(outcome.found.len() <= 1, "at {at}");
        }
    }
}
