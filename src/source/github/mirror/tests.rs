//! Mirrors of a real server, with the real git.

mod isolation;
mod server;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use super::super::names::RepositoryName;
use super::*;
use crate::meter::CancelFlag;
use crate::source::git::Repo;
use crate::token::{Kind, Token};
use server::{Manner, Server, Upstream, git_command};

/// Limits that no honest server meets.
fn limits(cancel: &CancelFlag) -> Limits<'_> {
    Limits { stall: Duration::from_mins(1), may_hold: &|_| true, cancel }
}

/// What a git is found with that has a minute for all it does.
fn options<'a>(work_dir: &'a Path, cancel: &'a CancelFlag) -> GitOptions<'a> {
    GitOptions { ca_cert: None, work_dir, timeout: Duration::from_mins(1), cancel }
}

/// A server, a cache and a git.
struct Scene {
    server: Server,
    cache: tempfile::TempDir,
    git: Git,
    /// Behind the git, whose home is in it.
    work_dir: tempfile::TempDir,
    cancel: CancelFlag,
}

impl Scene {
    fn new() -> Scene {
        let cancel = CancelFlag::default();
        let directory = || tempfile::tempdir().expect("a directory");
        let work_dir = directory();
        let git = Git::find(&options(work_dir.path(), &cancel)).expect("git is installed");
        Scene { server: Server::new(), cache: directory(), git, work_dir, cancel }
    }

    fn place(&self) -> MirrorPlace {
        let name = RepositoryName::parse("octo/hello").expect("a name");
        MirrorPlace::of_repository(self.cache.path(), "github.com", &name)
    }

    fn fetch(&self, name: &str) -> Result<Mirror<'_>, GitError> {
        self.fetch_within(name, &limits(&self.cancel))
    }

    fn fetch_within(&self, name: &str, limits: &Limits<'_>) -> Result<Mirror<'_>, GitError> {
        let url = self.server.url(name);
        Mirror::fetch(
            &self.git,
            &self.place(),
            &Remote { url: &url, credential: None },
            MirrorRefs::All,
            limits,
        )
    }

    fn fetch_objects(&self, mirror: &Mirror<'_>, ids: &BTreeSet<String>) -> BTreeSet<String> {
        let url = self.server.url("hello");
        let remote = Remote { url: &url, credential: None };
        mirror.fetch_objects(&remote, ids, &limits(&self.cancel)).expect("the server answers")
    }

    /// A repository `hello` with one commit on `main`.
    fn hello(&self) -> (Upstream, String) {
        let upstream = self.server.repository("hello", &[]);
        let commit = upstream.commit(b"one", &[]);
        upstream.set("refs/heads/main", &commit);
        (upstream, commit)
    }
}

