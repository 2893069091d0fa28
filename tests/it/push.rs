//! What a push adds, and what the other side has already: by remotes, URLs, tags and quarantined objects.

use std::fs;

use crate::support::cmd::{Ran, Sandbox};
use crate::support::mint::{Kind, Mint};

/// A clone with a remote, `origin`, which has an old token; its hook comes to be installed.
struct Pushed {
    sandbox: Sandbox,
    mint: Mint,
}

impl Pushed {
    fn new(seed: u64) -> Self {
        let (sandbox, mut mint) = (Sandbox::new(), Mint::new(seed));
        sandbox.init("up.git", &["--bare"]);
        sandbox.init("r", &[]);
        sandbox.git("r", &["remote", "add", "origin", "../up.git"]);
        sandbox.commit("r", "old", mint.token(Kind::Pat));
        sandbox.commit("r", "old", "gone");
        sandbox.git("r", &["push", "-q", "origin", "main"]);
        Pushed { sandbox, mint }
    }

    fn install(&self, directory: &str, kind: &str) {
        let mut command = self.sandbox.command(&["hook", "install", "--type", kind]);
        let ran =
            Ran::from(command.current_dir(self.sandbox.path().join(directory)).output().expect("it starts"));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }

    fn push(&self, arguments: &[&str]) -> Ran {
        self.sandbox.try_git("r", &[&["push", "-q"], arguments].concat())
    }

    fn passes(&self, arguments: &[&str]) {
        let ran = self.push(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.stderr);
    }

    fn refuses(&self, arguments: &[&str], part: &str) {
        let ran = self.push(arguments);
        assert!(ran.code != 0 && ran.stderr.contains(part), "{arguments:?}: {} {}", ran.code, ran.stderr);
    }

    /// Writes a blob; its id.
    fn blob(&self, text: &str) -> String {
        self.sandbox.write("blob", text);
        self.sandbox.git("r", &["hash-object", "-w", "../blob"])
    }

    /// Writes a tree with these lines of `git ls-tree`; its id.
    fn tree(&self, lines: &str) -> String {
        self.sandbox.write("lines", lines);
        let mut command = self.sandbox.git_command("r", &["mktree"]);
        command.stdin(fs::File::open(self.sandbox.path().join("lines")).expect("a file"));
        Ran::from(command.output().expect("git runs")).stdout.trim().to_owned()
    }
}

#[test]
fn a_push_by_url_is_compared_with_what_the_remote_there_has() {
    let mut pushed = Pushed::new(501);
    pushed.install("r", "pre-push");
    let sandbox = &pushed.sandbox;
    sandbox.commit("r", "f", "clean");
    let whole = sandbox.path().join("up.git").display().to_string();
    let base = format!("url.{}/.insteadOf", sandbox.path().display());
    sandbox.git("r", &["config", &base, "mine:"]);
    let urls = [
        "origin",
        "../up.git",
        "../up",
        &whole,
        &format!("{whole}/"),
        &format!("file://{whole}"),
        "mine:up.git",
    ];
    for (n, url) in urls.iter().enumerate() {
        pushed.passes(&[url, &format!("main:b{n}")]);
    }
    // A remote that has nothing, by its URL and by a name; and what else a remote may be called.
    sandbox.init("empty.git", &["--bare"]);
    pushed.refuses(&["../empty.git", "main"], "old:1:1");
    sandbox.git("r", &["remote", "add", "origin/empty", "../empty.git"]);
    pushed.refuses(&["origin/empty", "main"], "old:1:1");
    // Where its branches are kept is the user's choice.
    sandbox.git("r", &["remote", "add", "other", "../up.git"]);
    sandbox.git("r", &["config", "remote.other.fetch", "+refs/heads/*:refs/remotes/elsewhere/*"]);
    sandbox.git("r", &["fetch", "-q", "other"]);
    pushed.passes(&["other", "main:c"]);
    // This very repository has all that it has.
    pushed.passes(&[".", "main:refs/heads/d"]);
    let token = pushed.mint.token(Kind::Pat);
    pushed.sandbox.commit("r", "f", token);
    for url in urls {
        pushed.refuses(&[url, "main:new"], "f:1:1");
    }
}

