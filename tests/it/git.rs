//! `stanch git`: whole histories, ranges, what is staged.

use std::fs;

use serde_json::Value;
use stanch::token::Fingerprint;

use crate::support::cmd::{Ran, Sandbox};
use crate::support::mint::{Kind, Mint};

fn find<'a>(report: &'a Value, token: &str) -> Option<&'a Value> {
    let hash = Fingerprint::of(token.as_bytes()).hex();
    report["findings"].as_array().expect("findings").iter().find(|finding| finding["sha256"] == hash.as_str())
}

/// The kind, path and commit of a token's first location.
fn first(report: &Value, token: &str) -> (String, String, Option<String>) {
    let location = &find(report, token).expect("it is found")["locations"][0];
    let text = |field: &str| location[field].as_str().map(str::to_owned);
    (text("kind").expect("a kind"), text("path").expect("a path"), text("commit"))
}

fn found(report: &Value) -> u64 {
    report["summary"]["findings"].as_u64().expect("a number")
}

/// How a token is expected to be reported: kind, path, and commit where there is one.
type Expected = (String, &'static str, String, Option<String>);

/// A repository with a token in each part that may hold one.
#[expect(clippy::too_many_lines, reason = "a list, one part of a repository after another")]
fn hiding_places(sandbox: &Sandbox, mint: &mut Mint) -> Vec<Expected> {
    let mut expected = Vec::new();
    let mut token = || mint.token(Kind::Pat);
    sandbox.init("r", &[]);
    sandbox.commit("r", "README", "first\n");
    let mut expect = |token: &str, kind: &'static str, path: &str, commit: Option<&str>| {
        expected.push((token.to_owned(), kind, path.to_owned(), commit.map(str::to_owned)));
    };

    let removed = token();
    let id = sandbox.commit("r", "src/removed.env", format!("KEY={removed}\n"));
    expect(&removed, "content", "src/removed.env", Some(&id));
    sandbox.git("r", &["rm", "-q", "src/removed.env"]);
    sandbox.git("r", &["commit", "-qm", "remove"]);

    let message = token();
    sandbox.git("r", &["commit", "-q", "--allow-empty", "-m", &format!("key {message}")]);
    let id = sandbox.git("r", &["rev-parse", "HEAD"]);
    expect(&message, "commit-message", &format!("commit/{id}"), Some(&id));

    let author = token();
    sandbox.git(
        "r",
        &["commit", "-q", "--allow-empty", "-m", "x", &format!("--author={author} <a@example.com>")],
    );
    let id = sandbox.git("r", &["rev-parse", "HEAD"]);
    expect(&author, "commit-author", &format!("commit/{id}"), Some(&id));

    let tag = token();
    sandbox.git("r", &["tag", "-a", "v1", "-m", &format!("key {tag}")]);
    expect(&tag, "tag-message", "refs/tags/v1", Some(&id));

    let note = token();
    sandbox.git("r", &["notes", "add", "-m", &format!("key {note}")]);
    let noted = sandbox.git("r", &["rev-parse", "refs/notes/commits"]);
    expect(&note, "note", &id, Some(&noted));

    let named = token();
    let id = sandbox.commit("r", &format!("deep/{named}.txt"), "x");
    expect(&named, "file-name", &format!("deep/ghp_…{}.txt", &named[34..]), Some(&id));

    let binary = token();
    let id = sandbox.commit("r", "a.bin", [b"\0\xff", binary.as_bytes(), b"\0"].concat());
    expect(&binary, "content", "a.bin", Some(&id));

    let branch = token();
    sandbox.git("r", &["branch", &branch]);
    expect(&branch, "ref-name", &format!("refs/heads/ghp_…{}", &branch[34..]), None);

    let side = token();
    sandbox.git("r", &["checkout", "-q", "-b", "side"]);
    let id = sandbox.commit("r", "side.txt", &side);
    expect(&side, "content", "side.txt", Some(&id));
    sandbox.commit("r", "shared", "side\n");
    sandbox.git("r", &["checkout", "-q", "main"]);
    sandbox.commit("r", "shared", "main\n");
    let merge = token();
    assert_ne!(sandbox.try_git("r", &["merge", "-q", "side"]).code, 0);
    let id = sandbox.commit("r", "shared", format!("both {merge}\n"));
    expect(&merge, "content", "shared", Some(&id));

    let dangling = token();
    let id = sandbox.commit("r", "lost.txt", &dangling);
    expect(&dangling, "content", "lost.txt", Some(&id));
    sandbox.git("r", &["reset", "-q", "--hard", "HEAD~1"]);
    sandbox.git("r", &["reflog", "expire", "--expire=now", "--all"]);

    let stash = token();
    sandbox.write("r/README", format!("{stash}\n"));
    sandbox.git("r", &["stash", "-q"]);
    let id = sandbox.git("r", &["rev-parse", "stash"]);
    expect(&stash, "content", "README", Some(&id));

    let blob = token();
    sandbox.write("blob", &blob);
    let id = sandbox.git("r", &["hash-object", "-w", "../blob"]);
    expect(&blob, "content", &format!("blob/{id}"), None);
    expected
}

