//! What was only suppressed before a change is new where nothing suppresses it after: a gate would be green for ever.

use crate::support::cmd::Sandbox;
use crate::support::mint::{Kind, Mint};

/// A repository with this content in its files, committed, and then changed by a line of shell.
fn changed(files: &[(&str, &str)], change: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.init("r", &[]);
    sandbox.write("r/README", "readme");
    for (path, content) in files {
        sandbox.write(&format!("r/{path}"), content);
    }
    sandbox.git("r", &["add", "-A"]);
    sandbox.git("r", &["commit", "-qm", "before"]);
    sandbox.shell(&format!("cd r; {change}; git add -A"));
    sandbox
}

/// The exit codes of the staged change, and of the same as a commit, are both this one.
fn check(files: &[(&str, &str)], change: &str, code: i32) {
    let sandbox = changed(files, change);
    let staged = sandbox.run(&["git", "-q", "r", "--staged"]);
    sandbox.git("r", &["commit", "-qm", "after"]);
    let range = sandbox.run(&["git", "-q", "r", "--range", "HEAD~1..HEAD"]);
    let output = format!("{}{}{}{}", staged.stdout, staged.stderr, range.stdout, range.stderr);
    assert_eq!((staged.code, range.code), (code, code), "{change}: {output}");
}

const BY_GLOB: (&str, &str) = (".stanchignore", "fixtures/\n*.sample\n");
const BY_LIST: (&str, &str) = (".stanch.toml", "[[allowlists]]\npaths = ['^fixtures/']\n");
const EXCLUDED: (&str, &str) = (".stanch.toml", "exclude = ['fixtures/']\n");

#[test]
fn a_token_that_leaves_an_ignored_place_is_new() {
    let token = Mint::new(91).token(Kind::Pat);
    for rule in [BY_GLOB, BY_LIST, EXCLUDED] {
        let files = [rule, ("fixtures/sub/a", &token)];
        check(&files, "git mv fixtures/sub/a prod.env", 1);
        check(&files, "git mv fixtures/sub src", 1);
        check(&files, "git mv fixtures src", 1);
        check(&files, "git mv fixtures/sub/a prod.env; echo more >>prod.env", 1);
        // A directory in the place of the file, and a file in the place of the directory.
        check(&files, "git mv fixtures/sub/a x; rmdir -p fixtures/sub || true; mv x fixtures", 1);
        // What stays in the ignored place, or goes to another one, stays quiet.
        check(&files, "echo more >>fixtures/sub/a", 0);
        check(&files, "git mv fixtures/sub/a fixtures/b", 0);
    }
    check(&[BY_GLOB, ("fixtures/a", &token)], "git mv fixtures/a a.sample", 0);
    check(&[BY_GLOB, ("a.sample", &token)], "git mv a.sample a.env", 1);
}

#[test]
fn a_token_that_loses_its_comment_is_new() {
    let token = Mint::new(92).token(Kind::Pat);
    let allowed = format!("KEY={token} # stanch:allow\n");
    let files = [("f", &*allowed)];
    let without = format!("echo KEY={token} >f");
    check(&files, &without, 1);
    check(&files, &format!("echo KEY={token} >>f"), 1);
    check(&files, &format!("git mv f g; echo KEY={token} >g"), 1);
    check(&files, "echo more >>f", 0);
    check(&files, "git mv f g; echo more >>g", 0);
    // One that counted before is not new because it was allowed on another line, or is from now on.
    let both = format!("{allowed}KEY={token}\n");
    check(&[("f", &both)], &without, 0);
    check(&[("f", &*token)], &format!("echo '{}' >f", allowed.trim_end()), 0);
}

#[test]
fn a_published_token_that_moves_stays_quiet() {
    let token = Mint::new(93).token(Kind::Pat);
    check(&[BY_GLOB, ("src/a", &token)], "git mv src/a b", 0);
    // The same file, or directory, was in an ignored place as well: whichever of them is looked at first.
    let both = [BY_GLOB, ("fixtures/a", &*token), ("src/a", &token)];
    check(&both, "git mv src/a z; git rm -q fixtures/a", 0);
    check(&both, "git mv src app; git rm -qr fixtures", 0);
    let both = [BY_GLOB, ("a/a", &*token), ("fixtures/a", &token)];
    check(&both, "git mv a z; git rm -qr fixtures", 0);
}

#[test]
fn what_is_suppressed_by_its_hash_is_so_wherever_it_goes() {
    let token = Mint::new(94).token(Kind::Pat);
    let (sandbox, files) = (Sandbox::new(), [("fixtures/a", &*token)]);
    sandbox.write("f", &token);
    let (_, report) = sandbox.json(&["scan", "f"]);
    let ignore = format!("fixtures/\nsha256:{}\n", report["findings"][0]["sha256"].as_str().expect("a hash"));
    let files = [files[0], (".stanchignore", &ignore)];
    check(&files, "git mv fixtures/a prod.env", 0);
    check(&files, "git mv fixtures/a prod.env; echo more >>prod.env", 0);
}
