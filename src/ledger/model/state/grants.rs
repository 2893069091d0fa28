//! What living tokens told.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::ModelState;
use crate::ledger::audit::Event;
use crate::ledger::time::whole_millis;
use crate::revocation::Grants;
use crate::token::Fingerprint;

impl ModelState {
    pub(in crate::ledger::model) fn keep_grants(
        &mut self,
        host: &str,
        told: &[(Fingerprint, Grants)],
        at: Timestamp,
    ) {
        let mut new = BTreeMap::new();
        for (fingerprint, grants) in told {
            let index = self.index.get(&(host.to_owned(), *fingerprint));
            let Some(token) = index.and_then(|index| self.tokens.get_mut(*index)) else { continue };
            let grants = whole_millis(grants);
            if token.grants.as_ref() != Some(&grants) {
                token.grants = Some(grants.clone());
                new.insert(fingerprint.hex(), grants);
            }
        }
        if !new.is_empty() {
            self.record(&Event::Alive { host: host.to_owned(), told: new }, at);
        }
    }
}
