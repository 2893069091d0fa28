//! What is sent, in which order, how much of it, and what a death leaves behind.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::ledger::{self, LedgerAddress, LedgerError, SealingKey, verify};

#[test]
fn an_hour_holds_sixty_thousand_and_the_next_one_the_rest() -> Checked {
    let scene = SuppressionContext::new()?;
    scene.queue_pats(0..61_500)?;
    let server = Server::taking(&scene.clock);
    let first = scene.run(&server, &options())?;
    assert_eq!(first.ended, EndReason::Later(WaitReason::Quota));
    assert_eq!((first.seen.requests, first.seen.accepted, first.waiting()), (60, 60_000, 1500));
    assert!(first.standing.next_slot.is_some());
    // Nothing can go: nothing goes.
    assert_eq!(scene.run(&server, &options())?.seen.requests, 0);
    scene.clock.advance(Duration::from_hours(1));
    let second = scene.run(&server, &options())?;
    assert_eq!((second.ended, second.seen.requests, second.waiting()), (EndReason::Done, 2, 0));
    assert_eq!(second.standing.accepted, 61_500);
    assert!(server.times().values().all(|times| *times == 1));
    Ok(())
}

#[test]
fn waiting_sends_everything_within_the_quota() -> Checked {
    let scene = SuppressionContext::new()?;
    scene.queue_pats(0..61_500)?;
    let server = Server::taking(&scene.clock);
    let begun = scene.clock.now();
    let outcome = scene.run(&server, &patient())?;
    assert_eq!((outcome.ended, outcome.seen.requests, outcome.waiting()), (EndReason::Done, 62, 0));
    let took = scene.clock.now().duration_since(begun);
    assert!((3600..3700).contains(&took.as_secs()), "{took:#}");
    Ok(())
}

#[test]
fn waiting_ends_when_its_time_is_over() -> Checked {
    let scene = SuppressionContext::new()?;
    scene.queue_pats(0..60_001)?;
    let server = Server::taking(&scene.clock);
    let short = Options { wait: Wait::AtMost(Duration::from_mins(30)), ..options() };
    let begun = scene.clock.now();
    let outcome = scene.run(&server, &short)?;
    assert_eq!((outcome.ended, outcome.waiting()), (EndReason::Later(WaitReason::Quota), 1));
    // Not by sitting through half an hour for a slot that comes later.
    assert!(scene.clock.now().duration_since(begun).as_secs() < 120);
    let long = Options { wait: Wait::AtMost(Duration::from_hours(2)), ..options() };
    assert_eq!(scene.run(&server, &long)?.ended, EndReason::Done);
    Ok(())
}

#[test]
fn a_remainder_joins_the_next_batch_and_pauses_are_kept() -> Checked {
    let scene = SuppressionContext::new()?;
    scene.queue_pats(0..400)?;
    scene.cancel.cancel();
    let server = Server::taking(&scene.clock);
    assert_eq!(scene.run(&server, &options())?.ended, EndReason::Interrupted);
    scene.cancel.reset();
    scene.queue_pats(300..1100)?;
    scene.run(&server, &options())?;
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
fn the_most_certain_and_widest_reaching_go_first() -> Checked {
    let scene = SuppressionContext::new()?;
    for (kind, sure) in [
        (Kind::FineGrainedPat, Confidence::Likely),
        (Kind::FineGrainedPat, Confidence::Certain),
        (Kind::AppUser, Confidence::Certain),
        (Kind::Refresh, Confidence::Certain),
        (Kind::OAuth, Confidence::Certain),
        (Kind::Pat, Confidence::Certain),
    ] {
        let numbers = if sure == Confidence::Likely { 1..2 } else { 0..1 };
        scene.queue(kind, numbers, sure)?;
    }
    let server = Server::taking(&scene.clock);
    scene.run(&server, &options())?;
    let order = [
        token(Kind::Pat, 0),
        token(Kind::OAuth, 0),
        token(Kind::Refresh, 0),
        token(Kind::AppUser, 0),
        token(Kind::FineGrainedPat, 0),
        token(Kind::FineGrainedPat, 1),
    ];
    assert_eq!(server.arrived.borrow()[0].tokens, order.map(|token| token.fingerprint()));
    Ok(())
}

#[test]
fn what_was_accepted_is_never_sent_again() -> Checked {
    let scene = SuppressionContext::new()?;
    scene.queue_pats(0..10)?;
    let server = Server::taking(&scene.clock);
    scene.run(&server, &options())?;
    let again = scene.queue_pats(0..12)?;
    assert_eq!((again.queued, again.done), (2, 10));
    scene.run(&server, &options())?;
    assert!(server.times().values().all(|times| *times == 1));
    Ok(())
}

#[test]
fn a_death_with_the_request_under_way_loses_nothing() -> Checked {
    let home = tempfile::tempdir()?;
    let address = LedgerAddress::Sqlite(home.path().join("ledger.db"));
    let clock = FakeClock::new();
    let keys = ledger::open(&address)?;
    let (sealer, opener) = (keys.sealer()?, keys.opener()?);
    drop(keys);
    let entries = (0..30)
        .map(|number| entry(&sealer, &token(Kind::Pat, number), Confidence::Certain, State::Queued, "a"));
    enqueue(ledger::open(&address)?.as_mut(), HOST, entries, &|| clock.now())?;
    let (cancel, progress) = (CancelFlag::default(), Progress::default());
    let (options, mut deaths) = (options(), 0);
    let server = Server::new(&clock, |_| {
        deaths += 1;
        assert!(deaths > 3, "the process dies here");
        answer(Verdict::Accepted, 202)
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
        };
        let died = catch_unwind(AssertUnwindSafe(|| run(context, &options))).is_err();
        assert_eq!(died, death < 3);
    }
    let ledger = ledger::open(&address)?;
    let ask = ask_of_test();
    let standing = ledger.host_status(&ask, &|| clock.now())?;
    assert_eq!((standing.accepted, standing.sent, standing.requests_last_hour), (30, 0, 4));
    let attempts = ledger.attempts(HOST, &pat(3))?;
    let verdicts: Vec<_> = attempts.iter().map(|attempt| attempt.verdict.as_str()).collect();
    assert_eq!(verdicts, ["lost", "lost", "lost", "accepted"]);
    verify(ledger.as_ref())?;
    server.check();
    Ok(())
}

fn ask_of_test() -> BatchRequest<'static> {
    BatchRequest {
        host: HOST,
        identity: "anonymous",
        per_hour: 60,
        min_interval: Duration::ZERO,
        lease: Duration::from_secs(1),
        payload: Payload::Batch(&[]),
    }
}

