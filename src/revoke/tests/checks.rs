//! Tokens that revoke themselves, and liveness checks.

use super::*;

const SURE: Confidence = Confidence::Certain;

fn ghs(number: u32) -> Fingerprint {
    token(Kind::app_installation(), number).fingerprint()
}

#[test]
fn installation_tokens_revoke_themselves_and_take_no_slot() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue(Kind::app_installation(), 0..3, SURE)?;
    fixture.queue_pats(0..5)?;
    let server = Server::taking(&fixture.clock).self_revoking(|arrived| {
        if arrived.tokens[0] == ghs(1) {
            response(Outcome::Accepted, 401)
        } else {
            response(Outcome::Accepted, 204)
        }
    });
    let outcome = fixture.run(&server, &options())?;
    assert_eq!((outcome.end, outcome.waiting()), (EndReason::Done, 0));
    assert_eq!(server.requests(), 1);
    assert_eq!(server.ended.borrow().len(), 3);
    assert!(server.arrived.borrow()[0].tokens.iter().all(|token| *token != ghs(0)), "one went into a batch");
    assert_eq!((fixture.state(ghs(0))?, fixture.state(ghs(1))?), (State::Accepted, State::Dead));
    assert_eq!(outcome.host_status.requests_last_hour, 1);
    let ended = server.ended.borrow();
    assert!(
        ended.windows(2).all(|pair| pair[1].at.duration_since(pair[0].at).as_millis() >= 334),
        "not paced"
    );
    assert_eq!(fixture.trail()?.matches("\"call\":\"end-installation\"").count(), 3);
    assert!(!fixture.ledger.attempts(HOST, &ghs(2))?.is_empty());
    Ok(())
}

#[test]
fn one_installation_token_that_fails_does_not_hold_up_the_others() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue(Kind::app_installation(), 0..4, SURE)?;
    let server = Server::taking(&fixture.clock).self_revoking(|arrived| match arrived.tokens[0] {
        token if token == ghs(0) => response(Outcome::Denied, 403),
        token if token == ghs(1) => response(Outcome::Unknown, 0),
        _ => response(Outcome::Accepted, 204),
    });
    let outcome = fixture.run(&server, &options())?;
    assert_eq!((outcome.counts.accepted, outcome.waiting()), (2, 2));
    assert_eq!((fixture.state(ghs(0))?, fixture.state(ghs(1))?), (State::Queued, State::Sent));
    // One for the denied one, five for the silent one, two for the others.
    assert_eq!(server.ended.borrow().len(), 8);
    // A way that is blocked is not tried for every token.
    let fixture = Fixture::new()?;
    fixture.queue(Kind::app_installation(), 0..50, SURE)?;
    let server = Server::taking(&fixture.clock).self_revoking(|_| response(Outcome::Unknown, 0));
    assert_eq!(fixture.run(&server, &options())?.end, EndReason::Trouble);
    assert_eq!(server.ended.borrow().len(), 15);
    Ok(())
}

#[test]
fn installation_tokens_have_their_turn_while_the_hour_is_full() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..61_000)?;
    fixture.queue(Kind::app_installation(), 0..2, SURE)?;
    let server = Server::taking(&fixture.clock);
    let outcome = fixture.run(&server, &options())?;
    assert_eq!((outcome.end, outcome.waiting()), (EndReason::Later(WaitReason::Quota), 1000));
    assert_eq!(server.ended.borrow().len(), 2);
    Ok(())
}

#[test]
fn dead_tokens_are_not_sent_when_checked_first() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..20)?;
    fixture.queue(Kind::refresh(), 0..2, SURE)?;
    let dead: Vec<Fingerprint> = (0..20).step_by(2).map(pat).collect();
    let server = Server::taking(&fixture.clock)
        .lives(|token| if dead.contains(&token.fingerprint()) { Liveness::Dead } else { ALIVE });
    let verify = Options { verify: true, ..options() };
    let outcome = fixture.run(&server, &verify)?;
    assert_eq!((outcome.counts.dead, outcome.counts.accepted), (10, 12));
    assert_eq!((fixture.state(pat(0))?, fixture.state(pat(1))?), (State::Dead, State::Accepted));
    assert!(server.times().keys().all(|token| !dead.contains(token)));
    // One question each, none about refresh tokens, and none on the quota.
    assert_eq!(server.asked.borrow().len(), 20);
    assert_eq!(outcome.host_status.requests_last_hour, 1);
    // Without the option nothing is checked.
    fixture.queue_pats(30..40)?;
    fixture.run(&server, &options())?;
    assert_eq!(server.asked.borrow().len(), 20);
    Ok(())
}

