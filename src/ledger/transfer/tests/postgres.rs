//! Between a file and a database.

use std::path::Path;

use super::*;
use crate::ledger::address::{LedgerAccess, PostgresAddress};
use crate::ledger::pg_proxy::{Break, Direction, Fault, PgProxy, Place};
use crate::ledger::pg_server::{self, Database};
use crate::ledger::{PrivateKey, PublicKey};

/// A database with tables, and a key pair beside it.
fn shared(database: &Database, home: &Path) -> Result<PostgresAddress, Box<dyn std::error::Error>> {
    let key = home.join("fleet.key");
    PrivateKey::generate()?.write_new(&key)?;
    let public = PublicKey::read(&home.join("fleet.key.pub"))?;
    let access =
        LedgerAccess { state_dir: Some(home.into()), key_files: vec![key], ..LedgerAccess::default() };
    let address = PostgresAddress { url: database.url(), access };
    PostgresLedger::init(&address, Some(&public))?;
    Ok(address)
}

/// The states of the five tokens of a laptop.
fn states(ledger: &dyn Portable) -> Result<Vec<State>, Box<dyn std::error::Error>> {
    let known = |number| ledger.token(HOST, &token(number).fingerprint());
    (0..5)
        .map(|number| known(number)?.map(|known| known.state).ok_or_else(|| "a token is lost".into()))
        .collect()
}

fn openable(ledger: &dyn Portable) -> Result<usize, Box<dyn std::error::Error>> {
    let opener = ledger.opener(HOST)?;
    let waiting = ledger.waiting_page(HOST, 0, 10)?;
    for one in &waiting {
        opener.open(one.token.kind, one.token.fingerprint, &one.token.sealed)?;
    }
    Ok(waiting.len())
}

#[test]
fn a_laptops_queue_goes_to_the_server_and_back() -> TestResult {
    let Some(server) = pg_server::shared() else { return Ok(()) };
    let (home, database) = (tempfile::tempdir()?, server.empty());
    let mut fleet = PostgresLedger::open(&shared(&database, home.path())?)?;
    let (mut laptop, now) = (laptop()?, &Timestamp::now);
    let known = states(&laptop.ledger)?;
    let head = laptop.ledger.head()?;
    // As if it had died before the source was told.
    let kept = transfer(&mut laptop.ledger, &mut fleet, &options(true), now)?;
    assert_eq!((kept.taken_in, kept.moved), (5, 0), "{kept:?}");
    let done = transfer(&mut laptop.ledger, &mut fleet, &options(false), now)?;
    assert_eq!((done.taken_in, done.moved, done.unopenable), (0, 2, 0), "{done:?}");
    assert_eq!((states(&fleet)?, openable(&fleet)?, laptop.waiting()?), (known.clone(), 2, 0));
    let first = fleet.token(HOST, &token(0).fingerprint())?.ok_or("it is lost")?;
    assert_eq!(first.request_id.as_deref(), Some("AB:12"));
    let fourth = fleet.token(HOST, &token(3).fingerprint())?.ok_or("it is lost")?;
    assert_eq!(fourth.grants.and_then(|grants| grants.scopes_text()).as_deref(), Some("repo"));
    let verified = verify(&fleet)?;
    let chains = verified.heads.iter().map(|head| fleet.trail(&head.writer, 0, 100));
    let trail = chains.collect::<Result<Vec<_>, _>>()?.concat().concat();
    assert!(trail.contains(&head.to_string()), "the target does not name the source's head: {trail}");
    assert!(fleet.check().problems.is_empty(), "{:?}", fleet.check());

    let mut back = Machine::new()?;
    let done = transfer(&mut fleet, &mut back.ledger, &options(false), now)?;
    assert_eq!((done.taken_in, done.moved), (5, 2), "{done:?}");
    assert_eq!((states(&back.ledger)?, openable(&back.ledger)?), (known, 2));
    assert_eq!(fleet.waiting(HOST)?.values().sum::<u64>(), 0);
    Ok(())
}

