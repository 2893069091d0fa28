//! What decides nothing: requests that never left, answers that trying again does not mend, kinds nobody promised.

use super::*;

#[test]
fn what_surely_never_left_takes_no_slot() -> Checked {
    for (outcome, tries) in [(Outcome::NotSent, 5), (Outcome::Blocked, 1)] {
        let fixture = Fixture::new()?;
        fixture.queue_pats(0..10)?;
        let tried = std::cell::Cell::new(0);
        let server = Server::new(&fixture.clock, |_| {
            tried.set(tried.get() + 1);
            RevokeResponse::without_status(outcome, "nothing".to_owned())
        });
        for _ in 0..30 {
            let ended = fixture.run(&server, &options())?;
            assert_eq!((ended.end, ended.counts.requests), (EndReason::Trouble, 0));
            assert_eq!(ended.host_status.requests_last_hour, 0);
            fixture.clock.advance(Duration::from_secs(1));
        }
        assert_eq!(tried.get(), 30 * tries, "{outcome:?}");
        assert_eq!(fixture.state(pat(1))?, State::Queued);
        let server = Server::taking(&fixture.clock);
        assert_eq!(fixture.run(&server, &options())?.counts.accepted, 10);
    }
    Ok(())
}

#[test]
fn what_trying_again_does_not_mend_is_tried_once() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..10)?;
    let server = Server::new(&fixture.clock, |_| response(Outcome::Unexpected, 302));
    let outcome = fixture.run(&server, &patient())?;
    assert_eq!((outcome.end, outcome.counts.requests, outcome.waiting()), (EndReason::Trouble, 1, 10));
    assert_eq!(outcome.message.as_deref(), Some("scripted 302"));
    Ok(())
}

#[test]
fn what_a_host_did_not_say_it_takes_is_neither_refused_nor_in_the_way() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..10)?;
    fixture.queue(Kind::oauth(), 0..10, Confidence::Certain)?;
    let oauth = token(Kind::oauth(), 0).fingerprint();
    // It takes none of them.
    let server = Server::new(&fixture.clock, |arrived| {
        let taken = !arrived.tokens.contains(&oauth);
        if taken { response(Outcome::Accepted, 202) } else { response(Outcome::Invalid, 422) }
    });
    let server = Server { undecided: vec![Kind::oauth(), Kind::app_user(), Kind::refresh()], ..server };
    let outcome = fixture.run(&server, &options())?;
    assert_eq!((outcome.end, outcome.counts.accepted, outcome.waiting()), (EndReason::Denied, 10, 10));
    assert_eq!((server.requests(), fixture.state(oauth)?), (2, State::Queued));
    // It takes them after all.
    let server = Server::taking(&fixture.clock);
    let server = Server { undecided: vec![Kind::oauth(), Kind::app_user(), Kind::refresh()], ..server };
    let outcome = fixture.run(&server, &options())?;
    assert_eq!((outcome.end, outcome.counts.accepted, outcome.waiting()), (EndReason::Done, 10, 0));
    Ok(())
}
