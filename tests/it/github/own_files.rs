//! The `.stanch.toml` and `.stanchignore` of a swept repository: obeyed as in a clone, in that repository alone.

use serde_json::{Value, json};

use super::planted::zip;
use super::{Sweep, finding, row, sha256, state};
use crate::support::mint::Kind;

pub(super) const MAIN: &str = "refs/heads/main";
pub(super) const REVOKE: [&str; 4] = ["--revoke", "--yes", "--min-interval", "1ms"];

/// What suppresses a token in a report.
pub(super) fn suppressed(report: &Value, token: &str) -> Value {
    finding(report, token).map_or_else(|| json!("not found"), |finding| finding["suppressed"].clone())
}

pub(super) fn tokens<const N: usize>(sweep: &mut Sweep) -> [String; N] {
    std::array::from_fn(|_| sweep.mint.token(Kind::Pat))
}

/// `acme/web` with a token for each way to say that it is none that counts, and one that nothing is said of.
pub(super) fn each_way(sweep: &mut Sweep) -> [String; 6] {
    let all: [String; 6] = tokens(sweep);
    let [hashed, ignored, listed, by_path, left_out, leaked] = &all;
    let bare = sweep.github.repository("acme/web", |_| {});
    // As it was long before the files came.
    let old: [(&str, &[u8]); 2] = [("fixtures/a", ignored.as_bytes()), ("vendor/x", left_out.as_bytes())];
    bare.commit_saying(MAIN, "old", &old);
    let ignore = format!("sha256:{} # an example\n/fixtures/\n", &sha256(hashed)[..16]);
    let config = format!(
        "exclude = ['/vendor/']\n[[allowlists]]\ndescription = 'docs'\npaths = ['^docs/']\n[[allowlists]]\nregexes = ['{}$']\n\
         [[rules]]\nid = 'acme-key'\nregex = 'acme_[0-9]{{8}}'\nkeywords = ['acme_']\npositive = ['acme_~12345678']\n",
        &listed[listed.len() - 12..]
    );
    let files: [(&str, &[u8]); 6] = [
        (".stanchignore", ignore.as_bytes()),
        (".stanch.toml", config.as_bytes()),
        ("src/a", hashed.as_bytes()),
        ("src/b", listed.as_bytes()),
        ("docs/c", by_path.as_bytes()),
        ("src/d", leaked.as_bytes()),
    ];
    bare.commit_saying(MAIN, "a change", &files);
    bare.commit(MAIN, "src/key", "acme_87654321\n");
    all
}

#[test]
fn what_a_repository_says_of_itself_holds_for_its_whole_history_and_is_never_sent() {
    let mut sweep = Sweep::new(18_600);
    let [hashed, ignored, listed, by_path, left_out, leaked] = each_way(&mut sweep);
    let (code, report) = sweep.json(&[&["acme"], &REVOKE[..]].concat());
    let words = [&hashed, &ignored, &listed, &by_path, &leaked].map(|token| suppressed(&report, token));
    assert_eq!(json!(words), json!(["ignore-file", "ignore-file", "allowlist", "allowlist", null]));
    assert_eq!(suppressed(&report, &left_out), "not found");
    // Its own rule finds something, in it alone, and that cannot be revoked.
    let key = finding(&report, "acme_87654321").expect("found");
    assert_eq!((&key["rule"], &key["revocable"]), (&json!("acme-key"), &json!(false)));
    let summary = &report["summary"];
    assert_eq!((&summary["suppressed"], &summary["findings"]), (&json!(4), &json!(2)));
    assert_eq!((code, sweep.github.accepted()), (1, vec![leaked.clone()]));
    assert_eq!(state(&report, "acme/web"), "scanned");

    let (_, report) = sweep.json(&["acme", "--no-project-config"]);
    for token in [&hashed, &ignored, &listed, &by_path, &left_out, &leaked] {
        assert_eq!(suppressed(&report, token), Value::Null);
    }
    assert!(finding(&report, "acme_87654321").is_none());
}

