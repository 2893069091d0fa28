//! A connection that is cut before and after every message of every call, in both directions: the call finds out what became of
//! it, and the story goes on as if nothing had been.
//!
//! One story is told over and over, each time with new tokens. Each of its calls remembers where it was cut last, and is cut one
//! message further on: until no message is left in either direction, for every call. What the calls return is compared with the
//! reference, which sees one call where the database may have seen two.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::backend::{Backend, open_database};
use super::input::{HOST, entry, settlement, status_request};
use super::numbers::{Numbers, events_of_reference};
use super::{export, input, verify};
use crate::ledger::pg_proxy::{Break, Direction, Fault, PgProxy, Place};
use crate::ledger::pg_server::SUPERUSER;
use crate::ledger::time::timestamp;
use crate::ledger::{
    BatchOutcome, BatchRequest, Event, Intent, Ledger, LedgerError, ModelLedger, Next, Now, Page, Payload,
    Selection, StateChange, TokenFilter, decision,
};
use crate::revocation::{Grants, State};
use crate::token::{Fingerprint, HashPrefix, Kind};

const HOUR: i64 = 3_600_001;

/// How many tokens a story has.
const TOKENS: u32 = 9;

/// So many messages of a call are met at the most: what some read grows with the ledger.
const MOST: usize = 250;

/// In which way messages are met.
type Way = (Direction, Place, Break);

const WAYS: [Way; 6] = [
    (Direction::ToServer, Place::Before, Break::Close),
    (Direction::ToServer, Place::Within, Break::Reset),
    (Direction::ToServer, Place::After, Break::Close),
    (Direction::ToClient, Place::Before, Break::Close),
    (Direction::ToClient, Place::Within, Break::Reset),
    (Direction::ToClient, Place::After, Break::Close),
];

/// Both ledgers, with two processes each; the first one's connection is cut.
struct Twins {
    backend: Backend,
    proxy: Option<PgProxy>,
    way: Way,
    /// How many messages further on a call is cut the next time.
    stride: usize,
    durable: [Box<dyn Ledger>; 2],
    model: [ModelLedger; 2],
    root: ModelLedger,
    numbers: Numbers,
    clock: i64,
    story: u32,
    /// The message at which each call is cut next; none once all were met.
    cursors: BTreeMap<&'static str, Option<usize>>,
    cuts: usize,
}

impl Twins {
    fn new(backend: Backend, way: Way, stride: usize) -> Self {
        let (first, proxy) = match &backend {
            Backend::Sqlite(_) => (backend.open(), None),
            Backend::Postgres(home, database) => {
                let proxy = PgProxy::start(database.server().port());
                (open_database(&proxy.url(SUPERUSER, database.name()), home.path()), Some(proxy))
            }
        };
        let root = ModelLedger::new();
        Twins {
            proxy,
            way,
            stride,
            durable: [first, backend.open()],
            model: [root.another(), root.another()],
            root,
            numbers: Numbers::new(false),
            clock: 1_795_000_000_000,
            story: 0,
            cursors: BTreeMap::new(),
            cuts: 0,
            backend,
        }
    }

