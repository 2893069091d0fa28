//! `stanch scan --history`: the histories of the repositories below a directory.

use std::fs;

use serde_json::Value;
use stanch::token::Fingerprint;

use crate::support::cmd::World;
use crate::support::mint::{Kind, Mint};

/// The locations of a token: path, kind, commit, root.
fn locations(report: &Value, token: &str) -> Vec<(String, String, Option<String>)> {
    let hash = Fingerprint::of(token.as_bytes()).hex();
    let text = |location: &Value, field: &str| location[field].as_str().map(str::to_owned);
    let findings = report["findings"].as_array().expect("findings");
    let of_token = findings.iter().filter(|finding| finding["sha256"] == hash.as_str());
    of_token
        .flat_map(|finding| finding["locations"].as_array().expect("locations"))
        .map(|location| {
            let path = text(location, "path").expect("a path");
            (path, text(location, "kind").expect("a kind"), text(location, "commit"))
        })
        .collect()
}

fn content(path: &str, commit: &str) -> (String, String, Option<String>) {
    (path.to_owned(), "content".to_owned(), Some(commit.to_owned()))
}

#[test]
fn every_repository_below_is_looked_through_once() {
    let (world, mut mint) = (World::new(), Mint::new(90));
    let [outer, inner, bare, module, branch] = std::array::from_fn(|_| mint.token(Kind::Pat));
    world.init("all/outer", &[]);
    let a = world.commit("all/outer", "d/f", &outer);
    world.commit("all/outer", "d/f", "gone");
    world.git("all/outer", &["branch", &format!("fix/{branch}")]);
    world.git("all/outer", &["worktree", "add", "-q", "../zz-linked"]);
    world.init("all/outer/vendor/inner", &[]);
    let b = world.commit("all/outer/vendor/inner", "f", &inner);
    world.commit("all/outer/vendor/inner", "f", "gone");
    world.init("src", &[]);
    let c = world.commit("src", "f", &bare);
    world.commit("src", "f", "gone");
    world.git("", &["clone", "-q", "--bare", "src", "all/bare.git"]);
    world.init("lib", &[]);
    let d = world.commit("lib", "f", &module);
    world.commit("lib", "f", "gone");
    world.git("all/outer", &["submodule", "--quiet", "add", "../../lib", "module"]);
    let (code, plain) = world.json(&["scan", "all"]);
    assert_eq!((code, plain["summary"]["findings"].as_u64()), (1, Some(1)), "the branch's name is a file");
    let (code, report) = world.json(&["scan", "--history", "all"]);
    assert_eq!(code, 1);
    assert_eq!(locations(&report, &outer), [content("outer/d/f", &a)]);
    assert_eq!(locations(&report, &inner), [content("outer/vendor/inner/f", &b)]);
    assert_eq!(locations(&report, &bare), [content("bare.git/f", &c)]);
    assert_eq!(locations(&report, &module), [content("outer/module/f", &d)]);
    let name = format!("outer/refs/heads/fix/ghp_…{}", &branch[34..]);
    assert!(locations(&report, &branch).iter().any(|(path, kind, _)| *path == name && kind == "ref-name"));
    let summary = &report["summary"];
    let commits = [&["rev-list", "--all", "--count"][..]; 1];
    let count = |repo: &str| world.git(repo, commits[0]).parse::<u64>().expect("a number");
    let expected = count("all/outer") + count("all/outer/vendor/inner") + count("src") + count("lib");
    assert_eq!((summary["commits"].as_u64(), summary["unreadable"].as_u64()), (Some(expected), Some(0)));
    assert_eq!(summary["shallow"], false);
    // Roots that overlap are looked through once, and several have names.
    let (_, report) = world.json(&["scan", "--history", "all", "all/outer", "src"]);
    assert_eq!(report["summary"]["commits"].as_u64(), Some(expected + 2));
    let (_, report) = world.json(&["scan", "--history", "all", "--exclude", "vendor"]);
    assert_eq!((locations(&report, &inner).len(), locations(&report, &outer).len()), (0, 1));
}

#[test]
fn what_silences_counts_for_histories_too() {
    let (world, mut mint) = (World::new(), Mint::new(91));
    let [first, second] = std::array::from_fn(|_| mint.token(Kind::Pat));
    world.init("all/r", &[]);
    world.commit("all/r", "vendor/f", &first);
    let leak = world.commit("all/r", "f", &second);
    world.commit("all/r", "f", "gone");
    fs::remove_dir_all(world.path().join("all/r/vendor")).expect("removed");
    world.write("all/.stanchignore", "r/vendor/\n");
    let (code, report) = world.json(&["scan", "--history", "all"]);
    assert_eq!((code, report["summary"]["suppressed"].as_u64()), (1, Some(1)));
    world.write("all/.stanch.toml", format!("[[allowlists]]\ncommits = ['{}']\n", &leak[..10]));
    let (code, report) = world.json(&["scan", "--history", "all"]);
    assert_eq!((code, report["summary"]["suppressed"].as_u64()), (0, Some(2)));
    let (code, _) = world.json(&["scan", "--history", "all", "--no-project-config"]);
    assert_eq!(code, 1);
}

#[test]
fn broken_and_shallow_repositories_are_told_and_the_sweep_goes_on() {
    let (world, mut mint) = (World::new(), Mint::new(92));
    let token = mint.token(Kind::Pat);
    world.init("src", &[]);
    world.commit("src", "f", &token);
    world.commit("src", "f", "gone");
    world.shallow_clone("src", "all/shallow");
    world.init("all/broken", &[]);
    world.commit("all/broken", "f", "x");
    fs::remove_file(world.path().join("all/broken/.git/HEAD")).expect("removed");
    world.write("all/lost/.git", "gitdir: /nowhere/at/all\n");
    let (code, report) = world.json(&["scan", "--history", "all"]);
    let summary = &report["summary"];
    assert_eq!((code, &summary["shallow"], summary["unreadable"].as_u64()), (2, &Value::Bool(true), Some(2)));
    world.git("", &["clone", "-q", "src", "all/whole"]);
    let ran = world.run(&["scan", "--history", "all"]);
    assert_eq!(ran.code, 1);
    for part in ["git fetch --unshallow", "broken", "lost"] {
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }
}
