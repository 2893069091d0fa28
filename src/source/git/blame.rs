//! Where what was found came from: for each location, the commit that introduced it, and the path it had there.
//!
//! What it takes is searched by [`Origins`].

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use gix::ObjectId;

use super::commit::Signature;
use super::introductions::Introduction;
use super::object::Kind;
use super::origins::Origins;
use super::reflogs::is_reflog;
use super::repo::Repo;
use crate::blob::LocationKind;
use crate::finding::{Claim, Findings, Ground, Location};
use crate::text::{path_text, redacted};

/// The objects of locations that have neither path nor commit yet.
pub(super) fn wanted(findings: &mut Findings) -> HashSet<ObjectId> {
    leave_out_repetitions(findings);
    let mut wanted = HashSet::new();
    findings.for_each_location(&mut |location| wanted.extend(unattributed_object(location)));
    wanted
}

/// Gives those locations the paths and commits in `origins`. Where the run was cancelled meanwhile, the rest keep the ids of
/// their objects.
///
/// Where they are those `of_shard`, each location says what may rule it out.
pub(super) fn attribute((repo, origins): (&Repo, &Origins), of_shard: bool, findings: &mut Findings) {
    let mut blame = Blame { repo, origins, of_shard, signatures: HashMap::new() };
    findings.replace_locations(&mut |_, locations| blame.relocate(locations));
}

/// A reflog repeats what messages, branches and people are called: it counts for what is found nowhere else.
fn leave_out_repetitions(findings: &mut Findings) {
    let mut elsewhere = HashSet::new();
    findings.for_each_location_mut(&mut |fingerprint, location| {
        if !is_reflog(location) {
            elsewhere.insert(fingerprint);
        }
    });
    findings.retain(&mut |fingerprint, location| !is_reflog(location) || !elsewhere.contains(&fingerprint));
}

/// The object of a location whose commit has to be searched for.
fn unattributed_object(location: &Location) -> Option<ObjectId> {
    let is_in_tree = matches!(location.kind, LocationKind::Content | LocationKind::FileName);
    let id =
        location.details().object.as_ref().filter(|_| is_in_tree && location.details().commit.is_none())?;
    ObjectId::from_hex(id.as_bytes()).ok()
}

/// Says on which grounds a location is reported: other shards may have found the token, too.
fn add_claim(position: u32, location: &mut Location) {
    let is_in_tree = matches!(
        location.kind,
        LocationKind::Content | LocationKind::FileName | LocationKind::SymlinkTarget | LocationKind::Note
    );
    let ground = match location.kind {
        _ if is_reflog(location) => Ground::Repetition,
        _ if is_in_tree => Ground::Version,
        _ => Ground::Always,
    };
    location.details_mut().claim = Some(Claim { source: 0, position, ground });
}

/// The position of what no commit leads to: behind all commits.
const NO_COMMIT: u32 = u32::MAX;

struct Blame<'a> {
    repo: &'a Repo,
    origins: &'a Origins,
    of_shard: bool,
    /// By position of the commit.
    signatures: HashMap<u32, Signature>,
}

impl Blame<'_> {
    /// The locations of one token: the first under each path, the earliest first. And how many were left out.
    fn relocate(&mut self, locations: Vec<Location>) -> (Vec<Location>, u64) {
        // The commit's position, and the object.
        type Version = (u32, Option<String>);
        let (mut seen, mut more_paths) = (0_usize, 0_u64);
        let mut by_path: BTreeMap<(Arc<str>, LocationKind), (Version, Vec<Location>)> = BTreeMap::new();
        let mut attributed = Vec::new();
        for location in locations {
            let Some(id) = unattributed_object(&location) else {
                seen += 1;
                attributed.push((0, location));
                continue;
            };
            let (introduced, more) = self.introduced_locations(&id, location);
            seen += introduced.len();
            more_paths = more_paths.saturating_add(more);
            for (position, location) in introduced {
                let key = (location.path.clone(), location.kind);
                // Two locations in one version of a file are two; one in a later version is the same leak again.
                let version = (position, location.details().object.clone());
                let first = by_path.entry(key).or_insert_with(|| (version.clone(), Vec::new()));
                if version < first.0 {
                    *first = (version, vec![location]);
                } else if version == first.0 {
                    first.1.push(location);
                }
            }
        }
        for ((position, _), locations) in by_path.into_values() {
            attributed.extend(locations.into_iter().map(|location| (position, location)));
        }
        attributed.sort();
        let more = more_paths.saturating_add(seen.saturating_sub(attributed.len()) as u64);
        if self.of_shard {
            for (position, location) in &mut attributed {
                add_claim(*position, location);
            }
        }
        (attributed.into_iter().map(|(_, location)| location).collect(), more)
    }

    /// The location in each commit that introduced its object under some path, and how many paths more there are.
    fn introduced_locations(&mut self, id: &ObjectId, location: Location) -> (Vec<(u32, Location)>, u64) {
        let introduced = self.origins.introductions.of(id);
        if introduced.introductions.is_empty() {
            return (vec![(NO_COMMIT, named_by_object(location))], introduced.more);
        }
        let located = introduced.introductions.into_iter().map(|introduction| {
            (introduction.position, self.introduced_location(&introduction, location.clone()))
        });
        (located.collect(), introduced.more)
    }

    fn introduced_location(&mut self, introduction: &Introduction, mut location: Location) -> Location {
        let path = path_text(&self.origins.introductions.path(introduction));
        let start = path.len() as u64 + 1;
        let path = redacted(&path, usize::MAX);
        if location.kind == LocationKind::FileName {
            // The object is the directory that the name is in.
            if !path.is_empty() {
                // A name's offset counts from the start of its path.
                location.offset += start;
                location.column += start;
                location.path = format!("{path}/{}", location.path).into();
            }
        } else {
            // What is there already is the path within a container.
            location.path = format!("{path}{}", location.path).into();
        }
        let Some(commit) = self.origins.commits.get(introduction.position as usize) else { return location };
        if location.kind == LocationKind::Content {
            location.kind = match (commit.note, introduction.link) {
                (true, _) => LocationKind::Note,
                (_, true) => LocationKind::SymlinkTarget,
                _ => LocationKind::Content,
            };
        }
        let signature = self
            .signatures
            .entry(introduction.position)
            .or_insert_with(|| read_signature(self.repo, &commit.id))
            .clone();
        let details = location.details_mut();
        details.commit = Some(commit.id.to_string());
        (details.author, details.date) = (signature.author, signature.date);

        location
    }
}

/// A location in an object that no commit leads to is named by the object's id.
fn named_by_object(mut location: Location) -> Location {
    let id = location.details().object.as_deref().unwrap_or_default();
    let path = match location.kind {
        LocationKind::FileName => format!("tree/{id}/{}", location.path),
        _ => format!("blob/{id}{}", location.path),
    };
    location.path = path.into();
    location
}

fn read_signature(repo: &Repo, id: &gix::oid) -> Signature {
    let mut bytes = Vec::new();
    repo.read_as(Kind::Commit, id, &mut bytes).map(|()| Signature::parse(&bytes)).unwrap_or_default()
}
