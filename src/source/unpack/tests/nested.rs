//! Containers in containers.

use proptest::prelude::*;

use super::pack;
use super::support::*;
use crate::blob::FaultKind;
use crate::source::unpack::Limits;

/// Puts a member called `name` into a container; what its path is called behind that of the container.
#[derive(Clone, Copy, Debug)]
enum Wrap {
    Zip,
    StoredZip,
    Tar,
    Ar,
    SevenZ,
    Gzip,
    Bzip2,
    Xz,
    Lzma,
    Zstd,
    Lz4,
}

const WRAPS: [Wrap; 11] = [
    Wrap::Zip,
    Wrap::StoredZip,
    Wrap::Tar,
    Wrap::Ar,
    Wrap::SevenZ,
    Wrap::Gzip,
    Wrap::Bzip2,
    Wrap::Xz,
    Wrap::Lzma,
    Wrap::Zstd,
    Wrap::Lz4,
];

impl Wrap {
    fn compresses(self) -> bool {
        matches!(self, Wrap::Gzip | Wrap::Bzip2 | Wrap::Xz | Wrap::Lzma | Wrap::Zstd | Wrap::Lz4)
    }

    fn wrap(self, name: &str, bytes: &[u8], beside: &[u8]) -> Vec<u8> {
        let members = [("first", beside), (name, bytes), ("last", beside)];
        match self {
            Wrap::Zip => pack::zip(&members),
            Wrap::StoredZip => pack::zip_as(&members, ::zip::CompressionMethod::Stored),
            Wrap::Tar => pack::tar(&members),
            Wrap::Ar => pack::ar(&members),
            Wrap::SevenZ => pack::sevenz(&members),
            Wrap::Gzip => pack::gzip(bytes),
            Wrap::Bzip2 => pack::bzip2(bytes),
            Wrap::Xz => pack::xz(bytes),
            Wrap::Lzma => pack::lzma(bytes),
            Wrap::Zstd => pack::zstd(bytes),
            Wrap::Lz4 => pack::lz4(bytes),
        }
    }
}

/// Wraps `plain`, innermost first; the whole, and the path the plain text has in it.
fn build(wraps: &[Wrap], plain: &[u8], beside: &[u8]) -> (Vec<u8>, String) {
    let mut bytes = plain.to_vec();
    let mut path = String::new();
    let mut inner: Option<Wrap> = None;
    for (level, wrap) in wraps.iter().enumerate() {
        let name = format!("m{level}");
        bytes = wrap.wrap(&name, &bytes, beside);
        let merged = wrap.compresses() && matches!(inner, Some(Wrap::Tar));
        let step = if wrap.compresses() { "content".to_owned() } else { name };
        path = if merged { path } else { format!("!{step}{path}") };
        inner = Some(*wrap);
    }
    (bytes, format!("top{path}"))
}

/// How many levels of depth a nesting takes.
fn depth(wraps: &[Wrap]) -> u32 {
    let merged = wraps.windows(2).filter(|pair| matches!(pair[0], Wrap::Tar) && pair[1].compresses()).count();
    u32::try_from(wraps.len() - merged).expect("few")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_token_is_found_through_three_containers_of_any_kind(
        wraps in prop::collection::vec(prop::sample::select(&WRAPS[..]), 1..=3),
        before in prop_oneof![Just(0_usize), 0..200_usize, 100_000..300_000_usize],
        beside in prop_oneof![Just(0_usize), 0..2000_usize, Just(150_001_usize)],
        form in prop::sample::select(&FORMS[..]),
    ) {
        let plain = [noise(before), b"\n".to_vec(), text(1)].concat();
        let (bytes, path) = build(&wraps, &plain, &noise(beside));
        let outcome = unpack_as(form, "top", &bytes, Limits::default());
        let locations: Vec<_> = outcome.found.iter().map(|found| (found.path.as_str(), found.offset)).collect();
        prop_assert_eq!(locations, [(path.as_str(), before as u64 + 1 + OFFSET)]);
        prop_assert!(outcome.faults.is_empty(), "{:?}", outcome.faults);
    }
}

#[test]
fn every_pair_of_containers() {
    for inner in WRAPS {
        for outer in WRAPS {
            let (bytes, path) = build(&[inner, outer], &text(1), b"beside");
            let outcome = unpack("top", &bytes).faultless();
            assert_eq!(outcome.found, [Found::content(&path, OFFSET, LINE)], "{inner:?} in {outer:?}");
        }
    }
}

#[test]
fn depth_is_counted_and_what_is_deeper_is_reported() {
    // Stored all through, so that the raw bytes still show the token where nothing is opened.
    for wraps in
        [&[Wrap::Tar; 4][..], &[Wrap::StoredZip; 4], &[Wrap::Ar, Wrap::Tar, Wrap::StoredZip, Wrap::Ar]]
    {
        let (bytes, path) = build(wraps, &text(1), b"beside");
        for max in 1..=5 {
            let limits = Limits { max_archive_depth: max, ..Limits::default() };
            let outcome = unpack_as(Form::Whole, "top", &bytes, limits);
            let cut = depth(wraps) > max;
            assert_eq!(outcome.found.len(), 1, "{wraps:?} at {max}");
            assert_eq!(outcome.found[0].path == path, !cut, "{wraps:?} at {max}");
            assert_eq!(outcome.faults.len(), usize::from(cut), "{wraps:?} at {max}: {:?}", outcome.faults);
            if let [(_, kind, reason)] = &outcome.faults[..] {
                assert_eq!(*kind, FaultKind::CutShort);
                assert!(reason.contains("max_archive_depth"), "{reason}");
            }
        }
    }
}

#[test]
fn a_depth_of_zero_opens_and_reports_nothing() {
    let limits = Limits { max_archive_depth: 0, ..Limits::default() };
    let outcome = unpack_as(Form::Whole, "a.gz", &pack::gzip(&text(1)), limits).faultless();
    assert_eq!(outcome.found, []);
    let stored = pack::zip_as(&[("a", &text(1))], ::zip::CompressionMethod::Stored);
    let outcome = unpack_as(Form::Whole, "a.zip", &stored, limits).faultless();
    assert_eq!(outcome.paths(), ["a.zip"]);
}
