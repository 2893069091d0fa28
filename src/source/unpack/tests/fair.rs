//! One member must not use up what its neighbours need, wherever it stands.

use super::pack::{self, Member, zip_of};
use super::support::*;
use crate::blob::FaultKind;
use crate::source::unpack::Limits;

const MIB: usize = 1024 * 1024;

type Archiver = fn(&[(&str, &[u8])]) -> Vec<u8>;

/// Every archive, nested ones too.
const ARCHIVES: [(&str, Archiver); 8] = [
    ("tar", pack::tar),
    ("tgz", |members| pack::gzip(&pack::tar(members))),
    ("ar", pack::ar),
    ("zip", pack::zip),
    ("stored.zip", |members| pack::zip_as(members, ::zip::CompressionMethod::Stored)),
    ("torn.zip", |members| {
        let mut bytes = pack::zip(members);
        bytes.truncate(bytes.len() - 30);
        bytes
    }),
    ("7z", pack::sevenz),
    ("tar in a tar", |members| pack::tar(&[("inner", &pack::tar(members)), ("beside", b"nothing")])),
];

/// What uses up each limit, with limits that it uses up.
fn bombs() -> Vec<(&'static str, Vec<u8>, Limits)> {
    let default = Limits::default();
    let zeros = vec![0; 4 * MIB];
    let names: Vec<String> = (0..2100).map(|n| format!("{n}")).collect();
    let decoys: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    let quine = pack::zip(&[("a", &zeros), ("b", &zeros), ("c", &zeros)]);
    vec![
        ("expansion", pack::gzip(&zeros), Limits { max_expansion: 2 << 20, ..default }),
        ("ratio", pack::gzip(&zeros), Limits { ratio_after: 1 << 20, max_ratio: 100, ..default }),
        ("entries", pack::zip(&decoys), Limits { max_entries: 2000, ..default }),
        ("many in one", quine, Limits { max_expansion: 2 << 20, ..default }),
        (
            "twice packed",
            pack::gzip(&pack::xz(&pack::gzip(&zeros))),
            Limits { max_expansion: 2 << 20, ..default },
        ),
    ]
}

#[test]
fn an_honest_member_is_read_beside_any_bomb() {
    let honest = pack::gzip(&text(7));
    for (what, bomb, limits) in bombs() {
        for (archive, archiver) in ARCHIVES {
            let first = [&[("bomb", &bomb[..])][..], &[("honest.gz", &honest)]].concat();
            let last = [&[("honest.gz", &honest[..])][..], &[("bomb", &bomb)]].concat();
            let named: Vec<String> = (0..20).map(|n| format!("bomb {n}")).collect();
            let many: Vec<(&str, &[u8])> = named
                .iter()
                .map(String::as_str)
                .map(|name| (name, &bomb[..]))
                .chain([("honest.gz", &honest[..])])
                .collect();
            for (order, members) in [("first", &first), ("last", &last), ("twenty", &many)] {
                let forms =
                    if order == "twenty" { &[Form::Whole, Form::Pipe(1000)][..] } else { &[Form::Whole] };
                for form in forms.iter().copied() {
                    let outcome = unpack_as(form, "f", &archiver(members), limits);
                    let found = outcome.paths();
                    assert!(
                        found.iter().any(|path| path.ends_with("honest.gz!honest")),
                        "{what}, {order}, in a {archive} as {form:?}: {:?}",
                        outcome.faults
                    );
                    assert!(!outcome.faults.is_empty(), "{what}, {order}, in a {archive} as {form:?}");
                    assert!(outcome.bytes < 60 << 20, "{what}, {order}, in a {archive}: {}", outcome.bytes);
                }
            }
        }
    }
}

#[test]
fn a_bomb_is_named_with_its_share_and_nothing_else_is_blamed() {
    let limits = Limits { max_expansion: 6 << 20, ..Limits::default() };
    let bomb = pack::gzip(&vec![0; 10 * MIB]);
    let outcome = unpack_as(
        Form::Whole,
        "t.tar",
        &pack::tar(&[("bomb.gz", &bomb), ("a.gz", &pack::gzip(&text(1)))]),
        limits,
    );
    let [(path, kind, reason)] = &outcome.faults[..] else { panic!("{:?}", outcome.faults) };
    assert_eq!((path.as_str(), *kind), ("t.tar!bomb.gz", FaultKind::CutShort));
    assert!(reason.contains("its share of max_expansion = 6291456"), "{reason}");
    assert!(reason.contains("its first 3"), "half of it was read: {reason}");
}

