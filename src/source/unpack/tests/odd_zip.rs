//! What zip allows and few expect.

use super::pack::{self, Member, zip_of};
use super::support::*;
use crate::blob::{FaultKind, LocationKind};
use crate::source::unpack::Limits;

fn offset_of(bytes: &[u8], n: u32) -> u64 {
    memchr::memmem::find(bytes, token(n).as_bytes()).expect("not packed") as u64
}

#[test]
fn everything_outside_of_members_is_scanned_once() {
    let mut second = Member::deflated("b", &text(4));
    second.before = text(1);
    second.comment = format!("a comment with {}", token(2)).into_bytes();
    second.extra = [b"zz", &[44, 0][..], format!("....{}", token(3)).as_bytes()].concat();
    let members = [Member::stored("a", b"nothing"), second];
    let mut bytes = zip_of(&members, format!("archive comment {}", token(5)).as_bytes());
    bytes.extend(b"trailer ");
    bytes.extend(token(6).into_bytes());
    let bytes = [b"leading ", token(7).as_bytes(), &bytes].concat();
    // Something else before the archive moves everything in it, which its directory does not know.
    let bytes = [b"#!/bin/sh\n", &bytes[..]].concat();
    let mut expected: Vec<_> = [1, 2, 5, 6, 7].map(|n| offset_of(&bytes, n)).to_vec();
    expected.push(memchr::memmem::rfind(&bytes, token(3).as_bytes()).expect("in the directory") as u64);
    expected.sort_unstable();
    for form in [Form::Whole, Form::File(700)] {
        let outcome = unpack_as(form, "a.zip", &bytes, Limits::default()).faultless();
        let mut outside: Vec<_> =
            outcome.found.iter().filter(|found| found.path == "a.zip").map(|found| found.offset).collect();
        outside.sort_unstable();
        assert_eq!(outside, expected, "{form:?}");
        assert!(outcome.found.contains(&Found::content("a.zip!b", OFFSET, LINE)));
        assert_eq!(outcome.found.len(), 7);
    }
}

#[test]
fn a_zip_at_the_end_of_something_else() {
    let zip = pack::zip(&[("lib/x.py", &text(1))]);
    for head in [&b"MZ\x90\0"[..], b"\x7fELF", b"#!/usr/bin/env python3\n", b"\x89PNG\r\n\x1a\n", b"GIF89a"] {
        for form in [Form::Whole, Form::File(700)] {
            let bytes = [head, &noise(3000), b" ", &text(2), &zip].concat();
            let outcome = unpack_as(form, "setup", &bytes, Limits::default()).faultless();
            assert_eq!(outcome.paths(), ["setup", "setup!lib/x.py"], "{head:?} as {form:?}");
        }
    }
    // A commented one is searched for behind programs only.
    let zip = zip_of(&[Member::deflated("x", &text(1))], b"a comment");
    let bytes = [b"MZ", &noise(3000)[..], &zip].concat();
    assert_eq!(unpack("setup.exe", &bytes).faultless().paths(), ["setup.exe!x"]);
}

#[test]
fn a_program_that_reads_zips_is_none() {
    for behind in [&b"PK\x01\x02\0central"[..], &[0; 60], &[0xff; 60], b"", &noise(500)] {
        for form in [Form::Whole, Form::File(700)] {
            let bytes =
                [b"\x7fELF", &noise(2000)[..], b"PK\x03\x04\0PK\x05\x06", behind, b"\n", &text(1)].concat();
            assert_eq!(unpack_as(form, "unzip", &bytes, Limits::default()).faultless().paths(), ["unzip"]);
        }
    }
}

#[test]
fn data_descriptors() {
    let plain = text(1);
    for method in [8, 12, 93, 95] {
        let packed = match method {
            8 => pack::deflate(&plain),
            12 => pack::bzip2(&plain),
            93 => pack::zstd(&plain),
            _ => pack::xz(&plain),
        };
        let mut member = Member::new("a", method, packed, &plain);
        member.flags = 8;
        let mut other = Member::deflated("b", &text(2));
        other.flags = 8;
        let bytes = zip_of(&[member, other], b"");
        assert_eq!(unpack("z", &bytes).faultless().paths(), ["z!a", "z!b"], "{method}");
        // Without its directory, only the data itself tells where it ends.
        let torn = unpack("z", &bytes[..bytes.len() - 30]);
        assert_eq!(torn.paths(), ["z!a", "z!b"], "{method}");
        assert_eq!(torn.faults.len(), 1, "{:?}", torn.faults);
    }
}

#[test]
fn a_member_the_directory_does_not_name() {
    let mut hidden = Member::deflated("hidden", &text(1));
    hidden.listed = false;
    let bytes = zip_of(&[Member::stored("a", b"x"), hidden, Member::stored("b", b"x")], b"");
    assert_eq!(unpack("z", &bytes).paths(), ["z!hidden"]);
}

