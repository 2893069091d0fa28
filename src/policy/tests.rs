use std::sync::Arc;

use smallvec::SmallVec;

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
        owner_login: None,
        suppressed: None,
        revocation: None,
        locations: SmallVec::new(),
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
    known: &'a dyn Fn(Fingerprint) -> Option<Known>,
) -> PolicyContext<'a> {
    PolicyContext { counted: Confidence::Likely, kinds, own, doubtful: &|_| false, known }
}

/// A plan where nothing waits.
fn plan_of<'a>(findings: &'a [Finding], policy: &Policy, context: &PolicyContext<'_>) -> Plan<'a> {
    Plan::new(findings, policy, context, BTreeMap::new())
}

fn states(plan: &Plan<'_>) -> Vec<State> {
    plan.choices.iter().map(|choice| choice.state).collect()
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
    let plan = plan_of(&findings, &policy, &context(&few(), &own, &|_| None));
    assert_eq!(states(&plan), [State::Queued, State::Held, State::Unsupported, State::Queued, State::Own]);
    let policy = Policy { least: Likely, allow_own: true, most: None };
    let plan = plan_of(&findings, &policy, &context(&few(), &own, &|_| None));
    assert_eq!(
        states(&plan),
        [State::Queued, State::Queued, State::Unsupported, State::Queued, State::Unsupported]
    );
    // What does not count is left out.
    let plan =
        plan_of(&findings, &policy, &PolicyContext { counted: Certain, ..context(&few(), &own, &|_| None) });
    assert_eq!(plan.choices.len(), 3);
}

/// Known to wait, or to be in another state; where the decision allowed one's own credentials, `own_allowed`.
fn known(state: State, own_allowed: bool) -> Known {
    Known { state, own_allowed }
}

#[test]
fn only_what_was_accepted_is_done() {
    let findings = State::ALL.map(|state| finding(Kind::pat(), state as u32, Confidence::Certain));
    let of = |fingerprint| {
        let at = findings.iter().position(|finding| finding.token.fingerprint() == fingerprint);
        at.map(|at| known(State::ALL[at], false))
    };
    let plan = plan_of(&findings, &Policy::default(), &context(&few(), &|_| false, &of));
    assert_eq!((plan.done, states(&plan)), (2, vec![State::Queued; 8]));
    let waits = plan.choices.iter().filter(|choice| choice.waits);
    let waiting: Vec<Option<State>> =
        waits.map(|choice| of(choice.finding.token.fingerprint()).map(|known| known.state)).collect();
    assert_eq!(waiting, [Some(State::Queued), Some(State::Sent)]);
}

#[test]
fn ones_own_token_leaves_the_queue_only_where_both_decisions_allow_it() {
    let findings = [finding(Kind::pat(), 1, Confidence::Certain)];
    for (now, then, chosen, waits) in [
        (false, false, State::Own, false),
        (false, true, State::Own, false),
        // Queued anew, under this run's decision.
        (true, false, State::Queued, false),
        (true, true, State::Queued, true),
    ] {
        let policy = Policy { allow_own: now, ..Policy::default() };
        let of = |_| Some(known(State::Queued, then));
        let plan = plan_of(&findings, &policy, &context(&few(), &|_| true, &of));
        let choice = plan.choices[0];
        assert_eq!((choice.state, choice.waits), (chosen, waits), "{now} {then}");
    }
}

#[test]
fn what_waits_leaves_with_what_was_found() {
    let findings = [0, 1].map(|number| finding(Kind::pat(), number, Confidence::Certain));
    let first = findings[0].token.fingerprint();
    let of = |fingerprint| (fingerprint == first).then_some(known(State::Queued, false));
    let waiting = || BTreeMap::from([(Kind::pat(), 5), (Kind::oauth(), 7), (Kind::app_installation(), 1)]);
    let kinds = few();
    let plan = Plan::new(&findings, &Policy::default(), &context(&kinds, &|_| false, &of), waiting());
    let impact = plan.impact();
    // This host takes no gho_, and the first one found is among those that wait.
    assert_eq!((impact.found_now, impact.waiting, impact.tokens()), (1, 6, 7));
    assert_eq!(impact.kinds, BTreeMap::from([(Kind::pat(), 6), (Kind::app_installation(), 1)]));
    let found = [0, 1, 2].map(|number| finding(Kind::pat(), number, Confidence::Certain));
    let plan = Plan::new(&found, &Policy::default(), &context(&kinds, &|_| false, &of), waiting());
    assert_eq!((plan.impact().found_now, plan.impact().waiting), (2, 6));
    assert_eq!(plan.waited().collect::<Vec<_>>(), [first]);
    // Nothing of this run's to send: the queue stays.
    let plan = Plan::new(&[], &Policy::default(), &context(&kinds, &|_| false, &of), waiting());
    assert_eq!(plan.impact(), Impact::default());
}

