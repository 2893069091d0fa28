//! What would be sent, token by token: said by a dry run, and before the question.

use crate::finding::Finding;
use crate::local_credentials::LocalCredentials;
use crate::policy::Plan;
use crate::revocation::State;
use crate::text::printable;

/// How many tokens are named; the report names them all.
const NAMED: usize = 20;

/// What would happen to each token, what is set aside and why, and what should be known of it.
pub(super) fn lines(plan: &Plan<'_>, own: &LocalCredentials, host: &str) -> Vec<String> {
    let impact = plan.impact();
    let mut lines =
        if impact.tokens == 0 { vec![format!("nothing to send to {host}")] } else { impact.lines(host) };
    // What would be sent goes first, and is the last to be left out.
    let (sent, aside): (Vec<_>, Vec<_>) = plan.choices.iter().partition(|(_, state)| *state == State::Queued);
    for (finding, state) in sent.iter().chain(&aside).take(NAMED) {
        lines.push(format!("  {:<12} {}", word(*state), name(finding)));
        if let Some(place) = own.location_of(finding.token.fingerprint()).filter(|_| *state == State::Own) {
            lines.push(format!("  {:<12} it is in {}; --allow-own would send it", "", printable(place)));
        }
    }
    let named = plan.choices.len().min(NAMED);
    if named < plan.choices.len() {
        lines.push(format!("  … and {} more", plan.choices.len() - named));
    }
    if plan.done > 0 {
        lines.push(format!("  {} done by earlier runs: not sent again", plan.done));
    }
    lines
}

/// What becomes of a token in this state.
const fn word(state: State) -> &'static str {
    match state {
        State::Own => "your own",
        State::Held => "held back",
        State::Unsupported => "unsupported",
        _ => "to be sent",
    }
}

fn name(finding: &Finding) -> String {
    let (token, confidence) = (finding.token.redacted(), finding.confidence.as_str());
    match finding.locations.first() {
        Some(place) => format!("{token}  {confidence}  {}:{}", printable(&place.path), place.line),
        None => format!("{token}  {confidence}"),
    }
}
