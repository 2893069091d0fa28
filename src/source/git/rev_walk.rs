//! The walk over the commits of a range, as git-rev-list(1) does it: by date, the newest first.

use std::collections::{BinaryHeap, HashMap};

use gix::ObjectId;

use super::commit::CommitHeader;
use super::error::ReadError;
use super::object::Kind;
use super::repo::Repo;
use crate::blob::{Fault, FaultKind};

/// How far the clocks of committers may be off, in seconds, for a walk by date to be right all the same.
const MAX_CLOCK_SKEW: i64 = 24 * 60 * 60;

/// The commits that are reachable from `include` and not from `exclude`, the newest first. Commits that should be there
/// and cannot be read are added to `faults`.
///
/// The walk ends when no commit is queued that is not excluded, and none that is recent enough to turn out to exclude one
/// of those listed.
pub(super) fn rev_list(
    repo: &Repo,
    include: &[ObjectId],
    exclude: &[ObjectId],
    faults: &mut Vec<Fault>,
) -> Vec<(ObjectId, CommitHeader)> {
    let mut walk = RevWalk { repo, commits: HashMap::new(), queue: BinaryHeap::new(), included: 0, faults };
    for id in exclude {
        walk.push(*id, true, None);
    }
    for id in include {
        walk.push(*id, false, None);
    }
    let (mut listed, mut oldest) = (Vec::new(), i64::MAX);
    while let Some((time, id)) = walk.queue.pop() {
        if walk.included == 0 && time < oldest.saturating_sub(MAX_CLOCK_SKEW) {
            break;
        }
        let Some(commit) = walk.commits.get_mut(&id) else { continue };
        commit.queued = false;
        let (excluded, parents) = (commit.excluded, commit.header.parents.clone());
        if !excluded {
            walk.included -= 1;
            oldest = oldest.min(time);
            listed.push(id);
        }
        for parent in parents {
            walk.push(parent, excluded, Some(&id));
        }
    }
    // A commit with a wrong date may have been listed before it turned out to be excluded.
    let mut commits = walk.commits;
    let included = listed.into_iter().filter_map(|id| {
        let commit = commits.remove(&id).filter(|commit| !commit.excluded)?;
        Some((id, commit.header))
    });
    included.collect()
}

/// A commit that the walk has come to.
struct WalkedCommit {
    header: CommitHeader,
    excluded: bool,
    queued: bool,
}

struct RevWalk<'a> {
    repo: &'a Repo,
    commits: HashMap<ObjectId, WalkedCommit>,
    /// By committer date, in seconds since 1970.
    queue: BinaryHeap<(i64, ObjectId)>,
    /// How many queued commits are not excluded.
    included: usize,
    faults: &'a mut Vec<Fault>,
}

impl RevWalk<'_> {
    /// Queues a commit, or marks one as excluded that was queued before.
    fn push(&mut self, id: ObjectId, excluded: bool, child: Option<&ObjectId>) {
        let mut pending = vec![id];
        while let Some(id) = pending.pop() {
            if let Some(commit) = self.commits.get_mut(&id) {
                if excluded && !commit.excluded {
                    commit.excluded = true;
                    if commit.queued {
                        self.included -= 1;
                    } else {
                        // Its parents have been queued as included.
                        pending.extend(commit.header.parents.iter().copied());
                    }
                }
                continue;
            }
            match read_header(self.repo, &id) {
                Ok(header) => {
                    self.queue.push((header.time, id));
                    self.included += usize::from(!excluded);
                    self.commits.insert(id, WalkedCommit { header, excluded, queued: true });
                }
                Err(ReadError::Missing)
                    if child.is_some_and(|child| self.repo.is_shallow_boundary(child)) => {}
                // What is excluded is not scanned anyway.
                Err(_) if excluded => {}
                Err(_) => self.faults.push(unreadable_commit(&id)),
            }
        }
    }
}

/// Reads the header of a commit.
pub(super) fn read_header(repo: &Repo, id: &ObjectId) -> Result<CommitHeader, ReadError> {
    let mut bytes = Vec::new();
    repo.read_as(Kind::Commit, id, &mut bytes)?;
    CommitHeader::parse(&bytes).ok_or(ReadError::Damaged)
}

/// The fault of a commit that cannot be read.
pub(super) fn unreadable_commit(id: &ObjectId) -> Fault {
    let reason = "it is missing or damaged; to see what else is, run: git fsck".to_owned();
    Fault { path: format!("commit {id}"), kind: FaultKind::Unreadable, reason }
}
