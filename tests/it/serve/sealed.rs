//! Tokens that come sealed: whoever carries them cannot read them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use stanch::ledger::PublicKey;
use stanch::token::Token;

use super::{AT_ONCE, await_accepted};
use crate::support::fixture::Fixture;
use crate::support::intake::{ENQUEUE, Serve};
use crate::support::mint::Kind;

fn line(key: &PublicKey, host: &str, token: &Token) -> Value {
    let sealed = key.sealer(host).seal(token).expect("sealed");
    json!({
        "sealed": STANDARD.encode(sealed),
        "sha256": token.fingerprint().hex(),
        "kind": token.kind().rule_id(),
        "place": "a/b:1",
        "by": "me@runner",
    })
}

#[test]
fn what_is_sealed_to_the_key_of_the_intake_is_opened_judged_and_accepted() {
    let mut fixture = Fixture::new(9300);
    let key = fixture.sandbox.path().join("intake.key");
    let key = key.to_str().expect("a path of text");
    let made = fixture.sandbox.run(&["ledger", "keygen", key]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let serve = Serve::start(&fixture, &[&AT_ONCE[..], &["--key", key]].concat());
    let told = serve.ask("GET /v1/key", ENQUEUE, "").json();
    let host = told["hosts"][0].as_str().expect("a host").to_owned();
    let public = PublicKey::parse(told["public_key"].as_str().expect("a key")).expect("a key");
    assert_eq!(host, fixture.github.api_url());

    let texts: Vec<String> = (0..3).map(|_| fixture.mint.token(Kind::Pat)).collect();
    let [one, two, three] = std::array::from_fn(|number| Kind::Pat.secret(&texts[number]));
    let lookalike = Kind::Pat.secret(&fixture.mint.lookalike("ghp_"));
    let said_to_be_another = {
        let mut line = line(&public, &host, &two);
        line["kind"] = json!("github-oauth");
        line
    };
    let body: Vec<String> = [
        line(&public, &host, &one),
        line(&public, &host, &lookalike),
        said_to_be_another,
        line(&public, "https://elsewhere.example", &two),
        line(&public, &host, &three),
    ]
    .iter()
    .map(ToString::to_string)
    .collect();
    let taken = serve.ask("POST /v1/tokens", ENQUEUE, &body.join("\n"));
    assert_eq!(taken.status, 202, "{}", taken.body);
    let taken = taken.json();
    let refused: Vec<_> =
        taken["refused"].as_array().expect("a list").iter().map(|line| line["line"].as_u64()).collect();
    assert_eq!((&taken["accepted"], refused), (&json!(2), vec![Some(2), Some(3), Some(4)]), "{taken}");
    let mut accepted = await_accepted(&fixture, 2, &serve);
    accepted.sort();
    let mut expected = vec![texts[0].clone(), texts[2].clone()];
    expected.sort();
    assert!(accepted == expected, "something else was accepted");
    serve.stop();
    let trail = fixture.trail();
    assert!(
        trail.iter().any(|record| record.to_string().contains("me@runner via ci")),
        "who decided is told"
    );
}
