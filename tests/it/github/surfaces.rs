//! What is found on each surface, where the report says it is, and where its links lead.

use serde_json::Value;

use super::planted::{MISSING, Planted};
use super::{Sweep, covered, finding, row, state};
use crate::support::github_source::Description;
use crate::support::mint::Kind;

const ALL: &str = "repos,pulls,deleted,wikis,gists,actions-logs,artifacts,alerts";

/// What a default sweep does not ask for.
const ASKED_FOR_ONLY: [&str; 4] = ["log of an older attempt", "log", "artifact", "alert"];

/// The location of a token where it was planted.
fn location<'r>(report: &'r Value, planted: &Planted) -> &'r Value {
    let surface = planted.surface;
    let finding = finding(report, &planted.token).unwrap_or_else(|| panic!("{surface}: not found"));
    let locations = finding["locations"].as_array().expect("locations");
    let is_there = |location: &&Value| {
        let path = location["path"].as_str().unwrap_or_default();
        location["root"] == planted.root
            && location["kind"] == planted.kind
            && path.starts_with(&planted.path)
    };
    locations.iter().find(is_there).unwrap_or_else(|| panic!("{surface}: {locations:#?}"))
}

#[test]
fn the_pages_of_what_was_planted_show_it() {
    let mut sweep = Sweep::new(17_099);
    let planted = sweep.plant();
    let told = planted.iter().filter(|planted| planted.surface != "tag message");
    for planted in told {
        let shown = sweep.github.visit(&format!("{}{}", sweep.github.url(), planted.link));
        let shown = shown.unwrap_or_else(|| panic!("{}: {}", planted.surface, planted.link));
        let is_of_a_zip = planted.path.contains(".zip!");
        assert!(is_of_a_zip || shown.contains(&planted.token), "{}: {shown}", planted.surface);
    }
}

#[test]
fn every_surface_is_looked_at_and_every_link_leads_there() {
    let mut sweep = Sweep::new(17_100);
    let planted = sweep.plant();
    let (code, report) = sweep.json(&["acme", "mona", "--include", ALL]);
    assert_eq!(code, 1);
    for planted in &planted {
        let (surface, location) = (planted.surface, location(&report, planted));
        if let Some(commit) = &planted.commit {
            assert_eq!(location["commit"], commit.as_str(), "{surface}");
        }
        let link = location["url"].as_str().unwrap_or_else(|| panic!("{surface} has no link: {location:#?}"));
        let wanted = format!("{}{}", sweep.github.url(), planted.link);
        assert!(link.starts_with(&wanted), "{surface}: {link} | {wanted}");
        let shown = sweep.github.visit(link).unwrap_or_else(|| panic!("{surface}: {link} leads nowhere"));
        let is_of_a_zip = planted.path.contains(".zip!");
        assert!(is_of_a_zip || shown.contains(&planted.token), "{surface}: {link} leads elsewhere");
        let pull = planted.pull.map(|number| format!("{}/acme/web/pull/{number}", sweep.github.url()));
        assert_eq!(location["pull_request"].as_str(), pull.as_deref(), "{surface}");
    }
    assert_eq!(report["summary"]["findings"], planted.len());
    coverage_is_true(&sweep, &report);
    let description = Description::read();
    for noted in sweep.github.noted() {
        let described =
            !noted.path.contains(".git/") && !["/user", "/user/repos"].contains(&noted.path.as_str());
        assert_eq!(description.objection(&noted).filter(|_| described), None);
        assert!(noted.authenticated, "{} was asked for by nobody", noted.path);
    }
    sweep.assert_no_traces();
}

fn coverage_is_true(sweep: &Sweep, report: &Value) {
    let rows = ["acme/web", "acme/web.wiki", "gist/abcdef0123456789", "mona/dots"];
    for name in rows {
        assert_eq!(state(report, name), "scanned", "{name}: {:#}", row(report, name));
    }
    assert!(rows.iter().all(|row| covered(report).iter().any(|covered| covered == row)));
    let bare = sweep.github.bare("acme/web");
    let web = row(report, "acme/web");
    assert_eq!(web["target"], "acme");
    assert_eq!(web["url"], format!("{}/acme/web", sweep.github.url()));
    assert_eq!(web["tip"], bare.resolve("refs/heads/main").expect("a commit"));
    assert_eq!(web["missing"], serde_json::json!([MISSING]));
    assert_eq!(web["reason"], Value::Null);
    let refs = bare.git(&["for-each-ref"]).lines().count();
    let objects = bare.git(&["cat-file", "--batch-all-objects", "--batch-check"]).lines().count();
    assert_eq!((&web["refs"], &web["objects"]), (&refs.into(), &objects.into()));
    let surfaces = &web["surfaces"];
    for (surface, read, expired) in
        [("pulls", 2, 0), ("deleted", 2, 1), ("actions-logs", 2, 1), ("artifacts", 1, 1)]
    {
        let count = &surfaces[surface];
        assert_eq!(count["read"], read, "{surface}: {surfaces:#}");
        assert_eq!(count["expired"].as_u64().unwrap_or(0), expired, "{surface}: {surfaces:#}");
        assert_eq!(count["failed"].as_u64().unwrap_or(0), 0, "{surface}: {surfaces:#}");
    }
    let alerts: u64 = report["coverage"]
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|row| row["surfaces"]["alerts"]["read"].as_u64())
        .sum();
    assert_eq!(alerts, 1);
}

