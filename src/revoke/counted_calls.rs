//! Requests that are part of no batch, counted in the ledger like those that are: the server counts them together.

use std::time::Duration;

use crate::backoff;
use crate::clock::Clock;
use crate::ledger::{
    self, BatchOutcome, BatchRequest, Intent, Ledger, LedgerAddress, Next, Payload, Settlement,
};
use crate::provider::{CallCounter, Limits, Outcome, RevokeResponse};
use crate::revocation::RateLimit;

/// How long a request may seem to be under way: only the slot of one without a known end moves with that.
const LEASE: Duration = Duration::from_mins(5);

/// Takes a slot of the quota for each call. The ledger is opened, or made, for the first one.
pub struct CountedCalls<'a> {
    address: &'a LedgerAddress,
    limits: Limits,
    clock: &'a dyn Clock,
    open: Option<(Box<dyn Ledger>, Intent)>,
}

impl<'a> CountedCalls<'a> {
    /// Counts in the ledger at an address, for the identity in `limits`.
    pub fn new(address: &'a LedgerAddress, limits: Limits, clock: &'a dyn Clock) -> Self {
        CountedCalls { address, limits, clock, open: None }
    }
}

impl CallCounter for CountedCalls<'_> {
    /// False also where the ledger cannot be used: what is not written down does not leave, and the run is about to say why.
    fn begin(&mut self, call: &'static str) -> bool {
        let request = BatchRequest {
            host: &self.limits.host,
            identity: &self.limits.identity,
            max_batch: self.limits.max_batch,
            per_hour: self.limits.per_hour,
            min_interval: Duration::ZERO,
            lease: LEASE,
            payload: Payload::Call(call),
        };
        let Ok(mut ledger) = ledger::open(self.address) else { return false };
        let next = ledger.intend(&request, &|| self.clock.now());
        match next {
            Ok(Next::Send(intent)) => self.open = Some((ledger, intent)),
            _ => self.open = None,
        }
        self.open.is_some()
    }

    fn end(&mut self, response: &RevokeResponse) {
        let Some((mut ledger, intent)) = self.open.take() else { return };
        let now = self.clock.now();
        let outcome = if response.outcome.left() { BatchOutcome::Returned } else { BatchOutcome::NotSent };
        // An answer accepts nothing: no token was sent.
        let answered = response.outcome == Outcome::Accepted;
        let settlement = Settlement {
            outcome,
            verdict: if answered { "answered" } else { response.outcome.as_str() },
            hold: backoff::server_wait(response.outcome, &response.limit, intent.strikes, now),
            // It may be that of another count: the server has several.
            rate_limit: RateLimit::default(),
            ..super::send::settlement(response)
        };
        // Where it cannot be written down the slot stays taken, which is on the careful side.
        let _ = ledger.settle(intent.batch, &settlement, &|| now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::fake::FakeClock;
    use crate::provider::Outcome;

    fn limits() -> Limits {
        Limits {
            host: "https://ghes.example/api/v3".to_owned(),
            identity: "sha256:00".to_owned(),
            max_batch: 1000,
            per_hour: 3,
            batch_kinds: Vec::new(),
            undecided_kinds: Vec::new(),
            self_kinds: Vec::new(),
            self_interval: Duration::ZERO,
            self_parallel: 1,
        }
    }

    fn response(outcome: Outcome) -> RevokeResponse {
        RevokeResponse::without_status(outcome, String::new())
    }

    #[test]
    fn a_call_takes_a_slot_unless_it_never_left() {
        let home = tempfile::tempdir().expect("a directory");
        let address = LedgerAddress::Sqlite(home.path().join("l/ledger.db"));
        let clock = FakeClock::new();
        let mut calls = CountedCalls::new(&address, limits(), &clock);
        let mut call = |outcome| {
            let begun = calls.begin("GET /meta");
            calls.end(&response(outcome));
            clock.advance(Duration::from_secs(1));
            begun
        };
        for _ in 0..5 {
            assert!(call(Outcome::NotSent) && call(Outcome::Blocked), "what never left took a slot");
        }
        assert!(call(Outcome::Accepted) && call(Outcome::Trouble) && call(Outcome::Unknown));
        assert!(!call(Outcome::Accepted), "a fourth within the hour");
        clock.advance(Duration::from_hours(1));
        // A limit that it meets is one for the batches as well.
        assert!(call(Outcome::SecondaryLimit));
        assert!(!call(Outcome::Accepted), "the server asked for patience");
        clock.advance(Duration::from_mins(1));
        assert!(call(Outcome::Accepted));
        let ledger = ledger::open(&address).expect("a ledger");
        crate::ledger::verify(ledger.as_ref()).expect("a trail that holds");
    }

    #[test]
    fn what_cannot_be_written_down_does_not_leave() {
        let home = tempfile::tempdir().expect("a directory");
        std::fs::write(home.path().join("file"), "").expect("a file");
        let address = LedgerAddress::Sqlite(home.path().join("file/ledger.db"));
        let clock = FakeClock::new();
        assert!(!CountedCalls::new(&address, limits(), &clock).begin("GET /meta"));
    }
}
