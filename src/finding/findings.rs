//! Every finding of a run, collected from many threads: each token once, its locations ordered and bounded.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Finding, Location, MAX_LOCATIONS, Sighting};
use crate::blob::Fault;
use crate::token::{Fingerprint, Token};

/// Every finding of a run, collected from many threads. Memory is bounded by the number of distinct tokens.
#[derive(Default)]
pub struct Findings {
    tokens: Mutex<Tokens>,
    faults: Mutex<Vec<Fault>>,
    /// Every location is kept until [`Findings::finish`].
    unbounded: bool,
}

/// The findings in the order in which they came, and where each token is among them. A map of the findings themselves would
/// need twice the room: half of a large one is empty.
#[derive(Default)]
struct Tokens {
    index: HashMap<Fingerprint, usize>,
    findings: Vec<Finding>,
}

impl Tokens {
    fn get_mut(&mut self, fingerprint: &Fingerprint) -> Option<&mut Finding> {
        self.index.get(fingerprint).and_then(|index| self.findings.get_mut(*index))
    }

    fn insert(&mut self, fingerprint: Fingerprint, finding: Finding) {
        self.index.insert(fingerprint, self.findings.len());
        self.findings.push(finding);
    }
}

impl Findings {
    /// Findings that keep every location of a token, for a source that learns only afterwards which of them to report.
    pub fn keeping_all() -> Self {
        Findings { unbounded: true, ..Findings::default() }
    }

    fn findings_mut(&mut self) -> &mut Vec<Finding> {
        &mut self.tokens.get_mut().unwrap_or_else(PoisonError::into_inner).findings
    }

    /// Calls `visit` with every location kept.
    pub fn for_each_location(&mut self, visit: &mut dyn FnMut(&Location)) {
        self.findings_mut().iter().flat_map(|finding| &finding.locations).for_each(visit);
    }

    /// Calls `visit` with every location kept and the fingerprint of the token found there.
    pub fn for_each_location_mut(&mut self, visit: &mut dyn FnMut(Fingerprint, &mut Location)) {
        for finding in self.findings_mut() {
            let fingerprint = finding.token.fingerprint();
            finding.locations.iter_mut().for_each(|location| visit(fingerprint, location));
        }
    }

    /// Replaces the locations of each token, which `choose` gets sorted and without duplicates, by those it returns, in
    /// that order; beside them it returns how many it left out.
    pub fn replace_locations(&mut self, choose: &mut dyn FnMut(Vec<Location>) -> (Vec<Location>, u64)) {
        for finding in self.findings_mut() {
            let mut locations = std::mem::take(&mut finding.locations);
            locations.sort();
            locations.dedup();
            let unsuppressed = positions(&locations, |location| location.suppressed.is_none());
            let (locations, more) = choose(locations);
            // Later versions of a file are the same leak and may be left out. But a suppression in the version that is
            // reported must not hide that the token stands unsuppressed in another one.
            let reported = positions(&locations, |_| true);
            let suppressed = locations.iter().any(|location| location.suppressed.is_some());
            finding.more_unsuppressed |= suppressed && !unsuppressed.is_subset(&reported);
            (finding.locations, finding.more_locations) = (locations, finding.more_locations + more);
        }
    }

    /// Drops the locations for which `keep` is false, and tokens that have no location left.
    pub fn retain(&mut self, keep: &mut dyn FnMut(Fingerprint, &Location) -> bool) {
        let tokens = self.tokens.get_mut().unwrap_or_else(PoisonError::into_inner);
        tokens.findings.retain_mut(|finding| {
            let fingerprint = finding.token.fingerprint();
            finding.locations.retain(|location| keep(fingerprint, location));
            !finding.locations.is_empty()
        });
        let places = tokens.findings.iter().enumerate();
        tokens.index = places.map(|(index, finding)| (finding.token.fingerprint(), index)).collect();
    }

    /// Takes in what another run found, its locations behind those already known.
    pub fn merge(&self, other: Findings) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        for theirs in other.tokens.into_inner().unwrap_or_else(PoisonError::into_inner).findings {
            let fingerprint = theirs.token.fingerprint();
            match tokens.get_mut(&fingerprint) {
                Some(ours) => ours.merge(theirs),
                None => tokens.insert(fingerprint, theirs),
            }
        }
        let faults = other.faults.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).extend(faults);
    }

    /// Adds a token that was found at `location`.
    pub fn add(&self, sighting: Sighting<'_>, location: Location) {
        let fingerprint = Fingerprint::of(sighting.text);
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(finding) = tokens.get_mut(&fingerprint) else {
            let finding = Finding {
                rule: Arc::clone(sighting.rule),
                token: Token::new(sighting.kind, sighting.text),
                confidence: sighting.confidence,
                reason: sighting.reason,
                owner_id: sighting.owner_id,
                suppressed: None,
                revocation: None,
                locations: vec![location],
                more_locations: 0,
                more_unsuppressed: false,
            };
            return tokens.insert(fingerprint, finding);
        };
        finding.merge_sighting(&sighting);
        if self.unbounded {
            finding.locations.push(location);
        } else {
            insert(finding, location);
        }
    }

    /// Adds what could not be read.
    pub fn fault(&self, fault: Fault) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    /// The findings in report order (surest first, then by location), and the faults by path.
    pub fn finish(self) -> (Vec<Finding>, Vec<Fault>) {
        let Tokens { index, mut findings } = self.tokens.into_inner().unwrap_or_else(PoisonError::into_inner);
        drop(index);
        for finding in &mut findings {
            // Only now: what suppresses a token in a history is known once commits and paths are, and a location that is
            // not kept may be unsuppressed.
            finding.truncate_locations();
            finding.decide_suppression();
        }
        // In place: a stable sort would need half of the room again, and no two of them are equal.
        findings.sort_unstable_by(|a, b| {
            (b.confidence.cmp(&a.confidence))
                .then_with(|| a.locations.cmp(&b.locations))
                .then_with(|| a.token.fingerprint().cmp(&b.token.fingerprint()))
        });
        let mut faults = self.faults.into_inner().unwrap_or_else(PoisonError::into_inner);
        faults.sort();
        (findings, faults)
    }
}

/// The git object of each location for which `wanted` is true, and the offset in it.
fn positions(locations: &[Location], wanted: impl Fn(&Location) -> bool) -> HashSet<(Option<String>, u64)> {
    locations
        .iter()
        .filter(|location| wanted(location))
        .map(|location| (location.object.clone(), location.offset))
        .collect()
}

/// Keeps the first [`MAX_LOCATIONS`] locations in report order, so that the choice does not depend on threads.
/// A location that is already there (two windows contain it) is not counted twice.
fn insert(finding: &mut Finding, location: Location) {
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
        finding.more_unsuppressed |= dropped.suppressed.is_none();
    }
}
