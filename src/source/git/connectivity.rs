//! Whether all is here that the refs lead to, as git-fsck(1) asks: what is missing was not scanned.

use std::collections::HashSet;

use gix::ObjectId;

use super::commit::{CommitHeader, tag_target};
use super::object::{Kind, Mode, tree_entries};
use super::odb::ObjectDb;
use super::refs;
use super::repo::Repo;
use crate::blob::{Fault, FaultKind};
use crate::text::path_text;

/// An object that is not here, and what names it.
#[derive(Clone, Copy)]
struct Link {
    id: ObjectId,
    named_by: Option<ObjectId>,
}

impl Repo {
    /// What the first object is that a ref leads to and that is not here; none where a history is complete, apart from
    /// what a shallow or partial clone does not have. `stopped` ends it early. It reads every commit and every tree.
    pub fn missing_object(&self, stopped: &dyn Fn() -> bool) -> Option<String> {
        let odb = self.object_db();
        let tips = refs::all(self).into_iter().map(|(_, id)| id);
        let head = refs::head(self).ok().flatten();
        let mut pending: Vec<Link> = tips.chain(head).map(|id| Link { id, named_by: None }).collect();
        let (mut visited, mut bytes) = (HashSet::new(), Vec::new());
        while let Some(link) = pending.pop() {
            if stopped() {
                return None;
            }
            if !visited.insert(link.id) {
                continue;
            }
            if !odb.contains(&link.id) {
                return Some(self.say_missing(link));
            }
            // What is here and cannot be read is told by the scan.
            let Ok(kind) = self.read(&link.id, &mut bytes) else { continue };
            let link_to = |id| Link { id, named_by: Some(link.id) };
            let (further, blobs) = self.named_by(kind, &link.id, &bytes);
            // Blobs lead nowhere, and need not be read.
            let lost = blobs.into_iter().find(|id| visited.insert(*id) && !odb.contains(id));
            if let Some(id) = lost {
                return Some(self.say_missing(link_to(id)));
            }
            pending.extend(further.into_iter().map(link_to));
        }
        None
    }

    /// What an object names: what leads further, and blobs.
    fn named_by(&self, kind: Kind, id: &ObjectId, bytes: &[u8]) -> (Vec<ObjectId>, Vec<ObjectId>) {
        let (mut further, mut blobs) = (Vec::new(), Vec::new());
        match kind {
            Kind::Blob => {}
            Kind::Tag => further.extend(tag_target(bytes)),
            Kind::Commit => {
                let header = CommitHeader::parse(bytes);
                further.extend(header.iter().map(|header| header.tree));
                if !self.is_shallow_boundary(id) {
                    further.extend(header.into_iter().flat_map(|header| header.parents));
                }
            }
            Kind::Tree => {
                for entry in tree_entries(bytes, self.hash()) {
                    match entry.mode {
                        Mode::Submodule => {}
                        Mode::Tree => further.push(entry.id.to_owned()),
                        Mode::File | Mode::Link => blobs.push(entry.id.to_owned()),
                    }
                }
            }
        }
        (further, blobs)
    }

    fn say_missing(&self, Link { id, named_by }: Link) -> String {
        let named_by = named_by.map_or_else(|| "a ref".to_owned(), |id| id.to_string());
        format!(
            "its object {id}, which {named_by} names, is missing; to see what else is, run: git fsck; to fetch it, run: {}",
            self.fetch_command(Some(&id))
        )
    }

    /// The refs whose objects are not here.
    pub(super) fn missing_tips(&self, odb: &ObjectDb) -> Vec<Fault> {
        let missing = refs::all(self).into_iter().filter(|(_, id)| !odb.contains(id));
        let fault = |(name, id): (Vec<u8>, ObjectId)| Fault {
            path: path_text(&name),
            kind: FaultKind::Unreadable,
            reason: self.say_missing(Link { id, named_by: None }),
        };
        missing.map(fault).collect()
    }
}
