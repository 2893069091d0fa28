//! Compound files: documents, mails, installers, macros.

use std::io::{Cursor, Write as _};

use cfb::{CompoundFile, Version};

use super::pack;
use super::support::*;
use crate::blob::FaultKind;
use crate::source::unpack::Limits;

/// A compound file of these streams, written a piece of each at a time, so that their sectors take turns.
pub(super) fn compound(version: Version, streams: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = CompoundFile::create_with_version(version, Cursor::new(Vec::new())).expect("memory");
    for (path, _) in streams {
        let storage = path.rsplit_once('/').map_or("", |(storage, _)| storage);
        file.create_storage_all(format!("/{storage}")).expect("memory");
        file.create_stream(format!("/{path}")).expect("memory");
    }
    let longest = streams.iter().map(|(_, bytes)| bytes.len()).max().unwrap_or(0);
    for at in (0..longest).step_by(5000) {
        for (path, bytes) in streams.iter().filter(|(_, bytes)| at < bytes.len()) {
            let mut stream = file.open_stream(format!("/{path}")).expect("memory");
            std::io::Seek::seek(&mut stream, std::io::SeekFrom::End(0)).expect("memory");
            stream.write_all(&bytes[at..bytes.len().min(at + 5000)]).expect("memory");
        }
    }
    file.flush().expect("memory");
    file.into_inner().into_inner()
}

/// Noise with a token across each place where its sectors may be torn.
fn torn() -> Vec<u8> {
    let mut bytes = noise(60_000);
    for (n, at) in (1..).zip([4096, 5120, 10_240, 20_480, 40_960]) {
        // All begin alike: no half may stand before another's by chance.
        let at = at - 20 + n as usize;
        bytes.splice(at..at + 40, token(n).bytes());
    }
    bytes
}

#[test]
fn streams_are_put_together() {
    let (torn, other) = (torn(), noise(60_000));
    for version in [Version::V3, Version::V4] {
        let bytes = compound(version, &[("WordDocument", &torn), ("Data", &other), ("A/B/small", &text(9))]);
        for body in FORMS {
            let outcome = unpack_as(body, "a.doc", &bytes, Limits::default()).faultless();
            let mut due: Vec<(&str, u64)> =
                [4077, 5102, 10_223, 20_464, 40_945].map(|at| ("a.doc!WordDocument", at)).to_vec();
            due.insert(0, ("a.doc!A/B/small", OFFSET));
            let found: Vec<(&str, u64)> =
                outcome.found.iter().map(|found| (&*found.path, found.offset)).collect();
            assert_eq!(found, due, "{version:?} as {body:?}");
        }
        let nested = unpack("a.zip", &pack::zip(&[("x/a.doc", &bytes)])).faultless();
        assert_eq!(nested.found.len(), 6);
        assert!(nested.paths().contains(&"a.zip!x/a.doc!A/B/small"), "{:?}", nested.paths());
    }
}

#[test]
fn what_was_deleted_is_still_found() {
    let (long, kept) = ([text(1), noise(9000)].concat(), noise(9000));
    let bytes = compound(Version::V3, &[("Gone", &long), ("Kept", &kept)]);
    let mut file = CompoundFile::open(Cursor::new(bytes)).expect("sound");
    file.remove_stream("/Gone").expect("there");
    file.flush().expect("memory");
    let bytes = file.into_inner().into_inner();
    let outcome = unpack("a.doc", &bytes).faultless();
    assert!(outcome.found.iter().any(|found| found.path == "a.doc"), "{:?}", outcome.found);
    assert_eq!(outcome.found.len(), 1, "{:?}", outcome.found);
}

#[test]
fn mails_and_their_attachments() {
    let utf16 = |text: &[u8]| text.iter().flat_map(|byte| [*byte, 0]).collect::<Vec<u8>>();
    let attachment = pack::zip(&[("config/.env", &text(2))]);
    let rtf = rich_text(&format!("{{\\rtf1\\ansi token {}}}", token(3)));
    let body = utf16(&text(1));
    let bytes = compound(
        Version::V3,
        &[
            ("__substg1.0_1000001F", &body),
            ("__substg1.0_10090102", &rtf),
            ("__attach_version1.0_#00000000/__substg1.0_37010102", &attachment),
        ],
    );
    for form in FORMS {
        let outcome = unpack_as(form, "m.msg", &bytes, Limits::default()).faultless();
        let due = [
            "m.msg!__attach_version1.0_#00000000/__substg1.0_37010102!config/.env",
            "m.msg!__substg1.0_1000001F",
            "m.msg!__substg1.0_10090102!rtf",
        ];
        assert_eq!(outcome.paths(), due, "{form:?}");
        assert_eq!(outcome.found[1].offset, 2 * OFFSET);
    }
}

