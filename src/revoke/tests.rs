//! Runs against a scripted revoker, on a clock that does not wait.

mod answers;
mod bound;
mod checks;
mod failures;
mod growth;
mod outage;
mod queue;
mod screened;
mod second_provider;
mod self_revoking;
mod undecided;

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::*;
use crate::clock::fake::FakeClock;
use crate::finding::Confidence;
use crate::ledger::WaitReason;
use crate::ledger::decision;
use crate::ledger::{Enqueued, LedgerError, ModelLedger, Sealer, Settlement};
use crate::provider::{CallCounter, ConnectError, Liveness, Outcome, RevokeResponse};
use crate::revocation::{Batch, Grants, RateLimit};
use crate::token::Kind;

pub(super) type Checked<T = ()> = Result<T, Box<dyn std::error::Error>>;

pub(super) const HOST: &str = "api.example.test";

/// A token of a kind, the same for the same number.
pub(super) fn token(kind: Kind, number: u32) -> Token {
    let body = Fingerprint::of(&number.to_le_bytes()).hex();
    Token::new(kind, [kind.prefix(), &body[..36]].concat().as_bytes())
}

pub(super) fn pat(number: u32) -> Fingerprint {
    token(Kind::pat(), number).fingerprint()
}

pub(super) fn response(outcome: Outcome, status: u16) -> RevokeResponse {
    RevokeResponse {
        outcome,
        status: Some(status),
        request_id: Some(format!("ID:{status}")),
        limit: RateLimit::default(),
        message: format!("scripted {status}"),
    }
}

pub(super) const ALIVE: Liveness = Liveness::Alive(Grants { scopes: None, expires_at: None });

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub(super) struct Arrived {
    pub(super) at: Timestamp,
    pub(super) tokens: Vec<Fingerprint>,
}

type Script<'a> = Box<dyn FnMut(&Arrived) -> RevokeResponse + 'a>;
type Lives<'a> = Box<dyn FnMut(&Token) -> Liveness + 'a>;

/// A server that follows a script.
pub(super) struct Server<'a> {
    clock: &'a FakeClock,
    pub(super) undecided: Vec<Kind>,
    /// How many tokens may revoke themselves at once.
    pub(super) parallel: usize,
    script: RefCell<Script<'a>>,
    self_revoking: RefCell<Script<'a>>,
    lives: RefCell<Lives<'a>>,
    pub(super) arrived: RefCell<Vec<Arrived>>,
    pub(super) ended: RefCell<Vec<Arrived>>,
    pub(super) asked: RefCell<Vec<Fingerprint>>,
}

impl<'a> Server<'a> {
    pub(super) fn new(clock: &'a FakeClock, script: impl FnMut(&Arrived) -> RevokeResponse + 'a) -> Self {
        Server {
            clock,
            undecided: Vec::new(),
            parallel: 1,
            script: RefCell::new(Box::new(script)),
            self_revoking: RefCell::new(Box::new(|_| response(Outcome::Accepted, 204))),
            lives: RefCell::new(Box::new(|_| ALIVE)),
            arrived: RefCell::default(),
            ended: RefCell::default(),
            asked: RefCell::default(),
        }
    }

    pub(super) fn taking(clock: &'a FakeClock) -> Self {
        Server::new(clock, |_| response(Outcome::Accepted, 202))
    }

    pub(super) fn self_revoking(self, script: impl FnMut(&Arrived) -> RevokeResponse + 'a) -> Self {
        Server { self_revoking: RefCell::new(Box::new(script)), ..self }
    }

    pub(super) fn lives(self, lives: impl FnMut(&Token) -> Liveness + 'a) -> Self {
        Server { lives: RefCell::new(Box::new(lives)), ..self }
    }

    pub(super) fn requests(&self) -> usize {
        self.arrived.borrow().len()
    }

    /// How often each token arrived.
    pub(super) fn times(&self) -> BTreeMap<Fingerprint, usize> {
        let mut times = BTreeMap::new();
        for token in self.arrived.borrow().iter().flat_map(|arrived| &arrived.tokens) {
            *times.entry(*token).or_default() += 1;
        }
        times
    }

    /// Promise 1 and 3, as the server sees them.
    pub(super) fn check(&self) {
        let arrived = self.arrived.borrow();
        assert!(arrived.iter().all(|request| (1..=1000).contains(&request.tokens.len())));
        for (request, later) in arrived.iter().zip(arrived.iter().skip(60)) {
            let between = later.at.duration_since(request.at);
            assert!(between.as_millis() >= 3_600_000, "61 requests within {between:#}");
        }
    }
}

