//! A finding is a token, a location is a place it stood in. [`Findings`] gathers both from many threads:
//! each token once, its places ordered and bounded, whatever order the threads came in.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::blob::{Fault, Origin, PlaceKind};
use crate::token::{Fingerprint, Kind, Token};

/// How many places of one token are kept; the rest is counted.
pub const LOCATIONS_KEPT: usize = 100;

/// How sure we are that a finding is a token. Ordered: a greater one is surer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A classic shape whose checksum or length is wrong: a placeholder.
    Lookalike,
    /// The right shape, with no checksum that could prove it.
    Likely,
    /// The checksum holds.
    Certain,
}

impl Confidence {
    /// The word reports use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Confidence::Lookalike => "lookalike",
            Confidence::Likely => "likely",
            Confidence::Certain => "certain",
        }
    }
}

/// What silenced a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Suppression {
    /// Known from a baseline.
    Baseline,
    /// Listed in `.stanchignore`.
    IgnoreFile,
    /// A comment on the same line allows it.
    AllowComment,
    /// An allowlist of the configuration names it.
    Allowlist,
}

/// Who put a silencer where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Whence {
    /// Whoever runs the program: a baseline they named, their own configuration.
    User,
    /// The scanned tree itself: its ignore file, its configuration, a comment in it. An attacker may have written that.
    Tree,
}

/// What silences a token in a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Silence {
    /// What kind of silencer.
    pub by: Suppression,
    /// Whose it is.
    pub from: Whence,
    /// Which one, in words: a glob, a comment, an allowlist's description. Never a token.
    pub what: Arc<str>,
}

/// All that may decide whether a token is silenced where it stands.
pub struct Scene<'a> {
    /// The token.
    pub token: &'a [u8],
    /// The line it stands on, as far as it matters.
    pub line: &'a [u8],
    /// The place.
    pub place: &'a Location,
}

/// Decides which findings are silenced. Asked for hits only, from many threads.
pub trait Silencer: Sync {
    /// What silences the token in this place, if anything does.
    fn silence(&self, scene: &Scene<'_>) -> Option<Silence>;
}

/// One place a token stood in.
///
/// The order (path, kind, commit, object, offset) is the order of reports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Relative to the scanned root, tokens in it redacted.
    pub path: String,
    /// What part of the place.
    pub kind: PlaceKind,
    /// The commit that introduced it.
    pub commit: Option<String>,
    /// The git object it stands in.
    pub object: Option<String>,
    /// Byte offset of the token, or of the encoded text.
    pub offset: u64,
    /// From 1.
    pub line: u64,
    /// From 1, in bytes.
    pub column: u64,
    /// The encodings peeled off, outermost first.
    pub decoded: Vec<&'static str>,
    /// The commit's author.
    pub author: Option<String>,
    /// The commit's date, RFC 3339.
    pub date: Option<String>,
    /// The scanned root, where a run has more than one.
    pub root: Option<String>,
    /// What silences the token here, and only here.
    pub suppressed: Option<Silence>,
}

impl Location {
    /// A place within a blob; `offset`, `line` and `column` are the token's own.
    pub fn new(origin: Origin, offset: u64, line: u64, column: u64, decoded: Vec<&'static str>) -> Self {
        Location {
            path: origin.path,
            kind: origin.kind,
            commit: origin.commit,
            object: origin.object,
            offset: offset + origin.base,
            line,
            column: if line == 1 { column + origin.base } else { column },
            decoded,
            author: origin.author,
            date: origin.date,
            root: origin.root,
            suppressed: None,
        }
    }
}

/// What became of a token that was to be revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Revocation {
    /// `queued`, `sent`, `accepted`, `confirmed`, `dead`, `refused`, `unsupported`, `own` or `held`.
    pub state: String,
    /// When it came to be so, RFC 3339.
    pub at: String,
    /// GitHub's id of the request, where there was one.
    pub request_id: Option<String>,
}

