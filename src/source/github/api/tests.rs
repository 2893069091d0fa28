//! Against a scripted server: what arrives there, and what becomes of its answers.

mod downloads;
mod limits;
mod lists;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use serde_json::{Value, json};

use super::limiter::Pauses;
use super::*;
use crate::http::Method;
use crate::meter::CancelFlag;
use crate::source::github::credentials::StaticCredential;
use crate::source::github::testing::{API, Answer, Asked, Server, token};
use crate::token::{Kind, Token};

fn options(server: &Server) -> ApiOptions {
    ApiOptions {
        base_url: format!("{}{API}", server.url),
        ca_cert: None,
        timeout: Duration::from_secs(20),
        min_interval: Duration::ZERO,
        cancel: CancelFlag::default(),
    }
}

/// An API with pauses that a test can wait for.
fn api_with(options: &ApiOptions) -> Api {
    let credential = StaticCredential::new(Token::new(Kind::pat(), token(0).as_bytes()));
    let mut api = Api::new(options, Arc::new(credential)).unwrap();
    let shortest = Duration::from_micros(50);
    api.limiter.pauses = Pauses { secondary: shortest, trouble: shortest };
    api
}

fn api(server: &Server) -> Api {
    api_with(&options(server))
}

fn get(api: &Api, path: &str) -> Result<Value, ApiError> {
    api.get(path)
}

/// A number for each request, from 0 on.
fn counting(script: impl Fn(u32, &Asked) -> Answer + Send + Sync + 'static) -> Server {
    let count = AtomicU32::new(0);
    Server::new(move |asked| script(count.fetch_add(1, Relaxed), asked))
}