#[test]
fn a_url_is_the_same_by_another_protocol() {
    let pushed = Pushed::new(502);
    let sandbox = &pushed.sandbox;
    sandbox.git("r", &["remote", "set-url", "origin", "https://git.example.org/o/r.git"]);
    for (url, code) in [
        ("git@git.example.org:o/r.git", 0),
        ("ssh://git@GIT.example.org:22/o/r", 0),
        ("https://somebody@git.example.org/o/r/", 0),
        ("https://git.example.org:8443/o/r.git", 1),
        ("https://git.example.org/o/r2.git", 1),
        ("https://example.org/o/r.git", 1),
    ] {
        assert_eq!(hook_code(sandbox, url, url, "new"), code, "{url}");
    }
}

/// The exit code of the hook for a push by this name to this URL, of a branch that is new there.
fn hook_code(sandbox: &Sandbox, name: &str, url: &str, branch: &str) -> i32 {
    let head = sandbox.git("r", &["rev-parse", "HEAD"]);
    sandbox.write("line", format!("refs/heads/main {head} refs/heads/{branch} {}\n", "0".repeat(40)));
    let mut command = sandbox.command(&["hook", "run", "--type", "pre-push", "--", name, url]);
    command.current_dir(sandbox.path().join("r"));
    command.stdin(fs::File::open(sandbox.path().join("line")).expect("a file"));
    Ran::from(command.output().expect("it starts")).code
}

#[test]
fn what_is_known_of_a_remote_is_known_of_the_repository_that_it_is_fetched_from() {
    let set_url = |options: &[&str], target: &str, url: &str| {
        let pushed = Pushed::new(506);
        pushed.install("r", "pre-push");
        pushed.sandbox.init("other.git", &["--bare"]);
        pushed.sandbox.git("r", &[&["remote", "set-url"], options, &["origin", url]].concat());
        pushed.push(&[target, "main:refs/heads/main", "main:refs/heads/new"])
    };
    for (options, target) in [
        (&[][..], "origin"),
        (&["--push"], "origin"),
        (&["--add"], "origin"),
        (&["--push"], "../other.git"),
        (&["--add"], "../other.git"),
    ] {
        let ran = set_url(options, target, "../other.git");
        assert!(ran.code != 0 && ran.stderr.contains("old:1:1"), "{options:?} {target}: {}", ran.stderr);
        let ran = set_url(options, "origin", "../up");
        assert_eq!(ran.code, 0, "the same repository, {options:?}: {}", ran.stderr);
    }
}

#[test]
fn a_default_branch_that_is_gone_says_that_the_remote_is_another_one() {
    let pushed = Pushed::new(507);
    let (sandbox, url) = (&pushed.sandbox, "../up.git");
    sandbox.git("r", &["push", "-q", "origin", "main:trunk", "main:topic"]);
    let code = |branch: &str| hook_code(sandbox, "origin", url, branch);
    assert_eq!((code("main"), code("topic"), code("new")), (1, 0, 0));
    assert_eq!(hook_code(sandbox, url, url, "main"), 1, "by its URL");
    let head = "refs/remotes/origin/HEAD";
    sandbox.git("r", &["symbolic-ref", head, "refs/remotes/origin/trunk"]);
    assert_eq!((code("main"), code("trunk"), code("new")), (0, 1, 0));
    // What only an old ref has is not known to be there.
    sandbox.git("r", &["update-ref", "refs/remotes/origin/main", "HEAD~1"]);
    sandbox.git("r", &["update-ref", "refs/remotes/origin/trunk", "HEAD~1"]);
    assert_eq!(code("topic"), 0, "the token is in HEAD~1");
    for name in ["main", "trunk"] {
        sandbox.git("r", &["update-ref", "-d", &format!("refs/remotes/origin/{name}")]);
    }
    assert_eq!((code("topic"), code("new")), (1, 0));
    // A manager of hooks may keep the URL to itself.
    assert_eq!(hook_code(sandbox, "origin", "", "new"), 0);
    sandbox.git("r", &["remote", "set-url", "--push", "origin", "../elsewhere.git"]);
    assert_eq!(hook_code(sandbox, "origin", "", "new"), 1);
}

#[test]
fn a_path_by_ssh_starts_where_its_user_is() {
    let pushed = Pushed::new(508);
    let sandbox = &pushed.sandbox;
    for (fetched, url, code) in [
        ("alice@host:r.git", "alice@HOST:r", 0),
        ("alice@host:r.git", "bob@host:r.git", 1),
        ("alice@host:r.git", "host:r.git", 1),
        ("alice@host:r.git", "alice@host:/r.git", 1),
        ("alice@host:r.git", "ssh://alice@host/r.git", 1),
        ("alice@host:/r.git", "ssh://alice@host:22/r.git", 0),
        ("alice@host:r.git", "https://bob@host/r.git", 0),
        ("https://host/r.git", "alice@host:r.git", 0),
        ("alice@host:r.git", "alice@host:r2.git", 1),
    ] {
        sandbox.git("r", &["remote", "set-url", "origin", fetched]);
        assert_eq!(hook_code(sandbox, url, url, "new"), code, "{url}, fetched from {fetched}");
        assert_eq!(hook_code(sandbox, "origin", url, "new"), code, "{url}, by name, fetched from {fetched}");
    }
}

