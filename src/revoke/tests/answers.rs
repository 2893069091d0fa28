//! What a run makes of every answer there is.

use super::*;

/// Invalid if any of these is in the batch.
fn refusing<'a>(clock: &'a FakeClock, bad: &'a [Fingerprint]) -> Server<'a> {
    Server::new(clock, |arrived| {
        let poisoned = arrived.tokens.iter().any(|token| bad.contains(token));
        if poisoned { response(Outcome::Invalid, 422) } else { response(Outcome::Accepted, 202) }
    })
}

#[test]
fn bad_entries_are_refused_and_the_rest_is_accepted() -> Checked {
    for bad in [vec![0], vec![999], vec![500], vec![3, 4], vec![7, 500, 993]] {
        let fixture = Fixture::new()?;
        fixture.queue_pats(0..1000)?;
        let poison: Vec<Fingerprint> = bad.iter().map(|number| pat(*number)).collect();
        let server = refusing(&fixture.clock, &poison);
        let outcome = fixture.run(&server, &options())?;
        assert_eq!(outcome.end, EndReason::Done, "{bad:?}");
        assert_eq!(
            (outcome.counts.refused, outcome.counts.accepted),
            (bad.len() as u64, 1000 - bad.len() as u64)
        );
        for token in &poison {
            assert_eq!(fixture.state(*token)?, State::Refused);
        }
        // The batch itself, and for each of them ten halvings with an answer for each half.
        assert!(server.requests() <= 1 + 20 * bad.len(), "{bad:?}: {} requests", server.requests());
        assert_eq!(outcome.host_status.requests_last_hour as usize, server.requests());
        // Found again, what was refused is queued again, and nothing else: the refusal may have been a misunderstanding.
        assert_eq!(fixture.queue_pats(0..1000)?.queued, bad.len() as u64);
    }
    Ok(())
}

#[test]
fn a_search_for_bad_entries_goes_on_where_a_dead_run_left_it() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..1000)?;
    let poison = [pat(123)];
    let cancel = &fixture.cancel;
    let mut requests = 0;
    let server = Server::new(&fixture.clock, |arrived| {
        requests += 1;
        if requests == 4 {
            cancel.cancel();
        }
        if arrived.tokens.contains(&poison[0]) {
            response(Outcome::Invalid, 422)
        } else {
            response(Outcome::Accepted, 202)
        }
    });
    assert_eq!(fixture.run(&server, &options())?.end, EndReason::Interrupted);
    let so_far = server.requests();
    assert_eq!(so_far, 4);
    fixture.cancel.reset();
    fixture.clock.advance(Duration::from_mins(1));
    let server = refusing(&fixture.clock, &poison);
    // Newcomers fill a batch of their own and are not drawn into it.
    fixture.queue_pats(1000..1010)?;
    let outcome = fixture.run(&server, &options())?;
    assert_eq!((outcome.end, outcome.counts.refused), (EndReason::Done, 1));
    assert!(server.arrived.borrow().iter().all(|request| request.tokens.len() < 500));
    assert!(so_far + server.requests() <= 21 + 1, "{} requests", server.requests());
    Ok(())
}

#[test]
fn clean_tokens_do_not_wait_for_poisoned_ones() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..1000)?;
    let poison: Vec<Fingerprint> = (0..1000).filter(|number| number % 10 == 0).map(pat).collect();
    let server = refusing(&fixture.clock, &poison);
    fixture.queue(Kind::fine_grained_pat(), 0..3000, Confidence::Likely)?;
    let outcome = fixture.run(&server, &options())?;
    // Far more halving than an hour allows, and the three thousand others were through before.
    assert_eq!(outcome.end, EndReason::Later(WaitReason::Quota));
    let sizes: Vec<usize> = server.arrived.borrow().iter().take(4).map(|r| r.tokens.len()).collect();
    assert_eq!(sizes, [1000; 4]);
    let done = fixture.run(&server, &patient())?;
    assert_eq!((done.end, done.host_status.refused, done.host_status.accepted), (EndReason::Done, 100, 3900));
    Ok(())
}

