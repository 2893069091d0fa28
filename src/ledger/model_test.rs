//! A model-based test of the durable ledger: random sequences of everything that can happen are run on it and on the
//! reference, every result is compared, and the promises are checked after every step.

pub(super) mod backend;
#[cfg(unix)]
mod cuts;
mod input;
pub(super) mod numbers;
mod oracle;
mod step;

use std::ops::Range;

use proptest::arbitrary::any;
use proptest::collection::vec;
use proptest::test_runner::{Config, TestRunner};

use self::backend::Backend;
use self::input::{HOST, entry, request, settlement, status_request};
use self::numbers::{Numbers, events_of_reference};
use self::oracle::Oracle;
use self::step::{Step, step};
use super::settlement::KeptAnswer;
use super::time::{Uptime, set_uptime, timestamp};
use super::*;

/// Both ledgers, each with three processes.
struct World {
    backend: Backend,
    numbers: Numbers,
    durable: Vec<Box<dyn Ledger>>,
    model: Vec<ModelLedger>,
    root: ModelLedger,
    /// By the wall clock, in milliseconds.
    clock: i64,
    /// The machine's, where it is known.
    uptime: Option<Uptime>,
    /// The last number that a burst has used.
    fresh: u32,
    oracle: Oracle,
}

/// Does the same to both ledgers, and compares the results.
macro_rules! both {
    ($world:expr, $process:expr, $ledger:ident => $call:expr) => {{
        let (one, two) = each!($world, $process, $ledger => $call);
        assert_eq!(one, two, "the ledgers disagree");
        one
    }};
}

/// Does the same to both ledgers.
macro_rules! each {
    ($world:expr, $process:expr, $ledger:ident => $call:expr) => {{
        let at = timestamp($world.clock);
        set_uptime($world.uptime);
        let now = move || at;
        let now: Now<'_> = &now;
        let one = {
            let $ledger = $world.durable[$process].as_mut();
            ($call)($ledger, now)
        };
        let two = {
            let $ledger = &mut $world.model[$process];
            ($call)($ledger, now)
        };
        (one.expect("the durable ledger"), two.expect("the reference"))
    }};
}

