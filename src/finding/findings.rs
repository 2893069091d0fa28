//! Every finding of a run, collected from many threads: each token once, its locations ordered and bounded.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use smallvec::SmallVec;

use super::by_token::{ByToken, MAX_LOOKALIKES};
use super::{Finding, Location, Sighting};
use crate::blob::{Fault, FaultKind};
use crate::token::Fingerprint;

/// Every finding of a run, collected from many threads. Memory is bounded by the number of distinct tokens.
#[derive(Default)]
pub struct Findings {
    by_token: Mutex<ByToken>,
    faults: Mutex<Vec<Fault>>,
    /// Every location is kept until [`Findings::finish`].
    unbounded: bool,
}

impl Findings {
    /// Findings that keep every location of a token, for a source that learns only afterwards which of them to report.
    pub fn keeping_all() -> Self {
        Findings { unbounded: true, ..Findings::default() }
    }

    /// Calls `visit` with every location kept.
    pub fn for_each_location(&mut self, visit: &mut dyn FnMut(&Location)) {
        self.by_token().findings.iter().flat_map(|finding| &finding.locations).for_each(visit);
    }

    /// Calls `visit` with every location kept and the fingerprint of the token found there.
    pub fn for_each_location_mut(&mut self, visit: &mut dyn FnMut(Fingerprint, &mut Location)) {
        for finding in &mut self.by_token().findings {
            let fingerprint = finding.token.fingerprint();
            finding.locations.iter_mut().for_each(|location| visit(fingerprint, location));
        }
    }

    /// Replaces the locations of each token, which `choose` gets sorted and without duplicates, by those it returns, in
    /// that order; beside them it returns how many it left out.
    pub fn replace_locations(
        &mut self,
        choose: &mut dyn FnMut(Fingerprint, Vec<Location>) -> (Vec<Location>, u64),
    ) {
        for finding in &mut self.by_token().findings {
            let fingerprint = finding.token.fingerprint();
            let mut locations = std::mem::take(&mut finding.locations).into_vec();
            locations.sort();
            locations.dedup();
            let unsuppressed = positions(&locations, |location| location.details().suppressed.is_none());
            let (locations, more) = choose(fingerprint, locations);
            // Later versions of a file are the same leak and may be left out. But a suppression in the version that is
            // reported must not hide that the token stands unsuppressed in another one.
            let reported = positions(&locations, |_| true);
            let suppressed = locations.iter().any(|location| location.details().suppressed.is_some());
            finding.more_unsuppressed |= suppressed && !unsuppressed.is_subset(&reported);
            (finding.locations, finding.more_locations) =
                (SmallVec::from_vec(locations), finding.more_locations.saturating_add(more));
        }
    }

    /// Drops the locations for which `keep` is false, and tokens that have no location left.
    pub fn retain(&mut self, keep: &mut dyn FnMut(Fingerprint, &Location) -> bool) {
        self.by_token().retain(|finding| {
            let fingerprint = finding.token.fingerprint();
            finding.locations.retain(|location| keep(fingerprint, location));
            !finding.locations.is_empty()
        });
    }

    /// Takes in what another run found, its locations behind those already known.
    pub fn merge(&self, other: Findings) {
        let theirs = other.by_token.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut by_token = self.lock();
        by_token.dropped += theirs.dropped;
        theirs.findings.into_iter().for_each(|finding| by_token.merge(finding));
        drop(by_token);
        let faults = other.faults.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).extend(faults);
    }

    /// Takes in what was found in one source while others are still read: locations in the order of reports.
    pub fn take_in(&self, other: Findings) {
        let theirs = other.by_token.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut by_token = self.lock();
        by_token.dropped += theirs.dropped;
        theirs.findings.into_iter().for_each(|finding| by_token.take_in(finding, self.unbounded));
        drop(by_token);
        let faults = other.faults.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).extend(faults);
    }

    /// Adds a finding that a report tells of, its locations behind those already known.
    pub fn add_finding(&self, finding: Finding) {
        self.lock().merge(finding);
    }

    /// Adds a finding of one of many sources that come in no order: its locations in the order of reports.
    pub fn take_in_finding(&self, finding: Finding) {
        self.lock().take_in(finding, self.unbounded);
    }

    /// Adds a token that was found at `location`.
    pub fn add(&self, sighting: Sighting<'_>, location: Location) {
        let fingerprint = Fingerprint::of(sighting.text);
        self.lock().add(fingerprint, sighting, location, self.unbounded);
    }

    fn lock(&self) -> MutexGuard<'_, ByToken> {
        self.by_token.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn by_token(&mut self) -> &mut ByToken {
        self.by_token.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what could not be read.
    pub fn fault(&self, fault: Fault) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    /// Replaces each fault by those that `replace` makes of it.
    pub fn replace_faults(&mut self, replace: &mut dyn FnMut(Fault) -> Vec<Fault>) {
        let faults = self.faults.get_mut().unwrap_or_else(PoisonError::into_inner);
        *faults = std::mem::take(faults).into_iter().flat_map(replace).collect();
    }

    /// The findings in report order (surest first, then by location), and the faults by path.
    pub fn finish(self) -> (Vec<Finding>, Vec<Fault>) {
        let ByToken { mut findings, dropped, .. } =
            self.by_token.into_inner().unwrap_or_else(PoisonError::into_inner);
        for finding in &mut findings {
            // Only now: what suppresses a token in a history is known once commits and paths are, and a location that is
            // not kept may be unsuppressed.
            finding.truncate_locations();
            finding.decide_suppression();
        }
        // No two have the same token, so that the order is total; a stable sort would need memory of its own.
        findings.sort_unstable_by(|a, b| {
            (b.confidence.cmp(&a.confidence))
                .then_with(|| a.locations.cmp(&b.locations))
                .then_with(|| a.token.fingerprint().cmp(&b.token.fingerprint()))
        });
        let mut faults = self.faults.into_inner().unwrap_or_else(PoisonError::into_inner);
        if dropped > 0 {
            let reason = format!("{dropped} more lookalikes were seen: {MAX_LOOKALIKES} are kept");
            faults.push(Fault { path: "lookalikes".to_owned(), kind: FaultKind::PassedOver, reason });
        }
        faults.sort();
        (findings, faults)
    }
}

/// The git object of each location for which `wanted` is true, and the offset in it.
fn positions(locations: &[Location], wanted: impl Fn(&Location) -> bool) -> HashSet<(Option<String>, u64)> {
    locations
        .iter()
        .filter(|location| wanted(location))
        .map(|location| (location.details().object.clone(), location.offset))
        .collect()
}
