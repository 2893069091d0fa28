//! Which bytes of a container need no further look: all others are scanned as they are, in the end.

use std::io;
use std::ops::Range;

use super::budget::Budget;
use super::memory::Reservation;
use super::open_container::{Content, OpenContainer, Region};
use super::random_access::{Part, RandomAccess};
use crate::blob::MIN_TOKEN_LEN;

/// The most granules that are kept apart: one bit each.
const MAX_GRANULES: u64 = 1 << 25;
/// The bits of the offset within the smallest granule: less than any token takes.
const LEAST_BITS: u32 = 4;

/// The bytes of a container that were read, in granules of a few bytes, or more where there are very many. What covers a granule only in part covers nothing
/// of it.
pub(super) struct Covered {
    bits: Vec<u64>,
    granule_bits: u32,
    len: u64,
    /// What was marked last: neighbours are marked as one.
    run: Range<u64>,
    _reservation: Reservation,
}

impl Covered {
    /// Nothing of a container of `len` bytes.
    pub(super) fn new(len: u64, budget: &Budget) -> io::Result<Self> {
        let mut granule_bits = LEAST_BITS;
        while len >> granule_bits > MAX_GRANULES {
            granule_bits += 1;
        }
        let words = usize::try_from((len >> granule_bits) / 64 + 1).unwrap_or(0);
        let reservation = budget.reserve(8 * words as u64)?;
        Ok(Covered { bits: vec![0; words], granule_bits, len, run: 0..0, _reservation: reservation })
    }

    /// Marks what was read.
    pub(super) fn mark(&mut self, range: Range<u64>) {
        if range.start <= self.run.end && range.end >= self.run.start {
            self.run = self.run.start.min(range.start)..self.run.end.max(range.end);
        } else {
            self.flush();
            self.run = range;
        }
    }

    fn flush(&mut self) {
        let run = std::mem::replace(&mut self.run, 0..0);
        let granule = 1_u64 << self.granule_bits;
        let last =
            if run.end >= self.len { self.len.div_ceil(granule) } else { run.end >> self.granule_bits };
        let mut at = run.start.div_ceil(granule);
        while at < last {
            let word = usize::try_from(at / 64).ok().and_then(|word| self.bits.get_mut(word));
            let Some(word) = word else { return };
            if at.is_multiple_of(64) && last - at >= 64 {
                *word = u64::MAX;
                at += 64;
            } else {
                *word |= 1 << (at % 64);
                at += 1;
            }
        }
    }

    /// The next bytes from `from` on that were not read.
    fn next_gap(&self, from: u64) -> Option<Range<u64>> {
        let granules = self.len.div_ceil(1 << self.granule_bits);
        let find = |mut at: u64, covered: bool| {
            while at < granules {
                let word = usize::try_from(at / 64).ok().and_then(|word| self.bits.get(word)).copied()?;
                let wanted = (if covered { word } else { !word }) >> (at % 64);
                if wanted != 0 {
                    return Some(at + u64::from(wanted.trailing_zeros()));
                }
                at = (at / 64 + 1) * 64;
            }
            None
        };
        let start = find(from.div_ceil(1 << self.granule_bits), false).filter(|at| *at < granules)?;
        let end = find(start, true).unwrap_or(granules).min(granules);
        Some(start << self.granule_bits..(end << self.granule_bits).min(self.len))
    }

    /// Scans all that was not read as it is.
    pub(super) fn scan_gaps(mut self, container: &OpenContainer<'_>, file: &mut RandomAccess<'_>) {
        self.flush();
        let mut from = 0;
        while let Some(gap) = self.next_gap(from) {
            if !container.may_scan() {
                return;
            }
            from = gap.end;
            if gap.end - gap.start < MIN_TOKEN_LEN as u64 {
                continue;
            }
            let region = Region::Raw(gap.start);
            let mut part = Part { file, at: gap.start, end: gap.end };
            container.hand_over(region, Content::pieces(&mut part));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::source::unpack::limits::Limits;
    use crate::source::unpack::semaphore::Semaphore;

    fn gaps(covered: &mut Covered) -> Vec<(u64, u64)> {
        covered.flush();
        let mut gaps = Vec::new();
        while let Some(gap) = covered.next_gap(gaps.last().map_or(0, |(_, end)| *end)) {
            gaps.push((gap.start, gap.end));
        }
        gaps
    }

    #[test]
    fn what_is_not_wholly_covered_is_a_gap() {
        let budget = Budget::new(Limits::default(), &Arc::new(Semaphore::new()));
        let mut covered = Covered::new(100_100, &budget).expect("little");
        assert_eq!(gaps(&mut covered), [(0, 100_100)]);
        covered.mark(1030..2048);
        covered.mark(2048..3000);
        assert_eq!(gaps(&mut covered), [(0, 1040), (2992, 100_100)]);
        covered.mark(40_000..99_840);
        covered.mark(99_840..100_100);
        assert_eq!(gaps(&mut covered), [(0, 1040), (2992, 40_000)]);
        covered.mark(0..50_000);
        assert_eq!(gaps(&mut covered), []);
        let mut covered = Covered::new(1 << 50, &budget).expect("a bit a granule");
        covered.mark(1 << 40..1 << 41);
        assert_eq!(gaps(&mut covered), [(0, 1 << 40), (1 << 41, 1 << 50)]);
        assert_eq!(gaps(&mut Covered::new(0, &budget).expect("nothing")), []);
    }
}
