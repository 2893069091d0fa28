//! Repositories as they are in the wild: refs in a reftable, a `HEAD` that is a link, a `.git` that leads elsewhere.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::cmd::{Ran, Sandbox};
use crate::support::mint::{Kind, Mint};

/// A repository with a token in its history and none in its files; the token.
fn leaked(sandbox: &Sandbox, mint: &mut Mint, directory: &str) -> String {
    let token = mint.token(Kind::Pat);
    sandbox.init(directory, &[]);
    sandbox.commit(directory, "d/f", &token);
    sandbox.commit(directory, "d/f", "gone");
    token
}

fn found(sandbox: &Sandbox, arguments: &[&str]) -> (i32, u64) {
    let (code, report) = sandbox.json(arguments);
    (code, report["summary"]["findings"].as_u64().expect("a number"))
}

/// Runs in a directory below.
fn run_in(sandbox: &Sandbox, directory: &str, arguments: &[&str]) -> Ran {
    let mut command = sandbox.command(arguments);
    Ran::from(command.current_dir(sandbox.path().join(directory)).output().expect("it starts"))
}

#[test]
fn refs_in_a_reftable_are_read_by_the_installed_git() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(300));
    // Git 2.45 has them.
    if sandbox.try_git("", &["init", "-q", "--ref-format=reftable", "r"]).code != 0 {
        return;
    }
    let [first, second, named] = std::array::from_fn(|_| mint.token(Kind::Pat));
    sandbox.write("r/f", "harmless");
    sandbox.git("r", &["add", "f"]);
    assert_eq!(sandbox.run(&["git", "r", "--staged"]).code, 0, "before the first commit");
    sandbox.commit("r", "f", &first);
    sandbox.commit("r", "f", "gone");
    sandbox.git("r", &["checkout", "-q", "-b", "side"]);
    sandbox.commit("r", "g", &second);
    sandbox.git("r", &["tag", "-a", "v1", "-m", "a tag"]);
    sandbox.git("r", &["checkout", "-q", "main"]);
    sandbox.commit("r", "h", "more");
    assert_eq!(found(&sandbox, &["git", "r"]), (1, 2));
    for (range, count) in [
        ("main", 1),
        ("main..side", 1),
        ("main...side", 1),
        ("v1", 2),
        ("side^!", 1),
        ("HEAD~1..", 0),
        ("side ^main", 1),
    ] {
        assert_eq!(found(&sandbox, &["git", "r", "--range", range]).1, count, "{range}");
    }
    for range in ["nonsense", "--all", "main..--all"] {
        assert_eq!(sandbox.run(&["git", "r", "--range", range]).code, 2, "{range}");
    }
    let zeros = format!("{}..side", "0".repeat(40));
    assert_eq!(found(&sandbox, &["git", "r", "--range", &zeros]).1, 2);
    assert_eq!(found(&sandbox, &["scan", "--history", "r"]), (1, 2));
    sandbox.write("r/new", "harmless");
    sandbox.git("r", &["add", "new"]);
    assert_eq!(sandbox.run(&["git", "r", "--staged"]).code, 0);
    sandbox.write("r/new", mint.token(Kind::Pat));
    sandbox.git("r", &["add", "new"]);
    assert_eq!(found(&sandbox, &["git", "r", "--staged"]), (1, 1));
    sandbox.git("r", &["checkout", "-q", "--detach"]);
    assert_eq!(found(&sandbox, &["git", "r", "--staged"]), (1, 1));
    sandbox.git("r", &["branch", &format!("fix/{named}")]);
    assert_eq!(found(&sandbox, &["git", "r"]), (1, 4));
    // Nothing it configures is started.
    sandbox.git("r", &["config", "core.fsmonitor", "touch started; false"]);
    sandbox.git("r", &["config", "core.pager", "touch started"]);
    assert_eq!(found(&sandbox, &["git", "r"]), (1, 4));
    assert!(!sandbox.path().join("r/started").exists() && !sandbox.path().join("started").exists());
    // Without a git on the path it is said what is missing.
    let mut command = sandbox.command(&["git", "r"]);
    let ran = Ran::from(command.env("PATH", "/nowhere").output().expect("it starts"));
    assert!(ran.stderr.contains("reftable") && ran.stderr.contains("git"), "{}", ran.stderr);
}

