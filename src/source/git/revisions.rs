//! Ranges of commits: their notation, and the walk between their ends.

use std::collections::{BinaryHeap, HashMap};

use gix::ObjectId;
use gix::revision::plumbing::Spec;

use super::Error;
use super::object::CommitHeader;
use super::pack::Kind;
use super::range::unread;
use super::refs;
use super::repo::{ReadError, Repo};
use crate::blob::Fault;

/// Where a range ends: commits that lead to `include` and not to `exclude`.
#[derive(Default)]
pub(super) struct Ends {
    include: Vec<ObjectId>,
    exclude: Vec<ObjectId>,
    /// Annotated tags among what is included.
    pub(super) tags: Vec<ObjectId>,
}

impl Ends {
    /// Reads revisions with spaces between them.
    pub(super) fn parse(repo: &Repo, spec: &str) -> Result<Self, Error> {
        let mut ends = Ends::default();
        let mut fresh = false;
        for word in spec.split_ascii_whitespace() {
            fresh |= ends.word(repo, word)?;
        }
        if spec.trim().is_empty() {
            return Err(revision(spec, "it is empty".to_owned()));
        }
        if fresh {
            ends.exclude_known(repo);
        }
        Ok(ends)
    }

    /// What leads to `tips`, and neither to what was `had` before nor to a ref whose name `known` says yes to.
    pub(super) fn lacking(
        repo: &Repo,
        tips: &[String],
        had: &[String],
        known: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Self, Error> {
        let mut ends = Ends::default();
        for tip in tips {
            ends.include(repo, tip)?;
        }
        // The other side may have what never came here: that excludes nothing.
        let had = had.iter().filter_map(|id| full(repo, id)).filter(|id| !id.is_null());
        let refs = refs::all(repo).into_iter().filter(|(name, _)| known(name)).map(|(_, id)| id);
        ends.exclude.extend(had.chain(refs).filter_map(|id| peel(repo, id, "").ok()));
        Ok(ends)
    }

    /// Reads one of them; whether it starts from nothing.
    fn word(&mut self, repo: &Repo, word: &str) -> Result<bool, Error> {
        if let Some((from, to)) = word.split_once("..").filter(|(_, to)| !to.starts_with('.')) {
            let fresh = is_zero(from);
            if is_zero(to) {
                return Ok(false);
            }
            if !fresh {
                let id = resolve(repo, or_head(from))?;
                self.exclude.push(peel(repo, id, from)?);
            }
            self.include(repo, or_head(to))?;
            return Ok(fresh);
        }
        if let Some(id) = word.strip_prefix('^') {
            if !is_zero(id) {
                let excluded = resolve(repo, id)?;
                self.exclude.push(peel(repo, excluded, id)?);
            }
            return Ok(is_zero(id));
        }
        if is_zero(word) {
            return Ok(false);
        }
        if full(repo, word).is_some() {
            self.include(repo, word)?;
            return Ok(false);
        }
        let parsed = repo.inner.rev_parse(word).map_err(|error| revision(word, error.to_string()))?;
        match parsed.detach() {
            Spec::Merge { theirs, ours } => {
                let bases = repo.inner.merge_bases_many(theirs, &[ours]);
                let bases = bases.map_err(|error| revision(word, error.to_string()))?;
                self.exclude.extend(bases.into_iter().map(gix::Id::detach));
                self.include.extend([theirs, ours]);
            }
            Spec::ExcludeParents(id) => {
                self.exclude.extend(parents(repo, &id));
                self.include.push(id);
            }
            Spec::IncludeOnlyParents(id) => self.include.extend(parents(repo, &id)),
            Spec::Exclude(id) => self.exclude.push(peel(repo, id, word)?),
            Spec::Include(_) | Spec::Range { .. } => self.include(repo, word)?,
        }
        Ok(false)
    }

    fn include(&mut self, repo: &Repo, text: &str) -> Result<(), Error> {
        let id = resolve(repo, text)?;
        let mut bytes = Vec::new();
        if repo.read_as(Kind::Tag, &id, &mut bytes).is_ok() {
            self.tags.push(id);
        }
        self.include.push(peel(repo, id, text)?);
        Ok(())
    }

    /// Excludes what has been published: what remotes are known to have, or, in a repository that others push to, what it
    /// has already.
    fn exclude_known(&mut self, repo: &Repo) {
        for (name, id) in refs::all(repo) {
            if (repo.inner.is_bare() || name.starts_with(b"refs/remotes/"))
                && let Ok(commit) = peel(repo, id, "")
            {
                self.exclude.push(commit);
            }
        }
    }
}

/// The commit an object stands for.
fn peel(repo: &Repo, mut id: ObjectId, text: &str) -> Result<ObjectId, Error> {
    let mut bytes = Vec::new();
    for _ in 0..16 {
        match repo.read(&id, &mut bytes) {
            Ok(Kind::Commit) => return Ok(id),
            Ok(Kind::Tag) => {
                let target =
                    bytes.strip_prefix(b"object ").and_then(|rest| rest.split(|byte| *byte == b'\n').next());
                let target = target.and_then(|hex| ObjectId::from_hex(hex).ok());
                id = target.ok_or_else(|| revision(text, "its tag is damaged".to_owned()))?;
            }
            Ok(Kind::Tree | Kind::Blob) => return Err(revision(text, "it is no commit".to_owned())),
            Err(ReadError::Missing) => return Err(revision(text, format!("the object {id} is missing"))),
            Err(ReadError::Damaged) => return Err(revision(text, format!("the object {id} is damaged"))),
        }
    }
    Err(revision(text, "its tags lead to no commit".to_owned()))
}

fn or_head(text: &str) -> &str {
    if text.is_empty() { "HEAD" } else { text }
}

fn is_zero(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte == b'0')
}

