//! The tokens that wait, in the order in which they go.

use std::collections::BTreeMap;

use super::ModelState;
use crate::ledger::bisect::{self, Candidate, Group};
use crate::ledger::entry::{Page, SealedToken};
use crate::token::Kind;

impl ModelState {
    /// The tokens that could be sent now, in the order of the queue.
    pub(super) fn due_indices(&self, host: &str, kinds: &[Kind]) -> Vec<usize> {
        let mut due: Vec<usize> = (self.tokens.iter().enumerate())
            .filter(|(_, token)| token.host == host && token.batch.is_none() && token.state.pending())
            .filter(|(_, token)| kinds.contains(&token.kind))
            .map(|(index, _)| index)
            .collect();
        due.sort_by_key(|index| (self.tokens[*index].failed_in, self.tokens[*index].rank, *index));
        due
    }

    /// The tokens that go next, the whole group they belong to, and how many of it at the most.
    pub(super) fn next(
        &self,
        host: &str,
        kinds: &[Kind],
        max_batch: usize,
    ) -> Option<(Candidate, Vec<usize>)> {
        let mut groups: BTreeMap<Group, Vec<usize>> = BTreeMap::new();
        for index in self.due_indices(host, kinds) {
            groups.entry(self.tokens[index].group).or_default().push(index);
        }
        let mut candidates = Vec::new();
        for (group, indices) in &groups {
            let failed_in = |index: &usize| self.tokens[*index].failed_in;
            let fresh = indices.iter().filter(|index| *group == 0 && failed_in(index) == 0).count();
            // In the queue, what failed does not go with what did not.
            for part in [&indices[..fresh], &indices[fresh..]].into_iter().filter(|part| !part.is_empty()) {
                candidates.push(Candidate {
                    group: *group,
                    size: part.len().min(max_batch),
                    failed_in: part.iter().map(failed_in).min().unwrap_or_default(),
                });
            }
        }
        let next = bisect::next(candidates)?;
        Some((next, groups.remove(&next.group)?))
    }

    pub(super) fn sealed_token(&self, index: usize) -> SealedToken {
        let token = &self.tokens[index];
        SealedToken {
            fingerprint: token.fingerprint,
            kind: token.kind,
            sealed: token.sealed.clone().unwrap_or_default(),
        }
    }

    pub(in crate::ledger::model) fn due(&self, host: &str, kinds: &[Kind], page: Page) -> Vec<SealedToken> {
        let Some((_, group)) = self.next(host, kinds, page.limit) else { return Vec::new() };
        group.into_iter().skip(page.skip).take(page.limit).map(|index| self.sealed_token(index)).collect()
    }
}
