//! What a merge that is being made merges: only what none of its parents has is its own.

use gix::ObjectId;

use super::commit::CommitHeader;
use super::error::Error;
use super::object::Kind;
use super::refs;
use super::repo::Repo;

/// When a merge is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Merge {
    /// Its commit is made by hand, after a conflict or `--no-commit`: `MERGE_HEAD` has the commits that are merged
    /// (gitrevisions(7)). Without one, nothing is merged.
    Concluded,
    /// `git merge` is about to commit by itself.
    Automatic,
}

/// The trees of `HEAD`, where there is one, and of the commits that are merged into it.
pub(super) fn parent_trees(repo: &Repo, merge: Merge) -> Result<Vec<ObjectId>, Error> {
    let unreadable = |reason: String| Error::Head { path: repo.root().to_owned(), reason };
    let mut commits: Vec<ObjectId> = refs::head(repo).map_err(unreadable)?.into_iter().collect();
    commits.extend(concluded(repo).map_err(unreadable)?);
    // What is named to the hooks of a merge may be of another repository, where one of them calls git there.
    let named = if merge == Merge::Automatic { Repo::heads_in_environment() } else { Vec::new() };
    let mut bytes = Vec::new();
    commits.extend(named.into_iter().filter(|id| repo.read_as(Kind::Commit, id, &mut bytes).is_ok()));
    let tree = |id: ObjectId| {
        let mut bytes = Vec::new();
        repo.read_as(Kind::Commit, &id, &mut bytes)
            .map_err(|_| unreadable(format!("its commit {id} is missing or damaged")))?;
        let header = CommitHeader::parse(&bytes);
        header.map(|header| header.tree).ok_or_else(|| unreadable(format!("its commit {id} is damaged")))
    };
    let mut trees: Vec<ObjectId> = Vec::new();
    for id in commits {
        let tree = tree(id)?;
        if !trees.contains(&tree) {
            trees.push(tree);
        }
    }
    Ok(trees)
}

/// The commits in `MERGE_HEAD`, one a line.
fn concluded(repo: &Repo) -> Result<Vec<ObjectId>, String> {
    let file = repo.inner.git_dir().join("MERGE_HEAD");
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(format!("MERGE_HEAD cannot be read: {error}")),
    };
    let ids = text.lines().filter(|line| !line.trim().is_empty()).map(|line| {
        ObjectId::from_hex(line.trim().as_bytes())
            .map_err(|_| "MERGE_HEAD holds no ids of commits".to_owned())
    });
    ids.collect()
}