#[test]
fn one_database_to_another_needs_the_key_of_the_first_alone() -> TestResult {
    let Some(server) = pg_server::shared() else { return Ok(()) };
    let (homes, databases) = ([tempfile::tempdir()?, tempfile::tempdir()?], [server.empty(), server.empty()]);
    let (one, two) = (shared(&databases[0], homes[0].path())?, shared(&databases[1], homes[1].path())?);
    let mut laptop = laptop()?;
    let mut first = PostgresLedger::open(&one)?;
    transfer(&mut laptop.ledger, &mut first, &options(false), &Timestamp::now)?;
    let mut keyless = two.clone();
    keyless.access.key_files.clear();
    let mut second = PostgresLedger::open(&keyless)?;
    let done = transfer(&mut first, &mut second, &options(false), &Timestamp::now)?;
    assert_eq!((done.taken_in, done.moved, done.unopenable), (5, 2, 0), "{done:?}");
    assert!(second.opener(HOST).is_err(), "a key came from nowhere");
    assert_eq!(openable(&PostgresLedger::open(&two)?)?, 2);
    Ok(())
}

/// Moves what waits with the connection cut at a message, and once more without: nothing is lost, and nothing waits in both.
fn interrupted(
    (proxy, direct): (&PgProxy, &PostgresAddress),
    (direction, message): (Direction, usize),
) -> Result<bool, Box<dyn std::error::Error>> {
    let mut laptop = Machine::new()?;
    let numbers = {
        let first = u32::try_from(message)? * 4 + if direction == Direction::ToServer { 0 } else { 2 };
        first..first + 2
    };
    laptop.queue(numbers.clone())?;
    let mut cut = direct.clone();
    cut.url = proxy.url(pg_server::SUPERUSER, direct.url.rsplit('/').next().unwrap_or_default());
    proxy.arm(Some(Fault { direction, message, place: Place::Before, how: Break::Reset }));
    let moved = PostgresLedger::open(&cut).and_then(|mut fleet| {
        // Without patience: a cut is an end, and not a moment to wait for.
        fleet.set_lock_timeout(Some(Duration::ZERO))?;
        transfer(&mut laptop.ledger, &mut fleet, &options(false), &Timestamp::now)
    });
    let was_cut = proxy.is_spent();
    proxy.arm(None);
    assert!(was_cut || moved.is_ok(), "{direction:?} {message}: {moved:?}");
    let mut fleet = PostgresLedger::open(direct)?;
    transfer(&mut laptop.ledger, &mut fleet, &options(false), &Timestamp::now)?;
    assert_eq!(laptop.waiting()?, 0, "{direction:?} {message}: waits in both");
    for number in numbers {
        let known = fleet.token(HOST, &token(number).fingerprint())?;
        let state = known.map(|known| known.state);
        assert_eq!(state, Some(State::Queued), "{direction:?} {message}: token {number}");
    }
    Ok(was_cut)
}

#[test]
fn cut_at_any_message_a_second_run_finishes_it() -> TestResult {
    let Some(server) = pg_server::shared() else { return Ok(()) };
    let (home, database) = (tempfile::tempdir()?, server.empty());
    let address = shared(&database, home.path())?;
    let proxy = PgProxy::start(server.port());
    for direction in [Direction::ToServer, Direction::ToClient] {
        // Each message takes minutes together; the calls by themselves are cut at each one in `postgres`.
        let cuts = (0..).step_by(5).map(|message| interrupted((&proxy, &address), (direction, message)));
        let mut count = 0;
        for was_cut in cuts {
            if !was_cut? {
                break;
            }
            count += 1;
        }
        assert!(count > 5, "{direction:?}: only {count} cuts");
    }
    verify(&PostgresLedger::open(&address)?)?;
    Ok(())
}
