//! Files that Git LFS tracks: git has a pointer, and the content lies beside git's objects. No git-lfs is needed to have some.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::support::cmd::Sandbox;
use crate::support::mint::{Kind, Mint};

/// The pointer to some content, and where it lies in a storage.
fn pointer(content: &str) -> (String, PathBuf) {
    let digits: Vec<String> = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    let oid = digits.concat();
    let text =
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {}\n", content.len());
    let path = PathBuf::from(&oid[..2]).join(&oid[2..4]).join(&oid);
    (text, path)
}

/// Puts content into the storage at `storage`; its pointer.
fn store(sandbox: &Sandbox, storage: &str, content: &str) -> String {
    let (text, path) = pointer(content);
    sandbox.write(&format!("{storage}/objects/{}", path.display()), content);
    text
}

fn found(report: &Value) -> u64 {
    report["summary"]["findings"].as_u64().expect("a number")
}

fn places(report: &Value) -> Vec<(String, u64)> {
    let findings = report["findings"].as_array().expect("findings");
    let locations = findings.iter().flat_map(|finding| finding["locations"].as_array().expect("locations"));
    let place = |location: &Value| {
        (location["path"].as_str().expect("a path").to_owned(), location["line"].as_u64().expect("a line"))
    };
    locations.map(place).collect()
}

#[test]
fn the_content_is_found_under_the_pointers_name() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(310));
    sandbox.init("r", &[]);
    sandbox.commit("r", "README", "first");
    let tokens: Vec<String> = (0..6).map(|_| mint.token(Kind::Pat)).collect();
    // Many pointers, so that some of them are deltas against others, and content of every size.
    for (n, token) in tokens.iter().enumerate() {
        let content = format!("{}KEY={token}\n", "a line\n".repeat(n * n * 4000));
        let text = store(&sandbox, "r/.git/lfs", &content);
        sandbox.commit("r", "big/prod.env", &text);
    }
    for packed in [false, true] {
        if packed {
            sandbox.git("r", &["repack", "-adfkq"]);
            sandbox.git("r", &["prune-packed", "-q"]);
        }
        let (code, report) = sandbox.json(&["git", "r"]);
        assert_eq!((code, found(&report)), (1, 6), "packed: {packed}");
        assert!(places(&report).contains(&("big/prod.env".to_owned(), 4001)), "{:?}", places(&report));
        assert!(places(&report).iter().all(|place| place.0 == "big/prod.env"));
        let (code, report) = sandbox.json(&["git", "r", "--range", "HEAD~2..HEAD"]);
        assert_eq!((code, found(&report)), (1, 2), "packed: {packed}");
        assert_eq!(places(&report)[0].0, "big/prod.env");
    }
    let (_, report) = sandbox.json(&["git", "r", "--max-file-size", "1K"]);
    assert_eq!((found(&report), &report["summary"]["too_large"]), (1, &Value::from(5)));
    assert_eq!(sandbox.json(&["git", "r", "--exclude", "big"]).0, 0);
    let (_, report) = sandbox.json(&["scan", "--history", "r", "--exclude", ".git"]);
    assert_eq!(found(&report), 6);
}

#[test]
fn what_is_staged_is_compared_with_the_content_before() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(311));
    let [known, new] = std::array::from_fn(|_| mint.token(Kind::Pat));
    sandbox.init("r", &[]);
    let text = store(&sandbox, "r/.git/lfs", &format!("{known}\n"));
    sandbox.commit("r", "f", text);
    let stage = |content: String| {
        let text = store(&sandbox, "r/.git/lfs", &content);
        sandbox.write("r/f", text);
        sandbox.git("r", &["add", "f"]);
        let (code, report) = sandbox.json(&["git", "r", "--staged"]);
        (code, found(&report))
    };
    assert_eq!(stage(format!("{known}\nmore\n")), (0, 0));
    assert_eq!(stage(format!("{known}\n{new}\n")), (1, 1));
}

#[test]
fn content_that_is_not_here_is_counted() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(312));
    sandbox.init("r", &[]);
    sandbox.commit("r", "README", "first");
    for n in 0..3 {
        sandbox.commit("r", &format!("f{n}"), pointer(&mint.token(Kind::Pat)).0);
    }
    sandbox.write("r/new", pointer(&mint.token(Kind::Pat)).0);
    sandbox.git("r", &["add", "new"]);
    for (arguments, count) in [
        (&["git", "r"][..], "4 files have"),
        (&["git", "r", "--range", "HEAD~1..HEAD"], "1 file has"),
        (&["git", "r", "--staged"], "1 file has"),
        (&["scan", "--history", "r"], "4 files have"),
    ] {
        let ran = sandbox.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(count) && ran.stderr.contains("git lfs fetch"), "{}", ran.stderr);
    }
    let ran = sandbox.run(&["git", "r", "--require-full-history"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("git lfs fetch"), "{}", ran.stderr);
}

