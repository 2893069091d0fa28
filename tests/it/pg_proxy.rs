//! The proxy breaks connections where it is told to, and nowhere else.

use std::time::{Duration, Instant};

use ::postgres::{Client, Config, Error, NoTls};

use crate::support::pg_proxy::{Break, Direction, Fault, PgProxy, Place};
use crate::support::postgres::{Database, SUPERUSER, shared};

/// What a transaction of three statements sends and gets: `Q`, and command tags with `Z`.
const SENT: &[u8] = b"QQQ";
const GOT: &[u8] = b"CZCZCZ";

fn connect(proxy: &PgProxy, database: &Database) -> Client {
    let config: Config = proxy.url(SUPERUSER, database.name()).parse().expect("an address");
    config.connect(NoTls).expect("a connection")
}

fn transaction(client: &mut Client) -> Result<(), Error> {
    client.batch_execute("BEGIN")?;
    client.batch_execute("INSERT INTO t VALUES (1)")?;
    client.batch_execute("COMMIT")
}

/// Waits until no session but this one is at work, as after a connection that was cut.
fn count(database: &Database) -> i64 {
    let mut client = database.client();
    let others =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid != pg_backend_pid()
        AND backend_type = 'client backend'";
    while client.query_one(others, &[]).expect("a row").get::<_, i64>(0) > 0 {}
    client.query_one("SELECT count(*) FROM t", &[]).expect("a row").get(0)
}

#[test]
fn messages_are_counted_in_both_directions() {
    let Some(server) = shared() else { return };
    let database = server.empty();
    database.execute("CREATE TABLE t (n int)");
    let proxy = PgProxy::start(server.port());
    let mut client = connect(&proxy, &database);
    assert_eq!(proxy.messages(Direction::ToServer), [0], "the start of a session has no type");
    proxy.arm(None);
    transaction(&mut client).expect("nothing goes wrong");
    assert_eq!(proxy.messages(Direction::ToServer), SENT);
    assert_eq!(proxy.messages(Direction::ToClient), GOT);
}

#[test]
fn a_cut_before_a_message_keeps_it_and_one_after_it_lets_it_through() {
    let Some(server) = shared() else { return };
    let database = server.empty();
    database.execute("CREATE TABLE t (n int)");
    let proxy = PgProxy::start(server.port());
    for (direction, messages) in [(Direction::ToServer, SENT), (Direction::ToClient, GOT)] {
        for message in 0..messages.len() {
            for (place, how) in [
                (Place::Before, Break::Close),
                (Place::Before, Break::Reset),
                (Place::Within, Break::Close),
                (Place::After, Break::Close),
            ] {
                let fault = Fault { direction, message, place, how };
                database.execute("DELETE FROM t");
                let mut client = connect(&proxy, &database);
                proxy.arm(Some(fault));
                let outcome = transaction(&mut client);
                drop(client);
                assert!(proxy.is_spent(), "{fault:?} did not happen");
                // Behind the last message nothing is missing, and the client may or may not see the end of the connection.
                let last =
                    direction == Direction::ToClient && message + 1 == GOT.len() && place == Place::After;
                assert!(outcome.is_err() || last, "{fault:?}");
                let arrived = match direction {
                    Direction::ToServer => message == 2 && place == Place::After,
                    Direction::ToClient => message >= 4,
                };
                assert_eq!(count(&database), i64::from(arrived), "{fault:?}");
            }
        }
    }
}

#[test]
fn a_delay_breaks_nothing_and_silence_is_not_told() {
    let Some(server) = shared() else { return };
    let database = server.empty();
    database.execute("CREATE TABLE t (n int)");
    let proxy = PgProxy::start(server.port());
    let mut client = connect(&proxy, &database);
    let at = |how| Some(Fault { direction: Direction::ToServer, message: 2, place: Place::Before, how });
    proxy.arm(at(Break::Delay(Duration::from_millis(100))));
    let started = Instant::now();
    transaction(&mut client).expect("it is only late");
    assert!(started.elapsed() >= Duration::from_millis(100));
    proxy.arm(at(Break::Silence));
    let waiting = std::thread::spawn(move || transaction(&mut client));
    while !proxy.is_spent() {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(50));
    assert!(!waiting.is_finished(), "nobody told it");
    proxy.cut_all();
    assert!(waiting.join().expect("no panic").is_err());
    assert_eq!(count(&database), 1);
}

#[test]
fn nobody_gets_through_while_it_is_away() {
    let Some(server) = shared() else { return };
    let database = server.empty();
    database.execute("CREATE TABLE t (n int)");
    let proxy = PgProxy::start(server.port());
    let mut client = connect(&proxy, &database);
    proxy.go_away();
    assert!(transaction(&mut client).is_err());
    let config: Config = proxy.url(SUPERUSER, database.name()).parse().expect("an address");
    assert!(config.connect(NoTls).is_err());
    proxy.come_back();
    transaction(&mut connect(&proxy, &database)).expect("it is back");
}
