//! What is sent, in which order, how much of it, and what a killed run leaves behind.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::ledger::decision;
use crate::ledger::{self, LedgerAddress, LedgerError, LedgerId, SealingKey, verify};

#[test]
fn an_hour_holds_sixty_thousand_and_the_next_one_the_rest() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..61_500)?;
    let server = Server::taking(&fixture.clock);
    let first = fixture.run(&server, &options())?;
    assert_eq!(first.end, EndReason::Later(WaitReason::Quota));
    assert_eq!((first.counts.requests, first.counts.accepted, first.waiting()), (60, 60_000, 1500));
    assert!(first.host_status.next_slot.is_some());
    // Nothing can go: nothing goes.
    assert_eq!(fixture.run(&server, &options())?.counts.requests, 0);
    fixture.clock.advance(Duration::from_hours(1));
    let second = fixture.run(&server, &options())?;
    assert_eq!((second.end, second.counts.requests, second.waiting()), (EndReason::Done, 2, 0));
    assert_eq!(second.host_status.accepted, 61_500);
    assert!(server.times().values().all(|times| *times == 1));
    Ok(())
}

#[test]
fn waiting_sends_everything_within_the_quota() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..61_500)?;
    let server = Server::taking(&fixture.clock);
    let begun = fixture.clock.now();
    let outcome = fixture.run(&server, &patient())?;
    assert_eq!((outcome.end, outcome.counts.requests, outcome.waiting()), (EndReason::Done, 62, 0));
    let took = fixture.clock.now().duration_since(begun);
    assert!((3600..3700).contains(&took.as_secs()), "{took:#}");
    Ok(())
}

#[test]
fn waiting_ends_when_its_time_is_over() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..60_001)?;
    let server = Server::taking(&fixture.clock);
    let short = Options { wait: Wait::AtMost(Duration::from_mins(30)), ..options() };
    let begun = fixture.clock.now();
    let outcome = fixture.run(&server, &short)?;
    assert_eq!((outcome.end, outcome.waiting()), (EndReason::Later(WaitReason::Quota), 1));
    // Not by sitting through half an hour for a slot that comes later.
    assert!(fixture.clock.now().duration_since(begun).as_secs() < 120);
    let long = Options { wait: Wait::AtMost(Duration::from_hours(2)), ..options() };
    assert_eq!(fixture.run(&server, &long)?.end, EndReason::Done);
    Ok(())
}

#[test]
fn a_remainder_joins_the_next_batch_and_pauses_are_kept() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..400)?;
    fixture.cancel.cancel();
    let server = Server::taking(&fixture.clock);
    assert_eq!(fixture.run(&server, &options())?.end, EndReason::Interrupted);
    fixture.cancel.reset();
    fixture.queue_pats(300..1100)?;
    fixture.run(&server, &options())?;
    let arrived = server.arrived.borrow();
    let sizes: Vec<usize> = arrived.iter().map(|request| request.tokens.len()).collect();
    assert_eq!(sizes, [1000, 100]);
    assert_eq!(
        arrived[1].at.duration_since(arrived[0].at).as_millis(),
        1000,
        "the pause between two requests"
    );
    Ok(())
}

#[test]
fn the_most_certain_and_most_harmful_go_first() -> Checked {
    let fixture = Fixture::new()?;
    for (kind, sure) in [
        (Kind::fine_grained_pat(), Confidence::Likely),
        (Kind::fine_grained_pat(), Confidence::Certain),
        (Kind::app_user(), Confidence::Certain),
        (Kind::refresh(), Confidence::Certain),
        (Kind::oauth(), Confidence::Certain),
        (Kind::pat(), Confidence::Certain),
    ] {
        let numbers = if sure == Confidence::Likely { 1..2 } else { 0..1 };
        fixture.queue(kind, numbers, sure)?;
    }
    let server = Server::taking(&fixture.clock);
    fixture.run(&server, &options())?;
    let order = [
        token(Kind::pat(), 0),
        token(Kind::oauth(), 0),
        token(Kind::refresh(), 0),
        token(Kind::app_user(), 0),
        token(Kind::fine_grained_pat(), 0),
        token(Kind::fine_grained_pat(), 1),
    ];
    assert_eq!(server.arrived.borrow()[0].tokens, order.map(|token| token.fingerprint()));
    Ok(())
}

#[test]
fn what_was_accepted_is_never_sent_again() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..10)?;
    let server = Server::taking(&fixture.clock);
    fixture.run(&server, &options())?;
    let again = fixture.queue_pats(0..12)?;
    assert_eq!((again.queued, again.done), (2, 10));
    fixture.run(&server, &options())?;
    assert!(server.times().values().all(|times| *times == 1));
    Ok(())
}

