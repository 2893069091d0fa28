//! What is staged.

use std::path::PathBuf;

use super::support::{Fixture, Scan, changes, token};
use crate::blob::LocationKind;
use crate::source::git::{Repo, Staged};

fn staged(repo: &Repo, paths: &[&str]) -> Scan {
    let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
    let staged = Staged::new(repo, &paths).expect("readable");
    changes(&staged, Staged::retain_added)
}

fn found(scan: &Scan) -> Vec<u32> {
    let found = scan.found();
    let hex = |n: u32| crate::token::Fingerprint::of(token(n).as_bytes()).hex();
    (0..20).filter(|n| found.contains_key(&hex(*n))).collect()
}

#[test]
fn the_index_counts_and_the_work_tree_does_not() {
    let fixture = Fixture::new();
    fixture.commit("clean", "nothing\n", "one");
    fixture.write("staged", format!("a\n{}\n", token(1)));
    fixture.git(&["add", "staged"]);
    fixture.write("staged", "cleaned up, but not staged\n");
    fixture.write("clean", token(2));
    fixture.write("untracked", token(3));
    let scan = staged(&fixture.repo(), &[]);
    assert_eq!(found(&scan), [1]);
    assert_eq!(scan.reading.objects, 1);
    let location = scan.first(&token(1));
    assert_eq!((&*location.path, location.line, location.details().commit.as_deref()), ("staged", 2, None));
    assert!(location.details().object.is_some());
}

#[test]
fn everything_counts_before_the_first_commit() {
    let fixture = Fixture::new();
    fixture.write("deep/er/f", token(1));
    fixture.write("g", token(2));
    fixture.git(&["add", "-A"]);
    assert_eq!(found(&staged(&fixture.repo(), &[])), [1, 2]);
}

#[test]
fn what_the_last_commit_has_is_not_new() {
    let fixture = Fixture::new();
    fixture.commit("f", format!("{}\n", token(1)), "leaked before");
    fixture.commit("gone", format!("{}\n", token(3)), "leaked before");
    fixture.write("f", format!("{}\nan edit\n", token(1)));
    fixture.git(&["mv", "gone", "moved"]);
    fixture.write("moved", format!("{}\nan edit\n", token(3)));
    fixture.git(&["add", "-A"]);
    let scan = staged(&fixture.repo(), &[]);
    assert_eq!((found(&scan), scan.reading.objects), (vec![], 2));
    fixture.write("f", format!("{}\n{}\n", token(1), token(2)));
    fixture.git(&["add", "-A"]);
    assert_eq!(found(&staged(&fixture.repo(), &[])), [2]);
}

#[test]
fn only_changed_directories_are_compared() {
    let fixture = Fixture::new();
    for n in 0..5 {
        fixture.write(&format!("dir{n}/sub/file"), format!("{n}"));
        fixture.write(&format!("dir{n}.txt"), format!("{n}"));
    }
    fixture.git(&["add", "-A"]);
    fixture.git(&["commit", "-q", "-m", "many"]);
    fixture.write("dir3/sub/file", token(1));
    fixture.write("dir3/new/file", token(2));
    fixture.git(&["add", "-A"]);
    let scan = staged(&fixture.repo(), &[]);
    assert_eq!((found(&scan), scan.reading.objects), (vec![1, 2], 2));
    // A file where a directory was.
    fixture.git(&["rm", "-rq", "dir4"]);
    fixture.write("dir4", token(4));
    fixture.git(&["add", "-A"]);
    assert_eq!(found(&staged(&fixture.repo(), &[])), [1, 2, 4]);
}

