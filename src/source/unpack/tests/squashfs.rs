//! `SquashFS` images: whole, nested, cut off, and hostile.

use proptest::prelude::*;

use super::pack;
use super::squashfs_image::{CODECS, Node, Options, squashfs};
use super::support::*;
use crate::blob::{FaultKind, LocationKind};
use crate::source::unpack::Limits;

/// A token across the edge of two blocks, and one in a block behind a hole.
fn large() -> Vec<u8> {
    let mut bytes = vec![b'x'; 20_000];
    bytes[8170..8174].copy_from_slice(b"    ");
    bytes[8174..8214].copy_from_slice(token(3).as_bytes());
    bytes[8214] = b' ';
    bytes.extend(vec![0; 300_000]);
    bytes.extend(text(4));
    bytes
}

fn image(options: Options) -> Vec<u8> {
    let (large, noise, small) = (large(), [noise(9000), text(5)].concat(), text(1));
    let packed = pack::gzip(&text(6));
    let many: Vec<String> = (0..400).map(|n| format!("a file of which there are many, number {n}")).collect();
    let link = format!("/some/where/{}", token(7));
    let name = format!("named {}", token(8));
    let nodes = vec![
        ("empty", Node::File(b"")),
        (
            "etc",
            Node::Directory(vec![
                ("a", Node::File(&small)),
                ("b.gz", Node::File(&packed)),
                ("link", Node::Link(&link)),
            ]),
        ),
        (
            "many",
            Node::Directory(many.iter().map(|name| (name.as_str(), Node::File(name.as_bytes()))).collect()),
        ),
        ("noise", Node::File(&noise)),
        ("pipe", Node::Pipe),
        (&name, Node::File(b"of no interest")),
        ("usr", Node::Directory(vec![("bin", Node::Directory(vec![("large", Node::File(&large))]))])),
        ("zero", Node::Directory(Vec::new())),
    ];
    squashfs(nodes, &text(9), options)
}

/// What is found in that, but for the attributes.
fn expected(path: &str) -> Vec<Found> {
    let content = |member: &str, offset, line| Found::content(&format!("{path}!{member}"), offset, line);
    let link = Found { kind: LocationKind::SymlinkTarget, ..content("etc/link", 12, 1) };
    // Paths are shown without the token.
    let name = Found {
        path: format!("{path}!named ghp_…"),
        offset: path.len() as u64 + 7,
        line: 1,
        kind: LocationKind::FileName,
    };
    let noise_lines = memchr::memchr_iter(b'\n', &noise(9000)).count() as u64;
    vec![
        content("etc/a", OFFSET, LINE),
        content("etc/b.gz!b", OFFSET, LINE),
        link,
        name,
        content("noise", 9000 + OFFSET, noise_lines + LINE),
        content("usr/bin/large", 8174, 1),
        content("usr/bin/large", 320_000 + OFFSET, LINE),
    ]
}

#[track_caller]
fn check(outcome: &Outcome, path: &str) {
    let mut found: Vec<Found> =
        outcome.found.iter().filter(|found| found.path.starts_with(&format!("{path}!"))).cloned().collect();
    for found in &mut found {
        if let Some(at) = found.path.find("ghp_") {
            found.path.truncate(at);
            found.path.push_str("ghp_…");
        }
    }
    assert_eq!(found, expected(path));
}

#[test]
fn each_compressor_is_read() {
    for codec in CODECS {
        let bytes = image(Options { codec, ..Options::usual() });
        for form in FORMS {
            let outcome = unpack_as(form, "a.squashfs", &bytes, Limits::default()).faultless();
            check(&outcome, "a.squashfs");
        }
    }
}

#[test]
fn each_way_to_keep_things_is_read() {
    for bits in 0..16 {
        let options = Options {
            fragments: bits & 1 != 0,
            compress_data: bits & 2 != 0,
            compress_metadata: bits & 4 != 0,
            long: bits & 8 != 0,
            block: if bits % 4 == 0 { 131_072 } else { 4096 },
            codec: CODECS[0],
        };
        let outcome = unpack("a.snap", &image(options)).faultless();
        check(&outcome, "a.snap");
        assert!(outcome.found.iter().any(|found| found.path == "a.snap"), "the attribute");
    }
}

#[test]
fn one_in_an_archive_is_read() {
    let bytes = image(Options::usual());
    check(
        &unpack("a.tgz", &pack::gzip(&pack::tar(&[("b.squashfs", &bytes)]))).faultless(),
        "a.tgz!b.squashfs",
    );
    check(&unpack("a.zip", &pack::zip(&[("b.squashfs", &bytes)])).faultless(), "a.zip!b.squashfs");
}

#[test]
fn one_behind_its_program_is_read() {
    let mut program = vec![0; 5000];
    program[..11].copy_from_slice(b"\x7fELF\x02\x01\x01\0AI\x02");
    program[40..48].copy_from_slice(&4872_u64.to_le_bytes());
    program[58..62].copy_from_slice(&[64, 0, 2, 0]);
    program[1000..1000 + text(20).len()].copy_from_slice(&text(20));
    let bytes = [&program[..], &image(Options::usual()), &text(21)].concat();
    for form in [Form::Whole, Form::File(700)] {
        let outcome = unpack_as(form, "a.AppImage", &bytes, Limits::default()).faultless();
        check(&outcome, "a.AppImage");
        let behind = (bytes.len() - text(21).len()) as u64 + OFFSET;
        for offset in [1000 + OFFSET, behind] {
            assert!(outcome.found.iter().any(|found| found.path == "a.AppImage" && found.offset == offset));
        }
    }
    // A program without one is a program.
    let outcome = unpack("program", &program).faultless();
    assert_eq!(outcome.paths(), ["program"]);
}

