//! Trees and blobs that a tag leads to: in git's own repository one is a public key, in the kernel's one is a tree.

use std::collections::HashSet;

use gix::ObjectId;

use super::change::Change;
use super::commit::CommitHeader;
use super::comparison::blob_of;
use super::object::{Kind, Mode};
use super::path_graph::ROOT;
use super::repo::Repo;
use super::rev_walk::read_header;
use super::revisions::RevisionRange;
use super::tree_diff::{Place, TreeDiff, read_entries};
use crate::blob::Origin;
use crate::finding::{Findings, Location};

/// The blob of a location that is in no commit.
fn blob(location: &Location) -> Option<ObjectId> {
    let object = blob_of(location).filter(|_| location.details().commit.is_none())?;
    ObjectId::from_hex(object.as_bytes()).ok()
}

/// Trees and blobs at the tips of a range.
pub(super) struct TaggedObjects {
    objects: Vec<(Kind, ObjectId)>,
    /// The commits that the range excludes, with all that leads to them.
    known_commits: Vec<ObjectId>,
    /// And the trees and blobs.
    known_objects: Vec<(Kind, ObjectId)>,
}

impl TaggedObjects {
    pub(super) fn new(revisions: RevisionRange) -> Self {
        TaggedObjects {
            objects: revisions.objects,
            known_commits: revisions.exclude,
            known_objects: revisions.known.objects,
        }
    }

    /// What each of them has. A tree has its paths; a blob has none but its id.
    pub(super) fn changes(&self, repo: &Repo, stopped: &dyn Fn() -> bool) -> Vec<Change> {
        let change = |(kind, id): &(Kind, ObjectId)| {
            let mut diff = TreeDiff::default();
            if *kind == Kind::Tree {
                diff.compare(repo, ROOT, (id, &[]), stopped);
            } else {
                let name = format!("blob/{id}").into_bytes().into();
                diff.add(*id, Place { dir: ROOT, name, link: false, preimages: Vec::new() });
            }
            Change { template: Origin::default(), diff }
        };
        self.objects.iter().map(change).collect()
    }

    /// Removes from `findings` what is in an excluded commit already: a tag at a tree of it adds nothing. Only where
    /// something was found is that worth a walk over their trees.
    pub(super) fn retain_new(&self, repo: &Repo, findings: &mut Findings, stopped: &dyn Fn() -> bool) {
        if self.objects.is_empty() {
            return;
        }
        let mut found = HashSet::new();
        findings.for_each_location(&mut |location| found.extend(blob(location)));
        if found.is_empty() {
            return;
        }
        let known = self.known_among(repo, &found, stopped);
        findings.retain(&mut |_, location| blob(location).is_none_or(|id| !known.contains(&id)));
    }

    /// Those of `wanted` that what is excluded leads to.
    fn known_among(
        &self,
        repo: &Repo,
        wanted: &HashSet<ObjectId>,
        stopped: &dyn Fn() -> bool,
    ) -> HashSet<ObjectId> {
        let (mut visited, mut known) = (HashSet::new(), HashSet::new());
        let mut commits = self.known_commits.clone();
        let mut trees: Vec<ObjectId> = Vec::new();
        for (kind, id) in &self.known_objects {
            if *kind == Kind::Tree { trees.push(*id) } else { known.extend(wanted.get(id)) }
        }
        while !stopped() && known.len() < wanted.len() {
            if let Some(tree) = trees.pop() {
                if !visited.insert(tree) {
                    continue;
                }
                for (mode, id) in read_entries(repo, &tree).unwrap_or_default().into_values() {
                    match mode {
                        Mode::Tree => trees.push(id),
                        Mode::File | Mode::Link => known.extend(wanted.get(&id)),
                        Mode::Submodule => {}
                    }
                }
            } else if let Some(commit) = commits.pop() {
                if visited.insert(commit)
                    && let Ok(CommitHeader { tree, parents, .. }) = read_header(repo, &commit)
                {
                    trees.push(tree);
                    commits.extend(parents);
                }
            } else {
                break;
            }
        }
        known
    }
}
