//! When two states are the same: when nothing that comes after can tell them apart.
//!
//! Where in doubt two states are told apart, which costs time and misses nothing.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::super::ModelState;
use super::world::{IDENTITIES, JUMPS, OWNERS, World};
use crate::ledger::quota::WINDOW_MS;

/// The longest that anything is remembered by itself: a slot, an hour; a lease and a hold are shorter.
const MEMORY: i64 = WINDOW_MS;

/// Numbers in the order in which they come up.
#[derive(Default)]
struct Order(Vec<u64>);

impl Order {
    fn of(&mut self, number: u64) -> usize {
        self.0.iter().position(|known| *known == number).unwrap_or_else(|| {
            self.0.push(number);
            self.0.len() - 1
        })
    }
}

impl ModelState {
    /// Whether a batch is settled or was taken over.
    pub(super) fn is_closed(&self, batch: u64) -> bool {
        self.batch(batch).is_none_or(|batch| batch.verdict != "open")
    }

    /// Forgets what nobody asks for any more, so that a state stays small however long the way to it was.
    pub(super) fn shrink(&mut self, in_flight: &[u64]) {
        for (id, batch) in (1..).zip(&mut self.batches) {
            if batch.verdict != "open" && !in_flight.contains(&id) {
                (batch.verdict, batch.account) = Default::default();
                batch.tokens = Vec::new();
            }
        }
    }
}

impl World {
    /// What the future depends on, in few bytes: two different states have the same key about once in 10³⁸ times.
    pub(super) fn key(&self) -> u128 {
        // Owners are alike: they are named in the order of what they have under way. Two that have the same under way may
        // still differ in what failed before; that tells two states apart that are the same, and no harm is done.
        let mut order = [0, 1, 2];
        order.sort_by_key(|index| {
            let identity = self.identity(*index);
            let flight = self.flights[*index].map(|flight| {
                (flight.tokens, flight.at, flight.left, flight.leased, self.state.is_closed(flight.batch))
            });
            (identity, flight)
        });
        let view = self.view(order);
        let mut hashers = [DefaultHasher::new(), DefaultHasher::new()];
        1_u8.hash(&mut hashers[1]);
        let [one, two] = hashers.map(|mut hasher| {
            view.hash(&mut hasher);
            hasher.finish()
        });
        u128::from(one) << 64 | u128::from(two)
    }

    fn view(&self, order: [usize; OWNERS]) -> Vec<i64> {
        let mut view = Vec::with_capacity(96);
        let Self { queued, accepted, rejected, budget, .. } = self;
        for number in
            [*queued, *accepted, *rejected, budget.crashes, budget.troubles, budget.jumps, budget.finds]
        {
            view.push(i64::from(number));
        }
        let owner = |id: u64| {
            let named = order.iter().position(|index| self.owners[*index] == id);
            named.map_or(-1, |index| i64::try_from(index).unwrap_or(-1))
        };
        let (mut batches, mut groups) = (Order::default(), Order::default());
        groups.of(0);
        for index in order {
            let Some(flight) = self.flights[index] else {
                view.push(-1);
                continue;
            };
            batches.of(flight.batch);
            view.push(i64::from(flight.leased));
            view.push(i64::from(flight.tokens));
            view.push(self.age(self.clock - flight.at));
            // A slot is given back for the request that took it.
            view.push(self.elapsed.saturating_sub(flight.left).min(WINDOW_MS));
            view.push(i64::from(self.state.is_closed(flight.batch)));
        }
        for (id, batch) in (1..).zip(&self.state.batches).filter(|(_, batch)| batch.verdict == "open") {
            view.push(number(batches.of(id)));
            view.extend([
                owner(batch.owner),
                self.age(self.clock - batch.lease.since),
                batch.lease.until - batch.lease.since,
            ]);
        }
        self.view_tokens(&mut view, (&mut batches, &mut groups), &owner);
        for identity in IDENTITIES {
            self.view_quota(&mut view, &batches, identity);
        }
        for (requests, held_until) in self.requests.iter().zip(self.held_until) {
            view.push(i64::MIN);
            view.extend(requests.iter().map(|at| self.elapsed - at).filter(|age| *age < WINDOW_MS));
            view.push((held_until - self.elapsed).max(0));
        }
        view
    }

    fn view_tokens(
        &self,
        view: &mut Vec<i64>,
        (batches, groups): (&mut Order, &mut Order),
        owner: &dyn Fn(u64) -> i64,
    ) {
        let accepted = IDENTITIES.map(|identity| {
            let quota = self.state.quotas.iter().find(|((_, known), _)| known == identity);
            quota.map_or(0, |(_, quota)| quota.accepted)
        });
        let mut failures: Vec<u64> = self.state.tokens.iter().map(|token| token.failed_in).collect();
        failures.extend(accepted);
        failures.sort_unstable();
        failures.dedup();
        let rank = |batch: u64| number(failures.iter().filter(|failed| **failed < batch).count());
        for token in &self.state.tokens {
            view.push(token.state as i64);
            view.push(token.batch.map_or(-1, |batch| number(batches.of(batch))));
            view.push(number(groups.of(token.group)));
            view.push(if token.failed_in == 0 { -1 } else { rank(token.failed_in) });
            view.push(self.state.batch(token.failed_in).map_or(-2, |batch| owner(batch.owner)));
            view.push(i64::from(token.sealed.is_some()));
        }
        view.extend(accepted.map(rank));
        // What a batch carried, and its group: an answer that comes late asks for them.
        for id in batches.0.clone() {
            let Some(batch) = self.state.batch(id) else { continue };
            view.push(number(groups.of(batch.group)));
            view.push(batch.tokens.iter().fold(0, |set, index| set | 1 << index));
        }
        for group in groups.0.clone() {
            let sibling = self
                .state
                .sibling(group)
                .and_then(|sibling| groups.0.iter().position(|known| *known == sibling));
            view.push(sibling.map_or(-1, number));
        }
    }

    fn view_quota(&self, view: &mut Vec<i64>, batches: &Order, identity: &str) {
        view.push(i64::MIN);
        let quota = self.state.quotas.iter().find(|((_, known), _)| known == identity);
        let Some((_, quota)) = quota else { return };
        for slot in &quota.slots {
            let ages = [self.clock - slot.taken.at, self.clock - slot.taken.adjusted];
            if ages.iter().all(|age| *age >= self.horizon()) {
                continue;
            }
            view.extend(ages.map(|age| self.age(age)));
            view.push(batches.0.iter().position(|known| *known == slot.batch).map_or(-1, number));
        }
        view.push(i64::from(quota.strikes));
        let (since, length) = (quota.hold.since, quota.hold.length);
        if self.clock - since.at.max(since.adjusted).saturating_add(length) < self.horizon() {
            view.extend([since.at - self.clock, since.adjusted - self.clock, length]);
        }
    }

    /// From which age on something cannot come back, however the clock may still be set.
    fn horizon(&self) -> i64 {
        let back = JUMPS.into_iter().min().unwrap_or_default().abs();
        MEMORY + i64::from(self.budget.jumps) * back
    }

    /// An age; one beyond the horizon is as good as any other.
    fn age(&self, age: i64) -> i64 {
        age.min(self.horizon())
    }
}

fn number(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}
