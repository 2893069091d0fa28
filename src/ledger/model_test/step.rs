//! The operations of a random sequence, and how often each comes.

use proptest::prelude::*;

use crate::ledger::BatchOutcome;
use crate::revocation::State;

/// An operation of a process, or an event it has to live with.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Enqueue {
        process: usize,
        from: u32,
        count: u32,
        state: State,
    },
    Intend {
        process: usize,
    },
    IntendSelfRevoking {
        process: usize,
        from: u32,
        count: u32,
    },
    /// A request without tokens, and whether it left.
    Call {
        process: usize,
        left: bool,
    },
    /// The response to a request in flight.
    Settle {
        /// Its index among those in flight; too large is the last.
        index: usize,
        outcome: BatchOutcome,
        /// How many requests remain, and in how many milliseconds the window ends.
        rate_limit: Option<(u32, i64)>,
        /// In seconds.
        hold: Option<u64>,
    },
    StateChange {
        process: usize,
        from: u32,
        count: u32,
        state: State,
    },
    /// Living tokens told what they may do.
    Told {
        process: usize,
        from: u32,
        count: u32,
        /// How many scopes, where scopes are named, and when they end, in milliseconds from now.
        grants: (Option<u8>, Option<i64>),
    },
    /// The process dies, and a new one starts.
    Crash {
        process: usize,
    },
    /// So many requests one after the other, each with a token of its own, all accepted: what fills an hour.
    Burst {
        process: usize,
        requests: u32,
    },
    /// Time passes.
    Tick {
        ms: i64,
    },
    /// The wall clock is set.
    Jump {
        ms: i64,
    },
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let process = 0..3_usize;
    let outcome = prop_oneof![
        4 => Just(BatchOutcome::Accepted),
        2 => Just(BatchOutcome::Invalid),
        2 => Just(BatchOutcome::Returned),
        4 => Just(BatchOutcome::Failed),
        1 => Just(BatchOutcome::TooLarge),
        2 => Just(BatchOutcome::Unknown),
        2 => Just(BatchOutcome::NotSent),
        1 => Just(BatchOutcome::Dead),
    ];
    let state = prop_oneof![
        Just(State::Held),
        Just(State::Own),
        Just(State::Dead),
        Just(State::Confirmed),
        Just(State::Unsupported),
        Just(State::Withdrawn),
        Just(State::Queued)
    ];
    let rate_limit = proptest::option::weighted(0.3, (0..4_u32, -1000..7_200_000_i64));
    let count = prop_oneof![4 => 1..40_u32, 1 => 900..1300_u32];
    prop_oneof![
        3 => (process.clone(), 0..2500_u32, count.clone()).prop_map(|(process, from, count)| {
            Step::Enqueue { process, from, count, state: State::Queued }
        }),
        1 => (process.clone(), 0..2500_u32, 1..30_u32).prop_map(|(process, from, count)| {
            Step::Enqueue { process, from, count, state: State::Held }
        }),
        8 => process.clone().prop_map(|process| Step::Intend { process }),
        1 => (process.clone(), 0..2500_u32, 1..6_u32)
            .prop_map(|(process, from, count)| Step::IntendSelfRevoking { process, from, count }),
        1 => (process.clone(), any::<bool>()).prop_map(|(process, left)| Step::Call { process, left }),
        6 => (0..4_usize, outcome, rate_limit, proptest::option::weighted(0.2, 0..7200_u64)).prop_map(
            |(index, outcome, rate_limit, hold)| Step::Settle { index, outcome, rate_limit, hold }
        ),
        1 => (process.clone(), 0..2500_u32, 1..50_u32, state).prop_map(|(process, from, count, state)| {
            Step::StateChange { process, from, count, state }
        }),
        1 => (process.clone(), 0..2500_u32, 1..20_u32, (proptest::option::of(0..3_u8), proptest::option::of(0..9_000_i64)))
            .prop_map(|(process, from, count, grants)| Step::Told { process, from, count, grants }),
        2 => process.clone().prop_map(|process| Step::Crash { process }),
        4 => (process, 1..8_u32).prop_map(|(process, requests)| Step::Burst { process, requests }),
        6 => prop_oneof![0..2000_i64, 0..120_000_i64, 0..4_000_000_i64].prop_map(|ms| Step::Tick { ms }),
        1 => prop_oneof![-5000..5000_i64, -8_000_000..8_000_000_i64, -(1_i64 << 40)..(1_i64 << 40)]
            .prop_map(|ms| Step::Jump { ms }),
    ]
}