    /// A call of the first process, cut where it is its turn.
    fn durable<T>(
        &mut self,
        name: &'static str,
        call: impl Fn(&mut dyn Ledger, Now<'_>) -> Result<T, LedgerError>,
    ) -> T {
        let at = timestamp(self.clock);
        // Each call begins at another message, so that with a stride they are not all cut at the same ones.
        let first = self.cursors.len() % self.stride;
        let cursor = self.cursors.entry(name).or_insert(Some(first));
        let (Some(proxy), Some(message)) = (&self.proxy, *cursor) else {
            return call(self.durable[0].as_mut(), &|| at).unwrap_or_else(|error| panic!("{name}: {error}"));
        };
        let (direction, place, how) = self.way;
        let fault = Fault { direction, message, place, how };
        proxy.arm(Some(fault));
        let result = call(self.durable[0].as_mut(), &|| at);
        *cursor = Some(message + self.stride).filter(|next| proxy.is_spent() && *next < MOST);
        self.cuts += usize::from(cursor.is_some());
        proxy.arm(None);
        result.unwrap_or_else(|error| panic!("{name}, {fault:?}: {error}"))
    }

    /// The same call on both, which has to come to the same.
    fn both<T: PartialEq + Debug>(
        &mut self,
        name: &'static str,
        call: impl Fn(&mut dyn Ledger, Now<'_>) -> Result<T, LedgerError>,
    ) -> T {
        let durable = self.durable(name, &call);
        let at = timestamp(self.clock);
        let model = call(&mut self.model[0], &|| at).expect("the reference");
        assert_eq!(durable, model, "{name}, after {:?}", self.cursors[name]);
        durable
    }

    fn intend(&mut self, name: &'static str, request: &BatchRequest<'_>) -> Option<Intent> {
        let durable = self.durable(name, |ledger, now| ledger.intend(request, now));
        let at = timestamp(self.clock);
        let model = self.model[0].intend(request, &|| at).expect("the reference");
        let same = self.numbers.compare(durable, &model);
        same.unwrap_or_else(|difference| panic!("{name}, after {:?}: {difference}", self.cursors[name]));
        self.clock += 1000;
        match model {
            Next::Send(intent) => Some(intent),
            _ => None,
        }
    }

    fn settle(&mut self, name: &'static str, intent: &Intent, outcome: BatchOutcome) {
        let hold = (outcome == BatchOutcome::Returned).then_some(1);
        let answer = settlement(outcome, Some((900, 60_000)), hold, self.clock);
        let batch = self.numbers.durable(intent.batch);
        let settled = self.durable(name, |ledger, now| ledger.settle(batch, &answer, now));
        let at = timestamp(self.clock);
        let model = self.model[0].settle(intent.batch, &answer, &|| at).expect("the reference");
        assert_eq!(settled, model, "{name}, after {:?}", self.cursors[name]);
        self.clock += 1000;
    }

    /// The second process takes a batch, and dies; its connection is not cut.
    fn leave_one_behind(&mut self, request: &BatchRequest<'_>) {
        let at = timestamp(self.clock);
        let durable = self.durable[1].intend(request, &|| at).expect("the durable ledger");
        let model = self.model[1].intend(request, &|| at).expect("the reference");
        self.numbers.compare(durable, &model).expect("the same");
        assert!(matches!(model, Next::Send(_)), "{model:?}");
        self.durable[1] = self.backend.open();
        self.model[1] = self.root.another();
        self.clock += 1000;
    }
}

fn request(max_batch: usize) -> BatchRequest<'static> {
    let min_interval = std::time::Duration::ZERO;
    BatchRequest { per_hour: 900, min_interval, max_batch, ..input::request(0) }
}

impl Twins {
    /// Everything that a ledger can do.
    fn tell(&mut self) {
        self.story += 1;
        self.clock += HOUR;
        let numbers = self.story * TOKENS..(self.story + 1) * TOKENS;
        let tokens: Vec<Fingerprint> =
            numbers.clone().map(|number| entry(number, State::Queued).fingerprint).collect();
        self.enqueue("enqueue", numbers.clone(), State::Queued);
        self.enqueue("enqueue, known", numbers, State::Held);
        self.read(&tokens);
        self.send(&tokens);
        self.change(&tokens);
        self.drain();
        let records = self.both("tokens", |ledger, _| ledger.tokens(HOST, &tokens));
        let done = |record: &Option<_>| {
            record.as_ref().is_some_and(|record: &crate::ledger::TokenRecord| !record.state.pending())
        };
        assert!(records.iter().all(done), "{records:?}");
    }

    fn enqueue(&mut self, name: &'static str, numbers: std::ops::Range<u32>, state: State) {
        self.both(name, |ledger, now| {
            ledger.enqueue(HOST, &decision(), &mut numbers.clone().map(|number| entry(number, state)), now)
        });
    }

