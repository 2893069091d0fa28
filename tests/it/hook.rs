//! Git hooks, driven by a real `git commit` and a real `git push`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::cmd::{Ran, Sandbox};
use crate::support::mint::{Kind, Mint};

/// Runs the program in a directory below the sandbox's.
fn stanch(sandbox: &Sandbox, directory: &str, arguments: &[&str]) -> Ran {
    let mut command = sandbox.command(arguments);
    Ran::from(command.current_dir(sandbox.path().join(directory)).output().expect("the program starts"))
}

fn install(sandbox: &Sandbox, directory: &str, more: &[&str]) {
    let ran = stanch(sandbox, directory, &[&["hook", "install"], more].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

fn uninstall(sandbox: &Sandbox, directory: &str, more: &[&str]) {
    let ran = stanch(sandbox, directory, &[&["hook", "uninstall"], more].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

/// A hook of somebody's own, that leaves a note of what it was given.
fn own_hook(sandbox: &Sandbox, path: &str, code: i32) -> String {
    let log = sandbox.path().join("log");
    let text = format!("#!/bin/sh\necho \"ran $*\" >> '{0}'\ncat >> '{0}'\nexit {code}\n", log.display());
    sandbox.write(path, &text);
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(sandbox.path().join(path), mode).expect("permissions");
    text
}

fn read(sandbox: &Sandbox, path: &str) -> String {
    fs::read_to_string(sandbox.path().join(path)).expect("a file")
}

/// The message names the location, and shows no more of the token than its redacted form.
fn refused(ran: &Ran, token: &str, location: &str) {
    assert_ne!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains(location), "{}", ran.stderr);
    let output = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!output.contains(token) && !output.contains(&token[8..34]), "a token was printed");
}

#[test]
fn a_commit_with_a_token_is_refused_and_one_without_is_not() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(80));
    let token = mint.token(Kind::Pat);
    sandbox.init("r", &[]);
    install(&sandbox, "r", &[]);
    install(&sandbox, "r", &[]);
    sandbox.write("r/sub/f", format!("\nkey={token}\n"));
    sandbox.git("r", &["add", "-A"]);
    let ran = sandbox.try_git("r", &["commit", "-qm", "first"]);
    refused(&ran, &token, "sub/f:2:5  github-pat  ghp_");
    assert!(ran.stderr.contains("git commit --no-verify"), "{}", ran.stderr);
    assert!(ran.stderr.lines().count() <= 6, "{}", ran.stderr);
    // What is staged counts, not what is in the work tree, and from wherever the commit is made.
    sandbox.write("r/sub/f", "clean");
    let ran = sandbox.try_git("r/sub", &["commit", "-qm", "first"]);
    refused(&ran, &token, "sub/f:2:5");
    sandbox.git("r", &["add", "-A"]);
    sandbox.git("r", &["commit", "-qm", "first"]);
    // `commit -a` and `commit PATH` have an index of their own.
    sandbox.write("r/sub/f", &token);
    refused(&sandbox.try_git("r", &["commit", "-qam", "second"]), &token, "sub/f:1:1");
    refused(&sandbox.try_git("r", &["commit", "-qm", "second", "sub/f"]), &token, "sub/f:1:1");
    sandbox.git("r", &["commit", "-q", "--no-verify", "-am", "second"]);
    // What is there already is not added again.
    sandbox.write("r/sub/f", format!("more\n{token}"));
    sandbox.git("r", &["commit", "-qam", "third"]);
    uninstall(&sandbox, "r", &[]);
    assert!(!sandbox.path().join("r/.git/hooks/pre-commit").exists());
    uninstall(&sandbox, "r", &[]);
}

