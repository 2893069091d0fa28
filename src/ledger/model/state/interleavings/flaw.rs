//! Ledgers that are wrong in one point: what the search has to find.

use super::super::ModelState;
use crate::revocation::State;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// A slot is written once the answer is there: a crash in between forgets it.
    SlotAfterAnswer,
    /// An answer that was lost counts as a request that never left.
    LostIsUnsent,
    /// Batches of owners that live are taken over.
    TakesFromTheLiving,
    /// That tokens were accepted is not written down where the batch was taken over.
    LateAnswerForgotten,
    /// A clock that is set back frees the slots of its future.
    ClockFreesSlots,
    /// A batch that was lost keeps its tokens.
    LostForEver,
    /// What was accepted is queued when it is found again.
    FoundIsNew,
    /// What a server asked for is forgotten.
    Impatient,
}

impl Flaw {
    pub(super) const ALL: [Flaw; 8] = [
        Flaw::SlotAfterAnswer,
        Flaw::LostIsUnsent,
        Flaw::TakesFromTheLiving,
        Flaw::LateAnswerForgotten,
        Flaw::ClockFreesSlots,
        Flaw::LostForEver,
        Flaw::FoundIsNew,
        Flaw::Impatient,
    ];
}

impl ModelState {
    /// Forgets that this batch took a slot.
    pub(super) fn forget_slot(&mut self, batch: u64) {
        self.quotas.values_mut().for_each(|quota| quota.give_back(batch));
    }

    /// Lets every lease end.
    pub(super) fn end_leases(&mut self, now: i64) {
        self.batches.iter_mut().for_each(|batch| batch.lease.until = now);
    }

    /// Forgets slots that are in the future.
    pub(super) fn forget_future(&mut self, now: i64) {
        self.quotas.values_mut().for_each(|quota| quota.slots.retain(|slot| slot.taken.at <= now));
    }

    /// Closes a batch and leaves its tokens in it.
    pub(super) fn close_around_tokens(&mut self, batch: u64) {
        let index = usize::try_from(batch).unwrap_or(usize::MAX).wrapping_sub(1);
        if let Some(batch) = self.batches.get_mut(index) {
            batch.verdict = "lost".into();
        }
    }

    /// Queues what is done.
    pub(super) fn queue_done(&mut self) {
        for token in self.tokens.iter_mut().filter(|token| token.state == State::Accepted) {
            (token.state, token.sealed) = (State::Queued, Some(Vec::new()));
        }
    }

    /// Forgets what servers asked for.
    pub(super) fn forget_holds(&mut self) {
        self.quotas.values_mut().for_each(|quota| quota.hold = crate::ledger::quota::Span::default());
    }
}