fn in_mirror(path: &Path, arguments: &[&str]) -> String {
    let output = git_command(path).args(arguments).output().expect("git runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Whether an object is there, and a ref leads to it.
fn is_kept(path: &Path, commit: &str) -> bool {
    in_mirror(path, &["rev-list", "--all"]).lines().any(|line| line == commit)
}

#[test]
fn a_new_mirror_has_all_refs_and_the_servers_head() {
    let scene = Scene::new();
    let (upstream, main) = scene.hello();
    upstream.git(&["symbolic-ref", "HEAD", "refs/heads/trunk"]);
    let pull = upstream.commit(b"two", &[&main]);
    for name in ["refs/heads/trunk", "refs/tags/v1"] {
        upstream.set(name, &main);
    }
    upstream.set("refs/pull/5/head", &pull);
    let mirror = scene.fetch("hello").unwrap();
    assert_eq!((mirror.tip(), mirror.ref_count(), mirror.pull_count()), (Some(main.as_str()), 4, 1));
    assert!(!mirror.is_empty() && mirror.bytes_on_disk() > 0 && !mirror.lacks_refs());
    assert_eq!(in_mirror(mirror.path(), &["symbolic-ref", "HEAD"]), "refs/heads/trunk");
    Repo::open(mirror.path()).unwrap();
    let path = mirror.path().to_owned();
    mirror.remove().unwrap();
    assert!(!path.exists());
    let url = scene.server.url("hello");
    let remote = Remote { url: &url, credential: None };
    let without = MirrorRefs::WithoutPulls;
    let mirror = Mirror::fetch(&scene.git, &scene.place(), &remote, without, &limits(&scene.cancel)).unwrap();
    assert_eq!((mirror.ref_count(), mirror.pull_count()), (3, 0));
    assert!(!is_kept(mirror.path(), &pull));
}

#[test]
fn empty_repositories_and_detached_heads_are_no_errors() {
    let scene = Scene::new();
    let upstream = scene.server.repository("hello", &[]);
    let mirror = scene.fetch("hello").unwrap();
    assert!(mirror.is_empty() && mirror.tip().is_none());
    drop(mirror);
    let commit = upstream.commit(b"one", &[]);
    upstream.set("refs/heads/other", &commit);
    let mirror = scene.fetch("hello").unwrap();
    assert!(!mirror.is_empty() && mirror.tip().is_none());
    drop(mirror);
    upstream.git(&["update-ref", "--no-deref", "HEAD", &commit]);
    assert_eq!(scene.fetch("hello").unwrap().tip(), Some(commit.as_str()));
}

#[test]
fn what_is_pushed_over_stays_and_what_is_deleted_too() {
    let scene = Scene::new();
    let (upstream, first) = scene.hello();
    let tagged = upstream.commit(b"tagged", &[]);
    let tag = upstream.git_with_input(
        &["mktag"],
        format!("object {tagged}\ntype commit\ntag v1\ntagger A <a@example.com> 1700000000 +0000\n\nx\n")
            .as_bytes(),
    );
    upstream.set("refs/tags/v1", &tag);
    upstream.set("refs/heads/gone", &upstream.commit(b"gone", &[]));
    let gone = upstream.git(&["rev-parse", "refs/heads/gone"]);
    drop(scene.fetch("hello").unwrap());
    // Forwards, pushed over, deleted.
    let forward = upstream.commit(b"two", &[&first]);
    upstream.set("refs/heads/main", &forward);
    upstream.git(&["update-ref", "-d", "refs/heads/gone"]);
    upstream.set("refs/tags/v1", &forward);
    let mirror = scene.fetch("hello").unwrap();
    assert_eq!(mirror.tip(), Some(forward.as_str()));
    for id in [&first, &forward, &gone, &tagged] {
        assert!(is_kept(mirror.path(), id), "{id}");
    }
    let kept = in_mirror(mirror.path(), &["for-each-ref", "--format=%(refname)", KEPT]);
    assert_eq!(kept, format!("{KEPT}{tag}"), "what another ref leads to needs no ref of its own");
    drop(mirror);
    let pushed_over = upstream.commit(b"three", &[]);
    upstream.set("refs/heads/main", &pushed_over);
    let mirror = scene.fetch("hello").unwrap();
    assert!(is_kept(mirror.path(), &forward) && is_kept(mirror.path(), &pushed_over));
    assert_eq!(mirror.ref_count(), 3);
}

#[test]
fn a_ref_that_stands_in_the_way_of_a_new_one_gives_way_and_is_kept() {
    let scene = Scene::new();
    let (upstream, _) = scene.hello();
    let old = upstream.commit(b"old", &[]);
    upstream.set("refs/heads/x", &old);
    drop(scene.fetch("hello").unwrap());
    upstream.git(&["update-ref", "-d", "refs/heads/x"]);
    let new = upstream.commit(b"new", &[]);
    upstream.set("refs/heads/x/y", &new);
    let mirror = scene.fetch("hello").unwrap();
    assert!(!mirror.lacks_refs());
    assert!(is_kept(mirror.path(), &old) && is_kept(mirror.path(), &new));
    assert_eq!(in_mirror(mirror.path(), &["rev-parse", "refs/heads/x/y"]), new);
}

#[test]
fn objects_are_fetched_by_id_and_those_that_are_missing_told_in_few_calls() {
    let scene = Scene::new();
    let (upstream, main) = scene.hello();
    let deleted: Vec<String> =
        (0..60).map(|n| upstream.commit(format!("{n}").as_bytes(), &[&main])).collect();
    let mirror = scene.fetch("hello").unwrap();
    let missing: BTreeSet<String> = [3, 7].map(|n: u8| format!("{n:040x}")).into();
    let ids: BTreeSet<String> = deleted.iter().chain(&missing).chain([&main]).cloned().collect();
    scene.server.seen();
    assert_eq!(scene.fetch_objects(&mirror, &ids), missing);
    let calls = scene.server.seen().iter().filter(|(line, _)| line.starts_with("GET")).count();
    assert!(calls <= 8, "{calls} calls");
    for id in &deleted {
        assert!(is_kept(mirror.path(), id), "{id}");
    }
    assert_eq!(mirror.ref_count(), 1, "they are no refs of the server");
    // What is here is not asked for.
    let here: BTreeSet<String> = deleted.into_iter().collect();
    assert!(scene.fetch_objects(&mirror, &here).is_empty());
    assert_eq!(scene.server.seen(), []);
    // What is no id is not given to git.
    let odd: BTreeSet<String> = ["--upload-pack=x", "HEAD", "", "abc"].map(str::to_owned).into();
    assert_eq!(scene.fetch_objects(&mirror, &odd), odd);
    assert_eq!(scene.server.seen(), []);
}

#[test]
fn commits_that_only_pull_requests_have_are_told_by_their_numbers() {
    let scene = Scene::new();
    let (upstream, main) = scene.hello();
    let inner = upstream.commit(b"inner", &[&main]);
    let head = upstream.commit(b"head", &[&inner]);
    let merged = upstream.commit(b"merged", &[&main]);
    upstream.set("refs/pull/17/head", &head);
    upstream.set("refs/pull/18/head", &merged);
    upstream.set("refs/heads/main", &merged);
    let merge = upstream.commit(b"merge", &[&head, &merged]);
    upstream.set("refs/pull/19/merge", &merge);
    let mirror = scene.fetch("hello").unwrap();
    let absent = "1".repeat(40);
    let commits = [&inner, &head, &merged, &merge, &main, &absent].map(String::as_str).into();
    let pulls = mirror.pulls_of(&commits, &limits(&scene.cancel)).unwrap();
    assert_eq!(pulls, BTreeMap::from([(inner.clone(), 17), (head.clone(), 17), (merge.clone(), 19)]));
    // Where no head of a pull request is left, what merging it would come to leads to its commits.
    upstream.git(&["update-ref", "-d", "refs/pull/17/head"]);
    upstream.git(&["update-ref", "-d", "refs/pull/18/head"]);
    mirror.remove().unwrap();
    let mirror = scene.fetch("hello").unwrap();
    let pulls = mirror.pulls_of(&commits, &limits(&scene.cancel)).unwrap();
    assert_eq!(mirror.pull_count(), 0);
    assert_eq!(pulls, BTreeMap::from([(inner, 19), (head, 19), (merge, 19)]));
}

#[test]
fn repositories_of_the_other_hash_are_mirrored() {
    let scene = Scene::new();
    let upstream = scene.server.repository("hello", &["--object-format=sha256"]);
    let commit = upstream.commit(b"one", &[]);
    upstream.set("refs/heads/main", &commit);
    let deleted = upstream.commit(b"two", &[]);
    let mirror = scene.fetch("hello").unwrap();
    assert_eq!((commit.len(), mirror.tip()), (64, Some(commit.as_str())));
    let missing = "5".repeat(64);
    let ids = BTreeSet::from([deleted.clone(), missing.clone()]);
    assert_eq!(scene.fetch_objects(&mirror, &ids), BTreeSet::from([missing]));
    assert!(is_kept(mirror.path(), &deleted));
    drop(mirror);
    assert_eq!(scene.fetch("hello").unwrap().tip(), Some(commit.as_str()));
}

#[test]
fn names_of_refs_that_are_made_to_hurt_do_not() {
    let scene = Scene::new();
    let (upstream, _) = scene.hello();
    let names = [
        "refs/heads/--upload-pack=touch",
        "refs/heads/$(touch)",
        "refs/heads/\u{202e}evil",
        "refs/heads/a;b&c|d",
        "refs/replace/1111111111111111111111111111111111111111",
        "refs/stanch-kept/1111111111111111111111111111111111111111",
    ];
    let commits = names.map(|name| {
        let commit = upstream.commit(name.as_bytes(), &[]);
        // git-update-ref(1) checks names; a server need not.
        let path = upstream.path.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, format!("{commit}\n")).unwrap();
        commit
    });
    let mirror = scene.fetch("hello").unwrap();
    for commit in &commits {
        assert!(is_kept(mirror.path(), commit));
    }
}

#[test]
fn a_name_that_no_file_can_have_costs_the_ref_and_not_its_objects() {
    let scene = Scene::new();
    let (upstream, main) = scene.hello();
    let hidden = upstream.commit(b"hidden", &[&main]);
    let name = "x".repeat(253);
    std::fs::write(upstream.path.join("packed-refs"), format!("{hidden} refs/heads/{name}\n")).unwrap();
    for _ in 0..2 {
        let mirror = scene.fetch("hello").unwrap();
        assert!(mirror.lacks_refs());
        assert_eq!(mirror.tip(), Some(main.as_str()));
        assert_eq!(in_mirror(mirror.path(), &["cat-file", "-t", &hidden]), "commit");
    }
}

#[test]
fn a_wiki_in_which_nothing_was_written_is_not_found() {
    let scene = Scene::new();
    scene.hello();
    let url = scene.server.url("hello").wiki();
    let remote = Remote { url: &url, credential: None };
    let fetch =
        || Mirror::fetch(&scene.git, &scene.place(), &remote, MirrorRefs::All, &limits(&scene.cancel));
    assert!(matches!(fetch(), Err(GitError::NotFound(_))));
    let wiki = scene.server.repository("hello.wiki", &[]);
    wiki.set("refs/heads/master", &wiki.commit(b"page", &[]));
    assert_eq!(fetch().unwrap().ref_count(), 1);
}