#[test]
fn only_the_default_branch_speaks_and_only_for_its_repository() {
    let mut sweep = Sweep::new(18_601);
    let [shared, branch, elsewhere] = tokens(&mut sweep);
    let everything = format!("**\nsha256:{}\n", sha256(&shared));
    let config = b"exclude = ['**']\n[[rules]]\nid = 'a'\nregex = 'acme_[0-9]{8}'\nkeywords = ['acme_']\npositive = ['acme_12345678']\n";
    let files: [(&str, &[u8]); 3] =
        [(".stanchignore", everything.as_bytes()), (".stanch.toml", config), ("f", branch.as_bytes())];
    // Not at the top, and not where HEAD is.
    let quiet = sweep.github.repository("acme/quiet", |_| {});
    quiet.commit(MAIN, "f", "nothing");
    quiet.commit_saying("refs/heads/other", "a change", &files);
    let below: [(&str, &[u8]); 2] = [("sub/.stanchignore", b"**\n"), ("sub/f", elsewhere.as_bytes())];
    quiet.commit_saying(MAIN, "a change", &below);
    // What one repository says of a token is nothing to another one that has it, or to its own wiki.
    let one: [(&str, &[u8]); 2] = [(".stanchignore", everything.as_bytes()), ("f", shared.as_bytes())];
    sweep
        .github
        .repository("acme/one", |repository| repository.has_wiki = true)
        .commit_saying(MAIN, "m", &one);
    sweep.github.repository("acme/two", |_| {}).commit(MAIN, "f", format!("{shared} acme_87654321"));
    let [of_wiki] = tokens(&mut sweep);
    sweep.github.bare("acme/one.wiki").commit("refs/heads/master", "Home.md", &of_wiki);
    let (code, report) = sweep.json(&[&["acme"], &REVOKE[..]].concat());
    for token in [&shared, &branch, &elsewhere, &of_wiki] {
        assert_eq!(suppressed(&report, token), Value::Null);
    }
    assert!(finding(&report, "acme_87654321").is_none(), "a rule of another repository");
    let places = finding(&report, &shared).expect("found")["locations"].as_array().expect("places");
    let of = |root: &str| places.iter().find(|place| place["root"] == root).expect("a place");
    assert_eq!(of("acme/two")["suppressed"], Value::Null);
    assert_eq!((code, sweep.github.accepted().len()), (1, 4));
}

