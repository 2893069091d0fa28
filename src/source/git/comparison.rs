//! What was found in a change, compared with what the files held before it: what was there is not added.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use gix::ObjectId;

use super::change::Change;
use super::repo::Repo;
use super::tree_diff::{Added, Place};
use crate::blob::{LocationKind, Origin, Sink};
use crate::finding::{Findings, Location, MAX_LOCATIONS};
use crate::text::{path_text, redacted};
use crate::token::Fingerprint;

/// Calls its second argument once with a sink that puts what it finds into the first.
///
/// The files as they were before a change are scanned with it, and only if the change has a finding: whoever makes the
/// sink keeps what it reads out of the counts of the run.
pub type Rescan<'a> = dyn Fn(&Findings, &mut dyn FnMut(&dyn Sink)) + 'a;

/// Calls its second argument with each change of a commit; without a commit, with those that belong to none.
pub(super) type Changes<'a> = dyn Fn(Option<&str>, &mut dyn FnMut(&Change)) + 'a;

/// Removes from `findings` the locations of tokens that were there before the changes, and keeps what the changes add:
/// under every path, as far as there are not too many to be listed.
pub(super) fn retain_added(repo: &Repo, findings: &mut Findings, rescan: &Rescan<'_>, changes: &Changes<'_>) {
    let mut found: HashMap<Option<String>, HashSet<String>> = HashMap::new();
    findings.for_each_location(&mut |location| {
        if let Some(object) = blob_of(location) {
            found.entry(location.details().commit.clone()).or_default().insert(object.to_owned());
        }
    });
    let mut comparisons: HashMap<Option<String>, Comparison> = HashMap::new();
    for (commit, objects) in found {
        let mut comparison = Comparison::default();
        changes(commit.as_deref(), &mut |change| comparison.compare(repo, change, &objects, rescan));
        comparisons.insert(commit, comparison);
    }
    let additions = |fingerprint: Fingerprint, location: &Location| {
        let object = blob_of(location)?;
        comparisons.get(&location.details().commit)?.additions(fingerprint, object)
    };
    findings.retain(&mut |fingerprint, location| {
        additions(fingerprint, location).is_none_or(|places| !places.is_empty())
    });
    findings.replace_locations(&mut |fingerprint, locations| {
        let (mut kept, mut more) = (Vec::new(), 0_u64);
        for location in locations {
            let Some(places) = additions(fingerprint, &location) else {
                kept.push(location);
                continue;
            };
            for place in places {
                more = more.saturating_add(place.more);
                for path in &place.paths {
                    if kept.len() < MAX_LOCATIONS {
                        kept.push(place.locate(path.as_deref(), &location));
                    } else {
                        more = more.saturating_add(1);
                    }
                }
            }
        }
        (kept, more)
    });
}

/// The blob that a location is in.
pub(super) fn blob_of(location: &Location) -> Option<&str> {
    let is_content = matches!(location.kind, LocationKind::Content | LocationKind::SymlinkTarget);
    location.details().object.as_deref().filter(|_| is_content)
}

/// Tokens by their fingerprints.
type Tokens = Arc<HashSet<Fingerprint>>;

/// What the files of a change held before it.
#[derive(Default)]
struct Comparison {
    /// For each blob with a finding, where the change adds it.
    places: HashMap<String, Vec<AddedPlace>>,
    /// What was in files that are gone: it may have moved.
    removed: HashSet<Fingerprint>,
}

/// A place where a change adds a blob.
struct AddedPlace {
    /// The paths that are listed; none where the location has the only one already.
    paths: Vec<Option<String>>,
    /// How many more there are.
    more: u64,
    link: bool,
    /// What was in this file before.
    before: Vec<Tokens>,
}

impl AddedPlace {
    /// A location of the blob, under this path.
    fn locate(&self, path: Option<&str>, location: &Location) -> Location {
        let mut location = location.clone();
        if let Some(path) = path {
            // What is there already is the path within a container.
            location.path = format!("{path}{}", location.path).into();
            location.kind = if self.link { LocationKind::SymlinkTarget } else { LocationKind::Content };
        }
        location
    }
}

impl Comparison {
    /// The places where a token in a blob is new; none where the blob belongs to no change.
    fn additions(&self, fingerprint: Fingerprint, object: &str) -> Option<Vec<&AddedPlace>> {
        let places = self.places.get(object)?;
        if self.removed.contains(&fingerprint) {
            return Some(Vec::new());
        }
        let is_new = |place: &&AddedPlace| !place.before.iter().any(|before| before.contains(&fingerprint));
        Some(places.iter().filter(is_new).collect())
    }

    /// Scans what the files of a change held before it, as far as they have a finding now.
    fn compare(&mut self, repo: &Repo, change: &Change, found: &HashSet<String>, rescan: &Rescan<'_>) {
        let added: Vec<(String, &Added)> = change
            .diff
            .added
            .iter()
            .map(|added| (added.id.to_string(), added))
            .filter(|(id, _)| found.contains(id))
            .collect();
        if added.is_empty() {
            return;
        }
        let removed = Findings::default();
        rescan(&removed, &mut |sink| {
            for id in change.diff.removed_blobs(repo, &|| sink.stopped()) {
                scan_blob(repo, &id, sink);
            }
        });
        self.removed.extend(tokens(removed));
        let counts = change.diff.graph.has_copies().then(|| change.diff.graph.counts());
        let mut before: HashMap<ObjectId, Tokens> = HashMap::new();
        for (id, added) in added {
            let mut places = Vec::new();
            let mut spelled = 0;
            for place in &added.places {
                let count =
                    counts.as_ref().and_then(|counts| counts.get(place.dir as usize)).map_or(1, |n| *n);
                let paths = if change.has_one_path(added) {
                    vec![None]
                } else {
                    spell(change, place, MAX_LOCATIONS.saturating_sub(spelled).max(1))
                };
                spelled += paths.len();
                let mut tokens_before = |id: &ObjectId| {
                    let tokens = before.entry(*id).or_insert_with(|| {
                        let findings = Findings::default();
                        rescan(&findings, &mut |sink| scan_blob(repo, id, sink));
                        Arc::new(tokens(findings))
                    });
                    Arc::clone(tokens)
                };
                places.push(AddedPlace {
                    more: count.saturating_sub(paths.len() as u64),
                    paths,
                    link: place.link,
                    before: place.preimages.iter().map(&mut tokens_before).collect(),
                });
            }
            self.places.entry(id).or_default().extend(places);
        }
    }
}

/// Some paths of a place.
fn spell(change: &Change, place: &Place, max: usize) -> Vec<Option<String>> {
    let paths = change.diff.graph.paths(place.dir, &place.name, max);
    paths.iter().map(|path| Some(redacted(&path_text(path), usize::MAX))).collect()
}

fn scan_blob(repo: &Repo, id: &ObjectId, sink: &dyn Sink) {
    if !sink.stopped() {
        // What cannot be read hides nothing: its tokens count as added.
        let _ = repo.scan_blob(id, sink, &Origin::default);
    }
}

fn tokens(findings: Findings) -> HashSet<Fingerprint> {
    findings.finish().0.iter().map(|finding| finding.token.fingerprint()).collect()
}
