//! What a repository says of itself, and what is in none of its trees: its logs, artifacts and alerts.

use serde_json::{Value, json};

use super::alerts::alert;
use super::own_files::{MAIN, REVOKE, suppressed, tokens};
use super::planted::zip;
use super::{Sweep, finding, sha256};
use crate::support::github_source::{Artifact, FoundIn, Run};

#[test]
fn logs_and_artifacts_are_in_no_tree_that_a_pattern_for_paths_means() {
    let mut sweep = Sweep::new(18_603);
    let [by_hash, by_text, log, artifact] = tokens(&mut sweep);
    let ignore = format!("*\nsha256:{}\n", sha256(&by_hash));
    let config = format!(
        "exclude = ['**']\n[[allowlists]]\npaths = ['.']\n[[allowlists]]\nregexes = ['{}']\n",
        &by_text[20..]
    );
    let bare = sweep.github.repository("acme/web", |_| {});
    bare.commit_saying(
        MAIN,
        "m",
        &[(".stanchignore", ignore.as_bytes()), (".stanch.toml", config.as_bytes())],
    );
    let logs = zip(&[("build/1_Run.txt", &format!("{by_hash}\n{by_text}\n{log}\n"))]);
    let built = zip(&[("dist/app.txt", &format!("{by_hash}\n{artifact}\n"))]);
    let at = "2026-01-01T00:00:00Z".to_owned();
    sweep.github.change(|world| {
        let repository = world.repository_mut("acme/web");
        let attempts = vec![Some(logs)];
        repository.runs = vec![Run { id: 71, created_at: at.clone(), status: "completed", attempts }];
        let name = "dist".to_owned();
        repository.artifacts = vec![Artifact { id: 81, run: 71, name, created_at: at, zip: Some(built) }];
    });
    let (code, report) = sweep.json(&["acme", "--include", "repos,actions-logs,artifacts"]);
    let words = [&by_hash, &by_text, &log, &artifact].map(|token| suppressed(&report, token));
    assert_eq!((code, json!(words)), (1, json!(["ignore-file", "allowlist", null, null])));
}

#[test]
fn what_is_no_leak_in_a_repository_that_was_not_given_is_not_known() {
    let mut sweep = Sweep::new(18_692);
    let [allowed, other] = tokens(&mut sweep);
    let ignore = format!("sha256:{}\n", sha256(&allowed));
    let bare = sweep.github.repository("acme/web", |_| {});
    bare.commit_saying(MAIN, "m", &[(".stanchignore", ignore.as_bytes()), ("f", allowed.as_bytes())]);
    sweep.github.repository("acme/two", |_| {}).commit(MAIN, "f", "nothing");
    sweep.github.change(|world| {
        world.alerts = vec![alert(1, "acme/web", &allowed), alert(2, "acme/two", &other)];
    });
    let trouble = crate::support::github_source::Trouble::Permissions;
    sweep.github.trouble_always("/acme/web.git/info/refs", trouble);
    let run = [&["acme", "--include", "repos,alerts", "--resolve-alerts"], &REVOKE[..]].concat();
    let (code, report) = sweep.json(&run);
    let state = |token: &str| finding(&report, token).expect("found")["revocation"]["state"].clone();
    assert_eq!((state(&allowed), state(&other)), (json!("held"), json!("accepted")));
    assert_eq!((code, sweep.github.accepted()), (3, vec![other]));
}

#[test]
fn an_alert_that_does_not_tell_where_is_suppressed_by_no_path() {
    let mut sweep = Sweep::new(18_691);
    let [fixture] = tokens(&mut sweep);
    let bare = sweep.github.repository("acme/web", |_| {});
    let files: [(&str, &[u8]); 2] = [(".stanchignore", b"/fixtures/\n"), ("fixtures/a", fixture.as_bytes())];
    let commit = bare.commit_saying(MAIN, "m", &files);
    sweep.github.change(|world| {
        world.alerts = vec![alert(1, "acme/web", &fixture)];
        let path = "fixtures/a".to_owned();
        world.alerts[0].found = FoundIn::LocationsOnly { path, line: 1, commit };
    });
    let run = ["acme", "--include", "repos,alerts"];
    let (_, report) = sweep.json(&run);
    assert_eq!(suppressed(&report, &fixture), json!("ignore-file"), "it tells that it is the fixture");
    // This one is not allowed to be asked.
    let places = "/repos/acme/web/secret-scanning/alerts/1/locations";
    sweep.github.trouble_always(places, crate::support::github_source::Trouble::Permissions);
    let (_, report) = sweep.json(&run);
    assert_eq!(suppressed(&report, &fixture), json!(null), "it may be somewhere else, too");
}

