//! Compressed streams that are met now and then: lzip, compress, lzop, Snappy, zlib, Brotli, and Android's backups.

use super::pack;
use super::pack_rare::{self, RARE, compress_as, lzip_version, lzop_named};
use super::support::*;
use crate::blob::FaultKind;
use crate::source::unpack::Limits;

/// A token at the known offset of `path`, and nothing else, however the source hands the bytes over.
#[track_caller]
fn found_in_every_form(name: &str, bytes: &[u8], path: &str) {
    for form in FORMS {
        let outcome = unpack_as(form, name, bytes, Limits::default()).faultless();
        assert_eq!(outcome.found, [Found::content(path, OFFSET, LINE)], "{name} as {form:?}");
    }
}

/// Text with a token at its known offset, and a few hundred thousand bytes of several kinds behind it.
fn long() -> Vec<u8> {
    [text(1), noise(100_000), b"the same words again ".repeat(10_000), vec![b'\n'; 70_000]].concat()
}

/// The token, and a line that is repeated: what every compressor makes smaller.
fn packs_well() -> Vec<u8> {
    [text(1), vec![b'\n'; 60_000]].concat()
}

#[test]
fn a_file_of_each() {
    for (extension, compress) in RARE {
        for plain in [text(1), packs_well(), long()] {
            let name = format!("logs/app.log.{extension}");
            found_in_every_form(&name, &compress(&plain), &format!("{name}!app.log"));
        }
    }
}

#[test]
fn a_tar_in_each_is_no_step_of_its_own() {
    let noise = noise(200_000);
    let tar = pack::tar(&[("big", &noise), ("etc/.env", &text(1)), ("after", &noise)]);
    for (extension, compress) in RARE {
        let name = format!("x.tar.{extension}");
        found_in_every_form(&name, &compress(&tar), &format!("{name}!etc/.env"));
    }
    let header = |compressed: u8, encryption: &str| {
        format!("ANDROID BACKUP\n5\n{compressed}\n{encryption}\n").into_bytes()
    };
    let packed = [header(1, "none"), pack_rare::zlib(&tar)].concat();
    found_in_every_form("phone.ab", &packed, "phone.ab!etc/.env");
    found_in_every_form("phone.ab", &[header(0, "none"), tar.clone()].concat(), "phone.ab!etc/.env");
    let outcome = unpack("phone.ab", &[header(1, "AES-256"), noise.clone()].concat());
    let [(path, kind, reason)] = &outcome.faults[..] else { panic!("{:?}", outcome.faults) };
    assert_eq!((&**path, *kind), ("phone.ab", FaultKind::AsBytes("unsupported")));
    assert!(reason.contains("encrypted"), "{reason}");
}

#[test]
fn each_is_found_in_an_archive() {
    for (extension, compress) in RARE {
        let member = format!("var/log/app.log.{extension}");
        let archive = pack::gzip(&pack::tar(&[("a", b"x"), (&member, &compress(&text(1)))]));
        found_in_every_form("a.tgz", &archive, &format!("a.tgz!{member}!app.log"));
    }
}

#[test]
fn extensions_of_tars_are_those_of_compressors() {
    for (name, packed) in [
        ("a.tgz", pack::gzip(&text(1))),
        ("a.tbz2", pack::bzip2(&text(1))),
        ("a.txz", pack::xz(&text(1))),
        ("a.tzst", pack::zstd(&text(1))),
        ("a.tlz", pack_rare::lzip(&text(1))),
        ("a.taz", pack_rare::compress(&text(1))),
        ("a.TBR", pack_rare::brotli(&text(1))),
    ] {
        found_in_every_form(name, &packed, &format!("{name}!a"));
    }
}

