//! Tokens by what is asked for, and what servers asked for.

use std::time::Duration;

use jiff::Timestamp;

use super::ModelState;
use crate::ledger::audit::Event;
use crate::ledger::entry::{Attempt, BatchId, TokenRecord};
use crate::ledger::listing::ListedToken;
use crate::ledger::time::{ClockReading, millis, timestamp};
use crate::token::Fingerprint;

impl ModelState {
    pub(crate) fn listed(&self) -> impl Iterator<Item = ListedToken> + use<> {
        let tokens: Vec<ListedToken> = (1..)
            .zip(&self.tokens)
            .map(|(number, token)| ListedToken {
                number,
                host: token.host.clone(),
                fingerprint: token.fingerprint,
                kind: token.kind,
                state: token.state,
                at: timestamp(token.at),
                location: token.location.clone(),
                decided_by: token.decided_by.clone(),
                has_text: token.sealed.is_some(),
                grants: token.grants.clone(),
            })
            .collect();
        tokens.into_iter()
    }

    pub(crate) fn token(&self, host: &str, fingerprint: &Fingerprint) -> Option<TokenRecord> {
        let index = *self.index.get(&(host.to_owned(), *fingerprint))?;
        let token = self.tokens.get(index)?;
        let last = token.attempts.last().and_then(|(id, _)| self.batch(*id));
        Some(TokenRecord {
            kind: token.kind,
            state: token.state,
            own_allowed: token.own_allowed,
            at: timestamp(token.at),
            request_id: last.and_then(|batch| batch.request_id.clone()),
            location: token.location.clone(),
            grants: token.grants.clone(),
        })
    }

    pub(crate) fn attempts(&self, host: &str, fingerprint: &Fingerprint) -> Vec<Attempt> {
        let Some(index) = self.index.get(&(host.to_owned(), *fingerprint)) else { return Vec::new() };
        let attempts = self.tokens[*index].attempts.iter();
        attempts
            .filter_map(|(id, tries)| Some((*id, *tries, self.batch(*id)?)))
            .map(|(id, tries, batch)| Attempt {
                batch: BatchId(id),
                at: timestamp(batch.lease.since),
                tries,
                verdict: batch.verdict.clone(),
                status: batch.status,
                request_id: batch.request_id.clone(),
            })
            .collect()
    }

    pub(crate) fn hold(&mut self, host: &str, identity: &str, length: Duration, at: Timestamp) {
        let now = ClockReading::of(at);
        let quota = self.quotas.entry((host.to_owned(), identity.to_owned())).or_default();
        quota.observe_clock(now);
        quota.hold(millis(length), now);
    }

    pub(crate) fn release(&mut self, host: &str, by: &str, at: Timestamp) -> u64 {
        let (of_host, now) =
            (self.quotas.iter_mut().filter(|((known, _), _)| known == host), ClockReading::of(at));
        let identities = of_host.map(|(_, quota)| u64::from(quota.release(now))).sum();
        if identities > 0 {
            self.record(&Event::Release { host: host.to_owned(), by: by.to_owned(), identities }, at);
        }
        identities
    }
}
