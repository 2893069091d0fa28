//! Cabinets, in each compression but Quantum.

use flate2::{Compress, Compression, FlushCompress};

use super::pack;
use super::support::*;
use crate::blob::{FaultKind, LocationKind};
use crate::source::unpack::Limits;

type Files<'f> = &'f [(&'f str, &'f [u8])];

pub(super) const STORED: u16 = 0;
pub(super) const MSZIP: u16 = 1;
const QUANTUM: u16 = 2;
pub(super) const LZX: u16 = 0x1503;

fn le32(number: usize) -> [u8; 4] {
    u32::try_from(number).expect("small").to_le_bytes()
}

fn le16(number: usize) -> [u8; 2] {
    u16::try_from(number).expect("small").to_le_bytes()
}

/// As [MS-CAB] 3.1 has it.
fn checksum(bytes: &[u8], seed: u32) -> u32 {
    bytes.chunks(4).fold(seed, |sum, word| match *word {
        [a, b, c, d] => sum ^ u32::from_le_bytes([a, b, c, d]),
        [a, b, c] => sum ^ u32::from_be_bytes([0, a, b, c]),
        [a, b] => sum ^ u32::from_be_bytes([0, 0, a, b]),
        _ => sum ^ u32::from(word[0]),
    })
}

/// The blocks of some content: packed, and how many bytes come out of each.
fn blocks(method: u16, content: &[u8]) -> Vec<(Vec<u8>, usize)> {
    let mut before: &[u8] = &[];
    let mut out = Vec::new();
    for (index, part) in content.chunks(32 * 1024).enumerate() {
        let packed = match method {
            MSZIP => {
                let mut compress = Compress::new(Compression::default(), false);
                if !before.is_empty() {
                    compress.set_dictionary(before).expect("raw");
                }
                let mut packed = Vec::with_capacity(40_000);
                compress.compress_vec(part, &mut packed, FlushCompress::Finish).expect("memory");
                [b"CK", &packed[..]].concat()
            }
            // One block of what does not pack, for all: no translation of calls, type 3, its size, and three offsets.
            LZX if index == 0 => {
                let bits = 0b0011_u32 << 28 | u32::try_from(content.len()).expect("small") << 4;
                let words = [(bits >> 16) as u16, (bits & 0xffff) as u16].map(u16::to_le_bytes).concat();
                [&words[..], &[1, 0, 0, 0].repeat(3), part].concat()
            }
            _ => part.to_vec(),
        };
        out.push((packed, part.len()));
        before = part;
    }
    out
}

