//! One story for both ledgers: random interleavings of everything that can happen, the same to each, with the promises
//! checked after every step and every answer of the one held against the other's.

mod oracle;
mod step;

use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;

use self::oracle::Oracle;
use self::step::{Step, step};
use super::*;
use crate::finding::Confidence;
use crate::revocation::MAX_BATCH;

const HOST: &str = "api.example.test";
static KINDS: LazyLock<[Kind; 2]> = LazyLock::new(|| [Kind::pat(), Kind::oauth()]);
/// Small, so that stories fill it.
const PER_HOUR: u32 = 5;
const LEASE: Duration = Duration::from_secs(90);
/// Three processes: two share an identity, the third has one of its own.
const IDENTITIES: [&str; 3] = ["one", "one", "two"];

/// A handful of fingerprint and sealed bytes for a number.
fn entry(number: u32, state: State) -> Entry {
    let fingerprint = Fingerprint::of(&number.to_le_bytes());
    Entry {
        fingerprint,
        kind: if number.is_multiple_of(3) { Kind::oauth() } else { Kind::pat() },
        confidence: if number.is_multiple_of(7) { Confidence::Likely } else { Confidence::Certain },
        state,
        place: format!("file:{number}"),
        sealed: if state == State::Queued { fingerprint.0[..20].to_vec() } else { Vec::new() },
    }
}

fn ask(who: usize) -> BatchRequest<'static> {
    BatchRequest {
        host: HOST,
        identity: IDENTITIES[who],
        max_batch: MAX_BATCH,
        per_hour: PER_HOUR,
        min_interval: Duration::from_secs(1),
        lease: LEASE,
        what: Payload::Batch(&*KINDS),
    }
}

fn settlement(fate: BatchOutcome, heard: Option<(u32, i64)>, hold: Option<u64>, now: i64) -> Settlement {
    let heard = heard.map_or_else(Heard::default, |(remaining, reset)| Heard {
        limit: Some(60),
        remaining: Some(remaining),
        reset: Some(now + reset),
    });
    Settlement {
        fate,
        verdict: match fate {
            BatchOutcome::Accepted => "accepted",
            BatchOutcome::Invalid => "invalid",
            BatchOutcome::Returned => "trouble",
            BatchOutcome::Unknown => "unknown",
            BatchOutcome::Dead => "dead",
        },
        status: None,
        request_id: Some("ID".into()),
        message: String::new(),
        heard,
        hold: hold.map(Duration::from_secs),
    }
}

/// Both ledgers, each with three processes.
struct World {
    home: tempfile::TempDir,
    sqlite: Vec<SqliteLedger>,
    memory: Vec<ModelLedger>,
    root: ModelLedger,
    /// By the wall clock, in milliseconds.
    clock: i64,
    /// The last number that a burst has used.
    fresh: u32,
    oracle: Oracle,
}

/// Does the same to both, and holds the answers against each other.
macro_rules! both {
    ($world:expr, $who:expr, $ledger:ident => $call:expr) => {{
        let at = moment($world.clock);
        let now = move || at;
        let now: Now<'_> = &now;
        let one = {
            let $ledger = &mut $world.sqlite[$who];
            ($call)($ledger, now)
        };
        let two = {
            let $ledger = &mut $world.memory[$who];
            ($call)($ledger, now)
        };
        let (one, two) = (one.expect("the durable ledger"), two.expect("the reference"));
        assert_eq!(one, two, "the ledgers disagree");
        one
    }};
}

fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).expect("a time within reason")
}

