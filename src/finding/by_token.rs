//! Findings by their token: the findings lie side by side, and a table of their positions finds one by its fingerprint. A
//! map that held them would have up to twice their size, and at the end they would be in memory a second time.

use std::sync::Arc;

use hashbrown::HashTable;
use smallvec::smallvec;

use super::{Confidence, Finding, Location, MAX_LOCATIONS, Sighting};
use crate::token::{Fingerprint, Token};

/// How many lookalikes are kept: a file may hold millions, and nobody reads so many.
pub(super) const MAX_LOOKALIKES: usize = 50_000;

/// Each token once.
#[derive(Default)]
pub(super) struct ByToken {
    pub(super) findings: Vec<Finding>,
    /// Positions in `findings`.
    table: HashTable<usize>,
    /// How many of the findings are lookalikes, and how many more there were.
    lookalikes: usize,
    pub(super) dropped: u64,
    /// The path of the location added last, which that of the next is likely to be.
    last_path: Option<Arc<str>>,
}

impl ByToken {
    /// Adds a token that was found at `location`; `unbounded` keeps any number of them.
    pub(super) fn add(
        &mut self,
        fingerprint: Fingerprint,
        sighting: Sighting<'_>,
        mut location: Location,
        unbounded: bool,
    ) {
        self.share_path(&mut location);
        let Some(finding) = self.get_mut(&fingerprint) else {
            if sighting.confidence == Confidence::Lookalike {
                if self.lookalikes >= MAX_LOOKALIKES {
                    self.dropped += 1;
                    return;
                }
                self.lookalikes += 1;
            }
            self.insert(Finding {
                rule: Arc::clone(sighting.rule),
                token: Token::new(sighting.kind, sighting.text),
                confidence: sighting.confidence,
                reason: sighting.reason,
                owner_id: sighting.owner_id,
                owner_login: None,
                suppressed: None,
                revocation: None,
                locations: smallvec![location],
                more_locations: 0,
                more_unsuppressed: false,
            });
            return;
        };
        finding.merge_sighting(&sighting);
        add_location(finding, location, unbounded);
    }

    /// Takes in what another run found.
    pub(super) fn merge(&mut self, theirs: Finding) {
        match self.get_mut(&theirs.token.fingerprint()) {
            Some(ours) => ours.merge(theirs),
            None => self.insert(theirs),
        }
    }

    /// The same while more is found: each location is put in its place.
    pub(super) fn take_in(&mut self, mut theirs: Finding, unbounded: bool) {
        let mut locations = std::mem::take(&mut theirs.locations).into_iter();
        if self.get_mut(&theirs.token.fingerprint()).is_none() {
            theirs.locations.extend(locations.next());
            let fingerprint = theirs.token.fingerprint();
            self.insert(theirs);
            let Some(ours) = self.get_mut(&fingerprint) else { return };
            return locations.for_each(|location| add_location(ours, location, unbounded));
        }
        let Some(ours) = self.get_mut(&theirs.token.fingerprint()) else { return };
        locations.for_each(|location| add_location(ours, location, unbounded));
        ours.merge(theirs);
    }

    /// Drops the findings for which `keep` is false.
    pub(super) fn retain(&mut self, keep: impl FnMut(&mut Finding) -> bool) {
        self.findings.retain_mut(keep);
        self.table.clear();
        for position in 0..self.findings.len() {
            self.note(position);
        }
    }

    fn get_mut(&mut self, fingerprint: &Fingerprint) -> Option<&mut Finding> {
        let is_it = |position: &usize| {
            self.findings.get(*position).is_some_and(|finding| finding.token.fingerprint() == *fingerprint)
        };
        let position = *self.table.find(hash(fingerprint), is_it)?;
        self.findings.get_mut(position)
    }

    /// Adds a finding whose token is not there yet.
    fn insert(&mut self, finding: Finding) {
        self.findings.push(finding);
        self.note(self.findings.len() - 1);
    }

    /// Puts the position of a finding into the table.
    fn note(&mut self, position: usize) {
        let ByToken { findings, table, .. } = self;
        let hash_at = |position: &usize| {
            findings.get(*position).map_or(0, |finding| hash(&finding.token.fingerprint()))
        };
        table.insert_unique(hash_at(&position), position, hash_at);
    }

    /// A million tokens in one file need its path once.
    fn share_path(&mut self, location: &mut Location) {
        match &self.last_path {
            Some(last) if *last == location.path => location.path = Arc::clone(last),
            _ => self.last_path = Some(Arc::clone(&location.path)),
        }
    }
}

/// A fingerprint is as random as any hash of it.
fn hash(fingerprint: &Fingerprint) -> u64 {
    fingerprint.0.first_chunk().map_or(0, |start| u64::from_be_bytes(*start))
}

fn add_location(finding: &mut Finding, location: Location, unbounded: bool) {
    if unbounded {
        finding.locations.push(location);
    } else {
        insert_location(finding, location);
    }
}

/// Keeps the first [`MAX_LOCATIONS`] locations in report order, so that the choice does not depend on threads.
/// A location that is already there (two windows contain it) is not counted twice.
fn insert_location(finding: &mut Finding, location: Location) {
    let locations = &mut finding.locations;
    let Err(index) = locations.binary_search(&location) else { return };
    let dropped = if index == MAX_LOCATIONS {
        Some(location)
    } else {
        locations.insert(index, location);
        if locations.len() > MAX_LOCATIONS { locations.pop() } else { None }
    };
    if let Some(dropped) = dropped {
        finding.more_locations += 1;
        finding.more_unsuppressed |= dropped.details().suppressed.is_none();
    }
}
