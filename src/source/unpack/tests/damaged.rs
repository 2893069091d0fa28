//! Containers cut off, damaged, or that only look like one.

use super::pack::{self, COMPRESSORS, Packer};
use super::support::*;
use crate::blob::FaultKind;
use crate::source::unpack::Limits;

/// Many lines of text that packs well, a token in every hundredth; where each token ends.
fn many() -> (Vec<u8>, Vec<usize>) {
    let (mut bytes, mut ends) = (Vec::new(), Vec::new());
    for n in 0..4000_u32 {
        bytes.extend_from_slice(
            format!("line {n} of a log: {:08x}\n", n.wrapping_mul(2_654_435_761)).as_bytes(),
        );
        if n % 100 == 0 {
            bytes.extend_from_slice(token(n).as_bytes());
            ends.push(bytes.len());
            bytes.push(b'\n');
        }
    }
    (bytes, ends)
}

/// Every container of files, with other files beside the one that is packed.
const CONTAINERS: [(&str, Packer); 5] = [
    ("tar", |bytes| pack::tar(&[("a", b"small"), ("log", bytes), ("z", b"small")])),
    ("tgz", |bytes| pack::gzip(&pack::tar(&[("a", b"small"), ("log", bytes), ("z", b"small")]))),
    ("ar", |bytes| pack::ar(&[("a", b"small"), ("log", bytes), ("z", b"small")])),
    ("zip", |bytes| pack::zip(&[("a", b"small"), ("log", bytes), ("z", b"small")])),
    ("7z", |bytes| pack::sevenz(&[("a", b"small"), ("log", bytes), ("z", b"small")])),
];

/// Every format.
fn packers() -> impl Iterator<Item = (&'static str, Packer)> {
    COMPRESSORS.into_iter().chain(CONTAINERS)
}

#[test]
fn cut_off_anywhere_what_is_there_is_found_and_the_rest_is_reported() {
    let (plain, ends) = many();
    for (extension, pack) in packers() {
        let name = format!("log.{extension}");
        let packed = pack(&plain);
        for sixteenth in 1..16 {
            for form in [Form::Whole, Form::Pipe(1000), Form::File(1000)] {
                let cut = &packed[..packed.len() * sixteenth / 16];
                let outcome = unpack_as(form, &name, cut, Limits::default());
                assert!(!outcome.faults.is_empty(), "{name} at {sixteenth}/16 as {form:?}");
                for (path, kind, reason) in &outcome.faults {
                    assert!(path.starts_with(&name), "{path}");
                    assert_eq!(*kind, FaultKind::Damaged, "{path}: {reason}");
                }
                // All tokens of the part that was packed into what is left, but for a block or two at its end.
                let share = plain.len() * sixteenth / 16;
                let slack = match extension {
                    "7z" => continue,
                    "bz2" => 200_000,
                    "lz4" | "zst" => 160_000,
                    _ => 30_000,
                };
                let due = ends.iter().filter(|end| **end + slack < share).count();
                assert!(
                    outcome.found.len() >= due,
                    "{name} at {sixteenth}/16 as {form:?}: {} of {due}",
                    outcome.found.len()
                );
            }
        }
    }
}

#[test]
fn a_wrong_byte_in_the_middle_is_reported_once() {
    let (plain, _) = many();
    for (extension, pack) in packers() {
        // Neither has checksums of its members.
        if matches!(extension, "tar" | "ar") {
            continue;
        }
        // LZ4's checksums are not checked, and `.lzma` files have none.
        if matches!(extension, "lz4" | "lzma") {
            continue;
        }
        let mut bytes = pack(&plain);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x55;
        let name = format!("log.{extension}");
        let outcome = unpack(&name, &bytes);
        let [(path, kind, _)] = &outcome.faults[..] else { panic!("{name}: {:?}", outcome.faults) };
        assert!(path.starts_with(&name));
        assert_eq!(*kind, FaultKind::Damaged);
    }
}

