//! What a second run takes over from one that was killed, and what it looks at again.

use std::process::{Child, Stdio};

use super::interrupted::wait_for;
use super::{Sweep, finding, row};
use crate::support::cmd::Ran;
use crate::support::github_source::Trouble;
use crate::support::mint::Kind;

/// A run that hangs at `acme/z-last`, when all others are done.
fn hanging(sweep: &Sweep) -> Child {
    sweep.github.trouble_always("/acme/z-last.git/info/refs", Trouble::Hang);
    let mut command = sweep.command(&["acme", "--jobs", "1"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    wait_for("the last repository", || {
        let noted = sweep.github.noted();
        noted.iter().any(|noted| noted.path == "/acme/z-last.git/info/refs")
    });
    child
}

/// `acme/changed`, `acme/same`, and the last one, which is the smallest: largest first.
fn organization(sweep: &mut Sweep) -> [String; 3] {
    let names = ["acme/changed", "acme/same", "acme/z-last"];
    let tokens = names.map(|name| sweep.leak(name));
    sweep.github.change(|world| {
        for (name, size) in names.into_iter().zip([300, 200, 1]) {
            world.repository_mut(name).size = size;
        }
    });
    tokens
}

fn kill(mut child: Child) {
    let _ = child.kill();
    child.wait().expect("it ends");
}

#[test]
fn what_has_changed_since_is_looked_at_again() {
    let mut sweep = Sweep::new(18_400);
    let tokens = organization(&mut sweep);
    kill(hanging(&sweep));
    let new = sweep.mint.token(Kind::Pat);
    let tip = sweep.github.bare("acme/changed").commit("refs/heads/main", "new", &new);
    sweep.github.change(|world| {
        world.repository_mut("acme/changed").pushed_at = "2026-06-01T00:00:00Z".to_owned();
    });
    sweep.github.recover();
    sweep.github.forget();
    let (code, report) = sweep.json(&["acme", "--jobs", "1"]);
    assert_eq!(code, 1);
    assert!(tokens.iter().chain([&new]).all(|token| finding(&report, token).is_some()));
    assert_eq!(row(&report, "acme/changed")["tip"], tip.as_str());
    let fetched = |name: &str| sweep.github.count("POST", &format!("/acme/{name}.git/")) > 0;
    assert_eq!((fetched("changed"), fetched("same"), fetched("z-last")), (true, false, true));
}

#[test]
fn what_is_asked_for_otherwise_is_another_sweep() {
    let mut sweep = Sweep::new(18_410);
    let tokens = organization(&mut sweep);
    let hidden = sweep.mint.token(Kind::Pat);
    sweep.github.bare("acme/same").commit("refs/pull/9/head", "hidden", &hidden);
    sweep.github.trouble_always("/acme/z-last.git/info/refs", Trouble::Hang);
    let mut command = sweep.command(&["acme", "--jobs", "1", "--include", "repos"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    wait_for("the last repository", || sweep.github.count("GET", "/acme/z-last.git/info/refs") > 0);
    kill(child);
    sweep.github.recover();
    let (code, report) = sweep.json(&["acme", "--jobs", "1"]);
    assert_eq!(code, 1);
    assert!(tokens.iter().chain([&hidden]).all(|token| finding(&report, token).is_some()));
    assert!(sweep.github.bare("acme/same").resolve("refs/pull/9/head").is_some());
}

#[test]
fn the_same_sweep_is_not_made_twice_at_once() {
    let mut sweep = Sweep::new(18_420);
    organization(&mut sweep);
    let first = hanging(&sweep);
    let ran = Ran::from(sweep.command(&["acme", "--jobs", "1"]).output().expect("the program starts"));
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("another run"), "{}", ran.stderr);
    kill(first);
    sweep.github.recover();
    let ran = sweep.run(&["acme", "--jobs", "1"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
}

#[test]
fn what_is_reported_again_is_revoked_as_what_was_found_at_once() {
    let mut sweep = Sweep::new(18_430);
    let tokens = organization(&mut sweep);
    kill(hanging(&sweep));
    sweep.github.recover();
    let (code, _) = sweep.json(&["acme", "--jobs", "1", "--revoke", "--yes", "--min-interval", "1ms"]);
    let mut accepted = sweep.github.accepted();
    accepted.sort();
    let mut tokens = tokens.to_vec();
    tokens.sort();
    assert_eq!((code, accepted == tokens), (1, true));
}
