//! Images of CDs, and the files that zisofs compresses.

use std::io::Write as _;

use super::pack;
use super::support::*;
use crate::blob::{FaultKind, LocationKind};
use crate::source::unpack::Limits;

const SECTOR: usize = 2048;
const DIRECTORY: u8 = 2;
const GOES_ON: u8 = 0x80;

fn le32(number: usize) -> [u8; 4] {
    u32::try_from(number).expect("small").to_le_bytes()
}

/// A number in both orders.
fn both(number: usize) -> Vec<u8> {
    [le32(number), u32::try_from(number).expect("small").to_be_bytes()].concat()
}

fn byte(number: usize) -> u8 {
    u8::try_from(number).expect("small")
}

/// A record of a directory.
fn record(name: &[u8], (block, size): (usize, usize), flags: u8, fields: &[u8]) -> Vec<u8> {
    let mut out = [&[0, 0][..], &both(block), &both(size), &[0; 7], &[flags, 0, 0, 1, 0, 0, 1]].concat();
    out.push(byte(name.len()));
    out.extend(name);
    if out.len() % 2 == 1 {
        out.push(0);
    }
    out.extend(fields);
    if out.len() % 2 == 1 {
        out.push(0);
    }
    out[0] = byte(out.len());
    out
}

/// A field of Rock Ridge.
fn field(kind: &[u8; 2], data: &[u8]) -> Vec<u8> {
    [&kind[..], &[byte(data.len() + 4), 1], data].concat()
}

fn named(name: &str) -> Vec<u8> {
    field(b"NM", &[b"\0", name.as_bytes()].concat())
}

/// A descriptor of a volume.
fn descriptor(kind: u8, escape: &[u8], root: &[u8]) -> Vec<u8> {
    let mut out = vec![0; SECTOR];
    out[0] = kind;
    out[1..6].copy_from_slice(b"CD001");
    out[88..88 + escape.len()].copy_from_slice(escape);
    out[128..132].copy_from_slice(&[0, 8, 8, 0]);
    out[156..156 + root.len()].copy_from_slice(root);
    out
}

/// Sectors by their numbers, the rest zeros.
fn image(parts: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let end = parts.iter().map(|(at, bytes)| at + bytes.len().div_ceil(SECTOR)).max().unwrap_or(0);
    let mut out = vec![0; end * SECTOR];
    for (at, bytes) in parts {
        out[at * SECTOR..at * SECTOR + bytes.len()].copy_from_slice(bytes);
    }
    out
}

/// A directory of these records, with those of itself and of the one above.
fn directory(fields: &[u8], records: &[Vec<u8>]) -> Vec<u8> {
    let own = record(&[0], (20, SECTOR), DIRECTORY, fields);
    [own, record(&[1], (20, SECTOR), DIRECTORY, b""), records.concat()].concat()
}

fn root() -> Vec<u8> {
    record(&[0], (20, SECTOR), DIRECTORY, b"")
}

/// An image with the names of Rock Ridge, and with a file of each kind.
fn rock_ridge() -> Vec<u8> {
    let (packed, zip) =
        (zisofs(&[&vec![b' '; 40_000][..], &text(3)].concat()), pack::zip(&[("in", &text(4))]));
    let zeros = [zisofs(b"")[..8].to_vec(), le32(70_000).to_vec(), vec![4, 15, 0, 0], vec![28; 0]].concat();
    let sparse = [&zeros[..], &le32(32), &le32(32), &le32(32), &le32(32)].concat();
    let many = [text(5), noise(5000)].concat();
    let records = [
        record(b"DIR", (21, SECTOR), DIRECTORY, &named("a long name of a directory")),
        record(b"LINK", (0, 0), 0, &[named("link"), field(b"SL", &link())].concat()),
        record(b"MANY;1", (60, SECTOR), GOES_ON, &named("many")),
        record(b"MANY;1", (70, many.len() - SECTOR), 0, &named("many")),
        record(b"PACKED;1", (40, packed.len()), 0, &[named("packed"), packed_field()].concat()),
        record(b"SPARSE;1", (50, sparse.len()), 0, &[named("sparse"), packed_field()].concat()),
    ];
    // Its name goes on elsewhere.
    let place = [both(22), both(100), both(19)].concat();
    let begun = [field(b"NM", b"\x01.e"), field(b"CE", &place)].concat();
    let within =
        [record(b"_E", (30, text(1).len()), 0, &begun), record(b"Z", (31, zip.len()), 0, &named("z.zip"))];
    let goes_on = [vec![0; 100], field(b"NM", &[b"\0", &b"nv.production0"[..]].concat())].concat();
    image(&[
        (16, descriptor(1, b"", &root())),
        (17, descriptor(2, b"%/E", &record(&[0], (24, SECTOR), DIRECTORY, b""))),
        (18, descriptor(255, b"", b"")),
        (20, directory(&field(b"SP", b"\xbe\xef\0"), &records)),
        (21, directory(b"", &within)),
        (22, goes_on),
        (30, text(1)),
        (31, zip),
        (40, packed),
        (50, sparse),
        (60, many[..SECTOR].to_vec()),
        (70, many[SECTOR..].to_vec()),
        (80, [&[7; 1000][..], &text(6)].concat()),
    ])
}

