//! What waits, by the beginning of its hash and page by page.

use super::{ModelState, StoredToken};
use crate::ledger::waiting::WaitingToken;
use crate::token::{Fingerprint, Kind};

impl ModelState {
    fn all_waiting<'a>(&'a self, host: &'a str) -> impl Iterator<Item = (usize, &'a StoredToken)> {
        let waits = move |token: &StoredToken| token.host == host && token.state.pending();
        self.tokens.iter().enumerate().filter(move |(_, token)| waits(token))
    }

    pub(in crate::ledger::model) fn waiting_named(
        &self,
        host: &str,
        prefixes: &[u64],
    ) -> Vec<(Fingerprint, Kind)> {
        let starts_with = |token: &StoredToken, prefix: u64| {
            token.fingerprint.0.first_chunk().is_some_and(|first| u64::from_be_bytes(*first) == prefix)
        };
        let of = |prefix: u64| {
            let named = self.all_waiting(host).filter(move |(_, token)| starts_with(token, prefix));
            named.map(|(_, token)| (token.fingerprint, token.kind)).collect::<Vec<_>>()
        };
        prefixes.iter().flat_map(|prefix| of(*prefix)).collect()
    }

    pub(in crate::ledger::model) fn waiting_page(
        &self,
        host: &str,
        after: u64,
        limit: usize,
    ) -> Vec<WaitingToken> {
        let numbered = self.all_waiting(host).map(|(index, token)| (index as u64 + 1, index, token));
        let page = numbered.filter(|(number, ..)| *number > after).take(limit);
        page.map(|(number, index, token)| WaitingToken {
            number,
            token: self.sealed_token(index),
            location: token.location.clone(),
        })
        .collect()
    }
}