#[test]
fn all_hiding_places_loose_and_packed() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(70));
    let expected = hiding_places(&sandbox, &mut mint);
    let lookalike = mint.lookalike("ghp_");
    sandbox.commit("r", "docs", &lookalike);
    for packed in [false, true] {
        if packed {
            sandbox.git("r", &["repack", "-adfkq"]);
            sandbox.git("r", &["prune-packed", "-q"]);
        }
        let (code, report) = sandbox.json(&["git", "r"]);
        assert_eq!((code, found(&report)), (1, expected.len() as u64), "packed: {packed}");
        for (token, kind, path, commit) in &expected {
            let expected = ((*kind).to_owned(), path.clone(), commit.clone());
            assert_eq!(first(&report, token), expected, "packed: {packed}");
        }
        let blob = &find(&report, &expected.last().expect("the blob").0).expect("found")["locations"][0];
        assert_eq!(blob["path"], format!("blob/{}", blob["object"].as_str().expect("an id")));
        assert_eq!(report["summary"]["lookalikes"], 1);
        assert_eq!(find(&report, &lookalike).expect("a note")["confidence"], "lookalike");
    }
}

#[test]
fn a_range_is_what_its_commits_add() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(71));
    let [before, added, removed, merged] = std::array::from_fn(|_| mint.token(Kind::Pat));
    sandbox.init("r", &[]);
    sandbox.commit("r", "f", format!("{before}\n"));
    sandbox.git("r", &["tag", "base"]);
    sandbox.git("r", &["checkout", "-q", "-b", "side"]);
    let id = sandbox.commit("r", "f", format!("{before}\n{added}\n"));
    sandbox.commit("r", "g", &removed);
    sandbox.commit("r", "g", "gone");
    let (code, report) = sandbox.json(&["git", "r", "--range", "base..side"]);
    assert_eq!((code, found(&report)), (1, 2));
    assert_eq!(first(&report, &added), ("content".to_owned(), "f".to_owned(), Some(id)));
    assert!(find(&report, &before).is_none() && find(&report, &removed).is_some());
    sandbox.git("r", &["checkout", "-q", "main"]);
    sandbox.commit("r", "h", "other");
    sandbox.git("r", &["merge", "-q", "--no-commit", "--no-ff", "side"]);
    let merge = sandbox.commit("r", "h", &merged);
    for (range, count) in
        [("base..main", 3), ("side..main", 1), ("main...side", 1), ("main", 4), ("main^!", 1)]
    {
        let (_, report) = sandbox.json(&["git", "r", "--range", range]);
        assert_eq!(found(&report), count, "{range}");
        assert_eq!(first(&report, &merged).2.as_deref(), Some(merge.as_str()), "{range}");
    }
    assert_eq!(sandbox.json(&["git", "r", "--range", "main..side"]).0, 0);
    let ran = sandbox.run(&["git", "r", "--range", "nonsense..main"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("nonsense"), "{}", ran.stderr);
}

