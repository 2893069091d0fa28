//! Every finding of a run, gathered from many threads: each token once, its places ordered and bounded.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Finding, LOCATIONS_KEPT, Location, Sighting};
use crate::blob::Fault;
use crate::token::{Fingerprint, Token};

/// Every finding of a run, gathered from many threads. Memory is bounded by the number of distinct tokens.
#[derive(Default)]
pub struct Findings {
    found: Mutex<HashMap<Fingerprint, Finding>>,
    faults: Mutex<Vec<Fault>>,
    /// Every place is kept until [`Findings::finish`].
    unbounded: bool,
}

impl Findings {
    /// Findings that keep every place of a token, for a source that learns only afterwards which of them to tell.
    pub fn keeping_all() -> Self {
        Findings { unbounded: true, ..Findings::default() }
    }

    /// Shows every place kept.
    pub fn each_location(&mut self, see: &mut dyn FnMut(&Location)) {
        let found = self.found.get_mut().unwrap_or_else(PoisonError::into_inner);
        found.values().flat_map(|finding| &finding.locations).for_each(see);
    }

    /// Lets `see` change every place kept, and tells it whose it is.
    pub fn review(&mut self, see: &mut dyn FnMut(Fingerprint, &mut Location)) {
        let found = self.found.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (fingerprint, finding) in found {
            finding.locations.iter_mut().for_each(|place| see(*fingerprint, place));
        }
    }

    /// Lets `choose` name the places of each token anew, and say how many it left out. Its order is kept.
    pub fn relocate(&mut self, choose: &mut dyn FnMut(Vec<Location>) -> (Vec<Location>, u64)) {
        let found = self.found.get_mut().unwrap_or_else(PoisonError::into_inner);
        for finding in found.values_mut() {
            let mut locations = std::mem::take(&mut finding.locations);
            locations.sort();
            locations.dedup();
            let live = spots(&locations, |place| place.suppressed.is_none());
            let (locations, more) = choose(locations);
            // A later version of a file is the same leak, unless only the one that is told says it is none.
            let told = spots(&locations, |_| true);
            let silenced = locations.iter().any(|place| place.suppressed.is_some());
            finding.more_live |= silenced && !live.is_subset(&told);
            (finding.locations, finding.more_locations) = (locations, finding.more_locations + more);
        }
    }

    /// Drops the places that `keep` says no to, and tokens that have no place left.
    pub fn retain(&mut self, keep: &mut dyn FnMut(Fingerprint, &Location) -> bool) {
        let found = self.found.get_mut().unwrap_or_else(PoisonError::into_inner);
        found.retain(|fingerprint, finding| {
            finding.locations.retain(|location| keep(*fingerprint, location));
            !finding.locations.is_empty()
        });
    }

    /// Takes in what another run found, its places behind those already known.
    pub fn absorb(&self, other: Findings) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        for (fingerprint, theirs) in other.found.into_inner().unwrap_or_else(PoisonError::into_inner) {
            match found.entry(fingerprint) {
                Entry::Occupied(mut entry) => entry.get_mut().absorb(theirs),
                Entry::Vacant(entry) => {
                    entry.insert(theirs);
                }
            }
        }
        let faults = other.faults.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).extend(faults);
    }

    /// Notes that a token stood in a place.
    pub fn add(&self, seen: Sighting<'_>, location: Location) {
        let fingerprint = Fingerprint::of(seen.text);
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        match found.entry(fingerprint) {
            Entry::Occupied(mut entry) => {
                let finding = entry.get_mut();
                finding.learn(&seen);
                if self.unbounded {
                    finding.locations.push(location);
                } else {
                    keep(finding, location);
                }
            }
            Entry::Vacant(entry) => {
                entry.insert(Finding {
                    rule: Arc::clone(seen.rule),
                    token: Token::new(seen.kind, seen.text),
                    confidence: seen.confidence,
                    reason: seen.reason,
                    owner_id: seen.owner_id,
                    suppressed: None,
                    revocation: None,
                    locations: vec![location],
                    more_locations: 0,
                    more_live: false,
                });
            }
        }
    }

    /// Notes a place that could not be read.
    pub fn fault(&self, fault: Fault) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    /// The findings in report order (surest first, then by place), and the faults by path.
    pub fn finish(self) -> (Vec<Finding>, Vec<Fault>) {
        let found = self.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut findings: Vec<Finding> = found.into_values().collect();
        for finding in &mut findings {
            // Only now: what silences a history's places is known when those are, and one that is not kept may be live.
            finding.cut();
            finding.settle();
        }
        findings.sort_by(|a, b| {
            (b.confidence.cmp(&a.confidence))
                .then_with(|| a.locations.cmp(&b.locations))
                .then_with(|| a.token.fingerprint().cmp(&b.token.fingerprint()))
        });
        let mut faults = self.faults.into_inner().unwrap_or_else(PoisonError::into_inner);
        faults.sort();
        (findings, faults)
    }
}

/// The objects, and offsets in them, of the places that `wanted` says yes to.
fn spots(places: &[Location], wanted: impl Fn(&Location) -> bool) -> HashSet<(Option<String>, u64)> {
    places.iter().filter(|place| wanted(place)).map(|place| (place.object.clone(), place.offset)).collect()
}

/// Keeps the first [`LOCATIONS_KEPT`] places in report order, so that the choice does not depend on threads.
/// A place that is already there (two windows saw it) is not counted twice.
fn keep(finding: &mut Finding, location: Location) {
    let locations = &mut finding.locations;
    let Err(at) = locations.binary_search(&location) else { return };
    let dropped = if at == LOCATIONS_KEPT {
        Some(location)
    } else {
        locations.insert(at, location);
        if locations.len() > LOCATIONS_KEPT { locations.pop() } else { None }
    };
    if let Some(dropped) = dropped {
        finding.more_locations += 1;
        finding.more_live |= dropped.suppressed.is_none();
    }
}
