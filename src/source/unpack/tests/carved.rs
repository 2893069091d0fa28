//! Streams and archives somewhere in something that is no container.

use std::io::Write as _;

use super::pack::{self, COMPRESSORS};
use super::support::*;
use crate::blob::{FaultKind, Sink as _};
use crate::source::unpack::Limits;

fn zlib(bytes: &[u8]) -> Vec<u8> {
    zlib_as(bytes, 6)
}

fn zlib_as(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(level));
    out.write_all(bytes).expect("memory");
    out.finish().expect("memory")
}

/// Bytes of a program, in which nothing begins.
fn program(len: usize) -> Vec<u8> {
    let code = (0..len).map(|n| if n % 7 == 0 { 0 } else { u8::try_from(n % 89).unwrap_or(0) | 0x80 });
    b"\x7fELF\x02\x01\x01\0".iter().copied().chain(code).collect()
}

/// Every kind of stream, and where it is found.
fn streams() -> Vec<(&'static str, Vec<u8>)> {
    let long = [text(1), noise(300_000)].concat();
    let mut all: Vec<(&str, Vec<u8>)> = Vec::new();
    for plain in [text(1), long] {
        // What is short, and has a header that chance has too, is not believed.
        let compressors =
            COMPRESSORS.into_iter().filter(|(extension, _)| *extension != "lzma" || plain.len() > 2000);
        all.extend(compressors.map(|(extension, compress)| (extension, compress(&plain))));
        all.extend((0..=9).map(|level| ("zlib", zlib_as(&plain, level))));
    }
    all
}

#[test]
fn a_stream_anywhere_in_a_program_is_found_by_its_offset() {
    for (kind, stream) in streams() {
        for before in [100, 8191] {
            let before = program(before);
            let bytes = [&before[..], &stream, &program(5000), &text(2)].concat();
            let path = format!("core!@{}", before.len());
            let raw = (before.len() + stream.len() + 5008) as u64 + OFFSET;
            for form in FORMS {
                let outcome = unpack_as(form, "core", &bytes, Limits::default()).faultless();
                // What is stored is found as it stands, too.
                assert!(outcome.found.contains(&Found::content(&path, OFFSET, LINE)), "{kind} as {form:?}");
                let behind = outcome.found.iter().filter(|at| (at.path.as_str(), at.offset) == ("core", raw));
                assert_eq!(behind.count(), 1, "{kind} as {form:?}");
                assert!(outcome.found.iter().all(|at| at.path == "core" || at.path == path));
            }
        }
    }
}

#[test]
fn a_stream_that_begins_before_the_end_of_what_is_looked_through_at_once_is_found() {
    const HEAD: usize = 1000;
    let stream = zlib(&text(1));
    for end in [HEAD, HEAD + 256 * 1024] {
        for left in [200, 161, 160, 159, 30, 3, 2, 1, 0] {
            let before = program(end - left - 8);
            let bytes = [&before[..], &stream, &program(2000)].concat();
            let outcome = unpack_as(Form::Pipe(HEAD), "core", &bytes, Limits::default()).faultless();
            assert_eq!(outcome.paths(), [format!("core!@{}", end - left)], "{left} before {end}");
        }
        // Nothing stands behind it.
        let bytes = [&program(end - 38)[..], &stream].concat();
        let outcome = unpack_as(Form::Pipe(HEAD), "core", &bytes, Limits::default()).faultless();
        assert_eq!(outcome.paths(), [format!("core!@{}", end - 30)], "at the end, before {end}");
    }
}

#[test]
fn archives_anywhere_in_a_program_are_opened() {
    let noise = noise(3000);
    let members = [("big", &noise[..]), ("dir/.env", &text(1)), ("after", b"x")];
    for (archive, packed) in [("zip", pack::zip(&members)), ("7z", pack::sevenz(&members))] {
        let before = program(3000);
        for behind in [program(100_000), Vec::new()] {
            let bytes = [&before[..], &packed, &behind].concat();
            for form in FORMS {
                let outcome = unpack_as(form, "setup", &bytes, Limits::default()).faultless();
                let [found] = &outcome.found[..] else {
                    panic!("{archive} as {form:?}: {:?}", outcome.found)
                };
                // At the end of something that can be sought, a zip is opened as it always was.
                let paths = [format!("setup!@{}!dir/.env", before.len()), "setup!dir/.env".to_owned()];
                assert!(paths.contains(&found.path), "{archive} as {form:?}: {found:?}");
                assert_eq!((found.offset, found.line), (OFFSET, LINE));
            }
        }
    }
}

