use super::*;
use crate::source::github::testing::{Answer, Asked, Server, octo, token};
use crate::token::Fingerprint;

fn alerts(count: u64) -> Vec<(AlertRef, String)> {
    let alert = |number| AlertRef {
        repository: octo(),
        number,
        url: None,
        tokens: vec![Fingerprint::of(token(1).as_bytes())],
    };
    (1..=count).map(|number| (alert(number), format!("comment {number}"))).collect()
}

fn revocation(state: State) -> Revocation {
    let at = "2026-03-10T12:00:00.25Z".parse().expect("a time");
    Revocation { state, at, request_id: Some("AB12:34CD".into()), grants: None }
}

#[test]
fn only_what_is_proven_has_a_comment() {
    for state in State::ALL {
        let comment = resolution_comment(&[&revocation(state)]);
        assert_eq!(comment.is_some(), matches!(state, State::Accepted | State::Confirmed), "{state}");
    }
    assert_eq!(
        resolution_comment(&[&revocation(State::Accepted)]).as_deref(),
        Some(
            "Revoked with stanch: GitHub's revocation API accepted it at 2026-03-10T12:00:00Z (request AB12:34CD)."
        )
    );
    let dead = resolution_comment(&[&revocation(State::Confirmed)]).expect("a comment");
    assert!(dead.contains("seen dead at 2026-03-10T12:00:00Z"), "{dead}");
    // Of two tokens in one alert, both have to be.
    let (one, other) = (revocation(State::Confirmed), revocation(State::Accepted));
    let both = resolution_comment(&[&one, &other]).expect("a comment");
    assert!(both.contains("accepted") && !both.contains("dead"), "{both}");
    assert_eq!(resolution_comment(&[&one, &revocation(State::Queued)]), None);
    assert_eq!(resolution_comment(&[]), None);
}

#[test]
fn no_comment_is_too_long_or_holds_a_token() {
    let request_id = Some(format!("{} {}", token(1), "x ".repeat(500)).into());
    let comment = resolution_comment(&[&Revocation { request_id, ..revocation(State::Accepted) }]);
    let comment = comment.expect("a comment");
    assert!(comment.chars().count() <= LONGEST_COMMENT && !comment.contains(&token(1)));
}

#[test]
fn each_alert_is_resolved_once_and_asked_about_only_where_that_fails() {
    let server =
        Server::new(|asked: &Asked| match (asked.method.as_str(), asked.path().rsplit('/').next()) {
            ("PATCH", Some("1")) => Answer::json(200, &json!({"state": "resolved", "secret": token(1)})),
            ("PATCH", Some("4")) => Answer::error(404, "Not Found"),
            ("PATCH", _) => Answer::error(422, "the state does not match"),
            (_, Some("2")) => Answer::json(200, &json!({"state": "resolved"})),
            _ => Answer::json(200, &json!({"state": "open"})),
        });
    let outcome = resolve(&server.api(), &alerts(4));
    assert_eq!((outcome.resolved, outcome.already, outcome.interrupted), (1, 1, 0));
    assert_eq!(outcome.failed.iter().map(|(alert, _)| alert.number).collect::<Vec<_>>(), [3, 4]);
    assert!(outcome.failed.iter().all(|(_, reason)| !reason.is_empty()));
    let asked = server.asked();
    let calls: Vec<String> = asked
        .iter()
        .map(|one| format!("{} {}", one.method, one.target.rsplit('/').next().unwrap()))
        .collect();
    assert_eq!(
        calls,
        ["PATCH 1", "PATCH 2", "GET 2?hide_secret=true", "PATCH 3", "GET 3?hide_secret=true", "PATCH 4"]
    );
    let body: serde_json::Value = serde_json::from_str(&asked[0].body).expect("JSON");
    assert_eq!(
        body,
        json!({"state": "resolved", "resolution": "revoked", "resolution_comment": "comment 1"})
    );
    assert_eq!(asked[0].path(), "/repos/octo/hello/secret-scanning/alerts/1");
}

#[test]
fn a_credential_that_is_gone_is_shown_once() {
    let server = Server::new(|_| Answer::error(401, "Bad credentials"));
    let outcome = resolve(&server.api(), &alerts(3));
    assert_eq!(outcome.failed.iter().map(|(alert, _)| alert.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(server.asked().len(), 1);
}