#[test]
fn older_versions_are_said() {
    let mut bytes = image(Options { compress_data: false, ..Options::usual() });
    for (magic, version) in [(b"hsqs", [3, 0, 1, 0]), (b"sqsh", [0, 3, 0, 1])] {
        bytes[..4].copy_from_slice(magic);
        bytes[28..32].copy_from_slice(&version);
        let outcome = unpack("a.squashfs", &bytes);
        let [(_, FaultKind::AsBytes("unsupported"), reason)] = &outcome.faults[..] else {
            panic!("{:?}", outcome.faults)
        };
        assert!(reason.contains("an older version of SquashFS"), "{reason}");
        assert!(outcome.paths().contains(&"a.squashfs"), "it is scanned as it is");
    }
}

#[test]
fn a_directory_that_holds_itself_is_read_once() {
    let nodes = vec![("a", Node::File(&[b'x'; 10][..])), ("loop", Node::Directory(vec![("a", Node::Pipe)]))];
    let options = Options { compress_metadata: false, ..Options::usual() };
    let mut bytes = squashfs(nodes, b"none", options);
    // The entry of the directory leads to the root.
    let root = bytes[32..34].to_vec();
    let name = memchr::memmem::find(&bytes, b"loop").expect("the name");
    bytes[name - 8..name - 6].copy_from_slice(&root);
    let outcome = unpack("a.squashfs", &bytes);
    let [(path, FaultKind::Damaged, reason)] = &outcome.faults[..] else { panic!("{:?}", outcome.faults) };
    assert!(path.ends_with("!loop") && reason.contains("in two places"), "{path} {reason}");
}

#[test]
fn a_damaged_block_loses_itself_only() {
    let options = Options { compress_data: true, ..Options::usual() };
    let mut bytes = image(options);
    // The first block of data is the end of no other file.
    let at = 96 + 40;
    bytes[at..at + 8].copy_from_slice(&[0x55; 8]);
    let outcome = unpack("a.squashfs", &bytes);
    assert!(!outcome.faults.is_empty());
    let members = outcome.found.iter().filter(|found| found.path.contains('!')).count();
    assert!(members + 3 >= expected("a").len(), "{:?}", outcome.found);
}

#[test]
fn a_bomb_is_cut_short_and_its_neighbours_are_read() {
    let bomb = vec![b'x'; 10 << 20];
    let nodes = vec![
        ("a", Node::File(b"small")),
        ("bomb", Node::File(&bomb)),
        ("z", Node::Directory(vec![("last", Node::Link("ghp"))])),
    ];
    let last = text(1);
    let nodes = nodes.into_iter().chain([("zz", Node::File(last.as_slice()))]).collect();
    let bytes = squashfs(nodes, b"none", Options { block: 131_072, ..Options::usual() });
    let limits = Limits { ratio_after: 1 << 20, max_ratio: 100, ..Limits::default() };
    let outcome = unpack_as(Form::Whole, "a.squashfs", &bytes, limits);
    let [(path, FaultKind::CutShort, reason)] = &outcome.faults[..] else { panic!("{:?}", outcome.faults) };
    assert!(path.ends_with("!bomb") && reason.contains("max_ratio"), "{path} {reason}");
    assert_eq!(outcome.paths(), ["a.squashfs!zz"]);
    assert!(outcome.bytes < 8 << 20);
}

#[test]
fn cut_off_anywhere_nothing_is_lost_that_its_bytes_show() {
    for compress_data in [false, true] {
        let bytes = image(Options { compress_data, ..Options::usual() });
        for cut in (1..bytes.len()).step_by(bytes.len() / 40) {
            let cut = &bytes[..cut];
            let outcome = unpack("a.squashfs", cut);
            let plain = unpack("plain", &[b" ", cut].concat());
            // As it stands: what is compressed in it, only the whole image tells of.
            let plain = plain.found.iter().filter(|found| found.path == "plain").count();
            assert!(outcome.found.len() >= plain, "{} {compress_data}", cut.len());
            assert!(cut.len() < 32 || !outcome.faults.is_empty(), "{}", cut.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]
    #[test]
    fn damage_is_survived(
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        stored in any::<bool>(),
        part in 0_usize..3,
    ) {
        let mut bytes = image(Options { compress_metadata: !stored, ..Options::usual() });
        let len = bytes.len();
        let range = match part {
            0 => 0..96,
            1 => len - len / 3..len,
            _ => 0..len,
        };
        for (at, byte) in flips {
            bytes[range.start + at.index(range.len())] ^= byte;
        }
        let limits = Limits { max_expansion: 64 << 20, max_seconds: 5, ..Limits::default() };
        unpack_as(Form::Whole, "a.squashfs", &bytes, limits);
    }
}

#[test]
fn blocks_are_found_where_the_tables_were_cut_off() {
    let whole = image(Options::usual());
    let inodes = u64::from_le_bytes(*whole[64..].first_chunk().expect("a superblock"));
    let cut = &whole[..usize::try_from(inodes).expect("small")];
    for form in FORMS {
        let outcome = unpack_as(form, "a.squashfs", cut, Limits::default());
        let is_in_block = |path: &&str| path.starts_with("a.squashfs!@");
        // Those of the files that are in blocks of their own, or share one.
        assert!(
            outcome.paths().iter().filter(|path| is_in_block(path)).count() >= 3,
            "{form:?}: {outcome:?}"
        );
        assert!(
            outcome.faults.iter().any(|(_, kind, _)| *kind == FaultKind::Damaged),
            "{form:?}: {outcome:?}"
        );
    }
}
