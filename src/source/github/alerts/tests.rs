use serde_json::{Value, json};

use super::*;
use crate::finding::Finding;
use crate::rule;
use crate::source::github::testing::{API, Answer, Asked, Server, found, octo, places, token};

fn alert(number: u64, secret: &str) -> Value {
    json!({
        "number": number,
        "html_url": format!("https://github.com/octo/hello/security/secret-scanning/{number}"),
        "state": "open", "secret": secret, "secret_type": "a_pattern_of_ours",
        "repository": {"full_name": "octo/hello"},
        "first_location_detected": null, "has_more_locations": false,
    })
}

fn in_file(mut alert: Value, path: &str, line: u64) -> Value {
    alert["first_location_detected"] = json!({
        "path": path, "start_line": line, "end_line": line, "start_column": 5, "end_column": 45,
        "blob_sha": "ab".repeat(20), "commit_sha": "cd".repeat(20),
    });
    alert
}

fn read(server: &Server, scope: &AlertScope) -> (AlertsRead, Vec<Finding>, Vec<Fault>) {
    let (api, detector) = (server.api(), Detector::new(rule::built_in()));
    let mut outcome = None;
    let (findings, faults) = found(|sink| {
        let alerts = Alerts { api: &api, scope, detector: &detector, wanted: &|_| true };
        outcome = Some(alerts.read(sink));
    });
    (outcome.expect("read"), findings, faults)
}

/// Two pages, the second behind a cursor.
fn two_pages(first: Vec<Value>, second: Vec<Value>) -> Server {
    Server::new(move |asked: &Asked| match (asked.path(), asked.query("after")) {
        ("/orgs/octo/secret-scanning/alerts", None) => {
            let next = format!("<http://{}{API}{}&after=x>; rel=\"next\"", asked.host(), asked.target);
            Answer::json(200, &json!(first)).with("link", next)
        }
        ("/orgs/octo/secret-scanning/alerts", Some(_)) => Answer::json(200, &json!(second)),
        _ => Answer::json(200, &json!([])),
    })
}

#[test]
fn a_token_is_found_at_its_alert_and_where_it_was_leaked() {
    let text = token(1);
    let of = |number| in_file(alert(number, &token(1)), "src/a.env", 7);
    let server = Server::new(move |_| Answer::json(200, &json!([of(3)])));
    let (outcome, findings, faults) = read(&server, &AlertScope::Organization("octo".to_owned()));
    assert_eq!(places(&findings), ["octo/hello/secret-scanning/alerts/3:1:1", "octo/hello/src/a.env:7:5"]);
    assert!(faults.is_empty(), "{faults:?}");
    let file = findings[0].locations.iter().find(|at| &*at.path == "src/a.env").expect("the file");
    assert_eq!(file.details().commit, Some("cd".repeat(20)));
    assert_eq!(file.details().object, Some("ab".repeat(20)));
    let [alert] = outcome.alerts.as_slice() else { panic!("{:?}", outcome.alerts) };
    assert_eq!((&alert.repository, alert.number), (&octo(), 3));
    assert_eq!(alert.tokens, [Fingerprint::of(text.as_bytes())]);
    assert!(alert.url.as_deref().is_some_and(|url| url.ends_with("/security/secret-scanning/3")));
    assert_eq!((outcome.surface.count.read, outcome.surface.reason), (1, None));
    assert_eq!(server.asked()[0].query("state"), Some("open"));
    assert_eq!(server.asked().len(), 1, "the place is told with the alert");
}

#[test]
fn what_is_no_token_of_githubs_counts_for_nothing() {
    let mut lookalike = token(1);
    lookalike.replace_range(4..5, "b");
    let alerts = [
        alert(1, "hunter2, and no more than that"),
        alert(2, &lookalike),
        // A pattern of the organization's own may take in more than the token.
        alert(3, &format!("GITHUB_TOKEN={}", token(2))),
    ];
    let server = Server::new(move |asked| {
        Answer::json(200, &if asked.target.contains("locations") { json!([]) } else { json!(alerts) })
    });
    let (outcome, findings, _) = read(&server, &AlertScope::Repository(octo()));
    assert_eq!(outcome.alerts.iter().map(|alert| alert.number).collect::<Vec<_>>(), [3]);
    assert_eq!(outcome.surface.count.read, 1);
    let sure: Vec<&Finding> =
        findings.iter().filter(|finding| finding.confidence > Confidence::Lookalike).collect();
    assert_eq!(sure.len(), 1);
    assert_eq!(sure[0].locations[0].column, 14);
    assert_eq!(server.count("/alerts/1/locations"), 0, "only places of tokens are asked for");
    assert_eq!(server.count("/alerts/3/locations"), 1);
}

#[test]
fn all_pages_are_read_and_an_alert_on_two_of_them_once() {
    let first: Vec<Value> = (1..=100).map(|n| in_file(alert(n, &token(1)), "a", n)).collect();
    let second: Vec<Value> = (100..=120).map(|n| in_file(alert(n, &token(2)), "b", n)).collect();
    let server = two_pages(first, second);
    let (outcome, findings, _) = read(&server, &AlertScope::Organization("octo".to_owned()));
    assert_eq!((outcome.surface.count.read, outcome.alerts.len(), findings.len()), (120, 120, 2));
}