/// After the revocation nobody can ask again.
#[test]
fn what_a_living_token_tells_is_kept_and_written_once() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..120)?;
    let end = fixture.clock.now().checked_add(Duration::from_hours(24))?;
    let grants = Grants { scopes: Some(vec!["repo".to_owned()]), expires_at: Some(end) };
    let server = Server::new(&fixture.clock, |_| response(Outcome::Denied, 403)).lives(|token| {
        if token.fingerprint() == pat(0) { Liveness::Dead } else { Liveness::Alive(grants.clone()) }
    });
    let verify = Options { verify: true, ..options() };
    fixture.run(&server, &verify)?;
    let kept =
        |number| Ok::<_, LedgerError>(fixture.ledger.token(HOST, &pat(number))?.and_then(|row| row.grants));
    assert_eq!((kept(0)?, kept(1)?, kept(119)?), (None, Some(grants.clone()), Some(grants.clone())));
    let records = fixture.trail()?.matches("\"event\":\"alive\"").count();
    // The next run asks again, and hears the same.
    fixture.run(&server, &verify)?;
    assert_eq!(fixture.trail()?.matches("\"event\":\"alive\"").count(), records);
    assert!(server.asked.borrow().len() > 200, "asked once only");
    Ok(())
}

/// Nothing goes in an interrupted run, and so nothing goes unasked.
#[test]
fn an_interrupted_check_counts_nothing_as_sent_unasked() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..10)?;
    let server = Server::taking(&fixture.clock).lives(|_| {
        fixture.cancel.cancel();
        ALIVE
    });
    let outcome = fixture.run(&server, &Options { verify: true, ..options() })?;
    assert_eq!((outcome.end, outcome.unverified, outcome.waiting()), (EndReason::Interrupted, 0, 10));
    Ok(())
}

#[test]
fn nothing_is_checked_while_nothing_can_be_sent() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..60_500)?;
    let server = Server::taking(&fixture.clock);
    fixture.run(&server, &options())?;
    let verify = Options { verify: true, ..options() };
    let outcome = fixture.run(&server, &verify)?;
    assert_eq!((outcome.end, server.asked.borrow().len()), (EndReason::Later(WaitReason::Quota), 0));
    fixture.clock.advance(Duration::from_hours(1));
    let outcome = fixture.run(&server, &verify)?;
    assert_eq!((outcome.end, server.asked.borrow().len()), (EndReason::Done, 500));
    Ok(())
}

#[test]
fn accepted_tokens_are_checked_until_they_are_dead() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..4)?;
    fixture.queue(Kind::refresh(), 0..1, SURE)?;
    let mut questions = 0;
    let server = Server::taking(&fixture.clock).lives(|token| {
        questions += 1;
        // The first round finds all alive, and one of them stays so.
        if questions <= 4 || token.fingerprint() == pat(3) { ALIVE } else { Liveness::Dead }
    });
    let confirm = Options { confirm: true, ..options() };
    let outcome = fixture.run(&server, &confirm)?;
    assert_eq!(
        (outcome.end, outcome.counts.confirmed, outcome.host_status.confirmed),
        (EndReason::Done, 3, 3)
    );
    assert_eq!((fixture.state(pat(0))?, fixture.state(pat(3))?), (State::Confirmed, State::Accepted));
    assert!(!server.asked.borrow().contains(&token(Kind::refresh(), 0).fingerprint()));
    // The one that lives is told, and the one that cannot be asked about.
    assert_eq!((outcome.still_alive, outcome.unconfirmed), (1, 1));
    // Four, four, then the one that lives, four times more.
    assert_eq!(server.asked.borrow().len(), 12);
    Ok(())
}

#[test]
fn checks_that_prove_nothing_end_soon() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..100)?;
    let server = Server::taking(&fixture.clock).lives(|_| Liveness::Unknown);
    let both = Options { verify: true, confirm: true, ..options() };
    let outcome = fixture.run(&server, &both)?;
    assert_eq!((outcome.end, outcome.counts.accepted, outcome.counts.confirmed), (EndReason::Done, 100, 0));
    assert_eq!(server.asked.borrow().len(), 10);
    assert_eq!((outcome.unverified, outcome.still_alive, outcome.unconfirmed), (100, 0, 100));
    Ok(())
}

