//! What several reports have looked at, as one: each repository once.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::BadMerge;
use crate::coverage::{Coverage, CoverageRow, NotAsked};

/// The coverage of reports that are made one.
#[derive(Default)]
pub(super) struct JoinedCoverage {
    /// By repository, and the report that tells of it.
    rows: BTreeMap<String, (CoverageRow, String)>,
    /// By what it is, and what asks for it.
    not_asked: BTreeMap<(String, String), Option<u64>>,
    is_told: bool,
}

impl JoinedCoverage {
    /// Adds what the report of this name tells.
    pub(super) fn add(
        &mut self,
        (name, of_shard): (&str, bool),
        coverage: Option<Coverage>,
    ) -> Result<(), BadMerge> {
        let Some(Coverage { rows, not_asked }) = coverage else { return Ok(()) };
        self.is_told = true;
        for row in rows {
            match self.rows.entry(row.repository.clone()) {
                Entry::Vacant(place) => {
                    place.insert((row, name.to_owned()));
                }
                Entry::Occupied(known) if known.get().0 == row && row.surfaces.is_empty() => {}
                Entry::Occupied(mut known) if of_shard && is_shared(&known.get().0, &row) => {
                    known.get_mut().0.merge(row);
                }
                Entry::Occupied(known) if known.get().0 == row => {}
                Entry::Occupied(known) => {
                    let (repository, first) = (row.repository, known.get().1.clone());
                    return Err(BadMerge::Repository { repository, first, second: name.to_owned() });
                }
            }
        }
        for NotAsked { what, count, flag } in not_asked {
            let known = self.not_asked.entry((what, flag)).or_default();
            *known = match (*known, count) {
                (Some(ours), Some(theirs)) => Some(ours.saturating_add(theirs)),
                (ours, theirs) => ours.or(theirs),
            };
        }
        Ok(())
    }

    /// All of it, by repository; none where no report tells of any.
    pub(super) fn finish(self) -> Option<Coverage> {
        let not_asked = self.not_asked.into_iter();
        let not_asked = not_asked.map(|((what, flag), count)| NotAsked { what, count, flag });
        let rows = self.rows.into_values().map(|(row, _)| row);
        self.is_told.then(|| Coverage { rows: rows.collect(), not_asked: not_asked.collect() })
    }
}

/// Whether two shards may both tell of this: each of them lists all that is asked for, and an organization's alerts, and takes
/// its own; a repository is looked at by one of them.
fn is_shared(one: &CoverageRow, other: &CoverageRow) -> bool {
    one.objects == 0 || other.objects == 0
}
