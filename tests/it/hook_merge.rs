//! Merges, and what concludes them: only what the merge itself adds is asked about.

use crate::support::cmd::{Ran, Sandbox};
use crate::support::mint::{Kind, Mint};

fn stanch(sandbox: &Sandbox, directory: &str, arguments: &[&str]) -> Ran {
    let mut command = sandbox.command(arguments);
    Ran::from(command.current_dir(sandbox.path().join(directory)).output().expect("the program starts"))
}

fn install(sandbox: &Sandbox, kind: &str) {
    let ran = stanch(sandbox, "r", &["hook", "install", "--type", kind]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

fn commits(sandbox: &Sandbox, arguments: &[&str], what: &str) {
    let ran = sandbox.try_git("r", arguments);
    assert_eq!(ran.code, 0, "{what}: {}", ran.stderr);
}

fn refused(sandbox: &Sandbox, arguments: &[&str], location: &str) {
    let ran = sandbox.try_git("r", arguments);
    assert!(ran.code != 0 && ran.stderr.contains(location), "{location}: {}{}", ran.stdout, ran.stderr);
}

/// A repository in which `main` has published a token and `feature` conflicts with it.
fn conflict(sandbox: &Sandbox, token: &str) {
    sandbox.init("r", &[]);
    sandbox.commit("r", "file", "base\n");
    sandbox.git("r", &["checkout", "-qb", "feature"]);
    sandbox.commit("r", "file", "ours\n");
    sandbox.git("r", &["checkout", "-q", "main"]);
    sandbox.write("r/published.env", format!("TOKEN={token}\n"));
    sandbox.write("r/moved.env", format!("one\ntwo\nthree\nTOKEN={token}\n"));
    sandbox.commit("r", "file", format!("theirs {token}\n"));
    sandbox.git("r", &["checkout", "-q", "feature"]);
}

#[test]
fn the_conclusion_of_a_merge_adds_only_its_own() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(410));
    let [published, new] = std::array::from_fn(|_| mint.token(Kind::Pat));
    conflict(&sandbox, &published);
    install(&sandbox, "pre-commit");
    assert_ne!(sandbox.try_git("r", &["merge", "-q", "main"]).code, 0, "a conflict");
    // While it is unresolved, too.
    assert_eq!(stanch(&sandbox, "r", &["git", "--staged"]).code, 0);
    // The resolution keeps a line of theirs, moves a file of theirs, and one token is its own.
    sandbox.write("r/file", format!("both\ntheirs {published}\nmine {new}\n"));
    sandbox.git("r", &["add", "file"]);
    refused(&sandbox, &["commit", "-qm", "merge"], "file:3:6");
    assert_eq!(stanch(&sandbox, "r", &["git", "--staged", "published.env"]).code, 0);
    sandbox.write("r/file", format!("both\ntheirs {published}\n"));
    sandbox.git("r", &["mv", "moved.env", "renamed.env"]);
    sandbox.git("r", &["add", "file"]);
    commits(&sandbox, &["commit", "-qm", "merge"], "nothing of its own");
    assert_eq!(stanch(&sandbox, "r", &["git", "-q", "--range", "HEAD^!"]).code, 0);
    // After the merge, HEAD alone counts again.
    sandbox.write("r/file", format!("both\ntheirs {published}\nmine {new}\n"));
    sandbox.git("r", &["add", "file"]);
    refused(&sandbox, &["commit", "-qm", "leak"], "file:3:6");
}

