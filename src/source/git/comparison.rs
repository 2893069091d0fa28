//! What was found in a change, compared with what the files held before it: what was there is not added.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use gix::ObjectId;

use super::change::Change;
use super::removed::RemovedFiles;
use super::repo::Repo;
use super::tree_diff::{Added, Place};
use crate::blob::{LocationKind, Origin, Sink};
use crate::finding::{Findings, Location, MAX_LOCATIONS};
use crate::text::{path_text, redacted};
use crate::token::Fingerprint;

/// Calls its argument once with a sink, and returns what that found, without what is excluded.
///
/// The files as they were before a change are scanned with it, and only if the change has a finding: whoever makes the
/// sink keeps what it reads out of the counts of the run.
pub type Rescan<'a> = dyn Fn(&mut dyn FnMut(&dyn Sink)) -> Findings + 'a;

/// Calls its second argument with each change of a commit; without a commit, with those that belong to none.
pub(super) type Changes<'a> = dyn Fn(Option<&str>, &mut dyn FnMut(&Change)) + 'a;

/// Removes from `findings` the locations of tokens that were there before the changes, and keeps what the changes add:
/// under every path, as far as there are not too many to be listed. Where a token was only suppressed before, it is new as
/// soon as nothing suppresses it: it left an ignored directory, or lost its comment.
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
        let token = (fingerprint, location.details().suppressed.is_some());
        comparisons.get(&location.details().commit)?.additions(token, object)
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

/// Tokens by their fingerprints, and whether each counted: it was unsuppressed somewhere.
#[derive(Default)]
struct Tokens(HashMap<Fingerprint, bool>);

impl Tokens {
    fn add(&mut self, findings: Findings) {
        for finding in findings.finish().0 {
            *self.0.entry(finding.token.fingerprint()).or_default() |= finding.suppressed.is_none();
        }
    }

    /// Whether a token is among them: one that is suppressed now in any case, else only where it counted.
    fn have(&self, (fingerprint, suppressed): (Fingerprint, bool)) -> bool {
        self.0.get(&fingerprint).is_some_and(|counted| *counted || suppressed)
    }
}

/// What the files of a change held before it.
#[derive(Default)]
struct Comparison {
    /// For each blob with a finding, where the change adds it.
    places: HashMap<String, Vec<AddedPlace>>,
    /// What was in files that are gone: it may have moved.
    removed: Tokens,
}

/// A place where a change adds a blob.
struct AddedPlace {
    /// The paths that are listed; none where the location has the only one already.
    paths: Vec<Option<String>>,
    /// How many more there are.
    more: u64,
    link: bool,
    /// What was in this file before.
    before: Vec<Arc<Tokens>>,
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
    /// The places where a token in a blob, which may be suppressed there, is new; none where the blob belongs to no change.
    fn additions(&self, token: (Fingerprint, bool), object: &str) -> Option<Vec<&AddedPlace>> {
        let places = self.places.get(object)?;
        if self.removed.have(token) {
            return Some(Vec::new());
        }
        let is_new = |place: &&AddedPlace| !place.before.iter().any(|before| before.have(token));
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
        self.removed.add(rescan(&mut |sink| {
            RemovedFiles::of(repo, &change.diff, &|| sink.stopped()).scan(repo, sink);
        }));
        let counts = change.diff.graph.has_copies().then(|| change.diff.graph.counts());
        let mut before: HashMap<(ObjectId, String), Arc<Tokens>> = HashMap::new();
        for (id, added) in added {
            let mut places = Vec::new();
            let mut spelled = 0;
            // Where there are more, what their paths suppress is the same before and after.
            let path = if change.has_one_path(added) { change.first_path(added) } else { String::new() };
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
                    let tokens = before.entry((*id, path.clone())).or_insert_with(|| {
                        let mut tokens = Tokens::default();
                        tokens.add(rescan(&mut |sink| scan_blob(repo, id, &path, sink)));
                        Arc::new(tokens)
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

fn scan_blob(repo: &Repo, id: &ObjectId, path: &str, sink: &dyn Sink) {
    if !sink.stopped() {
        // What cannot be read hides nothing: its tokens count as added.
        let _ = repo.scan_blob(id, sink, &|| Origin::file(path.to_owned()));
    }
}
