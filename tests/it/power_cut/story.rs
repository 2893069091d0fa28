//! What is recorded: the real program through every verb that writes to a ledger, against the scripted GitHub.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use stanch::ledger::{self, LedgerAddress, TokenFilter};
use stanch::revocation::State;
use stanch::token::Fingerprint;

use super::promises::{History, Known};
use super::trace::Recorder;
use crate::support::fixture::Fixture;
use crate::support::github::{Flavour, Misbehaviour, Script};
use crate::support::mint::{Kind, Mint};

/// A machine under observation.
pub(super) struct Story {
    pub(super) fixture: Fixture,
    pub(super) recorder: Arc<Recorder>,
    known: Arc<Mutex<Vec<Known>>>,
    /// How many tokens were accepted before this run.
    accepted_before: Arc<AtomicUsize>,
    /// Whether this run is told of all that was accepted.
    answers_arrive: Arc<AtomicBool>,
    credential: String,
}

impl Story {
    pub(super) fn new(seed: u64) -> Self {
        let credential = Mint::new(seed + 1).token(Kind::Pat);
        let script = Script { credential: credential.clone(), ..Script::of(Flavour::DotCom) };
        let fixture = Fixture::against(seed, script);
        let ledger = fixture.ledger();
        let home = ledger.ancestors().nth(2).expect("a home");
        let story = Story {
            recorder: Arc::new(Recorder::new(home)),
            known: Arc::new(Mutex::new(vec![Known::default()])),
            accepted_before: Arc::default(),
            answers_arrive: Arc::new(AtomicBool::new(true)),
            fixture,
            credential,
        };
        story.observe_arrivals();
        story
    }

    /// A request that arrives shows what has to be durable by then: its slot, its tokens, and what came of the request
    /// before it.
    fn observe_arrivals(&self) {
        let (recorder, known) = (Arc::clone(&self.recorder), Arc::clone(&self.known));
        let (before, told) = (Arc::clone(&self.accepted_before), Arc::clone(&self.answers_arrive));
        self.fixture.github.watch(move |request, accepted| {
            if request.path != "/credentials/revoke" {
                return;
            }
            push(&known, &recorder, |known| {
                known.requests += 1;
                for token in request.tokens() {
                    known.tokens.entry(fingerprint(&token)).or_insert(State::Sent);
                }
                if told.load(Ordering::SeqCst) {
                    let answered = accepted.iter().skip(before.load(Ordering::SeqCst));
                    known.accepted.extend(answered.map(|token| fingerprint(token)));
                }
            });
        });
    }

    /// Runs to its end, after which everything that the ledger says is promised.
    fn run(&self, mut command: Command, codes: &[i32]) {
        self.accepted_before.store(self.fixture.github.accepted().len(), Ordering::SeqCst);
        self.recorder.watch(&mut command);
        let ended = command.output().expect("the program starts");
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(ended.status.code().is_some_and(|code| codes.contains(&code)), "{:?}: {told}", ended.status);
        self.note_state();
    }