/// Tags of every kind, pushed to a remote that one of the two hooks guards.
fn tags(mut pushed: Pushed) {
    let head = pushed.sandbox.git("r", &["rev-parse", "HEAD"]);
    let [token, other] = std::array::from_fn(|_| pushed.mint.token(Kind::Pat));
    let clean = pushed.blob("a public key");
    let leak = pushed.blob(&format!("key={token}"));
    let leaking = pushed.tree(&format!("100644 blob {leak}\tdir.env\n"));
    let old = pushed.sandbox.git("r", &["rev-parse", "HEAD~1^{tree}"]);
    let tree = pushed.sandbox.git("r", &["rev-parse", "HEAD^{tree}"]);
    let message = format!("key {other}");
    let tag = |name: &str, arguments: &[&str]| {
        pushed.sandbox.git("r", &[&["tag"], arguments].concat());
        name.to_owned()
    };
    let harmless = [
        tag("light", &["light", &head]),
        tag("annotated", &["-a", "-m", "x", "annotated", &head]),
        tag("nested", &["-a", "-m", "x", "nested", "annotated"]),
        tag("blob", &["blob", &clean]),
        tag("tree", &["tree", &tree]),
        tag("annotated-blob", &["-a", "-m", "x", "annotated-blob", &clean]),
        // What it has was published long ago.
        tag("old-tree", &["old-tree", &old]),
        tag("old-blob", &["old-blob", &pushed.sandbox.git("r", &["rev-parse", "HEAD~1:old"])]),
    ];
    let leaks = [
        (tag("leak", &["leak", &leak]), format!("blob/{leak}:1:5")),
        (tag("annotated-leak", &["-a", "-m", "x", "annotated-leak", &leak]), format!("blob/{leak}:1:5")),
        (tag("leaking-tree", &["leaking-tree", &leaking]), "dir.env:1:5".to_owned()),
        (tag("message", &["-a", "-m", &message, "message", &clean]), "(in the tag's message)".to_owned()),
        (tag("outer", &["-a", "-m", "x", "outer", "message"]), "(in the tag's message)".to_owned()),
    ];
    for name in &harmless {
        pushed.passes(&["origin", name]);
    }
    for (name, part) in &leaks {
        pushed.refuses(&["origin", name], part);
        // One of them is refused with all that is pushed with it.
        pushed.refuses(&["origin", "light:refs/tags/another", name], part);
    }
    // Moved, and deleted.
    pushed.passes(&["--force", "origin", "tree:refs/tags/blob"]);
    pushed.passes(&["origin", ":refs/tags/light", ":refs/tags/tree"]);
}

#[test]
fn tags_of_anything_are_looked_at_before_a_push() {
    let pushed = Pushed::new(503);
    pushed.install("r", "pre-push");
    tags(pushed);
}

#[test]
fn tags_of_anything_are_looked_at_on_a_server() {
    let pushed = Pushed::new(504);
    pushed.install("up.git", "pre-receive");
    tags(pushed);
}

#[test]
fn a_push_from_a_shallow_clone_is_complete_or_refused() {
    let mut pushed = Pushed::new(505);
    let sandbox = &pushed.sandbox;
    let url = format!("file://{}", sandbox.path().join("up.git").display());
    fs::remove_dir_all(sandbox.path().join("r")).expect("gone");
    sandbox.git("", &["clone", "-q", "--depth=1", &url, "r"]);
    pushed.install("r", "pre-push");
    sandbox.commit("r", "f", "clean");
    pushed.passes(&["origin", "main"]);
    // Nothing is known of this one, so all that leads to the tip is pushed to it, and that is not all here.
    sandbox.init("other.git", &["--bare"]);
    sandbox.git("other.git", &["config", "receive.shallowUpdate", "true"]);
    pushed.refuses(&["../other.git", "main"], "git fetch --unshallow");
    let token = pushed.mint.token(Kind::Pat);
    pushed.sandbox.commit("r", "f", token);
    pushed.refuses(&["origin", "main"], "f:1:1");
}
