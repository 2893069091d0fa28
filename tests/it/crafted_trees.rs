//! Trees that somebody has made to hide a file from whoever compares them: to git it is there, so it is to a gate.

use crate::support::cmd::Sandbox;
use crate::support::mint::{Kind, Mint};

struct Repository {
    sandbox: Sandbox,
    base: String,
    /// The blob with a token.
    leak: String,
    clean: String,
}

impl Repository {
    fn new() -> Self {
        let (sandbox, mut mint) = (Sandbox::new(), Mint::new(340));
        sandbox.init("r", &[]);
        let base = sandbox.commit("r", "README", "clean");
        let blob = |text: &str| {
            sandbox.write("blob", text);
            sandbox.git("r", &["hash-object", "-w", "../blob"])
        };
        let (leak, clean) = (blob(&mint.token(Kind::Pat)), blob("clean"));
        Repository { sandbox, base, leak, clean }
    }

    /// A tree of entries as they are: mode, name and id.
    fn tree(&self, entries: &[(&str, &str, &str)]) -> String {
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
            let digits = |at: usize| u8::from_str_radix(&id[at..at + 2], 16).expect("an id");
            bytes.extend((0..id.len()).step_by(2).map(digits));
        }
        self.sandbox.write("tree", bytes);
        self.sandbox.git("r", &["hash-object", "-w", "-t", "tree", "--literally", "../tree"])
    }

    fn commit(&self, parent: &str, tree: &str) -> String {
        self.sandbox.git("r", &["commit-tree", "-p", parent, "-m", "x", tree])
    }

    /// What a range ends with.
    fn range(&self, from: &str, to: &str) -> i32 {
        self.sandbox.run(&["git", "r", "-q", "--range", &format!("{from}..{to}")]).code
    }
}

#[test]
fn a_submodule_with_the_id_of_a_file_is_no_earlier_version_of_it() {
    let repository = Repository::new();
    let Repository { sandbox, base, leak, .. } = &repository;
    let inner = repository.tree(&[("100644", "s", leak)]);
    for (id, mode) in [(leak, "100644"), (&inner, "40000")] {
        let first = repository.commit(base, &repository.tree(&[("160000", "f", id)]));
        let second = repository.commit(&first, &repository.tree(&[(mode, "f", id)]));
        assert_eq!(repository.range(base, &first), 0, "a submodule's content is elsewhere");
        assert_eq!(repository.range(base, &second), 1, "{mode}");
        assert_eq!(repository.range(&first, &second), 1, "{mode}");
    }
    let first = repository.commit(base, &repository.tree(&[("160000", "f", leak)]));
    sandbox.git("r", &["reset", "-q", "--soft", &first]);
    sandbox.git("r", &["rm", "-q", "--cached", "-r", "."]);
    sandbox.git("r", &["update-index", "--add", "--cacheinfo", &format!("100644,{leak},f")]);
    assert_eq!(sandbox.run(&["git", "r", "-q", "--staged"]).code, 1);
}

#[test]
fn every_entry_of_a_name_is_looked_at() {
    let repository = Repository::new();
    let Repository { base, leak, clean, .. } = &repository;
    let inner = repository.tree(&[("100644", "s", leak)]);
    for entries in [
        [("100644", "f", leak.as_str()), ("100644", "f", clean)],
        [("100644", "f", clean), ("100644", "f", leak)],
        [("100644", "f", leak), ("160000", "f", base)],
        [("40000", "f", &inner), ("100644", "f", clean)],
    ] {
        let commit = repository.commit(base, &repository.tree(&entries));
        assert_eq!(repository.range(base, &commit), 1, "{entries:?}");
    }
}

#[test]
fn a_mode_is_what_git_makes_of_it() {
    let repository = Repository::new();
    let Repository { base, leak, .. } = &repository;
    let inner = repository.tree(&[("100644", "s", leak)]);
    for (mode, id) in [
        ("100644", leak),
        ("0100644", leak),
        ("16100644", leak),
        ("100600", leak),
        ("120000", leak),
        ("40000", &inner),
        ("040000", &inner),
        ("16040000", &inner),
    ] {
        let commit = repository.commit(base, &repository.tree(&[(mode, "f", id)]));
        assert_eq!(repository.range(base, &commit), 1, "{mode}");
    }
}

#[test]
fn a_ceiling_that_is_not_above_has_no_effect() {
    let sandbox = Sandbox::new();
    sandbox.init("r", &[]);
    sandbox.commit("r", "f", "clean");
    for ceiling in ["/nowhere", sandbox.path().join("r").to_str().expect("a path of text"), ""] {
        let mut command = sandbox.command(&["git", "-q"]);
        let status =
            command.current_dir(sandbox.path().join("r")).env("GIT_CEILING_DIRECTORIES", ceiling).status();
        assert!(status.expect("it starts").success(), "{ceiling}");
    }
}