/// Rich Text in the compression of mails, with nothing referred to but the end: a byte of flags before each eight.
fn rich_text(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for eight in text.as_bytes().chunks(8) {
        out.push(if eight.len() < 8 { 1 << eight.len() } else { 0 });
        out.extend(eight);
    }
    // The prefix of the dictionary has 207 bytes.
    let end = (207 + text.len()) % 4096;
    if text.len().is_multiple_of(8) {
        out.push(1);
    }
    out.extend(u16::try_from(end << 4).expect("12 bits").to_be_bytes());
    let size = |len: usize| u32::try_from(len).expect("small").to_le_bytes();
    [&size(out.len() + 12)[..], &size(text.len()), b"LZFu\0\0\0\0", &out].concat()
}

/// Source as projects hold it: all literals.
fn packed_source(text: &[u8]) -> Vec<u8> {
    let mut out = vec![1];
    for chunk in text.chunks(3600) {
        let mut packed = Vec::new();
        for eight in chunk.chunks(8) {
            packed.push(0);
            packed.extend(eight);
        }
        let header = 0xb000 | u16::try_from(packed.len() - 1).expect("small");
        out.extend(header.to_le_bytes());
        out.extend(packed);
    }
    out
}

#[test]
fn macros_are_decompressed() {
    let source = |n| [b"Attribute VB_Name = \"Module1\"\r\n".to_vec(), noise(5000), text(n)].concat();
    let at = 31 + 5000 + OFFSET;
    let compiled = [noise(3000), packed_source(&source(1))].concat();
    // Nothing but its chunks tells where this one begins.
    let odd = [noise(900), packed_source(&[&b"Sub x()\r\n"[..], &text(2)].concat())].concat();
    let list = packed_source(&text(3));
    let bytes = compound(
        Version::V3,
        &[("VBA/Module1", &compiled), ("VBA/Odd", &odd), ("VBA/dir", &list), ("PROJECT", b"x")],
    );
    let due = ["VBA/Module1!source", "VBA/Odd!source", "VBA/dir!source"];
    for form in FORMS {
        let outcome = unpack_as(form, "vbaProject.bin", &bytes, Limits::default()).faultless();
        let sources: Vec<_> = outcome.found.iter().filter(|found| found.path.ends_with("!source")).collect();
        let paths: Vec<_> = sources.iter().map(|found| found.path.as_str()).collect();
        assert_eq!(paths, due.map(|path| format!("vbaProject.bin!{path}")), "{form:?}");
        assert_eq!(sources[0].offset, at);
    }
    let book = pack::zip(&[("[Content_Types].xml", b"<x/>"), ("xl/vbaProject.bin", &bytes)]);
    let outcome = unpack("a.xlsm", &book).faultless();
    let sources: Vec<_> = outcome.paths().into_iter().filter(|path| path.ends_with("!source")).collect();
    assert_eq!(sources, due.map(|path| format!("a.xlsm!xl/vbaProject.bin!{path}")));
}

#[test]
fn names_of_installers_are_readable() {
    // "Binary.x" as installers write it: two characters in one, and the last alone.
    let digit = |char: char| {
        let digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";
        u32::try_from(digits.find(char).expect("a digit")).expect("small")
    };
    let pairs = [('B', 'i'), ('n', 'a'), ('r', 'y'), ('.', 'x')];
    let name: String = std::iter::once('\u{4840}')
        .chain(pairs.map(|(a, b)| char::from_u32(0x3800 + digit(a) + digit(b) * 64).expect("a character")))
        .chain(std::iter::once(char::from_u32(0x4800 + digit('z')).expect("a character")))
        .collect();
    let bytes = compound(Version::V4, &[(&name, &pack::gzip(&text(1)))]);
    assert_eq!(unpack("a.msi", &bytes).faultless().paths(), ["a.msi!Binary.xz!Binary"]);
}

#[test]
fn cut_anywhere_what_is_there_is_found() {
    let bytes =
        compound(Version::V3, &[("A", &text(1)), ("B", &[noise(4000), text(2), noise(400)].concat())]);
    let begins = 512;
    for cut in (0..bytes.len()).step_by(7).chain([bytes.len() - 1]) {
        let cut_off = &bytes[..cut];
        let open = Limits { max_archive_depth: 0, ..Limits::default() };
        let plain = unpack_as(Form::Whole, "a.doc", cut_off, open).found.len();
        for form in [Form::Whole, Form::Pipe(1), Form::File(700)] {
            let outcome = unpack_as(form, "a.doc", cut_off, Limits::default());
            assert!(outcome.found.len() >= plain, "cut at {cut} as {form:?}: {:?}", outcome.found);
            if cut > 32 && cut < begins {
                assert_eq!(outcome.faults[0].1, FaultKind::Damaged, "cut at {cut}");
            }
        }
    }
}

