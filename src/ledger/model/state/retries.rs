//! Requests that repeat others: which attempts are kept, and what the trail tells.

use jiff::Timestamp;

use super::{Account, ModelState};
use crate::ledger::audit::Event;
use crate::ledger::retry::{Failure, LATE_ANSWER_MS, Telling};
use crate::ledger::time::timestamp;

impl ModelState {
    /// Writes down that batch `id` carries these tokens; true if all of them were sent before, and nothing was decided.
    pub(super) fn insert_attempts(&mut self, id: u64, indices: &[usize], now: i64) -> bool {
        // A call without tokens repeats nothing.
        let mut retry = !indices.is_empty();
        for index in indices {
            let attempts = &self.tokens[*index].attempts;
            let mut tries = 1;
            let last = attempts.last().and_then(|(last, tries)| Some((*last, *tries, self.batch(*last)?)));
            retry &= last.as_ref().is_some_and(|(_, _, batch)| !batch.decided);
            if let Some((last, before, batch)) = last {
                let may_be_answered = match batch.verdict.as_str() {
                    "open" => true,
                    "lost" => batch.closed_at > now.saturating_sub(LATE_ANSWER_MS),
                    _ => false,
                };
                if attempts.len() > 1 && !batch.decided && !may_be_answered {
                    tries += before;
                    self.remove_attempt(last, *index);
                }
            }
            self.tokens[*index].attempts.push((id, tries));
        }
        retry
    }

    /// Takes a token out of a batch.
    pub(super) fn remove_attempt(&mut self, id: u64, index: usize) {
        self.tokens[index].attempts.retain(|(batch, _)| *batch != id);
        if let Some(batch) = usize::try_from(id).ok().and_then(|id| self.batches.get_mut(id - 1)) {
            batch.tokens.retain(|other| *other != index);
        }
    }

    fn intent(
        &self,
        id: u64,
        tokens: Vec<String>,
        retried: Option<u64>,
        sent_at: Option<i64>,
    ) -> Option<Event> {
        let batch = self.batch(id)?;
        Some(Event::Intent {
            batch: id,
            host: batch.account.0.clone(),
            identity: batch.account.1.clone(),
            call: batch.call.into(),
            tokens,
            retried,
            sent_at: sent_at.map(timestamp),
        })
    }

    fn carried(&self, id: u64) -> Vec<String> {
        let mut carried = self.batch(id).map(|batch| batch.tokens.clone()).unwrap_or_default();
        carried.sort_by_key(|index| (self.tokens[*index].rank, *index));
        carried.into_iter().map(|index| self.tokens[index].fingerprint.hex()).collect()
    }

    pub(super) fn tell_intent(&mut self, id: u64, at: Timestamp) {
        let Some(batch) = self.batch(id) else { return };
        let (retry, account) = (batch.retry, batch.account.clone());
        let tokens = self.carried(id);
        let event = if !retry {
            self.intent(id, tokens, None, None)
        } else if self.retries.iter().any(|((of, _), retries)| *of == account && retries.is_common()) {
            self.set_untold(id);
            None
        } else {
            self.intent(id, Vec::new(), Some(tokens.len() as u64), None)
        };
        if let Some(event) = event {
            self.record(&event, at);
        }
    }

    pub(super) fn tell_answer(&mut self, id: u64, mut event: Event, decides: bool, at: Timestamp) {
        let Some(batch) = self.batch(id) else { return };
        let (retry, told, sent_at, account) =
            (batch.retry, batch.told, batch.lease.since, batch.account.clone());
        if decides {
            self.tell_rest(&account, at);
        }
        if retry && !decides {
            self.tell_failure(id, (&account, told), &event, at);
            return;
        }
        if retry && let Event::Answer { tokens, .. } = &mut event {
            *tokens = self.carried(id);
            let count = tokens.len() as u64;
            if !told && let Some(intent) = self.intent(id, Vec::new(), Some(count), Some(sent_at)) {
                self.record(&intent, at);
            }
        }
        self.record(&event, at);
    }

    fn tell_failure(&mut self, id: u64, (account, told): (&Account, bool), event: &Event, at: Timestamp) {
        let failure = Failure::of(event);
        let retries = self.retries.entry((account.clone(), failure.clone())).or_default();
        match retries.observe(id, told, at.as_millisecond()) {
            Telling::Alone => self.record(event, at),
            Telling::Counted => {}
            Telling::Summed(all) => self.record(&all.event(&account.0, &account.1, &failure), at),
        }
    }

    fn tell_rest(&mut self, account: &Account, at: Timestamp) {
        let rest: Vec<_> = self.retries.extract_if(.., |(of, _), _| of == account).collect();
        for ((_, failure), mut retries) in rest {
            if let Some(all) = retries.sum_up() {
                self.record(&all.event(&account.0, &account.1, &failure), at);
            }
        }
    }
}