#[test]
fn a_head_that_is_a_link_to_a_packed_branch_is_one() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(301));
    // The repository around it must not be taken in its place.
    sandbox.init("outer", &[]);
    leaked(&sandbox, &mut mint, "outer/r");
    sandbox.git("outer/r", &["pack-refs", "--all"]);
    sandbox.git("", &["clone", "-q", "--mirror", "outer/r", "mirror.git"]);
    for head in ["outer/r/.git/HEAD", "mirror.git/HEAD"] {
        let head = sandbox.path().join(head);
        fs::remove_file(&head).expect("removed");
        symlink("refs/heads/main", &head).expect("a link");
    }
    for repo in ["outer/r", "mirror.git"] {
        assert_eq!(found(&sandbox, &["git", repo]), (1, 1), "{repo}");
        assert_eq!(found(&sandbox, &["git", repo, "--range", "HEAD~1"]), (1, 1), "{repo}");
        assert_eq!(found(&sandbox, &["scan", "--history", repo]).0, 1, "{repo}");
    }
    let staged = |count| {
        let ran = run_in(&sandbox, "outer/r/d", &["git", "--staged"]);
        assert_eq!(ran.code, count, "{}", ran.stderr);
    };
    staged(0);
    sandbox.write("outer/r/d/new", mint.token(Kind::Pat));
    sandbox.git("outer/r", &["add", "d/new"]);
    staged(1);
    // What git can not read either is no repository.
    let head = sandbox.path().join("mirror.git/HEAD");
    fs::remove_file(&head).expect("removed");
    symlink("nowhere", &head).expect("a link");
    assert_eq!(sandbox.run(&["git", "mirror.git"]).code, 2);
}

#[test]
fn a_git_file_that_leads_nowhere_is_said_and_not_looked_past() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(302));
    leaked(&sandbox, &mut mint, "outer");
    sandbox.write("outer/module/.git", "gitdir: ../../away/modules/module\n");
    sandbox.write("outer/module/sub/f", "x");
    for (directory, arguments) in [
        ("outer/module", &["git"][..]),
        ("outer/module/sub", &["git"]),
        ("outer/module", &["git", "--staged"]),
        ("outer/module", &["git", "--range", "HEAD"]),
        ("", &["git", "outer/module"]),
        ("", &["scan", "--history", "outer/module"]),
    ] {
        let ran = run_in(&sandbox, directory, arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("away/modules/module"), "{}", ran.stderr);
    }
}

/// A scanned tree beside a repository of somebody else's; the directory of its git.
fn tree_and_stranger(sandbox: &Sandbox, mint: &mut Mint) -> String {
    leaked(sandbox, mint, "private");
    sandbox.git("private", &["worktree", "add", "-q", "../linked"]);
    sandbox.write("tree/f", "harmless");
    let private = fs::canonicalize(sandbox.path().join("private/.git")).expect("it is there");
    private.to_str().expect("UTF-8").to_owned()
}

