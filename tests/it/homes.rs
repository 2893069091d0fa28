//! Homes that are none, and repositories of other users.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};

use crate::support::cmd::{Ran, Sandbox};
use crate::support::mint::{Kind, Mint};

#[test]
fn a_home_that_is_none_holds_no_configuration() {
    let sandbox = Sandbox::new();
    sandbox.init("r", &[]);
    sandbox.write("r/f", "");
    sandbox.git("r", &["add", "f"]);
    let hook = sandbox.command(&["hook", "install"]).current_dir(sandbox.path().join("r")).status();
    assert!(hook.expect("started").success());
    sandbox.write("file", "");
    let file = sandbox.path().join("file").display().to_string();
    let none = sandbox.path().join("none").display().to_string();
    for variables in [
        [("HOME", "/dev/null"), ("LANG", "C")],
        [("HOME", file.as_str()), ("LANG", "C")],
        [("HOME", none.as_str()), ("XDG_CONFIG_HOME", "/dev/null")],
        [("HOME", none.as_str()), ("XDG_STATE_HOME", "/dev/null")],
    ] {
        for arguments in
            [&["scan", "f"][..], &["git", "--staged"], &["git"], &["status"], &["hook", "status"]]
        {
            let mut command = sandbox.command(arguments);
            command.current_dir(sandbox.path().join("r")).envs(variables);
            let ran = Ran::from(command.output().expect("started"));
            assert_eq!(ran.code, 0, "{variables:?} {arguments:?}: {}", ran.stderr);
        }
        let mut command = sandbox.git_command("r", &["commit", "-qm", "clean"]);
        let ran = Ran::from(command.envs(variables).output().expect("started"));
        assert_eq!(ran.code, 0, "{variables:?}: {}", ran.stderr);
        sandbox.git("r", &["update-ref", "-d", "HEAD"]);
    }
}

#[test]
fn a_configuration_that_is_there_is_not_passed_over() {
    let sandbox = Sandbox::new();
    let file = sandbox.home().join(".config/stanch/config.toml");
    fs::create_dir_all(file.parent().expect("a parent")).expect("directories");
    fs::create_dir(&file).expect("a directory in its place");
    assert_eq!(sandbox.run(&["scan"]).code, 2);
    fs::remove_dir(&file).expect("gone");
    fs::write(&file, "").expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o0)).expect("permissions");
    let readable = fs::read(&file).is_ok();
    assert_eq!(sandbox.run(&["scan"]).code, if readable { 0 } else { 2 }, "root reads all");
}

#[test]
fn another_users_repository_is_opened_where_git_opens_it() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(430));
    sandbox.init("r", &[]);
    sandbox.commit("r", "f", mint.token(Kind::Pat));
    let root = sandbox.path().join("r");
    let owner = fs::metadata(&root).expect("a directory").uid();
    for path in [root.clone(), root.join(".git")] {
        if chown(&path, Some(owner + 4321), None).is_err() {
            return; // Only root gives files away.
        }
    }
    let root = root.display().to_string();
    let scan = |variables: &[(&str, &str)]| {
        let mut command = sandbox.command(&["git", "-q", "r"]);
        Ran::from(command.envs(variables.iter().copied()).output().expect("started"))
    };
    let refused = scan(&[]);
    assert_eq!(refused.code, 2);
    for word in ["belongs to another user", "git config --global --add safe.directory"] {
        assert!(refused.stderr.contains(word), "{}", refused.stderr);
    }
    let counted = |value| {
        [("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "safe.directory"), ("GIT_CONFIG_VALUE_0", value)]
    };
    for (value, code) in [("*", 1), (root.as_str(), 1), ("/elsewhere", 2), ("", 2)] {
        let ran = scan(&counted(value));
        assert_eq!(ran.code, code, "{value}: {}", ran.stderr);
        let ran = scan(&[("GIT_CONFIG_PARAMETERS", &format!("'user.name'='x' 'safe.directory'='{value}'"))]);
        assert_eq!(ran.code, code, "{value}: {}", ran.stderr);
    }
}