#[test]
fn spam_stops_the_run_and_cools_the_next_ones_down() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..2500)?;
    let mut requests = 0;
    let server = Server::new(&fixture.clock, |_| {
        requests += 1;
        if requests == 2 { response(Outcome::Spammed, 422) } else { response(Outcome::Accepted, 202) }
    });
    let outcome = fixture.run(&server, &options())?;
    assert_eq!((outcome.end, outcome.waiting()), (EndReason::Later(WaitReason::Server), 1500));
    assert_eq!(outcome.message.as_deref(), Some("scripted 422"));
    assert_eq!(fixture.run(&server, &options())?.counts.requests, 0);
    fixture.clock.advance(Duration::from_mins(14));
    assert_eq!(fixture.run(&server, &options())?.counts.requests, 0);
    fixture.clock.advance(Duration::from_mins(1));
    assert_eq!(fixture.run(&server, &options())?.end, EndReason::Done);
    assert_eq!(server.requests(), 4);
    Ok(())
}

#[test]
fn limits_are_believed_and_outlive_the_run() -> Checked {
    for (outcome, limit, wait) in [
        (
            Outcome::SecondaryLimit,
            RateLimit { retry_after: Some(Duration::from_secs(77)), ..RateLimit::default() },
            77,
        ),
        (Outcome::SecondaryLimit, RateLimit::default(), 60),
        (Outcome::PrimaryLimit, RateLimit::default(), 60),
    ] {
        let fixture = Fixture::new()?;
        fixture.queue_pats(0..10)?;
        let mut first = true;
        let server = Server::new(&fixture.clock, |_| {
            let limited = std::mem::take(&mut first);
            if limited {
                RevokeResponse { limit, ..response(outcome, 403) }
            } else {
                response(Outcome::Accepted, 202)
            }
        });
        assert_eq!(fixture.run(&server, &options())?.end, EndReason::Later(WaitReason::Server));
        assert_eq!(fixture.state(pat(1))?, State::Queued);
        fixture.clock.advance(Duration::from_secs(wait - 1));
        assert_eq!(fixture.run(&server, &options())?.counts.requests, 0, "{outcome:?} {wait}");
        fixture.clock.advance(Duration::from_secs(1));
        assert_eq!(fixture.run(&server, &options())?.counts.accepted, 10, "{outcome:?} {wait}");
    }
    Ok(())
}

#[test]
fn waits_grow_while_the_limit_stays() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..10)?;
    let mut left = 4;
    let server = Server::new(&fixture.clock, |_| {
        left -= 1;
        if left >= 0 { response(Outcome::SecondaryLimit, 429) } else { response(Outcome::Accepted, 202) }
    });
    assert_eq!(fixture.run(&server, &patient())?.end, EndReason::Done);
    let arrived = server.arrived.borrow();
    let waits: Vec<_> =
        arrived.windows(2).map(|pair| pair[1].at.duration_since(pair[0].at).as_secs()).collect();
    assert_eq!(waits, [60, 120, 240, 480]);
    Ok(())
}

#[test]
fn what_the_server_counts_tightens_what_we_count() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..10_000)?;
    // Another client behind the same address has used up most of it.
    let reset = fixture.clock.now().checked_add(Duration::from_mins(20))?;
    let clock = &fixture.clock;
    let mut remaining = 4;
    let server = Server::new(clock, |arrived| {
        if arrived.at > reset {
            return response(Outcome::Accepted, 202);
        }
        remaining -= 1;
        let limit =
            RateLimit { limit: Some(60), remaining: Some(remaining), reset: Some(reset), retry_after: None };
        RevokeResponse { limit, ..response(Outcome::Accepted, 202) }
    });
    let outcome = fixture.run(&server, &options())?;
    assert_eq!((outcome.end, outcome.counts.requests), (EndReason::Later(WaitReason::Server), 4));
    assert_eq!(outcome.host_status.next_slot, reset.checked_add(Duration::from_secs(1)).ok());
    fixture.clock.advance(Duration::from_mins(20));
    assert_eq!(fixture.run(&server, &options())?.counts.requests, 6);
    Ok(())
}

