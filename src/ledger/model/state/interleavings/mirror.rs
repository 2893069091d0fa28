//! The same transitions in a database: whatever three owners can do in so many steps is done there, too, transaction by
//! transaction in every order, and has to come to the same.
//!
//! A way through the states of the reference is walked again from its beginning for each transition that it leads to. Each has
//! a host of its own, which shares nothing with others, so that one database does for all of them.

use std::collections::HashSet;
use std::ops::Range;

use tempfile::TempDir;

use super::flaw::Flaw;
use super::world::{
    ALL, Action, Budget, FIRST, HOLD, HOST, IDENTITIES, OWNERS, SLOTS, World, entry, nobodys_decision,
    request, settlement,
};
use super::{CALM, Report};
use crate::ledger::model_test::backend::Backend;
use crate::ledger::model_test::numbers::Numbers;
use crate::ledger::time::timestamp;
use crate::ledger::{BatchId, BatchOutcome, HostStatus, Ledger, ListedToken, StatusRequest, TokenFilter};

/// The database, and the handles of its three owners.
struct Mirror {
    backend: Backend,
    /// Where each owner is on a machine of its own: their homes, for as long as one may look at them.
    homes: Option<Vec<TempDir>>,
    owners: Vec<Box<dyn Ledger>>,
    walks: usize,
}

/// A way through the states, in the database.
struct Walk<'a> {
    mirror: &'a mut Mirror,
    host: String,
    world: World,
    numbers: Numbers,
}

impl Mirror {
    fn new(backend: Backend, apart: bool) -> Self {
        let homes = apart.then(Vec::new);
        let mut mirror = Mirror { backend, homes, owners: Vec::new(), walks: 0 };
        for _ in 0..OWNERS {
            let owner = mirror.open();
            mirror.owners.push(owner);
        }
        mirror
    }

    fn open(&mut self) -> Box<dyn Ledger> {
        let Some(homes) = &mut self.homes else { return self.backend.open() };
        let home = tempfile::tempdir().expect("a directory");
        let owner = self.backend.open_elsewhere(home.path());
        homes.push(home);
        owner
    }

    /// Takes these steps in the database and in a world like this one; what differs is an error.
    fn walk(&mut self, start: &World, actions: &[Action]) -> Result<(), String> {
        self.walks += 1;
        let host = format!("walk-{}.example.test", self.walks);
        let mut walk = Walk { mirror: self, host, world: start.clone(), numbers: Numbers::default() };
        walk.find(0, FIRST);
        for action in actions {
            walk.step(*action)?;
        }
        walk.compare()
    }
}

impl Walk<'_> {
    fn ledger(&mut self, owner: usize) -> &mut dyn Ledger {
        self.mirror.owners[owner].as_mut()
    }

    fn find(&mut self, owner: usize, numbers: Range<u8>) {
        let (at, host) = (timestamp(self.world.clock), self.host.clone());
        let enqueued =
            self.ledger(owner).enqueue(&host, &nobodys_decision(), &mut numbers.map(entry), &|| at);
        enqueued.expect("the durable ledger");
    }

    fn step(&mut self, action: Action) -> Result<(), String> {
        let (at, host) = (timestamp(self.world.clock), self.host.clone());
        let flight = |world: &World, owner: usize| world.flights[owner].map(|flight| flight.batch);
        match action {
            Action::Find => self.find(0, ALL),
            Action::Intend(owner) => {
                let request = request(&host, self.world.identity(owner));
                let durable = self.ledger(owner).intend(&request, &|| at).expect("the durable ledger");
                let model = self.world.intend(owner)?;
                return self.numbers.compare(durable, &model);
            }
            Action::Settle(owner, outcome) => self.settle(owner, outcome, None),
            Action::Hold(owner) => self.settle(owner, BatchOutcome::Returned, Some(HOLD)),
            Action::Crash(owner) => self.mirror.owners[owner] = self.mirror.open(),
            // The owner goes on without its answer; it asks for another request, or dies.
            Action::Forget(owner) => assert!(flight(&self.world, owner).is_some(), "nothing is under way"),
            Action::Tick | Action::Jump(_) => {}
        }
        self.world.step(action)
    }

    fn settle(&mut self, owner: usize, outcome: BatchOutcome, hold: Option<i64>) {
        let Some(flight) = self.world.flights[owner] else { return };
        let at = timestamp(self.world.clock);
        let batch = self.numbers.durable(BatchId(flight.batch));
        let settlement = settlement(outcome, hold);
        self.ledger(owner).settle(batch, &settlement, &|| at).expect("the durable ledger");
    }

    /// Both have the same tokens in the same states, for the same time, and the same to say of their quotas.
    fn compare(&self) -> Result<(), String> {
        let at = timestamp(self.world.clock);
        for identity in IDENTITIES {
            let asked = |host| StatusRequest { host, identity, per_hour: SLOTS };
            let durable = self.mirror.owners[0].host_status(&asked(&self.host), &|| at);
            let durable = durable.expect("the durable ledger");
            let model = self.world.state.host_status(&asked(HOST), at);
            let (ledger, host) = (model.ledger.clone(), model.host.clone());
            let durable = HostStatus { ledger, host, ..durable };
            if durable != model {
                return Err(format!("{durable:?}\ninstead of {model:?}"));
            }
        }
        let filter = TokenFilter { host: Some(&self.host), ..TokenFilter::default() };
        let durable = self.mirror.owners[0].list(&filter, 0, usize::MAX).expect("the durable ledger");
        let plain = |token: ListedToken| ListedToken { number: 0, host: String::new(), ..token };
        let durable: Vec<ListedToken> = durable.into_iter().map(plain).collect();
        let model: Vec<ListedToken> =
            self.world.state.listed().filter(|token| token.host == HOST).map(plain).collect();
        if durable == model { Ok(()) } else { Err(format!("{durable:#?}\ninstead of {model:#?}")) }
    }
}

