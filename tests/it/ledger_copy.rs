//! `ledger init`, `copy`, `check` and `rekey` with a database: a laptop's queue comes to the server that a fleet shares.

use std::fs;

use stanch::token::Fingerprint;

use crate::support::cmd::Ran;
use crate::support::fixture::Fixture;
use crate::support::github::Misbehaviour;
use crate::support::mint::Kind;
use crate::support::postgres::{self, Database};

struct Fleet {
    fixture: Fixture,
    database: Database,
    tokens: Vec<String>,
    done: String,
}

impl Fleet {
    /// How many requests of the last hour `status` has at a ledger.
    fn requests(&self, ledger: &str) -> u64 {
        let api = self.fixture.github.api_url();
        let ran = self.fixture.sandbox.run(&["status", "-f", "json", "--api-url", &api, "--ledger", ledger]);
        let status: serde_json::Value = serde_json::from_str(&ran.stdout).expect("a status");
        status["hosts"][0]["requests_last_hour"].as_u64().expect("a number")
    }

    /// A laptop on which one token was accepted and two wait, and a database with a key.
    fn new(seed: u64) -> Option<Self> {
        let database = postgres::shared()?.empty();
        let mut fixture = Fixture::new(seed);
        let done = fixture.mint.token(Kind::Pat);
        fixture.sandbox.write("done", &done);
        assert_eq!(fixture.run(&["revoke", "--yes", "done"]).code, 0);
        let tokens = vec![fixture.mint.token(Kind::Pat), fixture.mint.token(Kind::OAuth)];
        fixture.sandbox.write("f", tokens.join("\n"));
        fixture.github.misbehave(Misbehaviour::SecondaryLimit { retry_after: Some(3600) });
        assert_eq!(fixture.run(&["revoke", "--yes", "f"]).code, 3);
        let fleet = Fleet { fixture, database, tokens, done };
        let made = fleet.ledger(&["keygen", "fleet.key"]);
        assert_eq!(made.code, 0, "{}", made.stderr);
        let made = fleet.ledger(&["init", &fleet.database.url(), "--seal-to", "fleet.key.pub"]);
        assert_eq!(made.code, 0, "{}", made.stderr);
        assert!(made.stdout.contains("is ready"), "{}", made.stdout);
        Some(fleet)
    }

    fn ledger(&self, arguments: &[&str]) -> Ran {
        self.fixture.sandbox.run(&[&["ledger"], arguments].concat())
    }

    fn laptop(&self) -> String {
        self.fixture.ledger().display().to_string()
    }

    fn resume(&self, arguments: &[&str]) -> Ran {
        let (api, database) = (self.fixture.github.api_url(), self.database.url());
        let resume = ["resume", "--yes", "--min-interval", "0", "--api-url", &api, "--ledger", &database];
        self.fixture.sandbox.run(&[&resume, arguments].concat())
    }

    fn an_hour_passes(&self) {
        self.database.execute("UPDATE stanch.quota SET hold_length = 0, server_length = 0");
        self.database.execute(
            "UPDATE stanch.batch SET slot_at = slot_at - 3600000, slot_adjusted = slot_adjusted - 3600000",
        );
        self.fixture.github.an_hour_passes();
    }

    fn sent(&self, token: &str) -> usize {
        self.fixture.github.accepted().iter().filter(|accepted| *accepted == token).count()
    }
}

