//! Small files that would be large, and each limit that stops them.

use super::pack::{self, Member, zip_of};
use super::support::*;
use crate::blob::FaultKind;
use crate::source::unpack::Limits;

const MIB: u64 = 1024 * 1024;

/// One fault, cut short by the limit of this name.
#[track_caller]
fn cut_by(outcome: &Outcome, name: &str) {
    let [(_, kind, reason)] = &outcome.faults[..] else { panic!("{:?}", outcome.faults) };
    assert_eq!(*kind, FaultKind::CutShort, "{reason}");
    assert!(reason.contains(name), "{reason}");
}

fn zeros(mib: u64) -> Vec<u8> {
    vec![0; usize::try_from(mib * MIB).expect("small")]
}

#[test]
fn a_token_behind_zeros_is_found_within_the_limits() {
    for pack in [pack::gzip, pack::zstd, pack::xz, pack::bzip2] {
        let plain = [zeros(20), text(1)].concat();
        let outcome = unpack("z", &pack(&plain)).faultless();
        assert_eq!(outcome.found[0].offset, 20 * MIB + OFFSET);
    }
}

#[test]
fn expansion_is_bounded_through_all_levels() {
    let limits = Limits { max_expansion: 3 * MIB, ..Limits::default() };
    let bomb = pack::gzip(&[zeros(1), text(1), zeros(9), text(2)].concat());
    for (name, bytes) in [
        ("a.gz", bomb.clone()),
        ("a.tar", pack::tar(&[("first", &text(3)), ("bomb", &bomb)])),
        ("a.zip", pack::zip(&[("first", &text(3)), ("bomb", &bomb)])),
        ("a.7z", pack::sevenz(&[("first", &text(3)), ("bomb", &bomb)])),
    ] {
        let outcome = unpack_as(Form::Whole, name, &bytes, limits);
        cut_by(&outcome, "max_expansion = 3145728");
        assert!(outcome.found.iter().any(|found| found.offset == MIB + OFFSET), "{name}");
        assert!(outcome.bytes < 4 * MIB, "{name}: {}", outcome.bytes);
        assert_eq!(outcome.found.len(), if name == "a.gz" { 1 } else { 2 }, "{name}");
    }
}

#[test]
fn a_steep_member_is_cut_and_those_beside_it_are_read() {
    let limits = Limits { ratio_after: 2 * MIB, max_ratio: 100, ..Limits::default() };
    let bomb = [zeros(10), text(9)].concat();
    let members =
        [("a", &text(1)[..]), ("bomb", &bomb), ("b", &text(2)), ("plain", &noise(300_000)), ("c", &text(3))];
    for (name, bytes) in [("z.zip", pack::zip(&members)), ("z.7z", pack::sevenz(&members))] {
        let outcome = unpack_as(Form::Whole, name, &bytes, limits);
        cut_by(&outcome, "max_ratio = 100");
        assert_eq!(outcome.faults[0].0, format!("{name}!bomb"));
        let expected: Vec<_> = ["a", "b", "c"].map(|member| format!("{name}!{member}")).to_vec();
        assert_eq!(outcome.paths(), expected);
        assert!(outcome.bytes < 4 * MIB, "{}", outcome.bytes);
    }
}

#[test]
fn files_packed_together_with_a_steep_one_are_counted() {
    use sevenz_rust2::{ArchiveEntry, ArchiveWriter, SourceReader};
    let mut out = ArchiveWriter::new(std::io::Cursor::new(Vec::new())).expect("memory");
    let contents = [text(1), zeros(10), text(2), text(3)];
    let entries = ["a", "bomb", "b", "c"].map(ArchiveEntry::new_file).to_vec();
    let readers = contents.iter().map(|bytes| SourceReader::from(&bytes[..])).collect();
    out.push_archive_entries(entries, readers).expect("memory");
    let bytes = out.finish().expect("memory").into_inner();
    let limits = Limits { ratio_after: 2 * MIB, max_ratio: 100, ..Limits::default() };
    let outcome = unpack_as(Form::Whole, "s.7z", &bytes, limits);
    // It is decoded to its end, for those behind it.
    assert_eq!(outcome.paths(), ["s.7z!a", "s.7z!b", "s.7z!c"]);
    cut_by(&outcome, "max_ratio = 100");
    // Where that would take more than is left, they are counted.
    let outcome = unpack_as(Form::Whole, "s.7z", &bytes, Limits { max_expansion: 8 * MIB, ..limits });
    assert_eq!(outcome.paths(), ["s.7z!a"]);
    let faults: Vec<_> = outcome.faults.iter().map(|fault| (fault.0.as_str(), fault.1)).collect();
    assert_eq!(faults, [("s.7z", FaultKind::Unreadable), ("s.7z!bomb", FaultKind::CutShort)]);
    assert!(outcome.faults[0].2.contains("2 files"), "{:?}", outcome.faults);
}

