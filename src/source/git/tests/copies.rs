//! An object that is there more than once, and large ones: read by its id as well as on the way through the pack.

use std::fs;
use std::path::PathBuf;

use super::support::{Fixture, Scan, changes, token};
use crate::source::git::{Range, Repo};

/// A text that many versions share, so that all but one of them are deltas.
fn text(n: u32) -> String {
    let lines: Vec<String> =
        (0..400).map(|line| format!("line {line} of a file that stays as it is")).collect();
    format!("{}\n{n} {}\n", lines.join("\n"), token(n))
}

fn pack_dir(fixture: &Fixture) -> PathBuf {
    fixture.path().join(".git/objects/pack")
}

fn packs(fixture: &Fixture) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(pack_dir(fixture)).expect("a directory").map(|entry| entry.expect("one").path());
    let mut packs: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "pack")).collect();
    packs.sort();
    packs
}

/// Spoils the entry of an object in a pack.
fn spoil(fixture: &Fixture, pack: &PathBuf, id: &str) {
    let listed = fixture.git(&["verify-pack", "-v", pack.to_str().expect("a path")]);
    let line = listed.lines().find(|line| line.starts_with(id)).expect("it is in the pack");
    let fields: Vec<&str> = line.split_whitespace().collect();
    let number = |at: usize| fields[at].parse::<usize>().expect("a number");
    let middle = number(4) + number(3) / 2;
    let mut bytes = fs::read(pack).expect("readable");
    bytes[middle..middle + 4].iter_mut().for_each(|byte| *byte ^= 0x55);
    fs::remove_file(pack).expect("removed");
    fs::write(pack, bytes).expect("written");
}

fn range(fixture: &Fixture) -> Scan {
    let repo = fixture.repo();
    scan_head(&repo)
}

/// What the range `HEAD` of a repository, all of its commits, adds.
fn scan_head(repo: &Repo) -> Scan {
    let range = Range::new(repo, "HEAD").expect("a range");
    changes(&range, |range, findings, rescan| range.retain_added(findings, rescan, &|| false))
}

/// Five versions of a file in a pack, and all of them once more in another, which has one commit more.
fn two_packs() -> Fixture {
    let fixture = Fixture::new();
    for n in 0..5 {
        fixture.commit("f", text(n), "more");
    }
    fixture.repack();
    fixture.git(&["commit", "-q", "--allow-empty", "-m", "last"]);
    let all = fixture.git(&["rev-list", "--objects", "--no-object-names", "HEAD"]);
    fixture.git_with_input(&["pack-objects", "-q", ".git/objects/pack/pack"], format!("{all}\n").as_bytes());
    fixture
}

#[test]
fn a_sound_copy_in_either_pack_is_read() {
    for n in 0..2 {
        let fixture = two_packs();
        // The one that others are deltas against.
        let blob = fixture.git(&["rev-parse", "HEAD:f"]);
        let pack = packs(&fixture)[n].clone();
        spoil(&fixture, &pack, &blob);
        let scan = fixture.scan();
        assert_eq!((scan.found().len(), scan.faults.len()), (5, 0), "{:?}", scan.faults);
        let scan = range(&fixture);
        assert_eq!((scan.found().len(), scan.faults.len()), (5, 0), "{:?}", scan.faults);
    }
}