#[test]
fn a_laptops_queue_comes_to_the_server_and_is_sent_from_there() {
    let Some(fleet) = Fleet::new(8301) else { return };
    let (laptop, database) = (fleet.laptop(), fleet.database.url());
    let copied = fleet.ledger(&["copy", &laptop, &database, "--seal-to", "fleet.key.pub"]);
    assert_eq!(copied.code, 0, "{}", copied.stderr);
    assert!(copied.stdout.contains("3 tokens, 3 of them new"), "{}", copied.stdout);
    for said in ["2 tokens taken back", "counts 2 requests of the last hour", "asked"] {
        assert!(copied.stderr.contains(said), "{said}: {}", copied.stderr);
    }
    assert_eq!(fleet.fixture.status()["queued"], 0);
    let again = fleet.ledger(&["copy", &laptop, &database]);
    assert!(again.stdout.contains("3 tokens, 0 of them new"), "{}", again.stdout);
    // The laptop's requests of the last hour count.
    let held = fleet.resume(&["--key", "fleet.key"]);
    assert_eq!((held.code, fleet.sent(&fleet.tokens[0])), (3, 0), "{}", held.stderr);
    fleet.an_hour_passes();
    let keyless = fleet.resume(&[]);
    // They remain, which goes before that it could not be done.
    assert_eq!(keyless.code, 3, "{}", keyless.stderr);
    assert!(keyless.stderr.contains("name its file with --key"), "{}", keyless.stderr);
    let sent = fleet.resume(&["--key", "fleet.key"]);
    assert_eq!(sent.code, 0, "{}", sent.stderr);
    assert!(fleet.tokens.iter().all(|token| fleet.sent(token) == 1));
    assert_eq!(fleet.sent(&fleet.done), 1, "what was accepted was sent again");
    fleet.fixture.an_hour_passes();
    assert_eq!(fleet.fixture.run(&["resume"]).code, 0);
    assert!(fleet.tokens.iter().all(|token| fleet.sent(token) == 1), "the laptop sent it as well");
    let verified = fleet.fixture.sandbox.run(&["audit", "--verify", "--ledger", &database]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    let dump = fleet.database.client().query("SELECT line FROM stanch.audit", &[]).expect("a trail");
    let trail: Vec<String> = dump.iter().map(|row| row.get(0)).collect();
    assert!(trail.concat().contains("\"event\":\"copy\""), "{trail:?}");
    let hash = Fingerprint::of(fleet.tokens[0].as_bytes()).hex();
    assert!(trail.concat().contains(&hash) && !trail.concat().contains(&fleet.tokens[0]));
}

#[test]
fn a_shared_ledger_gets_a_new_key() {
    let Some(fleet) = Fleet::new(8302) else { return };
    let (laptop, database) = (fleet.laptop(), fleet.database.url());
    assert_eq!(fleet.ledger(&["copy", &laptop, &database]).code, 0);
    assert_eq!(fleet.ledger(&["keygen", "new.key"]).code, 0);
    let checked = fleet.ledger(&["check", &database, "--key", "fleet.key"]);
    assert_eq!(checked.code, 0, "{}", checked.stderr);
    let unnamed = fleet.ledger(&["rekey", &database, "--key", "fleet.key"]);
    assert!(unnamed.code == 2 && unnamed.stderr.contains("--new-key"), "{}", unnamed.stderr);
    let rekeyed = fleet.ledger(&["rekey", &database, "--key", "fleet.key", "--new-key", "new.key.pub"]);
    assert_eq!(rekeyed.code, 0, "{}", rekeyed.stderr);
    assert!(rekeyed.stderr.contains("2 tokens sealed with a new key"), "{}", rekeyed.stderr);
    fleet.an_hour_passes();
    let old = fleet.resume(&["--key", "fleet.key"]);
    assert_eq!((old.code, fleet.sent(&fleet.tokens[0])), (3, 0), "the old key opened it: {}", old.stderr);
    let sent = fleet.resume(&["--key", "new.key"]);
    assert_eq!(sent.code, 0, "{}", sent.stderr);
    assert!(fleet.tokens.iter().all(|token| fleet.sent(token) == 1));
}

#[test]
fn another_key_than_the_pinned_one_is_refused() {
    let Some(fleet) = Fleet::new(8303) else { return };
    let (laptop, database) = (fleet.laptop(), fleet.database.url());
    assert_eq!(fleet.ledger(&["keygen", "other.key"]).code, 0);
    let refused = fleet.ledger(&["copy", &laptop, &database, "--seal-to", "other.key.pub"]);
    assert!(refused.code == 2 && refused.stderr.contains("--seal-to"), "{}", refused.stderr);
    assert_eq!(fleet.fixture.status()["queued"], 2, "a token left for a ledger that nobody trusts");
    let refused = fleet.ledger(&["init", &database, "--seal-to", "other.key.pub"]);
    assert_eq!(refused.code, 2, "{}", refused.stdout);
    assert!(refused.stderr.contains("nothing was changed") && refused.stderr.contains("--new-key"));
    let again = fleet.ledger(&["init", &database]);
    assert!(again.code == 0 && again.stdout.contains("sealed to the key"), "{}", again.stdout);
    // A private key where the public one belongs says so, and is not quoted.
    let secret = fs::read_to_string(fleet.fixture.sandbox.path().join("fleet.key")).expect("a key");
    let secret = secret.lines().last().and_then(|line| line.rsplit(' ').next()).expect("a key").to_owned();
    let refused = fleet.ledger(&["init", &database, "--seal-to", "fleet.key"]);
    assert!(
        refused.stderr.contains("private half") && !refused.stderr.contains(&secret),
        "{}",
        refused.stderr
    );
}

#[test]
fn what_was_asked_of_a_server_counts_after_a_move_and_a_release() {
    let Some(fleet) = Fleet::new(8304) else { return };
    let (laptop, database) = (fleet.laptop(), fleet.database.url());
    let before = fleet.requests(&laptop);
    assert_eq!(before, 2);
    for _ in 0..2 {
        assert_eq!(fleet.ledger(&["copy", &laptop, &database]).code, 0);
        assert_eq!(fleet.requests(&database), before, "each counts once");
    }
    let api = fleet.fixture.github.api_url();
    let release = ["queue", "release", "--yes", "--host", &api, "--ledger", &database];
    let released = fleet.fixture.sandbox.run(&release);
    assert_eq!(released.code, 0, "{}", released.stderr);
    assert!(released.stderr.contains("still count"), "{}", released.stderr);
    assert_eq!(fleet.requests(&database), before, "a release forgot them");
    fleet.fixture.github.an_hour_passes();
    let sent = fleet.resume(&["--key", "fleet.key"]);
    assert_eq!((sent.code, fleet.sent(&fleet.tokens[0])), (0, 1), "{}", sent.stderr);
    assert_eq!(fleet.requests(&database), before + 1);
    // And back, to a file of its own.
    let file = fleet.fixture.sandbox.path().join("back.db").display().to_string();
    assert_eq!(fleet.ledger(&["copy", &database, &file, "--key", "fleet.key"]).code, 0);
    assert_eq!(fleet.requests(&file), fleet.requests(&database));
}

#[test]
fn a_ledger_is_not_copied_to_itself_by_another_name() {
    let Some(fleet) = Fleet::new(8305) else { return };
    let (laptop, database) = (fleet.laptop(), fleet.database.url());
    assert_eq!(fleet.ledger(&["copy", &laptop, &database]).code, 0);
    let waiting = |state: &str| -> i64 {
        let query = "SELECT count(*) FROM stanch.token WHERE state = $1";
        fleet.database.client().query_one(query, &[&state]).expect("a count").get(0)
    };
    let separator = if database.contains('?') { '&' } else { '?' };
    for other in [database.clone(), format!("{database}{separator}application_name=another")] {
        let refused = fleet.ledger(&["copy", &database, &other, "--key", "fleet.key"]);
        assert!(refused.code == 2 && refused.stderr.contains("the same ledger"), "{}", refused.stderr);
        assert_eq!((waiting("queued"), waiting("withdrawn")), (2, 0));
    }
    // The same id in another database: a dump that was put back.
    let server = fleet.database.server();
    let dump = server.directory().join(format!("{}.dump", fleet.database.name()));
    let restored = server.empty();
    let made = server.tool("pg_dump").arg("-Fc").arg("-f").arg(&dump).arg(fleet.database.name()).status();
    assert!(made.is_ok_and(|status| status.success()), "no dump");
    let put_back = server.tool("pg_restore").arg("-d").arg(restored.name()).arg(&dump).status();
    assert!(put_back.is_ok_and(|status| status.success()), "not put back");
    let copied = fleet.ledger(&["copy", &restored.url(), &database, "--key", "fleet.key"]);
    assert_eq!(copied.code, 0, "{}", copied.stderr);
    assert_eq!(waiting("queued"), 2);
}

#[test]
fn a_key_that_is_named_is_that_of_the_database_whichever_side_it_is_on() {
    let Some(fleet) = Fleet::new(8306) else { return };
    let (laptop, database) = (fleet.laptop(), fleet.database.url());
    let file = fleet.fixture.sandbox.path().join("back.db").display().to_string();
    assert_eq!(fleet.ledger(&["keygen", "other.key"]).code, 0);
    let other = fleet.ledger(&["copy", &laptop, &database, "--key", "other.key"]);
    assert!(other.code == 2 && other.stderr.contains("private key"), "{}", other.stderr);
    assert_eq!(fleet.fixture.status()["queued"], 2);
    let public = fleet.ledger(&["copy", &laptop, &database, "--key", "fleet.key.pub"]);
    assert!(public.code == 2 && public.stderr.contains("public half"), "{}", public.stderr);
    let there = fleet.ledger(&["copy", &laptop, &database, "--key", "fleet.key"]);
    assert_eq!(there.code, 0, "{}", there.stderr);
    let back = fleet.ledger(&["copy", &database, &file, "--key", "fleet.key"]);
    assert_eq!(back.code, 0, "{}", back.stderr);
    // The end that it names stands for the whole trail of the database.
    let head = back.stdout.trim_end().rsplit(' ').next().expect("a head").to_owned();
    let verified =
        fleet.fixture.sandbox.run(&["audit", "--verify", "--expect", &head, "--ledger", &database]);
    assert_eq!(verified.code, 0, "{head}: {}", verified.stderr);
    let files = fleet.ledger(&["copy", &laptop, "third.db", "--key", "fleet.key"]);
    assert!(files.code == 2 && files.stderr.contains("is a file"), "{}", files.stderr);
}

#[test]
fn a_new_key_without_the_old_one_changes_nothing_whatever_was_agreed_to() {
    let Some(fleet) = Fleet::new(8307) else { return };
    let (laptop, database) = (fleet.laptop(), fleet.database.url());
    assert_eq!(fleet.ledger(&["copy", &laptop, &database]).code, 0);
    for key in ["new.key", "other.key"] {
        assert_eq!(fleet.ledger(&["keygen", key]).code, 0);
    }
    let texts = || -> i64 {
        let query = "SELECT count(*) FROM stanch.token WHERE state = 'queued' AND sealed IS NOT NULL";
        fleet.database.client().query_one(query, &[]).expect("a count").get(0)
    };
    let rekey = ["rekey", database.as_str(), "--new-key", "new.key.pub", "--yes"];
    for key in [None, Some("other.key"), Some("new.key")] {
        let named: Vec<&str> = key.into_iter().flat_map(|key| ["--key", key]).collect();
        let refused = fleet.ledger(&[&rekey, named.as_slice()].concat());
        assert!(refused.code == 2 && refused.stderr.contains("not named"), "{key:?}: {}", refused.stderr);
        assert_eq!(texts(), 2, "{key:?}: what waits was erased");
    }
    // One text that is damaged is no reason to refuse the others.
    fleet.database.execute(
        "UPDATE stanch.token SET sealed = set_byte(sealed, length(sealed) - 1, get_byte(sealed, length(sealed) - 1) # 1)
            WHERE id = (SELECT min(id) FROM stanch.token WHERE state = 'queued')",
    );
    let asked = fleet.ledger(&["rekey", &database, "--new-key", "new.key.pub", "--key", "fleet.key"]);
    assert!(asked.code == 2 && asked.stderr.contains("keys that were named"), "{}", asked.stderr);
    let rekeyed = fleet.ledger(&[rekey.as_slice(), &["--key", "fleet.key"]].concat());
    assert_eq!(rekeyed.code, 3, "{}", rekeyed.stderr);
    assert_eq!(texts(), 1);
    // Said again with the new key alone: all that waits is sealed to it.
    let again = fleet.ledger(&[rekey.as_slice(), &["--key", "new.key"]].concat());
    assert_eq!(again.code, 0, "{}", again.stderr);
}