#[test]
fn only_wanted_paths_are_compared() {
    let fixture = Fixture::new();
    fixture.write("a/one", token(1));
    fixture.write("a/two", token(2));
    fixture.write("ab", token(3));
    fixture.git(&["add", "-A"]);
    let path = |name: &str| fixture.path().join(name);
    let one = |name: &str| found(&staged(&fixture.repo(), &[path(name).to_str().expect("a path")]));
    assert_eq!(one("a"), [1, 2]);
    assert_eq!(one("a/../a/two"), [2]);
    assert_eq!(one("ab"), [3]);
    assert_eq!(one("."), [1, 2, 3]);
    assert_eq!(one("nothing"), [0; 0]);
    let outside = [fixture.beside("elsewhere")];
    assert!(Staged::new(&fixture.repo(), &outside).is_err());
}

#[test]
fn conflicts_links_names_and_odd_entries() {
    let fixture = Fixture::new();
    fixture.commit("both", "base\n", "base");
    fixture.git(&["checkout", "-q", "-b", "side"]);
    fixture.commit("both", format!("{}\n", token(1)), "theirs");
    fixture.git(&["checkout", "-q", "main"]);
    fixture.commit("both", "ours\n", "ours");
    // What is merged has a token already; what is picked gets it a second time.
    for (command, expected) in [("merge", &[][..]), ("cherry-pick", &[1])] {
        let _ = fixture.command(&fixture.path()).args([command, "side"]).output();
        assert_eq!(found(&staged(&fixture.repo(), &[])), expected, "{command}");
        fixture.git(&["reset", "-q", "--hard"]);
    }
    // What resolves a conflict is the merge's own.
    let _ = fixture.command(&fixture.path()).args(["merge", "-q", "side"]).output();
    fixture.write("both", format!("{}\n{}\n", token(1), token(5)));
    fixture.git(&["add", "both"]);
    assert_eq!(found(&staged(&fixture.repo(), &[])), [5]);
    fixture.git(&["reset", "-q", "--hard"]);

    fixture.write("intended", token(2));
    fixture.git(&["add", "-N", "intended"]);
    fixture.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{},module", fixture.head())]);
    let scan = staged(&fixture.repo(), &[]);
    assert_eq!((found(&scan), scan.faults.len(), scan.reading.objects), (vec![], 0, 0));

    fixture.write(&token(3), "a name");
    #[cfg(unix)]
    std::os::unix::fs::symlink(token(4), fixture.path().join("link")).expect("a link");
    fixture.git(&["add", "-A"]);
    let scan = staged(&fixture.repo(), &[]);
    assert_eq!(scan.first(&token(3)).kind, LocationKind::FileName);
    #[cfg(unix)]
    assert_eq!(scan.first(&token(4)).kind, LocationKind::SymlinkTarget);
}

#[test]
fn a_linked_work_tree_has_an_index_of_its_own() {
    let fixture = Fixture::new();
    fixture.commit("f", "x", "one");
    let linked = fixture.beside("linked");
    fixture.git(&["worktree", "add", "-q", linked.to_str().expect("a path")]);
    std::fs::write(linked.join("g"), token(1)).expect("written");
    let added = fixture.command(&linked).args(["add", "-A"]).status().expect("git runs");
    assert!(added.success());
    assert_eq!(found(&staged(&Repo::open(&linked).expect("it opens"), &[])), [1]);
    assert_eq!(found(&staged(&fixture.repo(), &[])), [0; 0]);
}

#[test]
fn the_checksum_of_the_index_is_left_to_git() {
    let fixture = Fixture::new();
    fixture.write("d/f", token(1));
    fixture.git(&["add", "-A"]);
    let index = fixture.path().join(".git/index");
    let mut bytes = std::fs::read(&index).expect("an index");
    *bytes.last_mut().expect("a checksum") ^= 1;
    std::fs::write(&index, &bytes).expect("written");
    assert_eq!(found(&staged(&fixture.repo(), &[])), [1]);
    bytes.truncate(bytes.len() - 30);
    std::fs::write(&index, &bytes).expect("written");
    assert!(Staged::new(&fixture.repo(), &[]).is_err(), "cut off");
}
