//! Runs that find again what earlier runs found: what they add to the ledger.

use std::fs;

use crate::support::fixture::Fixture;
use crate::support::github::Misbehaviour;
use crate::support::mint::Kind;

fn size(fixture: &Fixture) -> u64 {
    fs::metadata(fixture.ledger()).expect("a ledger").len()
}

/// How much the runs after the second add, in bytes.
fn added_by_eight(fixture: &Fixture, arguments: &[&str], code: i32) -> u64 {
    let mut sizes = Vec::new();
    for _ in 0..10 {
        let ran = fixture.run(arguments);
        assert_eq!(ran.code, code, "{}", ran.stderr);
        sizes.push(size(fixture));
    }
    sizes[9] - sizes[1]
}

#[test]
fn what_waits_and_what_is_done_is_found_again_for_next_to_nothing() {
    let mut fixture = Fixture::new(9201);
    let mut leak =
        |count: usize| (0..count).map(|_| fixture.mint.token(Kind::Pat) + "\n").collect::<String>();
    let (done, waiting) = (leak(300), leak(900));
    fixture.sandbox.write("done/f", done);
    let added = added_by_eight(&fixture, &["scan", "--revoke", "--yes", "done"], 1);
    assert!(added <= 8 * 2048, "{added} bytes by eight runs");
    fixture.sandbox.write("waiting/f", waiting);
    fixture.github.misbehave(Misbehaviour::SecondaryLimit { retry_after: Some(7200) });
    let added = added_by_eight(&fixture, &["scan", "--revoke", "--yes", "waiting"], 3);
    assert!(added <= 8 * 4096, "{added} bytes by eight runs");
    assert_eq!(fixture.status()["queued"], 900);
    fixture.trail();
}

#[test]
fn what_is_held_is_found_again_for_nothing() {
    let mut fixture = Fixture::new(9202);
    // Without a checksum that holds: below the confidence that is sent.
    let leak: String = (0..900)
        .map(|_| {
            let mut token = fixture.mint.token(Kind::FineGrainedPat);
            let other = if &token[20..21] == "0" { "1" } else { "0" };
            token.replace_range(20..21, other);
            token + "\n"
        })
        .collect();
    fixture.sandbox.write("held/f", leak);
    let added = added_by_eight(&fixture, &["scan", "--revoke", "--yes", "held"], 3);
    assert_eq!(fixture.status()["held"], 900);
    assert!(added <= 8 * 2048, "{added} bytes by eight runs");
}
