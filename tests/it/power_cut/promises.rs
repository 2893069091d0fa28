//! What must hold after a power cut, judged by what the world outside had been told before.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use stanch::ledger::{
    self, BatchOutcome, BatchRequest, Intent, Ledger, LedgerAddress, Next, Payload, Settlement,
    StatusRequest, TokenFilter,
};
use stanch::revocation::{MAX_BATCH, RateLimit, State};
use stanch::rule;
use stanch::token::{Fingerprint, Kind};

use crate::support::row_mac;

/// What the world knows: what ended runs said, and what arrived at the server.
#[derive(Clone, Default)]
pub(super) struct Known {
    /// Every token that is in the ledger, and its state at the end of the last run.
    pub(super) tokens: HashMap<Fingerprint, State>,
    /// Tokens whose 202 the program has had, and has gone on after.
    pub(super) accepted: HashSet<Fingerprint>,
    /// How many records the trail has at the least.
    pub(super) records: u64,
    /// How many requests arrived.
    pub(super) requests: u32,
    /// Whether a copy was made.
    pub(super) copied: bool,
}

/// All of it.
pub(super) struct History {
    pub(super) known: Vec<Known>,
    /// Every record of the trail, as written in the end.
    trail: Vec<String>,
    host: String,
    kinds: Vec<Kind>,
}

type Verdict = Result<(), String>;

impl History {
    pub(super) fn new(known: Vec<Known>, trail: Vec<String>, host: String) -> Self {
        History { known, trail, host, kinds: rule::kinds().collect() }
    }

    /// Whether a token may be in a state once this mark has passed: it was, at the mark or later.
    fn may_be(&self, mark: usize, token: &Fingerprint, state: State) -> bool {
        self.known[mark..].iter().any(|known| known.tokens.get(token) == Some(&state))
    }

    /// What the next run finds in `home`, where the last mark was `mark`.
    pub(super) fn check(&self, home: &Path, mark: usize) -> Verdict {
        let known = &self.known[mark];
        let address = LedgerAddress::Sqlite(home.join("state/ledger.db"));
        let found = ledger::open_existing(&address).map_err(|error| format!("unusable: {error}"))?;
        if found.is_none() && known.records > 0 {
            return Err("lost: the whole ledger".to_owned());
        }
        drop(found);
        let mut ledger = ledger::open(&address).map_err(|error| format!("unusable: {error}"))?;
        if let Some(problem) = ledger.check().problems.first() {
            return Err(format!("damaged: {problem}"));
        }
        self.check_trail(ledger.as_ref(), known)?;
        self.check_states(ledger.as_ref(), mark)?;
        self.check_quota(ledger.as_ref(), known)?;
        restart(home)?;
        self.drain(ledger.as_mut(), mark, home)?;
        if known.copied {
            let copy = LedgerAddress::Sqlite(home.join("state/copy.db"));
            let copy =
                ledger::open_existing(&copy).map_err(|error| format!("unusable: the copy: {error}"))?;
            let report = copy.ok_or("lost: the copy")?.check();
            if !report.problems.is_empty() || report.tokens < known.tokens.len() as u64 {
                return Err(format!("damaged: the copy: {:?}", report.problems));
            }
        }
        Ok(())
    }

    /// Promise 5: the ledger is at a point of its own history, and not before what was promised.
    fn check_trail(&self, ledger: &dyn Ledger, known: &Known) -> Verdict {
        ledger::verify(ledger).map_err(|error| format!("chain: {error}"))?;
        let trail = ledger.trail("", 0, usize::MAX).map_err(|error| error.to_string())?;
        if (trail.len() as u64) < known.records {
            return Err(format!("chain: {} of {} records", trail.len(), known.records));
        }
        let real = self.trail.get(..trail.len()).is_some_and(|real| real == trail);
        if real { Ok(()) } else { Err("chain: records that were never written".to_owned()) }
    }

    /// Promise 2: nothing that was queued is gone, and nothing that was accepted may go again.
    fn check_states(&self, ledger: &dyn Ledger, mark: usize) -> Verdict {
        let known = &self.known[mark];
        let all = ledger.list(&TokenFilter::default(), 0, usize::MAX).map_err(|error| error.to_string())?;
        let states: HashMap<Fingerprint, State> =
            all.iter().map(|token| (token.fingerprint, token.state)).collect();
        for token in known.tokens.keys() {
            let state = *states.get(token).ok_or("lost: a token")?;
            if !state.pending() && state != State::Accepted && !self.may_be(mark, token, state) {
                return Err(format!("lost: a token is {state}"));
            }
        }
        for token in &known.accepted {
            let state = states.get(token).copied();
            if !matches!(state, Some(State::Accepted | State::Confirmed)) {
                return Err(format!("accepted: a token is {state:?}"));
            }
        }
        Ok(())
    }