impl World {
    fn new(backend: Backend, tells_uptime: bool) -> Self {
        let root = ModelLedger::new();
        World {
            numbers: Numbers::new(backend.is_exact()),
            durable: (0..3).map(|_| backend.open()).collect(),
            model: (0..3).map(|_| root.another()).collect(),
            backend,
            root,
            clock: 1_795_000_000_000,
            uptime: tells_uptime.then_some(Uptime { boot: 7, ms: 60_000 }),
            fresh: 100_000,
            oracle: Oracle::new(tells_uptime),
        }
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Enqueue { process, from, count, state } => {
                let entries: Vec<Entry> = (from..from + count).map(|number| entry(number, state)).collect();
                both!(self, process, ledger => |ledger: &mut dyn Ledger, now| {
                    ledger.enqueue(HOST, &decision(), &mut entries.clone().into_iter(), now)
                });
                if state == State::Queued {
                    self.oracle.queued.extend(entries.iter().map(|entry| entry.fingerprint));
                }
            }
            Step::Intend { process } => self.intend(process, &request(process)),
            Step::IntendSelfRevoking { process, from, count } => {
                let tokens: Vec<Fingerprint> =
                    (from..from + count).map(|number| entry(number, State::Queued).fingerprint).collect();
                let payload = Payload::SelfRevoking(&tokens);
                self.intend(process, &BatchRequest { payload, ..request(process) });
            }
            Step::Call { process, left } => self.call(process, left),
            Step::Settle { index, outcome, rate_limit, hold } => {
                self.settle(index, outcome, rate_limit, hold);
            }
            Step::Keep { index, outcome, rate_limit, hold } => {
                self.keep(index, &settlement(outcome, rate_limit, hold, self.clock));
            }
            Step::StateChange { process, from, count, state } => {
                let tokens: Vec<Fingerprint> =
                    (from..from + count).map(|number| entry(number, State::Queued).fingerprint).collect();
                let selection = Selection::Tokens(&tokens);
                let change = StateChange { host: HOST, selection, state, reason: "test" };
                both!(self, process, ledger => |ledger: &mut dyn Ledger, now| ledger.change_state(&change, now));
                self.oracle.changed.extend(tokens);
            }
            Step::Told { process, from, count, grants } => self.told(process, from..from + count, grants),
            Step::Crash { process } => {
                self.durable[process] = self.backend.open();
                self.model[process] = self.root.another();
                self.oracle.crash(process);
            }
            Step::Burst { process, requests } => (0..requests).for_each(|_| self.send_one(process)),
            Step::Tick { ms } => {
                self.clock += ms;
                self.uptime = self.uptime.map(|uptime| Uptime { ms: uptime.ms + ms, ..uptime });
                self.oracle.pass(ms, self.clock);
            }
            Step::Jump { ms } => {
                // Within what a clock can show.
                let target = (self.clock + ms).clamp(0, 9_000_000_000_000);
                self.oracle.jump(target - self.clock, target);
                self.clock = target;
            }
        }
        self.check();
    }

    /// A token of its own is queued, sent and accepted.
    fn send_one(&mut self, process: usize) {
        self.fresh += 1;
        self.run(&Step::Enqueue { process, from: self.fresh, count: 1, state: State::Queued });
        self.run(&Step::Tick { ms: 1000 });
        self.run(&Step::Intend { process });
        let (index, outcome) = (usize::MAX, BatchOutcome::Accepted);
        self.run(&Step::Settle { index, outcome, rate_limit: None, hold: None });
    }

    fn call(&mut self, process: usize, left: bool) {
        self.oracle.asks_for_request(process);
        let request = BatchRequest { payload: Payload::Call("GET /meta"), ..request(process) };
        let Next::Send(intent) = self.ask(process, &request) else { return };
        assert!(intent.tokens.is_empty(), "a call carries no token");
        let outcome = if left { BatchOutcome::Returned } else { BatchOutcome::NotSent };
        self.answer(process, intent.batch, &settlement(outcome, None, None, self.clock));
        self.oracle.called(process, left, self.clock);
    }

    fn told(&mut self, process: usize, numbers: Range<u32>, (scopes, end): (Option<u8>, Option<i64>)) {
        let grants = Grants {
            scopes: scopes.map(|scopes| (0..scopes).map(|scope| format!("scope:{scope}")).collect()),
            expires_at: end.map(|end| timestamp(self.clock + end)),
        };
        let told: Vec<_> =
            numbers.map(|number| (entry(number, State::Queued).fingerprint, grants.clone())).collect();
        both!(self, process, ledger => |ledger: &mut dyn Ledger, now| ledger.keep_grants(HOST, &told, now));
    }

    /// Asks both ledgers for a request; under the reference's numbers.
    fn ask(&mut self, process: usize, request: &BatchRequest<'_>) -> Next {
        let (one, two) =
            each!(self, process, ledger => |ledger: &mut dyn Ledger, now| ledger.intend(request, now));
        self.numbers
            .compare(one, &two)
            .unwrap_or_else(|difference| panic!("the ledgers disagree: {difference}"));
        two
    }

    /// Settles a batch in both ledgers.
    fn answer(&mut self, process: usize, batch: BatchId, settlement: &Settlement) {
        let durable = self.numbers.durable(batch);
        let mut batches = [durable, batch].into_iter();
        both!(self, process, ledger => |ledger: &mut dyn Ledger, now| {
            ledger.settle(batches.next().unwrap_or(batch), settlement, now)
        });
    }

    fn intend(&mut self, process: usize, request: &BatchRequest<'_>) {
        let mut pending = self.count(State::Queued) + self.count(State::Sent);
        self.oracle.asks_for_request(process);
        let next = self.ask(process, request);
        if self.taken_over(process) > 0 {
            // Some of those are done, by answers that were kept.
            pending = u64::MAX;
        }
        match next {
            Next::Send(intent) => self.oracle.sent(process, &intent, true, (self.clock, pending)),
            Next::SendEach(intents) => {
                assert!(intents.iter().all(|intent| intent.tokens.len() == 1), "each goes by itself");
                for intent in &intents {
                    self.oracle.sent(process, intent, false, (self.clock, pending));
                }
            }
            Next::Later { at, .. } => assert!(at > timestamp(self.clock), "later is not later"),
            Next::Nothing => {}
        }
    }

    fn keep(&mut self, index: usize, settlement: &Settlement) {
        let Some(request) = self.oracle.answered(index) else { return };
        let (process, batch) = (request.process, request.id);
        request.kept = Some(KeptAnswer { batch: batch.0, at: self.clock, settlement: settlement.clone() });
        let mut batches = [self.numbers.durable(batch), batch].into_iter();
        both!(self, process, ledger => |ledger: &mut dyn Ledger, now| {
            ledger.keep_answer(batches.next().unwrap_or(batch), settlement, now)
        });
    }

    /// What was kept is settled by the next process that asks for a request.
    fn taken_over(&mut self, process: usize) -> usize {
        let settled = self.oracle.taken_over(process, self.clock);
        for request in &settled {
            let kept = request.kept.as_ref().expect("an answer");
            self.oracle.settled(request, &seen_at(kept, self.clock), self.clock);
        }
        settled.len()
    }

    fn settle(
        &mut self,
        index: usize,
        outcome: BatchOutcome,
        rate_limit: Option<(u32, i64)>,
        hold: Option<u64>,
    ) {
        let Some(batch) = self.oracle.take(index) else { return };
        // Tried again: the answer is the one that came.
        let settlement = match &batch.kept {
            Some(kept) => kept.settlement.clone(),
            None => settlement(outcome, rate_limit, hold, self.clock),
        };
        self.answer(batch.process, batch.id, &settlement);
        let settlement = batch.kept.as_ref().map_or(settlement, |kept| seen_at(kept, self.clock));
        self.oracle.settled(&batch, &settlement, self.clock);
    }

    fn count(&self, state: State) -> u64 {
        self.durable[0].count(HOST, state).expect("a number")
    }

    /// What holds after every step, whatever the step was.
    fn check(&mut self) {
        let at = timestamp(self.clock);
        set_uptime(self.uptime);
        for process in [0, 2] {
            let one = self.durable[process].host_status(&status_request(process), &|| at).expect("a status");
            let two = self.model[process].host_status(&status_request(process), &|| at).expect("a status");
            assert_eq!(HostStatus { ledger: String::new(), ..one }, two);
        }
        let accepted: Vec<Fingerprint> = self.oracle.accepted.iter().take(50).copied().collect();
        for record in self.durable[0].tokens(HOST, &accepted).expect("readable") {
            let state = record.expect("forgotten").state;
            assert!(matches!(state, State::Accepted | State::Confirmed), "{state:?}");
        }
        self.check_waiting();
        if !self.backend.is_exact() {
            return;
        }
        let read = self.oracle.trail.len() as u64;
        let one = self.durable[0].trail("", read, usize::MAX).expect("a trail");
        let two = self.model[0].trail("", read, usize::MAX).expect("a trail");
        assert_eq!(one, two, "the trails differ");
        self.oracle.read(one);
    }

    /// What waits, page by page and by its hash, is the same in both.
    fn check_waiting(&self) {
        let (one, two) = (&self.durable[0], &self.model[0]);
        let mut after = (0, 0);
        // Small, so that there are many; a query costs more there.
        let len = if self.backend.is_exact() { 7 } else { 97 };
        loop {
            let page = one.waiting_page(HOST, after.0, len).expect("a page");
            let same = two.waiting_page(HOST, after.1, len).expect("a page");
            assert_eq!(self.numbers.waiting(&page), self.numbers.waiting(&same));
            let (Some(last), Some(same)) = (page.last(), same.last()) else { break };
            after = (last.number, same.number);
            let first_bytes =
                |token: &Fingerprint| u64::from_be_bytes(*token.0.first_chunk().expect("it is longer"));
            let prefixes: Vec<u64> = page.iter().map(|found| first_bytes(&found.token.fingerprint)).collect();
            let named = one.waiting_named(HOST, &prefixes).expect("a lookup");
            assert_eq!(named, two.waiting_named(HOST, &prefixes).expect("a lookup"));
            assert_eq!(named.len(), page.len());
            let tokens: Vec<Fingerprint> = named.into_iter().map(|(token, _)| token).collect();
            let records = two.tokens(HOST, &tokens).expect("records");
            assert_eq!(one.tokens(HOST, &tokens).expect("records"), records);
        }
    }

    /// Time runs, and nothing goes wrong any more: everything that was queued must get through.
    fn drain(&mut self) {
        for process in [0, 1, 2] {
            self.run(&Step::Crash { process });
        }
        // A hold of two hours, and the same again where the clock comes by the time it was set back from; then an hour for
        // every five requests. Each request takes one token at the least.
        let mut left = 20_000;
        while self.count(State::Queued) + self.count(State::Sent) > 0 {
            left -= 1;
            assert!(left > 0, "what was queued does not get through");
            let at = timestamp(self.clock);
            let next = self.ask(0, &request(0));
            self.taken_over(0);
            match next {
                Next::Nothing | Next::SendEach(_) => panic!("something waits, and no batch is to be sent"),
                Next::Later { at: until, .. } => {
                    let ms = i64::try_from(until.duration_since(at).as_millis()).expect("short");
                    assert!(ms <= 2 * 7_200_000 + 900_000, "blocked for {ms} ms");
                    self.run(&Step::Tick { ms });
                }
                Next::Send(intent) => {
                    self.oracle.sent(0, &intent, true, (self.clock, u64::MAX));
                    self.settle(usize::MAX, BatchOutcome::Accepted, None, None);
                }
            }
        }
    }

    /// What holds in the end.
    fn end(&mut self) {
        self.check();
        let queued: Vec<Fingerprint> = self.oracle.queued.iter().copied().collect();
        let records = self.durable[0].tokens(HOST, &queued).expect("readable");
        for (token, record) in queued.iter().zip(records) {
            let record = record.expect("forgotten");
            assert!(!record.state.pending(), "{:?} waits", record.state);
            let excused = self.oracle.changed.contains(token) || self.oracle.rejected.contains(token);
            assert!(record.state == State::Accepted || excused, "{:?} without a reason", record.state);
            if record.state == State::Accepted {
                assert!(self.oracle.ever_sent.contains(token), "accepted and never sent");
            }
        }
        let mut all = Vec::new();
        export(self.durable[0].as_ref(), |line| {
            all.push(line.to_owned());
            Ok::<(), LedgerError>(())
        })
        .expect("a trail");
        if self.backend.is_exact() {
            assert!(all == self.oracle.trail, "the trail was rewritten");
        } else {
            let told = self.model[0].trail("", 0, usize::MAX).expect("a trail");
            assert_eq!(self.numbers.events(&all), events_of_reference(&told), "the trails differ");
        }
        verify(self.durable[0].as_ref()).expect("a trail that holds");
        verify(&self.model[0]).expect("a trail that holds");
        let listed = |ledger: &dyn Ledger| {
            self.numbers.listed(ledger.list(&TokenFilter::default(), 0, usize::MAX).expect("a list"))
        };
        assert!(listed(self.durable[0].as_ref()) == listed(&self.model[0]), "the ledgers list other tokens");
        for token in queued.iter().take(if self.backend.is_exact() { 500 } else { 50 }) {
            let attempts = |ledger: &dyn Ledger| ledger.attempts(HOST, token).expect("attempts");
            let durable = self.numbers.attempts(attempts(self.durable[0].as_ref()));
            assert_eq!(durable, attempts(&self.model[0]));
        }
    }
}

