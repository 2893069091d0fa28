//! A machine whose processes are killed, and what is known of it.

use std::collections::{HashMap, HashSet};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use stanch::ledger::{self, Head, LedgerAddress, LedgerError, TokenFilter};
use stanch::revocation::State;
use stanch::token::Fingerprint;

use crate::support::fixture::Fixture;
use crate::support::github::{Flavour, Misbehaviour, Script};
use crate::support::mint::{Kind, Mint};

/// Requests that may leave in an hour.
const QUOTA: usize = 60;

/// As long as a response and its settlement take, and a little more.
const SOON: Duration = Duration::from_millis(40);

/// What is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Verb {
    Scan,
    Revoke,
    Resume,
    Verify,
    Confirm,
    Git,
    KillSwitch,
    Withdraw,
    Requeue,
    Release,
    Rekey,
    Copy,
}

/// All of them, so that each finds something to do.
pub(super) const VERBS: [Verb; 12] = [
    Verb::Scan,
    Verb::Withdraw,
    Verb::Resume,
    Verb::Verify,
    Verb::Requeue,
    Verb::Revoke,
    Verb::Rekey,
    Verb::Confirm,
    Verb::Release,
    Verb::Git,
    Verb::Copy,
    Verb::KillSwitch,
];

/// The machine.
pub(super) struct Machine {
    pub(super) fixture: Fixture,
    credential: String,
    /// What the ledger said when it was last looked at.
    pub(super) states: HashMap<Fingerprint, State>,
    head: Head,
    /// Every token that was leaked, by its hash.
    leaked: HashMap<Fingerprint, String>,
    withdrawn: HashSet<Fingerprint>,
    dead: HashSet<String>,
    /// Requests that were judged already, and how many of them came before this hour.
    pub(super) judged: usize,
    this_hour: usize,
    pub(super) hours: usize,
    copies: usize,
    /// How long a run of a verb takes.
    lengths: HashMap<Verb, Duration>,
}

impl Machine {
    pub(super) fn new(seed: u64) -> Self {
        let credential = Mint::new(seed + 1).token(Kind::Pat);
        // It answers beyond the quota, so that what is counted is the program's restraint.
        let script = Script { credential: credential.clone(), quota: 10_000, ..Script::of(Flavour::DotCom) };
        let fixture = Fixture::against(seed, script);
        fixture.sandbox.init("repo", &[]);
        Machine {
            fixture,
            credential,
            states: HashMap::new(),
            head: Head::default(),
            leaked: HashMap::new(),
            withdrawn: HashSet::new(),
            dead: HashSet::new(),
            judged: 0,
            this_hour: 0,
            hours: 0,
            copies: 0,
            lengths: HashMap::new(),
        }
    }

    fn address(&self) -> LedgerAddress {
        LedgerAddress::Sqlite(self.fixture.ledger())
    }

    /// New tokens, in a file that is found, and in a repository.
    fn leak(&mut self, count: usize) -> String {
        let tokens: Vec<String> = (0..count).map(|_| self.fixture.mint.token(Kind::Pat)).collect();
        self.leaked.extend(tokens.iter().map(|token| (fingerprint(token), token.clone())));
        tokens.join("\n")
    }

    /// The command of a verb, with something to do.
    pub(super) fn command(&mut self, verb: Verb) -> Command {
        let text = self.leak(20);
        let directory = if verb == Verb::Git { "repo/f" } else { "tree/f" };
        match verb {
            Verb::Git => drop(self.fixture.sandbox.commit("repo", "f", &text)),
            Verb::Scan | Verb::Revoke | Verb::Verify | Verb::Confirm => {
                if verb == Verb::Verify {
                    let dead: Vec<&str> = text.lines().take(2).collect();
                    for token in dead {
                        self.fixture.github.mark_dead(token);
                        self.dead.insert(token.to_owned());
                    }
                }
                self.fixture.sandbox.write(directory, &text);
            }
            _ => {}
        }
        let ledger = self.fixture.ledger();
        let alone = |arguments: &[&str]| {
            let mut command = self.fixture.sandbox.command(arguments);
            command.arg("--ledger").arg(&ledger);
            command
        };
        match verb {
            Verb::Scan => self.fixture.command(&["scan", "tree", "--revoke", "--yes"]),
            Verb::Revoke => self.fixture.command(&["revoke", "--yes", "tree/f"]),
            Verb::Resume => self.fixture.command(&["resume"]),
            Verb::Verify => self.fixture.command(&["scan", "tree", "--revoke", "--yes", "--verify"]),
            Verb::Confirm => self.fixture.command(&["scan", "tree", "--revoke", "--yes", "--confirm"]),
            Verb::Git => self.fixture.command(&["git", "repo", "--revoke", "--yes"]),
            Verb::KillSwitch => {
                let arguments = ["org", "revoke-user", "octo-org", "a", "b", "c", "--yes"];
                let mut command = self.fixture.command(&arguments);
                command.env("GH_TOKEN", &self.credential);
                command
            }
            Verb::Withdraw => {
                let pending = self.states.iter().find(|(_, state)| state.pending());
                let hash = pending.map_or_else(|| "0".repeat(64), |(token, _)| token.hex());
                let command = alone(&["queue", "withdraw", "--yes", &hash]);
                self.withdrawn.extend(pending.map(|(token, _)| *token));
                command
            }
            Verb::Requeue => alone(&["queue", "requeue", "--yes", "--state", "refused"]),
            Verb::Release => alone(&["queue", "release", "--yes"]),
            Verb::Rekey => alone(&["ledger", "rekey", "--yes"]),
            Verb::Copy => {
                let mut command = self.fixture.sandbox.command(&["ledger", "copy"]);
                command.arg(&ledger).arg(ledger.with_file_name(format!("copy-{}.db", self.copies)));
                self.copies += 1;
                command
            }
        }
    }