#[test]
fn a_small_file_may_be_as_steep_as_it_likes() {
    let plain = [zeros(9), text(1)].concat();
    let packed = pack::gzip(&plain);
    assert!(packed.len() < 10_000);
    assert_eq!(unpack("a.gz", &packed).faultless().found.len(), 1);
}

#[test]
fn entries_are_bounded() {
    let limits = Limits { max_entries: 50, ..Limits::default() };
    let names: Vec<_> = (0..100).map(|n| format!("f{n}")).collect();
    let texts: Vec<_> = (0..100).map(text).collect();
    let members: Vec<_> = names.iter().zip(&texts).map(|(name, text)| (name.as_str(), &text[..])).collect();
    let nested = pack::tar(&[("inner.tar", &pack::tar(&members[..60])), ("b", &text(1))]);
    for (bytes, found) in [
        (pack::zip(&members), 50),
        (pack::tar(&members), 50),
        (pack::ar(&members), 50),
        (pack::sevenz(&members), 50),
        // A nested archive may begin its share of them.
        (nested, 25),
    ] {
        let outcome = unpack_as(Form::Whole, "a", &bytes, limits);
        cut_by(&outcome, "max_entries = 50");
        // The rest is found in the archive's own bytes, where those are not packed.
        let member = |path: &str| path.contains('!') && path != "a!inner.tar";
        let members = outcome.found.iter().filter(|found| member(&found.path));
        assert_eq!(members.count(), found);
    }
}

#[test]
fn nine_nested_gzips_are_cut_by_the_depth() {
    let mut bytes = zeros(4);
    for _ in 0..9 {
        bytes = pack::gzip(&bytes);
    }
    let outcome = unpack("a.gz", &bytes);
    cut_by(&outcome, "max_archive_depth = 8");
    assert_eq!(outcome.faults[0].0, format!("a.gz!a{}", "!content".repeat(7)));
    // What lies deeper than a depth that the user chose was not asked for.
    let limits = Limits { max_archive_depth: 2, depth_chosen: true, ..Limits::default() };
    let outcome = unpack_as(Form::Whole, "a.gz", &bytes, limits);
    let [(path, kind, _)] = &outcome.faults[..] else { panic!("{:?}", outcome.faults) };
    assert_eq!((path.as_str(), *kind), ("a.gz!a!content", FaultKind::PassedOver));
}

#[test]
fn members_over_one_another_are_bounded() {
    // One packed stream, that a hundred entries of the directory claim as theirs.
    let plain = zeros(2);
    let mut bytes = zip_of(&[Member::deflated("bomb", &plain)], b"");
    let directory = memchr::memmem::find(&bytes, b"PK\x01\x02").expect("there");
    let end = memchr::memmem::find(&bytes, b"PK\x05\x06").expect("there");
    let (entry, mut tail) = (bytes[directory..end].to_vec(), bytes[end..].to_vec());
    bytes.truncate(directory);
    for _ in 0..100 {
        bytes.extend_from_slice(&entry);
    }
    tail[8..12].copy_from_slice(&[100, 0, 100, 0]);
    tail[12..16].copy_from_slice(&u32::try_from(100 * entry.len()).expect("small").to_le_bytes());
    bytes.extend(tail);
    let limits = Limits { max_expansion: 16 * MIB, ..Limits::default() };
    let by_expansion = unpack_as(Form::Whole, "z", &bytes, limits);
    assert!(by_expansion.faults.iter().all(|fault| fault.2.contains("max_expansion")), "{by_expansion:?}");
    assert!(by_expansion.bytes < 17 * MIB);
    // Each of them is cut by its own ratio; not each is worth a line of the report.
    let limits = Limits { ratio_after: 4 * MIB, ..Limits::default() };
    let by_ratio = unpack_as(Form::Whole, "z", &bytes, limits);
    assert!(by_ratio.faults.len() >= 97 && by_ratio.faults.iter().all(|fault| fault.2.contains("max_ratio")));
    assert!(by_ratio.bytes < 20 * MIB, "{}", by_ratio.bytes);
}

