//! Three owners and their ledger, and what can happen to them.

use std::ops::Range;
use std::sync::LazyLock;
use std::time::Duration;

use super::super::ModelState;
use super::flaw::Flaw;
use crate::finding::Confidence;
use crate::ledger::decision::testing::decision;
use crate::ledger::quota::WINDOW_MS;
use crate::ledger::time::timestamp;
use crate::ledger::{BatchOutcome, BatchRequest, Decision, Entry, Next, Payload, Settlement};
use crate::revocation::{RateLimit, State};
use crate::token::{Fingerprint, Kind};

pub(super) const HOST: &str = "api.example.test";
pub(super) const OWNERS: usize = 3;
pub(super) const IDENTITIES: [&str; 2] = ["one", "two"];
const TOKENS: u8 = 4;
static KINDS: LazyLock<[Kind; 1]> = LazyLock::new(|| [Kind::pat()]);
pub(super) const SLOTS: u32 = 2;
/// A batch holds half of the tokens, so that two owners can be at work.
pub(super) const MAX_BATCH: usize = 2;
/// A sixth of the window.
pub(super) const TICK: i64 = 600_000;
/// Between one tick and two.
const LEASE: i64 = 900_000;
/// What a server asks for.
pub(super) const HOLD: i64 = TICK;
/// By how much a clock is set: beyond the window and a lease, or within.
pub(super) const JUMPS: [i64; 3] = [-7 * TICK, -TICK, 7 * TICK];
/// A set of tokens.
pub(super) type Tokens = u8;

/// How many misfortunes there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Budget {
    pub(super) crashes: u8,
    /// Answers that are lost, and servers that refuse, fail or ask for patience.
    pub(super) troubles: u8,
    pub(super) jumps: u8,
    /// How often all tokens are found again.
    pub(super) finds: u8,
    /// Whether the third owner has a quota of its own.
    pub(super) two_identities: bool,
    /// Whether each owner is on a machine of its own: only the end of its lease shows that one is gone.
    pub(super) apart: bool,
}

/// A request without an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub(super) batch: u64,
    pub(super) tokens: Tokens,
    /// When it left: by the clock, and in elapsed time.
    pub(super) at: i64,
    pub(super) left: i64,
    /// Its lease has not run out yet; once it has, it does not come back with the clock.
    pub(super) leased: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// The second half of the tokens is found, or all are found again.
    Find,
    Intend(usize),
    Settle(usize, BatchOutcome),
    /// The server asks for patience.
    Hold(usize),
    /// The owner dies, and another takes its place.
    Crash(usize),
    /// The answer came and could not be written down: the owner goes on without it.
    Forget(usize),
    Tick,
    Jump(i64),
}

#[derive(Clone)]
pub(super) struct World {
    pub(super) state: ModelState,
    pub(super) owners: [u64; OWNERS],
    pub(super) flights: [Option<Flight>; OWNERS],
    pub(super) clock: i64,
    /// Time that seems to have passed: jumps of the clock forward cannot be told from it.
    pub(super) elapsed: i64,
    /// When requests of each identity left, in elapsed time.
    pub(super) requests: [Vec<i64>; 2],
    /// Until when a server asked each identity to wait.
    pub(super) held_until: [i64; 2],
    pub(super) queued: Tokens,
    pub(super) accepted: Tokens,
    /// In a request that was found invalid.
    pub(super) rejected: Tokens,
    pub(super) budget: Budget,
    flaw: Option<Flaw>,
}

pub(super) type Checked = Result<(), String>;

/// The tokens that are there from the beginning, and all of them.
pub(super) const FIRST: Range<u8> = 0..TOKENS / 2;
pub(super) const ALL: Range<u8> = 0..TOKENS;

pub(super) fn nobodys_decision() -> Decision {
    Decision { by: String::new(), ..decision() }
}

