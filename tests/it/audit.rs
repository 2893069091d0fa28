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
    assert_eq!(events, ["run-start", "policy", "enqueue", "intent", "answer", "erase", "run-end"]);
    assert_eq!((&trail[1]["decision"], &trail[1]["counts"]["held"]), (&"--yes".into(), &1.into()));
    let hash = Fingerprint::of(token.as_bytes()).hex();
    assert_eq!(trail[3]["tokens"], Value::from(vec![hash]));
    assert_eq!((&trail[4]["status"], &trail[4]["request_id"]), (&202.into(), &"C0DE:1".into()));
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
             UPDATE audit SET line = replace(line, '\"status\":202', '\"status\":404') WHERE seq = 5;",
        )
        .expect("SQL");
    let (code, stderr) = verify(&fixture);
    assert_eq!(code, 2);
    assert!(stderr.contains("broken at record 5"), "{stderr}");
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

/// `audit` with these arguments.
fn audit(fixture: &Fixture, arguments: &[&str]) -> (i32, String, String) {
    let ledger = fixture.ledger();
    let ledger = ["--ledger", ledger.to_str().expect("text")];
    let ran = fixture.sandbox.run(&[&["audit"], arguments, &ledger].concat());
    (ran.code, ran.stdout, ran.stderr)
}

#[test]
fn a_head_noted_elsewhere_catches_a_trail_that_holds_in_itself() {
    let (fixture, _) = front_after_a_run(406);
    let trail = fixture.trail();
    let head = |record: &Value| format!("{}:{}", record["seq"], record["hash"].as_str().expect("a hash"));
    for noted in [&trail[0], &trail[2], trail.last().expect("a record")] {
        let (code, stdout, stderr) = audit(&fixture, &["--verify", "--expect", &head(noted)]);
        assert_eq!(code, 0, "{stderr}");
        assert!(stdout.contains("is in it"), "{stdout}");
    }
    // Another record under that number, a trail that ends before it, no ledger at all, no head.
    let other = format!("3:{}", trail[0]["hash"].as_str().expect("a hash"));
    let later = format!("9999:{}", trail[0]["hash"].as_str().expect("a hash"));
    for (noted, said) in [(&other, "has the hash"), (&later, "ends with record")] {
        let (code, _, stderr) = audit(&fixture, &["--verify", "--expect", noted]);
        assert_eq!(code, 2, "{noted}");
        assert!(stderr.contains(said), "{stderr}");
    }
    let nowhere = fixture.sandbox.run(&["audit", "--verify", "--expect", &other, "--ledger", "nowhere.db"]);
    assert_eq!(nowhere.code, 2, "{}", nowhere.stderr);
    assert_eq!(audit(&fixture, &["--verify", "--expect", "3:abc"]).0, 2);
    assert_eq!(audit(&fixture, &["--expect", &other]).0, 2, "only --verify looks");
}

#[test]
fn what_came_after_a_record_is_told_by_itself() {
    let (fixture, _) = front_after_a_run(407);
    let all = audit(&fixture, &[]).1;
    let (code, rest, _) = audit(&fixture, &["--since", "2"]);
    assert_eq!((code, rest.lines().collect::<Vec<_>>()), (0, all.lines().skip(2).collect()));
    assert_eq!(audit(&fixture, &["--since", "9999"]).1, "");
}

#[test]
fn a_table_tells_where_when_by_whom_and_what_was_answered() {
    let (fixture, token) = front_after_a_run(408);
    let (code, table, stderr) = audit(&fixture, &["-f", "csv"]);
    assert_eq!(code, 0, "{stderr}");
    let mut rows = table.lines();
    let names: Vec<&str> = rows.next().expect("a header").split(',').collect();
    let cell = |row: &str, name: &str| {
        let column = names.iter().position(|known| *known == name).unwrap_or_else(|| panic!("no {name}"));
        row.split(',').nth(column).expect("a cell").to_owned()
    };
    let hash = Fingerprint::of(token.as_bytes());
    let of_token: Vec<&str> = rows.filter(|row| cell(row, "sha256") == hash.hex()).collect();
    let answer = of_token.iter().find(|row| cell(row, "event") == "answer").expect("an answer");
    let intent = of_token.iter().find(|row| cell(row, "event") == "intent").expect("a request");
    assert_eq!(cell(answer, "sent_at"), cell(intent, "at"));
    for (name, right) in [
        ("outcome", "accepted"),
        ("status", "202"),
        ("request_id", "C0DE:1"),
        ("kind", "github-pat"),
        ("hashed_token", &hash.base64()),
    ] {
        assert_eq!(cell(answer, name), right, "{name}");
    }
    assert!(cell(answer, "found_at").contains("f:1") && cell(answer, "decided_by").contains('@'), "{answer}");
    assert!(!table.contains(&token));
    let later = audit(&fixture, &["-f", "csv", "--since", "4"]).1;
    assert!(later.contains(&cell(intent, "at")) && !later.contains(",intent,"), "{later}");
}
