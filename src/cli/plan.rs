//! The plan of a revoking run in words: what a dry run shows, and what is asked at a terminal.

use std::fmt::Write as _;
use std::time::Duration;

use crate::cli::act::Act;
use crate::cli::console::{count, human_count};
use crate::finding::Finding;
use crate::local_credentials::LocalCredentials;
use crate::policy::{Choice, Impact, Plan};
use crate::provider::{self, Provider};
use crate::report::place_in_a_line;
use crate::revocation::State;
use crate::text::printable;
use crate::token::{Kind, RevokedBy};

/// How many tokens are listed; the report lists them all.
const MAX_LISTED: usize = 20;

/// Above this many tokens, `y` is too easily typed: the number is asked for.
const MAX_YES: u64 = 1000;

/// How fast a host takes tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// The most tokens of one request.
    pub(super) max_batch: usize,
    /// The most requests of an hour.
    pub(super) per_hour: u32,
    /// How many of them are left at the moment.
    pub(super) free: u32,
    /// The least time between two tokens that revoke themselves.
    pub(super) self_interval: Duration,
}

/// What would happen to each token, which are set aside and why, and the consequences.
pub(super) fn lines(
    plan: &Plan<'_>,
    impact: &Impact,
    own: &LocalCredentials,
    (act, host): (Act, &str),
) -> Vec<String> {
    let mut lines = consequences(impact, host);
    if impact.tokens() == 0 {
        lines.push(format!(
            "nothing to {} {} {host}",
            act.verb(),
            if act == Act::Send { "to" } else { "for" }
        ));
        let waiting = Impact::of_queue(plan.waiting.clone()).tokens();
        if waiting > 0 {
            lines.push(format!("  {} queued by earlier runs would go on waiting", count(waiting, "token")));
        }
    }
    // What would be sent is listed first, so that it is the last to be left out.
    let (sent, set_aside): (Vec<Choice<'_>>, Vec<_>) =
        plan.choices.iter().copied().partition(|choice| choice.state == State::Queued);
    for Choice { finding, state, .. } in sent.iter().chain(&set_aside).take(MAX_LISTED) {
        lines.push(format!("  {:<12} {}", action(*state, act), describe(finding)));
        if let Some(path) = own.location_of(finding.token.fingerprint()).filter(|_| *state == State::Own) {
            let (path, verb) = (printable(path), act.verb());
            lines.push(format!("  {:<12} it is in {path}; --allow-own would {verb} it", ""));
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

/// What sending would do, in lines of at most 80 columns where the host's name is short; none where nothing is sent.
fn consequences(impact: &Impact, host: &str) -> Vec<String> {
    if impact.tokens() == 0 {
        return Vec::new();
    }
    let mut lines = vec![headline(impact, host)];
    if !impact.owners.is_empty() {
        let owners = count(impact.owners.len() as u64, "owner");
        let all_known = impact.waiting == 0 && impact.tokens() == impact.count(Kind::names_owner);
        let rest = if all_known { "" } else { "; the others do not tell theirs" };
        lines.push(format!("The github_pat_ found now have {owners}{rest}."));
    }
    let mut irrevocable = "It cannot be undone.".to_owned();
    for provider in provider::all().filter(|provider| concerns(impact, provider)) {
        if !provider.consequence.is_empty() {
            irrevocable = format!("{irrevocable} {}", provider.consequence);
        }
    }
    lines.push(irrevocable);
    let apps = impact.count(Kind::ends_authorization);
    if apps > 0 {
        let prefixes = listed(&prefixes(impact, Kind::ends_authorization));
        lines.push(format!(
            "Each {prefixes} ({}) ends its user's whole authorization of that app,",
            human_count(apps)
        ));
        lines.push("with every other token made by it.".to_owned());
    }
    lines
}

/// Whether any token is of this provider's.
fn concerns(impact: &Impact, provider: &Provider) -> bool {
    impact.kinds.keys().any(|kind| kind.provider() == Some(provider.name))
}

/// How many tokens leave, of which types, and to which host. Those that were found now and those that wait since earlier
/// runs are told apart: `877 tokens for github.com: 1 found now, 876 queued by earlier runs (876 ghp_, 1 gho_)`.
pub(super) fn headline(impact: &Impact, host: &str) -> String {
    let tokens = count(impact.tokens(), "token");
    let mut kinds = String::new();
    for (kind, tokens) in &impact.kinds {
        let comma = if kinds.is_empty() { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(kinds, "{comma}{} {}", human_count(*tokens), kind.prefix());
    }
    match sources(impact.found_now, impact.waiting) {
        Some(sources) => format!("{tokens} for {host}: {sources} ({kinds})"),
        None => format!("{tokens} for {host}: {kinds}"),
    }
}

/// `1 found now, 876 queued by earlier runs`; none where earlier runs left nothing.
pub(super) fn sources(found_now: u64, waiting: u64) -> Option<String> {
    let queued = format!("{} queued by earlier runs", human_count(waiting));
    match (found_now, waiting) {
        (_, 0) => None,
        (0, _) => Some(queued),
        _ => Some(format!("{} found now, {queued}", human_count(found_now))),
    }
}

/// The two lines above the prompt.
pub(super) fn question(impact: &Impact, host: &str, pace: Pace) -> Vec<String> {
    vec![headline(impact, host), format!("{}. {}.", duration(impact, pace), cannot_be_undone(impact))]
}

fn cannot_be_undone(impact: &Impact) -> String {
    let mut text = "It cannot be undone".to_owned();
    let ending = prefixes(impact, Kind::ends_authorization);
    if !ending.is_empty() {
        let ends = if ending.len() == 1 { "ends" } else { "end" };
        let _ = write!(text, "; {} {ends} a whole app authorization", listed(&ending));
    }
    text
}

/// The two lines above the prompt where they are only queued.
pub(super) fn question_to_queue(impact: &Impact, host: &str) -> Vec<String> {
    let consequence = cannot_be_undone(impact);
    vec![headline(impact, host), format!("Queued for a `stanch serve`, which sends them. {consequence}.")]
}

/// What the prompt asks for.
pub(super) fn prompt(act: Act, tokens: u64) -> String {
    if tokens > MAX_YES {
        return format!("To {} them, type their number ({tokens}):", act.verb());
    }
    match act {
        Act::Send => "Send them? [y/N]".to_owned(),
        Act::Queue => "Queue them? [y/N]".to_owned(),
    }
}

/// Whether an answer to [`prompt`] is a yes.
pub(super) fn is_yes(answer: &str, tokens: u64) -> bool {
    if tokens > MAX_YES {
        answer.replace(',', "") == tokens.to_string()
    } else {
        ["y", "yes"].contains(&answer.to_ascii_lowercase().as_str())
    }
}

/// In how many requests, and how long the quota makes that take: `In 100 requests, over about 1 hour`.
fn duration(impact: &Impact, pace: Pace) -> String {
    let alone = impact.count(|kind| kind.revoked_by() == Some(RevokedBy::Itself));
    let batches = (impact.tokens() - alone).div_ceil(pace.max_batch.max(1) as u64);
    let hours = batches.saturating_sub(pace.free.into()).div_ceil(u64::from(pace.per_hour).max(1));
    let by_themselves = pace.self_interval.saturating_mul(u32::try_from(alone).unwrap_or(u32::MAX));
    let minutes = (batches / 60).max(by_themselves.as_secs() / 60);
    let time = match (hours, minutes) {
        (0, 0) => "within a minute".to_owned(),
        (0, 1..60) => format!("over about {}", count(minutes + 1, "minute")),
        (0, _) => format!("over about {}", count(minutes / 60 + 1, "hour")),
        (hours, _) => format!("over about {}", count(hours, "hour")),
    };
    format!("In {}, {time}", count(batches + alone, "request"))
}

/// The prefixes of the kinds with this property that are among the tokens.
fn prefixes(impact: &Impact, has: fn(Kind) -> bool) -> Vec<&'static str> {
    impact.kinds.keys().filter(|kind| has(**kind)).map(|kind| kind.prefix()).collect()
}

/// `gho_, ghu_ and ghr_`.
fn listed(prefixes: &[&str]) -> String {
    match prefixes {
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        prefixes => prefixes.concat(),
    }
}

/// What is done with a token in this state.
fn action(state: State, act: Act) -> String {
    match state {
        State::Own => "your own".to_owned(),
        State::Held => "held back".to_owned(),
        State::Unsupported => "unsupported".to_owned(),
        _ => format!("to be {}", act.done()),
    }
}

fn describe(finding: &Finding) -> String {
    let (token, confidence) = (finding.token.redacted(), finding.confidence.as_str());
    match finding.locations.first() {
        Some(first) => format!("{token}  {confidence}  {}", printable(&place_in_a_line(first))),
        None => format!("{token}  {confidence}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn impact(found_now: u64, kinds: &[(Kind, u64)]) -> Impact {
        let all = Impact::of_queue(kinds.iter().copied().collect());
        Impact { found_now, waiting: all.waiting - found_now, ..all }
    }

    #[test]
    fn what_was_found_and_what_waits_are_told_apart() {
        let kinds = [(Kind::pat(), 876), (Kind::oauth(), 1)];
        assert_eq!(
            headline(&impact(877, &kinds), "github.com"),
            "877 tokens for github.com: 876 ghp_, 1 gho_"
        );
        assert_eq!(
            headline(&impact(1, &kinds), "github.com"),
            "877 tokens for github.com: 1 found now, 876 queued by earlier runs (876 ghp_, 1 gho_)"
        );
        assert_eq!(
            headline(&impact(0, &[(Kind::pat(), 1200)]), "h"),
            "1,200 tokens for h: 1,200 queued by earlier runs (1,200 ghp_)"
        );
    }

    #[test]
    fn consequences_are_short_lines() {
        let mut of = impact(2, &[(Kind::pat(), 3), (Kind::fine_grained_pat(), 2), (Kind::refresh(), 1)]);
        of.owners.extend([1, 2]);
        let lines = consequences(&of, "github.com");
        assert_eq!(lines[1], "The github_pat_ found now have 2 owners; the others do not tell theirs.");
        assert!(lines[3].starts_with("Each ghr_ (1) ends"), "{lines:?}");
        assert!(lines[1..].iter().all(|line| line.len() <= 80), "{lines:?}");
    }

    #[test]
    fn the_question_is_two_lines() {
        let pace =
            Pace { max_batch: 1000, per_hour: 60, free: 60, self_interval: Duration::from_millis(334) };
        let of = impact(1, &[(Kind::pat(), 5), (Kind::oauth(), 1), (Kind::refresh(), 1)]);
        let lines = question(&of, "github.com", pace);
        assert_eq!(
            lines[1],
            "In 1 request, within a minute. It cannot be undone; gho_ and ghr_ end a whole app authorization."
        );
        assert_eq!(lines.len(), 2);
        let many = impact(0, &[(Kind::pat(), 100_000)]);
        assert_eq!(question(&many, "h", pace)[1], "In 100 requests, over about 1 hour. It cannot be undone.");
        let used = Pace { free: 0, ..pace };
        let lines = question(&impact(1, &[(Kind::oauth(), 1)]), "h", used);
        assert_eq!(
            lines[1],
            "In 1 request, over about 1 hour. It cannot be undone; gho_ ends a whole app authorization."
        );
        let alone = impact(1, &[(Kind::app_installation(), 900)]);
        assert_eq!(duration(&alone, pace), "In 900 requests, over about 6 minutes");
    }

    #[test]
    fn who_queues_is_told_that_somebody_else_sends() {
        let lines = question_to_queue(&impact(1, &[(Kind::refresh(), 1)]), "h");
        assert_eq!(
            lines[1],
            "Queued for a `stanch serve`, which sends them. It cannot be undone; ghr_ ends a whole app authorization."
        );
        assert_eq!(lines.len(), 2);
        assert_eq!(
            (action(State::Queued, Act::Queue), action(State::Own, Act::Queue)),
            ("to be queued".into(), "your own".into())
        );
    }

    #[test]
    fn many_tokens_want_their_number_typed() {
        assert_eq!(prompt(Act::Send, 1000), "Send them? [y/N]");
        assert_eq!(prompt(Act::Queue, 1000), "Queue them? [y/N]");
        assert!(is_yes("y", 1000) && is_yes("YES", 1) && !is_yes("1000", 1000) && !is_yes("", 1));
        assert_eq!(prompt(Act::Send, 1001), "To send them, type their number (1001):");
        assert_eq!(prompt(Act::Queue, 1001), "To queue them, type their number (1001):");
        assert!(is_yes("1001", 1001) && is_yes("1,001", 1001));
        assert!(!is_yes("y", 1001) && !is_yes("yes", 1001) && !is_yes("1000", 1001) && !is_yes("", 1001));
    }
}
