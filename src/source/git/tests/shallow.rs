//! Ranges in shallow clones: complete, or refused with the command that completes them.

use std::path::Path;

use super::support::{Fixture, changes, token};
use crate::source::git::{Error, Range, Repo};

/// A shallow clone, with these options, beside the fixture's repository.
fn clone(fixture: &Fixture, name: &str, options: &[&str]) -> std::path::PathBuf {
    let path = fixture.beside(name);
    let url = format!("file://{}", fixture.path().display());
    fixture.git(&[&["clone", "-q"], options, &[&url, path.to_str().expect("a path")]].concat());
    path
}

/// The fingerprints found in a range, or the error of one that is not complete.
fn scan(path: &Path, spec: &str) -> Result<Vec<String>, Error> {
    let repo = Repo::open(path).expect("it opens");
    let range = Range::new(&repo, spec)?;
    range.require_complete()?;
    Ok(found(&range))
}

fn found(range: &Range<'_>) -> Vec<String> {
    let scan = changes(range, |range, findings, rescan| range.retain_added(findings, rescan, &|| false));
    scan.found().into_keys().collect()
}

fn hex(n: u32) -> String {
    crate::token::Fingerprint::of(token(n).as_bytes()).hex()
}

#[test]
fn a_range_that_ends_before_the_boundary_is_complete() {
    let fixture = Fixture::new();
    fixture.commit("old", token(1), "long ago");
    fixture.commit("f", "1", "one");
    fixture.commit("f", token(2), "two");
    let path = clone(&fixture, "two", &["--depth=2"]);
    assert_eq!(scan(&path, "HEAD~1..HEAD").expect("complete"), [hex(2)]);
    assert_eq!(scan(&path, "HEAD..HEAD").expect("complete"), [""; 0]);
}

#[test]
fn a_range_that_meets_the_boundary_is_refused_and_never_blamed_for_it() {
    let fixture = Fixture::new();
    let first = fixture.commit("old", token(1), "long ago");
    let second = fixture.commit("f", "1", "one");
    fixture.commit("f", token(2), &format!("two {}", token(3)));
    for depth in ["--depth=1", "--depth=2"] {
        let path = clone(&fixture, depth, &[depth]);
        let error = scan(&path, "HEAD").expect_err("it is cut off").to_string();
        assert!(error.contains("git fetch --unshallow origin"), "{error}");
        let repo = Repo::open(&path).expect("it opens");
        let allowed = found(&Range::new(&repo, "HEAD").expect("a range"));
        assert!(allowed.contains(&hex(3)) && !allowed.contains(&hex(1)), "what was long ago is not new");
        assert_eq!(allowed.contains(&hex(2)), depth == "--depth=2");
        let error = scan(&path, &format!("{first}..HEAD")).expect_err("it is not here").to_string();
        assert!(error.contains("git fetch --unshallow origin"), "{error}");
    }
    let path = clone(&fixture, "one", &["--depth=1"]);
    for spec in ["HEAD~1..HEAD", "HEAD^!", &format!("{second}..HEAD"), "HEAD~5"] {
        let error = scan(&path, spec).expect_err(spec).to_string();
        assert!(error.contains("git fetch --unshallow"), "{spec}: {error}");
    }
}

#[test]
fn a_base_whose_past_is_missing_may_have_what_seems_to_be_new() {
    let fixture = Fixture::new();
    fixture.commit("f", token(1), "one");
    fixture.commit("f", "gone", "two");
    fixture.git(&["checkout", "-q", "-b", "topic"]);
    fixture.commit("g", "clean", "three");
    fixture.git(&["checkout", "-q", "main"]);
    fixture.commit("f", "more", "four");
    fixture.commit("f", "and more", "five");
    // All of the topic, and of main only its tip: they have commits in common, and nobody can tell.
    let path = clone(&fixture, "part", &["--single-branch", "-b", "topic"]);
    let fetch = ["fetch", "-q", "--depth=1", "origin", "main"];
    assert!(fixture.command(&path).args(fetch).status().expect("git runs").success());
    let error = scan(&path, "FETCH_HEAD..topic").expect_err("it is cut off");
    assert!(matches!(error, Error::Shallow { .. }), "{error}");
    // What was committed since is new in any case.
    let commit = ["commit", "-q", "--allow-empty", "-m", "six"];
    let checkout = ["checkout", "-q", "--detach", "FETCH_HEAD"];
    for arguments in [&checkout[..], &commit[..]] {
        assert!(fixture.command(&path).args(arguments).status().expect("git runs").success());
    }
    assert_eq!(scan(&path, "FETCH_HEAD..HEAD").expect("complete"), [""; 0]);
}

#[test]
fn a_commit_that_is_missing_is_named_with_the_command_that_fetches_it() {
    let fixture = Fixture::new();
    fixture.commit("f", "1", "one");
    let gone = "1".repeat(40);
    let error = scan(&fixture.path(), &format!("{gone}..HEAD")).expect_err("it is not here").to_string();
    assert!(error.contains(&format!("git fetch origin {gone}")), "{error}");
}