#[test]
fn suppressed_tokens_are_counted_and_never_sent() {
    let mut findings = [
        finding(Kind::pat(), 0, Confidence::Certain),
        finding(Kind::pat(), 1, Confidence::Lookalike),
        // Nobody revokes these.
        finding(Kind::OTHER, 2, Confidence::Certain),
        finding(Kind::oauth(), 3, Confidence::Likely),
        finding(Kind::pat(), 4, Confidence::Certain),
    ];
    // The last one is not suppressed.
    for finding in &mut findings[..4] {
        let (kind, set_by) = (SuppressionKind::Baseline, SetBy::User);
        let suppression = Suppression { kind, set_by, detail: Arc::from("known before") };
        finding.suppressed = Some(Box::new(suppression));
    }
    let plan = plan_of(&findings, &Policy::default(), &context(&few(), &|_| false, &|_| None));
    assert_eq!((suppressed(&findings, Confidence::Likely), plan.choices.len()), (2, 1));
    assert_eq!(suppressed(&findings, Confidence::Certain), 1);
}

#[test]
fn the_cap_is_a_refusal_of_everything() {
    let policy = Policy { most: Some(3), ..Policy::default() };
    assert_eq!(policy.allow(1, 2), Ok(()));
    assert_eq!(policy.allow(1, 3), Err(TooMany { would: 4, waiting: 3, most: 3 }));
    assert_eq!(Policy::default().allow(u64::MAX, 0), Ok(()));
    let many = TooMany { would: 1100, waiting: 1099, most: 1000 }.to_string();
    let said =
        "1,100 tokens would be sent (1,099 of them queued by earlier runs), and --max-revoke allows 1,000:";
    assert!(many.starts_with(said), "{many}");
    let message = |waiting| TooMany { would: 4, waiting, most: 3 }.to_string();
    assert!(message(0).starts_with("4 tokens would be sent, and --max-revoke allows 3: nothing was sent"));
    assert!(message(3).starts_with("4 tokens would be sent (3 of them queued by earlier runs), and"));
}

#[test]
fn a_plan_changes_what_is_queued_or_set_aside_anew() {
    let findings = [finding(Kind::pat(), 0, Confidence::Likely)];
    let changes = |least, before: Option<State>| {
        let policy = Policy { least, ..Policy::default() };
        let of = |_| before.map(|state| known(state, false));
        plan_of(&findings, &policy, &context(&few(), &|_| false, &of)).changes_anything()
    };
    // Held: written down once.
    assert!(changes(Confidence::Certain, None));
    assert!(changes(Confidence::Certain, Some(State::Own)));
    assert!(!changes(Confidence::Certain, Some(State::Held)));
    // Queued: sent, whether it waited before or not.
    assert!(changes(Confidence::Likely, None));
    assert!(changes(Confidence::Likely, Some(State::Queued)));
    // Accepted: nothing is left to do.
    assert!(!changes(Confidence::Likely, Some(State::Accepted)));
}

#[test]
fn an_impact_counts_tokens_by_a_property_of_their_kind() {
    let impact = Impact::of_queue(BTreeMap::from([(Kind::pat(), 5), (Kind::oauth(), 7)]));
    assert_eq!((impact.waiting, impact.found_now), (12, 0));
    assert_eq!(impact.count(|kind| kind == Kind::oauth()), 7);
    assert_eq!(impact.count(|_| true), 12);
    assert_eq!(impact.count(|_| false), 0);
}
