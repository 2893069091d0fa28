//! Files whose names another program passes, as pre-commit, lint-staged and lefthook do.

use std::fs;

use crate::support::cmd::{Ran, Sandbox};
use crate::support::github::{Flavour, GitHub};
use crate::support::mint::{Kind, Mint};
use stanch::token::Fingerprint;

fn run(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    sandbox.run(&[&["hook", "files"], arguments].concat())
}

#[test]
fn a_file_is_a_file_whatever_it_is_called() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(400));
    let token = mint.token(Kind::Pat);
    sandbox.write("leak", &token);
    let options =
        ["--exit-zero", "--exclude=*", "--exit-code=0", "-q", "--help", "--version", "--wait", "10m", "--"];
    for name in options {
        sandbox.write(name, "");
    }
    sandbox.write("c.toml", "[[allowlists]]\nregexes = ['ghp_']\n");
    sandbox.write("--config=c.toml", "");
    for name in options.into_iter().chain(["--config=c.toml"]) {
        let ran = run(&sandbox, &[name, "leak"]);
        assert_eq!(ran.code, 1, "{name}: {}", ran.stderr);
    }
    assert_eq!(run(&sandbox, &["--exit-zero", "--wait", "10m", "leak"]).code, 1, "two that become one");
    let ran = run(&sandbox, &["--exit-zero", "leak"]);
    assert!(ran.stderr.contains("`--exit-zero` is a file here"), "{}", ran.stderr);
    // And the token is in the file of that name.
    for name in ["-", "--", "--exit-zero", "-q"] {
        sandbox.write(name, &token);
        assert_eq!(run(&sandbox, &["c.toml", name]).code, 1, "{name}");
        fs::write(sandbox.path().join(name), "").expect("a file");
    }
    assert_eq!(run(&sandbox, &["--no-such-option", "c.toml"]).code, 2, "neither a file nor an option");
    sandbox.write("--no-such-option", "");
    assert_eq!(run(&sandbox, &["--no-such-option", "c.toml"]).code, 0);
}

#[test]
fn options_come_first_and_their_values_may_be_files() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(401));
    sandbox.write("fixtures/a", mint.token(Kind::Pat));
    sandbox.write("b", "");
    for arguments in [
        &["--exclude", "fixtures/", "fixtures/a", "b"][..],
        &["-q", "--exclude=fixtures", "b", "fixtures/a"],
        &["--exit-zero", "fixtures/a"],
        &["--exclude", "fixtures/a", "fixtures/a"],
    ] {
        let ran = run(&sandbox, arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.stderr);
    }
    let ran = run(&sandbox, &["fixtures/a", "--exit-zero"]);
    assert!(ran.code == 2 && ran.stderr.contains("in front"), "{}", ran.stderr);
    // A file of that name takes the option away: more is looked into, never less.
    sandbox.write("--exclude", "");
    assert_eq!(run(&sandbox, &["--exclude", "fixtures/", "fixtures/a"]).code, 1);
    let help = run(&sandbox, &["--help"]);
    assert!(help.code == 0 && help.stdout.contains("stanch hook files [OPTION]"), "{}", help.stderr);
}

#[test]
fn names_of_files_revoke_nothing() {
    let (sandbox, mut mint, github) = (Sandbox::new(), Mint::new(402), GitHub::start(Flavour::DotCom));
    sandbox.write("leak", mint.token(Kind::Pat));
    for name in ["--revoke", "--yes"] {
        sandbox.write(name, "");
    }
    let url = github.api_url();
    for names in [&["--revoke", "--yes", "leak"][..], &["leak", "--revoke", "--yes"]] {
        let ran = run(&sandbox, &[&["--api-url", url.as_str()][..], names].concat());
        assert_ne!(ran.code, 0, "{}", ran.stderr);
        // Without the question there is no answer: the user's own `--revoke` needs the user's own `--yes`.
        let mut own = vec!["--revoke", "--api-url", url.as_str()];
        own.extend(names.iter().filter(|name| **name != "--revoke"));
        fs::rename(sandbox.path().join("--revoke"), sandbox.path().join("aside")).expect("renamed");
        assert_eq!(run(&sandbox, &own).code, 2);
        fs::rename(sandbox.path().join("aside"), sandbox.path().join("--revoke")).expect("renamed");
    }
    assert!(github.requests().is_empty(), "something was sent");
}

