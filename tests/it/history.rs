//! `stanch scan --history`: the histories of the repositories below a directory.

use std::fs;

use serde_json::Value;
use stanch::token::Fingerprint;

use crate::support::cmd::Sandbox;
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
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(90));
    let [outer, inner, bare, module, branch] = std::array::from_fn(|_| mint.token(Kind::Pat));
    sandbox.init("all/outer", &[]);
    let a = sandbox.commit("all/outer", "d/f", &outer);
    sandbox.commit("all/outer", "d/f", "gone");
    sandbox.git("all/outer", &["branch", &format!("fix/{branch}")]);
    sandbox.git("all/outer", &["worktree", "add", "-q", "../zz-linked"]);
    sandbox.init("all/outer/vendor/inner", &[]);
    let b = sandbox.commit("all/outer/vendor/inner", "f", &inner);
    sandbox.commit("all/outer/vendor/inner", "f", "gone");
    sandbox.init("src", &[]);
    let c = sandbox.commit("src", "f", &bare);
    sandbox.commit("src", "f", "gone");
    sandbox.git("", &["clone", "-q", "--bare", "src", "all/bare.git"]);
    sandbox.init("lib", &[]);
    let d = sandbox.commit("lib", "f", &module);
    sandbox.commit("lib", "f", "gone");
    sandbox.git("all/outer", &["submodule", "--quiet", "add", "../../lib", "module"]);
    let (code, plain) = sandbox.json(&["scan", "all"]);
    assert_eq!((code, plain["summary"]["findings"].as_u64()), (1, Some(1)), "the branch's name is a file");
    let (code, report) = sandbox.json(&["scan", "--history", "all"]);
    assert_eq!(code, 1);
    assert_eq!(locations(&report, &outer), [content("outer/d/f", &a)]);
    assert_eq!(locations(&report, &inner), [content("outer/vendor/inner/f", &b)]);
    assert_eq!(locations(&report, &bare), [content("bare.git/f", &c)]);
    assert_eq!(locations(&report, &module), [content("outer/module/f", &d)]);
    let name = format!("outer/refs/heads/fix/ghp_…{}", &branch[34..]);
    assert!(locations(&report, &branch).iter().any(|(path, kind, _)| *path == name && kind == "ref-name"));
    let summary = &report["summary"];
    let commits = [&["rev-list", "--all", "--count"][..]; 1];
    let count = |repo: &str| sandbox.git(repo, commits[0]).parse::<u64>().expect("a number");
    let expected = count("all/outer") + count("all/outer/vendor/inner") + count("src") + count("lib");
    assert_eq!((summary["commits"].as_u64(), summary["unreadable"].as_u64()), (Some(expected), Some(0)));
    assert_eq!(summary["shallow"], false);
    // Roots that overlap are looked through once, and several have names.
    let (_, report) = sandbox.json(&["scan", "--history", "all", "all/outer", "src"]);
    assert_eq!(report["summary"]["commits"].as_u64(), Some(expected + 2));
    let (_, report) = sandbox.json(&["scan", "--history", "all", "--exclude", "vendor"]);
    assert_eq!((locations(&report, &inner).len(), locations(&report, &outer).len()), (0, 1));
}

#[test]
fn what_silences_counts_for_histories_too() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(91));
    let [first, second] = std::array::from_fn(|_| mint.token(Kind::Pat));
    sandbox.init("all/r", &[]);
    sandbox.commit("all/r", "vendor/f", &first);
    let leak = sandbox.commit("all/r", "f", &second);
    sandbox.commit("all/r", "f", "gone");
    fs::remove_dir_all(sandbox.path().join("all/r/vendor")).expect("removed");
    sandbox.write("all/.stanchignore", "r/vendor/\n");
    let (code, report) = sandbox.json(&["scan", "--history", "all"]);
    assert_eq!((code, report["summary"]["suppressed"].as_u64()), (1, Some(1)));
    sandbox.write("all/.stanch.toml", format!("[[allowlists]]\ncommits = ['{}']\n", &leak[..10]));
    let (code, report) = sandbox.json(&["scan", "--history", "all"]);
    assert_eq!((code, report["summary"]["suppressed"].as_u64()), (0, Some(2)));
    let (code, _) = sandbox.json(&["scan", "--history", "all", "--no-project-config"]);
    assert_eq!(code, 1);
}

#[test]
fn broken_and_shallow_repositories_are_told_and_the_sweep_goes_on() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(92));
    let token = mint.token(Kind::Pat);
    sandbox.init("src", &[]);
    sandbox.commit("src", "f", &token);
    sandbox.commit("src", "f", "gone");
    sandbox.shallow_clone("src", "all/shallow");
    sandbox.init("all/broken", &[]);
    sandbox.commit("all/broken", "f", "x");
    fs::remove_file(sandbox.path().join("all/broken/.git/HEAD")).expect("removed");
    sandbox.write("all/lost/.git", "gitdir: /nowhere/at/all\n");
    let (code, report) = sandbox.json(&["scan", "--history", "all"]);
    let summary = &report["summary"];
    assert_eq!((code, &summary["shallow"], summary["unreadable"].as_u64()), (2, &Value::Bool(true), Some(2)));
    sandbox.git("", &["clone", "-q", "src", "all/whole"]);
    let ran = sandbox.run(&["scan", "--history", "all"]);
    assert_eq!(ran.code, 1);
    for part in ["git fetch --unshallow", "broken", "lost"] {
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }
}

#[test]
fn reports_are_the_same_however_many_repositories_are_scanned_at_a_time() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(95));
    let token = mint.token(Kind::Pat);
    let mut expected = Vec::new();
    for n in 0..8 {
        let directory = format!("all/r{n}");
        sandbox.init(&directory, &[]);
        let commit = sandbox.commit(&directory, "f", format!("{n}: {token}"));
        sandbox.commit(&directory, "f", "gone");
        expected.push(content(&format!("r{n}/f"), &commit));
    }
    // A large one, which has all threads for itself.
    let pack = fs::File::create(sandbox.path().join("all/r2/.git/objects/pack/pack-0.pack"));
    pack.and_then(|pack| pack.set_len(64 << 20)).expect("written");
    sandbox.write("all/lost/.git", "gitdir: /nowhere/at/all\n");
    let scan = |threads: &str| {
        let (code, mut report) =
            sandbox.json(&["scan", "--history", "all", "-j", threads, "--exclude", "*.pack"]);
        report["summary"]["elapsed_ms"].take();
        (code, report)
    };
    let (code, alone) = scan("1");
    assert_eq!((code, locations(&alone, &token)), (1, expected));
    for _ in 0..3 {
        assert_eq!(scan("4"), (code, alone.clone()));
    }
}
