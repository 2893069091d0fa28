//! The server of the tests does what the tests need of one.

use ::postgres::{Config, NoTls};

use crate::support::postgres::{Options, SUPERUSER, own, shared};

#[test]
fn databases_are_copies_of_what_was_prepared_and_go_with_the_test() {
    let Some(server) = shared() else { return };
    let prepare = |url: &str| {
        let mut client = url.parse::<Config>().expect("an address").connect(NoTls).expect("a database");
        client.batch_execute("CREATE TABLE t AS SELECT 7 AS n").expect("a table");
    };
    let one = server.prepared(prepare);
    one.execute("DELETE FROM t");
    let two = server.prepared(prepare);
    let count = |database: &crate::support::postgres::Database| -> i64 {
        database.client().query_one("SELECT count(*) FROM t", &[]).expect("a row").get(0)
    };
    assert_eq!((count(&one), count(&two)), (0, 1));
    let (name, empty) = (one.name().to_owned(), server.empty());
    drop(one);
    let mut client = empty.client();
    let gone = client.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).expect("a query");
    assert!(gone.is_none(), "{name} is left");
    assert!(client.query_opt("SELECT 1 FROM pg_class WHERE relname = 't'", &[]).expect("a query").is_none());
}

#[test]
fn what_was_committed_outlives_a_crash() {
    let Some(server) = own(Options::default()) else { return };
    server.execute("postgres", "CREATE TABLE t AS SELECT 7 AS n");
    let mut open = server.client("postgres");
    open.batch_execute("BEGIN; DELETE FROM t").expect("a transaction");
    server.crash();
    assert!(open.batch_execute("COMMIT").is_err(), "its server is gone");
    server.start_again();
    let row = server.client("postgres").query_one("SELECT n FROM t", &[]).expect("a row");
    assert_eq!(row.get::<_, i32>(0), 7);
    server.stop();
    server.start_again();
    server.execute("postgres", "DROP TABLE t");
    let directory = server.directory().to_owned();
    drop(server);
    assert!(!directory.exists(), "its directory is left");
}

#[test]
fn a_password_is_asked_for_where_there_is_one() {
    let options = Options { password: Some("a long one".to_owned()), ..Options::default() };
    let Some(server) = own(options) else { return };
    server.execute("postgres", "SELECT 1");
    let mut config: Config = server.url(SUPERUSER, "postgres").parse().expect("an address");
    assert!(config.connect(NoTls).is_err(), "without a password");
    assert!(config.password("another one").connect(NoTls).is_err());
    assert!(config.password("a long one").connect(NoTls).is_ok());
}

#[test]
fn a_standby_follows_and_is_promoted() {
    let Some(primary) = own(Options::default()) else { return };
    let standby = primary.standby("second");
    primary.execute("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'second'");
    primary.execute("postgres", "ALTER SYSTEM SET synchronous_commit = 'remote_apply'");
    primary.execute("postgres", "SELECT pg_reload_conf()");
    let mut client = primary.client("postgres");
    while client.query_one("SHOW synchronous_standby_names", &[]).expect("a row").get::<_, &str>(0).is_empty()
    {
        client = primary.client("postgres");
    }
    client.batch_execute("CREATE TABLE t AS SELECT 7 AS n").expect("acknowledged by both");
    let mut reader = standby.client("postgres");
    assert_eq!(reader.query_one("SELECT n FROM t", &[]).expect("it is there").get::<_, i32>(0), 7);
    assert!(reader.batch_execute("DELETE FROM t").is_err(), "a standby is read-only");
    primary.crash();
    standby.promote();
    standby.execute("postgres", "DELETE FROM t");
}