#[test]
fn nothing_in_a_tree_leads_its_history_out_of_it() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(303));
    let private = tree_and_stranger(&sandbox, &mut mint);
    let head = sandbox.git("private", &["rev-parse", "HEAD"]);
    sandbox.write("tree/pointer/.git", format!("gitdir: {private}\n"));
    // The git directory of a work tree that is elsewhere, and one that only claims to be one of this repository's.
    sandbox.write("tree/liar/.git", format!("gitdir: {private}/worktrees/linked\n"));
    let claim = sandbox.path().join("tree/claim");
    sandbox.write("tree/claim/.git", "gitdir: ../made-up\n");
    sandbox.write("tree/made-up/HEAD", format!("{head}\n"));
    sandbox.write("tree/made-up/commondir", format!("{private}\n"));
    sandbox.write("tree/made-up/gitdir", format!("{}/.git\n", claim.display()));
    fs::create_dir(sandbox.path().join("tree/link")).expect("a directory");
    symlink(&private, sandbox.path().join("tree/link/.git")).expect("a link");
    for name in ["borrower", "objects", "pack", "loose", "ref", "logs"] {
        sandbox.init(&format!("tree/{name}"), &[]);
    }
    let git_dir = |name: &str| sandbox.path().join(format!("tree/{name}/.git"));
    let alternates = |name: &str| {
        sandbox.write(&format!("tree/{name}/.git/objects/info/alternates"), format!("{private}/objects\n"));
    };
    alternates("borrower");
    let replace = |link: &Path, target: &str| {
        let _ = fs::remove_dir_all(link);
        symlink(target, link).expect("a link");
    };
    replace(&git_dir("objects").join("objects"), &format!("{private}/objects"));
    replace(&git_dir("pack").join("objects/pack"), &format!("{private}/objects/pack"));
    replace(&git_dir("loose").join("objects").join(&head[..2]), &format!("{private}/objects/{}", &head[..2]));
    alternates("ref");
    replace(&git_dir("ref").join("refs/heads"), &format!("{private}/refs/heads"));
    sandbox.init("tree/names", &[]);
    replace(&git_dir("names").join("refs/heads"), &format!("{private}/refs/heads"));
    alternates("logs");
    replace(&git_dir("logs").join("logs"), &format!("{private}/logs"));
    for packed in [false, true] {
        if packed {
            sandbox.git("private", &["repack", "-adq"]);
        }
        for name in [
            "pointer", "liar", "claim", "link", "borrower", "objects", "pack", "loose", "ref", "logs",
            "names", ".",
        ] {
            let ran = sandbox.run(&["scan", "--history", &format!("tree/{name}")]);
            assert!(matches!(ran.code, 0 | 2), "{name}: {}{}", ran.stdout, ran.stderr);
            if ["pointer", "liar", "claim", "borrower", "pack", "ref", "logs", "names"].contains(&name) {
                assert!(ran.stderr.contains("private"), "{name} is not said: {}", ran.stderr);
            }
        }
    }
    // Whoever names it means it.
    assert_eq!(found(&sandbox, &["git", "tree/pointer"]), (1, 1));
    assert_eq!(found(&sandbox, &["git", "tree/borrower"]), (1, 1));
}

#[test]
fn what_belongs_to_a_tree_is_followed() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(304));
    let private = tree_and_stranger(&sandbox, &mut mint);
    // A work tree that its repository lists, and a liar that comes first.
    sandbox.git("private", &["worktree", "add", "-q", "../tree/worktree"]);
    sandbox.write("tree/a/.git", format!("gitdir: {private}/worktrees/worktree\n"));
    assert_eq!(found(&sandbox, &["scan", "--history", "tree"]), (1, 1));
    fs::remove_dir_all(sandbox.path().join("tree/a")).expect("removed");
    fs::remove_dir_all(sandbox.path().join("tree/worktree")).expect("removed");
    // What its refs lead to in the objects of another one, and nothing else of that.
    sandbox.git("", &["clone", "-q", "--shared", "private", "tree/shared"]);
    sandbox.git("private", &["checkout", "-q", "-b", "other"]);
    sandbox.commit("private", "secret", mint.token(Kind::Pat));
    for packed in [false, true] {
        if packed {
            sandbox.git("private", &["repack", "-adq"]);
        }
        assert_eq!(found(&sandbox, &["scan", "--history", "tree"]), (1, 1), "packed: {packed}");
    }
    assert_eq!(found(&sandbox, &["git", "tree/shared"]), (1, 2));
    fs::remove_dir_all(sandbox.path().join("tree/shared")).expect("removed");
    // Within the tree, all objects are the tree's.
    leaked(&sandbox, &mut mint, "tree/main");
    sandbox.git("", &["clone", "-q", "--shared", "tree/main", "tree/clone"]);
    assert_eq!(found(&sandbox, &["scan", "--history", "tree"]), (1, 1));
    fs::remove_dir_all(sandbox.path().join("tree/main")).expect("removed");
    let ran = sandbox.run(&["scan", "--history", "tree"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("tree/main"), "{}", ran.stderr);
    fs::remove_dir_all(sandbox.path().join("tree/clone")).expect("removed");
    // A submodule whose git directory names it.
    leaked(&sandbox, &mut mint, "lib");
    sandbox.init("super", &[]);
    sandbox.git("super", &["submodule", "--quiet", "add", "../lib", "module"]);
    assert_eq!(found(&sandbox, &["scan", "--history", "super/module"]), (1, 1));
}

