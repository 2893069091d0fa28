//! What becomes of a repository that its `git` server does not give, or gives wrongly, and of one that does not fit.

use std::process::Command;

use serde_json::Value;

use super::trouble::{at_once, reason};
use super::{Sweep, finding, state};
use crate::support::cmd::Ran;
use crate::support::github_source::Trouble;

#[test]
fn a_git_server_that_hangs_lies_or_sends_a_bomb_is_a_row() {
    let refs = "info/refs";
    let redirect = Trouble::Redirect(302, "http://127.0.0.1:1/x.git/info/refs".to_owned());
    let troubles = [
        (Trouble::Hang, refs),
        (Trouble::Status(500, "Server Error"), refs),
        (redirect, refs),
        (Trouble::Hang, "git-upload-pack"),
        (Trouble::Garbage, "git-upload-pack"),
        (Trouble::Torn, "git-upload-pack"),
        (Trouble::Close, "git-upload-pack"),
        (Trouble::Bomb, "git-upload-pack"),
    ];
    at_once((18_060..).zip(troubles), |(seed, (trouble, end))| {
        let mut sweep = Sweep::new(seed);
        let token = sweep.leak("acme/fine");
        sweep.leak("acme/wrong");
        sweep.github.trouble_always(&format!("/acme/wrong.git/{end}"), trouble.clone());
        let arguments = ["acme", "--timeout", "3", "--max-disk", "20M"];
        let (code, report) = sweep.json(&arguments);
        let which = format!("{trouble:?} at {end}");
        // One that leads elsewhere does not give it; all others cannot.
        let expected = if matches!(trouble, Trouble::Redirect(..)) { "unavailable" } else { "failed" };
        let states = (code, state(&report, "acme/wrong"), state(&report, "acme/fine"));
        assert_eq!(states, (1, expected, "scanned"), "{which}");
        assert!(finding(&report, &token).is_some(), "{which}");
        assert!(!reason(&report, "acme/wrong").contains('\u{1b}'), "{which}");
        // Where nothing was found beside it, it is exit 2.
        let (code, _) = sweep.json(&[&arguments[..], &["--exclude-repo", "fine"]].concat());
        assert_eq!(code, 2, "{which}");
        let left = super::files(sweep.sandbox.home());
        assert!(!left.iter().any(|path| path.to_string_lossy().contains("tmp_pack")), "{which}: {left:?}");
    });
}

/// Git takes what is no protocol for the old one without any, and finds no refs there.
#[test]
fn a_page_in_the_place_of_refs_is_no_empty_repository() {
    for (seed, trouble) in (18_075..).zip([Trouble::Html, Trouble::Garbage]) {
        let mut sweep = Sweep::new(seed);
        sweep.leak("acme/wrong");
        sweep.github.trouble_always("/acme/wrong.git/info/refs", trouble.clone());
        let (code, report) = sweep.json(&["acme"]);
        assert_eq!((code, state(&report, "acme/wrong")), (2, "failed"), "{trouble:?}");
    }
}

#[test]
fn a_repository_that_is_refused_says_why() {
    for (number, trouble, word) in [
        (0, Trouble::Sso, "sso"),
        (1, Trouble::IpAllowList, "ip allow list"),
        (2, Trouble::Blocked, "dmca"),
        (3, Trouble::Permissions, "403"),
        (4, Trouble::Status(404, "Not Found"), ""),
    ] {
        let mut sweep = Sweep::new(18_080 + number);
        let token = sweep.leak("acme/fine");
        sweep.leak("acme/wrong");
        for path in ["/repos/acme/wrong*", "/acme/wrong.git/*"] {
            sweep.github.trouble_always(path, trouble.clone());
        }
        let (code, report) = sweep.json(&["acme"]);
        assert_eq!((code, state(&report, "acme/wrong")), (1, "unavailable"), "{trouble:?}");
        assert!(finding(&report, &token).is_some());
        let reason = reason(&report, "acme/wrong").to_ascii_lowercase();
        assert!(reason.contains(word), "{trouble:?}: {reason}");
    }
}

#[test]
fn a_disk_that_is_full_fails_what_does_not_fit() {
    let mut sweep = Sweep::new(18_110);
    let token = sweep.leak("acme/small");
    let noise: String = (0..200_000).map(|_| sweep.mint.text(50) + "\n").collect();
    sweep.github.repository("acme/large", |_| {}).commit("refs/heads/main", "f", noise);
    let disk = sweep.sandbox.path().join("disk");
    std::fs::create_dir(&disk).expect("a directory");
    let stanch = sweep.command(&["acme", "--jobs", "1", "--cache", "disk/cache", "-f", "json"]);
    // A namespace of its own, where a small disk can be mounted.
    let line = "mount -t tmpfs -o size=2m none disk && exec \"$0\" \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", line]).arg(stanch.get_program()).args(stanch.get_args());
    command.current_dir(sweep.sandbox.path()).env_clear();
    command.envs(stanch.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let Ok(output) = command.output() else { return };
    let ran = Ran::from(output);
    if ran.stderr.contains("unshare") || ran.stderr.contains("mount:") {
        return;
    }
    let report: Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("no report: {}", ran.stderr));
    assert_eq!(
        (ran.code, state(&report, "acme/large"), state(&report, "acme/small")),
        (1, "failed", "scanned")
    );
    assert!(finding(&report, &token).is_some());
    let reason = reason(&report, "acme/large").to_ascii_lowercase();
    assert!(reason.contains("disk") || reason.contains("space"), "{reason}");
}
