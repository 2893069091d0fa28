//! Tokens on which a server fails, and servers that fail on everything.

use super::*;

/// Fails as `response` says on every batch that holds this token.
fn choking(clock: &FakeClock, poison: Fingerprint, failure: RevokeResponse) -> Server<'_> {
    Server::new(clock, move |arrived| {
        if arrived.tokens.contains(&poison) { failure.clone() } else { response(Outcome::Accepted, 202) }
    })
}

fn failures() -> [RevokeResponse; 6] {
    [
        response(Outcome::Trouble, 500),
        response(Outcome::Trouble, 502),
        response(Outcome::Denied, 400),
        response(Outcome::Denied, 409),
        response(Outcome::Denied, 413),
        RevokeResponse { status: None, ..response(Outcome::Unknown, 0) },
    ]
}

#[test]
fn a_token_the_server_fails_on_keeps_no_others_from_being_sent() -> Checked {
    for (number, failure) in failures().into_iter().enumerate() {
        let fixture = Fixture::new()?;
        fixture.queue_pats(0..3000)?;
        let mut tokens: Vec<Fingerprint> = (0..3000).map(pat).collect();
        tokens.sort();
        let poison = tokens[number * 199];
        let server = choking(&fixture.clock, poison, failure.clone());
        let outcome = fixture.run(&server, &options())?;
        let (accepted, waiting) = (outcome.host_status.accepted, outcome.waiting());
        assert_eq!((accepted, waiting), (2999, 1), "{failure:?}: {:?}", outcome.end);
        assert!(server.requests() <= 40, "{failure:?}: {} requests", server.requests());
        assert!(fixture.state(poison)?.pending());
        // It does not stand in the way of what comes later.
        fixture.clock.advance(Duration::from_hours(2));
        fixture.queue_pats(3000..3100)?;
        let outcome = fixture.run(&server, &options())?;
        assert_eq!((outcome.host_status.accepted, outcome.waiting()), (3099, 1), "{failure:?}");
    }
    Ok(())
}

#[test]
fn the_only_batch_is_halved_in_the_second_run() -> Checked {
    for failure in failures() {
        let fixture = Fixture::new()?;
        fixture.queue_pats(0..64)?;
        let server = choking(&fixture.clock, pat(17), failure.clone());
        for _ in 0..3 {
            fixture.run(&server, &options())?;
            fixture.clock.advance(Duration::from_hours(2));
        }
        let outcome = fixture.run(&server, &options())?;
        assert_eq!((outcome.host_status.accepted, outcome.waiting()), (63, 1), "{failure:?}");
    }
    Ok(())
}

#[test]
fn where_every_failure_costs_a_cool_down_the_search_goes_on_run_by_run() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..64)?;
    let server = choking(&fixture.clock, pat(17), response(Outcome::Spammed, 422));
    let mut runs = 0;
    while fixture.run(&server, &options())?.waiting() > 1 {
        runs += 1;
        assert!(runs < 24, "it takes more than a day of runs");
        fixture.clock.advance(Duration::from_hours(5));
    }
    Ok(())
}

#[test]
fn a_server_that_is_down_for_a_day_gets_few_requests_and_whole_batches() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..3000)?;
    let server = Server::new(&fixture.clock, |_| response(Outcome::Trouble, 503));
    for _ in 0..14 {
        let outcome = fixture.run(&server, &patient())?;
        assert_eq!((outcome.end, outcome.counts.requests, outcome.waiting()), (EndReason::Trouble, 5, 3000));
        fixture.clock.advance(Duration::from_hours(2));
    }
    let server = Server::taking(&fixture.clock);
    assert_eq!(fixture.run(&server, &options())?.end, EndReason::Done);
    // One batch was halved down to single tokens, the others are whole.
    assert!(server.requests() <= 2 + 12, "{} requests", server.requests());
    Ok(())
}

#[test]
fn a_limit_of_the_length_leads_to_shorter_requests() -> Checked {
    for longest in [700, 120, 1] {
        let fixture = Fixture::new()?;
        let count = if longest == 1 { 20 } else { 3000 };
        fixture.queue_pats(0..count)?;
        let server = Server::new(&fixture.clock, |arrived| {
            let fits = arrived.tokens.len() <= longest;
            if fits { response(Outcome::Accepted, 202) } else { response(Outcome::Denied, 413) }
        });
        let outcome = fixture.run(&server, &patient())?;
        assert_eq!((outcome.end, outcome.waiting()), (EndReason::Done, 0), "{longest}");
        let too_long =
            server.arrived.borrow().iter().filter(|request| request.tokens.len() > longest).count();
        assert!(too_long <= 5, "{longest}: {too_long} requests in vain");
    }
    Ok(())
}