#[test]
fn lzip_of_both_versions_and_many_members() {
    found_in_every_form("a.lz", &lzip_version(&long(), 0), "a.lz!a");
    let plain = text(1);
    let (first, second) = plain.split_at(40);
    for padding in [0, 512] {
        let bytes = [lzip_version(first, 1), vec![0; padding], lzip_version(second, 1)].concat();
        found_in_every_form("a.lz", &bytes, "a.lz!a");
    }
    for at in [1, 9, 17] {
        let mut wrong = lzip_version(&packs_well(), 1);
        let len = wrong.len();
        wrong[len - at] ^= 1;
        let outcome = unpack("a.lz", &wrong);
        assert_eq!((outcome.found.len(), outcome.faults.len()), (1, 1), "{at}: {:?}", outcome.faults);
    }
}

#[test]
fn compress_with_codes_of_every_length() {
    for bits in 9..=16 {
        for clears in [true, false] {
            for plain in [text(1), packs_well(), long()] {
                let bytes = compress_as(&plain, bits, clears);
                found_in_every_form("a.Z", &bytes, "a.Z!a");
            }
        }
    }
}

#[test]
fn each_file_of_lzop_has_its_name() {
    let bytes = [
        lzop_named(&text(1), "one.txt"),
        lzop_named(&packs_well(), "two.txt"),
        lzop_named(&pack::tar(&[("in/.env", &text(3))]), "three.tar"),
    ]
    .concat();
    for form in FORMS {
        let outcome = unpack_as(form, "a.lzo", &bytes, Limits::default()).faultless();
        let paths = ["a.lzo!in/.env", "a.lzo!one.txt", "a.lzo!two.txt"];
        assert_eq!(outcome.paths(), paths, "{form:?}");
    }
    let many: Vec<u8> = (0..40).flat_map(|n| lzop_named(&text(n), &format!("{n}.txt"))).collect();
    assert_eq!(unpack("many.lzo", &many).faultless().found.len(), 40);
    let named = lzop_named(b"nothing", &format!("{}.txt", token(5)));
    assert_eq!(unpack("a.lzo", &named).faultless().found.len(), 1, "the name");
}

#[test]
fn chunks_of_snappy_that_are_skipped_are_scanned() {
    let packed = pack_rare::snappy(&long());
    let (identifier, chunks) = packed.split_at(10);
    let note = [&text(2)[..], &[0; 30]].concat();
    let header = [&[0x80], &u32::try_from(note.len()).expect("short").to_le_bytes()[..3]].concat();
    let padding = [&[0xfe, 5, 0, 0][..], &[0; 5]].concat();
    let bytes = [identifier, &padding, &header, &note, chunks, &padding, identifier, chunks].concat();
    for form in FORMS {
        let outcome = unpack_as(form, "a.sz", &bytes, Limits::default()).faultless();
        let mut offsets: Vec<_> = outcome.found.iter().map(|found| (&*found.path, found.offset)).collect();
        offsets.sort_unstable();
        let behind = (10 + padding.len() + header.len()) as u64 + OFFSET;
        assert_eq!(offsets[..2], [("a.sz", behind), ("a.sz!a", OFFSET)], "{form:?}");
        assert_eq!(offsets.len(), 3, "{form:?}");
    }
}

#[test]
fn what_needs_a_dictionary_is_seen_as_bytes() {
    let dictionary = b"first line second line token= last line";
    let mut zlib = flate2::Compress::new(flate2::Compression::default(), true);
    zlib.set_dictionary(dictionary).expect("deflate has them");
    let mut out = Vec::with_capacity(4096);
    zlib.compress_vec(&text(1), &mut out, flate2::FlushCompress::Finish).expect("memory");
    let samples: Vec<Vec<u8>> = (0..400).map(text).collect();
    let trained = ::zstd::dict::from_samples(&samples, 4096).expect("enough of them");
    let mut zstd = ::zstd::bulk::Compressor::with_dictionary(3, &trained).expect("memory");
    for (name, bytes) in [("a.zz", out), ("a.zst", zstd.compress(&text(1)).expect("memory"))] {
        for form in FORMS {
            let outcome = unpack_as(form, name, &bytes, Limits::default());
            let [(path, kind, reason)] = &outcome.faults[..] else { panic!("{name}: {:?}", outcome.faults) };
            assert_eq!((&**path, *kind), (name, FaultKind::AsBytes("unsupported")), "{form:?}");
            assert!(reason.contains("dictionary"), "{reason}");
        }
    }
}