#[test]
fn a_merge_that_waits_an_octopus_and_a_linked_work_tree() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(411));
    let [one, two, new] = std::array::from_fn(|_| mint.token(Kind::Pat));
    sandbox.init("r", &[]);
    sandbox.commit("r", "base", "");
    for (branch, token) in [("one", &one), ("two", &two)] {
        sandbox.git("r", &["checkout", "-qb", branch, "main"]);
        sandbox.commit("r", branch, token);
    }
    sandbox.git("r", &["checkout", "-q", "main"]);
    sandbox.commit("r", "more", "");
    install(&sandbox, "pre-commit");
    sandbox.git("r", &["merge", "-q", "--no-commit", "one"]);
    commits(&sandbox, &["commit", "-qm", "merge"], "--no-commit");
    sandbox.git("r", &["reset", "-q", "--hard", "HEAD^"]);
    sandbox.git("r", &["merge", "-q", "--no-commit", "one", "two"]);
    sandbox.write("r/base", &new);
    sandbox.git("r", &["add", "base"]);
    refused(&sandbox, &["commit", "-qm", "octopus"], "base:1:1");
    sandbox.write("r/base", "");
    sandbox.git("r", &["add", "base"]);
    commits(&sandbox, &["commit", "-qm", "octopus"], "an octopus");
    sandbox.git("r", &["worktree", "add", "-q", "../linked", "HEAD^"]);
    sandbox.git("linked", &["merge", "-q", "--no-commit", "--no-ff", "one"]);
    let ran = sandbox.try_git("linked", &["commit", "-qm", "merge"]);
    assert_eq!(ran.code, 0, "a linked work tree: {}", ran.stderr);
    // That merge is no merge of the first work tree's.
    sandbox.git("r", &["reset", "-q", "--hard", "main~1"]);
    sandbox.write("r/copy", &one);
    sandbox.git("r", &["add", "copy"]);
    refused(&sandbox, &["commit", "-qm", "copy"], "copy:1:1");
}

#[test]
fn what_is_picked_or_reverted_is_added_by_that() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(412));
    let token = mint.token(Kind::Pat);
    conflict(&sandbox, &token);
    install(&sandbox, "pre-commit");
    assert_ne!(sandbox.try_git("r", &["cherry-pick", "main"]).code, 0, "a conflict");
    sandbox.write("r/file", "both\n");
    sandbox.git("r", &["add", "file"]);
    refused(&sandbox, &["commit", "-qm", "picked"], "published.env:1:7");
    sandbox.git("r", &["cherry-pick", "--abort"]);
    // A merge by --squash makes a commit of its own, with all that the branch adds.
    assert_ne!(sandbox.try_git("r", &["merge", "-q", "--squash", "main"]).code, 0);
    sandbox.git("r", &["add", "file"]);
    refused(&sandbox, &["commit", "-qm", "squashed"], "published.env:1:7");
    // A revert that brings a token back.
    sandbox.git("r", &["reset", "-q", "--hard", "main"]);
    sandbox.git("r", &["rm", "-q", "published.env", "moved.env"]);
    sandbox.commit("r", "file", "clean\n");
    sandbox.git("r", &["revert", "--no-commit", "HEAD"]);
    refused(&sandbox, &["commit", "-qm", "reverted"], "published.env:1:7");
}

#[test]
fn git_merges_by_itself_through_a_hook_of_its_own() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(413));
    let [published, new] = std::array::from_fn(|_| mint.token(Kind::Pat));
    sandbox.init("r", &[]);
    sandbox.commit("r", "base", "");
    sandbox.git("r", &["checkout", "-qb", "side"]);
    sandbox.commit("r", "published", &published);
    sandbox.git("r", &["checkout", "-q", "main"]);
    sandbox.commit("r", "more", "");
    install(&sandbox, "pre-merge-commit");
    commits(&sandbox, &["merge", "-q", "--no-edit", "side"], "a branch with a published token");
    assert_eq!(sandbox.git("r", &["rev-list", "--merges", "--count", "HEAD"]), "1");
    sandbox.git("r", &["reset", "-q", "--hard", "HEAD^"]);
    // What another hook, or a merge driver, put into the merge is the merge's own.
    let chained = "r/.git/hooks/pre-merge-commit.stanch-chained";
    sandbox.write(chained, format!("#!/bin/sh\necho '{new}' > base\ngit add base\n"));
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(sandbox.path().join(chained), mode).expect("permissions");
    refused(&sandbox, &["merge", "-q", "--no-edit", "side"], "base:1:1");
    // Git lets it be concluded by hand, where nothing is the merge's own but that.
    install(&sandbox, "pre-commit");
    refused(&sandbox, &["commit", "-qm", "merge"], "base:1:1");
    sandbox.write("r/base", "");
    sandbox.git("r", &["add", "base"]);
    commits(&sandbox, &["commit", "-qm", "merge"], "the conclusion");
    let ran = stanch(&sandbox, "r", &["hook", "uninstall", "--type", "pre-merge-commit"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}
