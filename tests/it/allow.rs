//! `stanch allow`, and what hooks say of tokens and of what they could not read.

use std::fs;

use crate::support::cmd::{Ran, Sandbox};
use crate::support::mint::{Kind, Mint};
use stanch::token::Fingerprint;

fn stanch(sandbox: &Sandbox, directory: &str, arguments: &[&str]) -> Ran {
    let mut command = sandbox.command(arguments);
    Ran::from(command.current_dir(sandbox.path().join(directory)).output().expect("the program starts"))
}

fn read(sandbox: &Sandbox, path: &str) -> String {
    fs::read_to_string(sandbox.path().join(path)).expect("a file")
}

#[test]
fn what_a_hook_refuses_is_allowed_by_the_line_that_it_prints() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(420));
    let [token, other] = std::array::from_fn(|_| mint.token(Kind::Pat));
    sandbox.init("r", &[]);
    sandbox.init("up.git", &["--bare"]);
    for kind in ["pre-commit", "pre-push"] {
        assert_eq!(stanch(&sandbox, "r", &["hook", "install", "--type", kind]).code, 0);
    }
    sandbox.write("r/sub/f", format!("{token}\n{other}\n"));
    sandbox.git("r", &["add", "-A"]);
    let ran = sandbox.try_git("r", &["commit", "-qm", "x"]);
    let short = |token: &str| Fingerprint::of(token.as_bytes()).hex()[..16].to_owned();
    let command = ran.stderr.lines().find_map(|line| line.split_once("stanch allow ")).expect("a command").1;
    let hashes: Vec<&str> = command.split(',').next().expect("hashes").split(' ').collect();
    let mut expected = [short(&token), short(&other)];
    expected.sort();
    let mut sorted = hashes.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    assert!(ran.stderr.contains(&format!("sha256:{}", hashes[0])), "{}", ran.stderr);
    assert!(ran.stderr.contains("git add") && !ran.stderr.contains("revoke"), "{}", ran.stderr);
    // From below the top, with a reason.
    let arguments = [&["allow", "--reason", "an example"], &hashes[..]].concat();
    let ran = stanch(&sandbox, "r/sub", &arguments);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let lines = format!("sha256:{} # an example\nsha256:{} # an example\n", hashes[0], hashes[1]);
    assert_eq!(read(&sandbox, "r/.stanchignore"), lines);
    assert_eq!(stanch(&sandbox, "r/sub", &arguments).code, 0);
    assert_eq!(read(&sandbox, "r/.stanchignore"), lines, "a second time nothing is added");
    sandbox.git("r", &["commit", "-qm", "x"]);
    sandbox.git("r", &["push", "-q", "../up.git", "main"]);
    // What is pushed may be known already.
    fs::remove_file(sandbox.path().join("r/.stanchignore")).expect("gone");
    let ran = sandbox.try_git("r", &["push", "-q", "../up.git", "main:other"]);
    assert!(ran.stderr.contains("stanch revoke") && ran.stderr.contains("stanch allow"), "{}", ran.stderr);
}

#[test]
fn nothing_is_written_that_no_scan_could_read() {
    let sandbox = Sandbox::new();
    let hash = "0123456789abcdef";
    assert_eq!(sandbox.run(&["allow", hash]).code, 0, "without a repository, here");
    assert_eq!(read(&sandbox, ".stanchignore"), format!("sha256:{hash}\n"));
    for arguments in
        [&["allow", "0123"][..], &["allow"], &["allow", hash, "--reason", "a\nb"], &["allow", "x"]]
    {
        assert_eq!(sandbox.run(arguments).code, 2, "{arguments:?}");
    }
    sandbox.write(".stanchignore", "sha256:broken\n");
    let ran = sandbox.run(&["allow", hash]);
    assert!(ran.code == 2 && ran.stderr.contains(".stanchignore:1: "), "{}", ran.stderr);
    assert_eq!(read(&sandbox, ".stanchignore"), "sha256:broken\n");
    fs::remove_file(sandbox.path().join(".stanchignore")).expect("gone");
    std::os::unix::fs::symlink("elsewhere", sandbox.path().join(".stanchignore")).expect("a link");
    assert_eq!(sandbox.run(&["allow", hash]).code, 2);
    assert!(!sandbox.path().join("elsewhere").exists());
}