#[test]
fn any_garbling_ends_and_hides_nothing() {
    let source = packed_source(&[&b"Attribute VB_Name\r\n"[..], &text(3)].concat());
    let bytes = compound(
        Version::V3,
        &[("A", &text(1)), ("B", &[noise(4000), text(2)].concat()), ("VBA/m", &source)],
    );
    let mut state = 7_u32;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    let closed = Limits { max_archive_depth: 0, ..Limits::default() };
    for _ in 0..400 {
        let mut bytes = bytes.clone();
        for _ in 0..=random(12) {
            // Half of the hits are in the header.
            let at = if random(2) == 0 { random(512) } else { random(bytes.len()) };
            bytes[at] = [0, 1, 2, 255, random(256).to_le_bytes()[0]][random(5)];
        }
        let plain = unpack_as(Form::Whole, "a.doc", &bytes, closed).found.len();
        let outcome = unpack_as(FORMS[random(4)], "a.doc", &bytes, Limits::default());
        assert!(outcome.found.len() >= plain, "{:?} of {plain}", outcome.found);
    }
}

#[test]
fn a_bomb_of_macros_is_cut() {
    // Chunks of five bytes, of which four thousand come out.
    let chunk = [0x03, 0xb0, 0x02, b'a', 0xff, 0x0f];
    let bomb = [&[1][..], &chunk.repeat(20_000)].concat();
    let bytes = compound(Version::V3, &[("A", &text(1)), ("VBA/bomb", &bomb), ("Z", &text(2))]);
    let limits = Limits { max_expansion: 2 << 20, ..Limits::default() };
    let outcome = unpack_as(Form::Whole, "a.doc", &bytes, limits);
    assert_eq!(outcome.paths(), ["a.doc!A", "a.doc!Z"]);
    assert_eq!(outcome.faults.len(), 1, "{:?}", outcome.faults);
    assert_eq!((&*outcome.faults[0].0, outcome.faults[0].1), ("a.doc!VBA/bomb!source", FaultKind::CutShort));
}

#[test]
fn documents_in_cipher_are_named() {
    let word = [&[0xec, 0xa5, 0xc1, 0, 0, 0, 0, 0, 0, 0, 0, 0x13][..], &noise(5000)].concat();
    let book = [&[9, 8, 2, 0, 0, 6, 0x2f, 0, 4, 0, 0, 0, 0, 0][..], &noise(5000)].concat();
    let slides =
        [&[0, 0, 0xf6, 0x0f, 0x18, 0, 0, 0, 0x14, 0, 0, 0, 0xdf, 0xc4, 0xd1, 0xf3][..], &noise(60)].concat();
    for (name, bytes) in [
        ("EncryptedPackage", noise(9000)),
        ("WordDocument", word),
        ("Workbook", book),
        ("Current User", slides),
    ] {
        let outcome = unpack("a.doc", &compound(Version::V3, &[(name, &bytes), ("z", b"x")]));
        assert_eq!(outcome.faults.len(), 1, "{name}: {:?}", outcome.faults);
        assert_eq!(
            (&*outcome.faults[0].0, outcome.faults[0].1),
            (&*format!("a.doc!{name}"), FaultKind::AsBytes("encrypted"))
        );
        let mut plain = bytes.clone();
        plain.iter_mut().take(16).skip(2).for_each(|byte| *byte = 0);
        if name != "EncryptedPackage" {
            unpack("a.doc", &compound(Version::V3, &[(name, &plain), ("z", b"x")])).faultless();
        }
    }
}

#[test]
fn files_put_into_a_document() {
    let package = |content: &[u8]| {
        let size = |len: usize| u32::try_from(len).expect("small").to_le_bytes();
        let front =
            [&b"\x02\0secret.zip\0C:\\files\\secret.zip\0\0\0\x03\0"[..], &size(6), b"C:\\tmp\0"].concat();
        let all = [&front[..], &size(content.len()), content, &text(3)].concat();
        [&size(all.len())[..], &all].concat()
    };
    for (version, content) in [
        (Version::V3, pack::zip(&[("in/.env", &text(1)[..]), ("big", &noise(9000))])),
        (Version::V4, pack::zip(&[("in/.env", &text(1)[..])])),
    ] {
        let stream = package(&content);
        let bytes = compound(version, &[("ObjectPool/_1/\u{1}Ole10Native", &stream), ("z", &noise(9000))]);
        for form in FORMS {
            let outcome = unpack_as(form, "a.doc", &bytes, Limits::default()).faultless();
            assert_eq!(outcome.found.len(), 2, "{form:?}");
            assert!(outcome.found[0].path.ends_with("Ole10Native"), "{form:?}: {:?}", outcome.found);
            assert_eq!(outcome.found[0].offset, (stream.len() - text(3).len()) as u64 + OFFSET);
            assert!(outcome.found[1].path.ends_with("Ole10Native!secret.zip!in/.env"), "{:?}", outcome.found);
        }
    }
}

#[test]
fn what_only_begins_like_one_is_plain() {
    let magic = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
    for behind in [&b" and some words that are no header of it"[..], &[0; 40], &[0xff; 40]] {
        let bytes = [magic, behind, &text(1)].concat();
        for form in FORMS {
            let outcome = unpack_as(form, "f", &bytes, Limits::default()).faultless();
            assert_eq!(outcome.paths(), ["f"], "{behind:?} as {form:?}");
        }
    }
}
