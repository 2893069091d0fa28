//! A run sends no more than it announced, whatever others queue meanwhile.

use std::cell::Cell;

use super::*;

fn announced(tokens: u64) -> Options {
    Options { most: Some(tokens), ..patient() }
}

#[test]
fn what_was_queued_after_the_announcement_is_left() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..5)?;
    let queued = Cell::new(false);
    let server = Server::new(&fixture.clock, |_| {
        if !queued.replace(true) {
            fixture.queue_pats(100..1600).expect("queued");
        }
        response(Outcome::Accepted, 202)
    });
    // Some come between the announcement and the first request, others while that is under way.
    fixture.queue_pats(50..60)?;
    let outcome = fixture.run(&server, &announced(5))?;
    assert_eq!((outcome.end, outcome.counts.accepted, outcome.waiting()), (EndReason::Bound, 5, 1510));
    assert_eq!(server.times().len(), 5);
    // Who announces it all sends it all.
    let rest = fixture.run(&server, &announced(1510))?;
    assert_eq!((rest.end, rest.counts.accepted), (EndReason::Done, 1510));
    Ok(())
}

#[test]
fn several_requests_come_to_the_bound_together() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..4000)?;
    let server = Server::taking(&fixture.clock);
    let outcome = fixture.run(&server, &announced(2500))?;
    assert_eq!((outcome.end, outcome.counts.accepted), (EndReason::Bound, 2500));
    assert_eq!(server.requests(), 3);
    assert_eq!(fixture.run(&server, &patient())?.counts.accepted, 1500);
    Ok(())
}

#[test]
fn a_request_that_failed_is_sent_again_and_makes_no_room_for_others() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..5)?;
    let failures = Cell::new(2);
    let server = Server::new(&fixture.clock, |_| match failures.get() {
        0 => response(Outcome::Accepted, 202),
        left => {
            failures.set(left - 1);
            response(Outcome::Trouble, 502)
        }
    });
    assert_eq!(fixture.run(&server, &announced(5))?.counts.accepted, 5);
    fixture.queue_pats(10..15)?;
    failures.set(1);
    let more = Cell::new(false);
    let server = Server::new(&fixture.clock, |_| {
        if more.replace(true) {
            return response(Outcome::Accepted, 202);
        }
        // They come before what failed.
        fixture.queue_pats(20..30).expect("queued");
        response(Outcome::Trouble, 502)
    });
    let outcome = fixture.run(&server, &announced(5))?;
    assert!(server.times().len() <= 5, "{:?}", server.times());
    assert_eq!((outcome.end, outcome.waiting() + outcome.counts.accepted), (EndReason::Bound, 15));
    Ok(())
}

#[test]
fn what_was_refused_one_by_one_is_counted_once() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..8)?;
    let server = Server::new(&fixture.clock, |arrived| {
        if arrived.tokens.contains(&pat(3)) {
            response(Outcome::Invalid, 422)
        } else {
            response(Outcome::Accepted, 202)
        }
    });
    fixture.queue_pats(20..30)?;
    let outcome = fixture.run(&server, &announced(8))?;
    assert!(server.times().len() <= 8, "{:?}", server.times());
    assert_eq!(outcome.end, EndReason::Bound);
    assert!(outcome.waiting() >= 10, "{outcome:?}");
    Ok(())
}

#[test]
fn tokens_that_revoke_themselves_are_bound_too() -> Checked {
    for parallel in [1, 4] {
        let fixture = Fixture::new()?;
        fixture.queue(Kind::app_installation(), 0..11, Confidence::Certain)?;
        let server = Server { parallel, ..Server::taking(&fixture.clock) };
        let outcome = fixture.run(&server, &announced(6))?;
        assert_eq!((outcome.end, outcome.counts.accepted, outcome.waiting()), (EndReason::Bound, 6, 5));
        assert_eq!(server.ended.borrow().len(), 6);
    }
    Ok(())
}

#[test]
fn no_more_are_asked_about_than_may_leave() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..9)?;
    let dead = [pat(0), pat(1)];
    let server = Server::taking(&fixture.clock)
        .lives(move |token| if dead.contains(&token.fingerprint()) { Liveness::Dead } else { ALIVE });
    let outcome = fixture.run(&server, &Options { verify: true, ..announced(4) })?;
    let asked: HashSet<_> = server.asked.borrow().iter().copied().collect();
    assert_eq!((asked.len(), outcome.counts.dead + server.times().len() as u64), (4, 4));
    assert_eq!((outcome.end, outcome.waiting()), (EndReason::Bound, 5));
    Ok(())
}

#[test]
fn a_run_that_another_process_keeps_waiting_says_so_once() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..3)?;
    let mut other = fixture.ledger.another();
    let server = Server::taking(&fixture.clock);
    let limits = server.limits();
    let request = batch_request(&limits, &options());
    assert!(matches!(other.intend(&request, &|| fixture.clock.now())?, Next::Send(_)));
    let outcome = fixture.run(&server, &options())?;
    assert_eq!((outcome.end, outcome.counts.accepted), (EndReason::Done, 3));
    let told = fixture.told.borrow();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("another process has a request to api.example.test under way"), "{told:?}");
    Ok(())
}