#[test]
fn cut_off_anywhere_each_ends_and_says_so() {
    let plain = long();
    for (extension, compress) in RARE {
        let packed = compress(&plain);
        let name = format!("log.{extension}");
        for sixteenth in 1..16 {
            for form in [Form::Whole, Form::Pipe(1000), Form::File(1000)] {
                let cut = &packed[..packed.len() * sixteenth / 16];
                let outcome = unpack_as(form, &name, cut, Limits::default());
                // What is not compressed is also seen as it stands.
                let found = outcome.found.len();
                assert!((1..=2).contains(&found), "{name} at {sixteenth}/16 as {form:?}: {found}");
                // Nothing in the format says where it ends.
                assert_eq!(
                    outcome.faults.is_empty(),
                    extension == "Z",
                    "{name} at {sixteenth}/16 as {form:?}"
                );
            }
        }
        let short = compress(&text(1));
        for len in 0..short.len() {
            unpack(&name, &short[..len]);
        }
    }
}

#[test]
fn garbled_each_ends() {
    let plain = long();
    let mut state = 54_321_u32;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    for (extension, compress) in RARE {
        let packed = compress(&plain[..30_000]);
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
fn a_wrong_byte_is_reported_where_there_is_a_checksum() {
    let plain = long();
    for (extension, compress) in RARE {
        if matches!(extension, "Z" | "br") {
            continue;
        }
        let mut bytes = compress(&plain);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x55;
        let outcome = unpack(&format!("log.{extension}"), &bytes);
        let [(_, kind, _)] = &outcome.faults[..] else { panic!("{extension}: {:?}", outcome.faults) };
        assert_eq!(*kind, FaultKind::Damaged, "{extension}");
    }
}

#[test]
fn a_bomb_is_cut() {
    let limits = Limits { max_expansion: 1 << 20, ..Limits::default() };
    for (extension, compress) in RARE {
        let bytes = compress(&vec![b'x'; 4 << 20]);
        let outcome = unpack_as(Form::Whole, &format!("f.{extension}"), &bytes, limits);
        let [(_, kind, _)] = &outcome.faults[..] else { panic!("{extension}: {:?}", outcome.faults) };
        assert_eq!(*kind, FaultKind::CutShort, "{extension}");
        assert!(outcome.bytes < 6 << 20, "{extension}");
    }
}

#[test]
fn what_only_begins_like_one_is_plain() {
    for (name, magic) in [
        ("f", &b"LZIP is how lzip begins: "[..]),
        ("f", b"LZIP\x01\xff"),
        ("f", b"\x1f\x9d\x90 is how compress begins"),
        ("f", b"\x1f\x9d\x70"),
        ("f", b"\xff\x06\0\0sNaPp"),
        ("f", b"x\x9c is how zlib begins"),
        ("f", b"x^2 + y^2 "),
        ("f", b"x is a letter "),
        ("f", b"h\x81"),
        ("f.br", b"\x11\xff\xff\xff"),
        ("ANDROID", b"ANDROID BACKUP\nof mine "),
    ] {
        let bytes = [magic, b" some words and then ", &text(1), &noise(5000)].concat();
        for form in FORMS {
            let outcome = unpack_as(form, name, &bytes, Limits::default()).faultless();
            assert_eq!(outcome.paths(), [name], "{magic:?} as {form:?}");
        }
    }
    // Brotli is told by its name, and text by its bytes.
    let packed = pack_rare::brotli(&packs_well());
    assert_eq!(unpack("app.log", &packed).faultless().paths(), ["app.log"], "it is not compressed");
    assert_eq!(unpack("notes.br", &text(1)).faultless().paths(), ["notes.br"]);
}

#[test]
fn two_bytes_of_chance_make_no_zlib() {
    let noise = noise(200_000);
    for start in 0..3000 {
        let bytes = [b"\x78\x9c", &noise[start * 60..start * 60 + 1500]].concat();
        let outcome = unpack("data", &bytes);
        assert_eq!(outcome.faults, [], "{start}");
    }
}
