//! What some commits add: their messages and authors, and the content that none of their parents has.

use std::collections::HashMap;

use gix::ObjectId;

use super::change::Change;
use super::commit::{CommitHeader, Signature};
use super::comparison::{Rescan, retain_added};
use super::error::Error;
use super::object::Kind;
use super::object_parts::scan_object;
use super::path_graph::ROOT;
use super::repo::Repo;
use super::rev_walk::{ListedCommit, RevList, rev_list, unreadable_commit};
use super::revisions::RevisionRange;
use super::tagged::TaggedObjects;
use super::tree_diff::TreeDiff;
use crate::blob::{Fault, Origin, Sink, Source};
use crate::finding::Findings;

/// The commits of a range as a source.
pub struct Range<'a> {
    repo: &'a Repo,
    /// The range, as it was asked for.
    text: String,
    /// Annotated tags at the tips of the range.
    tags: Vec<ObjectId>,
    /// Trees and blobs at the tips of the range.
    tagged: TaggedObjects,
    list: RevList,
}

impl<'a> Range<'a> {
    /// The commits that `spec` names, in git's own notation (gitrevisions(7)): `A..B` is what `B` has and `A` has not,
    /// `A...B` what only one of them has, `^A` excludes, and a revision by itself is everything that is reachable from it.
    /// Several may be given with spaces between them. An id of zeros, which hooks are given for a ref that does not exist
    /// (githooks(5), "pre-push"), excludes what has been published: what remote-tracking branches have or, in a bare
    /// repository, what any ref has.
    ///
    /// Fails with [`Error::Revision`] where a revision means nothing in this repository.
    pub fn new(repo: &'a Repo, spec: &str) -> Result<Self, Error> {
        Ok(Range::of(repo, spec, RevisionRange::parse(repo, spec)?))
    }

    /// What a push brings: all that is reachable from the objects `tips`, and neither from `old_tips`, which the other
    /// side had before (ids, of which not all need be in this repository), nor from the refs that `is_known_ref` accepts
    /// the names of.
    ///
    /// Fails with [`Error::Revision`] where a tip is not in this repository.
    pub fn for_push(
        repo: &'a Repo,
        tips: &[String],
        old_tips: &[String],
        is_known_ref: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Self, Error> {
        let revisions = RevisionRange::for_push(repo, tips, old_tips, is_known_ref)?;
        Ok(Range::of(repo, "the push", revisions))
    }

    fn of(repo: &'a Repo, text: &str, revisions: RevisionRange) -> Self {
        let list = rev_list(repo, &revisions.include, &revisions.exclude);
        let tags = revisions.tags.clone();
        Range { repo, text: text.to_owned(), tags, tagged: TaggedObjects::new(revisions), list }
    }

    /// Fails with [`Error::Shallow`] where a shallow clone ends within the range: what its commits add cannot be told then.
    pub fn require_complete(&self) -> Result<(), Error> {
        self.list.cut_off.map_or(Ok(()), |commit| {
            Err(Error::Shallow {
                range: self.text.clone(),
                commit: commit.to_string(),
                remedy: self.repo.fetch_command(None),
            })
        })
    }

    /// What a commit adds, and the parents that cannot be read. Where a shallow clone ends, nobody knows what that is.
    fn change(&self, commit: &ListedCommit, stopped: &dyn Fn() -> bool) -> (Change, Vec<Fault>) {
        let (id, mut bytes, mut faults) = (commit.id, Vec::new(), Vec::new());
        let signature = self.repo.read_as(Kind::Commit, &id, &mut bytes).map(|()| Signature::parse(&bytes));
        let signature = signature.unwrap_or_default();
        let template = Origin {
            commit: Some(id.to_string()),
            author: signature.author,
            date: signature.date,
            ..Origin::default()
        };
        let mut diff = TreeDiff::default();
        if commit.cut_off {
            return (Change { template, diff }, faults);
        }
        let mut parent_trees = Vec::new();
        for parent in &commit.header.parents {
            match self.repo.read_as(Kind::Commit, parent, &mut bytes) {
                Ok(()) => parent_trees.extend(CommitHeader::parse(&bytes).map(|header| header.tree)),
                Err(error) => faults.push(unreadable_commit(self.repo, parent, error)),
            }
        }
        diff.compare(self.repo, ROOT, (&commit.header.tree, &parent_trees), stopped);
        (Change { template, diff }, faults)
    }

    /// Removes from `findings` what a commit's parents have in the same file, or in one that the commit removes: that is
    /// not what the commit adds. `findings` must be of this source only, and made by [`Findings::keeping_all`].
    pub fn retain_added(&self, findings: &mut Findings, rescan: &Rescan<'_>, stopped: &dyn Fn() -> bool) {
        self.tagged.retain_new(self.repo, findings, stopped);
        let by_id: HashMap<String, &ListedCommit> =
            self.list.commits.iter().map(|commit| (commit.id.to_string(), commit)).collect();
        retain_added(self.repo, findings, rescan, &|commit, compare| match commit {
            Some(id) => {
                if let Some(commit) = by_id.get(id) {
                    compare(&self.change(commit, stopped).0);
                }
            }
            None => self.tagged.changes(self.repo, stopped).iter().for_each(compare),
        });
    }
}

impl Source for Range<'_> {
    fn drain(&self, sink: &dyn Sink) {
        for fault in &self.list.faults {
            sink.fault(fault.clone());
        }
        let mut bytes = Vec::new();
        let tags = self.tags.iter().map(|id| (id, Kind::Tag));
        let commits = self.list.commits.iter().map(|commit| (&commit.id, Kind::Commit));
        for (id, kind) in tags.chain(commits) {
            if sink.stopped() {
                return;
            }
            if self.repo.read_as(kind, id, &mut bytes).is_ok() {
                sink.meter().objects(1, bytes.len() as u64);
                sink.meter().commits(u64::from(kind == Kind::Commit));
                scan_object(sink, kind, id, &bytes);
            }
        }
        let stopped = || sink.stopped();
        for commit in &self.list.commits {
            if sink.stopped() {
                return;
            }
            let (change, faults) = self.change(commit, &stopped);
            for fault in faults {
                sink.fault(fault);
            }
            change.scan(self.repo, sink);
        }
        for change in self.tagged.changes(self.repo, &stopped) {
            change.scan(self.repo, sink);
        }
        self.repo.lfs.report_missing(self.repo.requires_all, sink);
    }
}
