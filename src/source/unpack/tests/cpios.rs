//! cpio in each of its forms, and what holds it: initial RAM disks and RPM packages.

use super::pack;
use super::support::*;
use crate::blob::{FaultKind, LocationKind};
use crate::source::unpack::Limits;

/// A member: its name, mode and content.
type Member<'m> = (&'m str, u32, &'m [u8]);

const FILE: u32 = 0o100_644;
const LINK: u32 = 0o120_777;

fn pad(out: &mut Vec<u8>, align: usize) {
    out.resize(out.len().next_multiple_of(align), 0);
}

fn small(len: usize) -> u32 {
    u32::try_from(len).expect("small")
}

/// The new form, `070701` or, with checksums, `070702`.
fn new(magic: &str, members: &[Member<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, mode, bytes) in members.iter().chain(&[("TRAILER!!!", 0, &b""[..])]) {
        let sum = if magic == "070702" { bytes.iter().map(|byte| u32::from(*byte)).sum() } else { 0 };
        let fields = [1, *mode, 0, 0, 1, 0, small(bytes.len()), 0, 0, 0, 0, small(name.len() + 1), sum];
        out.extend(magic.bytes());
        out.extend(fields.iter().flat_map(|field| format!("{field:08X}").into_bytes()));
        out.extend([name.as_bytes(), b"\0"].concat());
        pad(&mut out, 4);
        out.extend(*bytes);
        pad(&mut out, 4);
    }
    out
}

/// The portable form of POSIX.1-1988.
fn octal(members: &[Member<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, mode, bytes) in members.iter().chain(&[("TRAILER!!!", 0, &b""[..])]) {
        let (name_len, len) = (name.len() + 1, bytes.len());
        let header = format!(
            "0707070000010000{:02}{mode:06o}{:06o}{:06o}{:06o}{:06o}{:011o}{name_len:06o}{len:011o}",
            1, 0, 0, 1, 0, 0
        );
        assert_eq!(header.len(), 76);
        out.extend([header.as_bytes(), name.as_bytes(), b"\0", bytes].concat());
    }
    out
}