#[test]
fn an_alert_without_its_secret_could_not_be_read() {
    let mut hidden = alert(1, "x");
    hidden.as_object_mut().expect("an object").remove("secret");
    let mut no_text = alert(2, "x");
    no_text["secret"] = Value::Null;
    let server = Server::new(move |_| Answer::json(200, &json!([hidden, no_text])));
    let (outcome, findings, faults) = read(&server, &AlertScope::Organization("octo".to_owned()));
    assert!(findings.is_empty() && outcome.alerts.is_empty());
    assert_eq!(outcome.surface.count.failed, 2, "{faults:?}");
    assert_eq!(faults.len(), 1);
    assert!(faults[0].reason.contains("2 alerts came without their secret"), "{faults:?}");
    assert_eq!(faults[0].path, "octo/secret-scanning/alerts");
}

#[test]
fn a_list_that_is_not_given_says_why() {
    let server = Server::new(|_| Answer::error(404, "Not Found"));
    let (outcome, _, faults) = read(&server, &AlertScope::Enterprise("big".to_owned()));
    assert_eq!(outcome.refusal, Some(Refusal::NotFound));
    assert_eq!(outcome.surface.count.failed, 1);
    assert!(faults[0].reason.contains("not enabled") && faults[0].reason.contains("security_events"));
    assert_eq!(faults[0].path, "enterprise/big/secret-scanning/alerts");
    assert_eq!(server.asked()[0].path(), "/enterprises/big/secret-scanning/alerts");
}

#[test]
fn other_places_are_asked_for_and_only_wanted_repositories_are_looked_at() {
    let mut many = in_file(alert(1, &token(1)), "a.env", 1);
    many["has_more_locations"] = json!(true);
    let mut elsewhere = alert(2, &token(2));
    elsewhere["repository"]["full_name"] = json!("octo/other");
    let mut nowhere = alert(3, &token(3));
    nowhere["repository"]["full_name"] = json!("../../etc");
    let issue = "https://github.com/octo/hello/issues/5#issuecomment-1";
    let server = Server::new(move |asked| match asked.path() {
        "/repos/octo/hello/secret-scanning/alerts/1/locations" => Answer::json(
            200,
            &json!([
                {"type": "commit", "details": {"path": "a.env", "start_line": 1, "start_column": 1}},
                {"type": "issue_comment", "details": {"issue_comment_url": "x", "html_url": issue}},
            ]),
        ),
        _ => Answer::json(200, &json!([many, elsewhere, nowhere])),
    });
    let (api, detector) = (server.api(), Detector::new(rule::built_in()));
    let mut outcome = AlertsRead::default();
    let (findings, faults) = found(|sink| {
        let wanted = |name: &RepositoryName| name.name() == "hello";
        let scope = &AlertScope::Organization("octo".to_owned());
        outcome = Alerts { api: &api, scope, detector: &detector, wanted: &wanted }.read(sink);
    });
    assert_eq!(
        places(&findings),
        [
            "octo/hello/a.env:1:1",
            "octo/hello/issues/5#issuecomment-1:1:1",
            "octo/hello/secret-scanning/alerts/1:1:1",
        ]
    );
    let comment = findings[0].locations.iter().find(|at| at.path.starts_with("issues")).expect("the comment");
    assert_eq!(comment.details().url.as_deref(), Some(issue));
    assert_eq!((outcome.alerts.len(), outcome.surface.count.failed), (1, 1));
    assert!(faults[0].reason.contains("alert 3"), "{faults:?}");
}

#[test]
fn an_alert_or_a_place_that_cannot_be_read_does_not_hide_the_others() {
    let mut many = in_file(alert(1, &token(1)), "a.env", 1);
    many["has_more_locations"] = json!(true);
    let mut torn = alert(2, &token(2));
    torn["secret"] = json!({"value": token(2)});
    let discussion = "https://github.com/octo/hello/discussions/3#discussioncomment-4";
    let server = Server::new(move |asked| match asked.path() {
        "/repos/octo/hello/secret-scanning/alerts/1/locations" => Answer::json(
            200,
            &json!([
                {"type": "commit", "details": {"path": "a.env", "start_line": 1, "start_column": 1}},
                {"type": "commit", "details": {"path": "b.env", "start_line": "one"}},
                {"type": "discussion_comment", "details": {"discussion_comment_url": discussion}},
                {"type": "unheard_of", "details": {"unheard_of_url": "https://api.github.com/x"}},
            ]),
        ),
        _ => Answer::json(200, &json!([torn, many])),
    });
    let (outcome, findings, faults) = read(&server, &AlertScope::Repository(octo()));
    assert_eq!(
        places(&findings),
        [
            "octo/hello/a.env:1:1",
            "octo/hello/discussions/3#discussioncomment-4:1:1",
            "octo/hello/secret-scanning/alerts/1:1:1",
        ]
    );
    assert_eq!((outcome.surface.count.read, outcome.surface.count.failed), (1, 1));
    let told: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    let at_alert = "octo/hello/secret-scanning/alerts/1";
    assert_eq!(told, ["octo/hello/secret-scanning/alerts", at_alert, at_alert], "{faults:?}");
    assert!(faults[0].reason.ends_with("number 2"), "{faults:?}");
    assert!(faults.iter().all(|fault| !fault.reason.contains("ghp_")), "{faults:?}");
}

#[test]
fn one_hidden_alert_is_one() {
    let server = Server::new(|_| Answer::json(200, &json!([{"number": 1}])));
    let (_, _, faults) = read(&server, &AlertScope::Repository(octo()));
    assert!(faults[0].reason.starts_with("1 alert came without its secret:"), "{faults:?}");
}
