//! Groups of tokens one of which is to blame.

use std::collections::BTreeMap;

use super::ModelState;
use crate::ledger::bisect::{Failure, Group};

impl ModelState {
    /// What is known about the failure of a batch.
    pub(super) fn failure(&self, id: u64, in_flight: &[usize], accepted: u64) -> Failure {
        let number = |id: u64| usize::try_from(id).unwrap_or(usize::MAX).wrapping_sub(1);
        let Some(batch) = self.batches.get(number(id)) else { unreachable!("settled") };
        let before = || in_flight.iter().map(|index| self.tokens[*index].failed_in).filter(|id| *id > 0);
        let mut groups: BTreeMap<Group, usize> = BTreeMap::new();
        for token in self.tokens.iter().filter(|token| token.host == batch.account.0 && token.group > 0) {
            if token.batch.is_none() && token.state.pending() {
                *groups.entry(token.group).or_default() += 1;
            }
        }
        Failure {
            size: in_flight.len(),
            others_accepted: before().any(|failed| failed < accepted),
            in_other_run: before().any(|failed| {
                self.batches.get(number(failed)).is_some_and(|other| other.owner != batch.owner)
            }),
            smallest: groups.into_values().min(),
        }
    }

    pub(super) fn unlink_sibling(&mut self, group: Group) {
        for sibling in self.siblings.iter_mut().filter(|sibling| **sibling == Some(group)) {
            *sibling = None;
        }
    }

    pub(super) fn sibling(&self, group: Group) -> Option<Group> {
        *self.siblings.get(usize::try_from(group).ok()?.checked_sub(1)?)?
    }

    /// The tokens of a group that could be sent now, at the host of these others.
    pub(super) fn due_in_group(&self, others: &[usize], group: Group) -> Vec<usize> {
        let Some(host) = others.first().map(|index| &self.tokens[*index].host) else { return Vec::new() };
        let mut due: Vec<usize> = (self.tokens.iter().enumerate())
            .filter(|(_, token)| token.group == group && token.host == *host)
            .filter(|(_, token)| token.batch.is_none() && token.state.pending())
            .map(|(index, _)| index)
            .collect();
        due.sort_by_key(|index| (self.tokens[*index].rank, *index));
        due
    }

    pub(super) fn halve(&mut self, indices: &[usize]) {
        let one = self.siblings.len() as u64 + 1;
        self.siblings.extend([Some(one + 1), Some(one)]);
        let (left, right) = indices.split_at(indices.len() / 2);
        for (half, group) in [(left, one), (right, one + 1)] {
            for index in half {
                self.tokens[*index].group = group;
            }
        }
    }
}
