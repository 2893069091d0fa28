//! Repositories of every kind: bare, linked, shallow and partial clones, with ids of another hash.

use super::support::{Fixture, drain, token};
use crate::finding::Findings;
use crate::source::git::{History, Repo, find_repositories};

fn count(repo: &Repo) -> usize {
    let (findings, _) = drain(&History::new(repo), Findings::keeping_all());
    findings.finish().0.len()
}

fn url(fixture: &Fixture) -> String {
    format!("file://{}", fixture.path().display())
}

#[test]
fn sha256_ids_are_as_good_as_sha1_ids() {
    let fixture = Fixture::with(&["--object-format=sha256"]);
    let id = fixture.commit("d/f", token(1), "leak");
    fixture.commit("d/f", "gone", "remove");
    for packed in [false, true] {
        if packed {
            fixture.repack();
        }
        let scan = fixture.scan();
        let location = scan.first(&token(1));
        assert_eq!(
            (&*location.path, location.details().commit.as_deref()),
            ("d/f", Some(id.as_str())),
            "packed: {packed}"
        );
    }
}

#[test]
fn a_shallow_clone_says_so_and_how_to_complete_it() {
    let fixture = Fixture::new();
    fixture.commit("f", token(1), "one");
    fixture.commit("f", "gone", "two");
    assert!(fixture.repo().incomplete().is_none());
    let clone = fixture.beside("shallow");
    fixture.git(&["clone", "-q", "--depth=1", &url(&fixture), clone.to_str().expect("a path")]);
    let repo = Repo::open(&clone).expect("it opens");
    let incomplete = repo.incomplete().expect("it is shallow");
    assert!(incomplete.shallow && !incomplete.partial);
    assert_eq!(count(&repo), 0);
    let remedy = incomplete.remedy();
    assert!(incomplete.to_string().ends_with(&remedy));
    let fetched = fixture.command(&clone).args(remedy.split(' ').skip(1)).output().expect("git runs");
    assert!(fetched.status.success(), "{}", String::from_utf8_lossy(&fetched.stderr));
    let repo = Repo::open(&clone).expect("it opens");
    assert!(repo.incomplete().is_none());
    assert_eq!(count(&repo), 1);
}

#[test]
fn a_partial_clone_says_so_and_how_to_complete_it() {
    let fixture = Fixture::new();
    fixture.git(&["config", "uploadpack.allowFilter", "true"]);
    fixture.commit("f", token(1), "one");
    fixture.commit("f", "gone", "two");
    let clone = fixture.beside("partial");
    fixture.git(&["clone", "-q", "--filter=blob:none", &url(&fixture), clone.to_str().expect("a path")]);
    let incomplete = Repo::open(&clone).expect("it opens").incomplete().expect("it is partial");
    assert!(incomplete.partial && !incomplete.shallow);
    let fetched =
        fixture.command(&clone).args(incomplete.remedy().split(' ').skip(1)).output().expect("git runs");
    assert!(fetched.status.success(), "{}", String::from_utf8_lossy(&fetched.stderr));
    let repo = Repo::open(&clone).expect("it opens");
    assert!(repo.incomplete().is_none());
    assert_eq!(count(&repo), 1);
}

#[test]
fn repositories_are_found_wherever_they_are() {
    let fixture = Fixture::new();
    fixture.commit("f", token(1), "one");
    let root = fixture.beside("");
    let clone = |options: &[&str], to: &str| {
        let to = fixture.beside(to);
        let to = to.to_str().expect("a path");
        fixture.git(&[&["clone", "-q"], options, &[url(&fixture).as_str(), to]].concat());
    };
    clone(&["--bare"], "deep/er/bare.git");
    clone(&["--separate-git-dir", fixture.beside("elsewhere").to_str().expect("a path")], "separate");
    fixture.git(&["worktree", "add", "-q", fixture.beside("linked").to_str().expect("a path")]);
    fixture.git(&[
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        &url(&fixture),
        "module",
    ]);
    std::fs::create_dir_all(root.join("no-repo/refs")).expect("a directory");
    let found = find_repositories(&root);
    let names: Vec<_> = found
        .iter()
        .map(|found| found.path.strip_prefix(&root).expect("below").display().to_string())
        .collect();
    // `elsewhere` is what `separate` points to, and `linked` shares the objects of `repo`; the first path is the one that is kept.
    assert_eq!(names, ["deep/er/bare.git", "elsewhere", "linked", "repo/.git/modules/module"]);
    for found in found {
        let repo = Repo::open(&found.path).expect("it opens");
        assert_eq!((count(&repo), repo.common_dir()), (1, found.common_dir), "{}", found.path.display());
    }
    assert_eq!(find_repositories(&fixture.path().join("module")).len(), 1);
}

#[test]
fn a_directory_without_a_repository_is_an_error() {
    let dir = tempfile::tempdir().expect("a directory");
    let error = Repo::open(dir.path()).err().expect("nothing is there");
    assert!(error.to_string().contains("cannot open a git repository"));
}

#[test]
fn replaced_objects_are_scanned_as_they_are() {
    let fixture = Fixture::new();
    let leak = fixture.commit("f", token(1), "one");
    let clean = fixture.commit("f", "clean", "two");
    fixture.git(&["replace", &leak, &clean]);
    let scan = fixture.scan();
    assert_eq!(scan.first(&token(1)).details().commit.as_deref(), Some(leak.as_str()));
}

#[test]
fn a_repository_is_large_by_its_packs() {
    let fixture = Fixture::new();
    fixture.commit("f", "x", "one");
    fixture.repack();
    assert!(!fixture.repo().is_large());
    let pack = std::fs::File::create(fixture.path().join(".git/objects/pack/pack-0.pack"));
    pack.and_then(|pack| pack.set_len(1 << 30)).expect("written");
    assert!(fixture.repo().is_large());
}
