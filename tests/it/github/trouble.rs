//! What becomes of a sweep where something goes wrong: a row that says so, and the rest is looked at all the same.

use std::io;
use std::process::Command;

use serde_json::Value;

use super::planted::zip;
use super::{Sweep, finding, row, state};
use crate::support::cmd::Ran;
use crate::support::github_source::{Artifact, DownloadTrouble, Run, Trouble};
use crate::support::mint::Kind;

const LISTING: &str = "/orgs/acme/repos";

/// The reason of a row, which is never empty where a state is not whole.
fn reason<'r>(report: &'r Value, repository: &str) -> &'r str {
    row(report, repository)["reason"]
        .as_str()
        .unwrap_or_else(|| panic!("no reason: {:#}", row(report, repository)))
}

#[test]
fn a_listing_that_is_refused_is_a_row_and_never_green() {
    for (number, trouble, expected, word) in [
        (0, Trouble::Sso, "unavailable", "sso"),
        (1, Trouble::IpAllowList, "unavailable", "IP allow list"),
        (2, Trouble::Permissions, "unavailable", "metadata=read"),
        (3, Trouble::Blocked, "unavailable", "451"),
        (4, Trouble::Status(404, "Not Found"), "unavailable", "404"),
        (5, Trouble::Html, "failed", ""),
        (6, Trouble::OtherJson, "failed", ""),
        (7, Trouble::Redirect(302, "http://127.0.0.1:1/orgs/acme/repos".to_owned()), "failed", ""),
        (8, Trouble::Status(422, "Validation Failed"), "unavailable", ""),
    ] {
        let mut sweep = Sweep::new(18_000 + number);
        sweep.leak("acme/web");
        sweep.github.trouble_always(LISTING, trouble.clone());
        let (code, report) = sweep.json(&["acme"]);
        assert_eq!((code, state(&report, "acme")), (2, expected), "{trouble:?}");
        let reason = reason(&report, "acme");
        let told = reason.to_ascii_lowercase().contains(&word.to_ascii_lowercase());
        assert!(told || (word == "404" && reason.contains("not")), "{trouble:?}: {reason}");
        assert_eq!(report["summary"]["unreadable"], 1, "{trouble:?}");
        let pretty = sweep.run(&["acme"]);
        assert!(
            pretty.code == 2 && [pretty.stdout, pretty.stderr].concat().contains(expected),
            "{trouble:?}"
        );
    }
}

