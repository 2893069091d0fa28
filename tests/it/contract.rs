//! Every request this program makes, of every flavour, against GitHub's own OpenAPI description.

use serde_json::Value;
use stanch::provider::github::GitHub;
use stanch::provider::github::host::{Host, HostChoice};
use stanch::provider::github::kill_switch::{Call, CredentialType, KillSwitch, Name, Scope};
use stanch::provider::{Connection, Liveness, Outcome, Revoker as _, Uncounted};
use stanch::revocation::Batch;
use stanch::token::Token;

use crate::support::github::{self, Flavour, Script};
use crate::support::http::ReceivedRequest;
use crate::support::mint::{Kind, Mint};

const GITHUB_2022: &str = include_str!("../contract/github.com-2022-11-28.json");
const GITHUB_2026: &str = include_str!("../contract/github.com-2026-03-10.json");
const CLOUD: &str = include_str!("../contract/ghec-2026-03-10.json");
const SERVER_3_18: &str = include_str!("../contract/ghes-3.18.json");
const SERVER_3_21: &str = include_str!("../contract/ghes-3.21.json");
const EXTRAS: &str = include_str!("../contract/extras-2022-11-28.json");

/// Whether a path is one that the template stands for.
fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(part), Some(given)) if part == given || (part.starts_with('{') && !given.is_empty()) => {}
            _ => return false,
        }
    }
}

/// What a description has against a request, if anything.
fn objection(description: &str, base: &str, seen: &ReceivedRequest) -> Option<String> {
    let description: Value = serde_json::from_str(description).unwrap();
    let path = seen.path.strip_prefix(base)?;
    let paths = description["paths"].as_object().unwrap();
    // A path without parameters is meant before one that has some.
    let operation = paths
        .get(path)
        .or_else(|| paths.iter().find(|(template, _)| fits(template, path)).map(|(_, operations)| operations))
        .and_then(|operations| operations.get(seen.method.to_ascii_lowercase()));
    let Some(operation) = operation else { return Some(format!("no operation {} {path}", seen.method)) };
    if path == "/credentials/revoke" && operation.get("security").is_some() != seen.bearer().is_some() {
        return Some("credential given or left out against the description".to_owned());
    }
    let Some(wanted) = operation.get("requestBody") else {
        return (!seen.body.is_empty()).then(|| "a body where none is described".to_owned());
    };
    if seen.body.is_empty() {
        return (wanted["required"] == true).then(|| "no body".to_owned());
    }
    if seen.header("content-type") != Some("application/json") {
        return Some("the body is not called JSON".to_owned());
    }
    let schema = &wanted["content"]["application/json"]["schema"];
    let Ok(body) = serde_json::from_str(&seen.body) else { return Some("the body is not JSON".to_owned()) };
    // The validator's message would repeat the tokens.
    (!jsonschema::is_valid(schema, &body)).then(|| "the body does not fit its schema".to_owned())
}

fn connection(github: &github::GitHub, host: &str, credential: Option<Token>) -> Connection {
    let choice =
        HostChoice { host: Some(host.to_owned()), api_url: Some(github.api_url()), ..HostChoice::default() };
    Connection { credential, ..Connection::new(Host::choose(&choice).unwrap()) }
}

fn tokens(kinds: &[Kind], count: usize) -> Vec<Token> {
    let mut mint = Mint::new(11);
    kinds.iter().cycle().take(count).map(|kind| mint.secret(*kind)).collect()
}

/// A credential, and a token that holds the same.
fn credential() -> (String, Token) {
    let text = Mint::new(5).token(Kind::Pat);
    let token = Kind::Pat.secret(&text);
    (text, token)
}

#[test]
fn revocations_are_as_each_flavour_describes_them() {
    let server = Script { credential: credential().0, ..Script::of(Flavour::Server(Some("3.18"))) };
    let newer =
        Script { flavour: Flavour::Server(Some("3.21")), versions: vec!["2026-03-10"], ..server.clone() };
    let older = Script { versions: vec!["2022-11-28"], ..Script::of(Flavour::DotCom) };
    for (script, host, description, version) in [
        (Script::of(Flavour::DotCom), "github.com", GITHUB_2026, "2026-03-10"),
        (older, "github.com", GITHUB_2022, "2022-11-28"),
        (Script::of(Flavour::GheCom), "octocorp.ghe.com", CLOUD, "2026-03-10"),
        (server, "ghes.example", SERVER_3_18, "2022-11-28"),
        (newer, "ghes.example", SERVER_3_21, "2026-03-10"),
    ] {
        let github = github::GitHub::play(script);
        let mut client = GitHub::new(connection(&github, host, Some(credential().1))).unwrap();
        assert_eq!(client.prepare(&mut Uncounted).unwrap(), None);
        for count in [1, 1000] {
            let tokens = tokens(&Kind::of_library(&client.limits().batch_kinds), count);
            let batch = Batch::new(&tokens).unwrap();
            let response = match client.revoke(&batch) {
                response if response.outcome == Outcome::Trouble => client.revoke(&batch),
                response => response,
            };
            assert_eq!(response.outcome, Outcome::Accepted, "{host}: {}", response.message);
        }
        let base = if host == "ghes.example" { "/api/v3" } else { "" };
        let seen = github.requests();
        let last = seen.last().unwrap();
        assert_eq!(last.header("x-github-api-version"), Some(version));
        assert!(
            last.header("accept").is_some_and(|kinds| kinds.starts_with("application/vnd.github+json, "))
        );
        for seen in seen.iter().filter(|seen| seen.method == "POST") {
            assert_eq!(objection(description, base, seen), None, "{host}");
        }
    }
}