#[test]
fn the_storage_is_where_git_lfs_has_it() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(313));
    sandbox.init("r", &[]);
    let absolute = sandbox.path().join("elsewhere").display().to_string();
    for (storage, directory) in [("", "r/.git/lfs"), ("mine", "r/.git/mine"), (&*absolute, "elsewhere")] {
        sandbox.git("r", &["config", "lfs.storage", storage]);
        let text = store(&sandbox, directory, &mint.token(Kind::Pat));
        sandbox.commit("r", "f", &text);
        let (code, report) = sandbox.json(&["git", "r", "--range", "HEAD"]);
        assert_eq!(code, 1, "{storage}: {report}");
    }
    // A tree's own configuration leads no sweep out of the tree.
    sandbox.init("tree/r", &[]);
    sandbox.git("tree/r", &["config", "lfs.storage", &absolute]);
    let text = store(&sandbox, "elsewhere", &mint.token(Kind::Pat));
    sandbox.commit("tree/r", "f", &text);
    assert_eq!(sandbox.json(&["scan", "--history", "tree"]).0, 0);
    assert_eq!(sandbox.json(&["git", "tree/r"]).0, 1);
    // Linked work trees share one, and a bare repository has its own.
    sandbox.git("r", &["config", "lfs.storage", ""]);
    sandbox.git("r", &["worktree", "add", "-q", "../linked"]);
    let text = store(&sandbox, "r/.git/lfs", &mint.token(Kind::Pat));
    sandbox.commit("linked", "g", &text);
    let (code, report) = sandbox.json(&["git", "linked", "--range", "HEAD^!"]);
    assert_eq!((code, found(&report)), (1, 1));
    sandbox.git("", &["clone", "-q", "--bare", "r", "bare.git"]);
    fs::rename(sandbox.path().join("r/.git/lfs"), sandbox.path().join("bare.git/lfs")).expect("moved");
    let (code, report) = sandbox.json(&["git", "bare.git"]);
    assert_eq!((code, found(&report)), (1, 2));
}

/// A pointer to some content in whose place other content is stored.
fn store_other(sandbox: &Sandbox, content: &str, other: &str) -> String {
    let (text, path) = pointer(content);
    sandbox.write(&format!("r/.git/lfs/objects/{}", path.display()), other);
    text
}

#[test]
fn content_that_is_not_what_its_name_says_is_never_green() {
    let mut mint = Mint::new(314);
    let token = mint.token(Kind::Pat);
    // Content that fits into one read, content that does not, and what is an archive by its end.
    for length in [0, 1000, 400_000, 1_000_000] {
        let content = format!("{}{token}", "a line\n".repeat(length / 7));
        let same_size = "x".repeat(content.len());
        let archive = format!("{}PK\x05\x06{}", &same_size[22..], "\0".repeat(18));
        let cut = &content[..content.len() - token.len()];
        for other in [&*same_size, cut, "", &*archive, &format!("{same_size}more")] {
            let sandbox = Sandbox::new();
            sandbox.init("r", &[]);
            sandbox.commit("r", "README", "first");
            let text = store_other(&sandbox, &content, other);
            sandbox.write("r/big.bin", &text);
            sandbox.git("r", &["add", "-A"]);
            let check = |arguments: &[&str], path: &str| {
                let ran = sandbox.run(arguments);
                let told = ran.stderr.contains("git lfs fsck") && ran.stderr.contains(path);
                assert!(ran.code == 2 && told, "{arguments:?} {}: {} {}", other.len(), ran.code, ran.stderr);
            };
            check(&["git", "r", "--staged"], "big.bin");
            sandbox.git("r", &["commit", "-qm", "a change"]);
            check(&["git", "r"], "big.bin");
            check(&["git", "r", "--range", "HEAD~1..HEAD"], "big.bin");
            assert_eq!(sandbox.run(&["git", "r", "--exclude", "big.bin"]).code, 0);
        }
    }
}

#[test]
fn damaged_content_is_scanned_and_old_damage_blocks_no_commit() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(315));
    sandbox.init("r", &[]);
    sandbox.commit("r", "README", "first");
    let text = store_other(&sandbox, "something", &mint.token(Kind::Pat));
    sandbox.commit("r", "f", text);
    let (code, report) = sandbox.json(&["git", "r"]);
    assert_eq!((code, found(&report), &report["summary"]["unreadable"]), (1, 1, &Value::from(1)));
    // The content before is only compared with.
    sandbox.write("r/f", store(&sandbox, "r/.git/lfs", "something else"));
    sandbox.git("r", &["add", "f"]);
    let ran = sandbox.run(&["git", "r", "--staged"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}
