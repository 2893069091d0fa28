//! The walk over the commits of a range, as git-rev-list(1) does it: by date, the newest first.

use std::collections::{BinaryHeap, HashMap};

use gix::ObjectId;

use super::commit::CommitHeader;
use super::error::ReadError;
use super::object::Kind;
use super::repo::Repo;
use super::shallow;
use crate::blob::{Fault, FaultKind};

/// How far the clocks of committers may be off, in seconds, for a walk by date to be right all the same.
const MAX_CLOCK_SKEW: i64 = 24 * 60 * 60;

/// How many excluded commits are looked at behind that. Clocks that are further off are rare, but they run backwards for
/// long: git itself stops after five, and then lists commits that are excluded.
const EXTRA_COMMITS: usize = 4096;

/// What a walk has listed.
#[derive(Default)]
pub(super) struct RevList {
    /// The commits, the newest first.
    pub(super) commits: Vec<ListedCommit>,
    /// Where a shallow clone ends within the range, or so that nobody can tell what belongs to it.
    pub(super) cut_off: Option<ObjectId>,
    /// Commits that should be there and cannot be read.
    pub(super) faults: Vec<Fault>,
}

/// A commit of the range.
pub(super) struct ListedCommit {
    pub(super) id: ObjectId,
    pub(super) header: CommitHeader,
    /// A shallow clone ends here: its parents are not in the repository.
    pub(super) cut_off: bool,
}

/// The commits that are reachable from `include` and not from `exclude`.
///
/// The walk ends when no commit is queued that is not excluded, and none that is recent enough to turn out to exclude one
/// of those listed.
pub(super) fn rev_list(repo: &Repo, include: &[ObjectId], exclude: &[ObjectId]) -> RevList {
    let mut walk = RevWalk {
        repo,
        commits: HashMap::new(),
        queue: BinaryHeap::new(),
        queued_included: 0,
        listed_included: 0,
        faults: Vec::new(),
    };
    for id in exclude {
        walk.push(*id, true, None);
    }
    for id in include {
        walk.push(*id, false, None);
    }
    let listed = walk.run();
    // A commit with a wrong date may have been listed before it turned out to be excluded.
    let RevWalk { mut commits, faults, .. } = walk;
    let included = |id: &ObjectId| commits.get(id).is_some_and(|commit| !commit.excluded);
    let listed: Vec<ObjectId> = listed.into_iter().filter(included).collect();
    let cut_off = cut_off(&commits, &listed);
    let listed = listed.into_iter().filter_map(|id| {
        let WalkedCommit { header, cut_off, .. } = commits.remove(&id)?;
        Some(ListedCommit { id, header, cut_off })
    });
    RevList { commits: listed.collect(), cut_off, faults }
}

/// A commit that the walk has come to.
struct WalkedCommit {
    header: CommitHeader,
    excluded: bool,
    queued: bool,
    cut_off: bool,
}

struct RevWalk<'a> {
    repo: &'a Repo,
    commits: HashMap<ObjectId, WalkedCommit>,
    /// By committer date, in seconds since 1970.
    queue: BinaryHeap<(i64, ObjectId)>,
    /// How many queued commits are not excluded.
    queued_included: usize,
    /// And how many of those that have left the queue.
    listed_included: usize,
    faults: Vec<Fault>,
}