#[test]
fn encrypted_and_unknown_members_are_counted() {
    let mut locked = Member::stored("locked", &noise(100));
    locked.flags = 1;
    let unknown = Member::new("unknown", 97, noise(100), b"x");
    let bytes = zip_of(&[locked, unknown, Member::deflated("b", &text(1))], b"");
    for torn in [false, true] {
        let end = if torn { bytes.len() - 30 } else { bytes.len() };
        let outcome = unpack("z", &bytes[..end]);
        assert_eq!(outcome.paths(), ["z!b"]);
        let faults: Vec<_> =
            outcome.faults.iter().filter(|fault| matches!(fault.1, FaultKind::AsBytes(_))).collect();
        assert_eq!(faults.len(), 2, "{:?}", outcome.faults);
        assert!(faults[0].0 == "z!locked" && faults[0].2.contains("encrypted"), "{faults:?}");
        assert!(faults[1].0 == "z!unknown" && faults[1].2.contains("method 97"), "{faults:?}");
    }
}

#[test]
fn headers_that_lie() {
    let mut short = Member::deflated("short", &text(1));
    short.size = 3;
    let mut wrong = Member::deflated("wrong", &text(2));
    wrong.crc ^= 1;
    let outcome = unpack("z", &zip_of(&[short, wrong, Member::deflated("b", &text(3))], b""));
    assert_eq!(outcome.paths(), ["z!b", "z!short", "z!wrong"]);
    let faults: Vec<_> = outcome.faults.iter().map(|fault| (fault.0.as_str(), fault.1)).collect();
    assert_eq!(faults, [("z!short", FaultKind::Damaged), ("z!wrong", FaultKind::Damaged)]);
}

#[test]
fn names_that_climb_out_are_only_names() {
    let bytes = zip_of(
        &[Member::deflated("../../etc/passwd", &text(1)), Member::deflated("C:\\x\\y", &text(2))],
        b"",
    );
    assert_eq!(unpack("z", &bytes).faultless().paths(), ["z!../../etc/passwd", "z!C:\\x\\y"]);
}

#[test]
fn a_name_the_two_headers_do_not_agree_on() {
    let bytes = zip_of(&[Member::stored(&token(1), b"x")], b"");
    let local = offset_of(&bytes, 1);
    let mut other = bytes.clone();
    let listed = memchr::memmem::rfind(&bytes, token(1).as_bytes()).expect("in the directory");
    other[listed..listed + 40].copy_from_slice(&[b'n'; 40]);
    let outcome = unpack("z", &other).faultless();
    assert_eq!(outcome.found, [Found::content("z", local, 1)]);
}

#[test]
fn links_in_zips() {
    let mut out = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    out.add_symlink(
        "link",
        format!("https://x:{}@github.com", token(1)),
        ::zip::write::SimpleFileOptions::default(),
    )
    .expect("memory");
    let outcome = unpack("z", &out.finish().expect("memory").into_inner()).faultless();
    assert_eq!(outcome.found.len(), 1);
    assert_eq!(outcome.found[0].kind, LocationKind::SymlinkTarget);
}

#[test]
fn zip64() {
    let mut out = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = ::zip::write::SimpleFileOptions::default().large_file(true);
    for n in 0..3 {
        out.start_file(format!("f{n}"), options).expect("memory");
        std::io::Write::write_all(&mut out, &text(n)).expect("memory");
    }
    let bytes = out.finish().expect("memory").into_inner();
    assert_eq!(unpack("z", &bytes).faultless().paths(), ["z!f0", "z!f1", "z!f2"]);
}

#[test]
fn more_members_than_a_small_directory_counts() {
    let members: Vec<_> = (0..70_000).map(|n| format!("d/{n}")).collect();
    let members: Vec<_> = members.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    let mut members = members;
    let last = text(1);
    members.push(("last", &last));
    let bytes = pack::zip_as(&members, ::zip::CompressionMethod::Stored);
    assert_eq!(unpack("z", &bytes).faultless().paths(), ["z!last"]);
}

#[test]
fn a_nested_zip_too_large_for_memory_is_read_forwards() {
    let plain = noise(3_000_000);
    let zip = pack::zip(&[("a", &text(1)), ("big", &plain), ("b", &text(2))]);
    let limits = Limits { max_memory: 2_500_000, ..Limits::default() };
    let outcome = unpack_as(Form::Whole, "z.gz", &pack::gzip(&zip), limits).faultless();
    assert_eq!(outcome.paths(), ["z.gz!z!a", "z.gz!z!b"]);
}

#[test]
fn lzma_with_unusual_properties_is_read() {
    for literal_bits in [0, 3, 4, 5, 8] {
        let packed = pack::lzma_in_zip(&text(3), literal_bits);
        let member = Member { flags: 2, ..Member::new("a", 14, packed, &text(3)) };
        let found = unpack("x.zip", &pack::zip_of(&[member], b"")).faultless().found;
        assert_eq!(found, [Found::content("x.zip!a", OFFSET, LINE)], "{literal_bits}");
    }
}
