//! Tokens that only a reflog still has.

use super::support::{Fixture, token};
use crate::blob::LocationKind;

/// A commit whose message had a token is amended.
fn amend(fixture: &Fixture, n: u32) {
    fixture.git(&["commit", "-q", "--allow-empty", "-m", &format!("key {}", token(n))]);
    fixture.git(&["commit", "-q", "--allow-empty", "--amend", "-m", "clean"]);
}

#[test]
fn what_was_amended_away_is_found_in_the_reflog() {
    let fixture = Fixture::new();
    fixture.commit("f", "1", "one");
    amend(&fixture, 1);
    fixture.git(&["checkout", "-q", "-b", &format!("wip/{}", token(2))]);
    fixture.git(&["checkout", "-q", "main"]);
    fixture.git(&["branch", "-q", "-D", &format!("wip/{}", token(2))]);
    let linked = fixture.beside("linked");
    fixture.git(&["worktree", "add", "-q", linked.to_str().expect("a path")]);
    let message = format!("key {}", token(3));
    let commit = ["commit", "-q", "--allow-empty", "-m", &message];
    assert!(fixture.command(&linked).args(commit).status().expect("git runs").success());
    let reset = ["reset", "-q", "--hard", "HEAD~1"];
    assert!(fixture.command(&linked).args(reset).status().expect("git runs").success());
    fixture.write("f", "2");
    fixture.git(&["stash", "push", "-q", "-m", &format!("wip {}", token(4))]);
    // The objects are gone, and the reflogs are not.
    let before = fixture.scan();
    assert_eq!(before.first(&token(1)).kind, LocationKind::CommitMessage);
    assert_eq!(before.of(&token(1)).locations.len(), 1, "the reflog repeats it");
    for n in [1, 3] {
        let commit = before.first(&token(n)).details().commit.clone().expect("a commit");
        let path = format!(".git/objects/{}/{}", &commit[..2], &commit[2..]);
        std::fs::remove_file(fixture.path().join(path)).expect("it was loose");
    }
    let scan = fixture.scan();
    assert!(scan.faults.is_empty(), "{:?}", scan.faults);
    for (n, path) in [(1, ".git/logs/HEAD"), (2, ".git/logs/HEAD"), (3, ".git/logs/refs/heads/linked")] {
        let finding = scan.of(&token(n));
        let found = finding.locations.iter().find(|location| &*location.path == path);
        let found = found.unwrap_or_else(|| panic!("token {n} in {path}"));
        assert_eq!((found.kind, &found.details().commit), (LocationKind::Content, &None));
        assert!(found.line > 1 && found.column > 80, "{}:{}", found.line, found.column);
    }
    let paths: Vec<_> =
        scan.of(&token(3)).locations.iter().map(|location| location.path.to_string()).collect();
    assert!(paths.contains(&".git/worktrees/linked/logs/HEAD".to_owned()), "{paths:?}");
    assert_eq!(scan.first(&token(4)).kind, LocationKind::CommitMessage, "a stash is a commit");
}

#[test]
fn a_bare_repository_has_its_reflogs_beside_its_refs() {
    let fixture = Fixture::new();
    fixture.commit("f", "1", "one");
    let bare = fixture.beside("bare.git");
    let to = bare.to_str().expect("a path");
    fixture.git(&["clone", "-q", "--bare", ".", to]);
    std::fs::create_dir(bare.join("logs")).expect("a directory");
    let zero = "0".repeat(40);
    let line = format!("{zero} {} A <a@b> 1700000000 +0000\tpush {}\n", fixture.head(), token(1));
    std::fs::write(bare.join("logs/HEAD"), line).expect("written");
    let repo = crate::source::git::Repo::open(&bare).expect("it opens");
    let history = crate::source::git::History::new(&repo);
    let (mut findings, _) = super::support::drain(&history, crate::finding::Findings::keeping_all());
    history.attribute(&mut findings, &crate::meter::CancelFlag::default());
    let (findings, faults) = findings.finish();
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(&*findings[0].locations[0].path, "logs/HEAD");
}
