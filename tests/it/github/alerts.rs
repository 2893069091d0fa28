//! Alerts of secret scanning: their tokens are revoked, and those alerts are resolved whose token was accepted, once.

use serde_json::Value;

use super::{Sweep, finding};
use crate::support::github_source::{Alert, FoundIn, Trouble};
use crate::support::mint::Kind;

pub(super) const RESOLVE: [&str; 8] =
    ["acme", "--include", "alerts", "--revoke", "--yes", "--resolve-alerts", "--min-interval", "1ms"];

pub(super) fn alert(number: u64, repository: &str, secret: &str) -> Alert {
    let commit = "3".repeat(40);
    let found = match number % 3 {
        0 => FoundIn::IssueBody(number),
        1 => FoundIn::Commit { path: "src/.env".to_owned(), line: 12, commit },
        _ => FoundIn::LocationsOnly { path: "src/.env".to_owned(), line: 12, commit },
    };
    let secret_type = match Kind::of(secret) {
        Kind::AppInstallation => "github_app_installation_access_token",
        Kind::Other => "custom_pattern",
        _ => "github_personal_access_token",
    };
    let (repository, secret) = (repository.to_owned(), secret.to_owned());
    Alert { number, repository, secret, secret_type, found, resolution: None }
}

/// What each alert was resolved with.
fn resolutions(sweep: &Sweep) -> Vec<Option<(String, String)>> {
    sweep.github.change(|world| world.alerts.iter().map(|alert| alert.resolution.clone()).collect())
}

fn patches(sweep: &Sweep) -> usize {
    sweep.github.count("PATCH", "/repos/")
}

#[test]
fn five_thousand_alerts_are_revoked_and_resolved_and_a_rerun_sends_nothing() {
    let mut sweep = Sweep::new(17_800);
    let tokens: Vec<String> = (0..5_000).map(|_| sweep.mint.token(Kind::Pat)).collect();
    sweep.github.change(|world| {
        for repository in 0..50 {
            world.add_repository(&format!("acme/r-{repository}"), |repository| repository.private = true);
        }
        let alerts = (0..)
            .zip(&tokens)
            .map(|(number, token)| alert(number / 50 + 1, &format!("acme/r-{}", number % 50), token));
        world.alerts = alerts.collect();
    });
    let (code, report) = sweep.json(&RESOLVE);
    assert_eq!(code, 1);
    assert_eq!(report["summary"]["findings"], 5_000);
    let accepted = |finding: &Value| finding["revocation"]["state"] == "accepted";
    assert!(report["findings"].as_array().expect("findings").iter().all(accepted));
    assert_eq!((sweep.github.count("POST", "/credentials/revoke"), patches(&sweep)), (5, 5_000));
    let mut revoked = sweep.github.accepted();
    revoked.sort();
    let mut wanted = tokens.clone();
    wanted.sort();
    assert!(revoked == wanted, "other tokens were revoked than the alerts have");
    for resolution in resolutions(&sweep) {
        let (resolution, comment) = resolution.expect("resolved");
        assert_eq!(resolution, "revoked");
        assert!(comment.contains("stanch") && !comment.contains("ghp_"), "{comment}");
    }
    let noted = sweep.github.noted();
    let last = noted.iter().rposition(|noted| noted.path == "/credentials/revoke").expect("revocations");
    let first = noted.iter().position(|noted| noted.request.method == "PATCH").expect("resolutions");
    assert!(last < first, "an alert was resolved before its token was revoked");
    sweep.github.forget();

    let (code, report) = sweep.json(&RESOLVE);
    assert_eq!((code, &report["summary"]["findings"]), (0, &Value::from(0)));
    assert_eq!((sweep.github.count("POST", ""), patches(&sweep)), (0, 0));
    // Opened again, it is resolved by what is known of its token, which is not sent again.
    sweep.github.change(|world| world.alerts[7].resolution = None);
    sweep.json(&RESOLVE);
    assert_eq!((sweep.github.count("POST", ""), patches(&sweep)), (0, 1));
    sweep.assert_no_traces();
}

