//! What becomes of a sweep where something goes wrong: a row that says so, and the rest is looked at all the same.

use std::io;
use std::thread;

use serde_json::Value;

use super::planted::zip;
use super::{Sweep, finding, row, state};
use crate::support::cmd::Ran;
use crate::support::github_source::{Artifact, DownloadTrouble, Run, Trouble};
use crate::support::mint::Kind;

const LISTING: &str = "/orgs/acme/repos";

/// Runs each of these on a thread of its own: they wait more than they work.
pub(super) fn at_once<T: Send>(cases: impl Iterator<Item = T>, run: impl Fn(T) + Sync) {
    thread::scope(|scope| {
        let started: Vec<_> = cases.map(|case| scope.spawn(|| run(case))).collect();
        for thread in started {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

/// The reason of a row, which is never empty where a state is not whole.
pub(super) fn reason<'r>(report: &'r Value, repository: &str) -> &'r str {
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
    let troubles =
        [Trouble::Hang, Trouble::Drip, Trouble::Endless, Trouble::Torn, Trouble::Close, Trouble::Garbage];
    at_once((18_030..).zip(troubles), |(seed, trouble)| {
        let mut sweep = Sweep::new(seed);
        sweep.leak("acme/web");
        sweep.github.trouble_always(LISTING, trouble.clone());
        let (code, report) = sweep.json(&["acme", "--timeout", "1"]);
        assert_eq!((code, state(&report, "acme")), (2, "failed"), "{trouble:?}");
        reason(&report, "acme");
        assert!(sweep.github.count("GET", LISTING) < 20, "{trouble:?}");
    });
}

#[test]
fn what_passes_is_tried_again() {
    let troubles = [
        Trouble::Status(500, "Server Error"),
        Trouble::Status(502, "Bad Gateway"),
        Trouble::Status(503, "Service Unavailable"),
        Trouble::Torn,
        Trouble::Close,
    ];
    at_once((18_040..).zip(troubles), |(seed, trouble)| {
        let mut sweep = Sweep::new(seed);
        let token = sweep.leak("acme/web");
        for path in [LISTING, "/repos/acme/web/activity", "/users/acme"] {
            sweep.github.trouble_once(path, trouble.clone());
        }
        let (code, report) = sweep.json(&["acme"]);
        assert_eq!((code, state(&report, "acme/web")), (1, "scanned"), "{trouble:?}");
        assert!(finding(&report, &token).is_some());
    });
    let mut sweep = Sweep::new(18_050);
    sweep.leak("acme/web");
    sweep.github.trouble_always(LISTING, Trouble::Status(500, "Server Error"));
    let (code, report) = sweep.json(&["acme"]);
    assert_eq!((code, state(&report, "acme")), (2, "failed"));
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
    let troubles = [DownloadTrouble::Torn, DownloadTrouble::Stalls, DownloadTrouble::Gone];
    at_once((18_090..).zip(troubles), |(seed, trouble)| {
        let mut sweep = Sweep::new(seed);
        let tokens = with_downloads(&mut sweep);
        sweep.github.download_trouble(trouble);
        let (code, report) = sweep.json(&arguments);
        let row = row(&report, "acme/web");
        assert_eq!((code, row["state"].as_str()), (1, Some("scanned")), "{trouble:?}: {row:#}");
        assert!(tokens.iter().all(|token| finding(&report, token).is_some()), "{trouble:?}");
    });
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
fn what_leads_astray_is_not_followed() {
    for (seed, path, include) in [
        (18_140, "/repos/acme/web", "repos"),
        (18_141, "/repos/acme/web/activity", "repos,deleted"),
        (18_142, "/repos/acme/web/actions/runs", "repos,actions-logs"),
    ] {
        let mut sweep = Sweep::new(seed);
        sweep.leak("acme/web");
        let astray = format!("{}/elsewhere", sweep.github.storage_url());
        sweep.github.trouble_always(path, Trouble::Redirect(301, astray));
        let (code, report) = sweep.json(&["acme/web", "--include", include]);
        let state = state(&report, "acme/web");
        assert!([1, 2].contains(&code) && ["failed", "partial"].contains(&state), "{path}: {state}");
        reason(&report, "acme/web");
        assert_eq!(sweep.github.storage_requests(), 0, "{path}");
    }
    for (seed, astray) in
        (18_143..).zip(["file:///etc/passwd", "ftp://127.0.0.1/x", "http://192.0.2.1/x", "//", ""])
    {
        let mut sweep = Sweep::new(seed);
        let [_, built] = with_downloads(&mut sweep);
        let redirect = Trouble::Redirect(302, astray.to_owned());
        sweep.github.trouble_always("/repos/acme/web/actions/artifacts/2/zip", redirect);
        let (code, report) = sweep.json(&["acme", "--include", "actions-logs,artifacts"]);
        assert_eq!((code, state(&report, "acme/web")), (1, "partial"), "{astray}");
        assert!(finding(&report, &built).is_none(), "{astray}");
    }
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
    // One that begins like an option is a name, though not of one that is there.
    let wrong = rows.iter().filter(|row| row["repository"] != "acme/fine");
    assert!(
        wrong
            .clone()
            .all(|row| ["failed", "unavailable"].contains(&row["state"].as_str().unwrap_or_default()))
    );
    assert_eq!(wrong.filter(|row| row["state"] == "unavailable").count(), 1, "{rows:#?}");
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
