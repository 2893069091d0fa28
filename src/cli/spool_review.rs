//! What waits on this machine for an intake, looked at before it is handed over: a token that was suppressed since, or that is
//! this machine's own by now, is taken out.

use std::collections::{BTreeSet, HashSet};

use super::queue_review::ReviewContext;
use crate::ledger::{self, LedgerAddress, LedgerError};
use crate::token::Fingerprint;

/// What of it may leave, and what may not.
#[derive(Debug, Default)]
pub(super) struct SpoolReview {
    /// What may leave; without a hash where a line is damaged.
    leaves: Vec<Option<Fingerprint>>,
    suppressed: HashSet<Fingerprint>,
    own: HashSet<Fingerprint>,
    /// How many of those that may not leave are this machine's own, and no findings of this run.
    pub(super) own_elsewhere: u64,
}

impl SpoolReview {
    /// Looks at what waits; changes nothing. Nothing waits where the ledger is no intake.
    pub(super) fn read(address: &LedgerAddress, context: &ReviewContext<'_>) -> Result<Self, LedgerError> {
        let waiting = ledger::spooled_tokens(address)?;
        if waiting.is_empty() {
            return Ok(SpoolReview::default());
        }
        let (mut found, mut suppressed) = (HashSet::new(), HashSet::new());
        for finding in context.findings {
            let fingerprint = finding.token.fingerprint();
            found.insert(fingerprint);
            if finding.suppressed.is_some() {
                suppressed.insert(fingerprint);
            }
        }
        let mut review = SpoolReview::default();
        for token in waiting {
            let Some(fingerprint) = token.fingerprint else {
                review.leaves.push(None);
                continue;
            };
            // A finding decides for itself: one that something suppresses in one place only is not suppressed.
            let is_suppressed = if found.contains(&fingerprint) {
                suppressed.contains(&fingerprint)
            } else {
                context.suppressions.names(fingerprint)
                    || context.suppressions.user_allows(fingerprint, &token.location)
            };
            // On whose decision it waits the intake is told, and not this run: it decides anew.
            let is_own = !context.policy.allow_own && context.own.location_of(fingerprint).is_some();
            if is_suppressed {
                review.suppressed.insert(fingerprint);
            } else if is_own {
                review.own_elsewhere +=
                    u64::from(review.own.insert(fingerprint) && !found.contains(&fingerprint));
            } else {
                review.leaves.push(Some(fingerprint));
            }
        }
        Ok(review)
    }

    /// How many wait and may leave, but for those that this run hands over in any case.
    pub(super) fn tokens_besides(&self, handed_over: &HashSet<Fingerprint>) -> u64 {
        let is_besides =
            |token: &&Option<Fingerprint>| token.as_ref().is_none_or(|token| !handed_over.contains(token));
        self.leaves.iter().filter(is_besides).count() as u64
    }

    /// What is to be taken out.
    pub(super) fn kept_back(&self) -> BTreeSet<Fingerprint> {
        self.suppressed.union(&self.own).copied().collect()
    }
}
