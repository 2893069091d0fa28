//! Compressed parts of journals and pictures.

use std::io::Write as _;

use super::pack;
use super::support::*;
use crate::blob::FaultKind;
use crate::source::unpack::Limits;

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).expect("memory");
    out.finish().expect("memory")
}

/// A journal of these fields, each with its flags, and an entry behind each.
fn journal(compact: bool, fields: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut objects = Vec::new();
    let mut put = |kind: u8, flags: u8, body: &[u8]| {
        let size = (16 + body.len()) as u64;
        objects.extend([&[kind, flags, 0, 0, 0, 0, 0, 0][..], &size.to_le_bytes(), body].concat());
        objects.resize(objects.len().next_multiple_of(8), 0);
    };
    for (flags, payload) in fields {
        put(1, *flags, &[&[7; 48][..], if compact { &[7; 8] } else { &[] }, payload].concat());
        put(3, 0, &[9; 64]);
    }
    let mut header = vec![0; 256];
    header[..8].copy_from_slice(b"LPKSHHRH");
    header[12] = if compact { 16 | 8 } else { 4 };
    header[88..96].copy_from_slice(&256_u64.to_le_bytes());
    header[96..104].copy_from_slice(&(objects.len() as u64 + 4096).to_le_bytes());
    [header, objects, vec![0; 4096]].concat()
}

#[test]
fn fields_of_a_journal_are_decompressed() {
    let plain = [b"MESSAGE=", &text(1)[..], b"0123456789".repeat(200).as_slice()].concat();
    let block = lz4_flex::block::compress(&plain);
    let lz4 = [&(plain.len() as u64).to_le_bytes()[..], &block].concat();
    for compact in [false, true] {
        for (flag, packed) in [(1, pack::xz(&plain)), (2, lz4.clone()), (4, pack::zstd(&plain))] {
            let fields = [(0, b"PRIORITY=6".to_vec()), (flag, packed), (0, [b"X=", &text(2)[..]].concat())];
            let bytes = journal(compact, &fields);
            for form in FORMS {
                let outcome = unpack_as(form, "a.journal", &bytes, Limits::default()).faultless();
                let packed = Found::content("a.journal!@416", 8 + OFFSET, LINE);
                let at = Found { path: format!("a.journal!@{}", if compact { 424 } else { 416 }), ..packed };
                assert!(outcome.found.contains(&at), "{flag} as {form:?}: {:?}", outcome.found);
                assert!(outcome.found.iter().any(|found| found.path == "a.journal"), "{flag} as {form:?}");
            }
        }
    }
    let broken = journal(false, &[(2, [&(1_u64 << 40).to_le_bytes()[..], &block].concat()), (4, noise(500))]);
    let outcome = unpack("a.journal", &broken);
    assert!(
        outcome.faults.iter().all(|(_, kind, _)| *kind == FaultKind::Damaged) && !outcome.faults.is_empty()
    );
}

#[test]
fn an_object_of_a_journal_that_never_ends_is_the_last() {
    let mut bytes = journal(false, &[(0, text(1)), (0, text(2))]);
    // The whole file is said to be as long, too.
    bytes[96..104].fill(0xff);
    for size in [u64::MAX, u64::MAX - 256, u64::MAX - 264] {
        bytes[256 + 8..256 + 16].copy_from_slice(&size.to_le_bytes());
        for form in FORMS {
            assert_eq!(unpack_as(form, "a.journal", &bytes, Limits::default()).found.len(), 2, "{form:?}");
        }
    }
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let len = u32::try_from(data.len()).unwrap_or(0).to_be_bytes();
    let sum = crc32fast::hash(&[kind, data].concat()).to_be_bytes();
    [&len, &kind[..], data, &sum].concat()
}

#[test]
fn compressed_texts_of_a_picture() {
    let packed = zlib(&text(1));
    let cases = [
        (chunk(b"zTXt", &[b"Comment\0\0", &packed[..]].concat()), "a.png!zTXt Comment"),
        (chunk(b"iTXt", &[b"XML:com\0\x01\0en\0K\0", &packed[..]].concat()), "a.png!iTXt XML:com"),
    ];
    for (text_chunk, path) in cases {
        let before = [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &[1; 13])].concat();
        let pixels = chunk(b"IDAT", &zlib(&text(3)));
        let profile = chunk(b"iCCP", &[b"icc\0\0", &zlib(&text(4))[..]].concat());
        let end = chunk(b"IEND", b"");
        let behind = [pack::zip(&[("x/.env", &text(2))]), b"\0".to_vec()].concat();
        let bytes = [&before[..], &profile, &text_chunk, &pixels, &end].concat();
        for form in FORMS {
            let outcome = unpack_as(form, "a.png", &bytes, Limits::default()).faultless();
            assert_eq!(outcome.found, [Found::content(path, OFFSET, LINE)], "{form:?}");
            let outcome = unpack_as(form, "a.png", &[&bytes[..], &behind].concat(), Limits::default());
            assert_eq!(outcome.paths(), ["a.png!behind IEND!x/.env", path], "{form:?}");
            let at_end = [&bytes[..], &behind[..behind.len() - 1]].concat();
            let outcome = unpack_as(form, "a.png", &at_end, Limits::default());
            assert_eq!(outcome.paths(), ["a.png!behind IEND!x/.env", path], "{form:?}");
        }
        for len in 0..bytes.len() {
            unpack_as(FORMS[len % 4], "a.png", &bytes[..len], Limits::default());
        }
    }
}

#[test]
fn what_is_cut_or_changed_anywhere_ends_all_the_same() {
    let plain = [b"MESSAGE=", &text(1)[..]].concat();
    let block = lz4_flex::block::compress(&plain);
    let lz4 = [&(plain.len() as u64).to_le_bytes()[..], &block].concat();
    let bytes = journal(false, &[(1, pack::xz(&plain)), (2, lz4), (4, pack::zstd(&plain))]);
    let bytes = &bytes[..bytes.len() - 4000];
    let random = noise(4 * bytes.len());
    for (n, change) in random.chunks(4).enumerate() {
        let mut changed = bytes.to_vec();
        let len = changed.len();
        changed[n % len] = change[0];
        changed[usize::from(change[1]) * 11 % len] ^= change[2];
        let len = if n % 3 == 0 { usize::from(change[3]) * len / 256 } else { len };
        unpack_as(FORMS[n % 4], "a.journal", &changed[..len], Limits::default());
    }
}