#[test]
fn time_is_bounded() {
    let limits = Limits { max_seconds: 0, ..Limits::default() };
    for (name, bytes) in [
        ("a.gz", pack::gzip(&text(1))),
        ("a.zip", pack::zip(&[("a", &text(1))])),
        ("a.tar", pack::tar(&[("a", &text(1))])),
        ("a.7z", pack::sevenz(&[("a", &text(1))])),
    ] {
        cut_by(&unpack_as(Form::Whole, name, &bytes, limits), "max_seconds = 0");
    }
}

#[test]
fn memory_is_bounded() {
    let limits = Limits { max_memory: MIB, ..Limits::default() };
    // xz asks for 8 MiB and more; what was not opened is still there to be reported.
    cut_by(&unpack_as(Form::Whole, "a.xz", &pack::xz(&text(1)), limits), "max_memory = 1048576");
    let large = ::zstd::bulk::Compressor::new(3)
        .and_then(|mut zstd| {
            zstd.set_parameter(::zstd::zstd_safe::CParameter::WindowLog(27))?;
            zstd.set_parameter(::zstd::zstd_safe::CParameter::ContentSizeFlag(false))?;
            zstd.compress(&noise(3_000_000))
        })
        .expect("memory");
    cut_by(&unpack_as(Form::Whole, "a.zst", &large, limits), "max_memory");
}

#[test]
fn a_frame_that_claims_to_be_endless_is_refused() {
    let bytes = [&[0x28, 0xb5, 0x2f, 0xfd, 0xe0][..], &[0xff; 8], &text(1)].concat();
    cut_by(&unpack("a.zst", &bytes), "max_memory");
}

#[test]
fn faults_beyond_the_first_hundred_are_counted_in_one() {
    let mut locked = Member::stored("locked", b"x");
    locked.flags = 1;
    let outcome = unpack("z", &zip_of(&vec![locked; 250], b""));
    assert_eq!(outcome.faults.len(), 101);
    assert!(
        outcome.faults.iter().any(|fault| fault.0 == "z" && fault.2.contains("150 more")),
        "{:?}",
        outcome.faults
    );
}

#[test]
fn a_run_asked_to_end_ends() {
    use crate::blob::{Blob, Body, Origin, Sink};
    struct Stopped(crate::meter::Meter);
    impl Sink for Stopped {
        fn blob(&self, _: Blob<'_>) {
            panic!("nothing is handed on");
        }
        fn fault(&self, fault: crate::blob::Fault) {
            panic!("there is no fault: {fault:?}");
        }
        fn meter(&self) -> &crate::meter::Meter {
            &self.0
        }
    }
    impl crate::finding::Apart for Stopped {
        fn apart(
            &self,
            scan: &mut dyn FnMut(&dyn crate::finding::Apart),
            _: &mut dyn FnMut(&mut crate::finding::Findings),
        ) {
            scan(self);
        }
    }
    let sink = Stopped(crate::meter::Meter::default());
    sink.0.cancel_flag().cancel();
    let unpack = crate::source::unpack::Unpack::new(&sink, Limits::default());
    let bytes = pack::tar(&[("a", &text(1))]);
    unpack.blob(Blob { body: Body::Whole(&bytes), origin: &|| Origin::file("a") });
}

#[test]
fn a_declared_window_takes_no_memory() {
    use ::zstd::zstd_safe::CParameter;
    let plain = [noise(300_000), text(1)].concat();
    let mut zstd = ::zstd::bulk::Compressor::new(3).expect("memory");
    zstd.set_parameter(CParameter::EnableLongDistanceMatching(true)).expect("known");
    zstd.set_parameter(CParameter::WindowLog(30)).expect("known");
    zstd.set_parameter(CParameter::ContentSizeFlag(false)).expect("known");
    let long = zstd.compress(&plain).expect("memory");
    let limits = Limits { max_memory: 16 * MIB, ..Limits::default() };
    for form in FORMS {
        let outcome = unpack_as(form, "cache.tzst", &long, limits).faultless();
        assert_eq!(outcome.found.len(), 1, "{form:?}");
    }
    // The dictionary's size stands behind the filter's id and the length of its properties: 512 MiB.
    let mut xz = pack::xz(&plain);
    let at = xz.windows(2).position(|bytes| bytes == [0x21, 1]).expect("an LZMA2 filter") + 2;
    xz[at] = 34;
    let header = 12..12 + (usize::from(xz[12]) + 1) * 4 - 4;
    let sum = crc32fast::hash(&xz[header.clone()]).to_le_bytes();
    xz[header.end..header.end + 4].copy_from_slice(&sum);
    let outcome = unpack_as(Form::Whole, "npmrc.xz", &xz, limits).faultless();
    assert_eq!(outcome.found.len(), 1);
}
