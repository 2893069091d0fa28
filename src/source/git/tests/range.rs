//! What commits add.

use super::support::{Fixture, Scan, changes, token};
use crate::blob::LocationKind;
use crate::source::git::Range;

fn range(fixture: &Fixture, spec: &str) -> Scan {
    let repo = fixture.repo();
    let range = Range::new(&repo, spec).unwrap_or_else(|error| panic!("{spec}: {error}"));
    changes(&range, |range, findings, rescan| range.retain_added(findings, rescan, &|| false))
}

/// The numbers of the tokens found, of the first twenty.
fn found(scan: &Scan) -> Vec<u32> {
    let found = scan.found();
    let hex = |n: u32| crate::token::Fingerprint::of(token(n).as_bytes()).hex();
    (0..20).filter(|n| found.contains_key(&hex(*n))).collect()
}

#[test]
fn only_what_the_commits_add_counts() {
    let fixture = Fixture::new();
    let first = fixture.commit("f", token(1), "one");
    let second = fixture.commit("f", format!("{}\n{}", token(1), token(2)), "two");
    let third = fixture.commit("f", format!("{}\n", token(2)), &format!("three {}", token(3)));
    let scan = range(&fixture, &format!("{first}..{second}"));
    assert_eq!(found(&scan), [2]);
    assert_eq!(scan.first(&token(2)).details().commit.as_deref(), Some(second.as_str()));
    assert_eq!((scan.first(&token(2)).line, &*scan.first(&token(2)).path), (2, "f"));
    assert_eq!(scan.reading.commits, 1);
    assert_eq!(found(&range(&fixture, &format!("{second}..{third}"))), [3]);
    assert_eq!(found(&range(&fixture, "HEAD~2..")), [2, 3]);
    assert_eq!(found(&range(&fixture, "HEAD")), [1, 2, 3]);
    for last in ["HEAD^!", "HEAD^-", "HEAD^-1"] {
        assert_eq!(found(&range(&fixture, last)), [3], "{last}");
    }
    assert_eq!(found(&range(&fixture, "HEAD ^HEAD~1")), [3]);
    assert_eq!(found(&range(&fixture, "HEAD..HEAD")), [0; 0]);
    let zero = "0".repeat(40);
    assert_eq!(found(&range(&fixture, &format!("{zero}..{third}"))), [1, 2, 3]);
    assert_eq!(found(&range(&fixture, &format!("{third}..{zero}"))), [0; 0]);
    assert!(Range::new(&fixture.repo(), "no-such-branch..HEAD").is_err());
    assert!(Range::new(&fixture.repo(), "").is_err());
}

#[test]
fn a_merge_adds_what_neither_side_had() {
    let fixture = Fixture::new();
    let base = fixture.commit("base", "base\n", "base");
    fixture.git(&["checkout", "-q", "-b", "side"]);
    fixture.commit("both", format!("theirs {}\n", token(1)), "theirs");
    fixture.git(&["checkout", "-q", "main"]);
    let ours = fixture.commit("both", format!("ours {}\n", token(2)), "ours");
    let _ = fixture.command(&fixture.path()).args(["merge", "-q", "side"]).output();
    fixture.write("both", format!("{} {} {}\n", token(1), token(2), token(3)));
    fixture.git(&["add", "-A"]);
    fixture.git(&["commit", "-q", "-m", "merge"]);
    let merge = fixture.head();
    let scan = range(&fixture, "HEAD^!");
    assert_eq!(found(&scan), [3]);
    assert_eq!(scan.first(&token(3)).details().commit.as_deref(), Some(merge.as_str()));
    // From our side, the other side's commits come in with it.
    let scan = range(&fixture, &format!("{ours}..HEAD"));
    assert_eq!(found(&scan), [1, 3]);
    assert_eq!(found(&range(&fixture, &format!("{base}..side"))), [1]);
    assert_eq!(found(&range(&fixture, "main~1...side")), [1, 2]);
}

#[test]
fn a_move_adds_nothing_and_a_copy_does() {
    let fixture = Fixture::new();
    fixture.commit("old/name", format!("{}\nmore\n", token(1)), "one");
    fixture.git(&["mv", "old", "new"]);
    fixture.commit("new/name", format!("{}\nmore\nand more\n", token(1)), "moved and changed");
    assert_eq!(found(&range(&fixture, "HEAD^!")), [0; 0]);
    fixture.commit("copy", token(1), "copied");
    assert_eq!(found(&range(&fixture, "HEAD^!")), [1]);
}

#[test]
fn names_authors_and_tags_are_scanned() {
    let fixture = Fixture::new();
    fixture.commit(&format!("dir/{}", token(1)), "x", "named");
    fixture.git(&["commit", "-q", "--allow-empty", "-m", "by", "--author", &format!("{} <a@b>", token(2))]);
    fixture.git(&["tag", "-a", "v1", "-m", &token(3)]);
    let scan = range(&fixture, "v1");
    assert_eq!(found(&scan), [1, 2, 3]);
    let name = scan.first(&token(1));
    assert_eq!((name.kind, name.offset, name.column), (LocationKind::FileName, 4, 5));
    assert_eq!(scan.first(&token(2)).kind, LocationKind::CommitAuthor);
    assert_eq!(scan.first(&token(3)).kind, LocationKind::TagMessage);
}
