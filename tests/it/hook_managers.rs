//! Hooks beside others: hook managers, `core.hooksPath`, hooks for all repositories, and programs that move.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::support::cmd::{Ran, Sandbox};
use crate::support::mint::{Kind, Mint};

/// Runs the program in a directory below the sandbox's.
fn stanch(sandbox: &Sandbox, directory: &str, arguments: &[&str]) -> Ran {
    let mut command = sandbox.command(arguments);
    Ran::from(command.current_dir(sandbox.path().join(directory)).output().expect("the program starts"))
}

fn install(sandbox: &Sandbox, directory: &str, more: &[&str]) -> String {
    let ran = stanch(sandbox, directory, &[&["hook", "install"], more].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stderr
}

fn status(sandbox: &Sandbox, directory: &str) -> String {
    let ran = stanch(sandbox, directory, &["hook", "status"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    ran.stdout
}

/// What the status says of a hook.
fn state(sandbox: &Sandbox, directory: &str, hook: &str) -> String {
    let status = status(sandbox, directory);
    let line = status.lines().find_map(|line| line.strip_prefix(&format!("  {hook} ")));
    line.unwrap_or_else(|| panic!("no {hook} in {status}")).trim().to_owned()
}

fn script(sandbox: &Sandbox, path: &str, body: &str) {
    sandbox.write(path, format!("#!/bin/sh\n{body}\n"));
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(sandbox.path().join(path), mode).expect("permissions");
}

/// A hook that writes its name into a log.
fn logs(sandbox: &Sandbox, path: &str) {
    let name = path.rsplit('/').next().expect("a name");
    script(sandbox, path, &format!("echo {name} >> '{}'", sandbox.path().join("log").display()));
}

/// What was written there since.
fn logged(sandbox: &Sandbox) -> String {
    let log = sandbox.path().join("log");
    let text = fs::read_to_string(&log).unwrap_or_default();
    let _ = fs::remove_file(log);
    text.replace('\n', " ").trim().to_owned()
}

fn stage(sandbox: &Sandbox, directory: &str, content: &str) {
    sandbox.write(&format!("{directory}/f"), content);
    sandbox.git(directory, &["add", "f"]);
}

#[test]
fn a_global_hook_runs_each_hook_of_a_repository_once() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(440));
    let token = mint.token(Kind::Pat);
    let said = install(&sandbox, "", &["--global"]);
    assert!(said.contains("core.hooksPath") && said.contains("husky"), "{said}");
    for arguments in
        [&["init", "-q", "r"][..], &["init", "-q", "--bare", "up.git"], &["clone", "-q", "r", "c"]]
    {
        let ran = sandbox.try_git("", arguments);
        let said = ran.stderr.replace("warning: You appear to have cloned an empty repository.\n", "");
        assert_eq!((ran.code, ran.stdout + &said), (0, String::new()), "{arguments:?}");
    }
    let all = ["prepare-commit-msg", "commit-msg", "post-commit", "reference-transaction"];
    for hook in all {
        logs(&sandbox, &format!("r/.git/hooks/{hook}"));
    }
    stage(&sandbox, "r", "clean");
    sandbox.git("r", &["commit", "-qm", "first"]);
    let log = logged(&sandbox);
    for hook in &all[..3] {
        assert_eq!(log.split(' ').filter(|ran| ran == hook).count(), 1, "{hook}: {log}");
    }
    assert!(log.contains("reference-transaction"), "{log}");
    // One of its own beside it: looked at once, and by that.
    install(&sandbox, "r", &[]);
    assert_eq!(state(&sandbox, "r", "pre-commit"), "looks for tokens");
    stage(&sandbox, "r", &token);
    let ran = sandbox.try_git("r", &["commit", "-qm", "leak"]);
    assert!(ran.code != 0 && ran.stderr.matches("f:1:1").count() == 1, "{}", ran.stderr);
    // In a linked work tree and in a submodule, too.
    sandbox.git("r", &["worktree", "add", "-q", "../linked"]);
    sandbox.git("c", &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../r", "module"]);
    for hook in ["r/.git/hooks/pre-commit", "c/.git/modules/module/hooks/pre-commit"] {
        logs(&sandbox, hook);
    }
    logged(&sandbox);
    for directory in ["linked", "c/module"] {
        stage(&sandbox, directory, &token);
        let ran = sandbox.try_git(directory, &["commit", "-qm", "leak"]);
        assert!(ran.code != 0 && ran.stderr.contains("f:1:1"), "{directory}: {}", ran.stderr);
        assert_eq!(logged(&sandbox), "pre-commit", "{directory}");
    }
    // A repository's hook that runs the global one does not run for ever.
    script(&sandbox, "r/.git/hooks/pre-commit", "exec \"$(git config core.hooksPath)/pre-commit\"");
    stage(&sandbox, "r", &token);
    let ran = sandbox.try_git("r", &["commit", "-qm", "leak"]);
    assert!(ran.code != 0 && ran.stderr.matches("f:1:1").count() == 1, "{}", ran.stderr);
    let ran = stanch(&sandbox, "", &["hook", "uninstall", "--global"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(!sandbox.home().join(".config/stanch/hooks").exists());
}

#[test]
fn a_commit_starts_no_more_scripts_for_a_global_hook() {
    let sandbox = Sandbox::new();
    install(&sandbox, "", &["--global"]);
    sandbox.init("r", &[]);
    stage(&sandbox, "r", "clean");
    let mut command = sandbox.git_command("r", &["commit", "-qm", "first"]);
    let ran = Ran::from(command.env("GIT_TRACE", "1").output().expect("git runs"));
    let scripts = ran
        .stderr
        .lines()
        .filter(|line| line.contains("run_command:") && line.contains("stanch/hooks/"))
        .count();
    assert_eq!((ran.code, scripts), (0, 1), "{}", ran.stderr);
}

#[test]
fn what_a_repository_runs_instead_is_told() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(441));
    install(&sandbox, "", &["--global"]);
    assert!(status(&sandbox, "").contains("for all your repositories"));
    sandbox.init("r", &[]);
    assert_eq!(state(&sandbox, "r", "pre-commit"), "looks for tokens");
    assert_eq!(state(&sandbox, "r", "pre-push"), "nothing");
    sandbox.git("r", &["config", "core.hooksPath", ".husky/_"]);
    let told = status(&sandbox, "r");
    assert!(told.contains("not run: the hooks for all your repositories"), "{told}");
    assert_eq!(state(&sandbox, "r", "pre-commit"), "nothing");
    script(&sandbox, "r/.husky/_/pre-commit", ". \"${0%/*}/h\"");
    assert!(state(&sandbox, "r", "pre-commit").starts_with("husky, without stanch"));
    let ran = stanch(&sandbox, "r", &["hook", "install"]);
    let line = "stanch hook run --type pre-commit -- \"$@\"";
    assert!(ran.code == 2 && ran.stderr.contains(line), "{}", ran.stderr);
    sandbox.write("r/.husky/pre-commit", format!("{line}\n"));
    assert_eq!(state(&sandbox, "r", "pre-commit"), "looks for tokens, by husky");
    let said = install(&sandbox, "r", &[]);
    assert!(said.contains("nothing to do"), "{said}");
    // A hook in a directory that git does not look into.
    sandbox.init("s", &[]);
    install(&sandbox, "s", &["--type", "pre-push"]);
    sandbox.git("s", &["config", "core.hooksPath", "hooks"]);
    let told = status(&sandbox, "s");
    assert!(told.contains("not run: ") && told.contains(".git/hooks/pre-push"), "{told}");
    script(&sandbox, "s/hooks/pre-commit", "make lint");
    assert!(state(&sandbox, "s", "pre-commit").starts_with("another hook, without stanch"));
    fs::set_permissions(sandbox.path().join("s/hooks/pre-commit"), fs::Permissions::from_mode(0o644))
        .expect("set");
    assert!(state(&sandbox, "s", "pre-commit").contains("not executable"));
    stage(&sandbox, "s", &mint.token(Kind::Pat));
}

#[test]
fn managers_that_write_over_hooks_are_told_to_run_this_one() {
    let sandbox = Sandbox::new();
    sandbox.init("r", &[]);
    script(&sandbox, "r/.git/hooks/pre-commit", "call_lefthook run \"pre-commit\" \"$@\"");
    let ran = stanch(&sandbox, "r", &["hook", "install"]);
    assert!(ran.code == 2 && ran.stderr.contains("lefthook.yml"), "{}", ran.stderr);
    assert!(state(&sandbox, "r", "pre-commit").starts_with("lefthook, without stanch"));
    sandbox.write("r/lefthook.yml", "pre-commit: {commands: {stanch: {run: stanch git --staged}}}\n");
    assert!(install(&sandbox, "r", &[]).contains("nothing to do"));
    let hook = fs::read_to_string(sandbox.path().join("r/.git/hooks/pre-commit")).expect("a hook");
    assert!(hook.contains("call_lefthook"));
    // pre-commit keeps what is there, and is kept.
    script(&sandbox, "r/.git/hooks/pre-push", "# File generated by pre-commit: https://pre-commit.com");
    sandbox.write("r/.pre-commit-config.yaml", "repos: []\n");
    assert!(install(&sandbox, "r", &["--type", "pre-push"]).contains("kept, and runs first"));
    assert!(state(&sandbox, "r", "pre-push").contains("after the hook that was there"));
}

#[test]
fn a_manager_that_puts_the_hook_aside_runs_everything_once() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(442));
    sandbox.init("r", &[]);
    let hook = "r/.git/hooks/pre-commit";
    let managed = format!(
        "'{0}/pre-commit.legacy' \"$@\" || exit\necho managed >> '{1}'",
        sandbox.path().join("r/.git/hooks").display(),
        sandbox.path().join("log").display()
    );
    logs(&sandbox, hook);
    install(&sandbox, "r", &[]);
    // As `pre-commit install` does with what is there.
    fs::rename(sandbox.path().join(hook), sandbox.path().join("r/.git/hooks/pre-commit.legacy"))
        .expect("moved");
    script(&sandbox, hook, &format!("# File generated by pre-commit: https://pre-commit.com\n{managed}"));
    assert!(state(&sandbox, "r", "pre-commit").starts_with("looks for tokens, by "));
    assert!(install(&sandbox, "r", &[]).contains("nothing to do"));
    stage(&sandbox, "r", "clean");
    sandbox.git("r", &["commit", "-qm", "clean"]);
    assert_eq!(logged(&sandbox), "pre-commit managed", "what was there before is run, too");
    stage(&sandbox, "r", &mint.token(Kind::Pat));
    let ran = sandbox.try_git("r", &["commit", "-qm", "leak"]);
    assert!(ran.code != 0 && ran.stderr.matches("f:1:1").count() == 1, "{}", ran.stderr);
    // Ours goes, and what was there before stays where the manager looks for it.
    logged(&sandbox);
    let ran = stanch(&sandbox, "r", &["hook", "uninstall"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    sandbox.git("r", &["commit", "-qm", "leak"]);
    assert_eq!(logged(&sandbox), "pre-commit managed");
    assert!(!sandbox.path().join("r/.git/hooks/pre-commit.stanch-chained").exists());
}

#[test]
fn an_upgrade_takes_no_hook_away() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(443));
    let at = |path: &str| sandbox.path().join(path);
    for version in ["1.0", "1.1"] {
        fs::create_dir_all(at(&format!("Cellar/{version}/bin"))).expect("a directory");
    }
    fs::copy(env!("CARGO_BIN_EXE_stanch"), at("Cellar/1.0/bin/stanch")).expect("a copy");
    fs::create_dir_all(at("prefix/bin")).expect("a directory");
    symlink(at("Cellar/1.0/bin/stanch"), at("prefix/bin/stanch")).expect("a link");
    sandbox.init("r", &[]);
    let search = |directories: &str| format!("{directories}:{}", std::env::var("PATH").expect("a path"));
    let installed = |path: &str, arguments: &[&str]| {
        let mut command = std::process::Command::new(at("Cellar/1.0/bin/stanch"));
        command.args(arguments).current_dir(at("r")).env_clear().env("HOME", sandbox.home());
        Ran::from(command.env("PATH", path).output().expect("started"))
    };
    let without = installed(&search("/nowhere"), &["hook", "install"]);
    assert!(without.stderr.contains("after an upgrade, install the hook again"), "{}", without.stderr);
    for arguments in [&["hook", "install"][..], &["hook", "install", "--type", "pre-push"]] {
        let ran = installed(&search(&at("prefix/bin").display().to_string()), arguments);
        assert!(ran.code == 0 && !ran.stderr.contains("upgrade"), "{}", ran.stderr);
    }
    fs::rename(at("Cellar/1.0/bin/stanch"), at("Cellar/1.1/bin/stanch")).expect("moved");
    fs::remove_file(at("prefix/bin/stanch")).expect("gone");
    symlink(at("Cellar/1.1/bin/stanch"), at("prefix/bin/stanch")).expect("a link");
    // As a graphical client starts git.
    let commit = |content: &str| {
        stage(&sandbox, "r", content);
        let mut command = sandbox.git_command("r", &["commit", "-qm", "x"]);
        Ran::from(command.env("PATH", "/usr/local/bin:/usr/bin:/bin").output().expect("git runs"))
    };
    assert_eq!(commit("clean").code, 0);
    let leak = commit(&mint.token(Kind::Pat));
    assert!(leak.code != 0 && leak.stderr.contains("github-pat"), "{}", leak.stderr);
    fs::remove_file(at("prefix/bin/stanch")).expect("gone");
    assert!(state(&sandbox, "r", "pre-commit").contains("is gone"));
}