#[test]
fn a_bad_credential_is_exit_2() {
    let mut sweep = Sweep::new(18_020);
    sweep.leak("acme/web");
    sweep.github.trouble_always(LISTING, Trouble::Status(401, "Bad credentials"));
    let ran = sweep.run(&["acme"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
}

#[test]
fn a_server_that_does_not_answer_is_waited_for_no_longer_than_is_said() {
    for (number, trouble) in (0..).zip([
        Trouble::Hang,
        Trouble::Drip,
        Trouble::Endless,
        Trouble::Torn,
        Trouble::Close,
        Trouble::Garbage,
    ]) {
        let mut sweep = Sweep::new(18_030 + number);
        sweep.leak("acme/web");
        sweep.github.trouble_always(LISTING, trouble.clone());
        let (code, report) = sweep.json(&["acme", "--timeout", "1"]);
        assert_eq!((code, state(&report, "acme")), (2, "failed"), "{trouble:?}");
        reason(&report, "acme");
        assert!(sweep.github.count("GET", LISTING) < 20, "{trouble:?}");
    }
}

#[test]
fn what_passes_is_tried_again() {
    for (number, trouble) in (0..).zip([
        Trouble::Status(500, "Server Error"),
        Trouble::Status(502, "Bad Gateway"),
        Trouble::Status(503, "Service Unavailable"),
        Trouble::Torn,
        Trouble::Close,
    ]) {
        let mut sweep = Sweep::new(18_040 + number);
        let token = sweep.leak("acme/web");
        for path in [LISTING, "/repos/acme/web/activity", "/users/acme"] {
            sweep.github.trouble_once(path, trouble.clone());
        }
        let (code, report) = sweep.json(&["acme"]);
        assert_eq!((code, state(&report, "acme/web")), (1, "scanned"), "{trouble:?}");
        assert!(finding(&report, &token).is_some());
    }
    let mut sweep = Sweep::new(18_050);
    sweep.leak("acme/web");
    sweep.github.trouble_always(LISTING, Trouble::Status(500, "Server Error"));
    let (code, report) = sweep.json(&["acme"]);
    assert_eq!((code, state(&report, "acme")), (2, "failed"));
}

#[test]
fn a_git_server_that_hangs_lies_or_sends_a_bomb_is_a_row() {
    for (number, trouble, end) in [
        (0, Trouble::Hang, "info/refs"),
        (1, Trouble::Hang, "git-upload-pack"),
        (2, Trouble::Garbage, "info/refs"),
        (3, Trouble::Garbage, "git-upload-pack"),
        (4, Trouble::Torn, "git-upload-pack"),
        (5, Trouble::Close, "git-upload-pack"),
        (6, Trouble::Status(500, "Server Error"), "info/refs"),
        (7, Trouble::Redirect(302, "http://127.0.0.1:1/x.git/info/refs".to_owned()), "info/refs"),
        (8, Trouble::Bomb, "git-upload-pack"),
    ] {
        let mut sweep = Sweep::new(18_060 + number);
        let token = sweep.leak("acme/fine");
        sweep.leak("acme/wrong");
        sweep.github.trouble_always(&format!("/acme/wrong.git/{end}"), trouble.clone());
        let arguments = ["acme", "--timeout", "2", "--max-disk", "20M"];
        let (code, report) = sweep.json(&arguments);
        let which = format!("{trouble:?} at {end}");
        assert_eq!(
            (code, state(&report, "acme/wrong"), state(&report, "acme/fine")),
            (1, "failed", "scanned"),
            "{which}"
        );
        assert!(finding(&report, &token).is_some(), "{which}");
        assert!(!reason(&report, "acme/wrong").contains('\u{1b}'), "{which}");
        // Where nothing was found beside it, it is exit 2.
        let (code, _) = sweep.json(&[&arguments[..], &["--exclude-repo", "fine"]].concat());
        assert_eq!(code, 2, "{which}");
        let left = super::files(sweep.sandbox.home());
        assert!(!left.iter().any(|path| path.to_string_lossy().contains("tmp_pack")), "{which}: {left:?}");
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

/// `acme/web` with the log of a run, and an artifact; their tokens.
fn with_downloads(sweep: &mut Sweep) -> [String; 2] {
    let [logged, built] = std::array::from_fn(|_| sweep.mint.token(Kind::Pat));
    let noise = sweep.mint.text(200_000);
    let [log, dist] = [&logged, &built].map(|token| zip(&[("a.txt", &format!("{noise}\n{token}\n"))]));
    sweep.github.repository("acme/web", |repository| {
        let created_at = "2026-03-04T05:06:07Z".to_owned();
        repository.runs.push(Run {
            id: 1,
            created_at: created_at.clone(),
            status: "completed",
            attempts: vec![Some(log)],
        });
        repository.artifacts.push(Artifact {
            id: 2,
            run: 1,
            name: "dist".to_owned(),
            created_at,
            zip: Some(dist),
        });
    });
    [logged, built]
}

#[test]
fn a_download_that_breaks_is_tried_again_and_counted_where_it_fails() {
    let arguments = ["acme", "--include", "actions-logs,artifacts", "--timeout", "2"];
    for (number, trouble) in
        (0..).zip([DownloadTrouble::Torn, DownloadTrouble::Stalls, DownloadTrouble::Gone])
    {
        let mut sweep = Sweep::new(18_090 + number);
        let tokens = with_downloads(&mut sweep);
        sweep.github.download_trouble(trouble);
        let (code, report) = sweep.json(&arguments);
        assert_eq!(
            (code, state(&report, "acme/web")),
            (1, "scanned"),
            "{trouble:?}: {:#}",
            row(&report, "acme/web")
        );
        assert!(tokens.iter().all(|token| finding(&report, token).is_some()), "{trouble:?}");
    }
    let mut sweep = Sweep::new(18_095);
    let tokens = with_downloads(&mut sweep);
    sweep.github.trouble_always("/repos/acme/web/actions/runs/1/*", Trouble::Status(500, "Server Error"));
    let (code, report) = sweep.json(&arguments);
    assert_eq!((code, state(&report, "acme/web")), (1, "partial"));
    assert_eq!(row(&report, "acme/web")["surfaces"]["actions-logs"]["failed"], 1);
    reason(&report, "acme/web");
    assert_eq!(tokens.map(|token| finding(&report, &token).is_some()), [false, true]);
}

#[test]
fn names_that_were_made_to_hurt_are_rows_and_nothing_else() {
    let mut sweep = Sweep::new(18_100);
    let token = sweep.leak("acme/fine");
    let names = [
        "--upload-pack=touch hurt",
        "..",
        "a/../../b",
        "x\u{1b}[31m",
        "a\u{202e}b",
        "-rf",
        "name.git",
        "",
        "$(touch hurt)",
    ];
    sweep.github.change(|world| {
        world.add_repository("acme/placeholder", |_| {});
        for name in names {
            world.add_repository("acme/x", |repository| repository.name = name.to_owned());
        }
        world.owner_mut("acme").repositories.retain(|repository| repository.name != "placeholder");
    });
    let (code, report) = sweep.json(&["acme"]);
    assert!(code == 1 && finding(&report, &token).is_some());
    let rows = report["coverage"].as_array().expect("rows");
    assert_eq!(rows.len(), names.len() + 1);
    assert!(rows.iter().filter(|row| row["repository"] != "acme/fine").all(|row| row["state"] == "failed"));
    for format in ["pretty", "csv", "html", "coverage", "sarif", "junit"] {
        let ran = sweep.run(&["acme", "-f", format]);
        let printed = [ran.stdout, ran.stderr].concat();
        assert!(!printed.contains("\u{1b}[31m") && !printed.contains('\u{202e}'), "{format}");
    }
    let touched = |path: &std::path::PathBuf| path.to_string_lossy().ends_with("hurt");
    assert!(
        !super::files(sweep.sandbox.path()).iter().chain(&super::files(sweep.sandbox.home())).any(touched)
    );
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

#[test]
fn a_reader_that_has_gone_changes_no_exit_code() {
    let mut sweep = Sweep::new(18_120);
    sweep.leak("acme/web");
    for format in ["pretty", "json", "jsonl", "coverage", "notices", "owners"] {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let mut command = sweep.command(&["acme", "-f", format]);
        let ran = sweep.checked(Ran::from(command.stdout(writer).output().expect("the program starts")));
        assert_eq!(ran.code, 1, "{format}: {}", ran.stderr);
        assert!(!ran.stderr.contains("pipe"), "{format}: {}", ran.stderr);
    }
}

#[test]
fn reports_in_every_format_tell_of_what_was_not_looked_at() {
    let mut sweep = Sweep::new(18_130);
    sweep.leak("acme/fine");
    sweep.leak("acme/wrong");
    for path in ["/repos/acme/wrong*", "/acme/wrong.git/*"] {
        sweep.github.trouble_always(path, Trouble::IpAllowList);
    }
    for format in ["pretty", "json", "jsonl", "html", "coverage", "sarif", "junit"] {
        let ran = sweep.run(&["acme", "-f", format]);
        let printed = [ran.stdout, ran.stderr].concat();
        assert!(printed.contains("acme/wrong") && printed.contains("IP allow list"), "{format}: {printed}");
    }
}
