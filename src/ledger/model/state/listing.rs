//! Tokens by what is asked for, and what servers asked for.

use std::time::Duration;

use jiff::Timestamp;

use super::ModelState;
use crate::ledger::audit::Event;
use crate::ledger::listing::ListedToken;
use crate::ledger::time::{millis, timestamp};

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

    pub(crate) fn hold(&mut self, host: &str, identity: &str, length: Duration, at: Timestamp) {
        let now = at.as_millisecond();
        let quota = self.quotas.entry((host.to_owned(), identity.to_owned())).or_default();
        quota.observe_clock(now);
        quota.hold(millis(length), now);
    }

    pub(crate) fn release(&mut self, host: &str, by: &str, at: Timestamp) -> u64 {
        let of_host = self.quotas.iter_mut().filter(|((known, _), _)| known == host);
        let identities = of_host.map(|(_, quota)| u64::from(quota.release(at.as_millisecond()))).sum();
        if identities > 0 {
            self.record(&Event::Release { host: host.to_owned(), by: by.to_owned(), identities }, at);
        }
        identities
    }
}
