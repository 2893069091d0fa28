use std::sync::Arc;

use super::*;
use crate::finding::{SetBy, Suppression, SuppressionKind};
use crate::token::Token;

fn finding(kind: Kind, number: u32, confidence: Confidence) -> Finding {
    let text = [kind.prefix(), &Fingerprint::of(&number.to_le_bytes()).hex()].concat();
    Finding {
        rule: Arc::from(kind.rule_id()),
        token: Token::new(kind, text.as_bytes()),
        confidence,
        reason: "",
        owner_id: (kind == Kind::fine_grained_pat()).then_some(number % 2),
        suppressed: None,
        revocation: None,
        locations: Vec::new(),
        more_locations: 0,
        more_unsuppressed: false,
    }
}

/// A host that takes few kinds.
fn few() -> [Kind; 3] {
    [Kind::pat(), Kind::fine_grained_pat(), Kind::app_installation()]
}

fn context<'a>(
    kinds: &'a [Kind],
    own: &'a dyn Fn(Fingerprint) -> bool,
    known: &'a dyn Fn(Fingerprint) -> Option<State>,
) -> PolicyContext<'a> {
    PolicyContext { counted: Confidence::Likely, kinds, own, known }
}

fn states(plan: &Plan<'_>) -> Vec<State> {
    plan.choices.iter().map(|(_, state)| *state).collect()
}

#[test]
fn each_token_has_one_reason() {
    use Confidence::{Certain, Likely, Lookalike};
    let findings = [
        finding(Kind::pat(), 0, Certain),
        finding(Kind::pat(), 1, Likely),
        finding(Kind::oauth(), 2, Certain),
        finding(Kind::app_installation(), 3, Certain),
        finding(Kind::pat(), 4, Lookalike),
        finding(Kind::OTHER, 5, Certain),
        finding(Kind::oauth(), 6, Likely),
    ];
    let own = |fingerprint| fingerprint == findings[6].token.fingerprint();
    let policy = Policy::default();
    let plan = Plan::new(&findings, &policy, &context(&few(), &own, &|_| None));
    assert_eq!(states(&plan), [State::Queued, State::Held, State::Unsupported, State::Queued, State::Own]);
    let policy = Policy { least: Likely, allow_own: true, most: None };
    let plan = Plan::new(&findings, &policy, &context(&few(), &own, &|_| None));
    assert_eq!(
        states(&plan),
        [State::Queued, State::Queued, State::Unsupported, State::Queued, State::Unsupported]
    );
    // What does not count is left out.
    let plan = Plan::new(
        &findings,
        &policy,
        &PolicyContext { counted: Certain, ..context(&few(), &own, &|_| None) },
    );
    assert_eq!(plan.choices.len(), 3);
}

#[test]
fn what_an_earlier_run_did_is_not_done_again() {
    let findings = [0, 1, 2, 3].map(|number| finding(Kind::pat(), number, Confidence::Certain));
    let known = |fingerprint| {
        let at = findings.iter().position(|finding| finding.token.fingerprint() == fingerprint);
        at.and_then(|at| [Some(State::Accepted), Some(State::Sent), Some(State::Held), None][at])
    };
    // Even one's own: what waits was agreed to.
    let plan = Plan::new(&findings, &Policy::default(), &context(&few(), &|_| true, &known));
    assert_eq!((plan.done, states(&plan)), (1, vec![State::Queued, State::Own, State::Own]));
}

#[test]
fn suppressed_tokens_are_counted_and_never_sent() {
    let mut findings =
        [finding(Kind::pat(), 0, Confidence::Certain), finding(Kind::pat(), 1, Confidence::Lookalike)];
    for finding in &mut findings {
        let (kind, set_by) = (SuppressionKind::Baseline, SetBy::User);
        finding.suppressed = Some(Suppression { kind, set_by, detail: Arc::from("known before") });
    }
    let plan = Plan::new(&findings, &Policy::default(), &context(&few(), &|_| false, &|_| None));
    assert_eq!((suppressed(&findings, Confidence::Likely), plan.choices.len()), (1, 0));
}

#[test]
fn the_cap_is_a_refusal_of_everything() {
    let policy = Policy { most: Some(3), ..Policy::default() };
    assert_eq!(policy.allow(3), Ok(()));
    assert_eq!(policy.allow(4), Err(TooMany { would: 4, most: 3 }));
    assert_eq!(Policy::default().allow(u64::MAX), Ok(()));
}

#[test]
fn the_impact_is_described_in_short_lines() {
    let findings = [
        finding(Kind::pat(), 0, Confidence::Certain),
        finding(Kind::fine_grained_pat(), 1, Confidence::Certain),
        finding(Kind::fine_grained_pat(), 2, Confidence::Certain),
        finding(Kind::fine_grained_pat(), 3, Confidence::Certain),
        finding(Kind::refresh(), 4, Confidence::Certain),
    ];
    let kinds = Kind::github();
    let context = context(&kinds, &|_| false, &|_| None);
    let impact = Plan::new(&findings, &Policy::default(), &context).impact();
    let lines = impact.lines("github.com");
    assert_eq!(lines[0], "5 tokens for github.com: 1 ghp_, 3 github_pat_, 1 ghr_");
    assert_eq!(lines[1], "The github_pat_ among them have 2 owners; the others do not tell theirs.");
    assert!(lines[3].starts_with("Each gho_, ghu_ and ghr_ (1) ends"));
    assert!(lines.iter().all(|line| line.len() <= 80), "{lines:?}");
}