impl Revoker for Server<'_> {
    fn limits(&self) -> Limits {
        Limits {
            host: HOST.into(),
            identity: "anonymous".into(),
            max_batch: 1000,
            per_hour: 60,
            batch_kinds: (Kind::github().into_iter())
                .filter(|kind| *kind != Kind::app_installation() && !self.undecided.contains(kind))
                .collect(),
            undecided_kinds: self.undecided.clone(),
            self_kinds: vec![Kind::app_installation()],
            self_interval: Duration::from_millis(334),
            self_parallel: self.parallel,
        }
    }

    fn prepare(&mut self, _: &mut dyn CallCounter) -> Result<Option<String>, ConnectError> {
        Ok(None)
    }

    fn revoke(&self, batch: &Batch<'_>) -> RevokeResponse {
        let tokens = batch.tokens().iter().map(Token::fingerprint).collect();
        let arrived = Arrived { at: self.clock.now(), tokens };
        self.arrived.borrow_mut().push(arrived.clone());
        // A round trip takes its time.
        self.clock.advance(Duration::from_millis(200));
        let response = (self.script.borrow_mut())(&arrived);
        if !response.outcome.left() {
            self.arrived.borrow_mut().pop();
        }
        response
    }

    fn revoke_self(&self, token: &Token) -> RevokeResponse {
        let arrived = Arrived { at: self.clock.now(), tokens: vec![token.fingerprint()] };
        self.ended.borrow_mut().push(arrived.clone());
        (self.self_revoking.borrow_mut())(&arrived)
    }

    fn liveness(&self, token: &Token) -> Liveness {
        self.asked.borrow_mut().push(token.fingerprint());
        (self.lives.borrow_mut())(token)
    }
}

/// A ledger in memory with its keys and its clock.
pub(super) struct Fixture {
    pub(super) clock: FakeClock,
    pub(super) sealer: Sealer,
    pub(super) opener: Opener,
    pub(super) ledger: ModelLedger,
    pub(super) cancel: CancelFlag,
    pub(super) told: RefCell<Vec<String>>,
}

impl Fixture {
    pub(super) fn new() -> Checked<Self> {
        let ledger = ModelLedger::new();
        Ok(Fixture {
            clock: FakeClock::new(),
            sealer: ledger.sealer(HOST)?,
            opener: ledger.opener(HOST)?,
            ledger,
            cancel: CancelFlag::default(),
            told: RefCell::default(),
        })
    }

    pub(super) fn queue(
        &self,
        kind: Kind,
        numbers: std::ops::Range<u32>,
        sure: Confidence,
    ) -> Checked<Enqueued> {
        let sealer = &self.sealer;
        let entries =
            numbers.map(|number| entry(sealer, &token(kind, number), sure, State::Queued, "a/file:1"));
        Ok(enqueue(&mut self.ledger.another(), HOST, &decision(), entries, &|| self.clock.now())?)
    }

    pub(super) fn queue_pats(&self, numbers: std::ops::Range<u32>) -> Checked<Enqueued> {
        self.queue(Kind::pat(), numbers, Confidence::Certain)
    }

    /// A run of a process of its own.
    pub(super) fn run(&self, server: &Server<'_>, options: &Options) -> Checked<RunOutcome> {
        self.run_screened(server, options, None)
    }

    /// The same, that looks at each token as it is opened.
    pub(super) fn run_screened(
        &self,
        server: &Server<'_>,
        options: &Options,
        screen: Option<&dyn Screen>,
    ) -> Checked<RunOutcome> {
        let mut ledger = self.ledger.another();
        let progress = Progress::default();
        let outcome = run(
            Context {
                ledger: &mut ledger,
                opener: &self.opener,
                revoker: server,
                clock: &self.clock,
                cancel: &self.cancel,
                progress: &progress,
                notify: &|text| self.told.borrow_mut().push(text.to_owned()),
                screen,
            },
            options,
        )?;
        server.check();
        crate::ledger::verify(&self.ledger)?;
        Ok(outcome)
    }

    pub(super) fn state(&self, fingerprint: Fingerprint) -> Checked<State> {
        Ok(self.ledger.token(HOST, &fingerprint)?.ok_or("not in the ledger")?.state)
    }

    pub(super) fn trail(&self) -> Checked<String> {
        Ok(self.ledger.trail("", 0, usize::MAX)?.join("\n"))
    }
}

pub(super) fn options() -> Options {
    Options::default()
}

pub(super) fn patient() -> Options {
    Options { wait: Wait::Forever, ..Options::default() }
}

/// A settlement as another process might write it.
pub(super) fn accepted() -> Settlement {
    Settlement {
        outcome: crate::ledger::BatchOutcome::Accepted,
        verdict: "accepted".into(),
        ..super::send::unsent()
    }
}