#[test]
fn what_was_not_accepted_is_not_resolved() {
    let mut sweep = Sweep::new(17_801);
    let suppressed = sweep.mint.token(Kind::Pat);
    sweep.github.change(|world| {
        world.add_repository("acme/web", |_| {});
        world.alerts.push(alert(1, "acme/web", &suppressed));
    });
    let (code, _) = sweep.json(&["acme", "--include", "alerts", "--write-baseline", "known.json"]);
    assert_eq!(code, 1);
    let (good, refused) = (sweep.mint.token(Kind::Pat), sweep.mint.token(Kind::Pat));
    let (likely, lookalike) = (sweep.mint.stateless(), sweep.mint.lookalike("ghp_"));
    let other = "AKIAIOSFODNN7EXAMPLE".to_owned();
    sweep.github.reject(&refused);
    let own = sweep.credential.clone();
    sweep.github.change(|world| {
        for (number, secret) in (2..).zip([&good, &refused, &likely, &lookalike, &own, &other]) {
            world.alerts.push(alert(number, "acme/web", secret));
        }
    });
    let (code, report) = sweep.json(&[&RESOLVE[..], &["--baseline", "known.json"]].concat());
    let state = |token: &str| finding(&report, token).map(|finding| finding["revocation"]["state"].clone());
    assert_eq!(state(&good), Some("accepted".into()));
    assert_eq!(state(&refused), Some("refused".into()));
    assert_eq!(state(&likely), Some("held".into()), "{:#}", finding(&report, &likely).expect("found"));
    assert_eq!(state(&own), Some("own".into()));
    assert_eq!(code, 3);
    let resolved: Vec<bool> = resolutions(&sweep).iter().map(Option::is_some).collect();
    assert_eq!(resolved, [false, true, false, false, false, false, false]);
    assert_eq!(patches(&sweep), 1);
}

#[test]
fn an_alert_that_cannot_be_resolved_does_not_keep_others_from_it() {
    let mut sweep = Sweep::new(17_802);
    let tokens: Vec<String> = (0..3).map(|_| sweep.mint.token(Kind::Pat)).collect();
    sweep.github.change(|world| {
        world.add_repository("acme/web", |_| {});
        world.alerts = (1..).zip(&tokens).map(|(number, token)| alert(number, "acme/web", token)).collect();
    });
    let refusal = Trouble::Permissions;
    sweep.github.trouble("/repos/acme/web/secret-scanning/alerts/2", 0, 9, refusal);
    let ran = sweep.run(&RESOLVE);
    assert!(ran.code == 2 || ran.code == 3 || ran.code == 1, "{}", ran.stderr);
    let resolved: Vec<bool> = resolutions(&sweep).iter().map(Option::is_some).collect();
    assert_eq!(resolved, [true, false, true], "{}", ran.stderr);
    assert!(ran.stderr.contains("alert"), "{}", ran.stderr);
    sweep.github.recover();
    sweep.run(&RESOLVE);
    assert!(resolutions(&sweep).iter().all(Option::is_some));
    assert_eq!(sweep.github.accepted().len(), 3, "each token once");
}

#[test]
fn without_resolve_alerts_and_in_a_dry_run_no_alert_changes() {
    let mut sweep = Sweep::new(17_803);
    let token = sweep.mint.token(Kind::Pat);
    sweep.github.change(|world| {
        world.add_repository("acme/web", |_| {});
        world.alerts.push(alert(1, "acme/web", &token));
    });
    for (arguments, code) in [
        (&["acme", "--include", "alerts"][..], 1),
        (&[&RESOLVE[..], &["--dry-run"]].concat(), 3),
        (&["acme", "--include", "alerts", "--revoke", "--yes", "--min-interval", "1ms"], 1),
    ] {
        let ran = sweep.run(arguments);
        assert_eq!((ran.code, patches(&sweep)), (code, 0), "{arguments:?}: {}", ran.stderr);
    }
    assert_eq!(sweep.github.accepted(), [token]);
}