#[test]
fn a_file_that_cannot_be_obeyed_is_that_repositorys_fault_and_ends_no_sweep() {
    let mut sweep = Sweep::new(18_602);
    let huge = "#".repeat((4 << 20) + 1);
    let explodes = "[[allowlists]]\nregexes = ['(a{100}){100}{100}']\n";
    let contradicts =
        "[[rules]]\nid = 'k'\nregex = 'k_[0-9]+'\nkeywords = ['k_']\npositive = ['nothing of it']\n";
    let mut expected = Vec::new();
    for (name, file, text, word) in [
        (
            "aims",
            ".stanch.toml",
            "host = 'example.org'\nexclude = ['**']\n",
            "cannot be set by a scanned tree",
        ),
        ("contradicts", ".stanch.toml", contradicts, "finds nothing in positive example 1"),
        ("explodes", ".stanch.toml", explodes, "size limit"),
        ("huge", ".stanchignore", &huge, "larger than 4 MiB"),
        ("short", ".stanchignore", "**\nsha256:abc\n", ".stanchignore:2:"),
        ("syntax", ".stanch.toml", "exclude = ['**'\n", ".stanch.toml"),
    ] {
        let [token] = tokens(&mut sweep);
        let bare = sweep.github.repository(&format!("acme/{name}"), |_| {});
        bare.commit_saying(MAIN, "m", &[(file, text.as_bytes()), ("f", token.as_bytes())]);
        expected.push((format!("acme/{name}"), token, word));
    }
    // Beside a file that is refused the other one holds.
    let [kept] = tokens(&mut sweep);
    let ignore = format!("sha256:{}\n", sha256(&kept));
    let files: [(&str, &[u8]); 3] =
        [(".stanch.toml", b"exclude = 7\n"), (".stanchignore", ignore.as_bytes()), ("f", kept.as_bytes())];
    sweep.github.repository("acme/half", |_| {}).commit_saying(MAIN, "m", &files);

    let (code, report) = sweep.json(&["acme"]);
    assert_eq!(code, 1);
    for (name, token, word) in &expected {
        assert_eq!(suppressed(&report, token), Value::Null, "{name}");
        let row = row(&report, name);
        let reason = row["reason"].as_str().unwrap_or_default();
        assert_eq!(row["state"], "partial", "{row:#}");
        assert!(reason.contains(word) && reason.contains(name.as_str()), "{reason}: {word}");
    }
    assert_eq!((state(&report, "acme/half"), suppressed(&report, &kept)), ("partial", json!("ignore-file")));
    // Where nothing was found, it is not green either.
    sweep.github.change(|world| {
        for repository in &mut world.owners[0].repositories {
            repository.archived = repository.name != "half";
        }
    });
    let ran = sweep.run(&["acme"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("acme/half/.stanch.toml:1"), "{}", ran.stderr);
}

#[test]
fn what_a_broken_file_may_call_no_leak_is_held_back() {
    let mut sweep = Sweep::new(18_690);
    let [doubtful, both, sound] = tokens(&mut sweep);
    let broken = sweep.github.repository("acme/broken", |_| {});
    let ignore = format!("sha256:zz\nsha256:{}\n", sha256(&doubtful));
    let files: [(&str, &[u8]); 3] =
        [(".stanchignore", ignore.as_bytes()), ("f", doubtful.as_bytes()), ("g", both.as_bytes())];
    broken.commit_saying(MAIN, "m", &files);
    let files: [(&str, &[u8]); 2] = [("f", sound.as_bytes()), ("g", both.as_bytes())];
    sweep.github.repository("acme/sound", |_| {}).commit_saying(MAIN, "m", &files);
    let (code, report) = sweep.json(&[&["acme"], &REVOKE[..]].concat());
    let state = |token: &str| {
        finding(&report, token).map(|finding| finding["revocation"]["state"].clone()).unwrap_or_default()
    };
    assert_eq!(
        [state(&doubtful), state(&both), state(&sound)],
        [json!("held"), json!("accepted"), json!("accepted")]
    );
    assert_eq!(code, 3);
    let mut accepted = sweep.github.accepted();
    accepted.sort();
    let mut sent = vec![both, sound];
    sent.sort();
    assert_eq!(accepted, sent);
    // Whoever says that such files are not to be read has decided.
    let (code, _) = sweep.json(&[&["acme", "--no-project-config"], &REVOKE[..]].concat());
    assert_eq!((code, sweep.github.accepted().contains(&doubtful)), (1, true));
}

#[test]
fn a_link_is_not_followed() {
    let mut sweep = Sweep::new(18_613);
    let [token] = tokens(&mut sweep);
    let bare = sweep.github.repository("acme/link", |_| {});
    let commit = bare.commit_saying(MAIN, "m", &[("all", b"**\n"), ("f", token.as_bytes())]);
    let listed = bare.git(&["ls-tree", &commit]);
    let id = |name: &str| {
        let line = listed.lines().find(|line| line.ends_with(&format!("\t{name}"))).expect("an entry");
        line.split([' ', '\t']).nth(2).expect("an id").to_owned()
    };
    let link = sweep.sandbox.path().join("tree");
    std::fs::write(&link, format!("120000 blob {}\t.stanchignore\n100644 blob {}\tf\n", id("all"), id("f")))
        .expect("a file");
    let script = format!("git --git-dir '{}' mktree < '{}'", bare.path().display(), link.display());
    let made = std::process::Command::new("sh").args(["-c", &script]).output().expect("git runs");
    let tree = String::from_utf8_lossy(&made.stdout).trim().to_owned();
    let person = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
    let linked = bare.git(&[&person[..], &["commit-tree", "-m", "m", &tree]].concat());
    bare.set_ref(MAIN, &linked);
    let (code, report) = sweep.json(&["acme"]);
    let reason = row(&report, "acme/link")["reason"].as_str().unwrap_or_default();
    assert_eq!((code, state(&report, "acme/link"), suppressed(&report, &token)), (1, "partial", Value::Null));
    assert!(reason.contains("acme/link/.stanchignore: is not a regular file"), "{reason}");
}

#[test]
fn what_many_repositories_leave_out_is_one_line() {
    let sweep = Sweep::new(18_608);
    for number in 0..7 {
        let bare = sweep.github.repository(&format!("acme/r-{number}"), |_| {});
        bare.commit(MAIN, ".stanch.toml", format!("exclude = ['/only-{number}/']\n"));
    }
    let ran = sweep.run(&["acme"]);
    assert!(ran.stderr.contains("7 trees leave files out of themselves") && !ran.stderr.contains("only-3"));
    let ran = sweep.run(&["acme", "-v"]);
    assert!(ran.stderr.contains("left out by acme/r-3/.stanch.toml: /only-3/"), "{}", ran.stderr);
}

#[test]
fn what_is_left_out_is_no_fault_either() {
    let sweep = Sweep::new(18_609);
    let bare = sweep.github.repository("acme/web", |_| {});
    let broken = [&zip(&[("a", &"text ".repeat(400))])[..60], &[0xff; 200]].concat();
    bare.commit(MAIN, "vendor/broken.zip", &broken);
    let ran = sweep.run(&["acme"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    bare.commit(MAIN, ".stanch.toml", "exclude = ['/vendor/']\n");
    let (code, report) = sweep.json(&["acme"]);
    assert_eq!((code, state(&report, "acme/web")), (0, "scanned"));
    assert_eq!(report["summary"]["unreadable"], 0);
}
