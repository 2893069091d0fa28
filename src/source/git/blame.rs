//! Where what was found came from: for each place, the commit that introduced it, and the path it had there.
//!
//! A second look, at what led to a hit alone: it costs nothing where nothing was found.

use std::collections::{BTreeMap, HashMap, HashSet};

use gix::ObjectId;

use super::ancestry::{Ancestry, Place};
use super::graph::{self, Commit};
use super::object::Signature;
use super::odb::ObjectDb;
use super::pack::Kind;
use super::refs;
use super::repo::Repo;
use crate::blob::LocationKind;
use crate::finding::{Findings, Location};
use crate::text::path_text;

/// Gives every location in `findings` that names an object without a commit its path and commit.
pub(super) fn attribute(repo: &Repo, objects: &ObjectDb, findings: &mut Findings) {
    let mut wanted = HashSet::new();
    findings.for_each_location(&mut |location| wanted.extend(sought(location)));
    if wanted.is_empty() {
        findings.replace_locations(&mut |locations| (locations, 0));
        return;
    }
    let tips = refs::tips(repo);
    let commits = graph::ordered(repo, objects, &tips);
    let places = Ancestry::search(objects, repo.hash(), wanted).places(&commits);
    let mut blame = Blame { repo, commits: &commits, places, bylines: HashMap::new() };
    findings.replace_locations(&mut |locations| blame.relocate(locations));
}

/// The object whose place has to be searched for.
fn sought(location: &Location) -> Option<ObjectId> {
    let searched = matches!(location.kind, LocationKind::Content | LocationKind::FileName);
    let id = location.object.as_ref().filter(|_| searched && location.commit.is_none())?;
    ObjectId::from_hex(id.as_bytes()).ok()
}

/// Whatever no commit holds comes last.
const NOWHERE: u32 = u32::MAX;

struct Blame<'a> {
    repo: &'a Repo,
    commits: &'a [Commit],
    places: HashMap<ObjectId, Vec<Place>>,
    bylines: HashMap<u32, Signature>,
}

impl Blame<'_> {
    /// The places of one token: under each path the first, the earliest first. And how many were left out.
    fn relocate(&mut self, locations: Vec<Location>) -> (Vec<Location>, u64) {
        type Spot = (u32, Option<String>);
        let total = locations.len();
        let mut by_path: BTreeMap<(String, LocationKind), (Spot, Vec<Location>)> = BTreeMap::new();
        let mut settled = Vec::new();
        for location in locations {
            let Some(id) = sought(&location) else {
                settled.push((0, location));
                continue;
            };
            for (rank, location) in self.named(&id, location) {
                let key = (location.path.clone(), location.kind);
                // Two places in one version of a file are two; a later version of it is the same leak.
                let spot = (rank, location.object.clone());
                let first = by_path.entry(key).or_insert_with(|| (spot.clone(), Vec::new()));
                if spot < first.0 {
                    *first = (spot, vec![location]);
                } else if spot == first.0 {
                    first.1.push(location);
                }
            }
        }
        for ((rank, _), locations) in by_path.into_values() {
            settled.extend(locations.into_iter().map(|location| (rank, location)));
        }
        settled.sort();
        let more = total.saturating_sub(settled.len()) as u64;
        (settled.into_iter().map(|(_, location)| location).collect(), more)
    }

    /// The location in each place of its object.
    fn named(&mut self, id: &ObjectId, location: Location) -> Vec<(u32, Location)> {
        let places = self.places.get(id).cloned().unwrap_or_default();
        if places.is_empty() {
            return vec![(NOWHERE, unplaced(location))];
        }
        places.into_iter().map(|place| (place.rank, self.placed(&place, location.clone()))).collect()
    }

    fn placed(&mut self, place: &Place, mut location: Location) -> Location {
        let folder = path_text(&place.path);
        if location.kind == LocationKind::FileName {
            if !folder.is_empty() {
                // A name's offset counts from the start of its path.
                location.offset += folder.len() as u64 + 1;
                location.column += folder.len() as u64 + 1;
                location.path = format!("{folder}/{}", location.path);
            }
        } else {
            // What is there already is the way within a container.
            location.path = format!("{folder}{}", location.path);
        }
        let Some(commit) = self.commits.get(place.rank as usize) else { return location };
        if location.kind == LocationKind::Content {
            location.kind = match (commit.note, place.link) {
                (true, _) => LocationKind::Note,
                (_, true) => LocationKind::SymlinkTarget,
                _ => LocationKind::Content,
            };
        }
        let byline = self.bylines.entry(place.rank).or_insert_with(|| byline(self.repo, &commit.id)).clone();
        location.commit = Some(commit.id.to_string());
        (location.author, location.date) = (byline.author, byline.date);
        location
    }
}

/// A place in an object that no commit leads to is called by the object's id.
fn unplaced(mut location: Location) -> Location {
    let id = location.object.as_deref().unwrap_or_default();
    location.path = match location.kind {
        LocationKind::FileName => format!("tree/{id}/{}", location.path),
        _ => format!("blob/{id}{}", location.path),
    };
    location
}

fn byline(repo: &Repo, id: &gix::oid) -> Signature {
    let mut bytes = Vec::new();
    repo.read_as(Kind::Commit, id, &mut bytes).map(|()| Signature::of(&bytes)).unwrap_or_default()
}
