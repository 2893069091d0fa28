//! Closes alerts of secret scanning as revoked, with what is proven of their token.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::alert_ref::AlertRef;
use super::api::{Api, ApiError, Refusal};
use crate::http::Method;
use crate::revocation::{Revocation, State};
use crate::text::one_line;

/// As long a comment is taken (<https://docs.github.com/en/rest/secret-scanning/secret-scanning>).
const LONGEST_COMMENT: usize = 280;

/// What became of alerts that were to be resolved.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// How many were resolved.
    pub resolved: u64,
    /// How many somebody else has resolved since they were listed.
    pub already: u64,
    /// Those that were not, and why. They stay open.
    pub failed: Vec<(AlertRef, String)>,
    /// How many it was not the turn of when the run was asked to end.
    pub interrupted: u64,
}

/// What to write of an alert whose token is in this state; none where nothing is proven, and the alert stays open.
///
/// Of an alert with several tokens it takes what became of all of them.
pub fn resolution_comment(revocations: &[&Revocation]) -> Option<String> {
    let last = revocations.iter().map(|revocation| revocation.at).max()?;
    let all = |states: &[State]| revocations.iter().all(|revocation| states.contains(&revocation.state));
    let at = |time: Timestamp| time.strftime("%Y-%m-%dT%H:%M:%SZ");
    let what = if all(&[State::Confirmed]) {
        format!("Revoked with stanch, and seen dead at {}", at(last))
    } else if all(&[State::Accepted, State::Confirmed]) {
        format!("Revoked with stanch: GitHub's revocation API accepted it at {}", at(last))
    } else {
        return None;
    };
    let request = revocations.iter().find_map(|revocation| revocation.request_id.as_deref());
    let request = request.map_or_else(String::new, |id| format!(" (request {id})"));
    Some(one_line(&format!("{what}{request}."), LONGEST_COMMENT))
}

/// Resolves alerts as revoked, each with its comment. One that cannot be is told of, and the others go on.
pub fn resolve(api: &Api, alerts: &[(AlertRef, String)]) -> Resolved {
    let mut outcome = Resolved::default();
    for (n, (alert, comment)) in alerts.iter().enumerate() {
        match resolve_one(api, alert, comment) {
            Ok(Done::Now) => outcome.resolved += 1,
            Ok(Done::Before) => outcome.already += 1,
            Err(ApiError::Interrupted) => {
                outcome.interrupted = (alerts.len() - n) as u64;
                break;
            }
            Err(error) => {
                let reason = error.to_string();
                // A credential that is not known any more is so for all of them.
                let rest =
                    if error.refusal() == Some(Refusal::BadCredentials) { alerts.len() } else { n + 1 };
                let failed = alerts[n..rest].iter().map(|(alert, _)| (alert.clone(), reason.clone()));
                outcome.failed.extend(failed);
                if rest > n + 1 {
                    break;
                }
            }
        }
    }
    outcome
}

enum Done {
    Now,
    Before,
}

#[derive(Deserialize)]
struct AlertState {
    state: String,
}

fn resolve_one(api: &Api, alert: &AlertRef, comment: &str) -> Result<Done, ApiError> {
    let path = format!("/repos/{}/secret-scanning/alerts/{}", alert.repository, alert.number);
    let body = json!({"state": "resolved", "resolution": "revoked", "resolution_comment": comment});
    // The answer holds the secret once more.
    match api.send_secret::<IgnoredAny>(Method::Patch, &path, &body) {
        Ok(_) => Ok(Done::Now),
        // 400 and 422 are the answers where the alert is not in a state that can become this one.
        Err(error) if changes_nothing(&error) => {
            let asked = api.get::<AlertState>(&format!("{path}?hide_secret=true"));
            let resolved = asked.is_ok_and(|alert| alert.state == "resolved");
            if resolved { Ok(Done::Before) } else { Err(error) }
        }
        Err(error) => Err(error),
    }
}

fn changes_nothing(error: &ApiError) -> bool {
    error.refusal() == Some(Refusal::Invalid) || matches!(error, ApiError::Server { status: 400, .. })
}

#[cfg(test)]
mod tests;