impl World {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let path = home.path().join("ledger.db");
        let root = ModelLedger::new();
        World {
            sqlite: (0..3).map(|_| SqliteLedger::open(&path).expect("a ledger")).collect(),
            memory: (0..3).map(|_| root.another()).collect(),
            home,
            root,
            clock: 1_795_000_000_000,
            fresh: 100_000,
            oracle: Oracle::default(),
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Enqueue { who, from, count, state } => {
                let entries: Vec<Entry> = (from..from + count).map(|number| entry(number, state)).collect();
                both!(self, who, ledger => |ledger: &mut dyn Ledger, now| {
                    ledger.enqueue(HOST, &mut entries.clone().into_iter(), now)
                });
                if state == State::Queued {
                    self.oracle.queued.extend(entries.iter().map(|entry| entry.fingerprint));
                }
            }
            Step::Intend { who } => self.intend(who, &ask(who)),
            Step::Alone { who, number } => {
                let what = Payload::Alone(entry(number, State::Queued).fingerprint);
                self.intend(who, &BatchRequest { what, ..ask(who) });
            }
            Step::Settle { which, fate, heard, hold } => self.settle(which, fate, heard, hold),
            Step::StateChange { who, from, count, state } => {
                let tokens: Vec<Fingerprint> =
                    (from..from + count).map(|number| entry(number, State::Queued).fingerprint).collect();
                let mark =
                    StateChange { host: HOST, pick: Selection::Tokens(&tokens), state, reason: "story" };
                both!(self, who, ledger => |ledger: &mut dyn Ledger, now| ledger.mark(&mark, now));
                self.oracle.marked.extend(tokens);
            }
            Step::Crash { who } => {
                self.sqlite[who] = SqliteLedger::open(&self.home.path().join("ledger.db")).expect("a ledger");
                self.memory[who] = self.root.another();
                self.oracle.crash(who);
            }
            Step::Burst { who, requests } => {
                for _ in 0..requests {
                    self.fresh += 1;
                    self.take(&Step::Enqueue { who, from: self.fresh, count: 1, state: State::Queued });
                    self.take(&Step::Tick { ms: 1000 });
                    self.take(&Step::Intend { who });
                    self.take(&Step::Settle {
                        which: usize::MAX,
                        fate: BatchOutcome::Accepted,
                        heard: None,
                        hold: None,
                    });
                }
            }
            Step::Tick { ms } => {
                self.clock += ms;
                self.oracle.pass(ms);
            }
            Step::Jump { ms } => {
                // Within what a clock can show.
                let target = (self.clock + ms).clamp(0, 9_000_000_000_000);
                self.oracle.jump(target - self.clock);
                self.clock = target;
            }
        }
        self.check();
    }

    fn intend(&mut self, who: usize, ask: &BatchRequest<'_>) {
        let pending = self.count(State::Queued) + self.count(State::Sent);
        self.oracle.asks(who);
        let go = both!(self, who, ledger => |ledger: &mut dyn Ledger, now| ledger.intend(ask, now));
        match go {
            Next::Send(intent) => {
                let charged = matches!(ask.what, Payload::Batch(_));
                self.oracle.sent(who, &intent, charged, (self.clock, pending));
            }
            Next::Later { at, .. } => assert!(at > moment(self.clock), "later is not later"),
            Next::Nothing => {}
        }
    }

    fn settle(&mut self, which: usize, fate: BatchOutcome, heard: Option<(u32, i64)>, hold: Option<u64>) {
        let Some(batch) = self.oracle.pick(which) else { return };
        let settlement = settlement(fate, heard, hold, self.clock);
        both!(self, batch.who, ledger => |ledger: &mut dyn Ledger, now| {
            ledger.settle(batch.id, &settlement, now)
        });
        self.oracle.settled(&batch, &settlement, self.clock);
    }

    fn count(&self, state: State) -> u64 {
        self.sqlite[0].count(HOST, state).expect("a number")
    }

    /// What holds after every step, whatever the step was.
    fn check(&mut self) {
        let at = moment(self.clock);
        for who in [0, 2] {
            let one = self.sqlite[who].standing(&ask(who), &|| at).expect("a standing");
            let two = self.memory[who].standing(&ask(who), &|| at).expect("a standing");
            assert_eq!(HostStatus { ledger: String::new(), ..one }, two);
        }
        for accepted in self.oracle.accepted.iter().take(50) {
            let known = self.sqlite[0].known(HOST, accepted).expect("readable").expect("forgotten");
            assert!(matches!(known.state, State::Accepted | State::Confirmed), "{:?}", known.state);
        }
        let seen = self.oracle.trail.len() as u64;
        let one = self.sqlite[0].trail(seen, usize::MAX).expect("a trail");
        let two = self.memory[0].trail(seen, usize::MAX).expect("a trail");
        assert_eq!(one, two, "the trails differ");
        self.oracle.read(one);
    }

    /// Time runs, and nothing goes wrong any more: everything that was queued must get through.
    fn drain(&mut self) {
        for who in [0, 1, 2] {
            self.take(&Step::Crash { who });
        }
        // A hold of two hours, the hour after a clock that was set, and the same again where the clock comes by the slots
        // it was set back from; then an hour for every five requests. Each request takes one token at the least.
        let mut left = 20_000;
        while self.count(State::Queued) + self.count(State::Sent) > 0 {
            left -= 1;
            assert!(left > 0, "what was queued does not get through");
            let at = moment(self.clock);
            let go = both!(self, 0, ledger => |ledger: &mut dyn Ledger, now| ledger.intend(&ask(0), now));
            match go {
                Next::Nothing => panic!("something waits, and there is nothing to do"),
                Next::Later { at: until, .. } => {
                    let ms = i64::try_from(until.duration_since(at).as_millis()).expect("in reach");
                    assert!(ms <= 2 * 3_600_000, "shut for {ms} ms");
                    self.take(&Step::Tick { ms });
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
        for token in &self.oracle.queued {
            let known = self.sqlite[0].known(HOST, token).expect("readable").expect("forgotten");
            assert!(!known.state.pending(), "{:?} waits", known.state);
            let excused = self.oracle.marked.contains(token) || self.oracle.judged.contains(token);
            assert!(known.state == State::Accepted || excused, "{:?} without a reason", known.state);
            if known.state == State::Accepted {
                assert!(self.oracle.ever_sent.contains(token), "accepted and never sent");
            }
        }
        let mut whole = Vec::new();
        export(&self.sqlite[0], |line| {
            whole.push(line.to_owned());
            Ok::<(), LedgerError>(())
        })
        .expect("a trail");
        assert!(whole == self.oracle.trail, "the trail was rewritten");
        verify(&self.sqlite[0]).expect("a trail that holds");
        verify(&self.memory[0]).expect("a trail that holds");
    }
}

proptest! {
    #![proptest_config(Config { cases: 40, failure_persistence: None, ..Config::default() })]

    #[test]
    fn the_promises_hold_whatever_happens(steps in vec(step(), 1..40)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
        }
        world.drain();
        world.end();
    }
}