fn link() -> Vec<u8> {
    let (part, name) = ([8, 0], token(2));
    [&[0][..], &part, &[0, 3], b"run", &[0, byte(name.len())], name.as_bytes()].concat()
}

fn packed_field() -> Vec<u8> {
    field(b"ZF", &[&b"pz\x04\x0f"[..], &both(40_000)].concat())
}

/// A file as `mkzftree` writes it.
fn zisofs(content: &[u8]) -> Vec<u8> {
    let count = content.len().div_ceil(32 * 1024);
    let mut out = [&b"\x37\xe4\x53\x96\xc9\xdb\xd6\x07"[..], &le32(content.len()), &[4, 15, 0, 0]].concat();
    let (mut table, mut data, begin) = (Vec::new(), Vec::new(), 16 + 4 * (count + 1));
    for block in content.chunks(32 * 1024) {
        table.extend(le32(begin + data.len()));
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        zlib.write_all(block).expect("memory");
        data.extend(zlib.finish().expect("memory"));
    }
    table.extend(le32(begin + data.len()));
    out.extend([table, data].concat());
    out
}

#[test]
fn names_links_extents_and_compressed_files() {
    let bytes = rock_ridge();
    let raw = 80 * SECTOR as u64 + 1000 + OFFSET;
    for body in FORMS {
        let outcome = unpack_as(body, "a.iso", &bytes, Limits::default()).faultless();
        let link = outcome.found.iter().position(|found| found.kind == LocationKind::SymlinkTarget);
        let mut found = outcome.found.clone();
        let link = found.remove(link.expect("a link"));
        assert_eq!((&*link.path, link.offset), ("a.iso!link", 5));
        // What the link points to stands in its directory, too.
        let places: Vec<(&str, u64)> = found.iter().map(|found| (&*found.path, found.offset)).collect();
        let directory = places.iter().filter(|(path, at)| *path == "a.iso" && at / SECTOR as u64 == 20);
        assert_eq!(directory.count(), 1, "{places:?}");
        let rest: Vec<_> = places.into_iter().filter(|(_, at)| at / SECTOR as u64 != 20).collect();
        let due = [
            ("a.iso", raw),
            ("a.iso!a long name of a directory/.env.production0", OFFSET),
            ("a.iso!a long name of a directory/z.zip!in", OFFSET),
            ("a.iso!many", OFFSET),
            ("a.iso!packed", 40_000 + OFFSET),
        ];
        assert_eq!(rest, due, "{body:?}");
    }
    let nested = unpack("a.tar", &pack::tar(&[("b.iso", &bytes)])).faultless();
    assert!(nested.paths().contains(&"a.tar!b.iso!packed"));
}

#[test]
fn names_of_joliet_and_of_none() {
    let plain = record(b"README.TXT;1", (30, text(1).len()), 0, b"");
    let wide: Vec<u8> = "Read me (ä).text;1".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let wide = record(&wide, (30, text(1).len()), 0, b"");
    for (joliet, path) in [(false, "a.iso!README.TXT"), (true, "a.iso!Read me (ä).text")] {
        let second = record(&[0], (21, SECTOR), DIRECTORY, b"");
        let second = descriptor(if joliet { 2 } else { 255 }, b"%/E", &second);
        let bytes = image(&[
            (16, descriptor(1, b"", &root())),
            (17, second),
            (18, descriptor(255, b"", b"")),
            (20, directory(b"", std::slice::from_ref(&plain))),
            (21, directory(b"", std::slice::from_ref(&wide))),
            (30, text(1)),
        ]);
        for body in FORMS {
            let outcome = unpack_as(body, "a.iso", &bytes, Limits::default()).faultless();
            assert_eq!(outcome.found, [Found::content(path, OFFSET, LINE)], "{body:?}");
        }
    }
}

#[test]
fn directories_that_lead_in_a_circle_end() {
    let records: Vec<Vec<u8>> = ["A", "B", "C"]
        .map(|name| record(name.as_bytes(), (20, SECTOR), DIRECTORY, b""))
        .into_iter()
        .chain([record(b"F", (30, text(1).len()), 0, b""), record(b"GONE", (900, 5000), 0, b"")])
        .collect();
    let bytes = image(&[(16, descriptor(1, b"", &root())), (20, directory(b"", &records)), (30, text(1))]);
    let outcome = unpack("a.iso", &bytes);
    assert_eq!(outcome.paths(), ["a.iso!F"]);
    assert_eq!(outcome.faults.len(), 1, "{:?}", outcome.faults);
    assert_eq!((&*outcome.faults[0].0, outcome.faults[0].1), ("a.iso!GONE", FaultKind::Damaged));
}

