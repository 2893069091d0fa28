//! What is looked at once more as it is opened, and runs that end so that the next batch can fill.

use super::*;
use crate::ledger::TokenRecord;

/// Sets aside the tokens with these numbers.
struct Aside(Vec<(u32, State)>);

impl Screen for Aside {
    fn sets_aside(&self, token: &Token, record: &TokenRecord) -> Option<(State, &'static str)> {
        assert_eq!(record.location, "a/file:1", "the record of the token");
        let (_, state) = self.0.iter().find(|(number, _)| pat(*number) == token.fingerprint())?;
        Some((*state, "a test"))
    }
}

#[test]
fn what_is_set_aside_as_it_is_opened_does_not_leave() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..5)?;
    let server = Server::new(&fixture.clock, |_| response(Outcome::Accepted, 202));
    let screen = Aside(vec![(1, State::Held), (2, State::Own), (4, State::Withdrawn)]);
    let outcome = fixture.run_screened(&server, &options(), Some(&screen))?;
    assert_eq!((outcome.end, outcome.counts.accepted, outcome.counts.set_aside), (EndReason::Done, 2, 3));
    let arrived = server.arrived.borrow();
    assert_eq!(arrived.len(), 1);
    let mut sent = arrived[0].tokens.clone();
    sent.sort();
    let mut expected = vec![pat(0), pat(3)];
    expected.sort();
    assert_eq!(sent, expected);
    for (number, state) in [(0, State::Accepted), (1, State::Held), (2, State::Own), (4, State::Withdrawn)] {
        assert_eq!(fixture.state(pat(number))?, state, "{number}");
    }
    assert!(fixture.trail()?.contains("a test"), "the trail says why");
    Ok(())
}

#[test]
fn a_batch_of_which_nothing_is_left_takes_no_slot() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..3)?;
    let server = Server::new(&fixture.clock, |_| response(Outcome::Accepted, 202));
    let screen = Aside((0..3).map(|number| (number, State::Held)).collect());
    let outcome = fixture.run_screened(&server, &options(), Some(&screen))?;
    assert_eq!((outcome.end, outcome.counts.set_aside), (EndReason::Done, 3));
    assert!(server.arrived.borrow().is_empty());
    assert_eq!(outcome.host_status.requests_last_hour, 0);
    Ok(())
}

#[test]
fn a_run_ends_after_as_many_batches_as_it_was_given() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..2500)?;
    let server = Server::new(&fixture.clock, |_| response(Outcome::Accepted, 202));
    let outcome = fixture.run(&server, &Options { max_batches: Some(2), ..patient() })?;
    assert_eq!((outcome.end, outcome.counts.accepted, outcome.waiting()), (EndReason::Done, 2000, 500));
    assert_eq!(server.arrived.borrow().len(), 2);
    // One that was not answered is no batch that was sent: it is tried again.
    let mut answers = vec![Outcome::Accepted, Outcome::Trouble];
    let server = Server::new(&fixture.clock, |_| response(answers.pop().unwrap_or(Outcome::Unknown), 500));
    let outcome = fixture.run(&server, &Options { max_batches: Some(1), ..patient() })?;
    assert_eq!((outcome.end, outcome.waiting(), server.arrived.borrow().len()), (EndReason::Done, 0, 2));
    Ok(())
}
