//! The client against a GitHub on loopback, behaving and misbehaving.

use std::process::Command;
use std::time::{Duration, Instant};

use stanch::provider::github::host::{Host, HostChoice};
use stanch::provider::github::kill_switch::{Call, KillSwitch, Name, Scope};
use stanch::provider::github::{GitHub, GitHubError};
use stanch::provider::{Connection, Liveness, Outcome, RevokeResponse, Revoker as _, Uncounted};
use stanch::revocation::{Batch, Grants};
use stanch::token::Token;

use crate::support::github::{self, Flavour, Misbehaviour, Script};
use crate::support::mint::{Kind, Mint};

fn connection(github: &github::GitHub, credential: Option<Token>) -> Connection {
    let choice = HostChoice { api_url: Some(github.api_url()), ..HostChoice::default() };
    let host = Host::choose(&choice).unwrap();
    Connection { timeout: Duration::from_secs(10), credential, ..Connection::new(host) }
}

fn client(github: &github::GitHub) -> GitHub {
    GitHub::new(connection(github, None)).unwrap()
}

fn send(client: &GitHub, tokens: &[Token]) -> RevokeResponse {
    client.revoke(&Batch::new(tokens).unwrap())
}

fn pats(count: usize) -> Vec<Token> {
    let mut mint = Mint::new(21);
    (0..count).map(|_| mint.secret(Kind::Pat)).collect()
}

/// A server that knows the credential this returns.
fn server(release: Option<&'static str>) -> (github::GitHub, Token) {
    let text = Mint::new(4).token(Kind::Pat);
    let script = Script { credential: text.clone(), ..Script::of(Flavour::Server(release)) };
    (github::GitHub::play(script), Kind::Pat.secret(&text))
}

#[test]
fn a_batch_is_accepted_and_its_tokens_die() {
    let github = github::GitHub::start(Flavour::DotCom);
    let client = client(&github);
    let mut mint = Mint::new(1);
    let kinds = Kind::of_library(&client.limits().batch_kinds);
    let texts: Vec<String> = kinds.iter().map(|kind| mint.token(*kind)).collect();
    let tokens: Vec<Token> = texts.iter().map(|text| Kind::of(text).secret(text)).collect();
    let grants = Grants {
        scopes: Some(vec!["repo".to_owned(), "admin:org".to_owned()]),
        expires_at: "2027-01-31T12:00:00Z".parse().ok(),
    };
    assert_eq!(client.liveness(&tokens[0]), Liveness::Alive(grants));
    let response = send(&client, &tokens);
    assert_eq!((response.outcome, response.status), (Outcome::Accepted, Some(202)));
    assert_eq!((response.limit.limit, response.limit.remaining), (Some(60), Some(59)));
    assert!(response.limit.reset.is_some());
    assert_eq!(response.request_id.as_deref(), Some("C0DE:2"));
    assert_eq!(github.accepted(), texts);
    for (token, kind) in tokens.iter().zip(&kinds) {
        let wanted = if *kind == Kind::Refresh { Liveness::Unknown } else { Liveness::Dead };
        assert_eq!(client.liveness(token), wanted, "{kind:?}");
    }
    let seen = github.requests();
    assert!(seen.is_sorted_by_key(|seen| seen.at));
    // A refresh token is never shown to anyone.
    assert!(seen.iter().all(|seen| seen.bearer().is_none_or(|shown| Kind::of(shown) != Kind::Refresh)));
}