    fn read(&mut self, tokens: &[Fingerprint]) {
        let kinds = [Kind::pat(), Kind::oauth()];
        let first = tokens[0];
        self.both("token", |ledger, _| ledger.token(HOST, &first));
        self.both("tokens", |ledger, _| ledger.tokens(HOST, tokens));
        self.both("waiting", |ledger, _| ledger.waiting(HOST));
        self.both("count", |ledger, _| ledger.count(HOST, State::Queued));
        self.both("hosts", |ledger, _| ledger.hosts());
        self.both("due", |ledger, _| ledger.due(HOST, &kinds, Page { skip: 1, limit: 3 }));
        let prefixes = [u64::from_be_bytes(*first.0.first_chunk().expect("it is longer"))];
        self.both("waiting_named", |ledger, _| ledger.waiting_named(HOST, &prefixes));
        let waiting = self.durable("waiting_page", |ledger, _| ledger.waiting_page(HOST, 0, 1000));
        let model = self.model[0].waiting_page(HOST, 0, 1000).expect("the reference");
        assert_eq!(self.numbers.waiting(&waiting), self.numbers.waiting(&model));
        let hashes: Vec<HashPrefix> = tokens.iter().filter_map(|token| token.hex().parse().ok()).collect();
        let filter = TokenFilter { hashes: &hashes, ..TokenFilter::default() };
        let listed = self.durable("list", |ledger, _| ledger.list(&filter, 0, 1000));
        let model = self.model[0].list(&filter, 0, 1000).expect("the reference");
        assert_eq!(self.numbers.listed(listed), self.numbers.listed(model));
        self.both("host_status", |ledger, now| {
            let status = ledger.host_status(&status_request(0), now)?;
            Ok(crate::ledger::HostStatus { ledger: String::new(), ..status })
        });
    }

    fn send(&mut self, tokens: &[Fingerprint]) {
        let first = self.intend("intend", &request(8)).expect("tokens wait");
        self.settle("settle, invalid", &first, BatchOutcome::Invalid);
        let halved = self.intend("intend, a half", &request(8)).expect("its halves");
        self.settle("settle, accepted", &halved, BatchOutcome::Accepted);
        for (name, outcome) in [
            ("settle, returned", BatchOutcome::Returned),
            ("settle, failed", BatchOutcome::Failed),
            ("settle, unknown", BatchOutcome::Unknown),
            ("settle, too large", BatchOutcome::TooLarge),
            ("settle, not sent", BatchOutcome::NotSent),
        ] {
            let intent = self.intend("intend, again", &request(2)).expect("tokens wait");
            self.settle(name, &intent, outcome);
        }
        let one = self.intend("intend, one", &request(1)).expect("tokens wait");
        let answer = settlement(BatchOutcome::Accepted, None, None, self.clock);
        let batch = self.numbers.durable(one.batch);
        self.durable("keep_answer", |ledger, now| ledger.keep_answer(batch, &answer, now));
        let at = timestamp(self.clock);
        self.model[0].keep_answer(one.batch, &answer, &|| at).expect("the reference");
        self.clock += 1000;
        // It is taken in by the request for the next one.
        let next = self.intend("intend, with an answer kept", &request(1)).expect("tokens wait");
        self.settle("settle, dead", &next, BatchOutcome::Dead);
        let waiting = self.both("waiting", |ledger, _| ledger.waiting(HOST));
        assert!(waiting.values().sum::<u64>() > 0, "nothing is left for what comes");
        let call = BatchRequest { payload: Payload::Call("GET /meta"), ..request(1) };
        let call = self.intend("intend, a call", &call).expect("a request");
        self.settle("settle, a call", &call, BatchOutcome::Returned);
        self.both("attempts of one never sent", |ledger, _| {
            ledger.attempts("other.example.test", &tokens[0])
        });
    }