#[test]
fn without_a_sound_copy_what_depends_on_it_is_named() {
    let fixture = two_packs();
    let blob = fixture.git(&["rev-parse", "HEAD:f"]);
    for pack in packs(&fixture) {
        spoil(&fixture, &pack, &blob);
    }
    let scan = fixture.scan();
    assert!(
        scan.faults.iter().any(|fault| fault.path == "f" && fault.reason.contains(&blob)),
        "{:?}",
        scan.faults
    );
    assert_eq!(scan.found().len() + scan.faults.len(), 5, "{:?}", scan.faults);
    // Where it turns up again, all that depends on it can be read.
    fixture.write("f", text(4));
    assert_eq!(fixture.git(&["hash-object", "--no-filters", "f"]), blob);
    let loose = fixture.path().join(".git/objects").join(&blob[..2]);
    let other = Fixture::new();
    other.commit("f", text(4), "the same");
    fs::create_dir_all(&loose).expect("a directory");
    let copy = other.path().join(".git/objects").join(&blob[..2]).join(&blob[2..]);
    fs::copy(copy, loose.join(&blob[2..])).expect("copied");
    let scan = fixture.scan();
    assert_eq!((scan.found().len(), scan.faults.len()), (5, 0), "{:?}", scan.faults);
}

#[test]
fn large_blobs_are_streams_however_they_are_stored() {
    let fixture = Fixture::new();
    let block = "a line of a log with nothing in it\n".repeat(30_000);
    let large = |n: u32| format!("{}{}\n", block.repeat(35), token(n));
    fixture.commit("large", large(1), "one");
    fixture.commit("large", format!("{}{}", large(1), large(2)), "two");
    for packed in [false, true] {
        if packed {
            fixture.repack();
            let listed = fixture.git(&["verify-pack", "-v", packs(&fixture)[0].to_str().expect("a path")]);
            assert!(listed.contains("chain length = 1: "), "one is a delta");
        }
        for scan in [fixture.scan(), range(&fixture)] {
            assert_eq!(
                (scan.found().len(), scan.faults.len()),
                (2, 0),
                "packed: {packed}, {:?}",
                scan.faults
            );
        }
        let repo = Repo::open(&fixture.path()).expect("it opens").with_max_blob_size(1 << 20);
        let scan = scan_head(&repo);
        assert_eq!((scan.found().len(), scan.faults.len()), (0, 2), "packed: {packed}");
    }
}

#[test]
fn a_pack_without_an_index_is_read() {
    for options in [&["--delta-base-offset"][..], &[]] {
        let fixture = Fixture::new();
        let commits: Vec<String> = (0..5).map(|n| fixture.commit("d/f", text(n), "more")).collect();
        let all = fixture.git(&["rev-list", "--objects", "--no-object-names", "HEAD"]);
        let arguments = [&["pack-objects", "-q"], options, &["../pack"]].concat();
        fixture.git_with_input(&arguments, format!("{all}\n").as_bytes());
        let mut beside =
            fs::read_dir(fixture.beside("")).expect("a directory").map(|entry| entry.expect("one").path());
        let pack = beside.find(|path| path.extension().is_some_and(|end| end == "pack")).expect("the pack");
        let bytes = fs::read(pack).expect("readable");
        fs::remove_dir_all(fixture.path().join(".git/objects")).expect("removed");
        fs::create_dir_all(pack_dir(&fixture)).expect("a directory");
        for name in ["pack-0123.pack", "tmp_pack_x7"] {
            let path = pack_dir(&fixture).join(name);
            fs::write(&path, &bytes).expect("written");
            let scan = fixture.scan();
            assert_eq!((scan.found().len(), scan.faults.len()), (5, 0), "{:?}", scan.faults);
            let location = scan.first(&token(3));
            assert_eq!(
                (&*location.path, location.details().commit.as_deref()),
                ("d/f", Some(commits[3].as_str()))
            );
            // What a fetch did not bring is no loss of this repository's, but it is said; that a ref leads there is one.
            for keep in [0, 3, 40, bytes.len() / 2, bytes.len() - 25] {
                fs::write(&path, &bytes[..keep]).expect("written");
                let scan = fixture.scan();
                let of_pack = scan.faults.iter().filter(|fault| fault.path.ends_with(name));
                let kinds: Vec<_> = of_pack.map(|fault| fault.kind).collect();
                assert_eq!(kinds, [crate::blob::FaultKind::PassedOver], "{keep}");
            }
            fs::remove_file(&path).expect("removed");
        }
    }
}