impl RevWalk<'_> {
    /// Walks, and returns what was not excluded when the walk came to it.
    fn run(&mut self) -> Vec<ObjectId> {
        let (mut listed, mut oldest, mut extra) = (Vec::new(), i64::MAX, EXTRA_COMMITS);
        while let Some((time, id)) = self.queue.pop() {
            if self.queued_included == 0 {
                if self.listed_included == 0 {
                    break;
                }
                if time < oldest.saturating_sub(MAX_CLOCK_SKEW) {
                    extra -= 1;
                    if extra == 0 {
                        break;
                    }
                }
            }
            let Some(commit) = self.commits.get_mut(&id) else { continue };
            commit.queued = false;
            let (excluded, parents) = (commit.excluded, commit.header.parents.clone());
            if !excluded {
                self.queued_included -= 1;
                self.listed_included += 1;
                oldest = oldest.min(time);
                listed.push(id);
            }
            for parent in parents {
                self.push(parent, excluded, Some(&id));
            }
        }
        listed
    }

    /// Queues a commit, or marks one as excluded that was queued before.
    fn push(&mut self, id: ObjectId, excluded: bool, child: Option<&ObjectId>) {
        let mut pending = vec![id];
        while let Some(id) = pending.pop() {
            if let Some(commit) = self.commits.get_mut(&id) {
                if excluded && !commit.excluded {
                    commit.excluded = true;
                    if commit.queued {
                        self.queued_included -= 1;
                    } else {
                        self.listed_included -= 1;
                        // Its parents have been queued as included.
                        pending.extend(commit.header.parents.iter().copied());
                    }
                }
                continue;
            }
            match read_header(self.repo, &id) {
                Ok(header) => {
                    self.queue.push((header.time, id));
                    self.queued_included += usize::from(!excluded);
                    let commit = WalkedCommit { header, excluded, queued: true, cut_off: false };
                    self.commits.insert(id, commit);
                }
                Err(error) => self.unreadable(&id, error, excluded, child),
            }
        }
    }

    /// Notes a commit that cannot be read.
    fn unreadable(&mut self, id: &ObjectId, error: ReadError, excluded: bool, child: Option<&ObjectId>) {
        let at_boundary = child.filter(|child| self.repo.is_shallow_boundary(child));
        if let Some(child) = at_boundary.filter(|_| error == ReadError::Missing) {
            if let Some(child) = self.commits.get_mut(child) {
                child.cut_off = true;
            }
        } else if !excluded {
            // What is excluded is not scanned anyway.
            self.faults.push(unreadable_commit(self.repo, id, error));
        }
    }
}

/// Where the missing commits of a shallow clone make the range uncertain: they belong to it, or they may lead from what is
/// excluded to what was listed, where neither the dates nor the commits that are here say otherwise.
fn cut_off(commits: &HashMap<ObjectId, WalkedCommit>, listed: &[ObjectId]) -> Option<ObjectId> {
    let is_cut_off = |id: &&ObjectId| commits.get(*id).is_some_and(|commit| commit.cut_off);
    if let Some(id) = listed.iter().find(is_cut_off) {
        return Some(*id);
    }
    let time = |id: &ObjectId| commits.get(id).map(|commit| commit.header.time);
    let oldest = listed.iter().filter_map(time).min()?;
    let is_recent = |commit: &WalkedCommit| commit.header.time.saturating_add(MAX_CLOCK_SKEW) >= oldest;
    let mut ends: Vec<ObjectId> = commits
        .iter()
        .filter(|(_, commit)| commit.cut_off && commit.excluded && is_recent(commit))
        .map(|(id, _)| *id)
        .collect();
    ends.sort_unstable();
    let parents = |id: &ObjectId| commits.get(id).map(|commit| commit.header.parents.as_slice());
    ends.chunks(shallow::MAX_ENDS).find_map(|ends| {
        let descents = shallow::descents(ends, listed, &parents);
        ends.iter().enumerate().map(|(n, end)| (1_u64 << n, end)).find_map(|(bit, end)| {
            let hidden = time(end)?.saturating_add(MAX_CLOCK_SKEW);
            // An ancestor cannot be a descendant as well.
            let may_lead_to = |id: &ObjectId| {
                time(id).is_some_and(|time| time <= hidden)
                    && descents.get(id).is_none_or(|ends| ends & bit == 0)
            };
            listed.iter().any(may_lead_to).then_some(*end)
        })
    })
}

/// Reads the header of a commit.
pub(super) fn read_header(repo: &Repo, id: &ObjectId) -> Result<CommitHeader, ReadError> {
    let mut bytes = Vec::new();
    repo.read_as(Kind::Commit, id, &mut bytes)?;
    CommitHeader::parse(&bytes).ok_or(ReadError::Damaged)
}

/// The fault of a commit that cannot be read.
pub(super) fn unreadable_commit(repo: &Repo, id: &ObjectId, error: ReadError) -> Fault {
    let reason = match error {
        ReadError::Missing => format!("it is missing; to fetch it, run: {}", repo.fetch_command(Some(id))),
        ReadError::Damaged => "it is damaged; to see what else is, run: git fsck".to_owned(),
    };
    Fault { path: format!("commit {id}"), kind: FaultKind::Unreadable, reason }
}