/// What an answer says that came earlier: the server's patience has begun.
fn seen_at(kept: &KeptAnswer, clock: i64) -> Settlement {
    let since = Duration::from_millis(u64::try_from(clock - kept.at).unwrap_or_default());
    let hold = kept.settlement.hold.map(|hold| hold.saturating_sub(since));
    Settlement { hold, ..kept.settlement.clone() }
}

/// Tells so many random stories on ledgers of this kind.
fn tell(stories: u32, backend: fn() -> Option<Backend>) {
    let config = Config { cases: stories, failure_persistence: None, ..Config::default() };
    let told = TestRunner::new(config).run(&(any::<bool>(), vec(step(), 1..40)), |(tells_uptime, steps)| {
        let Some(backend) = backend() else { return Ok(()) };
        // How long one machine has run says nothing to others.
        let tells_uptime = tells_uptime && backend.is_exact();
        let mut world = World::new(backend, tells_uptime);
        for step in &steps {
            world.run(step);
        }
        world.drain();
        world.end();
        Ok(())
    });
    told.unwrap_or_else(|broken| panic!("{broken}"));
}

/// `STANCH_STORIES` says how many in depth.
fn in_depth() -> u32 {
    std::env::var("STANCH_STORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(5000)
}

#[test]
fn the_promises_hold_whatever_happens() {
    tell(24, || Some(Backend::sqlite()));
}

#[test]
#[ignore = "takes many minutes: cargo test --release --lib -- --ignored model_test"]
fn the_promises_hold_whatever_happens_in_depth() {
    tell(in_depth(), || Some(Backend::sqlite()));
}

/// The same stories, in a database.
#[cfg(unix)]
mod postgres {
    use super::*;

    #[test]
    fn the_promises_hold_whatever_happens() {
        if Backend::postgres().is_some() {
            tell(4, Backend::postgres);
        }
    }

    #[test]
    #[ignore = "takes many minutes: cargo test --release --lib -- --ignored model_test"]
    fn the_promises_hold_whatever_happens_in_depth() {
        if Backend::postgres().is_some() {
            tell(in_depth() / 20, Backend::postgres);
        }
    }
}
