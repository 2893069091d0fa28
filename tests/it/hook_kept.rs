//! Hooks that were there before ours: they run as they did, and nothing that they do goes past the scan.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::support::cmd::{Ran, Sandbox};
use crate::support::mint::{Kind, Mint};

fn stanch(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let mut command = sandbox.command(arguments);
    Ran::from(command.current_dir(sandbox.path().join("r")).output().expect("the program starts"))
}

fn script(sandbox: &Sandbox, path: &str, text: &str) {
    sandbox.write(path, text);
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(sandbox.path().join(path), mode).expect("permissions");
}

/// Whether the hook says so in a commit of nothing.
fn speaks(sandbox: &Sandbox) -> bool {
    let ran = sandbox.try_git("r", &["commit", "-q", "--allow-empty", "-m", "x"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    format!("{}{}", ran.stdout, ran.stderr).matches("MINE").count() == 1
}

#[test]
fn a_hook_that_knows_itself_runs_as_it_did() {
    let sandbox = Sandbox::new();
    sandbox.init("r", &[]);
    let hook = "r/.git/hooks/pre-commit";
    script(&sandbox, "r/.git/hooks/pre-commit.d/1", "#!/bin/sh\necho MINE\n");
    script(&sandbox, "r/.git/hooks/common.sh", "say() { echo MINE; }\n");
    script(&sandbox, "r/say", "#!/bin/sh\necho MINE\n");
    for text in [
        "#!/bin/sh\nfor h in \"$0\".d/*; do \"$h\"; done\n",
        "#!/bin/sh\ncase \"$0\" in */pre-commit) echo MINE ;; esac\n",
        "#!/bin/sh\n[ \"$(basename \"$0\")\" = pre-commit ] && echo MINE\n",
        "#!/bin/sh\n[ \"${0##*/}\" = pre-commit ] && . \"$(dirname \"$0\")/common.sh\" && say\n",
        "#!/usr/bin/env python3\nimport pathlib\nif pathlib.Path(__file__).name == \"pre-commit\": print(\"MINE\", flush=True)\n",
        "#!/usr/bin/perl\nprint \"MINE\\n\" if $0 =~ m{/pre-commit$};\n",
        "#!/bin/sh\n. \"$(dirname \"$0\")/common.sh\"; say\n",
        "#!/bin/sh\n\"$(dirname \"$0\")/../../say\"\n",
    ] {
        script(&sandbox, hook, text);
        assert!(speaks(&sandbox), "by itself: {text}");
        for _ in 0..2 {
            let ran = stanch(&sandbox, &["hook", "install"]);
            assert!(ran.code == 0 && ran.stderr.contains("is kept, and runs first"), "{}", ran.stderr);
            assert!(speaks(&sandbox), "{text}");
        }
        assert_eq!(stanch(&sandbox, &["hook", "uninstall"]).code, 0);
        assert_eq!(fs::read_to_string(sandbox.path().join(hook)).expect("a hook"), text);
        assert!(!sandbox.path().join("r/.git/hooks/stanch-chained").exists(), "{text}");
    }
    // A link of its own, which starts at its directory.
    fs::remove_file(sandbox.path().join(hook)).expect("removed");
    script(&sandbox, "r/dispatch", "#!/bin/sh\n[ \"${0##*/}\" = pre-commit ] && echo MINE\n");
    symlink("../../dispatch", sandbox.path().join(hook)).expect("a link");
    assert_eq!(stanch(&sandbox, &["hook", "install"]).code, 0);
    assert!(speaks(&sandbox));
    assert_eq!(stanch(&sandbox, &["hook", "uninstall"]).code, 0);
    let target = fs::read_link(sandbox.path().join(hook)).expect("a link");
    assert_eq!(target.to_str(), Some("../../dispatch"));
}

#[test]
fn what_a_kept_hook_commits_is_looked_at() {
    let mut mint = Mint::new(471);
    for more in [&[][..], &["--global"]] {
        let sandbox = Sandbox::new();
        sandbox.init("r", &[]);
        sandbox.commit("r", "f", "clean");
        let hook =
            "[ -n \"$INNER\" ] && exit 0\nunset GIT_INDEX_FILE\nINNER=1 git commit -qm inner\nexit 0\n";
        script(&sandbox, "r/.git/hooks/pre-commit", &format!("#!/bin/sh\n{hook}"));
        let ran = stanch(&sandbox, &[&["hook", "install"], more].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        sandbox.write("r/k", mint.token(Kind::Pat));
        sandbox.git("r", &["add", "k"]);
        assert_ne!(sandbox.try_git("r", &["commit", "-qm", "outer"]).code, 0);
        assert_eq!(sandbox.git("r", &["log", "--format=%s", "--", "k"]), "", "{more:?}");
        // And what is clean is committed by it.
        sandbox.write("r/k", "clean");
        sandbox.git("r", &["add", "k"]);
        sandbox.try_git("r", &["commit", "-qm", "outer"]);
        assert_eq!(sandbox.git("r", &["log", "--format=%s", "--", "k"]), "inner", "{more:?}");
    }
}

#[test]
fn a_global_hook_is_not_put_in_front_of_another_setting() {
    let sandbox = Sandbox::new();
    sandbox.init("r", &[]);
    let mine = sandbox.path().join("mine");
    script(&sandbox, "mine/pre-commit", "#!/bin/sh\necho MINE\n");
    let included = sandbox.path().join("included");
    sandbox.write("included", format!("[core]\n\thooksPath = {}\n", mine.display()));
    let include = format!("[include]\n\tpath = {}\n", included.display());
    let user = sandbox.home().join(".gitconfig");
    let directory = sandbox.home().join(".config/stanch/hooks");
    for text in [include.clone(), format!("[core]\n\teditor = true\n{include}")] {
        fs::write(&user, &text).expect("a configuration");
        let ran = stanch(&sandbox, &["hook", "install", "--global"]);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        for part in ["already", "mine", "included"] {
            assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
        }
        assert!(speaks(&sandbox) && !directory.exists());
        assert_eq!(fs::read_to_string(&user).expect("a configuration"), text);
    }
    // The system's own.
    fs::remove_file(&user).expect("removed");
    let mut command = sandbox.command(&["hook", "install", "--global"]);
    command.env_remove("GIT_CONFIG_NOSYSTEM").env("GIT_CONFIG_SYSTEM", &included);
    let ran = Ran::from(command.output().expect("started"));
    assert!(ran.code == 2 && ran.stderr.contains("already"), "{}", ran.stderr);
    // What one repository sets is nothing to the others.
    sandbox.git("r", &["config", "core.hooksPath", "hooks"]);
    let ran = stanch(&sandbox, &["hook", "install", "--global"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(stanch(&sandbox, &["hook", "install", "--global"]).code, 0);
}

#[test]
fn an_empty_hooks_path_runs_no_hook_and_paths_are_redacted() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(472));
    let token = mint.token(Kind::Pat);
    sandbox.init("r", &[]);
    assert_eq!(stanch(&sandbox, &["hook", "install"]).code, 0);
    sandbox.git("r", &["config", "core.hooksPath", ""]);
    let ran = stanch(&sandbox, &["hook", "status"]);
    assert!(ran.stdout.contains("core.hooksPath is empty"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("looks for tokens"), "{}", ran.stdout);
    let ran = stanch(&sandbox, &["hook", "install"]);
    assert!(ran.code == 2 && ran.stderr.contains("core.hooksPath is empty"), "{}", ran.stderr);
    assert_eq!(stanch(&sandbox, &["hook", "uninstall"]).code, 0);
    assert!(!sandbox.path().join("r/.git/hooks/pre-commit").exists());
    sandbox.git("r", &["config", "core.hooksPath", &format!("{token}/hooks")]);
    for command in ["status", "install", "status", "uninstall"] {
        let ran = stanch(&sandbox, &["hook", command]);
        let output = format!("{}{}", ran.stdout, ran.stderr);
        assert!(ran.code == 0 && output.contains("ghp_"), "{command}: {}", output.replace(&token, "…"));
        assert!(!output.contains(&token), "{command}: a token was printed");
    }
}