#[test]
fn what_only_begins_like_a_container_is_plain() {
    for magic in [
        &b"\x1f\x8b\x08\x00"[..],
        b"\x1f\x8b\x08\x08abc",
        b"\x28\xb5\x2f\xfd\xff\xff\xff",
        b"\x04\x22\x4d\x18\xff\xff",
        b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"BZh9 is not bzip2",
        b"!<arch> is not ar",
        b"7z is not 7z",
    ] {
        let bytes = [magic, b" some words and then ", &text(1), &noise(5000)].concat();
        for form in FORMS {
            let outcome = unpack_as(form, "f", &bytes, Limits::default()).faultless();
            assert_eq!(outcome.paths(), ["f"], "{magic:?} as {form:?}");
        }
    }
}

#[test]
fn what_begins_like_a_container_but_is_none_is_scanned_and_reported() {
    for magic in [&b"PK\x03\x04"[..], b"7z\xbc\xaf\x27\x1c", b"!<arch>\n", b"\xfd7zXZ\0", b"BZh91AY&SY"] {
        let bytes = [magic, b" some words and then ", &text(1)].concat();
        let outcome = unpack("f", &bytes);
        assert_eq!(outcome.paths(), ["f"], "{magic:?}");
        assert!(!outcome.faults.is_empty(), "{magic:?}");
    }
}

#[test]
fn tokens_are_found_through_any_garbling() {
    // No container is right here; what matters is that each ends, without a panic, and leaves nothing open.
    let (plain, _) = many();
    let mut state = 12_345_u32;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    for (extension, pack) in packers() {
        let packed = pack(&plain[..20_000]);
        for _ in 0..60 {
            let mut bytes = packed.clone();
            for _ in 0..=random(8) {
                let at = random(bytes.len());
                bytes[at] = random(256).to_le_bytes()[0];
            }
            unpack(&format!("f.{extension}"), &bytes);
        }
    }
}

#[test]
fn an_unknown_method_is_named_and_not_called_damage() {
    let mut bytes = pack::sevenz_as(&[("a", &text(1))], sevenz_rust2::EncoderMethod::DEFLATE);
    pack::set_method(&mut bytes, 7);
    let outcome = unpack("z.7z", &bytes);
    let reason = "seen as bytes only: packed by [4, 1, 7], which is not supported: unpack it and scan that";
    let fault = ("z.7z!a".to_owned(), FaultKind::AsBytes("unknown method"), reason.to_owned());
    assert_eq!(outcome.faults, [fault]);
}

#[test]
fn a_decoder_that_failed_is_not_asked_for_the_next_file() {
    let (plain, _) = many();
    let mut bytes = pack::sevenz_in_one(&[("a", &plain), ("b/.env", &text(1))]);
    // The properties of the first chunk of LZMA2, which no stream has: the library would read on for ever.
    bytes[32 + 5] = 0xff;
    let outcome = unpack("s.7z", &bytes);
    let faults: Vec<_> = outcome.faults.iter().map(|(path, kind, _)| (path.as_str(), *kind)).collect();
    assert_eq!(faults, [("s.7z", FaultKind::Unreadable), ("s.7z!a", FaultKind::Damaged)], "{outcome:?}");
}

#[test]
fn behind_a_wrong_checksum_the_next_file_is_read() {
    let (first, second) = (noise(3000), text(1));
    let mut bytes = pack::sevenz_in_one(&[("a", &first), ("b/.env", &second)]);
    let at = bytes.windows(100).position(|window| *window == first[..100]).expect("stored as it is");
    bytes[at] ^= 1;
    let outcome = unpack("s.7z", &bytes);
    assert!(outcome.paths().contains(&"s.7z!b/.env"), "{outcome:?}");
    assert_eq!(outcome.faults.len(), 1, "{:?}", outcome.faults);
}