#[test]
fn cut_or_garbled_anywhere_nothing_hangs_or_is_hidden() {
    let closed = Limits { max_archive_depth: 0, ..Limits::default() };
    let bytes = rock_ridge();
    let check = |bytes: &[u8], body: Form| {
        let plain = unpack_as(Form::Whole, "a.iso", bytes, closed).found.len();
        let outcome = unpack_as(body, "a.iso", bytes, Limits::default());
        assert!(outcome.found.len() >= plain, "{:?} of {plain}", outcome.found);
    };
    for cut in (32 * 1024..bytes.len()).step_by(499) {
        check(&bytes[..cut], FORMS[cut % 4]);
    }
    let mut state = 11_u32;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    for _ in 0..300 {
        let mut bytes = bytes.clone();
        for _ in 0..=random(6) {
            let at = [16, 17, 20, 20, 20, 21, 22, 40, 50][random(9)] * SECTOR + random(400);
            bytes[at] = [0, 1, 255, random(256).to_le_bytes()[0]][random(4)];
        }
        check(&bytes, FORMS[random(4)]);
    }
}

#[test]
fn compressed_files_outside_of_an_image() {
    let content = [&noise(70_000)[..], &text(1)].concat();
    let second = {
        let first = zisofs(&content);
        let count = content.len().div_ceil(32 * 1024);
        // The newer form has longer numbers, and so everything lies further behind.
        let shift = 24 + 8 * (count + 1) - (16 + 4 * (count + 1));
        let mut out = b"\xef\x22\x55\xa1\xbc\x1b\x95\xa0\0\x06\x01\x0f".to_vec();
        out.extend((content.len() as u64).to_le_bytes());
        out.extend([0; 4]);
        for number in first[16..16 + 4 * (count + 1)].chunks(4) {
            let number = u32::from_le_bytes(*number.first_chunk().expect("four")) as usize + shift;
            out.extend((number as u64).to_le_bytes());
        }
        out.extend(&first[16 + 4 * (count + 1)..]);
        out
    };
    for bytes in [zisofs(&content), second] {
        for body in FORMS {
            let outcome = unpack_as(body, "a.txt", &bytes, Limits::default()).faultless();
            assert_eq!(outcome.found.len(), 1, "{body:?}");
            assert_eq!(
                (&*outcome.found[0].path, outcome.found[0].offset),
                ("a.txt!content", 70_000 + OFFSET)
            );
        }
        let mut wrong = bytes.clone();
        let middle = wrong.len() / 2;
        wrong[middle] ^= 1;
        let outcome = unpack("a.txt", &wrong);
        assert_eq!(outcome.faults.len(), 1, "{:?}", outcome.faults);
        for cut in (0..bytes.len()).step_by(997) {
            unpack_as(FORMS[cut % 4], "a.txt", &bytes[..cut], Limits::default());
        }
    }
}

#[test]
fn a_bomb_of_zeros_is_cut() {
    let count = 60_000;
    let mut bytes =
        [&b"\x37\xe4\x53\x96\xc9\xdb\xd6\x07"[..], &le32(count * 32_768), &[4, 15, 0, 0]].concat();
    bytes.extend(le32(16 + 4 * (count + 1)).repeat(count + 1));
    let limits =
        Limits { ratio_after: 1 << 20, max_ratio: 100, max_expansion: 64 << 20, ..Limits::default() };
    let outcome = unpack_as(Form::Whole, "z", &bytes, limits);
    assert_eq!(outcome.faults.len(), 1, "{:?}", outcome.faults);
    assert_eq!(outcome.faults[0].1, FaultKind::CutShort);
    assert!(outcome.bytes < 100 << 20, "{}", outcome.bytes);
}

#[test]
fn what_only_begins_like_one_is_plain() {
    let mut zeros = vec![0; 40_000];
    zeros.extend(text(1));
    let mut disk = vec![0; 512];
    disk[510..].copy_from_slice(&[0x55, 0xaa]);
    disk.extend(text(1));
    for bytes in [zeros, disk, [&b"\x37\xe4\x53\x96\xc9\xdb\xd6\x07 words"[..], &text(1)].concat()] {
        for body in FORMS {
            let outcome = unpack_as(body, "f", &bytes, Limits::default()).faultless();
            assert_eq!(outcome.paths(), ["f"], "{body:?}");
        }
    }
}
