//! What a run counts, confirms and keeps to itself of tokens that revoke themselves.

use super::*;

fn ghs(number: u32) -> Fingerprint {
    token(Kind::app_installation(), number).fingerprint()
}

#[test]
fn the_tokens_that_still_wait_to_revoke_themselves_are_counted() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue(Kind::app_installation(), 0..3, Confidence::Certain)?;
    fixture.queue_pats(0..5)?;
    let server = Server::taking(&fixture.clock).self_revoking(|arrived| {
        let denied = arrived.tokens[0] == ghs(0);
        if denied { response(Outcome::Denied, 403) } else { response(Outcome::Accepted, 204) }
    });
    let counts = fixture.run(&server, &options())?.counts;
    assert_eq!((counts.self_revoking, counts.self_revoked), (1, 2));
    Ok(())
}

#[test]
fn what_revoked_itself_is_confirmed_and_what_was_dead_before_is_not_asked_about() -> Checked {
    for (confirm, asked) in [(true, vec![ghs(0), ghs(2)]), (false, Vec::new())] {
        let fixture = Fixture::new()?;
        fixture.queue(Kind::app_installation(), 0..3, Confidence::Certain)?;
        let shown = std::cell::RefCell::new(Vec::new());
        let server = Server::taking(&fixture.clock)
            .self_revoking(|arrived| {
                response(Outcome::Accepted, if arrived.tokens[0] == ghs(1) { 401 } else { 204 })
            })
            .lives(|token| {
                shown.borrow_mut().push(token.fingerprint());
                Liveness::Dead
            });
        let outcome = fixture.run(&server, &Options { confirm, ..options() })?;
        assert_eq!(outcome.end, EndReason::Done);
        let mut shown = shown.borrow().clone();
        shown.sort_unstable();
        let mut asked = asked;
        asked.sort_unstable();
        assert_eq!(shown, asked);
    }
    Ok(())
}

#[test]
fn the_limit_of_one_installation_token_is_not_that_of_the_batches() -> Checked {
    let fixture = Fixture::new()?;
    fixture.queue(Kind::app_installation(), 0..1, Confidence::Certain)?;
    let reset = fixture.clock.now().checked_add(Duration::from_mins(30))?;
    let server = Server::taking(&fixture.clock).self_revoking(|_| RevokeResponse {
        limit: RateLimit { remaining: Some(0), reset: Some(reset), ..RateLimit::default() },
        ..response(Outcome::Accepted, 204)
    });
    assert_eq!(fixture.run(&server, &options())?.end, EndReason::Done);
    fixture.queue_pats(0..5)?;
    let outcome = fixture.run(&server, &options())?;
    assert_eq!((outcome.end, outcome.counts.accepted), (EndReason::Done, 5));
    Ok(())
}