#[test]
fn a_hook_that_is_there_runs_first_and_comes_back() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(81));
    let token = mint.token(Kind::Pat);
    sandbox.init("r", &[]);
    sandbox.init("up.git", &["--bare"]);
    let (commit, push) = ("r/.git/hooks/pre-commit", "r/.git/hooks/pre-push");
    let (first, second) = (own_hook(&sandbox, commit, 0), own_hook(&sandbox, push, 0));
    for kind in ["pre-commit", "pre-push", "pre-commit", "pre-push"] {
        install(&sandbox, "r", &["--type", kind]);
    }
    sandbox.git("r", &["remote", "add", "origin", "../up.git"]);
    let id = sandbox.commit("r", "f", "clean");
    assert_eq!(read(&sandbox, "log"), "ran \n");
    sandbox.git("r", &["push", "-q", "origin", "main"]);
    let zero = "0".repeat(40);
    let expected = format!("ran \nran origin ../up.git\nrefs/heads/main {id} refs/heads/main {zero}\n");
    assert_eq!(read(&sandbox, "log"), expected);
    sandbox.write("r/f", &token);
    refused(&sandbox.try_git("r", &["commit", "-qam", "leak"]), &token, "f:1:1");
    // Its exit code counts.
    own_hook(&sandbox, "r/.git/hooks/pre-commit.stanch-chained", 7);
    sandbox.write("r/f", "clean as well");
    assert_ne!(sandbox.try_git("r", &["commit", "-qam", "no"]).code, 0);
    own_hook(&sandbox, "r/.git/hooks/pre-commit.stanch-chained", 0);
    for kind in ["pre-commit", "pre-push"] {
        uninstall(&sandbox, "r", &["--type", kind]);
    }
    assert_eq!((read(&sandbox, commit), read(&sandbox, push)), (first, second));
    assert!(!sandbox.path().join("r/.git/hooks/pre-commit.stanch-chained").exists());
    let mode = fs::metadata(sandbox.path().join(commit)).expect("a hook").permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
}

#[test]
fn hooks_that_cannot_be_renamed_are_left_as_they_are() {
    let sandbox = Sandbox::new();
    sandbox.init("r", &[]);
    let dispatcher = "#!/bin/sh\nexec \"$(dirname \"$0\")/../../manager\" \"$(basename \"$0\")\" \"$@\"\n";
    sandbox.write("r/.git/hooks/pre-commit", dispatcher);
    let ran = stanch(&sandbox, "r", &["hook", "install"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("stanch hook run --type pre-commit"), "{}", ran.stderr);
    assert_eq!(read(&sandbox, "r/.git/hooks/pre-commit"), dispatcher);
    // Somebody wrote over ours: neither theirs nor what it had replaced is lost.
    own_hook(&sandbox, "r/.git/hooks/pre-commit", 0);
    install(&sandbox, "r", &[]);
    sandbox.write("r/.git/hooks/pre-commit", "#!/bin/sh\n# another\n");
    for command in ["install", "uninstall"] {
        let ran = stanch(&sandbox, "r", &["hook", command]);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert_eq!(read(&sandbox, "r/.git/hooks/pre-commit"), "#!/bin/sh\n# another\n");
        assert!(sandbox.path().join("r/.git/hooks/pre-commit.stanch-chained").exists());
    }
    sandbox.git("r", &["config", "core.hooksPath", ".husky/_"]);
    let ran = stanch(&sandbox, "r", &["hook", "install"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("husky"), "{}", ran.stderr);
}

#[test]
fn the_hook_goes_to_the_directory_of_core_hooks_path() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(82));
    let token = mint.token(Kind::Pat);
    sandbox.init("r", &[]);
    sandbox.git("r", &["config", "core.hooksPath", ".githooks"]);
    sandbox.write("r/sub/f", "");
    install(&sandbox, "r/sub", &[]);
    assert!(sandbox.path().join("r/.githooks/pre-commit").exists());
    assert!(!sandbox.path().join("r/.git/hooks/pre-commit").exists());
    sandbox.write("r/f", &token);
    sandbox.git("r", &["add", "f"]);
    refused(&sandbox.try_git("r", &["commit", "-qm", "leak"]), &token, "f:1:1");
    // A linked work tree has the hooks of its repository.
    sandbox.init("s", &[]);
    sandbox.commit("s", "f", "clean");
    sandbox.git("s", &["worktree", "add", "-q", "../linked"]);
    install(&sandbox, "linked", &[]);
    sandbox.write("linked/g", &token);
    sandbox.git("linked", &["add", "g"]);
    refused(&sandbox.try_git("linked", &["commit", "-qm", "leak"]), &token, "g:1:1");
}