#[test]
fn alternates_in_a_circle_end() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(305));
    leaked(&sandbox, &mut mint, "a");
    leaked(&sandbox, &mut mint, "b");
    sandbox.write("a/.git/objects/info/alternates", "../../../b/.git/objects\n");
    sandbox.write("b/.git/objects/info/alternates", "../../../a/.git/objects\n");
    for repo in ["a", "b"] {
        assert_eq!(found(&sandbox, &["git", repo]), (1, 2), "{repo}");
        assert_eq!(found(&sandbox, &["git", repo, "--range", "main~1..main"]), (0, 0), "{repo}");
        assert_eq!(found(&sandbox, &["git", repo, "--range", "HEAD"]), (1, 1), "{repo}");
        assert_eq!(found(&sandbox, &["git", repo, "--staged"]), (0, 0), "{repo}");
    }
    assert_eq!(found(&sandbox, &["scan", "--history", "."]), (1, 2));
}

#[test]
fn refs_that_only_a_linked_work_tree_has_are_read() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(306));
    let token = mint.token(Kind::Pat);
    sandbox.init("r", &[]);
    sandbox.commit("r", "f", "x");
    sandbox.git("r", &["worktree", "add", "-q", "../linked"]);
    sandbox.git("linked", &["update-ref", &format!("refs/worktree/{token}"), "HEAD"]);
    for repo in ["r", "linked"] {
        assert_eq!(found(&sandbox, &["git", repo]), (1, 1), "{repo}");
    }
}

#[test]
fn a_partial_clone_is_read_as_far_as_it_goes() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(307));
    sandbox.init("r", &[]);
    sandbox.git("r", &["config", "uploadpack.allowFilter", "true"]);
    sandbox.commit("r", "f", mint.token(Kind::Pat));
    sandbox.commit("r", "f", mint.token(Kind::Pat));
    sandbox.commit("r", "f", "gone");
    let url = format!("file://{}", sandbox.path().join("r").display());
    for filter in ["--filter=blob:none", "--filter=tree:0"] {
        sandbox.git("", &["clone", "-q", filter, &url, "clone"]);
        // What looks for missing objects takes no more threads than were asked for.
        for threads in ["1", "2"] {
            let ran = sandbox.run(&["git", "clone", "-j", threads]);
            assert_eq!(ran.code, 0, "{filter}: {}", ran.stderr);
            assert!(ran.stderr.contains("partial clone"), "{}", ran.stderr);
        }
        assert_eq!(sandbox.run(&["git", "clone", "--require-full-history"]).code, 2);
        let ran = sandbox.run(&["git", "clone", "--range", "HEAD~2..HEAD"]);
        assert_eq!(ran.code, 2, "{filter}: {}", ran.stderr);
        assert!(ran.stderr.contains("a filter left it out"), "{}", ran.stderr);
        // What is staged is here.
        sandbox.write("clone/new", mint.token(Kind::Pat));
        sandbox.git("clone", &["add", "new"]);
        assert_eq!(found(&sandbox, &["git", "clone", "--staged"]), (1, 1), "{filter}");
        fs::remove_dir_all(sandbox.path().join("clone")).expect("removed");
    }
}

