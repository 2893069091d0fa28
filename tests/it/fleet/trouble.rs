//! Databases that are newer, read-only, locked, put back from a backup; wrong keys and missing rights: a clear error, nothing
//! lost, nothing sent.

use std::time::Duration;

use stanch::ledger::{self, LedgerAccess, LedgerAddress, LedgerError};

use crate::support::cmd::{Ran, Sandbox};
use crate::support::github::{Flavour, GitHub};
use crate::support::mint::{Kind, Mint};
use crate::support::postgres::{Database, shared};

/// A machine, a GitHub and a database that is a ledger.
struct Site {
    sandbox: Sandbox,
    github: GitHub,
    database: Database,
    mint: Mint,
}

impl Site {
    /// None where there is no PostgreSQL, which was said.
    fn new(seed: u64) -> Option<Self> {
        let database = shared()?.empty();
        let github = GitHub::start(Flavour::DotCom);
        let site = Site { sandbox: Sandbox::new(), github, database, mint: Mint::new(seed) };
        assert_eq!(site.sandbox.run(&["ledger", "keygen", "fleet.key"]).code, 0);
        let url = site.database.url();
        let init = site.sandbox.run(&["ledger", "init", &url, "--seal-to", "fleet.key.pub"]);
        assert_eq!(init.code, 0, "{}", init.stderr);
        Some(site)
    }

    fn run_at(&self, url: &str, arguments: &[&str]) -> Ran {
        let mut command = self.sandbox.command(arguments);
        command.args(["--ledger", url, "--api-url", &self.github.api_url()]);
        Ran::from(command.output().expect("the program starts"))
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.run_at(&self.database.url(), arguments)
    }

    /// New tokens in a directory.
    fn leak(&mut self, directory: &str, count: usize) -> Vec<String> {
        let tokens: Vec<String> = (0..count).map(|_| self.mint.token(Kind::Pat)).collect();
        self.sandbox.write(&format!("{directory}/f"), tokens.join("\n"));
        tokens
    }

    fn queue(&self, directory: &str) -> Ran {
        self.run(&["scan", "--revoke", "--yes", "--enqueue-only", directory])
    }

    fn resume(&self) -> Ran {
        self.run(&["resume", "--min-interval", "0", "--key", "fleet.key"])
    }

    fn count(&self, state: &str) -> i64 {
        let sql = "SELECT count(*) FROM stanch.token WHERE state = $1";
        self.database.client().query_one(sql, &[&state]).expect("a number").get(0)
    }

    /// The run failed, with tokens that remain or without, said this, and nothing left.
    fn assert_refused(&self, ran: &Ran, said: &str) {
        assert!(
            [2, 3].contains(&ran.code) && ran.stderr.contains(said),
            "{}: {}{}",
            ran.code,
            ran.stdout,
            ran.stderr
        );
        assert_eq!(self.github.requests().len(), 0, "something left");
    }
}

#[test]
fn a_newer_schema_is_left_alone() {
    let Some(mut site) = Site::new(9700) else { return };
    site.leak("tree", 3);
    site.database.execute("UPDATE stanch.meta SET value = '99' WHERE name = 'schema'");
    for arguments in [&["resume"][..], &["status"], &["scan", "--revoke", "--yes", "tree"]] {
        site.assert_refused(&site.run(arguments), "update stanch");
    }
    let url = site.database.url();
    site.assert_refused(&site.sandbox.run(&["ledger", "init", &url]), "update stanch");
    assert_eq!(site.count("queued"), 0);
}

#[test]
fn a_database_without_tables_says_how_to_make_them() {
    let Some(site) = Site::new(9701) else { return };
    let empty = shared().expect("it is there").empty();
    site.assert_refused(&site.run_at(&empty.url(), &["status"]), "stanch ledger init");
}

#[test]
fn the_wrong_key_opens_nothing_and_the_right_one_goes_on() {
    let Some(mut site) = Site::new(9702) else { return };
    let tokens = site.leak("tree", 5);
    let queued = site.queue("tree");
    assert_eq!(queued.code, 3, "{}", queued.stderr);
    assert_eq!(site.sandbox.run(&["ledger", "keygen", "other.key"]).code, 0);
    site.assert_refused(&site.run(&["resume", "--key", "other.key"]), "open");
    site.assert_refused(&site.run(&["resume"]), "--key");
    // Nor does a runner seal to another key than the one it was told.
    let pinned = ["scan", "--revoke", "--yes", "--enqueue-only", "--seal-to", "other.key.pub", "tree"];
    site.assert_refused(&site.run(&pinned), "--seal-to");
    assert_eq!(site.resume().code, 0);
    let mut accepted = site.github.accepted();
    accepted.sort();
    let mut expected = tokens;
    expected.sort();
    assert!(accepted == expected, "{} of {} arrived", accepted.len(), expected.len());
}

