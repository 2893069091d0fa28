//! The audit trail: complete, tamper-evident, free of tokens.

use serde_json::Value;
use stanch::token::Fingerprint;

use crate::support::fixture::Fixture;
use crate::support::mint::Kind;

/// A fixture after a run in which one token was sent and another held back.
fn front_after_a_run(seed: u64) -> (Fixture, String) {
    let mut fixture = Fixture::new(seed);
    let token = fixture.mint.token(Kind::Pat);
    fixture.sandbox.write("f", format!("{token}\n{}", fixture.mint.stateless()));
    assert_eq!(fixture.run(&["scan", "--revoke", "--yes"]).code, 3);
    (fixture, token)
}

fn verify(fixture: &Fixture) -> (i32, String) {
    let ledger = fixture.ledger();
    let ran = fixture.sandbox.run(&["audit", "--verify", "--ledger", ledger.to_str().expect("text")]);
    (ran.code, ran.stderr)
}

#[test]
fn every_step_is_in_the_trail() {
    let (fixture, token) = front_after_a_run(401);
    let trail = fixture.trail();
    let events: Vec<_> = trail.iter().map(|record| record["event"].as_str().expect("an event")).collect();
    assert_eq!(events, ["policy", "enqueue", "intent", "answer", "erase"]);
    assert_eq!((&trail[0]["decision"], &trail[0]["counts"]["held"]), (&"--yes".into(), &1.into()));
    let hash = Fingerprint::of(token.as_bytes()).hex();
    assert_eq!(trail[2]["tokens"], Value::from(vec![hash]));
    assert_eq!((&trail[3]["status"], &trail[3]["request_id"]), (&202.into(), &"C0DE:1".into()));
    let text = trail.iter().map(Value::to_string).collect::<String>();
    assert!(!text.contains(&token) && !text.contains("revoked"));
    let none = fixture.sandbox.run(&["audit", "--ledger", "nowhere/ledger.db"]);
    assert_eq!((none.code, none.stdout.as_str()), (0, ""));
}

#[test]
fn a_changed_record_is_reported() {
    let (fixture, _) = front_after_a_run(402);
    let database = fixture.database();
    assert!(database.execute("UPDATE audit SET line = '' WHERE seq = 2", []).is_err(), "append-only");
    database
        .execute_batch(
            "DROP TRIGGER audit_is_append_only_1;
             UPDATE audit SET line = replace(line, '\"status\":202', '\"status\":404') WHERE seq = 4;",
        )
        .expect("SQL");
    let (code, stderr) = verify(&fixture);
    assert_eq!(code, 2);
    assert!(stderr.contains("broken at record 4"), "{stderr}");
}

#[test]
fn a_missing_record_is_reported_wherever_it_was() {
    for (seed, deleted, record) in
        [(403, "seq = 3", "record 3"), (404, "seq >= 5", "record 5"), (405, "seq > 0", "record 1")]
    {
        let (fixture, _) = front_after_a_run(seed);
        let cut = format!("DROP TRIGGER audit_is_append_only_2; DELETE FROM audit WHERE {deleted};");
        fixture.database().execute_batch(&cut).expect("SQL");
        let (code, stderr) = verify(&fixture);
        assert_eq!(code, 2, "{deleted}");
        assert!(stderr.contains(record), "{deleted}: {stderr}");
    }
}