pub(super) fn entry(number: u8) -> Entry {
    Entry {
        fingerprint: Fingerprint([number; 32]),
        kind: Kind::pat(),
        confidence: Confidence::Certain,
        state: State::Queued,
        location: String::new(),
        sealed: vec![number],
    }
}

impl World {
    pub(super) fn new(budget: Budget, flaw: Option<Flaw>) -> Self {
        let mut state = ModelState { no_trail: true, ..ModelState::default() };
        let owners = [(); OWNERS].map(|()| state.new_owner());
        let mut world = World {
            state,
            owners,
            flights: [None; OWNERS],
            clock: 1_795_000_000_000,
            elapsed: 0,
            requests: [Vec::new(), Vec::new()],
            held_until: [0; 2],
            queued: 0,
            accepted: 0,
            rejected: 0,
            budget,
            flaw,
        };
        world.find(FIRST);
        world
    }

    fn find(&mut self, numbers: Range<u8>) {
        self.queued |= numbers.clone().fold(0, |set, number| set | 1 << number);
        self.state.enqueue(HOST, &nobodys_decision(), &mut numbers.map(entry), timestamp(self.clock));
    }

    /// All that can happen next.
    pub(super) fn actions(&self) -> Vec<Action> {
        let mut actions = vec![Action::Tick];
        let Budget { crashes, troubles, jumps, finds, .. } = self.budget;
        if finds > 0 {
            actions.push(Action::Find);
        }
        for owner in 0..OWNERS {
            if self.flights[owner].is_none() {
                actions.push(Action::Intend(owner));
                continue;
            }
            actions.push(Action::Settle(owner, BatchOutcome::Accepted));
            if troubles > 0 {
                use BatchOutcome::{Failed, Invalid, NotSent, Unknown};
                actions.extend([Invalid, Failed, Unknown, NotSent].map(|how| Action::Settle(owner, how)));
                actions.extend([Action::Hold(owner), Action::Forget(owner)]);
            }
            // One without a request is as good as a new one.
            if crashes > 0 {
                actions.push(Action::Crash(owner));
            }
        }
        if jumps > 0 {
            actions.extend(JUMPS.map(Action::Jump));
        }
        actions
    }

    pub(super) fn step(&mut self, action: Action) -> Checked {
        let budget = &mut self.budget;
        match action {
            Action::Find => {
                budget.finds -= 1;
                self.find(ALL);
                if self.flaw == Some(Flaw::FoundIsNew) {
                    self.state.queue_done();
                }
            }
            Action::Intend(owner) => return self.intend(owner).map(|_| ()),
            Action::Settle(owner, outcome) => {
                budget.troubles -= u8::from(outcome != BatchOutcome::Accepted);
                self.settle(owner, outcome, None);
            }
            Action::Hold(owner) => {
                budget.troubles -= 1;
                self.settle(owner, BatchOutcome::Returned, Some(HOLD));
            }
            Action::Crash(owner) => {
                budget.crashes -= 1;
                self.crash(owner);
            }
            Action::Forget(owner) => {
                budget.troubles -= 1;
                self.flights[owner] = None;
            }
            Action::Tick => self.pass(TICK),
            Action::Jump(by) => {
                budget.jumps -= 1;
                self.clock += by;
                self.elapsed += by.max(0);
                self.end_leases();
                if self.flaw == Some(Flaw::ClockFreesSlots) {
                    self.state.forget_future(self.clock);
                }
            }
        }
        Ok(())
    }

    /// Forgets what no state that comes after can ask for.
    pub(super) fn shrink(&mut self) {
        let in_flight = self.flights.map(|flight| flight.map_or(0, |flight| flight.batch));
        self.state.shrink(&in_flight);
        self.requests.iter_mut().for_each(|requests| requests.retain(|at| *at > self.elapsed - WINDOW_MS));
    }

    pub(super) fn pass(&mut self, length: i64) {
        self.clock += length;
        self.elapsed += length;
        self.end_leases();
    }