fn full(repo: &Repo, text: &str) -> Option<ObjectId> {
    ObjectId::from_hex(text.as_bytes()).ok().filter(|id| id.kind() == repo.hash())
}

fn resolve(repo: &Repo, text: &str) -> Result<ObjectId, Error> {
    // An id needs no look-up, and what is just being received is not where one would look.
    if let Some(id) = full(repo, text) {
        return Ok(id);
    }
    let id = repo.inner.rev_parse_single(text).map_err(|error| revision(text, error.to_string()))?;
    Ok(id.detach())
}

fn revision(text: &str, reason: String) -> Error {
    Error::Revision { text: text.to_owned(), reason }
}

fn parents(repo: &Repo, id: &ObjectId) -> Vec<ObjectId> {
    links(repo, id).map(|links| links.parents).unwrap_or_default()
}

fn links(repo: &Repo, id: &ObjectId) -> Result<CommitHeader, ReadError> {
    let mut bytes = Vec::new();
    repo.read_as(Kind::Commit, id, &mut bytes)?;
    CommitHeader::of(&bytes).ok_or(ReadError::Damaged)
}

/// How wrong the clocks of those who commit may be, in seconds, for a walk by date still to be right.
const SKEW: i64 = 24 * 60 * 60;

/// The commits between the ends, the newest first. Walked by date, and only as far as the excluded side reaches: until
/// nothing is left that could lead to one of those listed, which is what commits of the same second need.
pub(super) fn commits(repo: &Repo, ends: &Ends, faults: &mut Vec<Fault>) -> Vec<(ObjectId, CommitHeader)> {
    let mut walk = Walk { repo, seen: HashMap::new(), next: BinaryHeap::new(), open: 0, faults };
    for id in &ends.exclude {
        walk.meet(*id, true, None);
    }
    for id in &ends.include {
        walk.meet(*id, false, None);
    }
    let (mut order, mut oldest) = (Vec::new(), i64::MAX);
    while let Some((time, id)) = walk.next.pop() {
        if walk.open == 0 && time < oldest.saturating_sub(SKEW) {
            break;
        }
        let Some(seen) = walk.seen.get_mut(&id) else { continue };
        seen.queued = false;
        let (excluded, parents) = (seen.excluded, seen.links.parents.clone());
        if !excluded {
            walk.open -= 1;
            oldest = oldest.min(time);
            order.push(id);
        }
        for parent in parents {
            walk.meet(parent, excluded, Some(&id));
        }
    }
    // Clocks may have been wrong: what turned out to be excluded after it was listed is dropped.
    let mut seen = walk.seen;
    order
        .into_iter()
        .filter_map(|id| seen.remove(&id).filter(|seen| !seen.excluded).map(|seen| (id, seen.links)))
        .collect()
}

struct Seen {
    links: CommitHeader,
    excluded: bool,
    queued: bool,
}

struct Walk<'a> {
    repo: &'a Repo,
    seen: HashMap<ObjectId, Seen>,
    next: BinaryHeap<(i64, ObjectId)>,
    /// How many queued commits are not excluded.
    open: usize,
    faults: &'a mut Vec<Fault>,
}

impl Walk<'_> {
    fn meet(&mut self, id: ObjectId, excluded: bool, child: Option<&ObjectId>) {
        let mut due = vec![id];
        while let Some(id) = due.pop() {
            if let Some(seen) = self.seen.get_mut(&id) {
                if excluded && !seen.excluded {
                    seen.excluded = true;
                    if seen.queued {
                        self.open -= 1;
                    } else {
                        // Its parents have been met as included.
                        due.extend(seen.links.parents.iter().copied());
                    }
                }
                continue;
            }
            match links(self.repo, &id) {
                Ok(links) => {
                    self.next.push((links.time, id));
                    self.open += usize::from(!excluded);
                    self.seen.insert(id, Seen { links, excluded, queued: true });
                }
                Err(ReadError::Missing) if child.is_some_and(|child| self.repo.is_boundary(child)) => {}
                // What is excluded is not looked at anyway.
                Err(_) if excluded => {}
                Err(_) => self.faults.push(unread(&id)),
            }
        }
    }
}
