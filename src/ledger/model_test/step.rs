//! The steps a story is made of, and how often each comes.

use proptest::prelude::*;

use crate::ledger::BatchOutcome;
use crate::revocation::State;

/// Something that happens.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Enqueue {
        who: usize,
        from: u32,
        count: u32,
        state: State,
    },
    Intend {
        who: usize,
    },
    Alone {
        who: usize,
        number: u32,
    },
    Settle {
        which: usize,
        fate: BatchOutcome,
        heard: Option<(u32, i64)>,
        hold: Option<u64>,
    },
    StateChange {
        who: usize,
        from: u32,
        count: u32,
        state: State,
    },
    Crash {
        who: usize,
    },
    /// So many requests one after the other, each with a token of its own, all taken: what fills an hour.
    Burst {
        who: usize,
        requests: u32,
    },
    Tick {
        ms: i64,
    },
    Jump {
        ms: i64,
    },
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let who = 0..3_usize;
    let fate = prop_oneof![
        4 => Just(BatchOutcome::Accepted),
        2 => Just(BatchOutcome::Invalid),
        2 => Just(BatchOutcome::Returned),
        2 => Just(BatchOutcome::Unknown),
        1 => Just(BatchOutcome::Dead),
    ];
    let aside = prop_oneof![Just(State::Held), Just(State::Own), Just(State::Dead), Just(State::Confirmed)];
    let heard = proptest::option::weighted(0.3, (0..4_u32, -1000..7_200_000_i64));
    let count = prop_oneof![4 => 1..40_u32, 1 => 900..1300_u32];
    prop_oneof![
        3 => (who.clone(), 0..2500_u32, count.clone()).prop_map(|(who, from, count)| {
            Step::Enqueue { who, from, count, state: State::Queued }
        }),
        1 => (who.clone(), 0..2500_u32, 1..30_u32).prop_map(|(who, from, count)| {
            Step::Enqueue { who, from, count, state: State::Held }
        }),
        8 => who.clone().prop_map(|who| Step::Intend { who }),
        1 => (who.clone(), 0..2500_u32).prop_map(|(who, number)| Step::Alone { who, number }),
        6 => (0..4_usize, fate, heard, proptest::option::weighted(0.2, 0..7200_u64)).prop_map(
            |(which, fate, heard, hold)| Step::Settle { which, fate, heard, hold }
        ),
        1 => (who.clone(), 0..2500_u32, 1..50_u32, aside).prop_map(|(who, from, count, state)| {
            Step::StateChange { who, from, count, state }
        }),
        2 => who.clone().prop_map(|who| Step::Crash { who }),
        4 => (who, 1..8_u32).prop_map(|(who, requests)| Step::Burst { who, requests }),
        6 => prop_oneof![0..2000_i64, 0..120_000_i64, 0..4_000_000_i64].prop_map(|ms| Step::Tick { ms }),
        1 => prop_oneof![-5000..5000_i64, -8_000_000..8_000_000_i64, -(1_i64 << 40)..(1_i64 << 40)]
            .prop_map(|ms| Step::Jump { ms }),
    ]
}