#[test]
fn staged_is_the_index_and_never_the_work_tree() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(72));
    let [staged, unstaged, sub, known] = std::array::from_fn(|_| mint.token(Kind::Pat));
    sandbox.init("r", &[]);
    let in_repo = |arguments: &[&str]| -> (i32, Value) {
        let mut command = sandbox.command(&[arguments, &["-f", "json"]].concat());
        let ran = Ran::from(command.current_dir(sandbox.path().join("r")).output().expect("it starts"));
        (ran.code, serde_json::from_str(&ran.stdout).expect("JSON"))
    };
    // Before the first commit.
    sandbox.write("r/f", &staged);
    sandbox.git("r", &["add", "f"]);
    sandbox.write("r/f", &unstaged);
    sandbox.write("r/new", &unstaged);
    let (code, report) = in_repo(&["git", "--staged"]);
    assert_eq!((code, found(&report), report["summary"]["objects"].as_u64()), (1, 1, Some(1)));
    assert_eq!(first(&report, &staged), ("content".to_owned(), "f".to_owned(), None));
    // From a directory below, and only below a path.
    sandbox.commit("r", "f", &known);
    sandbox.write("r/sub/dir/g", &sub);
    sandbox.write("r/other", &staged);
    sandbox.git("r", &["add", "-A"]);
    let mut command = sandbox.command(&["git", "--staged", "-f", "json"]);
    let ran = Ran::from(command.current_dir(sandbox.path().join("r/sub")).output().expect("it starts"));
    let report: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((found(&report), first(&report, &sub).1), (2, "sub/dir/g".to_owned()));
    let (_, report) = in_repo(&["git", "--staged", "sub"]);
    assert_eq!((found(&report), find(&report, &sub).is_some()), (1, true));
    // What HEAD has is not added, also when it moves.
    sandbox.git("r", &["reset", "-q"]);
    sandbox.git("r", &["mv", "f", "moved"]);
    assert_eq!(in_repo(&["git", "--staged"]).0, 0);
    sandbox.git("r", &["reset", "-q", "--hard"]);
    // Another index.
    sandbox.write("r/f", format!("{known}\n{staged}"));
    let index = sandbox.path().join("index");
    fs::copy(sandbox.path().join("r/.git/index"), &index).expect("copied");
    let added = sandbox.git_command("r", &["add", "f"]).env("GIT_INDEX_FILE", &index).status().expect("git");
    assert!(added.success());
    assert_eq!(in_repo(&["git", "--staged"]).0, 0);
    let mut command = sandbox.command(&["git", "--staged", "-f", "json"]);
    command.current_dir(sandbox.path().join("r")).env("GIT_INDEX_FILE", &index);
    assert_eq!(Ran::from(command.output().expect("it starts")).code, 1);
    // Meant to be added, with no content yet; a submodule's commit.
    sandbox.write("r/later", &unstaged);
    sandbox.git("r", &["reset", "-q", "--hard"]);
    sandbox.git("r", &["add", "-N", "later"]);
    let head = sandbox.git("r", &["rev-parse", "HEAD"]);
    sandbox.git("r", &["update-index", "--add", "--cacheinfo", &format!("160000,{head},module")]);
    assert_eq!(in_repo(&["git", "--staged"]).0, 0);
}

#[test]
fn an_incomplete_clone_says_so_and_may_be_refused() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(73));
    let token = mint.token(Kind::Pat);
    sandbox.init("r", &[]);
    sandbox.commit("r", "f", &token);
    sandbox.commit("r", "f", "gone");
    sandbox.shallow_clone("r", "clone");
    let (code, report) = sandbox.json(&["git", "clone"]);
    assert_eq!((code, &report["summary"]["shallow"]), (0, &Value::Bool(true)));
    let ran = sandbox.run(&["git", "clone"]);
    assert!(ran.stderr.contains("git fetch --unshallow"), "{}", ran.stderr);
    let ran = sandbox.run(&["git", "clone", "--require-full-history"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("git fetch --unshallow"), "{}", ran.stderr);
    sandbox.git("clone", &["fetch", "-q", "--unshallow"]);
    let (code, report) = sandbox.json(&["git", "clone", "--require-full-history"]);
    assert_eq!((code, &report["summary"]["shallow"]), (1, &Value::Bool(false)));
    assert!(find(&report, &token).is_some());
}