#[test]
fn a_denial_ends_the_run_and_keeps_everything() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..2000)?;
    let server = Server::new(&fixture.clock, |_| response(Outcome::Denied, 403));
    let outcome = fixture.run(&server, &patient())?;
    assert_eq!(
        (outcome.end, outcome.counts.requests, outcome.host_status.queued),
        (EndReason::Denied, 1, 2000)
    );
    assert_eq!(outcome.message.as_deref(), Some("scripted 403"));
    Ok(())
}

#[test]
fn trouble_and_lost_responses_are_tried_again_a_bounded_number_of_times() -> Checked {
    for (outcome, state) in [(Outcome::Trouble, State::Queued), (Outcome::Unknown, State::Sent)] {
        let fixture = Fixture::new()?;
        fixture.queue_pats(0..10)?;
        let server = Server::new(&fixture.clock, |_| response(outcome, 502));
        let outcome = fixture.run(&server, &patient())?;
        assert_eq!((outcome.end, outcome.counts.requests, outcome.waiting()), (EndReason::Trouble, 5, 10));
        assert_eq!(outcome.host_status.requests_last_hour, 5, "each try takes a slot");
        assert_eq!(fixture.state(pat(1))?, state);
        {
            let arrived = server.arrived.borrow();
            let waits: Vec<_> =
                arrived.windows(2).map(|pair| pair[1].at.duration_since(pair[0].at).as_millis()).collect();
            // 1, 2, 4 and 8 seconds, less up to half of jitter, plus the round trip.
            for (wait, full) in waits.iter().zip([1000, 2000, 4000, 8000]) {
                assert!((full / 2..=full + 300).contains(wait), "{waits:?}");
            }
        }
        // The next run sends them again.
        let server = Server::taking(&fixture.clock);
        assert_eq!(fixture.run(&server, &options())?.counts.accepted, 10);
    }
    Ok(())
}

#[test]
fn trouble_that_passes_is_forgotten() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..10_000)?;
    let mut requests = 0;
    let server = Server::new(&fixture.clock, |_| {
        requests += 1;
        if requests % 3 == 0 { response(Outcome::Accepted, 202) } else { response(Outcome::Unknown, 0) }
    });
    // Two failures before each success: never five in a row.
    let outcome = fixture.run(&server, &options())?;
    assert_eq!((outcome.end, outcome.counts.requests, outcome.waiting()), (EndReason::Done, 30, 0));
    Ok(())
}

#[test]
fn a_server_that_echoes_tokens_gets_none_into_the_ledger() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..1)?;
    let body = Fingerprint::of(&0_u32.to_le_bytes()).hex()[..36].to_owned();
    let server = Server::new(&fixture.clock, |_| RevokeResponse {
        message: format!("'{}{body}' is not to my liking", Kind::pat().prefix()),
        ..response(Outcome::Denied, 403)
    });
    let outcome = fixture.run(&server, &options())?;
    assert!(!fixture.trail()?.contains(&body));
    assert!(!outcome.message.is_some_and(|message| message.contains(&body)));
    Ok(())
}

#[test]
fn a_stop_between_two_requests_is_safe() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..5000)?;
    let cancel = &fixture.cancel;
    let server = Server::new(&fixture.clock, |_| {
        cancel.cancel();
        response(Outcome::Accepted, 202)
    });
    let outcome = fixture.run(&server, &patient())?;
    assert_eq!((outcome.end, outcome.counts.accepted), (EndReason::Interrupted, 1000));
    assert_eq!((outcome.host_status.queued, outcome.host_status.sent), (4000, 0));
    Ok(())
}