#[test]
fn what_another_process_has_under_way_is_waited_for() -> Checked {
    let scene = SuppressionContext::new()?;
    scene.queue_pats(0..5)?;
    let mut other = scene.ledger.another();
    let kinds = [Kind::Pat];
    let lease = Duration::from_mins(2);
    let ask = BatchRequest { payload: Payload::Batch(&kinds), lease, ..ask_of_test() };
    let Next::Send(intent) = other.intend(&ask, &|| scene.clock.now())? else {
        return Err("nothing to do".into());
    };
    // It answers late, but it answers, at the moment this run asks for the third time.
    let server = Server::taking(&scene.clock);
    let begun = scene.clock.now();
    let outcome = scene.run(&server, &options())?;
    // Here it never did: its lease was waited for, and the tokens went out.
    assert_eq!((outcome.ended, outcome.seen.accepted), (EndReason::Done, 5));
    assert!(scene.clock.now().duration_since(begun).as_secs() >= 120);
    assert_eq!(other.settle(intent.batch, &accepted(), &|| scene.clock.now())?.accepted, 0);
    Ok(())
}

#[test]
fn kinds_the_host_does_not_take_are_set_aside() -> Checked {
    let scene = SuppressionContext::new()?;
    scene.queue(Kind::Other, 0..3, Confidence::Likely)?;
    scene.queue_pats(0..2)?;
    let server = Server::taking(&scene.clock);
    let outcome = scene.run(&server, &options())?;
    assert_eq!((outcome.ended, outcome.seen.accepted, outcome.waiting()), (EndReason::Done, 2, 0));
    assert_eq!(scene.state(token(Kind::Other, 1).fingerprint())?, State::Unsupported);
    Ok(())
}

#[test]
fn a_seal_that_does_not_open_holds_up_nobody() -> Checked {
    let scene = SuppressionContext::new()?;
    scene.queue_pats(0..5)?;
    let stranger = SealingKey::ephemeral()?.sealer();
    let forged = entry(&stranger, &token(Kind::Pat, 7), Confidence::Certain, State::Queued, "x")?;
    enqueue(&mut scene.ledger.another(), HOST, [Ok(forged)], &|| scene.clock.now())?;
    let server = Server::taking(&scene.clock);
    let outcome = scene.run(&server, &options())?;
    assert_eq!((outcome.ended, outcome.seen.accepted, outcome.seen.damaged), (EndReason::Done, 5, 1));
    assert_eq!(scene.state(pat(7))?, State::Held);
    assert!(scene.ledger.attempts(HOST, &pat(7))?.is_empty());
    // Found again it is queued anew, and goes.
    assert_eq!(scene.queue_pats(7..8)?.queued, 1);
    assert_eq!(scene.run(&server, &options())?.seen.accepted, 1);
    // A batch of nothing but such tokens is no request.
    let forged = entry(&stranger, &token(Kind::Pat, 8), Confidence::Certain, State::Queued, "x")?;
    enqueue(&mut scene.ledger.another(), HOST, [Ok(forged)], &|| scene.clock.now())?;
    let before = server.requests();
    assert_eq!(scene.run(&server, &options())?.ended, EndReason::Done);
    assert_eq!(server.requests(), before);
    Ok(())
}

#[test]
fn an_entry_that_cannot_be_made_ends_the_queueing() -> Checked {
    let scene = SuppressionContext::new()?;
    let one = entry(&scene.sealer, &token(Kind::Pat, 1), Confidence::Certain, State::Queued, "a")?;
    let entries = [Ok(one), Err(LedgerError::NoHome)];
    let failed = enqueue(&mut scene.ledger.another(), HOST, entries, &|| scene.clock.now());
    assert!(matches!(failed, Err(LedgerError::NoHome)));
    assert_eq!(scene.ledger.count(HOST, State::Queued)?, 1);
    Ok(())
}
