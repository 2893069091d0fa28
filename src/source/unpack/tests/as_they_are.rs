//! Formats that keep their text in one piece: nothing needs to be opened, and it is found where it stands.

use super::support::*;
use crate::source::unpack::Limits;

#[track_caller]
fn found_at(name: &str, before: &[u8], text: &[u8], behind: &[u8]) {
    let bytes = [before, text, behind].concat();
    for form in FORMS {
        let outcome = unpack_as(form, name, &bytes, Limits::default()).faultless();
        let found: Vec<_> = outcome.found.iter().map(|found| (&*found.path, found.offset)).collect();
        assert_eq!(found, [(name, before.len() as u64)], "{form:?}");
    }
}

/// Python's marshal (Python/marshal.c of `CPython`): a short string that is interned and referred to, and a long one.
#[test]
fn compiled_python() {
    let header = [&b"\xa7\x0d\x0d\x0a\0\0\0\0\x01\x02\x03\x04\x40\0\0\0\xe3"[..], &[0; 40]].concat();
    found_at("m.cpython-311.pyc", &[&header[..], b"\xda\x28"].concat(), token(1).as_bytes(), b"\xda\x01x");
    let long = format!("{} in a longer text", token(2));
    let before = [&header[..], b"\xf5", &57_u32.to_le_bytes()].concat();
    found_at("m.cpython-313.pyc", &before, long.as_bytes(), b"N)\x01");
}

/// Pickles of each protocol (`pickletools` of Python), text and bytes.
#[test]
fn pickles() {
    let token = token(3);
    let len = 40_u32.to_le_bytes();
    let frame = [&b"\x95"[..], &[44, 0, 0, 0, 0, 0, 0, 0]].concat();
    for (before, behind) in [
        (b"V".to_vec(), &b"\np0\n."[..]),
        (b"S'".to_vec(), b"'\np0\n."),
        (b"(dp0\nVtoken\np1\nV".to_vec(), b"\np2\ns."),
        ([&b"X"[..], &len].concat(), b"q\0."),
        ([&b"\x80\x02X"[..], &len].concat(), b"q\0."),
        (
            [&b"\x80\x02c_codecs\nencode\nq\0X"[..], &len].concat(),
            b"q\x01X\x06\0\0\0latin1q\x02\x86q\x03Rq\x04.",
        ),
        (b"\x80\x03C\x28".to_vec(), b"q\0."),
        ([&b"\x80\x04"[..], &frame, b"\x8c\x28"].concat(), b"\x94."),
        ([&b"\x80\x05"[..], &frame, b"C\x28"].concat(), b"\x94."),
    ] {
        found_at("session.pkl", &before, token.as_bytes(), behind);
    }
}

/// A table of strings among the resources of a Windows program: UTF-16 behind its length (PE Format, "The .rsrc Section").
#[test]
fn resources_of_programs() {
    let wide: Vec<u8> = token(4).encode_utf16().flat_map(u16::to_le_bytes).collect();
    for odd in [0, 1] {
        let before = [&b"MZ\x90\0"[..], &noise(3000 + odd), &40_u16.to_le_bytes()].concat();
        found_at("setup.exe", &before, &wide, &[&[5, 0][..], &noise(3000)].concat());
    }
}