    fn end_leases(&mut self) {
        for flight in self.flights.iter_mut().flatten() {
            flight.leased &= (flight.at - LEASE..flight.at + LEASE).contains(&self.clock);
        }
    }

    /// Which of the identities an owner has.
    pub(super) fn identity(&self, owner: usize) -> usize {
        usize::from(self.budget.two_identities && owner == OWNERS - 1)
    }

    fn crash(&mut self, owner: usize) {
        let flight = self.flights[owner].take();
        match (self.flaw, flight) {
            (Some(Flaw::SlotAfterAnswer), Some(flight)) => self.state.forget_slot(flight.batch),
            (Some(Flaw::LostForEver), Some(flight)) => self.state.close_around_tokens(flight.batch),
            _ => {}
        }
        if !self.budget.apart {
            self.state.end_owner(self.owners[owner]);
        }
        self.owners[owner] = self.state.new_owner();
    }

    pub(super) fn intend(&mut self, owner: usize) -> Result<Next, String> {
        match self.flaw {
            Some(Flaw::TakesFromTheLiving) => self.state.end_leases(self.clock),
            Some(Flaw::Impatient) => self.state.forget_holds(),
            _ => {}
        }
        let next = self.state.intend(
            self.owners[owner],
            &request(HOST, self.identity(owner)),
            timestamp(self.clock),
        );
        match &next {
            Next::Send(intent) => self.sent(owner, intent)?,
            Next::Later { at, .. } if *at <= timestamp(self.clock) => {
                return Err("later is not later".to_owned());
            }
            Next::Later { .. } | Next::Nothing => {}
            Next::SendEach(_) => return Err("nothing here revokes itself".to_owned()),
        }
        Ok(next)
    }

    pub(super) fn settle(&mut self, owner: usize, outcome: BatchOutcome, hold: Option<i64>) {
        let Some(flight) = self.flights[owner].take() else { return };
        let identity = self.identity(owner);
        match outcome {
            BatchOutcome::Accepted => self.accepted |= flight.tokens & !self.rejected,
            BatchOutcome::Invalid => self.rejected |= flight.tokens & !self.accepted,
            BatchOutcome::NotSent => {
                // What never left was no request.
                let requests = &mut self.requests[identity];
                if let Some(index) = requests.iter().rposition(|at| *at == flight.left) {
                    requests.remove(index);
                }
            }
            _ => {}
        }
        if let Some(length) = hold {
            self.held_until[identity] = self.held_until[identity].max(self.elapsed + length);
        }
        let late = self.state.is_closed(flight.batch);
        if late && self.flaw == Some(Flaw::LateAnswerForgotten) {
            return;
        }
        let unsent = outcome == BatchOutcome::Unknown && self.flaw == Some(Flaw::LostIsUnsent);
        let settlement = settlement(if unsent { BatchOutcome::NotSent } else { outcome }, hold);
        self.state.settle(self.owners[owner], flight.batch, &settlement, timestamp(self.clock));
    }
}

/// What an owner of this identity asks for.
pub(super) fn request(host: &str, identity: usize) -> BatchRequest<'_> {
    BatchRequest {
        host,
        identity: IDENTITIES[identity],
        max_batch: MAX_BATCH,
        per_hour: SLOTS,
        min_interval: Duration::ZERO,
        lease: Duration::from_millis(LEASE.unsigned_abs()),
        payload: Payload::Batch(&*KINDS),
    }
}

/// What came of a request, and for how long the server asks for patience.
pub(super) fn settlement(outcome: BatchOutcome, hold: Option<i64>) -> Settlement {
    Settlement {
        outcome,
        verdict: "settled".into(),
        status: None,
        request_id: None,
        message: String::new(),
        rate_limit: RateLimit::default(),
        hold: hold.map(|length| Duration::from_millis(length.unsigned_abs())),
    }
}
