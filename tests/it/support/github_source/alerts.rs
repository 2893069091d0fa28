//! Alerts of secret scanning: listed, located, resolved.

use serde_json::{Value, json};

use super::super::http::Reply;
use super::shapes::{Addresses, Shapes, merge};
use super::wire::Incoming;
use super::world::{Alert, FoundIn, World};

/// `secret-scanning-alert`, and `organization-secret-scanning-alert` where `with_repository`.
pub(super) fn shape(shapes: &Shapes<'_>, alert: &Alert, with_repository: bool, hidden: bool) -> Value {
    let Addresses { pages, api } = shapes.at;
    let api = format!("{api}/repos/{}/secret-scanning/alerts/{}", alert.repository, alert.number);
    let resolved = alert.resolution.as_ref();
    let mut value = json!({
        "number": alert.number, "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z", "url": api,
        "html_url": format!("{pages}/{}/security/secret-scanning/{}", alert.repository, alert.number),
        "locations_url": format!("{api}/locations"),
        "state": if resolved.is_some() { "resolved" } else { "open" },
        "resolution": resolved.map(|(resolution, _)| resolution), "resolution_comment": resolved.map(|(_, comment)| comment),
        "resolved_at": resolved.map(|_| "2026-02-02T03:04:05Z"), "resolved_by": null,
        "secret_type": alert.secret_type, "secret_type_display_name": "A token of the tests", "provider": "GitHub",
        "provider_slug": "github", "secret": alert.secret, "push_protection_bypassed": false,
        "push_protection_bypassed_by": null, "push_protection_bypassed_at": null, "validity": "active",
        "publicly_leaked": false, "multi_repo": false, "is_base64_encoded": false, "has_more_locations": false,
        "first_location_detected": match alert.found {
            FoundIn::LocationsOnly { .. } => Value::Null,
            _ => location(shapes.at, alert)["details"].clone(),
        },
    });
    // A server may keep it to itself.
    if hidden || alert.secret.is_empty() {
        value.as_object_mut().expect("an object").remove("secret");
    }
    if with_repository {
        let (owner, name) = alert.repository.split_once('/').expect("OWNER/REPO");
        let repository = shapes.world.repository(owner, name).map(|found| shapes.simple_repository(found));
        merge(&mut value, json!({"repository": repository}));
    }
    value
}

/// `secret-scanning-location`.
pub(super) fn location(at: &Addresses, alert: &Alert) -> Value {
    let Addresses { pages, api } = at;
    let repository = &alert.repository;
    match &alert.found {
        FoundIn::Commit { path, line, commit } | FoundIn::LocationsOnly { path, line, commit } => {
            let blob = "0".repeat(40);
            json!({"type": "commit", "details": {
                "path": path, "start_line": line, "end_line": line, "start_column": 1, "end_column": 41,
                "blob_sha": blob, "blob_url": format!("{api}/repos/{repository}/git/blobs/{blob}"),
                "commit_sha": commit, "commit_url": format!("{api}/repos/{repository}/git/commits/{commit}"),
                "html_url": format!("{pages}/{repository}/blob/{commit}/{path}#L{line}"),
            }})
        }
        FoundIn::IssueBody(number) => json!({"type": "issue_body", "details": {
            "issue_body_url": format!("{api}/repos/{repository}/issues/{number}"),
            "html_url": format!("{pages}/{repository}/issues/{number}"),
        }}),
    }
}

/// Whether an alert is one of those that the query asks for.
pub(super) fn is_asked_for(incoming: &Incoming, alert: &Alert) -> bool {
    let state = incoming.parameter("state");
    let types = incoming.parameter("secret_type");
    let in_state = match state.as_deref() {
        Some("open") => alert.resolution.is_none(),
        Some("resolved") => alert.resolution.is_some(),
        _ => true,
    };
    in_state && types.is_none_or(|types| types.split(',').any(|known| known == alert.secret_type))
}

/// `PATCH /repos/{owner}/{repo}/secret-scanning/alerts/{number}`.
pub(super) fn resolve(world: &mut World, at: &Addresses, incoming: &Incoming, which: (&str, &str)) -> Reply {
    let (repository, number) = which;
    let Ok(body) = serde_json::from_slice::<Value>(&incoming.body) else {
        return Reply::error(400, "Problems parsing JSON");
    };
    let wanted = |alert: &&mut Alert| alert.repository == repository && alert.number.to_string() == number;
    let Some(alert) = world.alerts.iter_mut().find(wanted) else { return Reply::error(404, "Not Found") };
    let comment = body["resolution_comment"].as_str().unwrap_or_default();
    match (body["state"].as_str(), body["resolution"].as_str()) {
        (Some("resolved"), Some(resolution))
            if ["false_positive", "wont_fix", "revoked", "used_in_tests"].contains(&resolution)
                && comment.chars().count() <= 280 =>
        {
            alert.resolution = Some((resolution.to_owned(), comment.to_owned()));
        }
        (Some("open"), None) => alert.resolution = None,
        _ => return Reply::error(422, "Validation Failed"),
    }
    let alert = alert.clone();
    Reply::json(200, shape(&Shapes { world, at }, &alert, false, false).to_string())
}
