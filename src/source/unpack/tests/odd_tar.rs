//! What tar allows and few expect.

use super::pack;
use super::support::*;
use crate::blob::{FaultKind, LocationKind};

/// A header by hand, its checksum put right.
fn header(name: &[u8], kind: u8, size: usize, tweak: impl FnOnce(&mut [u8; 512])) -> Vec<u8> {
    let mut block = [0; 512];
    block[..name.len()].copy_from_slice(name);
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[156] = kind;
    tweak(&mut block);
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block.to_vec()
}

fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    out.resize(bytes.len().next_multiple_of(512), 0);
    out
}

fn member(name: &[u8], kind: u8, bytes: &[u8]) -> Vec<u8> {
    let ustar = |block: &mut [u8; 512]| block[257..265].copy_from_slice(b"ustar\x0000");
    [header(name, kind, bytes.len(), ustar), padded(bytes)].concat()
}

fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let line = |(key, value): &(&str, &str)| {
        let rest = key.len() + value.len() + 3;
        let len =
            (rest + 1..rest + 9).find(|len| len.to_string().len() + rest == *len).expect("there is one");
        format!("{len} {key}={value}\n")
    };
    records.iter().map(line).collect::<String>().into_bytes()
}

#[test]
fn version_7_has_no_mark() {
    let bytes = [header(b"old/.env", 0, text(1).len(), |_| ()), padded(&text(1)), vec![0; 1024]].concat();
    assert_eq!(unpack("t", &bytes).faultless().found, [Found::content("t!old/.env", OFFSET, LINE)]);
    let mut wrong = bytes;
    wrong[149] ^= 1;
    assert_eq!(unpack("t", &wrong).faultless().paths(), ["t"], "not a tar");
}

#[test]
fn a_name_in_two_parts() {
    let block = |block: &mut [u8; 512]| {
        block[257..265].copy_from_slice(b"ustar\x0000");
        block[345..353].copy_from_slice(b"the/path");
    };
    let bytes = [header(b"name", b'0', text(1).len(), block), padded(&text(1))].concat();
    assert_eq!(unpack("t", &bytes).faultless().paths(), ["t!the/path/name"]);
}

#[test]
fn extended_headers_overrule_and_are_scanned() {
    let path = format!("{}/.env", "p".repeat(300));
    let size = text(1).len().to_string();
    let records = pax(&[
        ("path", &path),
        ("mtime", "1.5"),
        ("SCHILY.xattr.user.note", &token(2)),
        ("comment", "harmless"),
        ("size", &size),
    ]);
    let global = pax(&[("comment", &token(3))]);
    let ustar = |block: &mut [u8; 512]| block[257..265].copy_from_slice(b"ustar\x0000");
    let bytes = [
        member(b"pax_global_header", b'g', &global),
        member(b"PaxHeaders/x", b'x', &records),
        header(b"short", b'0', 0, ustar),
        padded(&text(1)),
        vec![0; 1024],
    ]
    .concat();
    let outcome = unpack("t", &bytes).faultless();
    let at = |n| memchr::memmem::find(&bytes, token(n).as_bytes()).expect("plain") as u64;
    let member = format!("t!{path}");
    let expected =
        [Found::content("t", at(3), 1), Found::content("t", at(2), 1), Found::content(&member, OFFSET, LINE)];
    assert_eq!(outcome.found, expected);
}

#[test]
fn long_names_of_gnu_and_links() {
    let name = format!("{}{}", "n/".repeat(100), token(1));
    let target = format!("{}{}", "t/".repeat(100), token(2));
    let bytes = [
        member(b"././@LongLink", b'L', format!("{name}\0").as_bytes()),
        member(b"././@LongLink", b'K', format!("{target}\0").as_bytes()),
        member(b"short", b'2', b""),
        vec![0; 1024],
    ]
    .concat();
    let outcome = unpack("t", &bytes).faultless();
    let mut kinds: Vec<_> = outcome.found.iter().map(|found| (found.kind, found.offset)).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [(LocationKind::FileName, 202), (LocationKind::SymlinkTarget, 200)]);
}

