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
    let troubles = [
        (Trouble::Hang, refs),
        (Trouble::Status(500, "Server Error"), refs),
        (Trouble::Redirect(302, "/x.git/info/refs".to_owned()), refs),
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
        let trouble = match trouble {
            // To where a credential must not come.
            Trouble::Redirect(status, path) => Trouble::Redirect(status, sweep.github.storage_url() + &path),
            trouble => trouble,
        };
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

/// Runs on a small disk, below `disk`; none where no disk can be mounted here.
fn on_a_small_disk(sweep: &Sweep, arguments: &[&str]) -> Option<(i32, Value)> {
    let disk = sweep.sandbox.path().join("disk");
    std::fs::create_dir_all(disk).expect("a directory");
    let stanch = sweep.command(&[arguments, &["--jobs", "1", "-f", "json"]].concat());
    // A namespace of its own, where a disk can be mounted.
    let line = "mount -t tmpfs -o size=2m none disk && exec \"$0\" \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", line]).arg(stanch.get_program()).args(stanch.get_args());
    command.current_dir(sweep.sandbox.path()).env_clear();
    command.envs(stanch.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("XDG_STATE_HOME", sweep.sandbox.path().join("disk/state"));
    let ran = sweep.checked(Ran::from(command.output().ok()?));
    if ran.stderr.contains("unshare") || ran.stderr.contains("mount:") {
        return None;
    }
    let report = serde_json::from_str(&ran.stdout);
    Some((ran.code, report.unwrap_or_else(|_| panic!("no report: {}", ran.stderr))))
}

#[test]
fn a_disk_that_is_full_fails_what_does_not_fit() {
    for (seed, arguments) in (18_110..).zip([&["acme", "--cache", "disk/cache"][..], &["acme"]]) {
        let mut sweep = Sweep::new(seed);
        let token = sweep.leak("acme/small");
        let noise = sweep.noise(300_000);
        sweep.github.repository("acme/large", |_| {}).commit("refs/heads/main", "f", noise);
        let Some((code, report)) = on_a_small_disk(&sweep, arguments) else { return };
        let states = (code, state(&report, "acme/large"), state(&report, "acme/small"));
        assert_eq!(states, (1, "failed", "scanned"), "{arguments:?}");
        assert!(finding(&report, &token).is_some(), "{arguments:?}");
        let reason = reason(&report, "acme/large").to_ascii_lowercase();
        assert!(reason.contains("disk") || reason.contains("space"), "{reason}");
    }
}