#[test]
fn many_bombs_stay_within_the_limit_for_all() {
    let limits = Limits { max_expansion: 6 << 20, ..Limits::default() };
    let bomb = pack::gzip(&vec![0; 10 * MIB]);
    let names: Vec<String> = (0..300).map(|n| format!("{n}.gz")).collect();
    let members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &bomb[..])).collect();
    for (archive, archiver) in ARCHIVES.iter().filter(|(name, _)| matches!(*name, "tar" | "ar")) {
        let outcome = unpack_as(Form::Whole, "f", &archiver(&members), limits);
        let raw = 2 * archiver(&members).len() as u64;
        assert!(outcome.bytes < (6 << 20) + raw + 300 * 128 * 1024, "{archive}: {}", outcome.bytes);
    }
}

#[test]
fn what_an_archive_states_of_honest_members_is_theirs() {
    // Each of three takes more than the share of what is left, and all together less than the limit.
    let limits = Limits { max_expansion: 16 << 20, ..Limits::default() };
    let contents: Vec<Vec<u8>> = (1..4).map(|n| [noise(5 * MIB), text(n)].concat()).collect();
    let members: Vec<(&str, &[u8])> =
        ["a", "b", "c"].into_iter().zip(contents.iter().map(Vec::as_slice)).collect();
    for archiver in [pack::zip as Archiver, pack::sevenz] {
        let outcome = unpack_as(Form::Whole, "f", &archiver(&members), limits).faultless();
        assert_eq!(outcome.paths(), ["f!a", "f!b", "f!c"]);
    }
}

#[test]
fn a_large_member_is_read_before_small_ones_use_everything_up() {
    let large = [noise(2 * MIB), text(1)].concat();
    let names: Vec<String> = (0..200).map(|n| format!("{n}")).collect();
    let small: Vec<Member> = names.iter().map(|name| Member::deflated(name, b"small")).collect();
    let members = [vec![Member::deflated("large", &large)], small].concat();
    let limits = Limits { max_entries: 100, ..Limits::default() };
    let outcome = unpack_as(Form::Whole, "z", &zip_of(&members, b""), limits);
    assert_eq!(outcome.paths(), ["z!large"]);
    assert_eq!(outcome.faults.len(), 1, "{:?}", outcome.faults);
}

#[test]
fn a_size_that_lies_takes_no_more_than_a_share() {
    let zeros = vec![0; 10 * MIB];
    let mut members: Vec<Member> = (0..20).map(|n| Member::deflated(&format!("bomb {n}"), &zeros)).collect();
    for member in &mut members {
        member.size = 10;
    }
    members.push(Member::deflated("honest", &text(1)));
    let limits = Limits { max_expansion: 16 << 20, ..Limits::default() };
    let outcome = unpack_as(Form::Whole, "z", &zip_of(&members, b""), limits);
    assert_eq!(outcome.paths(), ["z!honest"]);
    assert!(outcome.bytes < 17 << 20, "{}", outcome.bytes);
}

#[test]
fn files_behind_a_bomb_in_one_block_are_read() {
    use sevenz_rust2::{ArchiveEntry, ArchiveWriter, SourceReader};
    let (zeros, honest) = (vec![0; 10 * MIB], [noise(100_000), text(1)].concat());
    for max_ratio in [100, 1_000_000] {
        let mut out = ArchiveWriter::new(std::io::Cursor::new(Vec::new())).expect("memory");
        let entries = ["bomb", "honest"].map(ArchiveEntry::new_file).to_vec();
        let readers = vec![SourceReader::from(&zeros[..]), SourceReader::from(&honest[..])];
        out.push_archive_entries(entries, readers).expect("memory");
        let bytes = out.finish().expect("memory").into_inner();
        let limits = Limits { ratio_after: 2 << 20, max_ratio, max_expansion: 40 << 20, ..Limits::default() };
        let outcome = unpack_as(Form::Whole, "s.7z", &bytes, limits);
        assert!(outcome.paths().contains(&"s.7z!honest"), "{:?}", outcome.faults);
        assert_eq!(outcome.faults.len(), usize::from(max_ratio == 100), "{:?}", outcome.faults);
    }
}