#[test]
fn named_files_obey_the_project_they_are_in() {
    let mut mint = Mint::new(403);
    let token = mint.token(Kind::Pat);
    let hash = format!("sha256:{}\n", Fingerprint::of(token.as_bytes()).hex());
    let acme = "acme_k3j9x0q7w2m5n8b1v4c6z0l3";
    let rule = "[[rules]]\nid = 'acme'\nregex = 'acme_[a-z0-9]{24}'\nkeywords = ['acme_']\n\
                positive = ['acme_k3j9x0q7w2m5n8b1v4c6z0l4']\n";
    for (file, text, found) in [
        (".stanchignore", hash.as_str(), 0),
        (".stanchignore", "fixtures/\n", 0),
        (".stanchignore", "/fixtures/deep\n", 0),
        (".stanchignore", "/deep\n", 1),
        (".stanch.toml", "[[allowlists]]\npaths = ['^fixtures/']\n", 0),
        (".stanch.toml", "[[allowlists]]\npaths = ['^deep/']\n", 1),
        (".stanch.toml", "exclude = ['fixtures/']\n", 0),
        (".stanch.toml", "exclude = ['/fixtures/deep/*']\n", 0),
        (".stanch.toml", "exclude = ['/deep']\n", 1),
        (".stanch.toml", rule, 1),
    ] {
        let sandbox = Sandbox::new();
        sandbox.init("r", &[]);
        let secret = if text == rule { acme } else { token.as_str() };
        sandbox.write("r/fixtures/deep/a", secret);
        sandbox.write("r/b", "");
        sandbox.write(&format!("r/{file}"), text);
        let absolute = sandbox.path().join("r/fixtures/deep/a").display().to_string();
        for (directory, names) in [
            ("r", &["fixtures/deep/a"][..]),
            ("r", &["b", "./fixtures/deep/a"]),
            ("r/fixtures", &["deep/a"]),
            ("r/fixtures", &["../b", "../fixtures/deep/a"]),
            ("r/fixtures", &["."]),
            ("r/fixtures", &["deep", "../b"]),
            ("", &[absolute.as_str()]),
            ("", &["r/b", absolute.as_str()]),
        ] {
            let mut command = sandbox.command(&[&["scan"], names].concat());
            let ran =
                Ran::from(command.current_dir(sandbox.path().join(directory)).output().expect("started"));
            assert_eq!(ran.code, found, "{text} in {directory}: {names:?}: {}{}", ran.stdout, ran.stderr);
            let without = [&["scan", "--no-project-config"], names].concat();
            let ran = Ran::from(
                sandbox
                    .command(&without)
                    .current_dir(sandbox.path().join(directory))
                    .output()
                    .expect("started"),
            );
            assert_eq!(ran.code, i32::from(text != rule), "{text} in {directory}, without: {}", ran.stderr);
        }
    }
}

#[test]
fn a_project_speaks_for_its_own_files_only() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(404));
    let token = mint.token(Kind::Pat);
    sandbox.init("one", &[]);
    sandbox.init("two", &[]);
    sandbox.write("one/.stanchignore", "*\n");
    sandbox.write("one/.stanch.toml", "exclude = ['x']");
    for path in ["one/f", "one/x", "two/x", "x"] {
        sandbox.write(path, &token);
    }
    assert_eq!(sandbox.run(&["scan", "one/f", "one/x"]).code, 0);
    for path in ["two/x", "x"] {
        let (code, report) = sandbox.json(&["scan", "one/f", "one/x", path]);
        assert_eq!(code, 1);
        let locations = report["findings"][0]["locations"].as_array().expect("a list");
        assert!(locations.iter().any(|location| location["path"] == path), "{path}");
        assert!(locations.iter().all(|location| location["path"] != "one/x"), "it is left out");
    }
}