/// A token, and where it was found.
#[derive(Debug)]
pub struct Finding {
    /// The id of the rule that found it.
    pub rule: Arc<str>,
    /// The token.
    pub token: Token,
    /// How sure we are.
    pub confidence: Confidence,
    /// Why it is no more than that, in words; empty where it is certain.
    pub reason: &'static str,
    /// The numeric user id of the owner, which fine-grained tokens tell.
    pub owner_id: Option<u32>,
    /// What silenced it everywhere it stands.
    pub suppressed: Option<Silence>,
    /// What became of it in a revoking run.
    pub revocation: Option<Revocation>,
    /// At most [`LOCATIONS_KEPT`] places, the first in report order.
    pub locations: Vec<Location>,
    /// How many more places there are.
    pub more_locations: u64,
    /// Whether nothing silences the token in one of those.
    pub more_live: bool,
}

impl Finding {
    /// Settles whether the finding is silenced: it is when it is so in every place, those that are not kept included.
    ///
    /// Where both somebody's own silencer and one of the scanned tree were needed for that, the tree's is named.
    pub fn settle(&mut self) {
        let silences = || self.locations.iter().map(|place| place.suppressed.as_ref());
        self.suppressed = if self.more_live || silences().any(|silence| silence.is_none()) {
            None
        } else {
            let of_tree = silences().flatten().find(|silence| silence.from == Whence::Tree);
            of_tree.or_else(|| silences().flatten().next()).cloned()
        };
    }

    /// Whether GitHub offers a way to end this token, by itself or in a batch.
    pub fn revocable(&self) -> bool {
        self.token.kind() != Kind::Other && self.confidence > Confidence::Lookalike
    }

    /// Takes what another sighting of the same token knows better.
    fn learn(&mut self, seen: &Sighting<'_>) {
        // A rule of the scanned tree's own that matches a GitHub token must not make it unrevocable.
        if self.token.kind() == Kind::Other && seen.kind != Kind::Other {
            self.rule = Arc::clone(seen.rule);
            self.token = Token::new(seen.kind, seen.text);
            (self.confidence, self.reason, self.owner_id) = (seen.confidence, seen.reason, seen.owner_id);
        } else if seen.confidence > self.confidence {
            (self.confidence, self.reason) = (seen.confidence, seen.reason);
        }
    }

    /// Counts the places beyond [`LOCATIONS_KEPT`] instead of keeping them.
    fn cut(&mut self) {
        let dropped = self.locations.get(LOCATIONS_KEPT..).unwrap_or_default();
        self.more_locations += dropped.len() as u64;
        self.more_live |= dropped.iter().any(|place| place.suppressed.is_none());
        self.locations.truncate(LOCATIONS_KEPT);
    }

    fn absorb(&mut self, mut theirs: Finding) {
        self.more_live |= theirs.more_live;
        if self.token.kind() == Kind::Other && theirs.token.kind() != Kind::Other {
            std::mem::swap(&mut self.rule, &mut theirs.rule);
            std::mem::swap(&mut self.token, &mut theirs.token);
            (self.confidence, self.reason, self.owner_id) =
                (theirs.confidence, theirs.reason, theirs.owner_id);
        }
        if theirs.confidence > self.confidence {
            (self.confidence, self.reason) = (theirs.confidence, theirs.reason);
        }
        self.locations.extend(theirs.locations);
        self.more_locations += theirs.more_locations;
    }

    /// Whether it counts: not a lookalike, and not suppressed.
    pub fn counts(&self) -> bool {
        self.confidence > Confidence::Lookalike && self.suppressed.is_none()
    }
}