#[test]
fn every_misbehaviour_has_its_outcome_and_is_met_once() {
    let github = github::GitHub::start(Flavour::DotCom);
    let elsewhere = github::GitHub::start(Flavour::DotCom);
    let client = client(&github);
    let tokens = pats(3);
    let redirect = Misbehaviour::Redirect(format!("{}/credentials/revoke", elsewhere.api_url()));
    for (at, (misbehaviour, outcome, status)) in [
        (Misbehaviour::ServerError, Outcome::Trouble, Some(500)),
        (Misbehaviour::HtmlBadGateway, Outcome::Trouble, Some(502)),
        (Misbehaviour::PrimaryLimit, Outcome::PrimaryLimit, Some(429)),
        (Misbehaviour::SecondaryLimit { retry_after: Some(7) }, Outcome::SecondaryLimit, Some(403)),
        (Misbehaviour::SecondaryLimit { retry_after: None }, Outcome::SecondaryLimit, Some(403)),
        (Misbehaviour::Spammed, Outcome::Spammed, Some(422)),
        (Misbehaviour::Echo, Outcome::Invalid, Some(422)),
        (redirect, Outcome::Unexpected, Some(307)),
        (Misbehaviour::DropProcessed, Outcome::Unknown, None),
    ]
    .into_iter()
    .enumerate()
    {
        github.misbehave(misbehaviour.clone());
        let response = send(&client, &tokens);
        assert_eq!((response.outcome, response.status), (outcome, status), "{misbehaviour:?}");
        assert_eq!(github.requests().len(), at + 1, "{misbehaviour:?}: sent more than once");
        let wait = matches!(misbehaviour, Misbehaviour::SecondaryLimit { retry_after: Some(_) });
        assert_eq!(response.limit.retry_after, wait.then_some(Duration::from_secs(7)));
        assert!(!response.message.is_empty());
    }
    assert!(elsewhere.requests().is_empty(), "a redirect was followed");
    assert_eq!(github.accepted().len(), 3, "only what was dropped after processing was taken");
    assert_eq!(send(&client, &tokens).outcome, Outcome::Accepted);
}

#[test]
fn a_connection_closed_unread_is_unknown_and_not_tried_again() {
    let github = github::GitHub::start(Flavour::DotCom);
    let client = client(&github);
    // A connection that works comes first: the next request must not take it for reusable and repeat itself.
    assert_eq!(send(&client, &pats(1)).outcome, Outcome::Accepted);
    github.misbehave(Misbehaviour::DropUnread);
    let response = send(&client, &pats(1000));
    assert_eq!((response.outcome, response.status), (Outcome::Unknown, None));
    assert_eq!(github.requests().len(), 1);
}

#[test]
fn a_hanging_server_is_not_waited_for_longer_than_the_timeout() {
    let github = github::GitHub::start(Flavour::DotCom);
    let client =
        GitHub::new(Connection { timeout: Duration::from_millis(500), ..connection(&github, None) }).unwrap();
    github.misbehave(Misbehaviour::Hang);
    let started = Instant::now();
    let response = send(&client, &pats(1));
    // Far beyond the timeout asked for, and short of the one that is usual.
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!((response.outcome, response.message.as_str()), (Outcome::Unknown, "no answer in time"));
    assert_eq!(github.requests().len(), 1);
}

#[test]
fn where_no_server_listens_nothing_was_sent() {
    let github = github::GitHub::start(Flavour::DotCom);
    let client = client(&github);
    drop(github);
    let response = send(&client, &pats(1));
    assert_eq!((response.outcome, response.status), (Outcome::NotSent, None));
    assert!(response.message.starts_with("could not connect"), "{}", response.message);
    assert_eq!(client.liveness(&pats(1)[0]), Liveness::Unknown);
}

#[test]
fn no_message_repeats_a_token() {
    let github = github::GitHub::start(Flavour::DotCom);
    let client = client(&github);
    let mut mint = Mint::new(9);
    for kind in [Kind::Pat, Kind::FineGrainedPat, Kind::Refresh] {
        let text = mint.token(kind);
        github.misbehave(Misbehaviour::Echo);
        let response = send(&client, &[kind.secret(&text)]);
        assert_eq!(response.message, format!("{}… is invalid", kind.prefix()));
    }
}

#[test]
fn a_poisoned_batch_is_invalid_and_the_rest_of_it_is_not() {
    let github = github::GitHub::start(Flavour::DotCom);
    let client = client(&github);
    let mut mint = Mint::new(2);
    let texts = [mint.token(Kind::Pat), mint.token(Kind::Pat)];
    github.reject(&texts[1]);
    let tokens = texts.each_ref().map(|text| Kind::Pat.secret(text));
    assert_eq!(send(&client, &tokens).outcome, Outcome::Invalid);
    assert_eq!(send(&client, &tokens[1..]).outcome, Outcome::Invalid);
    assert_eq!(send(&client, &tokens[..1]).outcome, Outcome::Accepted);
    assert_eq!(github.accepted(), [texts[0].clone()]);
}