    /// Runs until the server has its request and says nothing, and then no further.
    fn run_and_kill(&self, mut command: Command) {
        self.accepted_before.store(self.fixture.github.accepted().len(), Ordering::SeqCst);
        self.fixture.github.misbehave(Misbehaviour::Hang);
        let before = self.fixture.github.requests().len();
        self.recorder.watch(&mut command);
        let mut child = command.spawn().expect("the program starts");
        let patience = Instant::now() + Duration::from_mins(1);
        while self.fixture.github.requests().len() == before {
            assert!(Instant::now() < patience, "no request came");
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().expect("killed");
        child.wait().expect("ended");
        self.note_state();
    }

    fn note_state(&self) {
        let address = LedgerAddress::Sqlite(self.fixture.ledger());
        let ledger = ledger::open_existing(&address).expect("readable").expect("a ledger");
        let tokens = ledger.list(&TokenFilter::default(), 0, usize::MAX).expect("readable");
        let head = ledger.head().expect("readable");
        push(&self.known, &self.recorder, |known| {
            let done = tokens.iter().filter(|token| token.state == State::Accepted);
            known.accepted.extend(done.map(|token| token.fingerprint));
            known.tokens = tokens.iter().map(|token| (token.fingerprint, token.state)).collect();
            known.records = head.seq;
        });
    }

    /// Puts so many new tokens where they are found.
    fn leak(&mut self, count: usize) -> Vec<String> {
        let tokens: Vec<String> = (0..count).map(|_| self.fixture.mint.token(Kind::Pat)).collect();
        self.fixture.sandbox.write("f", tokens.join("\n"));
        tokens
    }

    /// A command that sends.
    fn send(&self, arguments: &[&str], codes: &[i32]) {
        self.run(self.fixture.command(arguments), codes);
    }

    /// A command of the ledger alone.
    fn care(&self, arguments: &[&str]) {
        let ledger = self.fixture.ledger();
        let mut command = self.fixture.sandbox.command(arguments);
        command.arg("--ledger").arg(&ledger);
        self.run(command, &[0]);
    }

    /// What happens; `many` tokens are more than fit into a page or two.
    pub(super) fn tell(&mut self, many: usize) {
        self.leak(3);
        self.send(&["revoke", "--yes", "f"], &[0]);
        let bad = self.leak(6);
        self.fixture.github.reject(&bad[4]);
        self.send(&["revoke", "--yes", "f"], &[3]);
        self.fixture.github.forgive();
        let waiting = self.leak(many);
        self.fixture.github.misbehave(Misbehaviour::SecondaryLimit { retry_after: Some(3600) });
        self.send(&["revoke", "--yes", "f"], &[3]);
        self.care(&["queue", "withdraw", "--yes", &fingerprint(&waiting[0]).hex()[..16]]);
        self.care(&["queue", "requeue", "--yes", "--state", "refused"]);
        self.care(&["queue", "release", "--yes"]);
        self.care(&["ledger", "rekey"]);
        self.answers_arrive.store(false, Ordering::SeqCst);
        self.fixture.github.misbehave(Misbehaviour::DropProcessed);
        self.send(&["resume"], &[0, 3]);
        self.answers_arrive.store(true, Ordering::SeqCst);
        self.leak(4);
        self.run_and_kill(self.fixture.command(&["revoke", "--yes", "f"]));
        self.send(&["resume"], &[0]);
        let dead = self.leak(4);
        self.fixture.github.mark_dead(&dead[1]);
        self.send(&["scan", "--revoke", "--yes", "--verify", "--confirm"], &[1]);
        let mut switch = self.fixture.command(&["org", "revoke-user", "octo-org", "a", "b", "--yes"]);
        switch.env("GH_TOKEN", &self.credential);
        self.run(switch, &[0]);
        let copy = self.copy();
        let mut copying = self.fixture.sandbox.command(&["ledger", "copy"]);
        copying.arg(self.fixture.ledger()).arg(copy);
        self.run(copying, &[0]);
        push(&self.known, &self.recorder, |known| known.copied = true);
    }

    fn copy(&self) -> std::path::PathBuf {
        self.fixture.ledger().with_file_name("copy.db")
    }

    /// What the world knew at each mark, and the trail as it is in the end.
    pub(super) fn history(&self) -> History {
        let address = LedgerAddress::Sqlite(self.fixture.ledger());
        let ledger = ledger::open_existing(&address).expect("readable").expect("a ledger");
        let trail = ledger.trail("", 0, usize::MAX).expect("readable");
        let host = self.fixture.github.api_url();
        History::new(self.known.lock().expect("whole").clone(), trail, host)
    }
}

fn push(known: &Mutex<Vec<Known>>, recorder: &Recorder, change: impl FnOnce(&mut Known)) {
    let mut known = known.lock().expect("whole");
    let mut next = known.last().cloned().unwrap_or_default();
    change(&mut next);
    recorder.mark(known.len());
    known.push(next);
}

fn fingerprint(token: &str) -> Fingerprint {
    Fingerprint::of(token.as_bytes())
}