/// A cabinet of these folders, with reserved fields if there is something to be reserved.
pub(super) fn cab(folders: &[(u16, Files<'_>)], reserve: &[u8]) -> Vec<u8> {
    let (mut list, mut data, mut entries, mut files) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let reserved = |part: &[u8]| if reserve.is_empty() { Vec::new() } else { part.to_vec() };
    let short = &reserve[..reserve.len().min(4)];
    for (index, (method, members)) in folders.iter().enumerate() {
        let mut content = Vec::new();
        for (name, bytes) in *members {
            list.extend([le32(bytes.len()), le32(content.len())].concat());
            list.extend([le16(index), [0; 2], [0; 2], [0x20, 0]].concat());
            list.extend([name.as_bytes(), b"\0"].concat());
            content.extend_from_slice(bytes);
            files += 1;
        }
        let blocks = blocks(*method, &content);
        entries.push((data.len(), blocks.len(), *method));
        for (packed, size) in blocks {
            let sizes = [le16(packed.len()), le16(size)].concat();
            let sum = checksum(&sizes, checksum(&packed, 0));
            data.extend([&sum.to_le_bytes()[..], &sizes, &reserved(short), &packed].concat());
        }
    }
    let reserve_len = if reserve.is_empty() { 0 } else { 4 + reserve.len() };
    let files_offset = 36 + reserve_len + folders.len() * (8 + short.len());
    let data_offset = files_offset + list.len();
    let mut out = b"MSCF\0\0\0\0".to_vec();
    out.extend([le32(data_offset + data.len()), [0; 4], le32(files_offset), [0; 4]].concat());
    out.extend([[3, 1], le16(folders.len()), le16(files)].concat());
    out.extend([[if reserve.is_empty() { 0 } else { 4 }, 0], [0; 2], [0; 2]].concat());
    if !reserve.is_empty() {
        out.extend(le16(reserve.len()));
        out.extend([u8::try_from(short.len()).expect("small"); 2]);
        out.extend(reserve);
    }
    for (offset, count, method) in entries {
        out.extend([&le32(data_offset + offset)[..], &le16(count), &method.to_le_bytes(), short].concat());
    }
    [out, list, data].concat()
}

#[test]
fn folders_of_each_method_as_every_body() {
    let words = b"a few words that pack well, again and again\n".repeat(2500);
    let big = [noise(70_000), words].concat();
    // The second file begins in the middle of a block, and the token stands across the end of one.
    let torn = [&noise(98_304 - 10)[..], token(2).as_bytes()].concat();
    for method in [STORED, MSZIP, LZX] {
        let first: Files<'_> = &[("torn", &torn), ("big", &big), ("etc\\.env", &text(1))];
        let bytes = cab(&[(method, first), (STORED, &[("x", b"x"), ("last", &text(3))])], b"");
        for body in FORMS {
            let outcome = unpack_as(body, "a.cab", &bytes, Limits::default()).faultless();
            let due =
                [Found::content("a.cab!etc/.env", OFFSET, LINE), Found::content("a.cab!last", OFFSET, LINE)];
            assert_eq!(outcome.found[..2], due, "{method} as {body:?}");
            assert_eq!((&*outcome.found[2].path, outcome.found[2].offset), ("a.cab!torn", 98_294));
            assert_eq!(outcome.found.len(), 3, "{method} as {body:?}");
        }
        let nested = unpack("a.zip", &pack::zip(&[("b.cab", &bytes)])).faultless();
        assert_eq!(nested.found.len(), 3);
    }
}

#[test]
fn names_and_what_is_reserved() {
    let (name, reserve) = (format!("{}.txt", token(1)), format!("signed {}", token(2)));
    let bytes = cab(&[(MSZIP, &[(&name, b"x"), ("a", &text(3))])], reserve.as_bytes());
    for body in FORMS {
        let outcome = unpack_as(body, "a.cab", &bytes, Limits::default()).faultless();
        let due = [
            ("a.cab".to_owned(), 40 + 7, LocationKind::Content),
            ("a.cab!a".to_owned(), OFFSET, LocationKind::Content),
        ];
        let found: Vec<_> =
            outcome.found.iter().map(|found| (found.path.clone(), found.offset, found.kind)).collect();
        assert_eq!(found[..2], due, "{body:?}");
        assert_eq!((found.len(), found[2].2), (3, LocationKind::FileName), "{body:?}");
    }
}

#[test]
fn what_is_not_there_or_not_known_is_named() {
    let mut bytes = cab(&[(QUANTUM, &[("a", &text(1)), ("b", b"x")]), (MSZIP, &[("c", &text(2))])], b"");
    let outcome = unpack("q.cab", &bytes);
    // It is not packed here.
    assert_eq!(outcome.paths(), ["q.cab", "q.cab!c"]);
    let reason = "seen as bytes only: packed by Quantum, which is not supported: unpack it and scan that";
    let fault = ("q.cab!a".to_owned(), FaultKind::AsBytes("unknown method"), reason.to_owned());
    assert_eq!(outcome.faults, [fault]);

    bytes = cab(&[(STORED, &[("a", &text(1))])], b"");
    // The file begins in the cabinet before, or goes on in the next.
    for (part, found) in [(0xfd, "p.cab"), (0xfe, "p.cab!a")] {
        bytes[36 + 8 + 8..36 + 8 + 10].copy_from_slice(&[part, 0xff]);
        let outcome = unpack("p.cab", &bytes);
        assert_eq!(outcome.paths(), [found]);
        assert_eq!(outcome.faults.len(), 1, "{:?}", outcome.faults);
        assert!(outcome.faults[0].2.contains("in the cabinet"), "{:?}", outcome.faults);
    }
}

#[test]
fn a_wrong_byte_is_reported_and_what_is_before_it_is_found() {
    for method in [STORED, MSZIP, LZX] {
        let files: Files<'_> = &[("a", &text(1)), ("big", &noise(90_000)), ("z", &text(2))];
        let mut bytes = cab(&[(method, files), (STORED, &[("next", &text(3))])], b"");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x55;
        for body in FORMS {
            let outcome = unpack_as(body, "a.cab", &bytes, Limits::default());
            assert!(outcome.paths().contains(&"a.cab!a"), "{method}: {:?}", outcome.paths());
            assert!(outcome.paths().contains(&"a.cab!next"), "{method}: {:?}", outcome.paths());
            assert!(!outcome.faults.is_empty(), "{method}");
        }
    }
}

#[test]
fn cut_or_garbled_anywhere_nothing_hangs_or_is_hidden() {
    let closed = Limits { max_archive_depth: 0, ..Limits::default() };
    let mut state = 5_u32;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    for method in [STORED, MSZIP, LZX] {
        let bytes = cab(
            &[(method, &[("a", &text(1)), ("b", &noise(300))]), (STORED, &[("c", &text(2))])],
            b"reserved",
        );
        let check = |bytes: &[u8], body: Form| {
            let plain = unpack_as(Form::Whole, "a.cab", bytes, closed).found.len();
            let outcome = unpack_as(body, "a.cab", bytes, Limits::default());
            assert!(outcome.found.len() >= plain, "{method}: {:?} of {plain}", outcome.found);
        };
        for cut in 0..bytes.len() {
            check(&bytes[..cut], FORMS[cut % 4]);
        }
        for _ in 0..500 {
            let mut bytes = bytes.clone();
            for _ in 0..=random(4) {
                let at = if random(2) == 0 { random(100) } else { random(bytes.len()) };
                bytes[at] = [0, 1, 255, random(256).to_le_bytes()[0]][random(4)];
            }
            check(&bytes, FORMS[random(4)]);
        }
    }
}

#[test]
fn a_bomb_is_cut_and_what_is_behind_it_is_read() {
    let zeros = vec![0; 20 << 20];
    let bytes = cab(&[(MSZIP, &[("a", &text(1)), ("zeros", &zeros), ("z", &text(2))])], b"");
    let limits = Limits { ratio_after: 1 << 20, max_ratio: 100, ..Limits::default() };
    let outcome = unpack_as(Form::Whole, "b.cab", &bytes, limits);
    assert_eq!(outcome.paths(), ["b.cab!a", "b.cab!z"], "{:?}", outcome.faults);
    assert_eq!(outcome.faults.len(), 1, "{:?}", outcome.faults);
    assert_eq!(outcome.faults[0].1, FaultKind::CutShort);
}

#[test]
fn what_only_begins_like_one_is_plain() {
    for begin in [&b"MSCF is a word"[..], b"MSCF\0\0\0\0 and words that are no header", b"M", b"MSCF"] {
        let bytes = [begin, b"\n", &text(1)].concat();
        for body in FORMS {
            let outcome = unpack_as(body, "f", &bytes, Limits::default()).faultless();
            assert_eq!(outcome.paths(), ["f"], "{begin:?} as {body:?}");
        }
    }
}
