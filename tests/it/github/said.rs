//! What a person is told of a sweep: once, and all of it.

use std::time::Duration;

use super::{Sweep, row};
use crate::support::github_source::Trouble;
use crate::support::mint::Kind;
use crate::terminal::Session;

#[test]
fn at_a_terminal_each_reason_is_said_once() {
    let mut sweep = Sweep::new(19_200);
    sweep.leak("acme/web");
    sweep.github.trouble_always("/repos/acme/web/activity", Trouble::Status(404, "Not Found"));
    sweep.github.trouble_always("/orgs/acme/secret-scanning/alerts", Trouble::Status(404, "Not Found"));
    let command = || sweep.command(&["acme", "--include", "repos,deleted,alerts"]);
    let (code, shown) = Session::start_with(&mut command(), 240, true).end();
    assert_eq!(code, Some(1), "{shown}");
    for reason in ["what was deleted is not known", "secret scanning is not enabled there"] {
        assert_eq!(shown.matches(reason).count(), 1, "{reason}: {shown}");
    }
    // Where the report goes elsewhere, the terminal has what it needs.
    let (_, shown) = Session::start(&mut command()).end();
    let shown = without_escapes(&shown);
    assert!(
        shown.contains("warning: acme/secret-scanning/alerts: secret scanning is not enabled"),
        "{shown}"
    );
}

#[test]
fn who_wants_it_quiet_gets_what_counts_and_errors() {
    let mut sweep = Sweep::new(19_201);
    let token = sweep.mint.token(Kind::FineGrainedPat);
    sweep.github.repository("acme/web", |_| {}).commit("refs/heads/main", ".env", &token);
    let ran = sweep.run(&["acme", "-q"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    assert!(!ran.stdout.contains("1 repository"), "{}", ran.stdout);
    assert_eq!(ran.stdout.matches("acme/web/.env:1:1").count(), 1, "{}", ran.stdout);
    // Whose it is was asked for, and is not told: once, and it is an error.
    sweep.github.trouble_always("/user/*", Trouble::Permissions);
    let ran = sweep.run(&["acme", "-q", "--owner-logins"]);
    assert_eq!(
        ran.stderr.matches("whose tokens these are is not known to the end").count(),
        1,
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains("not accessible"), "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
}

#[test]
fn the_progress_line_fits_the_terminal_while_it_waits() {
    let mut sweep = Sweep::new(19_202);
    for number in 0..3 {
        sweep.leak(&format!("acme/r-{number}"));
    }
    sweep.github.limit("core", 4, Duration::from_secs(3), 1000);
    let (code, shown) = Session::start_with(&mut sweep.command(&["acme", "--jobs", "1"]), 50, false).end();
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("waiting"), "nothing was waited for: {shown}");
    for drawn in shown.split(['\n', '\r']) {
        let text = without_escapes(drawn);
        let is_progress = text.contains("repositories  ") || text.contains(" hits");
        assert!(!is_progress || text.chars().count() <= 50, "{} columns: {text}", text.chars().count());
    }
}

/// A line without what moves the cursor and colours it.
fn without_escapes(text: &str) -> String {
    let mut pieces = text.split("\u{1b}[");
    let first = pieces.next().unwrap_or_default().to_owned();
    let rest = pieces.map(|piece| piece.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';'));
    rest.fold(first, |text, piece| text + piece.get(1..).unwrap_or_default())
}

#[test]
fn the_alerts_of_an_owner_lead_to_its_page() {
    let sweep = Sweep::new(19_203);
    sweep.github.repository("acme/web", |_| {});
    sweep.github.change(|world| world.enterprises.insert("corp".to_owned(), vec!["acme".to_owned()]));
    let (_, report) = sweep.json(&["acme", "enterprise/corp", "--include", "alerts"]);
    let url = |name: &str| row(&report, name)["url"].as_str().map(str::to_owned);
    assert_eq!(url("acme"), Some(format!("{}/acme", sweep.github.url())));
    assert_eq!(url("enterprise/corp"), Some(format!("{}/enterprises/corp", sweep.github.url())));
}