#[test]
fn without_the_program_everything_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.init("r", &[]);
    install(&sandbox, "r", &[]);
    let hook = "r/.git/hooks/pre-commit";
    let gone = read(&sandbox, hook).replace(env!("CARGO_BIN_EXE_stanch"), "/nowhere/stanch");
    sandbox.write(hook, &gone);
    sandbox.write("r/f", "clean");
    sandbox.git("r", &["add", "-A"]);
    let ran = sandbox.try_git("r", &["commit", "-qm", "first"]);
    assert_ne!(ran.code, 0);
    assert!(ran.stderr.contains("git commit --no-verify"), "{}", ran.stderr);
    // It is found on the path, too.
    fs::create_dir(sandbox.path().join("bin")).expect("a directory");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_stanch"), sandbox.path().join("bin/stanch"))
        .expect("a link");
    let mut command = sandbox.git_command("r", &["commit", "-qm", "first"]);
    let path = std::env::var("PATH").expect("a path");
    let output = command.env("PATH", format!("{path}:{}", sandbox.path().join("bin").display())).output();
    assert!(output.expect("git runs").status.success());
}

#[test]
fn a_push_is_compared_with_what_the_remote_has() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(83));
    let [old, token, other] = std::array::from_fn(|_| mint.token(Kind::Pat));
    sandbox.init("up.git", &["--bare"]);
    sandbox.init("r", &[]);
    sandbox.git("r", &["remote", "add", "origin", "../up.git"]);
    sandbox.commit("r", "old", &old);
    sandbox.git("r", &["push", "-q", "origin", "main"]);
    install(&sandbox, "r", &["--type", "pre-push"]);
    // What it has is not scanned again, not even on a branch of another name.
    sandbox.commit("r", "f", "clean");
    sandbox.git("r", &["push", "-q", "origin", "main", "main:other"]);
    let leak = sandbox.commit("r", "f", &token);
    sandbox.commit("r", "f", "gone again");
    refused(
        &sandbox.try_git("r", &["push", "origin", "main"]),
        &token,
        &format!("commit {}  f:1:1", &leak[..12]),
    );
    refused(&sandbox.try_git("r", &["push", "origin", "main:new"]), &token, "f:1:1");
    sandbox.git("r", &["tag", "-a", "-m", &format!("key {other}"), "v1", "HEAD~2"]);
    refused(&sandbox.try_git("r", &["push", "origin", "v1"]), &other, "refs/tags/v1 (in the tag's message)");
    let name = format!("HEAD~2:refs/heads/{other}");
    refused(&sandbox.try_git("r", &["push", "origin", &name]), &other, "(in the ref's name)");
    // Where nothing is known of the remote, everything is.
    sandbox.init("empty.git", &["--bare"]);
    refused(&sandbox.try_git("r", &["push", "../empty.git", "HEAD~2:refs/heads/main"]), &old, "old:1:1");
    sandbox.git("r", &["push", "-q", "origin", ":other", "HEAD~2:refs/heads/third"]);
    // The remote has commits that were never fetched here: that is no error.
    sandbox.git("", &["clone", "-q", "up.git", "clone"]);
    sandbox.commit("clone", "theirs", "clean");
    sandbox.git("clone", &["push", "-q", "origin", "main"]);
    sandbox.git("r", &["reset", "-q", "--hard", "HEAD~2"]);
    sandbox.commit("r", "mine", "clean");
    sandbox.git("r", &["push", "-q", "--force", "origin", "main"]);
}