/// A limit with a time, one without, and words that nobody here knows.
#[test]
fn a_limit_stops_all_installation_tokens_and_outlives_the_run() -> Checked {
    let hour = RateLimit { retry_after: Some(Duration::from_hours(1)), ..RateLimit::default() };
    for (outcome, limit, asked, wait) in [
        (Outcome::SecondaryLimit, hour, 1, 3600),
        (Outcome::PrimaryLimit, RateLimit::default(), 1, 60),
        (Outcome::Denied, RateLimit::default(), 5, 60),
    ] {
        let fixture = Fixture::new()?;
        fixture.queue(Kind::app_installation(), 0..20, SURE)?;
        fixture.queue_pats(0..5)?;
        let server = Server::taking(&fixture.clock)
            .self_revoking(|_| RevokeResponse { limit, ..response(outcome, 403) });
        let ended = fixture.run(&server, &options())?;
        assert_ne!(ended.end, EndReason::Done);
        assert_eq!((ended.counts.accepted, ended.waiting()), (5, 20), "batches have limits of their own");
        assert_eq!(server.ended.borrow().len(), asked, "{outcome:?}");
        fixture.clock.advance(Duration::from_secs(wait - 1));
        let ended = fixture.run(&server, &options())?;
        assert_eq!(server.ended.borrow().len(), asked, "{outcome:?} in the next run");
        assert_eq!(ended.end, EndReason::Later(WaitReason::Server));
        assert!(ended.self_revoking_at.is_some());
        fixture.clock.advance(Duration::from_secs(1));
        let server = Server::taking(&fixture.clock);
        let ended = fixture.run(&server, &options())?;
        assert_eq!((ended.end, ended.counts.self_revoked), (EndReason::Done, 20));
    }
    Ok(())
}

/// Five at once take up the time of five, so that no minute holds more; a round trip takes nothing from the pace.
#[test]
fn installation_tokens_go_some_at_once_and_no_faster() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue(Kind::app_installation(), 0..52, SURE)?;
    let server = Server { parallel: 5, ..Server::taking(&fixture.clock) };
    let outcome = fixture.run(&server, &options())?;
    assert_eq!((outcome.end, outcome.counts.self_revoked), (EndReason::Done, 52));
    let ended = server.ended.borrow();
    let apart = |from: &Arrived, to: &Arrived| to.at.duration_since(from.at).as_millis();
    assert!(
        ended.windows(6).all(|six| apart(&six[0], &six[5]) >= 5 * 334),
        "faster than one after the other"
    );
    let took = apart(&ended[0], &ended[51]);
    assert!(took < 12 * 5 * 334, "{took} ms");
    // The first one goes alone: what it meets, the others would meet, too.
    assert!(apart(&ended[0], &ended[1]) > 0 && apart(&ended[1], &ended[5]) == 0, "{ended:?}");
    Ok(())
}

/// Five that meet a limit together meet one: the next wait without a time is twice as long, not thirty-two times.
#[test]
fn a_limit_that_several_meet_at_once_is_one() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue(Kind::app_installation(), 0..50, SURE)?;
    for (wait, accepted) in [(60, 2), (60, 4), (60, 6)] {
        let mut requests = 0;
        let server = Server::taking(&fixture.clock).self_revoking(|_| {
            requests += 1;
            if requests > 2 {
                response(Outcome::SecondaryLimit, 429)
            } else {
                response(Outcome::Accepted, 204)
            }
        });
        let server = Server { parallel: 5, ..server };
        let outcome = fixture.run(&server, &options())?;
        assert_eq!(outcome.end, EndReason::Later(WaitReason::Server));
        assert_eq!(outcome.host_status.accepted, accepted);
        assert_eq!(server.ended.borrow().len(), 6, "it goes on after a limit");
        let at = outcome.self_revoking_at.ok_or("no time")?;
        let held = at.duration_since(fixture.clock.now()).as_secs();
        assert!((wait - 1..=2 * wait).contains(&held), "{held} s");
        fixture.clock.advance(Duration::from_secs(121));
    }
    Ok(())
}

/// A server that is away is not asked for every token, however many may go at once.
#[test]
fn trouble_with_several_at_once_ends_as_soon() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue(Kind::app_installation(), 0..500, SURE)?;
    let server = Server::taking(&fixture.clock).self_revoking(|_| response(Outcome::Unknown, 0));
    let server = Server { parallel: 5, ..server };
    let outcome = fixture.run(&server, &options())?;
    assert_eq!((outcome.end, outcome.waiting()), (EndReason::Trouble, 500));
    assert_eq!(server.ended.borrow().len(), 15, "one token at a time, five times each");
    Ok(())
}

#[test]
fn a_patient_run_waits_for_a_limit_of_installation_tokens() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue(Kind::app_installation(), 0..200, SURE)?;
    let mut requests = 0;
    let server = Server::taking(&fixture.clock).self_revoking(|_| {
        requests += 1;
        if requests == 100 {
            response(Outcome::SecondaryLimit, 429)
        } else {
            response(Outcome::Accepted, 204)
        }
    });
    let begin = fixture.clock.now();
    let outcome = fixture.run(&server, &patient())?;
    assert_eq!((outcome.end, outcome.counts.self_revoked), (EndReason::Done, 200));
    // A minute for the limit, and a third of a second for each.
    let took = fixture.clock.now().duration_since(begin).as_secs();
    assert!((120..=130).contains(&took), "{took} s");
    Ok(())
}