/// Walks to every state within so many steps and through everything that can happen there, on the database and on the
/// reference, which may have a flaw.
fn explore(mirror: &mut Mirror, budget: Budget, flaw: Option<Flaw>, steps: usize) -> Report {
    let start = World::new(budget, flaw);
    // The database starts where a reference without flaws does.
    let mut known = HashSet::from([start.key()]);
    let mut report = Report { states: 1, steps: 0, broken: None };
    let mut open: Vec<(World, Vec<Action>)> = vec![(start.clone(), Vec::new())];
    for _ in 0..steps {
        for (world, way) in std::mem::take(&mut open) {
            for action in world.actions() {
                report.steps += 1;
                let way = [way.as_slice(), &[action]].concat();
                if let Err(broken) = mirror.walk(&start, &way) {
                    report.broken = Some((broken, way));
                    return report;
                }
                let mut next = world.clone();
                if let Err(broken) = next.step(action).and_then(|()| next.check()) {
                    report.broken = Some((broken, way));
                    return report;
                }
                next.shrink();
                if known.insert(next.key()) {
                    open.push((next, way));
                }
            }
        }
    }
    report.states = known.len();
    report
}

fn assert_same(budget: Budget, steps: usize) {
    let Some(backend) = Backend::postgres() else { return };
    let report = explore(&mut Mirror::new(backend, budget.apart), budget, None, steps);
    println!("{budget:?}: {} states, {} transitions", report.states, report.steps);
    if let Some((broken, actions)) = report.broken {
        panic!("{broken} after {actions:#?}");
    }
    assert!(report.states > 10, "{} states are not all", report.states);
}

#[test]
fn a_database_goes_through_the_same_states() {
    assert_same(Budget { crashes: 1, troubles: 1, finds: 1, ..CALM }, 4);
    assert_same(Budget { crashes: 1, apart: true, ..CALM }, 4);
}

/// `STANCH_STEPS` says how many.
#[test]
#[ignore = "takes many minutes: cargo test --release --lib -- --ignored --nocapture interleaving"]
fn a_database_goes_through_the_same_states_in_depth() {
    let steps = std::env::var("STANCH_STEPS").ok().and_then(|text| text.parse().ok()).unwrap_or(6);
    for (two_identities, apart) in [(false, false), (true, false), (false, true)] {
        assert_same(Budget { crashes: 1, troubles: 1, jumps: 1, finds: 1, two_identities, apart }, steps);
    }
}

/// The comparison finds what it is there to find.
#[test]
fn a_flaw_of_the_reference_is_seen_beside_a_database() {
    let Some(backend) = Backend::postgres() else { return };
    let mut mirror = Mirror::new(backend, false);
    let budget = Budget { crashes: 1, troubles: 1, finds: 1, ..CALM };
    for flaw in [Flaw::LostForEver, Flaw::FoundIsNew, Flaw::LostIsUnsent] {
        let report = explore(&mut mirror, budget, Some(flaw), 4);
        let (broken, actions) = report.broken.unwrap_or_else(|| panic!("{flaw:?} is not found"));
        assert!(!broken.starts_with("promise"), "{flaw:?} is found without the database: {broken}");
        println!("{flaw:?}: {broken}, after {} actions", actions.len());
    }
}