#[test]
fn a_death_with_the_request_under_way_loses_nothing() -> Checked {
    let home = tempfile::tempdir()?;
    let address = LedgerAddress::Sqlite(home.path().join("ledger.db"));
    let clock = FakeClock::new();
    let keys = ledger::open(&address)?;
    let (sealer, opener) = (keys.sealer(HOST)?, keys.opener(HOST)?);
    drop(keys);
    let entries = (0..30)
        .map(|number| entry(&sealer, &token(Kind::pat(), number), Confidence::Certain, State::Queued, "a"));
    enqueue(ledger::open(&address)?.as_mut(), HOST, &decision(), entries, &|| clock.now())?;
    let (cancel, progress) = (CancelFlag::default(), Progress::default());
    let (options, mut deaths) = (options(), 0);
    let server = Server::new(&clock, |_| {
        deaths += 1;
        assert!(deaths > 3, "the process dies here");
        response(Outcome::Accepted, 202)
    });
    for death in 0..4 {
        let mut ledger = ledger::open(&address)?;
        let context = Context {
            ledger: ledger.as_mut(),
            opener: &opener,
            revoker: &server,
            clock: &clock,
            cancel: &cancel,
            progress: &progress,
            notify: &|_| {},
            screen: None,
        };
        let died = catch_unwind(AssertUnwindSafe(|| run(context, &options))).is_err();
        assert_eq!(died, death < 3);
    }
    let ledger = ledger::open(&address)?;
    let request = StatusRequest { host: HOST, identity: "anonymous", per_hour: 60 };
    let status = ledger.host_status(&request, &|| clock.now())?;
    assert_eq!((status.accepted, status.sent, status.requests_last_hour), (30, 0, 4));
    let attempts = ledger.attempts(HOST, &pat(3))?;
    let outcomes: Vec<_> = attempts.iter().map(|attempt| attempt.verdict.as_str()).collect();
    assert_eq!(outcomes, ["lost", "lost", "lost", "accepted"]);
    verify(ledger.as_ref())?;
    server.check();
    Ok(())
}

fn request_of_test() -> BatchRequest<'static> {
    BatchRequest {
        host: HOST,
        identity: "anonymous",
        max_batch: 1000,
        per_hour: 60,
        min_interval: Duration::ZERO,
        lease: Duration::from_secs(1),
        payload: Payload::Batch(&[]),
    }
}

#[test]
fn what_another_process_has_under_way_is_waited_for() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..5)?;
    let mut other = fixture.ledger.another();
    let kinds = [Kind::pat()];
    let lease = Duration::from_mins(2);
    let request = BatchRequest { payload: Payload::Batch(&kinds), lease, ..request_of_test() };
    let Next::Send(intent) = other.intend(&request, &|| fixture.clock.now())? else {
        return Err("nothing to do".into());
    };
    // It answers late, but it answers, at the moment this run asks for the third time.
    let server = Server::taking(&fixture.clock);
    let begun = fixture.clock.now();
    let outcome = fixture.run(&server, &options())?;
    // Here it never did: its lease was waited for, and the tokens went out.
    assert_eq!((outcome.end, outcome.counts.accepted), (EndReason::Done, 5));
    assert!(fixture.clock.now().duration_since(begun).as_secs() >= 120);
    assert_eq!(other.settle(intent.batch, &accepted(), &|| fixture.clock.now())?.accepted, 0);
    Ok(())
}

#[test]
fn kinds_the_host_does_not_take_are_set_aside() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue(Kind::OTHER, 0..3, Confidence::Likely)?;
    fixture.queue_pats(0..2)?;
    let server = Server::taking(&fixture.clock);
    let outcome = fixture.run(&server, &options())?;
    assert_eq!((outcome.end, outcome.counts.accepted, outcome.waiting()), (EndReason::Done, 2, 0));
    assert_eq!(fixture.state(token(Kind::OTHER, 1).fingerprint())?, State::Unsupported);
    Ok(())
}

#[test]
fn a_token_whose_seal_does_not_open_blocks_no_other() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue_pats(0..5)?;
    let stranger = SealingKey::ephemeral()?.sealer(&LedgerId::default(), HOST);
    let forged = entry(&stranger, &token(Kind::pat(), 7), Confidence::Certain, State::Queued, "x")?;
    enqueue(&mut fixture.ledger.another(), HOST, &decision(), [Ok(forged)], &|| fixture.clock.now())?;
    let server = Server::taking(&fixture.clock);
    let outcome = fixture.run(&server, &options())?;
    assert_eq!((outcome.end, outcome.counts.accepted, outcome.counts.damaged), (EndReason::Done, 5, 1));
    assert_eq!(fixture.state(pat(7))?, State::Held);
    assert!(fixture.ledger.attempts(HOST, &pat(7))?.is_empty());
    // Found again it is queued anew, and goes.
    assert_eq!(fixture.queue_pats(7..8)?.queued, 1);
    assert_eq!(fixture.run(&server, &options())?.counts.accepted, 1);
    // A batch of nothing but such tokens is no request.
    let forged = entry(&stranger, &token(Kind::pat(), 8), Confidence::Certain, State::Queued, "x")?;
    enqueue(&mut fixture.ledger.another(), HOST, &decision(), [Ok(forged)], &|| fixture.clock.now())?;
    let before = server.requests();
    assert_eq!(fixture.run(&server, &options())?.end, EndReason::Done);
    assert_eq!(server.requests(), before);
    Ok(())
}

#[test]
fn an_entry_that_cannot_be_made_ends_the_queueing() -> Checked {
    let fixture = Fixture::new()?;
    let one = entry(&fixture.sealer, &token(Kind::pat(), 1), Confidence::Certain, State::Queued, "a")?;
    let entries = [Ok(one), Err(LedgerError::NoHome)];
    let failed = enqueue(&mut fixture.ledger.another(), HOST, &decision(), entries, &|| fixture.clock.now());
    assert!(matches!(failed, Err(LedgerError::NoHome)));
    assert_eq!(fixture.ledger.count(HOST, State::Queued)?, 1);
    Ok(())
}