#[test]
fn alerts_are_listed_for_whatever_is_named_and_each_once() {
    let mut sweep = Sweep::new(17_804);
    let tokens: Vec<String> = (0..250).map(|_| sweep.mint.token(Kind::Pat)).collect();
    sweep.github.change(|world| {
        world.enterprises.insert("corp".to_owned(), vec!["acme".to_owned()]);
        world.add_repository("acme/web", |_| {});
        world.add_repository("acme/api", |_| {});
        let repository = |number: u64| if number.is_multiple_of(2) { "acme/web" } else { "acme/api" };
        world.alerts =
            (1..).zip(&tokens).map(|(number, token)| alert(number, repository(number), token)).collect();
    });
    for (targets, count) in [
        (&["enterprise/corp"][..], 250),
        (&["acme"], 250),
        (&["acme/web"], 125),
        (&["acme/web", "acme", "acme/api", "enterprise/corp"], 250),
    ] {
        sweep.github.trouble_once("/orgs/acme/secret-scanning/alerts", Trouble::Shifted);
        let (code, report) = sweep.json(&[targets, &["--include", "alerts"]].concat());
        assert_eq!((code, &report["summary"]["findings"]), (1, &Value::from(count)), "{targets:?}");
        for finding in report["findings"].as_array().expect("findings") {
            let locations = finding["locations"].as_array().expect("locations");
            let of_alert = |location: &&Value| {
                location["path"].as_str().is_some_and(|path| path.starts_with("secret-scanning/"))
            };
            assert_eq!(locations.iter().filter(of_alert).count(), 1, "{targets:?}: {locations:#?}");
        }
    }
    let targets = ["acme/web", "acme", "enterprise/corp"];
    sweep.run(&[&targets[..], &RESOLVE[1..]].concat());
    assert!(resolutions(&sweep).iter().all(Option::is_some));
    assert_eq!(patches(&sweep), 250, "each once");
}

#[test]
fn alerts_that_are_not_given_are_a_row() {
    for (seed, trouble, expected) in [
        (17_810, Trouble::Status(404, "Secret scanning is disabled on this repository."), "unavailable"),
        (17_811, Trouble::Permissions, "unavailable"),
        (17_812, Trouble::OtherJson, "failed"),
    ] {
        let mut sweep = Sweep::new(seed);
        let token = sweep.mint.token(Kind::Pat);
        sweep.github.change(|world| {
            world.add_repository("acme/web", |_| {});
            world.alerts.push(alert(1, "acme/web", &token));
        });
        for path in ["/orgs/acme/secret-scanning/alerts", "/repos/acme/web/secret-scanning/alerts"] {
            sweep.github.trouble_always(path, trouble.clone());
        }
        for target in ["acme", "acme/web"] {
            let (code, report) = sweep.json(&[target, "--include", "alerts"]);
            let rows = report["coverage"].as_array().expect("rows");
            assert_eq!((code, rows.len()), (2, 1), "{trouble:?}: {rows:#?}");
            assert_eq!(rows[0]["state"], expected, "{trouble:?}: {rows:#?}");
            assert!(rows[0]["reason"].is_string(), "{trouble:?}");
        }
    }
}

#[test]
fn an_alert_without_its_secret_is_not_green() {
    let mut sweep = Sweep::new(17_820);
    let token = sweep.mint.token(Kind::Pat);
    sweep.github.change(|world| {
        world.add_repository("acme/web", |_| {});
        let hidden = Alert { secret: String::new(), ..alert(1, "acme/web", &token) };
        world.alerts.extend([hidden, alert(2, "acme/web", &token)]);
    });
    let (code, report) = sweep.json(&["acme", "--include", "alerts"]);
    assert!(code == 1 && finding(&report, &token).is_some());
    let row = &report["coverage"][0];
    assert_eq!(
        (&row["state"], &row["surfaces"]["alerts"]["failed"]),
        (&"partial".into(), &1.into()),
        "{row:#}"
    );
    sweep.github.change(|world| world.alerts.truncate(1));
    let (code, _) = sweep.json(&["acme", "--include", "alerts"]);
    assert_eq!(code, 2);
}