#[test]
fn an_alert_of_what_a_repository_suppresses_is_suppressed_and_stays_open() {
    let mut sweep = Sweep::new(18_604);
    let [hashed, listed, fixture, leaked, commented, twice, other] = tokens(&mut sweep);
    let ignore = format!("sha256:{}\n/fixtures/\nsecret-scanning/\n", sha256(&hashed));
    let config = format!("[[allowlists]]\nregexes = ['{}']\n", &listed[20..]);
    let bare = sweep.github.repository("acme/web", |_| {});
    let allowed = format!("{commented} # stanch:allow\n");
    let files: [(&str, &[u8]); 7] = [
        (".stanchignore", ignore.as_bytes()),
        (".stanch.toml", config.as_bytes()),
        ("f", hashed.as_bytes()),
        ("fixtures/a", fixture.as_bytes()),
        ("fixtures/b", twice.as_bytes()),
        ("src/b", twice.as_bytes()),
        ("src/c", allowed.as_bytes()),
    ];
    let commit = bare.commit_saying(MAIN, "m", &files);
    sweep.github.repository("acme/two", |_| {}).commit(MAIN, "f", "nothing");
    let at = |path: &str| FoundIn::Commit { path: path.to_owned(), line: 1, commit: commit.clone() };
    sweep.github.change(|world| {
        let of_web = [&hashed, &listed, &fixture, &leaked, &commented, &twice];
        world.alerts = (1..).zip(of_web).map(|(n, token)| alert(n, "acme/web", token)).collect();
        for (number, path) in [(3, "fixtures/a"), (5, "src/c"), (6, "fixtures/b")] {
            world.alerts[number - 1].found = at(path);
        }
        world.alerts.push(alert(7, "acme/two", &other));
    });
    let run = [&["acme", "--include", "repos,alerts", "--resolve-alerts"], &REVOKE[..]].concat();
    let (code, report) = sweep.json(&run);
    let all = [&hashed, &listed, &fixture, &commented, &leaked, &twice, &other];
    let words = all.map(|token| suppressed(&report, token));
    let expected = json!(["ignore-file", "allowlist", "ignore-file", "allow-comment", null, null, null]);
    assert_eq!((code, json!(words)), (1, expected));
    let resolved = sweep
        .github
        .change(|world| world.alerts.iter().map(|alert| alert.resolution.is_some()).collect::<Vec<_>>());
    assert_eq!(resolved, [false, false, false, true, false, true, true]);
    let mut accepted = sweep.github.accepted();
    accepted.sort();
    let mut wanted = vec![leaked, twice, other];
    wanted.sort();
    assert!(accepted == wanted, "other tokens were sent");
}

#[test]
fn what_another_repository_says_of_an_alerts_token_is_nothing_to_it() {
    let mut sweep = Sweep::new(18_610);
    let [shared] = tokens(&mut sweep);
    let ignore = format!("sha256:{}\n", sha256(&shared));
    let files: [(&str, &[u8]); 2] = [(".stanchignore", ignore.as_bytes()), ("f", shared.as_bytes())];
    sweep.github.repository("acme/one", |_| {}).commit_saying(MAIN, "m", &files);
    sweep.github.repository("acme/two", |_| {}).commit(MAIN, "f", "nothing");
    sweep.github.change(|world| world.alerts.push(alert(3, "acme/two", &shared)));
    let (code, report) = sweep.json(&[&["acme", "--include", "repos,alerts"], &REVOKE[..]].concat());
    assert_eq!((code, suppressed(&report, &shared)), (1, Value::Null));
    assert_eq!(sweep.github.accepted(), [shared]);
}

#[test]
fn a_run_that_revokes_and_reads_no_tree_says_what_it_does_not_know() {
    let mut sweep = Sweep::new(18_612);
    sweep.leak("acme/web");
    let said = |include: &str, more: &[&str]| {
        let run = [&["acme", "--include", include][..], &REVOKE, more].concat();
        sweep.run(&run).stderr.contains("what they suppress is sent, too")
    };
    assert!(said("alerts,actions-logs", &[]));
    assert!(!said("alerts,repos", &["--dry-run"]) && !said("alerts", &["--no-project-config"]));
}