#[test]
fn liveness_and_the_end_of_an_installation_are_as_described() {
    let github = github::GitHub::start(Flavour::DotCom);
    let client = GitHub::new(connection(&github, "github.com", None)).unwrap();
    let token = Mint::new(3).secret(Kind::AppInstallation);
    assert!(matches!(client.liveness(&token), Liveness::Alive(_)));
    assert_eq!(client.revoke_self(&token).status, Some(204));
    assert_eq!(client.liveness(&token), Liveness::Dead);
    let seen = github.requests();
    assert_eq!(seen.len(), 3);
    for seen in &seen {
        assert_eq!(objection(EXTRAS, "", seen), None, "{} {}", seen.method, seen.path);
        assert!(seen.bearer().is_some());
    }
}

#[test]
fn kill_switches_are_as_described() {
    let (text, _) = credential();
    for (flavour, host) in [(Flavour::DotCom, "github.com"), (Flavour::GheCom, "octocorp.ghe.com")] {
        let github = github::GitHub::play(Script { credential: text.clone(), ..Script::of(flavour) });
        let switch = KillSwitch::new(connection(&github, host, Some(credential().1))).unwrap();
        let calls = every_call();
        for call in &calls {
            let outcome = switch.call(call);
            assert!(outcome.accepted(), "{}: {}", call.path(), outcome.message);
            assert_eq!(outcome.message, "Credential authorizations are being revoked");
        }
        let seen = github.requests();
        assert_eq!(seen.len(), calls.len());
        for seen in &seen {
            assert_eq!(objection(CLOUD, "", seen), None, "{}", seen.path);
            assert_eq!(seen.bearer(), Some(text.as_str()));
        }
    }
}

fn every_call() -> Vec<Call> {
    let name = |text| Name::new("a name", text).unwrap();
    let types = CredentialType::ALL.into_iter().map(Some).chain([None]);
    let mut calls = Vec::new();
    for only in types {
        for user in [None, Some(name("mona_octo"))] {
            for destroy in [false, true] {
                for scope in [Scope::Enterprise(name("octo-corp")), Scope::Org(name("octo-org"))] {
                    calls.extend(Call::new(scope, user.clone(), only, destroy).ok());
                }
            }
        }
    }
    // 5 types × 2 whoms × 2 scopes, and destruction in enterprises for all types but OAuth tokens.
    assert_eq!(calls.len(), 20 + 8);
    calls
}

#[test]
fn the_description_can_object() {
    let github = github::GitHub::start(Flavour::DotCom);
    let client = GitHub::new(connection(&github, "github.com", None)).unwrap();
    let tokens = tokens(&[Kind::Pat], 1000);
    client.revoke(&Batch::new(&tokens).unwrap());
    let good = github.requests().remove(0);
    assert_eq!(objection(GITHUB_2026, "", &good), None);
    let with = |change: fn(&mut ReceivedRequest)| {
        let mut seen = good.clone();
        change(&mut seen);
        objection(GITHUB_2026, "", &seen).is_some()
    };
    assert!(with(|seen| seen.body = r#"{"credentials":[]}"#.to_owned()));
    assert!(with(|seen| seen.body = seen.body.replace('[', "[\"one more\",")));
    assert!(with(|seen| seen.body = r#"{"credentials":[1]}"#.to_owned()));
    assert!(with(|seen| seen.body = "{}".to_owned()));
    assert!(with(|seen| seen.body = String::new()));
    assert!(with(|seen| seen.path = "/credentials".to_owned()));
    assert!(with(|seen| seen.method = "PUT".to_owned()));
    assert!(with(|seen| seen.headers.push(("authorization".to_owned(), "Bearer x".to_owned()))));
    assert!(with(|seen| seen.headers.retain(|(name, _)| name != "content-type")));
}
