//! What a change adds: its new blobs and names are scanned.

use gix::ObjectId;

use super::error::ReadError;
use super::object_parts::scan_bytes;
use super::repo::Repo;
use super::tree_diff::{Added, TreeDiff};
use crate::blob::{Fault, FaultKind, LocationKind, Origin, Sink};
use crate::text::path_text;

/// A commit, a tagged tree or blob, or what is staged.
pub(super) struct Change {
    /// What the origins of its blobs have in common: commit, author and date.
    pub(super) template: Origin,
    pub(super) diff: TreeDiff,
}

impl Change {
    /// Scans what it adds.
    pub(super) fn scan(&self, repo: &Repo, sink: &dyn Sink) {
        for (dir, id, error) in &self.diff.unreadable {
            let path = path_text(&self.diff.graph.first_path(*dir, b""));
            sink.fault(fault(repo, &path, id, *error));
        }
        for added in &self.diff.added {
            if sink.stopped() {
                return;
            }
            if let Err(error) = repo.scan_blob(&added.id, sink, &|| self.origin(added)) {
                sink.fault(fault(repo, &self.first_path(added), &added.id, error));
            }
        }
        for (dir, name) in &self.diff.new_names {
            if sink.stopped() {
                return;
            }
            // Where the directory is the root, the name may be a path.
            let name = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
            scan_bytes(sink, name, &|| self.name_origin(*dir, name));
        }
    }

    fn name_origin(&self, dir: u32, name: &[u8]) -> Origin {
        let path = path_text(&self.diff.graph.first_path(dir, name));
        Origin {
            base: (path.len() - path_text(name).len()) as u64,
            path,
            kind: LocationKind::FileName,
            ..self.template.clone()
        }
    }

    /// A blob with more than one path has none for now, so that nothing is decided by the wrong one.
    fn origin(&self, added: &Added) -> Origin {
        let link = added.places.first().is_some_and(|place| place.link);
        Origin {
            path: if self.has_one_path(added) { self.first_path(added) } else { String::new() },
            kind: if link { LocationKind::SymlinkTarget } else { LocationKind::Content },
            object: Some(added.id.to_string()),
            ..self.template.clone()
        }
    }

    /// Whether a blob is added under one path only.
    pub(super) fn has_one_path(&self, added: &Added) -> bool {
        added.places.len() == 1 && !self.diff.graph.has_copies()
    }

    /// One of the paths of an added blob.
    pub(super) fn first_path(&self, added: &Added) -> String {
        let place = added.places.first();
        place.map_or_else(String::new, |place| path_text(&self.diff.graph.first_path(place.dir, &place.name)))
    }
}

fn fault(repo: &Repo, path: &str, id: &ObjectId, error: ReadError) -> Fault {
    let reason = match error {
        ReadError::Missing if repo.promisor().is_some() => format!(
            "its object {id} is not here: this is a partial clone, and a filter left it out; to fetch all of those, run: {}",
            repo.fetch_command(None)
        ),
        ReadError::Missing => {
            format!("its object {id} is missing; to fetch it, run: {}", repo.fetch_command(Some(id)))
        }
        ReadError::Damaged => format!("its object {id} is damaged; to see what else is, run: git fsck"),
    };
    Fault { path: path.to_owned(), kind: FaultKind::Unreadable, reason }
}
