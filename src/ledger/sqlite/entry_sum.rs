//! A sum over rows that does not depend on their order, to compare an index with its table.

use rusqlite::Connection;
use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::ValueRef;

/// Lets a connection sum rows: `entry_sum(COLUMN, …)`.
pub(super) fn install(db: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    db.create_aggregate_function("entry_sum", -1, flags, EntrySum)
}

struct EntrySum;

/// How many rows, and the sum of a hash of each: against accidents, not against forgers, who cannot write an index that
/// agrees with its table and hides a row all the same.
impl Aggregate<(u64, u64), Vec<u8>> for EntrySum {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<(u64, u64)> {
        Ok((0, 0))
    }

    fn step(&self, context: &mut Context<'_>, (count, sum): &mut (u64, u64)) -> rusqlite::Result<()> {
        let mut hash = 0;
        for index in 0..context.len() {
            hash = match context.get_raw(index) {
                ValueRef::Null => mix(hash, 1),
                ValueRef::Integer(value) => mix(mix(hash, 2), value.cast_unsigned()),
                ValueRef::Real(value) => mix(mix(hash, 3), value.to_bits()),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                    bytes.iter().fold(mix(hash, 4), |hash, byte| mix(hash, u64::from(*byte)))
                }
            };
        }
        *count += 1;
        *sum = sum.wrapping_add(hash);
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, sum: Option<(u64, u64)>) -> rusqlite::Result<Vec<u8>> {
        let (count, sum) = sum.unwrap_or_default();
        Ok([count.to_be_bytes(), sum.to_be_bytes()].concat())
    }
}

/// A step of splitmix64 (<https://prng.di.unimi.it/splitmix64.c>), public domain.
fn mix(hash: u64, value: u64) -> u64 {
    let mut z = (hash ^ value).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