#[test]
fn a_server_refuses_tokens_and_shows_no_part_of_them() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(84));
    let [token, named] = std::array::from_fn(|_| mint.token(Kind::Pat));
    sandbox.init("up.git", &["--bare"]);
    install(&sandbox, "up.git", &["--type", "pre-receive"]);
    sandbox.init("r", &[]);
    sandbox.git("r", &["remote", "add", "origin", "../up.git"]);
    sandbox.commit("r", "f", "clean");
    sandbox.git("r", &["push", "-q", "origin", "main"]);
    // The configuration of the pushed tree is ignored.
    sandbox.write("r/.stanchignore", "*\n");
    sandbox.write("r/.stanch.toml", "exclude = ['*']\n");
    let leak = sandbox.commit("r", "d/f", format!("{token} # stanch:allow\n"));
    sandbox.commit("r", "d/f", "gone");
    for refspec in ["main", "main:refs/heads/new", "main:refs/tags/t"] {
        let ran = sandbox.try_git("r", &["push", "origin", refspec]);
        refused(&ran, &token, &format!("commit {}  d/f:1:1  github-pat", &leak[..12]));
        assert!(!ran.stderr.contains("ghp_") && !ran.stderr.contains(&token[34..]), "{}", ran.stderr);
    }
    assert_eq!(sandbox.git("up.git", &["for-each-ref", "--format=%(refname)"]), "refs/heads/main");
    sandbox.git("r", &["reset", "-q", "--hard", "HEAD~2"]);
    sandbox.write(&format!("r/{named}/x"), "");
    sandbox.git("r", &["add", "-A"]);
    sandbox.git("r", &["commit", "-qm", "a name"]);
    let ran = sandbox.try_git("r", &["push", "origin", "main"]);
    refused(&ran, &named, "(in the name)");
    assert!(!ran.stderr.contains("ghp_"), "{}", ran.stderr);
    sandbox.git("r", &["reset", "-q", "--hard", "HEAD~1"]);
    sandbox.commit("r", "f", "clean again");
    sandbox.git("r", &["push", "-q", "origin", "main", "main:side"]);
    sandbox.git("r", &["push", "-q", "origin", ":side"]);
}

#[test]
fn one_hook_for_all_repositories() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(85));
    let token = mint.token(Kind::Pat);
    install(&sandbox, "", &["--global"]);
    install(&sandbox, "", &["--global", "--type", "pre-push"]);
    let directory = sandbox.home().join(".config/stanch/hooks");
    assert_eq!(sandbox.git("", &["config", "--global", "core.hooksPath"]), directory.display().to_string());
    sandbox.init("r", &[]);
    sandbox.init("up.git", &["--bare"]);
    own_hook(&sandbox, "r/.git/hooks/commit-msg", 0);
    own_hook(&sandbox, "r/.git/hooks/pre-commit", 0);
    own_hook(&sandbox, "r/.git/hooks/pre-push", 0);
    let id = sandbox.commit("r", "f", "clean");
    sandbox.git("r", &["push", "-q", "../up.git", "main"]);
    let zero = "0".repeat(40);
    let pushed = format!("ran ../up.git ../up.git\nrefs/heads/main {id} refs/heads/main {zero}\n");
    assert_eq!(read(&sandbox, "log"), format!("ran \nran .git/COMMIT_EDITMSG\n{pushed}"));
    sandbox.write("r/f", &token);
    refused(&sandbox.try_git("r", &["commit", "-qam", "leak"]), &token, "f:1:1");
    sandbox.git("r", &["commit", "-q", "--no-verify", "-am", "leak"]);
    refused(&sandbox.try_git("r", &["push", "../up.git", "main"]), &token, "f:1:1");
    uninstall(&sandbox, "", &["--global", "--type", "pre-push"]);
    sandbox.git("r", &["push", "-q", "../up.git", "main"]);
    uninstall(&sandbox, "", &["--global"]);
    assert!(!directory.exists());
    assert_ne!(sandbox.try_git("", &["config", "--global", "core.hooksPath"]).code, 0);
    // A directory that somebody else configured stays.
    sandbox.git("", &["config", "--global", "core.hooksPath", "/srv/hooks"]);
    let ran = stanch(&sandbox, "", &["hook", "install", "--global"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert_eq!(sandbox.git("", &["config", "--global", "core.hooksPath"]), "/srv/hooks");
    assert!(!directory.exists());
}
