//! GitLab's token revocation API: a GitLab instance that finds a GitHub token hands it over here.
//!
//! <https://docs.gitlab.com/development/sec/token_revocation_api/>. GitLab sends its token in the `Authorization` header without
//! a scheme, asks for the types first and submits only findings of these types, each with fields of its own besides those that
//! are documented.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State as Of;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::body;
use super::item::{Item, Secret};
use super::json::Json;
use super::refusal::Refusal;
use super::state::State;
use super::writer::Written;
use crate::detect::{Detector, Judged, Window};
use crate::finding::Confidence;
use crate::ledger::wire::MAX_LINES;
use crate::rule;
use crate::serve::bearers::Role;
use crate::token::Token;

/// The types of findings that are taken: an identifier's type and value, joined, in small letters, blanks replaced
/// (`revocation_type` in `ee/app/workers/scan_security_report_secrets_worker.rb` of GitLab). The values are the rules of GitLab's
/// own analyzer, and those of gitleaks, which reports for GitLab by the same type.
const TYPES: [&str; 10] = [
    "gitleaks_rule_id_github_personal_access_token",
    "gitleaks_rule_id_github_oauth_access_token",
    "gitleaks_rule_id_github_app_token",
    "gitleaks_rule_id_github_refresh_token",
    "gitleaks_rule_id_github_fine-grained_personal_access_token",
    "gitleaks_rule_id_github-pat",
    "gitleaks_rule_id_github-fine-grained-pat",
    "gitleaks_rule_id_github-oauth",
    "gitleaks_rule_id_github-app-token",
    "gitleaks_rule_id_github-refresh-token",
];

#[derive(Serialize)]
struct Types {
    types: &'static [&'static str],
}

/// A finding, as GitLab hands it over.
#[derive(Deserialize)]
struct Leak {
    #[serde(rename = "type")]
    kind: String,
    token: Zeroizing<String>,
    #[serde(default)]
    location: Option<String>,
}

/// Which types of findings are taken.
pub(super) async fn types(Of(state): Of<Arc<State>>, headers: HeaderMap) -> Result<Response, Refusal> {
    state.admit(&headers, Role::Enqueue)?;
    Ok(Json(StatusCode::OK, &Types { types: &TYPES }).into_response())
}

/// Queues what GitLab found, and answers when that is committed. What is no token although a scanner took it for one needs no
/// revocation, and is left out.
pub(super) async fn revoke(
    Of(state): Of<Arc<State>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let bearer = state.admit(&headers, Role::Enqueue)?;
    let len = body::announced_len(&headers)?;
    let _room = state.room(len)?;
    let text = body::read(body, len).await?;
    let leaks = parse(&text)?;
    let host = state.hosts.first().cloned().unwrap_or_default();
    let detecting = tokio::task::spawn_blocking(move || items(&leaks, &host, &bearer));
    let (items, none) =
        detecting.await.map_err(|_| Refusal::unavailable("the findings could not be read"))?;
    if none > 0 {
        state.log.info(&format!("GitLab handed over {none} that are no tokens: their checksums do not hold"));
        state.metrics.taken("refused", none);
    }
    let written = if items.is_empty() { Ok(Vec::new()) } else { state.writer.write(items).await };
    let written = state.answered(written)?;
    let count = |outcome| written.iter().filter(|written| **written == outcome).count() as u64;
    state.metrics.taken("accepted", count(Written::Queued));
    state.metrics.taken("known", count(Written::Known));
    if count(Written::Damaged) > 0 {
        let problem = "rows of the ledger are damaged: `stanch ledger check` tells more";
        return Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, problem));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn parse(text: &[u8]) -> Result<Vec<Leak>, Refusal> {
    let bad = |problem: String| Refusal::new(StatusCode::BAD_REQUEST, problem);
    let leaks: Vec<Leak> = serde_json::from_slice(text).map_err(|error| {
        // The parser's own words quote what it read, which holds tokens.
        bad(format!(
            "a list of objects with `type`, `token` and `location` is wanted; line {}, column {} is none",
            error.line(),
            error.column()
        ))
    })?;
    if leaks.len() > MAX_LINES {
        return Err(bad(format!("there are more than {MAX_LINES} findings; send fewer at a time")));
    }
    if leaks.iter().any(|leak| !TYPES.contains(&leak.kind.as_str())) {
        return Err(bad("a type is none of those that GET /v1/revocable_token_types names".to_owned()));
    }
    Ok(leaks)
}

/// The tokens in what GitLab found, and how many findings hold none. A finding is what a scanner's expression matched, which may
/// have a quote or a name around it.
fn items(leaks: &[Leak], host: &str, bearer: &str) -> (Vec<Item>, u64) {
    let detector = Detector::new(rule::built_in());
    let (mut items, mut none) = (Vec::new(), 0);
    for leak in leaks {
        let before = items.len();
        detector.scan(&Window::whole(leak.token.as_bytes()), &mut |hit| {
            let (kind, confidence) = (hit.rule.kind, hit.confidence);
            if confidence < Confidence::Likely || kind.revoked_by().is_none() {
                return;
            }
            let judged = Judged { kind, confidence, reason: hit.reason };
            items.push(Item {
                host: host.to_owned(),
                by: bearer.to_owned(),
                confidence,
                place: leak.location.clone().unwrap_or_default(),
                secret: Secret::Plain { token: Token::new(kind, hit.text), judged },
            });
        });
        none += u64::from(items.len() == before);
    }
    (items, none)
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;
    use crate::checksum::crc32_base62;

    fn minted(prefix: &str) -> String {
        let body = "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1";
        format!("{prefix}{body}{}", String::from_utf8_lossy(&crc32_base62(body.as_bytes())))
    }

    #[test]
    fn findings_hold_tokens_or_something_alike() {
        let leak = |token: &str| Leak {
            kind: TYPES[0].to_owned(),
            token: Zeroizing::new(token.to_owned()),
            location: Some("https://gitlab.example.com/a/b.java#L3".to_owned()),
        };
        let (pat, oauth) = (minted("ghp_"), minted("gho_"));
        let leaks = [
            leak(&pat),
            leak(&format!("token = \"{oauth}\"")),
            leak(&pat.replace("aB3", "aB4")),
            leak("AKIAIOSFODNN7EXAMPLE"),
        ];
        let (items, none) = items(&leaks, "h", "gitlab");
        let of = |text: &str| crate::token::Fingerprint::of(text.as_bytes());
        let found: Vec<_> = items.iter().map(Item::fingerprint).collect();
        assert_eq!((found, none), (vec![of(&pat), of(&oauth)], 2));
        assert!(items.iter().all(|item| item.by == "gitlab" && item.place.ends_with("#L3")));
    }

    #[test]
    fn a_request_that_should_not_be_repeated_is_a_400() {
        let good = r#"[{"type": "gitleaks_rule_id_github_app_token", "token": "t", "location": null, "vulnerability": {}}]"#;
        assert_eq!(parse(good.as_bytes()).map(|leaks| leaks.len()).ok(), Some(1));
        assert_eq!(parse(b"[]").map(|leaks| leaks.len()).ok(), Some(0));
        for bad in [
            good.replace("github_app", "aws"),
            good.replace("type", "kind"),
            good.replace('[', ""),
            "{}".to_owned(),
            String::new(),
        ] {
            let refused = parse(bad.as_bytes()).map(drop).expect_err("refused");
            assert_eq!(refused.into_response().status(), StatusCode::BAD_REQUEST, "{bad}");
        }
    }
}
