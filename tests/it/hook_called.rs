//! Hooks that something else than git has called: what git says to them must come along.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::cmd::{Ran, Sandbox};
use crate::support::mint::{Kind, Mint};

/// What `hook run` answers in a repository to these arguments and lines.
fn called(sandbox: &Sandbox, arguments: &[&str], lines: &str) -> Ran {
    let mut command = sandbox.command(&[&["hook", "run", "--type"], arguments].concat());
    let command = command.current_dir(sandbox.path().join("r")).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(lines.as_bytes()).expect("written");
    drop(stdin);
    Ran::from(child.wait_with_output().expect("ended"))
}

#[test]
fn a_push_that_nobody_tells_of_is_refused() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(470));
    sandbox.init("r", &[]);
    let id = sandbox.commit("r", "f", mint.token(Kind::Pat));
    let zero = "0".repeat(40);
    for (arguments, lines) in [(&["pre-push"][..], ""), (&["pre-push", "--", ""], "\n")] {
        let ran = called(&sandbox, arguments, lines);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        for part in ["use_stdin: true", "-- {1} {2}", "-- \"$@\"", "pre-push"] {
            assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
        }
    }
    let ran = called(&sandbox, &["pre-receive"], "");
    assert!(ran.code == 2 && ran.stderr.contains("standard input"), "{}", ran.stderr);
    // Git has nothing to push: it says so by arguments without lines.
    let ran = called(&sandbox, &["pre-push", "--", "origin", "../up.git"], "");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    // A ref that is deleted, and what is pushed, are lines.
    let deleted = format!("(delete) {zero} refs/heads/x {id}\n");
    assert_eq!(called(&sandbox, &["pre-push"], &deleted).code, 0);
    let pushed = format!("refs/heads/main {id} refs/heads/main {zero}\n");
    assert_eq!(called(&sandbox, &["pre-push"], &pushed).code, 1);
    // Nor does a remote that has it count, where nobody says that the push goes there.
    sandbox.init("up.git", &["--bare"]);
    sandbox.git("r", &["remote", "add", "origin", "../up.git"]);
    sandbox.git("r", &["push", "-q", "origin", "main:x"]);
    let elsewhere = format!("refs/heads/main {id} refs/heads/y {zero}\n");
    assert_eq!(called(&sandbox, &["pre-push"], &elsewhere).code, 1);
    assert_eq!(called(&sandbox, &["pre-push", "--", "origin", "../up.git"], &elsewhere).code, 0);
    // What git does itself when there is nothing to push.
    sandbox.git("r", &["push", "-q", "../up.git", "main"]);
    let ran = Ran::from(
        sandbox
            .command(&["hook", "install", "--type", "pre-push"])
            .current_dir(sandbox.path().join("r"))
            .output()
            .expect("started"),
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    sandbox.git("r", &["push", "-q", "../up.git", "main"]);
}