    fn change(&mut self, tokens: &[Fingerprint]) {
        let last = &tokens[tokens.len() - 2..];
        for (name, state) in [("change_state", State::Withdrawn), ("change_state, back", State::Queued)] {
            let change =
                StateChange { host: HOST, selection: Selection::Tokens(last), state, reason: "test" };
            self.both(name, |ledger, now| ledger.change_state(&change, now));
        }
        let expires_at = Some(timestamp(self.clock + HOUR));
        let grants = Grants { scopes: Some(vec!["repo".to_owned()]), expires_at };
        let told: Vec<_> = last.iter().map(|token| (*token, grants.clone())).collect();
        self.both("keep_grants", |ledger, now| ledger.keep_grants(HOST, &told, now));
        let length = std::time::Duration::from_secs(5);
        self.both("hold", |ledger, now| ledger.hold(HOST, "one", length, now));
        self.both("release", |ledger, now| ledger.release(HOST, "me@here", now));
        let event = Event::RunEnd { run: self.story.to_string(), ended: "done".to_owned(), exit: 0 };
        self.both("record", |ledger, now| ledger.record(&event, now));
        self.leave_one_behind(&request(1));
        self.both("take_over", |ledger, now| ledger.take_over(HOST, now));
        self.leave_one_behind(&request(1));
        let taken = self.intend("intend, with one taken over", &request(1)).expect("tokens wait");
        self.settle("settle, after a take-over", &taken, BatchOutcome::Accepted);
        self.both("mend", |ledger, now| ledger.mend(HOST, now));
        // It reads everything there is.
        if self.cursors.get("check").is_none_or(Option::is_some) {
            // The sealed texts here are none: that alone is wrong, and whoever looks sees it.
            let problems = self.durable("check", |ledger, _| Ok(ledger.check().problems));
            assert_eq!(problems, self.durable[1].check().problems);
        }
        self.durable("head", |ledger, _| ledger.head());
        self.durable("trail", |ledger, _| ledger.trail("", 0, 3));
        self.durable("unopenable", |ledger, _| ledger.unopenable());
    }

    fn drain(&mut self) {
        while let Some(intent) = self.intend("intend", &request(1000)) {
            self.settle("settle, accepted", &intent, BatchOutcome::Accepted);
        }
    }

    /// Whether every message of every call was met in every way.
    fn is_done(&self) -> bool {
        !self.cursors.is_empty() && self.cursors.values().all(Option::is_none)
    }

    /// A token is queued, sent and accepted; each of these calls is cut, fails, and is made again until it does not. Returns how many
    /// requests left.
    fn give_up(&mut self, fault: Fault) -> u32 {
        self.story += 1;
        self.clock += HOUR;
        let entry = entry(self.story, State::Queued);
        let token = entry.fingerprint;
        self.insist(fault, |ledger, now| {
            ledger.enqueue(HOST, &decision(), &mut std::iter::once(entry.clone()), now)
        });
        let mut sent = 0;
        loop {
            let next = self.insist(fault, |ledger, now| ledger.intend(&request(1000), now));
            let Next::Send(intent) = next else {
                assert_eq!(next, Next::Nothing, "it waits for nobody");
                return sent;
            };
            sent += 1;
            assert!(sent < 5, "it is sent again and again");
            assert_eq!(intent.tokens.iter().map(|sent| sent.fingerprint).collect::<Vec<_>>(), [token]);
            self.clock += 1000;
            let answer = settlement(BatchOutcome::Accepted, None, None, self.clock);
            let settled = self.insist(fault, |ledger, now| ledger.settle(intent.batch, &answer, now));
            assert_eq!(settled.accepted, 1, "{fault:?}");
        }
    }