/// What `hook files` answers for what is staged in `r`, as pre-commit passes it: 1 where tokens are found.
fn files_and_staged(sandbox: &Sandbox, names: &[&str]) -> (Ran, i32) {
    let there = sandbox.path().join("r");
    let output = sandbox.command(&[&["hook", "files", "-q"], names].concat()).current_dir(&there).output();
    let staged = sandbox.command(&["git", "-q", "--staged"]).current_dir(&there).output();
    (Ran::from(output.expect("started")), Ran::from(staged.expect("started")).code)
}

#[cfg(unix)]
#[test]
fn links_and_names_count_as_they_do_when_they_are_staged() {
    use std::os::unix::fs::symlink;

    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(405));
    let [token, other] = std::array::from_fn(|_| mint.token(Kind::Pat));
    sandbox.write("outside/f", &token);
    let links = [
        ("../outside/f", 0),
        ("../outside", 0),
        ("build/out", 0),
        (token.as_str(), 1),
        (&format!("../{token}/x"), 1),
    ];
    for (target, found) in links {
        for others in [&[][..], &["clean"]] {
            sandbox.init("r", &[]);
            sandbox.write("r/clean", "");
            symlink(target, sandbox.path().join("r/link")).expect("a link");
            sandbox.git("r", &["add", "-A"]);
            let (ran, staged) = files_and_staged(&sandbox, &[&["link"], others].concat());
            assert_eq!((ran.code, staged), (found, found), "{others:?}: {}", ran.stderr);
            assert_eq!(ran.stdout.contains("link"), found == 1, "{}", ran.stdout);
            fs::remove_dir_all(sandbox.path().join("r")).expect("removed");
        }
    }
    // A link is followed where the user says so.
    sandbox.init("r", &[]);
    symlink("../outside/f", sandbox.path().join("r/link")).expect("a link");
    assert_eq!(files_and_staged(&sandbox, &["--follow-symlinks", "link"]).0.code, 1);
    // Each part of a path is a name, and no part above the repository is.
    sandbox.init(&format!("{other}/r"), &[]);
    let top = sandbox.path().join(&other).join("r");
    sandbox.write(&format!("{other}/r/f"), "");
    let absolute = top.join("f").display().to_string();
    assert_eq!(run(&sandbox, &[absolute.as_str()]).code, 0, "the repository's own directory is in no commit");
    for path in [format!("d/{token}/sub/f"), format!("{token}/f"), format!("d/{token}")] {
        sandbox.write(&format!("r/{path}"), "clean");
        sandbox.git("r", &["add", "-A"]);
        let absolute = sandbox.path().join("r").join(&path).display().to_string();
        for name in [path.as_str(), &format!("./{path}"), &absolute] {
            let (ran, staged) = files_and_staged(&sandbox, &[name, "clean"]);
            assert_eq!((ran.code, staged), (1, 1), "{}", ran.stderr);
            let output = format!("{}{}", ran.stdout, ran.stderr);
            assert!(!output.contains(&token), "a token was printed");
        }
        let (ran, _) = files_and_staged(&sandbox, &["--exclude", "d/", "--exclude", "ghp_*", &path]);
        assert_eq!(ran.code, 0, "what is left out has no name: {}", ran.stdout);
        sandbox.git("r", &["rm", "-qrf", "."]);
        sandbox.write("r/clean", "");
    }
    // A name is found once, however many files are below it.
    let names: Vec<String> = (0..50).map(|n| format!("{token}/f{n}")).collect();
    for name in &names {
        sandbox.write(&format!("r/{name}"), "");
    }
    let mut command = sandbox.command(&["hook", "files", "-f", "json"]);
    let ran =
        Ran::from(command.args(&names).current_dir(sandbox.path().join("r")).output().expect("started"));
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("a report");
    assert_eq!(report["findings"][0]["locations"].as_array().map(Vec::len), Some(1));
    assert_eq!(report["summary"]["files"], 50);
}

#[test]
fn the_hook_for_pre_commit_gets_links_too() {
    let hooks =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/.pre-commit-hooks.yaml")).expect("hooks");
    for hook in hooks.split("- id: ").skip(1) {
        assert!(hook.contains("types: []\n") && hook.contains("types_or: [file, symlink]\n"), "{hook}");
    }
}