    /// Promise 1: what arrived has its slot.
    fn check_quota(&self, ledger: &dyn Ledger, known: &Known) -> Verdict {
        let request = StatusRequest { host: &self.host, identity: "anonymous", per_hour: 60 };
        let status = ledger.host_status(&request, &Timestamp::now).map_err(|error| error.to_string())?;
        if status.requests_last_hour < known.requests {
            let taken = status.requests_last_hour;
            return Err(format!("quota: {taken} slots taken, and {} requests arrived", known.requests));
        }
        Ok(())
    }

    fn request(&self) -> BatchRequest<'_> {
        BatchRequest {
            host: &self.host,
            identity: "anonymous",
            max_batch: MAX_BATCH,
            per_hour: 60,
            min_interval: Duration::ZERO,
            lease: Duration::from_mins(2),
            payload: Payload::Batch(&self.kinds),
        }
    }

    /// The next run: sends all that waits, and nothing that was accepted.
    fn drain(&self, ledger: &mut dyn Ledger, mark: usize, home: &Path) -> Verdict {
        let known = &self.known[mark];
        let mut now = Timestamp::now();
        let mut sent = HashSet::new();
        loop {
            match ledger.intend(&self.request(), &|| now).map_err(|error| error.to_string())? {
                Next::Nothing => break,
                Next::SendEach(_) => return Err("sent: nothing here revokes itself".to_owned()),
                Next::Later { at, .. } => {
                    // Time passes here by the wall clock only.
                    restart(home)?;
                    now = at.max(now + Duration::from_millis(1));
                }
                Next::Send(intent) => {
                    check_sent(ledger, &self.host, &intent, known)?;
                    sent.extend(intent.tokens.iter().map(|token| token.fingerprint));
                    ledger.settle(intent.batch, &accepted(), &|| now).map_err(|error| error.to_string())?;
                }
            }
        }
        for (token, state) in known.tokens.iter().filter(|(_, state)| state.pending()) {
            let record = ledger.token(&self.host, token).map_err(|error| error.to_string())?;
            let ended = record.ok_or("lost: a token")?.state;
            if ended != State::Accepted && !self.may_be(mark, token, ended) {
                return Err(format!("lost: {state} became {ended}"));
            }
            // Confirmed in the end, it was accepted in between.
            let really =
                [State::Accepted, State::Confirmed].iter().any(|state| self.may_be(mark, token, *state));
            if ended == State::Accepted && !sent.contains(token) && !really {
                return Err("lost: accepted, and never sent".to_owned());
            }
        }
        Ok(())
    }
}

/// A power cut ends the uptime of the machine, on which the recording goes on running: what was written down by it counts by
/// the wall clock then.
fn restart(home: &Path) -> Verdict {
    let forget = "UPDATE batch SET slot_boot = NULL, slot_uptime = NULL;
        UPDATE quota SET last_boot = NULL, last_uptime = NULL, hold_boot = NULL, hold_uptime = NULL,
            server_boot = NULL, server_uptime = NULL;";
    let path = home.join("state/ledger.db");
    Connection::open(&path)
        .and_then(|database| {
            database.execute_batch(forget)?;
            row_mac::restamp(&database, &path, &["batch", "quota"])
        })
        .map_err(|error| format!("unusable: {error}"))
}

/// What leaves was not accepted before, and can be read.
fn check_sent(ledger: &dyn Ledger, host: &str, intent: &Intent, known: &Known) -> Verdict {
    let opener = ledger.opener(host).map_err(|error| format!("lost: the key: {error}"))?;
    for token in &intent.tokens {
        if known.accepted.contains(&token.fingerprint) {
            return Err("accepted: a token is sent again".to_owned());
        }
        if opener.open(token.kind, token.fingerprint, &token.sealed).is_err() {
            return Err("lost: a text does not open".to_owned());
        }
    }
    Ok(())
}

fn accepted() -> Settlement {
    Settlement {
        outcome: BatchOutcome::Accepted,
        verdict: "accepted".into(),
        status: Some(202),
        request_id: None,
        message: String::new(),
        rate_limit: RateLimit::default(),
        hold: None,
    }
}