#[test]
fn an_archive_behind_a_script_is_opened_wherever_the_script_is() {
    let script = format!("#!/bin/sh\n{}exit 0\n", "# a long script, all of it text\n".repeat(600));
    let tar = pack::tar(&[("app/.env", &text(1)), ("big", &noise(400_000))]);
    for (extension, compress) in COMPRESSORS {
        let bytes = [script.as_bytes(), &compress(&tar)].concat();
        let path = format!("@{}!app/.env", script.len());
        for form in FORMS {
            let outcome = unpack_as(form, "x.run", &bytes, Limits::default()).faultless();
            assert!(outcome.paths().contains(&&*format!("x.run!{path}")), "{extension} as {form:?}");
            let image = pack::gzip(&pack::tar(&[("opt/x.run", &bytes), ("after", b"x")]));
            let outcome = unpack_as(form, "i.tgz", &image, Limits::default()).faultless();
            assert!(
                outcome.paths().contains(&&*format!("i.tgz!opt/x.run!{path}")),
                "{extension} as {form:?}"
            );
        }
    }
}

#[test]
fn one_stream_behind_the_other_is_found_and_none_within_one() {
    let inner = zlib(&text(1));
    // Stored, so that it is there to be seen; opened by way of what it is in, and not once more.
    let outer = zlib_as(&[&program(50)[..], &inner, &program(50)].concat(), 0);
    let bytes = [program(500), zlib(&text(2)), outer, zlib(&text(3)), program(10)].concat();
    for form in FORMS {
        let outcome = unpack_as(form, "core", &bytes, Limits::default()).faultless();
        let paths = outcome.paths();
        assert_eq!(paths.len(), 3, "{paths:?} as {form:?}");
        assert_eq!(paths.iter().filter(|path| path.matches("!@").count() == 2).count(), 1, "{paths:?}");
    }
}

#[test]
fn text_noise_and_media_are_left_alone() {
    let stream = zlib(&text(1));
    let words = "words of a text, \u{78}\u{9c} and no control characters among them\n".repeat(5000);
    // A short stream in a long text is not looked for.
    let text_around = [&words.as_bytes()[..4000], &stream, &words.as_bytes()[4000..]].concat();
    let picture = [b"\xff\xd8\xff\xe0\0\x10JFIF\0", &noise(5000)[..], &stream].concat();
    let many = [b"\0", &noise(700_000)[..]].concat();
    for (what, bytes) in [("text", text_around), ("picture", picture), ("noise", many)] {
        for form in FORMS {
            let outcome = unpack_as(form, what, &bytes, Limits::default()).faultless();
            assert_eq!(outcome.found, [], "{what} as {form:?}");
        }
    }
    let with_zip =
        [b"\xff\xd8\xff\xe0\0\x10JFIF\0", &noise(5000)[..], &pack::zip(&[("x", &text(1))]), b"\0"].concat();
    assert_eq!(unpack("picture", &with_zip).faultless().found.len(), 1);
}

#[test]
fn half_a_stream_gives_what_it_can_and_is_no_fault() {
    let long = [text(1), noise(40_000), text(2)].concat();
    for (kind, compress) in COMPRESSORS.into_iter().chain([("zlib", zlib as pack::Packer)]) {
        // Those of its blocks that are whole come out of bzip2 and LZ4 only.
        let packed = compress(&long);
        let half = &packed[..packed.len() * 9 / 10];
        let bytes = [&program(300)[..], half, &program(9000), &zlib(&text(3)), &program(3)].concat();
        for form in FORMS {
            let outcome = unpack_as(form, "core", &bytes, Limits::default()).faultless();
            let found = outcome.found.iter().map(|at| at.path.as_str()).collect::<Vec<_>>();
            let last = format!("core!@{}", 308 + half.len() + 9008);
            assert!(found.contains(&last.as_str()), "{kind} as {form:?}: {found:?}");
            if !matches!(kind, "bz2" | "lz4") {
                assert!(found.contains(&"core!@308"), "{kind} as {form:?}: {found:?}");
            }
        }
    }
}

#[test]
fn a_stream_larger_than_what_is_kept_is_read_to_its_end() {
    let long = [text(1), noise(23_000_000), text(2)].concat();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&long).expect("memory");
    let packed = packed.finish().expect("memory");
    let bytes =
        [&program(300)[..], &packed, &program(90_000), &text(3), &zlib(&text(4)), &program(3)].concat();
    for form in [Form::Pipe(1000), Form::File(1000)] {
        let outcome = unpack_as(form, "core", &bytes, Limits::default()).faultless();
        let raw = (308 + packed.len() + 90_008) as u64 + OFFSET;
        let at = |path: &str, offset| {
            outcome.found.iter().any(|found| (found.path.as_str(), found.offset) == (path, offset))
        };
        assert!(at("core", raw), "{form:?}: {:?}", outcome.found);
        assert!(at("core!@308", OFFSET) && at("core!@308", (long.len() - text(2).len()) as u64 + OFFSET));
        assert!(at(&format!("core!@{}", raw - OFFSET + text(3).len() as u64), OFFSET), "{:?}", outcome.found);
    }
}

