//! GitLab's token revocation API, with its documented requests:
//! <https://docs.gitlab.com/development/sec/token_revocation_api/>.

use serde_json::{Value, json};

use super::{AT_ONCE, await_accepted};
use crate::support::fixture::Fixture;
use crate::support::intake::{BOTH, Serve};
use crate::support::mint::Kind;

/// What GitLab sends: its token alone, and this type of content (`ee/app/services/security/token_revocation_service.rb`).
fn call(serve: &Serve, line: &str, body: &str) -> crate::support::intake::Answer {
    let request = format!(
        "{line} HTTP/1.1\r\nContent-Type: application/json\r\nAuthorization: {BOTH}\r\nConnection: close\r\n\
         User-Agent: Ruby\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    serve.raw(request.as_bytes()).expect("an answer")
}

fn body(tokens: &[(&str, &str)]) -> String {
    let leaks = (1..).zip(tokens).map(|(number, (kind, token))| {
        json!({
            "type": kind,
            "token": token,
            "location":
                format!("https://example.com/some-repo/blob/abcdefghijklmnop/compromisedfile{number}.java"),
        })
    });
    leaks.collect::<Value>().to_string()
}

#[test]
fn a_gitlab_instances_calls_end_in_accepted_tokens() {
    let mut fixture = Fixture::new(9100);
    let serve = Serve::start(&fixture, &AT_ONCE);
    let types = call(&serve, "GET /v1/revocable_token_types", "");
    assert_eq!(types.status, 200, "{}", types.body);
    assert!(types.head.contains("content-type: application/json"), "{}", types.head);
    let types: Vec<String> = serde_json::from_value(types.json()["types"].clone()).expect("a list of types");
    let known = |name: &str| types.iter().any(|known| known == name);
    assert!(known("gitleaks_rule_id_github_personal_access_token") && known("gitleaks_rule_id_github-pat"));

    let [one, other, fake] = std::array::from_fn(|_| fixture.mint.token(Kind::Pat));
    let oauth = fixture.mint.token(Kind::OAuth);
    let lookalike = fixture.mint.lookalike("ghp_");
    let pat = "gitleaks_rule_id_github_personal_access_token";
    let submitted = body(&[
        (pat, &one),
        (pat, &format!("token: '{other}'")),
        ("gitleaks_rule_id_github_oauth_access_token", &oauth),
        (pat, &lookalike),
        (pat, &one),
    ]);
    let answer = call(&serve, "POST /v1/revoke_tokens", &submitted);
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    let mut accepted = await_accepted(&fixture, 3, &serve);
    accepted.sort();
    let mut expected = vec![one.clone(), other, oauth];
    expected.sort();
    assert!(accepted == expected, "something else was accepted");
    // The same once more is fine, and changes nothing.
    assert_eq!(call(&serve, "POST /v1/revoke_tokens", &submitted).status, 204);

    // "The request body is invalid or one of the submitted token types is not supported."
    for bad in [
        body(&[(pat, &fake), ("gitleaks_rule_id_aws", "AKIA")]),
        "{}".to_owned(),
        "[{}]".to_owned(),
        String::new(),
    ] {
        let answer = call(&serve, "POST /v1/revoke_tokens", &bad);
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert!(!answer.body.contains(&fake), "a token was quoted");
    }
    assert_eq!(call(&serve, "GET /v1/revoke_tokens", "").status, 405);
    let nobody = serve.try_ask("POST /v1/revoke_tokens", Some("another-token-0123456"), &submitted);
    assert_eq!(nobody.map(|answer| answer.status), Some(401));
    let said = serve.stop();
    assert!(said.contains("1 that are no tokens") && !said.contains(&lookalike), "{said}");
    assert_eq!(
        fixture.github.accepted().len(),
        3,
        "something was sent twice, or of a request that was refused"
    );
    let trail = fixture.trail();
    assert!(
        trail.iter().any(|record| record.to_string().contains("\"by\":\"gitlab\"")),
        "the trail names GitLab"
    );
}