#[test]
fn only_a_command_for_that_hook_counts() {
    let sandbox = Sandbox::new();
    sandbox.init("r", &[]);
    let lefthook = |kind: &str| script(&sandbox, &format!("r/.git/hooks/{kind}"), "call_lefthook run \"$@\"");
    lefthook("pre-commit");
    lefthook("pre-push");
    let only_commit = "pre-commit:\n  commands:\n    stanch:\n      run: stanch git --staged\n\
                       pre-push:\n  commands:\n    t:\n      run: \"true\" # stanch hook run --type pre-push\n";
    sandbox.write("r/lefthook.yml", only_commit);
    assert!(install(&sandbox, "r", &[]).contains("nothing to do"));
    let ran = stanch(&sandbox, "r", &["hook", "install", "--type", "pre-push"]);
    assert!(ran.code == 2 && ran.stderr.contains("-- {1} {2}', use_stdin: true"), "{}", ran.stderr);
    assert!(state(&sandbox, "r", "pre-push").starts_with("lefthook, without stanch"));
    sandbox.write("r/lefthook.yml", "pre-push:\n  commands:\n    s:\n      run: stanch hook run --type pre-push -- {1} {2}\n      use_stdin: true\n");
    assert!(install(&sandbox, "r", &["--type", "pre-push"]).contains("nothing to do"));
    assert_eq!(stanch(&sandbox, "r", &["hook", "install"]).code, 2, "none before a commit");
    for (text, looks) in [
        ("# no stanch here any more\nexit 0", false),
        ("echo stanch", false),
        ("stanch hook run --type pre-push -- \"$@\"", false),
        ("exec stanch hook run --type pre-merge-commit -- \"$@\"", true),
    ] {
        script(&sandbox, "r/.git/hooks/pre-merge-commit", text);
        let state = state(&sandbox, "r", "pre-merge-commit");
        assert_eq!(state.starts_with("looks for tokens"), looks, "{text}: {state}");
    }
    // What the framework hands over before a push is not what is pushed.
    sandbox.init("p", &[]);
    for kind in ["pre-commit", "pre-push"] {
        let hook = format!("p/.git/hooks/{kind}");
        script(&sandbox, &hook, "# File generated by pre-commit: https://pre-commit.com");
    }
    let config = "repos:\n- repo: https://example.com/stanch\n  rev: v1\n  hooks:\n  - id: stanch\n";
    sandbox.write("p/.pre-commit-config.yaml", config);
    assert!(install(&sandbox, "p", &[]).contains("nothing to do"));
    assert!(state(&sandbox, "p", "pre-push").starts_with("pre-commit, without stanch"));
    assert!(install(&sandbox, "p", &["--type", "pre-push"]).contains("installed: "));
    assert_eq!(state(&sandbox, "p", "pre-push"), "looks for tokens, after the hook that was there before");
    sandbox.write("p/.pre-commit-config.yaml", format!("{config}    stages: [manual]\n"));
    assert!(state(&sandbox, "p", "pre-commit").starts_with("pre-commit, without stanch"));
    assert!(install(&sandbox, "p", &[]).contains("installed: "), "somebody looks now");
}