    fn insist<T>(
        &mut self,
        fault: Fault,
        call: impl Fn(&mut dyn Ledger, Now<'_>) -> Result<T, LedgerError>,
    ) -> T {
        let (at, ledger) = (timestamp(self.clock), self.durable[0].as_mut());
        let proxy = self.proxy.as_ref().expect("a database");
        // As long as a server needs that is there.
        let _ = ledger.set_lock_timeout(Some(std::time::Duration::from_millis(100)));
        proxy.arm(Some(fault));
        proxy.stay_away_after(true);
        let first = call(ledger, &|| at);
        let was_cut = proxy.is_spent();
        proxy.stay_away_after(false);
        proxy.arm(None);
        proxy.come_back();
        match first {
            Ok(done) => return done,
            Err(error) => assert!(was_cut && error.may_pass(), "{fault:?}: {error}"),
        }
        // Whoever comes back soon may meet what is left of the first one.
        for _ in 0..20 {
            match call(ledger, &|| at) {
                Err(error) if error.may_pass() => {}
                done => return done.unwrap_or_else(|error| panic!("{fault:?}, again: {error}")),
            }
        }
        panic!("{fault:?}: it does not pass")
    }

    /// What is left in the end.
    fn end(&mut self) {
        let mut all = Vec::new();
        export(self.durable[1].as_ref(), |line| {
            all.push(line.to_owned());
            Ok::<(), LedgerError>(())
        })
        .expect("a trail");
        let told = self.model[0].trail("", 0, usize::MAX).expect("a trail");
        assert_eq!(self.numbers.events(&all), events_of_reference(&told), "the trails differ");
        verify(self.durable[1].as_ref()).expect("chains that hold");
        let listed = |ledger: &dyn Ledger| {
            self.numbers.listed(ledger.list(&TokenFilter::default(), 0, usize::MAX).expect("a list"))
        };
        assert!(listed(self.durable[1].as_ref()) == listed(&self.model[0]), "the ledgers list other tokens");
    }
}

/// The story itself, where no connection is cut.
#[test]
fn a_file_tells_the_same_story() {
    let mut twins = Twins::new(Backend::sqlite(), WAYS[0], 1);
    (0..3).for_each(|_| twins.tell());
    twins.end();
}

/// Cuts at every message, or at one of so many, in every way.
fn cut_everywhere(stride: usize) {
    if Backend::postgres().is_none() {
        return;
    }
    let cut = |way: Way| {
        let backend = Backend::postgres().expect("it is there");
        let mut twins = Twins::new(backend, way, stride);
        while !twins.is_done() {
            twins.tell();
        }
        twins.end();
        (way, twins.cursors.len(), twins.cuts, twins.story)
    };
    std::thread::scope(|scope| {
        let cutting: Vec<_> = WAYS.into_iter().map(|way| scope.spawn(move || cut(way))).collect();
        for thread in cutting {
            let (way, calls, cuts, stories) =
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            println!("{way:?}: {calls} calls, {cuts} cuts, {stories} stories");
            assert!(cuts * stride > calls * 10, "{cuts} cuts are not all");
        }
    });
}

#[test]
fn a_connection_cut_at_any_message_of_any_call_changes_nothing() {
    cut_everywhere(17);
}

#[test]
#[ignore = "takes minutes: cargo test --lib -- --ignored --nocapture cuts"]
fn a_connection_cut_at_every_message_of_every_call_changes_nothing() {
    cut_everywhere(1);
}

/// A server that stays away after the cut, for longer than anybody waits: the call fails, and is made again when it is back. What
/// the first one came to is not known then, and a request may have left its slot behind; nothing is lost, nothing that was accepted
/// is sent again, and no slot is taken twice for one request.
#[test]
fn a_call_that_was_given_up_can_be_made_again() {
    for way in [WAYS[0], WAYS[4]] {
        let Some(backend) = Backend::postgres() else { return };
        let mut twins = Twins::new(backend, way, 1);
        let (direction, place, how) = way;
        let (mut sent, mut message) = (0, 0);
        while message < 120 {
            sent += twins.give_up(Fault { direction, message, place, how });
            message += 11;
        }
        let durable = twins.durable[1].as_ref();
        let verified = verify(durable).expect("chains that hold");
        assert!(verified.records > 0, "nothing was told");
        let status = durable.host_status(&status_request(0), &|| timestamp(twins.clock)).expect("a status");
        assert_eq!((status.queued, status.sent), (0, 0), "something waits for ever");
        assert_eq!(status.accepted, u64::from(twins.story), "one token a story");
        assert!(sent >= twins.story, "{sent} requests for {} tokens", twins.story);
    }
}