#[test]
fn the_61st_request_meets_the_limit_until_an_hour_has_passed() {
    let github = github::GitHub::play(Script { quota: 2, ..Script::of(Flavour::DotCom) });
    let client = client(&github);
    let tokens = pats(1);
    let outcomes: Vec<Outcome> = (0..3).map(|_| send(&client, &tokens).outcome).collect();
    assert_eq!(outcomes, [Outcome::Accepted, Outcome::Accepted, Outcome::PrimaryLimit]);
    github.an_hour_passes();
    assert_eq!(send(&client, &tokens).outcome, Outcome::Accepted);
}

#[test]
fn no_credential_goes_to_github_for_a_revocation() {
    let github = github::GitHub::start(Flavour::DotCom);
    let mut client = GitHub::new(connection(&github, Some(Mint::new(8).secret(Kind::Pat)))).unwrap();
    assert_eq!(client.prepare(&mut Uncounted).unwrap(), None);
    assert_eq!(client.limits().identity, "anonymous");
    assert_eq!(send(&client, &pats(1)).outcome, Outcome::Accepted);
    let seen = github.requests();
    assert_eq!(seen.len(), 1, "nothing else is asked");
    assert_eq!(seen[0].header("authorization"), None);
    assert!(seen[0].header("user-agent").is_some_and(|name| name.starts_with("stanch/")));
}

#[test]
fn the_release_of_a_server_decides_the_kinds() {
    let two = [Kind::Pat, Kind::FineGrainedPat].map(Kind::known);
    for (release, kinds, version) in [
        (Some("3.18"), 2, "2022-11-28"),
        (Some("3.19"), 2, "2022-11-28"),
        (Some("3.20"), 5, "2022-11-28"),
        (Some("3.21"), 5, "2026-03-10"),
        (None, 2, "2022-11-28"),
    ] {
        let (github, credential) = server(release);
        let identity = format!("sha256:{}", credential.fingerprint().hex());
        let mut client = GitHub::new(connection(&github, Some(credential))).unwrap();
        let note = client.prepare(&mut Uncounted).unwrap();
        assert_eq!(note.is_some(), release.is_none(), "{note:?}");
        assert_eq!(client.release().map(|release| release.to_string()).as_deref(), release);
        let limits = client.limits();
        assert_eq!((limits.batch_kinds.len(), limits.identity, limits.per_hour), (kinds, identity, 60));
        assert!(limits.batch_kinds.starts_with(&two));
        assert_eq!(limits.undecided_kinds.len(), if release.is_none() { 3 } else { 0 });
        assert_eq!(send(&client, &pats(1)).outcome, Outcome::Accepted);
        let seen = github.requests();
        assert_eq!(seen[0].path, "/api/v3/meta");
        assert_eq!(seen[1].header("x-github-api-version"), Some(version), "{release:?}");
    }
}

#[test]
fn a_server_that_cannot_revoke_is_sent_nothing() {
    let (github, credential) = server(Some("3.17"));
    let mut client = GitHub::new(connection(&github, Some(credential))).unwrap();
    let error = client.prepare(&mut Uncounted).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(GitHubError::TooOld { .. })));
    assert!(error.to_string().contains("runs GitHub Enterprise Server 3.17"), "{error}");
}

#[test]
fn a_server_wants_the_right_credential_before_anything_is_sent() {
    let (github, _) = server(Some("3.21"));
    let mut mint = Mint::new(6);
    assert!(GitHub::new(connection(&github, None)).is_err());
    for kind in [Kind::FineGrainedPat, Kind::AppUser, Kind::AppInstallation] {
        let error = GitHub::new(connection(&github, Some(mint.secret(kind)))).err().unwrap().to_string();
        assert!(error.contains(kind.prefix()), "{error}");
    }
    assert!(github.requests().is_empty());
    let stranger = GitHub::new(connection(&github, Some(mint.secret(Kind::OAuth)))).unwrap();
    let response = send(&stranger, &pats(1));
    assert_eq!((response.outcome, response.status), (Outcome::Denied, Some(401)));
}

