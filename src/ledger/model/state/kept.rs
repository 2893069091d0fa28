//! Answers that are kept until the ledger has them.

use jiff::Timestamp;

use super::{Batch, ModelState};
use crate::ledger::settlement::{BatchOutcome, KeptAnswer, Settled, Settlement};
use crate::revocation::State;

impl ModelState {
    pub(in crate::ledger::model) fn keep_answer(
        &mut self,
        owner: u64,
        batch: u64,
        settlement: &Settlement,
        at: Timestamp,
    ) {
        if self.kept.get(&owner).is_none_or(|kept| kept.batch != batch) {
            let settlement = settlement.clone();
            self.kept.insert(owner, KeptAnswer { batch, at: at.as_millisecond(), settlement });
        }
    }

    /// Takes in the answers that this owner, and those that have ended, could not write down.
    pub(super) fn take_in_kept(&mut self, owner: u64, at: Timestamp) {
        if let Some(kept) = self.kept.remove(&owner) {
            self.take_in(&kept, at);
        }
        let owners = &self.owners;
        let mut ended: Vec<KeptAnswer> =
            self.kept.extract_if(.., |owner, _| !owners.contains(owner)).map(|(_, kept)| kept).collect();
        ended.sort_by_key(|kept| kept.batch);
        for kept in ended {
            self.take_in(&kept, at);
        }
    }

    pub(super) fn take_in(&mut self, kept: &KeptAnswer, at: Timestamp) {
        self.settle_received(kept.batch, &kept.settlement, at, Some(kept.at));
    }

    pub(super) fn batch(&self, id: u64) -> Option<&Batch> {
        usize::try_from(id).ok()?.checked_sub(1).and_then(|index| self.batches.get(index))
    }

    /// The trail has no record of its leaving.
    pub(super) fn set_untold(&mut self, id: u64) {
        if let Some(batch) = usize::try_from(id).ok().and_then(|id| self.batches.get_mut(id - 1)) {
            batch.told = false;
        }
    }

    /// What a settlement that was written down before has brought.
    pub(super) fn settled_before(&self, id: u64, outcome: BatchOutcome) -> Settled {
        let carried = usize::try_from(id).map_or(&[][..], |id| &self.batches[id - 1].tokens);
        let count = |state| carried.iter().filter(|index| self.tokens[**index].state == state).count() as u64;
        let none = Settled::default();
        match outcome {
            BatchOutcome::Accepted => Settled { accepted: count(State::Accepted), ..none },
            BatchOutcome::Dead => Settled { dead: count(State::Dead), ..none },
            BatchOutcome::Invalid => Settled { refused: count(State::Refused), ..none },
            _ => none,
        }
    }
}
