//! Requests that only repeat earlier ones, and what the audit trail tells of them.
//!
//! While a server is away its queue is tried again and again, sixty times an hour for as long as it takes. The tokens were
//! named by the record of their first request; what repeats it is told by itself for a while, and then once an hour.

use super::audit::Event;
use super::time::timestamp;

/// How many requests in vain of a kind the trail tells one by one.
const TOLD: u64 = 10;

/// How long a record sums up requests.
const SUMMED_MS: i64 = 3_600_000;

/// How long a batch whose process died is kept as it is, in case an answer comes yet.
pub(crate) const LATE_ANSWER_MS: i64 = 86_400_000;

/// Requests of a host and identity that all came to the same, and decided nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Retries {
    /// How many were told one by one.
    pub(crate) told: u64,
    /// How many were not, and are to be summed up.
    pub(crate) requests: u64,
    /// The first batch of these.
    pub(crate) first: u64,
    /// The last one.
    pub(crate) last: u64,
    /// When the first came to nothing.
    pub(crate) since: i64,
    /// When the last did.
    pub(crate) until: i64,
}

/// What they came to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Failure {
    /// The class of the answer, or `lost`.
    pub(crate) verdict: String,
    /// The HTTP status; 0 if there was none.
    pub(crate) status: u16,
}

impl Failure {
    /// What a record of an answer, or of none, tells.
    pub(crate) fn of(event: &Event) -> Self {
        match event {
            Event::Answer { verdict, status, .. } => {
                Failure { verdict: verdict.clone(), status: status.unwrap_or_default() }
            }
            _ => Failure { verdict: "lost".to_owned(), status: 0 },
        }
    }
}

/// A batch, as far as the trail is concerned.
pub(crate) struct SentBatch {
    pub(crate) id: u64,
    /// The row of its quota.
    pub(crate) quota: i64,
    /// Whether all its tokens were sent before, and nothing was decided.
    pub(crate) retry: bool,
    /// Whether the trail has a record of its leaving.
    pub(crate) told: bool,
    pub(crate) call: String,
    /// When it left, in milliseconds since 1970.
    pub(crate) at: i64,
    pub(crate) identity: String,
    pub(crate) host: String,
}

impl SentBatch {
    /// The record of its request.
    pub(crate) fn intent(&self, tokens: Vec<String>, retried: Option<u64>, sent_at: Option<i64>) -> Event {
        Event::Intent {
            batch: self.id,
            host: self.host.clone(),
            identity: self.identity.clone(),
            call: self.call.clone().into(),
            tokens,
            retried,
            sent_at: sent_at.map(timestamp),
        }
    }
}

/// How a request in vain is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Telling {
    /// By a record of its own.
    Alone,
    /// Not yet.
    Counted,
    /// Together with those before it.
    Summed(Retries),
}

impl Retries {
    /// Whether the next one needs no record of its own.
    pub(crate) fn is_common(&self) -> bool {
        self.told >= TOLD
    }

    /// Takes note of one more; `is_told` if the trail has its beginning.
    pub(crate) fn observe(&mut self, batch: u64, is_told: bool, now: i64) -> Telling {
        if is_told {
            self.told = self.told.saturating_add(1);
            return Telling::Alone;
        }
        if self.requests == 0 {
            (self.first, self.since) = (batch, now);
        }
        (self.requests, self.last, self.until) = (self.requests + 1, batch, now);
        // A clock that was set back starts the hour anew.
        if (self.since..self.since.saturating_add(SUMMED_MS)).contains(&now) {
            return Telling::Counted;
        }
        self.sum_up().map_or(Telling::Counted, Telling::Summed)
    }

    /// What is to be summed up, if there is anything; it is told by then.
    pub(crate) fn sum_up(&mut self) -> Option<Retries> {
        let all = self.clone();
        self.requests = 0;
        (all.requests > 0).then_some(all)
    }

    /// As a record of the trail.
    pub(crate) fn event(&self, host: &str, identity: &str, failure: &Failure) -> Event {
        Event::Retries {
            host: host.to_owned(),
            identity: identity.to_owned(),
            verdict: failure.verdict.clone(),
            status: (failure.status != 0).then_some(failure.status),
            requests: self.requests,
            first_batch: self.first,
            last_batch: self.last,
            since: timestamp(self.since),
            until: timestamp(self.until),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_summed_up_once_an_hour() {
        let mut retries = Retries::default();
        let (mut alone, mut summed, mut requests) = (0, 0, 0);
        for minute in 0..600_u64 {
            let now = i64::try_from(minute).unwrap_or_default() * 60_000;
            match retries.observe(minute + 1, !retries.is_common(), now) {
                Telling::Alone => alone += 1,
                Telling::Counted => {}
                Telling::Summed(all) => {
                    assert_eq!(all.last - all.first + 1, all.requests);
                    (summed, requests) = (summed + 1, requests + all.requests);
                }
            }
        }
        let rest = retries.sum_up().map_or(0, |rest| rest.requests);
        assert_eq!((alone, summed, alone + requests + rest), (TOLD, 9, 600));
        assert_eq!(retries.sum_up(), None);
        // A clock set back by a day: no day without a record.
        retries.observe(601, false, 0);
        assert!(matches!(retries.observe(602, false, -86_400_000), Telling::Summed(_)));
    }
}