#[test]
fn a_damaged_object_is_counted_and_the_rest_is_looked_at() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(74));
    let [lost, kept] = std::array::from_fn(|_| mint.token(Kind::Pat));
    sandbox.init("r", &[]);
    sandbox.commit("r", "f", &lost);
    let id = sandbox.git("r", &["rev-parse", "HEAD:f"]);
    let path = sandbox.path().join(format!("r/.git/objects/{}/{}", &id[..2], &id[2..]));
    fs::remove_file(&path).expect("gone");
    fs::write(&path, b"garbage").expect("written");
    let (code, report) = sandbox.json(&["git", "r"]);
    assert_eq!((code, report["summary"]["unreadable"].as_u64()), (2, Some(1)));
    let ran = sandbox.run(&["git", "r"]);
    assert!(ran.stderr.contains(&id), "{}", ran.stderr);
    sandbox.git("r", &["commit", "-q", "--allow-empty", "-m", &kept]);
    let (code, report) = sandbox.json(&["git", "r"]);
    assert_eq!((code, report["summary"]["unreadable"].as_u64(), found(&report)), (1, Some(1), 1));
}

#[test]
fn bare_linked_nested_and_named_from_below() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(75));
    let token = mint.token(Kind::Pat);
    sandbox.init("r", &[]);
    let id = sandbox.commit("r", "d/f", &token);
    sandbox.commit("r", "d/f", "gone");
    sandbox.git("", &["clone", "-q", "--bare", "r", "bare.git"]);
    sandbox.git("r", &["worktree", "add", "-q", "../linked"]);
    sandbox.git("", &["clone", "-q", "--shared", "r", "shared"]);
    for repo in ["r", "r/d", "r/.git", "bare.git", "linked", "shared"] {
        let (code, report) = sandbox.json(&["git", repo]);
        assert_eq!(code, 1, "{repo}");
        let expected = ("content".to_owned(), "d/f".to_owned(), Some(id.clone()));
        assert_eq!(first(&report, &token), expected, "{repo}");
    }
    let ran = sandbox.run(&["git", "."]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("cannot open a git repository"), "{}", ran.stderr);
}

#[test]
fn what_an_environment_of_a_hook_says_holds() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(76));
    let token = mint.token(Kind::Pat);
    sandbox.init("r", &[]);
    sandbox.commit("r", "f", "clean");
    fs::create_dir(sandbox.path().join("quarantine")).expect("a directory");
    sandbox.write("blob", &token);
    let quarantine = sandbox.path().join("quarantine");
    let wrote = sandbox
        .git_command("r", &["hash-object", "-w", "../blob"])
        .env("GIT_OBJECT_DIRECTORY", &quarantine)
        .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", sandbox.path().join("r/.git/objects"))
        .status();
    assert!(wrote.expect("git runs").success());
    let mut command = sandbox.command(&["git", "-q"]);
    command.current_dir(sandbox.path().join("r"));
    assert_eq!(Ran::from(command.output().expect("it starts")).code, 0);
    command
        .env("GIT_OBJECT_DIRECTORY", &quarantine)
        .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", sandbox.path().join("r/.git/objects"));
    assert_eq!(Ran::from(command.output().expect("it starts")).code, 1);
}

#[test]
fn a_repository_of_somebody_else_is_refused_until_it_is_trusted() {
    let sandbox = Sandbox::new();
    sandbox.init("r", &[]);
    sandbox.commit("r", "f", "clean");
    // Only root may give files away.
    let given =
        std::process::Command::new("chown").args(["-R", "12345"]).arg(sandbox.path().join("r")).status();
    if !given.is_ok_and(|status| status.success()) {
        return;
    }
    let ran = sandbox.run(&["git", "r"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("safe.directory"), "{}", ran.stderr);
    let whole = fs::canonicalize(sandbox.path().join("r")).expect("a path");
    sandbox.git("", &["config", "--global", "--add", "safe.directory", &whole.display().to_string()]);
    let ran = sandbox.run(&["git", "r"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}