#[test]
fn an_unknown_version_is_replaced_by_the_other() {
    let github = github::GitHub::play(Script { versions: vec!["2022-11-28"], ..Script::of(Flavour::DotCom) });
    let client = client(&github);
    let outcomes: Vec<Outcome> = (0..3).map(|_| send(&client, &pats(1)).outcome).collect();
    assert_eq!(outcomes, [Outcome::Trouble, Outcome::Accepted, Outcome::Accepted]);
}

#[test]
fn a_server_without_limits_is_asked_for_its_root() {
    let text = Mint::new(4).token(Kind::Pat);
    let script = Script { credential: text.clone(), limits: false, ..Script::of(Flavour::Server(None)) };
    let github = github::GitHub::play(script);
    let client = GitHub::new(connection(&github, Some(Kind::Pat.secret(&text)))).unwrap();
    let dead = Mint::new(30).token(Kind::OAuth);
    github.mark_dead(&dead);
    assert!(matches!(client.liveness(&pats(1)[0]), Liveness::Alive(_)));
    assert_eq!(client.liveness(&Kind::OAuth.secret(&dead)), Liveness::Dead);
    let paths: Vec<String> = github.requests().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, ["/api/v3/rate_limit", "/api/v3/", "/api/v3/rate_limit", "/api/v3/"]);
}

#[test]
fn an_installation_token_revokes_itself_once() {
    let github = github::GitHub::start(Flavour::DotCom);
    let client = client(&github);
    let text = Mint::new(12).stateless();
    let token = Kind::AppInstallation.secret(&text);
    let statuses =
        [(); 2].map(|()| client.revoke_self(&token)).map(|response| (response.outcome, response.status));
    assert_eq!(statuses, [(Outcome::Accepted, Some(204)), (Outcome::Accepted, Some(401))]);
    assert_eq!(github.requests()[0].bearer(), Some(text.as_str()));
    // Of no other kind is anything sent.
    assert_eq!(client.revoke_self(&pats(1)[0]).outcome, Outcome::Denied);
    assert_eq!(github.requests().len(), 2);
}

#[test]
fn kill_switches_show_githubs_own_messages() {
    let text = Mint::new(4).token(Kind::Pat);
    let github = github::GitHub::play(Script { credential: text.clone(), ..Script::of(Flavour::DotCom) });
    let switch = KillSwitch::new(connection(&github, Some(Kind::Pat.secret(&text)))).unwrap();
    for (slug, status, begin) in [
        ("octo-corp", 202, "Credential authorizations are being revoked"),
        ("forbidden", 403, "Must have admin rights"),
        ("missing", 404, "Not Found"),
        ("unmanaged", 422, "Only for Enterprise Managed Users"),
    ] {
        let scope = Scope::Enterprise(Name::new("an enterprise", slug).unwrap());
        let outcome = switch.call(&Call::new(scope, None, None, true).unwrap());
        assert_eq!(outcome.status, Some(status));
        assert!(outcome.message.starts_with(begin), "{}", outcome.message);
        assert!(outcome.request_id.is_some());
    }
    let bot = Some(Name::new("a user", "dependabot[bot]").unwrap());
    let scope = Scope::Org(Name::new("an organization", "octo-org").unwrap());
    assert!(switch.call(&Call::new(scope, bot, None, false).unwrap()).accepted());
    let last = github.requests().pop().unwrap();
    assert_eq!(last.path, "/orgs/octo-org/credential-authorizations/dependabot%5Bbot%5D/revoke");
}

#[test]
fn a_server_has_no_kill_switch() {
    let (github, credential) = server(Some("3.21"));
    let error = KillSwitch::new(connection(&github, Some(credential))).err().unwrap();
    assert!(matches!(error, GitHubError::NoKillSwitch { .. }));
    assert!(github.requests().is_empty());
}

#[test]
fn what_stays_on_this_machine_passes_no_proxy() {
    // The environment is read by the process, so another one is needed.
    let mut again = Command::new(std::env::current_exe().unwrap());
    again
        .args(["--exact", "provider::a_batch_is_accepted_and_its_tokens_die"])
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        again.env(name, "http://127.0.0.1:1");
    }
    let output = again.output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}
