//! The plan of a revoking run, token by token, as a dry run and the prompt show it.

use crate::finding::Finding;
use crate::local_credentials::LocalCredentials;
use crate::policy::Plan;
use crate::revocation::State;
use crate::text::printable;

/// How many tokens are listed; the report lists them all.
const MAX_LISTED: usize = 20;

/// What would happen to each token, which are set aside and why, and the consequences.
pub(super) fn lines(plan: &Plan<'_>, own: &LocalCredentials, host: &str) -> Vec<String> {
    let impact = plan.impact();
    let mut lines =
        if impact.tokens == 0 { vec![format!("nothing to send to {host}")] } else { impact.lines(host) };
    // What would be sent is listed first, so that it is the last to be left out.
    let (sent, set_aside): (Vec<_>, Vec<_>) =
        plan.choices.iter().partition(|(_, state)| *state == State::Queued);
    for (finding, state) in sent.iter().chain(&set_aside).take(MAX_LISTED) {
        lines.push(format!("  {:<12} {}", action(*state), describe(finding)));
        if let Some(path) = own.location_of(finding.token.fingerprint()).filter(|_| *state == State::Own) {
            lines.push(format!("  {:<12} it is in {}; --allow-own would send it", "", printable(path)));
        }
    }
    let listed = plan.choices.len().min(MAX_LISTED);
    if listed < plan.choices.len() {
        lines.push(format!("  … and {} more", plan.choices.len() - listed));
    }
    if plan.done > 0 {
        lines.push(format!("  {} done by earlier runs: not sent again", plan.done));
    }
    lines
}

/// What is done with a token in this state.
const fn action(state: State) -> &'static str {
    match state {
        State::Own => "your own",
        State::Held => "held back",
        State::Unsupported => "unsupported",
        _ => "to be sent",
    }
}

fn describe(finding: &Finding) -> String {
    let (token, confidence) = (finding.token.redacted(), finding.confidence.as_str());
    match finding.locations.first() {
        Some(first) => format!("{token}  {confidence}  {}:{}", printable(&first.path), first.line),
        None => format!("{token}  {confidence}"),
    }
}