#[test]
fn every_request_shows_the_credential_and_who_asks() {
    let server = Server::new(|_| Answer::json(200, &json!({"a": 1})));
    let api = api(&server);
    assert_eq!(get(&api, "/x"), Ok(json!({"a": 1})));
    api.send_json(Method::Patch, "/y", &json!({"state": "resolved"})).unwrap();
    let asked = server.asked();
    for asked in &asked {
        assert!(asked.is_authenticated() && asked.head.contains("\nuser-agent: stanch/"), "{}", asked.head);
        assert!(asked.head.contains("\nx-github-api-version: 2026-03-10"), "{}", asked.head);
    }
    assert_eq!((asked[1].method.as_str(), asked[1].body.as_str()), ("PATCH", r#"{"state":"resolved"}"#));
    assert_eq!(api.counts(), Counts { requests: 2, unchanged: 0 });
}

#[test]
fn a_server_that_does_not_know_the_version_is_asked_in_the_other() {
    let server = Server::new(|asked| {
        if asked.head.contains("2022-11-28") {
            return Answer::json(200, &json!([]));
        }
        Answer::error(400, "The version 2026-03-10 is not supported")
    });
    let api = api(&server);
    for _ in 0..2 {
        assert_eq!(get(&api, "/x"), Ok(json!([])));
    }
    assert_eq!(server.count("/x"), 3);
    let server = Server::new(|_| Answer::error(400, "No version is supported"));
    assert_eq!(get(&super::tests::api(&server), "/x").unwrap_err().refusal(), Some(Refusal::Invalid));
    assert!(server.count("/x") <= 3);
}

#[test]
fn trouble_of_the_server_passes_or_is_told() {
    let server = counting(|number, _| match number {
        0 => Answer::error(502, "Bad Gateway"),
        1 => Answer { breaks_after: Some(3), ..Answer::json(200, &json!({"whole": true})) },
        2 => Answer::bytes(403, b"<html>a proxy's page</html>".to_vec()),
        _ => Answer::json(200, &json!({"whole": true})),
    });
    assert_eq!(get(&api(&server), "/x"), Ok(json!({"whole": true})));
    assert_eq!(server.count("/x"), 4);

    let server = Server::new(|_| Answer::error(503, "No server is available"));
    let error = get(&api(&server), "/x").unwrap_err();
    assert_eq!(error.to_string(), "the server answered 503: No server is available");
    assert_eq!(server.count("/x"), 5);

    let torn = || Answer { breaks_after: Some(1), ..Answer::json(200, &json!([1, 2, 3])) };
    let server = Server::new(move |_| torn());
    assert!(matches!(get(&api(&server), "/x"), Err(ApiError::Transport(_))));
    assert_eq!(server.count("/x"), 5);
}

#[test]
fn what_is_refused_is_not_asked_again() {
    for (status, refusal) in [
        (404, Refusal::NotFound),
        (403, Refusal::Forbidden),
        (410, Refusal::Gone),
        (422, Refusal::Invalid),
        (451, Refusal::TakenDown),
    ] {
        let server = Server::new(move |_| Answer::error(status, "words"));
        assert_eq!(get(&api(&server), "/x").unwrap_err().refusal(), Some(refusal), "{status}");
        assert_eq!(server.count("/x"), 1, "{status}");
    }
}

#[test]
fn what_single_sign_on_hides_from_a_list_is_told() {
    let server = Server::new(|asked| {
        let answer = Answer::json(200, &json!([]));
        let hides = asked.path() == "/user/repos";
        if hides {
            answer.with("x-github-sso", "partial-results; organizations=21955855,20582480")
        } else {
            answer
        }
    });
    let api = api(&server);
    get(&api, "/x").unwrap();
    assert_eq!(api.withheld(), None);
    get(&api, "/user/repos").unwrap();
    assert!(api.withheld().unwrap().contains("21955855, 20582480"));
}

#[test]
fn a_renamed_repository_is_followed_within_the_api() {
    let server = Server::new(|asked| match asked.path() {
        "/repos/octo/old" => {
            Answer::error(301, "Moved Permanently").with("location", format!("{API}/repositories/7"))
        }
        "/repositories/7" => Answer::json(200, &json!({"id": 7})),
        path => panic!("{path}"),
    });
    let moved = api(&server).get_moved::<Value>("/repos/octo/old").unwrap();
    assert_eq!(moved, (json!({"id": 7}), "/repositories/7".to_owned()));

    let server =
        Server::new(|asked| Answer::error(302, "").with("location", format!("{API}{}x", asked.target)));
    assert!(matches!(get(&api(&server), "/x"), Err(ApiError::Misled(_))));
    assert_eq!(server.asked().len(), 6);
}

#[test]
fn a_redirect_out_of_the_api_is_not_followed() {
    let other = Server::new(|_| Answer::json(200, &json!({})));
    let target = format!("{}{API}/x", other.url);
    let server = Server::new(move |asked| {
        let target = if asked.path() == "/outside" { "/login".to_owned() } else { target.clone() };
        Answer::error(307, "").with("location", target)
    });
    let api = api(&server);
    for path in ["/x", "/outside"] {
        assert!(matches!(get(&api, path), Err(ApiError::Misled(_))), "{path}");
    }
    assert!(api.send_json(Method::Patch, "/x", &json!({})).is_err());
    assert!(api.pages::<Value>("/x", &mut |_| std::ops::ControlFlow::Continue(())).is_err());
    assert!(other.asked().is_empty() && server.asked().len() == 4);
}

#[test]
fn an_answer_without_end_is_not_read_to_it() {
    let server = Server::new(|_| Answer::bytes(200, vec![b' '; client::LONGEST_PAGE + 100_000]));
    let error = get(&api(&server), "/x").unwrap_err();
    assert!(matches!(&error, ApiError::Misled(why) if why.contains("longer")), "{error}");
    assert_eq!(server.count("/x"), 1);
}

#[test]
fn a_server_that_hangs_is_given_up() {
    let server = Server::new(|_| {
        std::thread::sleep(Duration::from_secs(20));
        Answer::json(200, &json!({}))
    });
    let options = ApiOptions { timeout: Duration::from_millis(50), ..options(&server) };
    assert!(matches!(get(&api_with(&options), "/x"), Err(ApiError::Transport(_))));
}

#[test]
fn an_answer_with_a_secret_is_read_once() {
    let server = Server::new(|_| Answer::json(201, &json!({"token": "made"})));
    let answer: std::collections::HashMap<String, String> =
        api(&server).send_secret(Method::Post, "/x", &json!({})).unwrap();
    assert_eq!(answer["token"], "made");
    let server = Server::new(|_| Answer::bytes(200, b"no json".to_vec()));
    assert!(matches!(get(&api(&server), "/x?y"), Err(ApiError::Malformed(path)) if path == "/x"));
}