#[test]
fn logs_artifacts_and_alerts_are_looked_at_where_that_is_asked_for() {
    let mut sweep = Sweep::new(17_101);
    let planted = sweep.plant();
    let (code, report) = sweep.json(&["acme", "mona"]);
    assert_eq!(code, 1);
    for planted in &planted {
        let by_default = !ASKED_FOR_ONLY.contains(&planted.surface);
        assert_eq!(finding(&report, &planted.token).is_some(), by_default, "{}", planted.surface);
    }
    for path in ["/repos/acme/web/actions", "/orgs/acme/secret-scanning", "/repos/acme/web/secret-scanning"] {
        assert_eq!(sweep.github.count("GET", path), 0, "{path}");
    }
    let not_asked = report["coverage_totals"]["not_asked"].to_string();
    for surface in ["actions-logs", "artifacts", "alerts"] {
        assert!(not_asked.contains(surface), "{not_asked}");
    }
}

#[test]
fn each_surface_can_be_looked_at_alone() {
    let mut sweep = Sweep::new(17_102);
    let planted = sweep.plant();
    for (include, surfaces) in [
        (
            "repos",
            &[
                "history",
                "default branch",
                "other branch",
                "commit message",
                "tag message",
                "tag",
                "a user's repository",
            ][..],
        ),
        ("wikis", &["wiki"]),
        ("gists", &["gist"]),
        ("actions-logs", &["log of an older attempt", "log"]),
        ("artifacts", &["artifact"]),
        ("alerts", &["alert"]),
    ] {
        let (code, report) = sweep.json(&["acme", "mona", "--include", include]);
        assert_eq!(code, 1, "{include}");
        let found = planted.iter().filter(|planted| finding(&report, &planted.token).is_some());
        let found: Vec<&str> = found.map(|planted| planted.surface).collect();
        assert_eq!(found, surfaces, "{include}");
    }
    for (include, surface) in [("repos,pulls", "pull request"), ("repos,deleted", "deleted branch")] {
        let (_, report) = sweep.json(&["acme", "--include", include]);
        let is = |planted: &&Planted| planted.surface == surface;
        let planted = planted.iter().find(is).expect("planted");
        assert!(finding(&report, &planted.token).is_some(), "{include}");
    }
}

#[test]
fn since_leaves_out_older_runs_and_artifacts() {
    let mut sweep = Sweep::new(17_103);
    let planted = sweep.plant();
    let include = ["acme", "--include", "actions-logs,artifacts", "--since"];
    let (code, report) = sweep.json(&[&include[..], &["2026-03-02"]].concat());
    assert_eq!(code, 1);
    assert!(
        finding(&report, &planted.iter().find(|one| one.surface == "log").expect("planted").token).is_some()
    );
    assert_eq!(row(&report, "acme/web")["surfaces"]["actions-logs"]["expired"].as_u64().unwrap_or(0), 0);
    let (code, report) = sweep.json(&[&include[..], &["2026-03-05"]].concat());
    assert_eq!((code, &report["summary"]["findings"]), (0, &Value::from(0)));
}

#[test]
fn since_is_not_about_what_was_deleted() {
    let mut sweep = Sweep::new(17_104);
    let planted = sweep.plant();
    let (_, report) =
        sweep.json(&["acme", "--include", "repos,deleted,actions-logs", "--since", "2026-05-01"]);
    for surface in ["force-pushed", "deleted branch", "history"] {
        let planted = planted.iter().find(|planted| planted.surface == surface).expect("planted");
        assert!(finding(&report, &planted.token).is_some(), "{surface}");
    }
}

#[test]
fn a_repository_whose_head_leads_nowhere_is_looked_at() {
    let mut sweep = Sweep::new(17_105);
    let [branch, note, named] = std::array::from_fn(|_| sweep.mint.token(Kind::Pat));
    let bare = sweep.github.repository("acme/web", |_| {});
    bare.commit("refs/heads/trunk", "f", &branch);
    bare.commit("refs/notes/commits", "0123456789012345678901234567890123456789", &note);
    bare.commit(&format!("refs/heads/fix/{named}"), "f", "nothing");
    let (code, report) = sweep.json(&["acme"]);
    assert_eq!(
        (code, state(&report, "acme/web"), &row(&report, "acme/web")["tip"]),
        (1, "scanned", &Value::Null)
    );
    assert!([branch, note, named].iter().all(|token| finding(&report, token).is_some()));
}
