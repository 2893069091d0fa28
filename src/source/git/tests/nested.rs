//! Trees that are nested in themselves, so that a handful of objects have more paths than anybody could list, and deep ones.

use std::fmt::Write as _;

use super::support::{Fixture, Scan, changes, token};
use crate::finding::MAX_LOCATIONS;
use crate::source::git::Range;

/// A commit of a tree with ten names for one subtree, on each of so many levels, and at the bottom a blob with this text.
fn nest(fixture: &Fixture, text: &str, levels: u32, names: u32) -> String {
    let blob = fixture.git_with_input(&["hash-object", "-w", "--stdin"], text.as_bytes());
    let (mut id, mut kind) = (blob, "100644 blob");
    for _ in 0..levels {
        let entries: String = (0..names).fold(String::new(), |mut entries, n| {
            let _ = writeln!(entries, "{kind} {id}\tn{n}");
            entries
        });
        (id, kind) = (fixture.git_with_input(&["mktree"], entries.as_bytes()), "040000 tree");
    }
    let empty = fixture.git_with_input(&["mktree"], b"");
    let base = fixture.git(&["commit-tree", "-m", "empty", &empty]);
    let commit = fixture.git(&["commit-tree", "-p", &base, "-m", "nested", &id]);
    fixture.git(&["update-ref", "refs/heads/main", &commit]);
    commit
}

fn range(fixture: &Fixture, spec: &str) -> Scan {
    let repo = fixture.repo();
    let range = Range::new(&repo, spec).expect("a range");
    changes(&range, |range, findings, rescan| range.retain_added(findings, rescan, &|| false))
}

/// All paths are counted, and a hundred of them listed, each another one.
fn check(scan: &Scan, paths: u64) {
    assert!(scan.faults.is_empty(), "{:?}", scan.faults);
    let finding = scan.of(&token(1));
    assert_eq!(finding.locations.len() as u64, paths.min(MAX_LOCATIONS as u64));
    assert_eq!(finding.locations.len() as u64 + finding.more_locations, paths);
    let listed: std::collections::HashSet<_> =
        finding.locations.iter().map(|location| location.path.clone()).collect();
    assert_eq!(listed.len(), finding.locations.len());
    assert!(listed.iter().all(|path| path.split('/').all(|name| name.starts_with('n'))));
}

#[test]
fn nested_trees_are_linear_in_their_objects() {
    for (levels, names) in [(1, 3), (3, 10), (10, 10)] {
        let fixture = Fixture::new();
        let commit = nest(&fixture, &token(1), levels, names);
        let paths = u64::from(names).pow(levels);
        check(&range(&fixture, &format!("{commit}^..{commit}")), paths);
        check(&range(&fixture, &commit), paths);
        check(&fixture.scan(), paths);
        fixture.repack();
        check(&fixture.scan(), paths);
    }
}

#[test]
fn a_nested_tree_that_is_copied_is_in_twice_as_many_places() {
    let fixture = Fixture::new();
    let commit = nest(&fixture, &token(1), 4, 10);
    let tree = fixture.git(&["rev-parse", &format!("{commit}^{{tree}}")]);
    let beside =
        format!("{}\n040000 tree {tree}\tnx\n040000 tree {tree}\tny\n", fixture.git(&["ls-tree", &tree]));
    let beside = fixture.git_with_input(&["mktree"], beside.as_bytes());
    let second = fixture.git(&["commit-tree", "-p", &commit, "-m", "copied", &beside]);
    check(&range(&fixture, &format!("{commit}..{second}")), 20_000);
    // The same elsewhere is a move.
    let moved = format!("040000 tree {tree}\tnx\n");
    let moved = fixture.git_with_input(&["mktree"], moved.as_bytes());
    let third = fixture.git(&["commit-tree", "-p", &commit, "-m", "moved", &moved]);
    assert_eq!(range(&fixture, &format!("{commit}..{third}")).findings.len(), 0);
    // In the whole history, the paths of both.
    fixture.git(&["update-ref", "refs/heads/main", &second]);
    check(&fixture.scan(), 30_000);
}

#[test]
fn a_deep_tree_is_no_deeper_recursion() {
    let fixture = Fixture::new();
    // By hand: git makes one process a level.
    let mut stream = String::from("blob\nmark :1\n");
    let text = token(1);
    let _ = writeln!(stream, "data {}\n{text}", text.len());
    stream.push_str("commit refs/heads/main\ncommitter C <c@example.org> 1700000000 +0000\ndata 1\nx\n");
    let _ = writeln!(stream, "M 100644 :1 {}n\n", "n/".repeat(2000));
    fixture.git_with_input(&["fast-import", "--quiet"], stream.as_bytes());
    check(&range(&fixture, "main"), 1);
    check(&fixture.scan(), 1);
}

#[test]
fn a_deep_index_is_no_deeper_recursion() {
    let fixture = Fixture::new();
    let blob = fixture.git_with_input(&["hash-object", "-w", "--stdin"], token(1).as_bytes());
    let line = format!("100644 {blob} 0\t{}n\n", "n/".repeat(20_000));
    fixture.git_with_input(&["update-index", "--add", "--index-info"], line.as_bytes());
    let repo = fixture.repo();
    let staged = crate::source::git::Staged::new(&repo, &[]).expect("an index");
    check(&changes(&staged, crate::source::git::Staged::retain_added), 1);
}

#[test]
fn a_moved_folder_adds_nothing_and_a_new_token_in_it_is_told() {
    let fixture = Fixture::new();
    for n in 0..300 {
        fixture.write(&format!("old/{n}"), format!("{}\nmore\n", token(n)));
    }
    fixture.commit("f", "1", "one");
    fixture.git(&["mv", "old", "new"]);
    for n in 0..300 {
        fixture.write(&format!("new/{n}"), format!("{}\nmore\nand more\n", token(n)));
    }
    fixture.write("new/7", format!("{}\n{}\n", token(7), token(1000)));
    fixture.commit("f", "2", "two");
    let scan = range(&fixture, "HEAD^..HEAD");
    assert_eq!(scan.found().len(), 1);
    assert_eq!(&*scan.first(&token(1000)).path, "new/7");
}

#[test]
fn copies_are_told_each_unless_the_file_had_the_token() {
    let fixture = Fixture::new();
    fixture.write("a/f", token(1));
    fixture.commit("b/f", "nothing", "one");
    let text = format!("{}\nmore\n", token(1));
    for path in ["a/f", "b/f", "c/f"] {
        fixture.write(path, &text);
    }
    fixture.commit("g", "g", "two");
    let scan = range(&fixture, "HEAD^..HEAD");
    let finding = scan.of(&token(1));
    let paths: Vec<&str> = finding.locations.iter().map(|location| &*location.path).collect();
    assert_eq!((paths, finding.more_locations), (vec!["b/f", "c/f"], 0));
}