/// A gzip file that ends too early, with text in it.
fn damaged() -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    bytes.extend_from_slice(&[0x4b, 0x4c, 0x4a]);
    bytes
}

#[test]
fn what_cannot_be_read_is_left_out_like_a_finding() {
    let sandbox = Sandbox::new();
    sandbox.init("r", &[]);
    sandbox.write("r/d/bad one.gz", damaged());
    sandbox.write("r/clean", "");
    sandbox.git("r", &["add", "-A"]);
    assert_eq!(stanch(&sandbox, "r", &["hook", "install"]).code, 0);
    let ran = sandbox.try_git("r", &["commit", "-qm", "x"]);
    assert!(ran.code != 0 && ran.stderr.contains("could not be read"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("Take it out"), "that is said of tokens: {}", ran.stderr);
    let line = ran.stderr.lines().skip_while(|line| !line.contains("by its line in .stanchignore")).nth(1);
    let line = line.expect("a line").trim().to_owned();
    let verbs: [(&str, &[&str]); 5] = [
        ("", &["scan", "r"]),
        ("", &["scan", "r", "r/clean"]),
        ("r", &["scan", "d/bad one.gz"]),
        ("r", &["git", "--staged"]),
        ("", &["scan", "r/d", "r/clean"]),
    ];
    for (directory, verb) in verbs {
        assert_eq!(stanch(&sandbox, directory, verb).code, 2, "{verb:?}");
        let excluded = stanch(&sandbox, directory, &[verb, &["--exclude", "*.gz"]].concat());
        assert_eq!(excluded.code, 0, "{verb:?}: {}", excluded.stderr);
    }
    for (file, text) in
        [(".stanchignore", line.as_str()), (".stanchignore", "d/\n"), (".stanch.toml", "exclude = ['/d']\n")]
    {
        sandbox.write(&format!("r/{file}"), text);
        for (directory, verb) in verbs {
            let ran = stanch(&sandbox, directory, verb);
            assert_eq!(ran.code, 0, "{text}: {verb:?}: {}", ran.stderr);
        }
        let ran = sandbox.try_git("r", &["commit", "-qm", "x"]);
        assert_eq!(ran.code, 0, "{text}: {}", ran.stderr);
        sandbox.git("r", &["update-ref", "-d", "HEAD"]);
        fs::remove_file(sandbox.path().join(format!("r/{file}"))).expect("gone");
    }
}

#[test]
fn what_cannot_be_read_in_a_history_has_a_path() {
    let sandbox = Sandbox::new();
    sandbox.init("all/sub/r", &[]);
    sandbox.init("other", &[]);
    let id = sandbox.commit("all/sub/r", "d/bad.gz", damaged());
    sandbox.git("all/sub/r", &["rm", "-q", "d/bad.gz"]);
    sandbox.commit("all/sub/r", "more", "clean");
    let verbs: [(&str, &[&str], &str); 5] = [
        ("all/sub/r", &["git"], "d/bad.gz: "),
        ("all/sub/r", &["git", "--range", &id], "d/bad.gz: "),
        ("all", &["scan", "--history"], "sub/r/d/bad.gz: "),
        ("", &["scan", "--history", "all", "other"], "all/sub/r/d/bad.gz: "),
        ("", &["scan", "--history", "other", "all/sub"], "all/sub/r/d/bad.gz: "),
    ];
    for (directory, verb, path) in verbs {
        let ran = stanch(&sandbox, directory, verb);
        assert!(ran.code == 2 && ran.stderr.contains(&format!(": {path}")), "{verb:?}: {}", ran.stderr);
        for (glob, code) in [("*.gz", 0), ("d/", 0), ("e/", 2), ("blob", 2)] {
            let ran = stanch(&sandbox, directory, &[verb, &["--exclude", glob]].concat());
            assert_eq!(ran.code, code, "{verb:?} {glob}: {}", ran.stderr);
        }
    }
    sandbox.write("all/sub/r/.stanchignore", "/d/\n");
    assert_eq!(stanch(&sandbox, "all/sub/r", &["git"]).code, 0);
    // Another name of the same object is not left out with it.
    sandbox.commit("all/sub/r", "e/copy.gz", damaged());
    assert_eq!(stanch(&sandbox, "all/sub/r", &["git"]).code, 2);
    assert_eq!(stanch(&sandbox, "all/sub/r", &["git", "--exclude", "e/"]).code, 0);
}