/// The old form, in either order of bytes.
fn binary(write: fn(u16) -> [u8; 2], members: &[Member<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    let low = |number: u32| u16::try_from(number & 0xffff).expect("masked");
    for (name, mode, bytes) in members.iter().chain(&[("TRAILER!!!", 0, &b""[..])]) {
        let len = small(bytes.len());
        let name_len = low(small(name.len() + 1));
        let fields = [0o70_707, 1, 1, low(*mode), 0, 0, 1, 0, 0, 0, name_len, low(len >> 16), low(len)];
        out.extend(fields.into_iter().flat_map(write));
        out.extend([name.as_bytes(), b"\0"].concat());
        pad(&mut out, 2);
        out.extend(*bytes);
        pad(&mut out, 2);
    }
    out
}

pub(super) fn forms(members: &[Member<'_>]) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("new", new("070701", members)),
        ("crc", new("070702", members)),
        ("octal", octal(members)),
        ("little", binary(u16::to_le_bytes, members)),
        ("big", binary(u16::to_be_bytes, members)),
    ]
}

/// A header structure of RPM with values that are already aligned.
fn rpm_header(tags: &[(u32, u32, u32, Vec<u8>)]) -> Vec<u8> {
    let (mut index, mut store) = (Vec::new(), Vec::new());
    for (tag, kind, count, value) in tags {
        index.extend([*tag, *kind, small(store.len()), *count].into_iter().flat_map(u32::to_be_bytes));
        store.extend(value);
    }
    let lens = [small(tags.len()), small(store.len())].map(u32::to_be_bytes).concat();
    [&b"\x8e\xad\xe8\x01\0\0\0\0"[..], &lens, &index, &store].concat()
}

pub(super) fn rpm(tags: &[(u32, u32, u32, Vec<u8>)], payload: &[u8]) -> Vec<u8> {
    let mut out = [&b"\xed\xab\xee\xdb\x03\0\0\0\0\x01tool-1-1"[..], &[0; 96 - 18]].concat();
    out.extend(rpm_header(&[(1000, 4, 1, vec![0; 4])]));
    pad(&mut out, 8);
    out.extend(rpm_header(tags));
    out.extend(payload);
    out
}

#[test]
fn every_form_as_every_body() {
    let big = noise(300_001);
    let members = [("big", FILE, &big[..]), ("etc/.env", FILE, &text(1)), ("last", FILE, b"x")];
    for (form, bytes) in forms(&members) {
        for body in FORMS {
            let outcome = unpack_as(body, "a.cpio", &bytes, Limits::default()).faultless();
            assert_eq!(
                outcome.found,
                [Found::content("a.cpio!etc/.env", OFFSET, LINE)],
                "{form} as {body:?}"
            );
        }
        let packed = unpack("a.cpio.gz", &pack::gzip(&bytes)).faultless();
        assert_eq!(packed.paths(), ["a.cpio.gz!etc/.env"], "{form}: no step of its own");
        let nested = unpack("a.tar", &pack::tar(&[("b.cpio", &bytes)])).faultless();
        assert_eq!(nested.paths(), ["a.tar!b.cpio!etc/.env"], "{form}");
    }
}

#[test]
fn names_links_and_what_stands_between() {
    let (name, target) = (format!("conf/{}.txt", token(1)), format!("/run/{}", token(2)));
    let members = [(&*name, FILE, &b"x"[..]), ("link", LINK, target.as_bytes())];
    for (form, mut bytes) in forms(&members) {
        bytes.extend(format!("\0\0behind {}", token(3)).into_bytes());
        let outcome = unpack("a.cpio", &bytes).faultless();
        let mut kinds: Vec<_> = outcome.found.iter().map(|found| found.kind).collect();
        kinds.sort_unstable();
        let due = [LocationKind::Content, LocationKind::FileName, LocationKind::SymlinkTarget];
        assert_eq!(kinds, due, "{form}: {:?}", outcome.paths());
        let behind = outcome.found.iter().find(|found| found.kind == LocationKind::Content).expect("one");
        assert_eq!((&*behind.path, behind.offset), ("a.cpio", bytes.len() as u64 - 40), "{form}");
    }
}

#[test]
fn an_initial_ram_disk_is_several_archives() {
    let microcode = new("070701", &[("kernel/x86/microcode/GenuineIntel.bin", FILE, &noise(5000))]);
    let early = new("070701", &[("early/token", FILE, &text(1))]);
    let main = new("070701", &[("etc/token", FILE, &text(2))]);
    for (extension, pack) in pack::COMPRESSORS.into_iter().filter(|(name, _)| *name != "lzma") {
        let mut bytes = microcode.clone();
        pad(&mut bytes, 512);
        bytes.extend(&early);
        pad(&mut bytes, 512);
        bytes.extend(pack(&main));
        for body in FORMS {
            let outcome = unpack_as(body, "initrd.img", &bytes, Limits::default()).faultless();
            assert_eq!(
                outcome.found,
                [
                    Found::content("initrd.img!early/token", OFFSET, LINE),
                    Found::content("initrd.img!etc/token", OFFSET, LINE)
                ],
                "{extension} as {body:?}"
            );
        }
    }
}

#[test]
fn packages_in_each_compression() {
    let payload = new("070701", &[("./usr/bin/tool", FILE, &text(1)), ("./etc/x", FILE, &noise(70_000))]);
    let script = format!("echo {}\0", token(2)).into_bytes();
    let tags = [(1024, 6, 1, script)];
    for (extension, pack) in pack::COMPRESSORS.into_iter().filter(|(name, _)| *name != "lz4") {
        let bytes = rpm(&tags, &pack(&payload));
        let at = memchr::memmem::find(&bytes, token(2).as_bytes()).expect("as it is") as u64;
        for body in FORMS {
            let outcome = unpack_as(body, "t.rpm", &bytes, Limits::default()).faultless();
            let due = [Found::content("t.rpm", at, 1), Found::content("t.rpm!./usr/bin/tool", OFFSET, LINE)];
            assert_eq!(outcome.found, due, "{extension} as {body:?}");
        }
    }
    let bytes = rpm(&tags, &payload);
    assert_eq!(unpack("t.rpm", &bytes).faultless().paths(), ["t.rpm", "t.rpm!./usr/bin/tool"], "not packed");
}

#[test]
fn packages_of_large_files_number_them() {
    let contents = [text(1), b"".to_vec(), text(2), noise(3001), b"target".to_vec()];
    let modes = [FILE, 0o040_755, FILE, FILE, LINK];
    let mut payload = Vec::new();
    // The files of one inode: only the last has data.
    let inodes = [7_u32, 2, 3, 7, 5];
    for index in [1, 2, 3, 4, 0] {
        payload.extend(format!("07070X{index:08x}").into_bytes());
        pad(&mut payload, 4);
        if index != 0 {
            payload.extend(&contents[index]);
            pad(&mut payload, 4);
        }
    }
    payload.extend(new("070701", &[]));
    let sizes = contents.iter().flat_map(|bytes| (bytes.len() as u64).to_be_bytes()).collect();
    let be16 = |mode: &u32| u16::try_from(*mode).expect("a mode").to_be_bytes();
    let tags = [
        (5008, 5, 5, sizes),
        (1030, 3, 5, modes.iter().flat_map(be16).collect()),
        (1095, 4, 5, [1_u32; 5].into_iter().flat_map(u32::to_be_bytes).collect()),
        (1096, 4, 5, inodes.into_iter().flat_map(u32::to_be_bytes).collect()),
        (1116, 4, 5, [0_u32, 1, 1, 0, 0].into_iter().flat_map(u32::to_be_bytes).collect()),
        (1117, 8, 5, b"first\0directory\0second\0third\0link\0".to_vec()),
        (1118, 8, 2, b"/usr/\0/etc/\0".to_vec()),
    ];
    for (extension, pack) in pack::COMPRESSORS.into_iter().filter(|(name, _)| *name != "lz4") {
        let bytes = rpm(&tags, &pack(&payload));
        for body in FORMS {
            let outcome = unpack_as(body, "l.rpm", &bytes, Limits::default()).faultless();
            let due = [Found::content("l.rpm!./etc/second", OFFSET, LINE)];
            assert_eq!(outcome.found, due, "{extension} as {body:?}");
        }
    }
}

#[test]
fn cut_anywhere_what_is_there_is_found_and_the_rest_is_reported() {
    let members = [("a", FILE, &text(1)[..]), ("b", FILE, &text(2)), ("c", FILE, b"x")];
    for (form, bytes) in forms(&members) {
        let ends: Vec<usize> =
            [1, 2].map(|n| memchr::memmem::find(&bytes, token(n).as_bytes()).expect("stored") + 40).to_vec();
        for cut in 0..bytes.len() {
            let outcome = unpack("a.cpio", &bytes[..cut]);
            let due = ends.iter().filter(|end| **end <= cut).count();
            assert!(outcome.found.len() >= due, "{form} cut at {cut}: {:?}", outcome.paths());
            let trailer = memchr::memmem::find(&bytes, b"TRAILER").expect("an end");
            if (120..trailer).contains(&cut) {
                assert_eq!(outcome.faults.len(), 1, "{form} cut at {cut}: {:?}", outcome.faults);
                assert_eq!(outcome.faults[0].1, FaultKind::Damaged);
            }
        }
    }
    let package = rpm(&[(1024, 6, 1, b"true\0".to_vec())], &pack::gzip(&new("070701", &members)));
    for cut in 0..package.len() {
        unpack("a.rpm", &package[..cut]);
        unpack_as(Form::Pipe(1), "a.rpm", &package[..cut], Limits::default());
    }
}

#[test]
fn any_garbling_ends() {
    let members = [("a", FILE, &text(1)[..]), ("link", LINK, b"a"), ("c", FILE, &noise(300))];
    let package = rpm(&[(1024, 6, 1, b"true\0".to_vec())], &pack::gzip(&new("070701", &members)));
    let mut state = 99_u32;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    for (form, bytes) in forms(&members).into_iter().chain([("rpm", package)]) {
        for _ in 0..300 {
            let mut bytes = bytes.clone();
            for _ in 0..=random(4) {
                let at = random(bytes.len());
                bytes[at] = random(256).to_le_bytes()[0];
            }
            unpack_as(FORMS[random(4)], form, &bytes, Limits::default());
        }
    }
}

#[test]
fn what_only_begins_like_one_is_plain() {
    for begin in [
        &b"070701 is a postcode in Romania"[..],
        b"07070100000001 and words",
        b"070707 is octal",
        b"07070X00000001",
        b"\xc7\x71 and so on, with nothing of a header behind it",
        b"\x71\xc7\0\0\0\0\xff\xff\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        b"\xed\xab\xee\xdb is no package",
    ] {
        let bytes = [begin, b"\n", &text(1)].concat();
        for body in FORMS {
            let outcome = unpack_as(body, "f", &bytes, Limits::default()).faultless();
            assert_eq!(outcome.paths(), ["f"], "{begin:?} as {body:?}");
        }
    }
}

#[test]
fn a_bomb_in_a_package_is_cut() {
    let payload = new("070701", &[("./a", FILE, &text(1)), ("./zeros", FILE, &vec![0; 20 << 20])]);
    let limits = Limits { max_expansion: 2 << 20, ..Limits::default() };
    for tags in [vec![], vec![(5008, 5, 1, vec![0; 8])]] {
        let outcome = unpack_as(Form::Whole, "b.rpm", &rpm(&tags, &pack::gzip(&payload)), limits);
        assert_eq!(outcome.paths(), ["b.rpm!./a"]);
        assert!(outcome.bytes < 4 << 20, "{}", outcome.bytes);
        assert!(outcome.faults.iter().any(|fault| fault.1 == FaultKind::CutShort), "{:?}", outcome.faults);
    }
}