    /// Runs a verb and kills it: somewhere between its start and half as long again as it takes, or every other time soon
    /// after a request of its own has arrived, where the most is under way.
    pub(super) fn kill(&mut self, verb: Verb) {
        if self.fixture.mint.number().is_multiple_of(5) {
            let trouble = match self.fixture.mint.number() % 4 {
                0 => Misbehaviour::DropProcessed,
                1 => Misbehaviour::DropUnread,
                2 => Misbehaviour::SecondaryLimit { retry_after: Some(1) },
                _ => Misbehaviour::ServerError,
            };
            self.fixture.github.misbehave(trouble);
        }
        let mut child = start(&mut self.command(verb));
        let mut length = self.lengths.get(&verb).copied().unwrap_or(Duration::from_millis(300)) * 3 / 2;
        if self.fixture.mint.number().is_multiple_of(2) {
            while self.fixture.github.requests().len() == self.judged
                && child.try_wait().is_ok_and(|end| end.is_none())
            {
                thread::sleep(Duration::from_micros(200));
            }
            length = SOON;
        }
        let most = u64::try_from(length.as_micros()).expect("a short time");
        thread::sleep(Duration::from_micros(self.fixture.mint.number() % most.max(1)));
        let _ = child.kill();
        child.wait().expect("it ends");
        self.judge();
    }

    /// Runs a verb to its end, and notes how long it takes.
    pub(super) fn run(&mut self, verb: Verb) {
        let started = Instant::now();
        let status = start(&mut self.command(verb)).wait().expect("it ends");
        assert!(matches!(status.code(), Some(0..=3)), "{verb:?}: {status}");
        self.lengths.insert(verb, started.elapsed());
        self.judge();
    }

    /// Holds what arrived at the server and what the ledger says now against what was known before.
    pub(super) fn judge(&mut self) {
        let requests = self.fixture.github.requests();
        let new = requests[self.judged..].iter().filter(|request| request.path == "/credentials/revoke");
        for request in new {
            self.this_hour += 1;
            for token in request.tokens() {
                let before = self.states.get(&fingerprint(&token));
                assert!(!before.is_some_and(|state| is_done(*state)), "sent again: it was {before:?}");
            }
        }
        self.judged = requests.len();
        assert!(self.this_hour <= QUOTA, "{} requests in an hour", self.this_hour);
        let address = self.address();
        let Some(ledger) = ledger::open_existing(&address).expect("a ledger that can be opened") else {
            assert!(self.states.is_empty(), "the ledger is gone");
            return;
        };
        assert_eq!(ledger.check().problems, Vec::<String>::new());
        let verified = ledger::verify_with(ledger.as_ref(), Some(&self.head)).expect("a trail that goes on");
        self.head = verified.last;
        let listed = ledger.list(&TokenFilter::default(), 0, usize::MAX).expect("readable");
        let states: HashMap<_, _> = listed.iter().map(|token| (token.fingerprint, token.state)).collect();
        for (token, before) in &self.states {
            let state = states.get(token).expect("lost: a token");
            assert!(!is_done(*before) || is_done(*state), "{before} became {state}");
        }
        self.states = states;
        let copy = self.fixture.ledger().with_file_name(format!("copy-{}.db", self.copies.saturating_sub(1)));
        match ledger::open_existing(&LedgerAddress::Sqlite(copy)) {
            Ok(Some(copied)) => assert_eq!(copied.check().problems, Vec::<String>::new()),
            // None, or its key alone, which goes before it: no ledger, and said to be none.
            Ok(None) | Err(LedgerError::Lost { .. }) => {}
            Err(error) => panic!("a copy, whole or none: {error}"),
        }
    }

    /// An hour passes where the ledger, too, says that this one is full.
    pub(super) fn turn_the_hour(&mut self, full: bool) {
        if full && self.fixture.status()["requests_last_hour"].as_u64() < Some(QUOTA as u64) {
            return;
        }
        self.fixture.an_hour_passes();
        self.hours += 1;
        self.this_hour = 0;
    }

    /// Nothing is killed any more: all that waits gets through.
    pub(super) fn drain(&mut self) {
        for _ in 0..40 {
            self.turn_the_hour(false);
            self.run(Verb::Release);
            self.run(Verb::Resume);
            if !self.states.values().any(|state| state.pending()) {
                break;
            }
        }
        let accepted: HashSet<String> = self.fixture.github.accepted().into_iter().collect();
        for (token, state) in &self.states {
            let text = &self.leaked[token];
            let arrived = accepted.contains(text);
            let right = match state {
                State::Accepted | State::Confirmed => arrived,
                State::Dead => arrived || self.dead.contains(text),
                State::Withdrawn => self.withdrawn.contains(token),
                _ => false,
            };
            assert!(right, "{state}, arrived: {arrived}");
        }
        // What was sent was written down first.
        assert!(accepted.iter().all(|token| self.states.contains_key(&fingerprint(token))));
        self.fixture.trail();
    }
}

pub(super) fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
}

fn fingerprint(token: &str) -> Fingerprint {
    Fingerprint::of(token.as_bytes())
}

fn is_done(state: State) -> bool {
    matches!(state, State::Accepted | State::Confirmed)
}