#[test]
fn what_git_cannot_open_is_said_in_its_own_words() {
    let sandbox = Sandbox::new();
    sandbox.init("r", &[]);
    sandbox.git("r", &["config", "core.repositoryformatversion", "99"]);
    let ran = sandbox.run(&["git", "r"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("git says:") && ran.stderr.contains("99"), "{}", ran.stderr);
}

#[test]
fn a_bare_repository_is_opened_from_wherever_it_is_named() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(331));
    leaked(&sandbox, &mut mint, "r");
    sandbox.git("", &["clone", "-q", "--bare", "r", "bare"]);
    for (directory, name) in
        [("", "bare"), ("r", "../bare"), ("r/d", "../../bare"), ("bare", "."), ("bare/refs", "..")]
    {
        let ran = run_in(&sandbox, directory, &["git", "-q", name]);
        assert_eq!(ran.code, 1, "{name} from {directory}: {}", ran.stderr);
    }
}

#[test]
fn what_the_refs_lead_to_and_is_gone_is_no_clean_history() {
    let lose = |sandbox: &Sandbox, revision: &str| {
        let id = sandbox.git("r", &["rev-parse", revision]);
        let file = sandbox.path().join("r/.git/objects").join(&id[..2]).join(&id[2..]);
        fs::remove_file(file).expect("a loose object");
    };
    for (what, always) in [("main~1:d/f", false), ("main~1:d", false), ("main~1", false), ("main", true)] {
        let (sandbox, mut mint) = (Sandbox::new(), Mint::new(350));
        leaked(&sandbox, &mut mint, "r");
        let full = ["git", "r", "-q", "--require-full-history", "--exclude", "f"];
        assert_eq!(sandbox.run(&full).code, 0, "complete");
        lose(&sandbox, what);
        let ran = sandbox.run(&full);
        assert!(ran.code == 2 && ran.stderr.contains("git fsck"), "{what}: {}", ran.stderr);
        // Without the flag nothing is read but to be scanned.
        let ran = sandbox.run(&["git", "r"]);
        assert_eq!(ran.stderr.contains("git fsck"), always, "{what}: {}", ran.stderr);
        // A ref is in no tree, and no glob for files leaves it out.
        let ran = sandbox.run(&["git", "r", "--exclude", "refs"]);
        assert_eq!(ran.stderr.contains("which refs/heads/main names"), always, "{what}: {}", ran.stderr);
    }
    for (gone, code) in [("pack", 2), ("idx", 1)] {
        let (sandbox, mut mint) = (Sandbox::new(), Mint::new(351));
        leaked(&sandbox, &mut mint, "r");
        sandbox.git("r", &["repack", "-adq"]);
        sandbox.shell(&format!("rm -f r/.git/objects/pack/*.{gone}"));
        let ran = sandbox.run(&["scan", "--history", "-q", "r"]);
        assert_eq!(ran.code, code, "{gone}: {}", ran.stderr);
    }
}

#[test]
fn a_format_that_git_does_not_know_is_not_read() {
    let sandbox = Sandbox::new();
    sandbox.init("r", &[]);
    sandbox.commit("r", "f", "clean");
    let set = |name: &str, value: &str| sandbox.git("r", &["config", name, value]);
    set("extensions.future", "true");
    assert_eq!(sandbox.run(&["git", "r", "-q"]).code, 0, "version 0 has no extensions");
    set("core.repositoryFormatVersion", "1");
    let ran = sandbox.run(&["git", "r", "-q"]);
    assert!(ran.code == 2 && ran.stderr.contains("future"), "{}", ran.stderr);
    assert_eq!(sandbox.run(&["scan", "--history", "-q", "r"]).code, 2);
    sandbox.shell("git config -f r/.git/config --unset extensions.future");
    assert_eq!(sandbox.run(&["git", "r", "-q"]).code, 0);
    sandbox.shell("git config -f r/.git/config core.repositoryFormatVersion 99");
    assert_eq!(sandbox.run(&["git", "r", "-q"]).code, 2);
}
