//! Git hooks, driven by a real `git commit` and a real `git push`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::cmd::{Ran, World};
use crate::support::mint::{Kind, Mint};

/// Runs the program in a directory below the world's.
fn stanch(world: &World, directory: &str, arguments: &[&str]) -> Ran {
    let mut command = world.command(arguments);
    Ran::from(command.current_dir(world.path().join(directory)).output().expect("the program starts"))
}

fn install(world: &World, directory: &str, more: &[&str]) {
    let ran = stanch(world, directory, &[&["hook", "install"], more].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

fn uninstall(world: &World, directory: &str, more: &[&str]) {
    let ran = stanch(world, directory, &[&["hook", "uninstall"], more].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

/// A hook of somebody's own, that leaves a note of what it was given.
fn own_hook(world: &World, path: &str, code: i32) -> String {
    let log = world.path().join("log");
    let text = format!("#!/bin/sh\necho \"ran $*\" >> '{0}'\ncat >> '{0}'\nexit {code}\n", log.display());
    world.write(path, &text);
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(world.path().join(path), mode).expect("permissions");
    text
}

fn read(world: &World, path: &str) -> String {
    fs::read_to_string(world.path().join(path)).expect("a file")
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
    let (world, mut mint) = (World::new(), Mint::new(80));
    let token = mint.token(Kind::Pat);
    world.init("r", &[]);
    install(&world, "r", &[]);
    install(&world, "r", &[]);
    world.write("r/sub/f", format!("\nkey={token}\n"));
    world.git("r", &["add", "-A"]);
    let ran = world.try_git("r", &["commit", "-qm", "first"]);
    refused(&ran, &token, "sub/f:2:5  github-pat  ghp_");
    assert!(ran.stderr.contains("git commit --no-verify"), "{}", ran.stderr);
    assert!(ran.stderr.lines().count() <= 6, "{}", ran.stderr);
    // What is staged counts, not what is in the work tree, and from wherever the commit is made.
    world.write("r/sub/f", "clean");
    let ran = world.try_git("r/sub", &["commit", "-qm", "first"]);
    refused(&ran, &token, "sub/f:2:5");
    world.git("r", &["add", "-A"]);
    world.git("r", &["commit", "-qm", "first"]);
    // `commit -a` and `commit PATH` have an index of their own.
    world.write("r/sub/f", &token);
    refused(&world.try_git("r", &["commit", "-qam", "second"]), &token, "sub/f:1:1");
    refused(&world.try_git("r", &["commit", "-qm", "second", "sub/f"]), &token, "sub/f:1:1");
    world.git("r", &["commit", "-q", "--no-verify", "-am", "second"]);
    // What is there already is not added again.
    world.write("r/sub/f", format!("more\n{token}"));
    world.git("r", &["commit", "-qam", "third"]);
    uninstall(&world, "r", &[]);
    assert!(!world.path().join("r/.git/hooks/pre-commit").exists());
    uninstall(&world, "r", &[]);
}

#[test]
fn a_hook_that_is_there_runs_first_and_comes_back() {
    let (world, mut mint) = (World::new(), Mint::new(81));
    let token = mint.token(Kind::Pat);
    world.init("r", &[]);
    world.init("up.git", &["--bare"]);
    let (commit, push) = ("r/.git/hooks/pre-commit", "r/.git/hooks/pre-push");
    let (first, second) = (own_hook(&world, commit, 0), own_hook(&world, push, 0));
    for kind in ["pre-commit", "pre-push", "pre-commit", "pre-push"] {
        install(&world, "r", &["--type", kind]);
    }
    world.git("r", &["remote", "add", "origin", "../up.git"]);
    let id = world.commit("r", "f", "clean");
    assert_eq!(read(&world, "log"), "ran \n");
    world.git("r", &["push", "-q", "origin", "main"]);
    let zero = "0".repeat(40);
    let expected = format!("ran \nran origin ../up.git\nrefs/heads/main {id} refs/heads/main {zero}\n");
    assert_eq!(read(&world, "log"), expected);
    world.write("r/f", &token);
    refused(&world.try_git("r", &["commit", "-qam", "leak"]), &token, "f:1:1");
    // Its exit code counts.
    own_hook(&world, "r/.git/hooks/pre-commit.stanch-chained", 7);
    world.write("r/f", "clean as well");
    assert_ne!(world.try_git("r", &["commit", "-qam", "no"]).code, 0);
    own_hook(&world, "r/.git/hooks/pre-commit.stanch-chained", 0);
    for kind in ["pre-commit", "pre-push"] {
        uninstall(&world, "r", &["--type", kind]);
    }
    assert_eq!((read(&world, commit), read(&world, push)), (first, second));
    assert!(!world.path().join("r/.git/hooks/pre-commit.stanch-chained").exists());
    let mode = fs::metadata(world.path().join(commit)).expect("a hook").permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
}

#[test]
fn hooks_that_cannot_be_renamed_are_left_as_they_are() {
    let world = World::new();
    world.init("r", &[]);
    let dispatcher = "#!/bin/sh\nexec manager \"$(basename \"$0\")\" \"$@\"\n";
    world.write("r/.git/hooks/pre-commit", dispatcher);
    let ran = stanch(&world, "r", &["hook", "install"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("stanch hook run --type pre-commit"), "{}", ran.stderr);
    assert_eq!(read(&world, "r/.git/hooks/pre-commit"), dispatcher);
    // Somebody wrote over ours: neither theirs nor what it had replaced is lost.
    own_hook(&world, "r/.git/hooks/pre-commit", 0);
    install(&world, "r", &[]);
    world.write("r/.git/hooks/pre-commit", "#!/bin/sh\n# another\n");
    for command in ["install", "uninstall"] {
        let ran = stanch(&world, "r", &["hook", command]);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert_eq!(read(&world, "r/.git/hooks/pre-commit"), "#!/bin/sh\n# another\n");
        assert!(world.path().join("r/.git/hooks/pre-commit.stanch-chained").exists());
    }
    world.git("r", &["config", "core.hooksPath", ".husky/_"]);
    let ran = stanch(&world, "r", &["hook", "install"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("husky"), "{}", ran.stderr);
}

#[test]
fn the_hook_goes_to_the_directory_of_core_hooks_path() {
    let (world, mut mint) = (World::new(), Mint::new(82));
    let token = mint.token(Kind::Pat);
    world.init("r", &[]);
    world.git("r", &["config", "core.hooksPath", ".githooks"]);
    world.write("r/sub/f", "");
    install(&world, "r/sub", &[]);
    assert!(world.path().join("r/.githooks/pre-commit").exists());
    assert!(!world.path().join("r/.git/hooks/pre-commit").exists());
    world.write("r/f", &token);
    world.git("r", &["add", "f"]);
    refused(&world.try_git("r", &["commit", "-qm", "leak"]), &token, "f:1:1");
    // A linked work tree has the hooks of its repository.
    world.init("s", &[]);
    world.commit("s", "f", "clean");
    world.git("s", &["worktree", "add", "-q", "../linked"]);
    install(&world, "linked", &[]);
    world.write("linked/g", &token);
    world.git("linked", &["add", "g"]);
    refused(&world.try_git("linked", &["commit", "-qm", "leak"]), &token, "g:1:1");
}

#[test]
fn without_the_program_everything_is_refused() {
    let world = World::new();
    world.init("r", &[]);
    install(&world, "r", &[]);
    let hook = "r/.git/hooks/pre-commit";
    let gone = read(&world, hook).replace(env!("CARGO_BIN_EXE_stanch"), "/nowhere/stanch");
    world.write(hook, &gone);
    world.write("r/f", "clean");
    world.git("r", &["add", "-A"]);
    let ran = world.try_git("r", &["commit", "-qm", "first"]);
    assert_ne!(ran.code, 0);
    assert!(ran.stderr.contains("git commit --no-verify"), "{}", ran.stderr);
    // It is found on the path, too.
    fs::create_dir(world.path().join("bin")).expect("a directory");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_stanch"), world.path().join("bin/stanch"))
        .expect("a link");
    let mut command = world.git_command("r", &["commit", "-qm", "first"]);
    let path = std::env::var("PATH").expect("a path");
    let output = command.env("PATH", format!("{path}:{}", world.path().join("bin").display())).output();
    assert!(output.expect("git runs").status.success());
}

#[test]
fn a_push_is_compared_with_what_the_remote_has() {
    let (world, mut mint) = (World::new(), Mint::new(83));
    let [old, token, other] = std::array::from_fn(|_| mint.token(Kind::Pat));
    world.init("up.git", &["--bare"]);
    world.init("r", &[]);
    world.git("r", &["remote", "add", "origin", "../up.git"]);
    world.commit("r", "old", &old);
    world.git("r", &["push", "-q", "origin", "main"]);
    install(&world, "r", &["--type", "pre-push"]);
    // What it has is not scanned again, not even on a branch of another name.
    world.commit("r", "f", "clean");
    world.git("r", &["push", "-q", "origin", "main", "main:other"]);
    let leak = world.commit("r", "f", &token);
    world.commit("r", "f", "gone again");
    refused(
        &world.try_git("r", &["push", "origin", "main"]),
        &token,
        &format!("commit {}  f:1:1", &leak[..12]),
    );
    refused(&world.try_git("r", &["push", "origin", "main:new"]), &token, "f:1:1");
    world.git("r", &["tag", "-a", "-m", &format!("key {other}"), "v1", "HEAD~2"]);
    refused(&world.try_git("r", &["push", "origin", "v1"]), &other, "refs/tags/v1 (in the tag's message)");
    let name = format!("HEAD~2:refs/heads/{other}");
    refused(&world.try_git("r", &["push", "origin", &name]), &other, "(in the ref's name)");
    // Where nothing is known of the remote, everything is.
    world.init("empty.git", &["--bare"]);
    refused(&world.try_git("r", &["push", "../empty.git", "HEAD~2:refs/heads/main"]), &old, "old:1:1");
    world.git("r", &["push", "-q", "origin", ":other", "HEAD~2:refs/heads/third"]);
    // The remote has commits that were never fetched here: that is no error.
    world.git("", &["clone", "-q", "up.git", "clone"]);
    world.commit("clone", "theirs", "clean");
    world.git("clone", &["push", "-q", "origin", "main"]);
    world.git("r", &["reset", "-q", "--hard", "HEAD~2"]);
    world.commit("r", "mine", "clean");
    world.git("r", &["push", "-q", "--force", "origin", "main"]);
}

#[test]
fn a_server_refuses_tokens_and_shows_no_part_of_them() {
    let (world, mut mint) = (World::new(), Mint::new(84));
    let [token, named] = std::array::from_fn(|_| mint.token(Kind::Pat));
    world.init("up.git", &["--bare"]);
    install(&world, "up.git", &["--type", "pre-receive"]);
    world.init("r", &[]);
    world.git("r", &["remote", "add", "origin", "../up.git"]);
    world.commit("r", "f", "clean");
    world.git("r", &["push", "-q", "origin", "main"]);
    // The configuration of the pushed tree is ignored.
    world.write("r/.stanchignore", "*\n");
    world.write("r/.stanch.toml", "exclude = ['*']\n");
    let leak = world.commit("r", "d/f", format!("{token} # stanch:allow\n"));
    world.commit("r", "d/f", "gone");
    for refspec in ["main", "main:refs/heads/new", "main:refs/tags/t"] {
        let ran = world.try_git("r", &["push", "origin", refspec]);
        refused(&ran, &token, &format!("commit {}  d/f:1:1  github-pat", &leak[..12]));
        assert!(!ran.stderr.contains("ghp_") && !ran.stderr.contains(&token[34..]), "{}", ran.stderr);
    }
    assert_eq!(world.git("up.git", &["for-each-ref", "--format=%(refname)"]), "refs/heads/main");
    world.git("r", &["reset", "-q", "--hard", "HEAD~2"]);
    world.write(&format!("r/{named}/x"), "");
    world.git("r", &["add", "-A"]);
    world.git("r", &["commit", "-qm", "a name"]);
    let ran = world.try_git("r", &["push", "origin", "main"]);
    refused(&ran, &named, "(in the name)");
    assert!(!ran.stderr.contains("ghp_"), "{}", ran.stderr);
    world.git("r", &["reset", "-q", "--hard", "HEAD~1"]);
    world.commit("r", "f", "clean again");
    world.git("r", &["push", "-q", "origin", "main", "main:side"]);
    world.git("r", &["push", "-q", "origin", ":side"]);
}

#[test]
fn one_hook_for_all_repositories() {
    let (world, mut mint) = (World::new(), Mint::new(85));
    let token = mint.token(Kind::Pat);
    install(&world, "", &["--global"]);
    install(&world, "", &["--global", "--type", "pre-push"]);
    let directory = world.home().join(".config/stanch/hooks");
    assert_eq!(world.git("", &["config", "--global", "core.hooksPath"]), directory.display().to_string());
    world.init("r", &[]);
    world.init("up.git", &["--bare"]);
    own_hook(&world, "r/.git/hooks/commit-msg", 0);
    own_hook(&world, "r/.git/hooks/pre-commit", 0);
    own_hook(&world, "r/.git/hooks/pre-push", 0);
    let id = world.commit("r", "f", "clean");
    world.git("r", &["push", "-q", "../up.git", "main"]);
    let zero = "0".repeat(40);
    let pushed = format!("ran ../up.git ../up.git\nrefs/heads/main {id} refs/heads/main {zero}\n");
    assert_eq!(read(&world, "log"), format!("ran \nran .git/COMMIT_EDITMSG\n{pushed}"));
    world.write("r/f", &token);
    refused(&world.try_git("r", &["commit", "-qam", "leak"]), &token, "f:1:1");
    world.git("r", &["commit", "-q", "--no-verify", "-am", "leak"]);
    refused(&world.try_git("r", &["push", "../up.git", "main"]), &token, "f:1:1");
    uninstall(&world, "", &["--global", "--type", "pre-push"]);
    world.git("r", &["push", "-q", "../up.git", "main"]);
    uninstall(&world, "", &["--global"]);
    assert!(!directory.exists());
    assert_ne!(world.try_git("", &["config", "--global", "core.hooksPath"]).code, 0);
    // A directory that somebody else configured stays.
    world.git("", &["config", "--global", "core.hooksPath", "/srv/hooks"]);
    let ran = stanch(&world, "", &["hook", "install", "--global"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert_eq!(world.git("", &["config", "--global", "core.hooksPath"]), "/srv/hooks");
    assert!(!directory.exists());
}