/// What the detector says of one token it came upon; the text is copied only when it is new.
#[derive(Clone, Copy)]
pub struct Sighting<'a> {
    /// The token's text.
    pub text: &'a [u8],
    /// The rule that found it.
    pub rule: &'a Arc<str>,
    /// What kind of token that rule finds.
    pub kind: Kind,
    /// How sure we are.
    pub confidence: Confidence,
    /// Why no more than that.
    pub reason: &'static str,
    /// The owner's numeric id.
    pub owner_id: Option<u32>,
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(findings: &Findings, rule: &Arc<str>, path: &str, offset: u64) {
        findings.add(seen(rule, Kind::Pat), place(path, offset));
    }

    fn seen(rule: &Arc<str>, kind: Kind) -> Sighting<'_> {
        let text = b"ghp_placeholder";
        Sighting { text, rule, kind, confidence: Confidence::Likely, reason: "", owner_id: None }
    }

    fn place(path: &str, offset: u64) -> Location {
        Location::new(Origin::file(path), offset, 1, offset + 1, Vec::new())
    }

    fn silenced(path: &str, offset: u64, from: Whence) -> Location {
        let silence = Silence { by: Suppression::Allowlist, from, what: Arc::from("") };
        Location { suppressed: Some(silence), ..place(path, offset) }
    }

    #[test]
    fn one_live_place_keeps_a_token_live_even_when_it_is_not_kept() {
        let rule = Arc::from("github-pat");
        for live in [0, 50, 150, 249] {
            let findings = Findings::default();
            for offset in 0..250 {
                let place =
                    if offset == live { place("a", offset) } else { silenced("a", offset, Whence::User) };
                findings.add(seen(&rule, Kind::Pat), place);
            }
            assert_eq!(findings.finish().0[0].suppressed, None, "live at {live}");
        }
        let findings = Findings::default();
        for offset in (0..250).rev() {
            let from = if offset == 70 { Whence::Tree } else { Whence::User };
            findings.add(seen(&rule, Kind::Pat), silenced("a", offset, from));
        }
        let silence = findings.finish().0.remove(0).suppressed;
        assert_eq!(silence.map(|silence| silence.from), Some(Whence::Tree));
    }

    #[test]
    fn a_version_left_out_keeps_a_token_live_when_the_one_told_is_silenced() {
        let rule = Arc::from("github-pat");
        let version = |object: &str, place: Location| Location { object: Some(object.to_owned()), ..place };
        for (first, other, suppressed) in [
            (silenced("", 0, Whence::Tree), silenced("", 0, Whence::Tree), true),
            (silenced("", 0, Whence::Tree), place("", 0), false),
        ] {
            let mut findings = Findings::keeping_all();
            findings.add(seen(&rule, Kind::Pat), version("1", first));
            findings.add(seen(&rule, Kind::Pat), version("2", other));
            findings.relocate(&mut |mut places| {
                places.retain(|place| place.object.as_deref() == Some("1"));
                (places, 1)
            });
            assert_eq!(findings.finish().0[0].suppressed.is_some(), suppressed);
        }
    }

    #[test]
    fn a_rule_of_ones_own_does_not_take_a_github_token_away() {
        let (own, built_in) = (Arc::from("mine"), Arc::from("github-pat"));
        for order in
            [[(&own, Kind::Other), (&built_in, Kind::Pat)], [(&built_in, Kind::Pat), (&own, Kind::Other)]]
        {
            let findings = Findings::default();
            for (rule, kind) in order {
                findings.add(seen(rule, kind), place("a", 0));
            }
            let found = findings.finish().0.remove(0);
            assert_eq!((&*found.rule, found.token.kind()), ("github-pat", Kind::Pat));
        }
    }

    #[test]
    fn one_finding_a_token_and_a_hundred_places() {
        let rule = Arc::from("github-pat");
        let (forwards, backwards) = (Findings::default(), Findings::default());
        for offset in 0..250 {
            sight(&forwards, &rule, "a", offset);
            sight(&backwards, &rule, "a", 249 - offset);
        }
        for findings in [forwards, backwards] {
            let (found, _) = findings.finish();
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].locations.len(), LOCATIONS_KEPT);
            assert_eq!(found[0].locations.last().map(|place| place.offset), Some(99));
            assert_eq!(found[0].more_locations, 150);
        }
    }

    #[test]
    fn the_same_place_counts_once() {
        let rule = Arc::from("github-pat");
        let findings = Findings::default();
        sight(&findings, &rule, "a", 7);
        sight(&findings, &rule, "a", 7);
        let (found, _) = findings.finish();
        assert_eq!((found[0].locations.len(), found[0].more_locations), (1, 0));
    }
}