#[test]
fn sparse_files_keep_their_offsets() {
    let hole = 1 << 40;
    let map = |block: &mut [u8; 512]| {
        block[257..265].copy_from_slice(b"ustar  \0");
        for (at, (offset, len)) in [(0_u64, 512_u64), (hole, text(1).len() as u64)].into_iter().enumerate() {
            let at = 386 + 24 * at;
            block[at..at + 12].copy_from_slice(
                format!("{offset:011o}\0")
                    .replace("20000000000000", "")
                    .as_bytes()
                    .get(..12)
                    .unwrap_or(&[0; 12]),
            );
            if offset == hole {
                block[at..at + 12].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
            }
            block[at + 12..at + 24].copy_from_slice(format!("{len:011o}\0").as_bytes());
        }
    };
    let data = padded(&[vec![b'-'; 512], text(1)].concat());
    let old = [header(b"disk", b'S', 512 + text(1).len(), map), data.clone()].concat();
    let after = member(b"after", b'0', &text(2));
    let old_outcome = unpack("t", &[old, after.clone()].concat()).faultless();
    let offsets: Vec<_> = old_outcome.found.iter().map(|found| (found.path.as_str(), found.offset)).collect();
    assert_eq!(offsets, [("t!after", OFFSET), ("t!disk", hole + OFFSET)]);

    let numbers = format!("2\n0\n512\n{hole}\n{}\n", text(1).len());
    let newer_data = [padded(numbers.as_bytes()), data].concat();
    let size = 1024 + text(1).len();
    let records = pax(&[("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "disk")]);
    let ustar = |block: &mut [u8; 512]| block[257..265].copy_from_slice(b"ustar\x0000");
    let newer = [
        member(b"PaxHeaders/x", b'x', &records),
        header(b"GNUSparseFile.0/disk", b'0', size, ustar),
        newer_data,
        after,
    ];
    let newer_outcome = unpack("t", &newer.concat()).faultless();
    assert_eq!(newer_outcome.found, old_outcome.found);
}

#[test]
fn a_sparse_file_beyond_all_bounds() {
    let map = format!("{},{}", u64::MAX - 3, text(1).len());
    let records = pax(&[("GNU.sparse.map", &map)]);
    let bytes = [member(b"PaxHeaders/x", b'x', &records), member(b"disk", b'0', &text(1))].concat();
    assert_eq!(unpack("t", &bytes).faultless().paths(), ["t!disk"]);
}

#[test]
fn what_follows_the_end_of_an_archive() {
    let first = [member(b"a", b'0', &text(1)), vec![0; 1024]].concat();
    let second = [member(b"b", b'0', &text(2)), vec![0; 1024]].concat();
    assert_eq!(
        unpack("t", &[&first[..], &second].concat()).faultless().paths(),
        ["t!a", "t!b"],
        "joined archives"
    );
    let outcome = unpack("t", &[&first[..], b"trailer ", &text(3)].concat()).faultless();
    assert_eq!(outcome.found[0], Found::content("t", first.len() as u64 + 8 + OFFSET, 3));
}

#[test]
fn what_follows_a_damaged_header_is_scanned_as_it_is() {
    let bytes = [
        member(b"a", b'0', &text(1)),
        noise(512),
        member(b"b", b'0', &text(2)),
        pack::tar(&[("c", &text(3))]),
    ]
    .concat();
    let outcome = unpack("t", &bytes);
    assert_eq!(outcome.paths(), ["t", "t", "t!a"]);
    assert_eq!(outcome.faults.len(), 1);
    assert_eq!((outcome.faults[0].0.as_str(), outcome.faults[0].1), ("t", FaultKind::Damaged));
}