/// What each format begins with, and streams of each that break off.
fn beginnings() -> Vec<(&'static str, Vec<u8>)> {
    let mut begins: Vec<(&str, Vec<u8>)> = [
        ("bzip2", &b"BZh91AY&SY"[..]),
        ("xz", b"\xfd7zXZ\0"),
        ("zstd", b"\x28\xb5\x2f\xfd\x24\x40"),
        ("lz4", b"\x04\x22\x4d\x18\x64\x40\xa7"),
        ("a large block of lz4", b"\x04\x22\x4d\x18\x64\x70\xb9\xff\xff\x3f\0"),
        ("legacy lz4", b"\x02\x21\x4c\x18\xff\xff\x3f\0"),
        ("a skippable frame", b"\x50\x2a\x4d\x18\xff\xff\xff\0"),
        ("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\x03"),
        ("lzma", b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0"),
        ("7z", b"7z\xbc\xaf\x27\x1c"),
        ("zip", b"PK\x03\x04"),
        ("ar", b"!<arch>\n"),
    ]
    .map(|(name, magic)| (name, magic.to_vec()))
    .to_vec();
    let packed = noise(5000);
    for (extension, pack) in COMPRESSORS {
        let whole = pack(&packed);
        begins.push((extension, whole.clone()));
        begins.push((extension, whole[..whole.len() - whole.len() / 8].to_vec()));
        let mut wrong = whole;
        let last = wrong.len() - 3;
        wrong[last] ^= 0x55;
        begins.push((extension, wrong));
    }
    begins
}

#[test]
fn text_behind_a_signature_or_a_broken_stream_is_found() {
    let lines = b"plain text of a log, nothing in it\n".repeat(9000);
    for (name, begin) in beginnings() {
        let bytes = [&begin[..], &lines, b"\n", &text(1)].concat();
        let at = bytes.len() as u64 - text(1).len() as u64 + OFFSET;
        for form in [Form::Whole, Form::Pipe(1000), Form::Pipe(256 * 1024), Form::File(1000)] {
            let outcome = unpack_as(form, "f", &bytes, Limits::default());
            let mut plain = outcome.found.iter().filter(|found| found.path == "f");
            assert!(!outcome.found.is_empty(), "{name} as {form:?}: {outcome:?}");
            assert!(plain.all(|found| found.offset == at), "{name} as {form:?}: {outcome:?}");
        }
        // In an archive, nothing can be read twice.
        let nested = pack::gzip(&pack::tar(&[("f", &bytes), ("z", &text(2))]));
        let outcome = unpack("t.tgz", &nested);
        assert!(outcome.found.len() >= 2, "{name} in a tar: {outcome:?}");
    }
}

#[test]
fn what_came_out_before_a_wrong_checksum_is_found() {
    use sevenz_rust2::EncoderMethod;

    let (plain, ends) = many();
    let mut zstd = pack::zstd(&plain);
    // The checksum is its last four bytes.
    *zstd.last_mut().expect("a frame") ^= 1;
    let mut stored = pack::sevenz_as(&[("log", &plain)], EncoderMethod::COPY);
    stored[32 + plain.len() - 1] ^= 1;
    let mut small = pack::zstd(&text(7));
    *small.last_mut().expect("a frame") ^= 1;
    // Behind a large file the last four thousand bytes may be lost, behind a small one sixty.
    for (name, content, packed, due) in [
        ("log.zst", "log.zst!log", zstd, ends.iter().filter(|end| **end + 4096 < plain.len()).count()),
        ("log.7z", "log.7z!log", stored, ends.iter().filter(|end| **end + 4096 < plain.len()).count()),
        ("x.zst", "x.zst!x", small, 1),
    ] {
        let outcome = unpack(name, &packed);
        assert_eq!(outcome.faults.len(), 1, "{name}");
        let found = outcome.paths().iter().filter(|path| **path == content).count();
        assert!(found >= due, "{name}: {found} of {due}");
    }
}

#[test]
fn chance_data_behind_what_may_be_a_header_of_lzma_is_no_container() {
    let header = [0x5d, 0, 0, 0x10, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0];
    let noise = noise(40_000);
    for start in 0..200 {
        unpack("data", &[&header, &noise[start * 100..start * 100 + 2000]].concat()).faultless();
    }
}