#[test]
fn bombs_are_cut_and_what_is_behind_them_is_found() {
    let limits = Limits { max_expansion: 4 << 20, ratio_after: 1 << 20, ..Limits::default() };
    let bytes = [&program(300)[..], &zlib(&vec![0; 50_000_000]), &zlib(&text(1)), &program(3)].concat();
    for form in FORMS {
        let outcome = unpack_as(form, "core", &bytes, limits);
        assert_eq!(outcome.found.len(), 1, "{form:?}");
        assert!(outcome.faults.iter().all(|(_, kind, _)| *kind == FaultKind::CutShort));
        assert!(!outcome.faults.is_empty() && outcome.faults.len() < 3, "{:?}", outcome.faults);
    }
    // A stream in a stream in a stream, deeper than anything is opened.
    let mut deep = text(1);
    for _ in 0..12 {
        deep = [&program(100)[..], &zlib_as(&deep, 1), &program(100)].concat();
    }
    let outcome = unpack("core", &deep);
    assert_eq!(outcome.found, []);
    assert!(outcome.faults.iter().any(|(_, _, reason)| reason.contains("max_archive_depth")));
}

#[test]
fn what_is_cut_or_changed_anywhere_ends_all_the_same() {
    let stream =
        [pack::gzip(&text(1)), zlib(&noise(500)), pack::zip(&[("a", &text(2))]), pack::zstd(&text(3))]
            .concat();
    let bytes = [&program(40)[..], &stream, &program(20)].concat();
    for len in 0..bytes.len() {
        for form in [Form::Whole, Form::Pipe(30), Form::File(30)] {
            unpack_as(form, "core", &bytes[..len], Limits::default());
        }
    }
    let random = noise(4 * bytes.len());
    for (n, change) in random.chunks(4).enumerate() {
        let mut changed = bytes.clone();
        let len = changed.len();
        changed[n % len] = change[0];
        changed[usize::from(change[1]) * 7 % len] ^= change[2];
        let outcome = unpack_as(FORMS[n % 4], "core", &changed, Limits::default());
        assert!(outcome.found.iter().all(|found| found.path.starts_with("core")));
    }
}

#[test]
fn the_prefilter_lets_through_whatever_something_may_be_carved_out_of() {
    use crate::detect::Detector;
    use crate::finding::Findings;
    use crate::meter::Meter;
    use crate::source::unpack::{Unpack, dmg, leveldb, zip};
    let detector = Detector::new(crate::rule::built_in());
    let (findings, meter) = (Findings::default(), Meter::default());
    let collector = crate::scan::Collector::new(&detector, &findings, &meter);
    let unpack = Unpack::new(&collector, Limits::default());
    let prefilter = unpack.prefilter().expect("the detector's");
    assert!(!prefilter.may_match(&program(5000)));
    for (kind, stream) in streams() {
        assert!(prefilter.may_match(&[program(5000), stream.clone(), program(9)].concat()), "{kind}");
        // Where what is new ends, something may go on.
        let end = stream.len().min(7);
        assert!(prefilter.may_match(&[&program(5000)[..], &stream[..end]].concat()), "{kind}");
    }
    let words = "words of a text\n".repeat(500);
    assert!(!prefilter.may_match(words.as_bytes()));
    let [one, other] = &leveldb::MAGICS;
    for end in [zip::END, dmg::KOLY, one, other] {
        assert!(prefilter.may_match(&[words.as_bytes(), end].concat()), "{end:?}");
        assert!(!prefilter.may_match(&[words.as_bytes(), &end[1..]].concat()), "{end:?}");
    }
}

#[test]
fn what_stands_between_the_members_of_a_zip_in_a_program_is_passed_over() {
    let member = |name: &str, n| {
        let zip = pack::zip(&[(name, &text(n))]);
        let end = memchr::memmem::find(&zip, b"PK\x01\x02").expect("a directory");
        zip[..end].to_vec()
    };
    let record = [&b"PK\x06\x06"[..], &44_u64.to_le_bytes(), &[0; 44]].concat();
    // Ten bytes more than its stream has.
    let mut longer = member("b", 2);
    longer[18] += 10;
    longer.extend([0; 10]);
    let bytes = [&program(1000)[..], &member("a", 1), &record, &longer, &member("c", 3)].concat();
    for form in FORMS {
        let outcome = unpack_as(form, "core", &bytes, Limits::default()).faultless();
        assert_eq!(outcome.paths(), ["core!@1008!a", "core!@1008!b", "core!@1008!c"], "{form:?}");
    }
}
