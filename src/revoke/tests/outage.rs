//! A ledger that cannot be written for a while, at the worst moments.

use super::*;
use crate::ledger::LedgerError;

type Outage = fn(String) -> LedgerError;

const OUTAGES: [Outage; 4] = [
    |ledger| LedgerError::Locked { ledger },
    |ledger| LedgerError::ReadOnly { ledger },
    |ledger| LedgerError::Full { ledger },
    |ledger| LedgerError::Storage { ledger, detail: "disk I/O error".into() },
];

/// A server that takes everything, while from its first answer on the ledger fails for so long.
fn failing(fixture: &Fixture, outage: Outage, length: Duration) -> Server<'_> {
    Server::new(&fixture.clock, move |_| {
        if let Ok(until) = fixture.clock.now().checked_add(length) {
            fixture.ledger.fail_until(until, outage);
        }
        response(Outcome::Accepted, 202)
    })
}

/// Why a run ended whose answer could not be written down.
fn unwritten(fixture: &Fixture, server: &Server<'_>, options: &Options) -> Checked<Unwritten> {
    let error = fixture.run(server, options).err().ok_or("it succeeded")?;
    match *error.downcast::<RevokeError>()? {
        RevokeError::Unwritten(unwritten) => Ok(*unwritten),
        other => Err(other.into()),
    }
}

#[test]
fn a_waiting_run_outlives_every_outage_and_says_so_once() -> Checked {
    for outage in OUTAGES {
        let fixture = Fixture::new()?;
        fixture.queue_pats(0..30)?;
        let received = fixture.clock.now() + Duration::from_millis(200);
        let server = failing(&fixture, outage, Duration::from_hours(3));
        let outcome = fixture.run(&server, &patient())?;
        assert_eq!((outcome.end, outcome.counts.accepted, server.requests()), (EndReason::Done, 30, 1));
        let told = fixture.told.borrow();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("waiting for the ledger: "), "{told:?}");
        assert!(told[1].contains("going on"), "{told:?}");
        // The tokens were accepted when the answer came, whenever that was written down.
        let record = fixture.ledger.token(HOST, &pat(3))?.ok_or("forgotten")?;
        assert_eq!(record.at, received);
        assert!(fixture.trail()?.contains(&format!("\"received_at\":\"{received}\"")));
    }
    Ok(())
}

#[test]
fn a_run_that_does_not_wait_leaves_the_answer_to_the_next() -> Checked {
    for outage in OUTAGES {
        let fixture = Fixture::new()?;
        fixture.queue_pats(0..30)?;
        let start = fixture.clock.now();
        let server = failing(&fixture, outage, Duration::from_mins(5));
        let unwritten = unwritten(&fixture, &server, &options())?;
        let waited = fixture.clock.now().duration_since(start).as_secs();
        assert!((60..70).contains(&waited), "{waited} s");
        assert_eq!((unwritten.accepted, unwritten.tokens, unwritten.kept), (true, 30, true));
        let message = unwritten.to_string();
        for part in ["accepted 30 tokens (batch 1, request ID:202)", "the next run takes it in"] {
            assert!(message.contains(part), "{message}");
        }
        assert_eq!(fixture.state(pat(3))?, State::Sent);
        fixture.clock.advance(Duration::from_mins(5));
        let again = Server::taking(&fixture.clock);
        let outcome = fixture.run(&again, &options())?;
        assert_eq!((outcome.end, again.requests()), (EndReason::Done, 0), "an accepted token was sent again");
        assert_eq!((outcome.host_status.accepted, outcome.waiting()), (30, 0));
    }
    Ok(())
}

#[test]
fn what_the_server_asked_for_is_not_forgotten_either() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..30)?;
    let hour = RateLimit { retry_after: Some(Duration::from_hours(1)), ..RateLimit::default() };
    let server = Server::new(&fixture.clock, |_| {
        if let Ok(until) = fixture.clock.now().checked_add(Duration::from_mins(10)) {
            fixture.ledger.fail_until(until, OUTAGES[0]);
        }
        RevokeResponse { limit: hour, ..response(Outcome::SecondaryLimit, 403) }
    });
    let unwritten = unwritten(&fixture, &server, &options())?;
    assert!(!unwritten.accepted && unwritten.kept);
    fixture.clock.advance(Duration::from_mins(20));
    let again = Server::taking(&fixture.clock);
    let outcome = fixture.run(&again, &options())?;
    assert_eq!((outcome.end, again.requests()), (EndReason::Later(WaitReason::Server), 0));
    // The hour began when the server asked for it.
    let left = outcome.host_status.next_slot.ok_or("no wait")?.duration_since(fixture.clock.now());
    assert!((35..40).contains(&left.as_mins()), "{left:#}");
    Ok(())
}

#[test]
fn a_run_that_is_interrupted_waits_no_longer() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..30)?;
    let server = Server::new(&fixture.clock, |_| {
        fixture.ledger.fail_until(Timestamp::MAX, OUTAGES[0]);
        fixture.cancel.cancel();
        response(Outcome::Accepted, 202)
    });
    let start = fixture.clock.now();
    assert!(unwritten(&fixture, &server, &patient())?.kept);
    assert!(fixture.clock.now().duration_since(start).as_secs() < 2);
    Ok(())
}

#[test]
fn a_run_waits_for_the_ledger_as_long_as_it_may() -> Checked {
    for (wait, longest) in [(Wait::No, 60), (Wait::AtMost(Duration::from_mins(30)), 1800)] {
        let fixture = Fixture::new()?;
        fixture.queue_pats(0..30)?;
        fixture.ledger.fail_until(Timestamp::MAX, OUTAGES[2]);
        let start = fixture.clock.now();
        let server = Server::taking(&fixture.clock);
        let failed = fixture.run(&server, &Options { wait, ..options() });
        let failed = *failed.err().ok_or("it succeeded")?.downcast::<RevokeError>()?;
        assert!(matches!(failed, RevokeError::Ledger(LedgerError::Full { .. })), "{failed}");
        let waited = fixture.clock.now().duration_since(start).as_secs();
        assert!((longest..longest + 10).contains(&waited), "{waited} s of {longest}");
        assert_eq!(server.requests(), 0, "sent, and not written down");
    }
    Ok(())
}

#[test]
fn a_short_lock_is_nothing_to_tell_of() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..30)?;
    let server = failing(&fixture, OUTAGES[0], Duration::from_secs(3));
    assert_eq!(fixture.run(&server, &options())?.end, EndReason::Done);
    assert!(fixture.told.borrow().is_empty());
    Ok(())
}