#[test]
fn each_role_may_do_its_part_and_no_more() {
    let Some(mut site) = Site::new(9703) else { return };
    let server = site.database.server();
    let name = site.database.name().to_owned();
    for role in ["read", "enqueue", "drain"] {
        let user = format!("{role}_{name}");
        site.database.execute(&format!("CREATE ROLE {user} LOGIN; GRANT stanch_{role} TO {user}"));
    }
    let url = |role: &str| server.url(&format!("{role}_{name}"), &name);
    let (read, enqueue, drain) = (url("read"), url("enqueue"), url("drain"));

    site.leak("tree", 5);
    let queue = ["scan", "--revoke", "--yes", "--enqueue-only", "tree"];
    let resume = ["resume", "--min-interval", "0", "--key", "fleet.key"];
    site.assert_refused(&site.run_at(&read, &queue), "role");
    let ran = site.run_at(&enqueue, &queue);
    assert_eq!((ran.code, site.count("queued")), (3, 5), "{}", ran.stderr);
    let status = site.run_at(&read, &["status"]);
    assert_eq!(status.code, 0, "{}", status.stderr);
    for may_not_send in [&read, &enqueue] {
        site.assert_refused(&site.run_at(may_not_send, &resume), "role");
    }
    // Nor by its own SQL: who queues can neither read what others sealed nor take it out of the queue.
    let config: ::postgres::Config = enqueue.parse().expect("an address");
    let mut client = config.connect(::postgres::NoTls).expect("a connection");
    for sql in [
        "SELECT sealed FROM stanch.token",
        "UPDATE stanch.token SET state = 'accepted'",
        "UPDATE stanch.token SET state = 'withdrawn'",
        "DELETE FROM stanch.token",
        "DELETE FROM stanch.audit",
        "UPDATE stanch.audit SET line = ''",
        "UPDATE stanch.meta SET value = ''",
        "UPDATE stanch.quota SET hold_length = 0",
        "TRUNCATE stanch.audit",
    ] {
        let error = client.batch_execute(sql).expect_err(sql);
        assert_eq!(error.code().map(::postgres::error::SqlState::code), Some("42501"), "{sql}: {error}");
    }
    let ran = site.run_at(&drain, &resume);
    assert_eq!((ran.code, site.count("accepted")), (0, 5), "{}", ran.stderr);
}

#[test]
fn a_database_that_takes_no_writes_loses_nothing() {
    let Some(mut site) = Site::new(9704) else { return };
    site.leak("tree", 5);
    assert_eq!(site.queue("tree").code, 3);
    let name = site.database.name().to_owned();
    let set = |value: &str| {
        let sql = format!("ALTER DATABASE {name} SET default_transaction_read_only = {value}");
        site.database.server().execute("postgres", &sql);
    };
    set("on");
    site.assert_refused(&site.resume(), "cannot be written");
    let status = site.run(&["status"]);
    assert_eq!(status.code, 0, "{}", status.stderr);
    set("off");
    assert_eq!(site.resume().code, 0);
    assert_eq!(site.count("accepted"), 5);
}

/// A client that hangs while it has the row of the quota.
#[test]
fn a_lock_that_another_client_holds_is_said_to_be_one() {
    let Some(mut site) = Site::new(9705) else { return };
    site.leak("tree", 1);
    assert_eq!(site.queue("tree").code, 3);
    assert_eq!(site.resume().code, 0);
    let mut frozen = site.database.client();
    let mut taken = frozen.transaction().expect("a transaction");
    taken.query("SELECT id FROM stanch.quota FOR UPDATE", &[]).expect("a row");
    let access = LedgerAccess { state_dir: Some(site.sandbox.home().into()), ..LedgerAccess::default() };
    let address = LedgerAddress::parse(site.database.url().as_ref()).expect("an address").with_access(access);
    let mut ledger = ledger::open(&address).expect("a ledger");
    ledger.set_lock_timeout(Some(Duration::from_millis(200))).expect("set");
    let host = site.github.api_url();
    let hold = Duration::from_secs(1);
    let error = ledger.hold(&host, "anonymous", hold, &jiff::Timestamp::now).expect_err("it is locked");
    assert!(matches!(error, LedgerError::Locked { .. }) && error.may_pass(), "{error}");
    taken.rollback().expect("let go");
    ledger.hold(&host, "anonymous", hold, &jiff::Timestamp::now).expect("it is free");
}

/// What was accepted after the backup is sent again, which does no harm; but not before an hour is over, for the requests of
/// that hour are forgotten, too.
#[test]
fn a_backup_that_is_put_back_sends_nothing_for_an_hour_and_says_so() {
    let Some(mut site) = Site::new(9706) else { return };
    site.leak("tree", 5);
    assert_eq!(site.queue("tree").code, 3);
    site.leak("sent", 1);
    let ran = site.run(&["scan", "--revoke", "--yes", "--min-interval", "0", "--key", "fleet.key", "sent"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let requests = site.github.requests().len();
    let server = site.database.server();
    let dump = server.directory().join(format!("{}.dump", site.database.name()));
    let made = server.tool("pg_dump").arg("-Fc").arg("-f").arg(&dump).arg(site.database.name()).status();
    assert!(made.expect("it starts").success());
    site.leak("later", 2);
    let ran = site.run(&["scan", "--revoke", "--yes", "--min-interval", "0", "--key", "fleet.key", "later"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let restored = server.empty();
    let put_back = server.tool("pg_restore").arg("-d").arg(restored.name()).arg(&dump).status();
    assert!(put_back.expect("it starts").success());
    site.database = restored;
    let before = site.github.requests().len();
    site.leak("new", 1);
    let ran = site.run(&["scan", "--revoke", "--yes", "--min-interval", "0", "--key", "fleet.key", "new"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert_eq!(site.github.requests().len(), before, "sent within the hour that is forgotten");
    assert!(before > requests, "something was accepted since the backup");
    let trail = site.sandbox.run(&["audit", "--ledger", &site.database.url()]);
    assert!(trail.stdout.contains("\"event\":\"restored\""), "{}", trail.stdout);
}
