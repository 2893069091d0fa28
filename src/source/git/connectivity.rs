//! Whether all is here that the refs lead to, as git-fsck(1) asks: what is missing was not scanned.

use gix::ObjectId;

use super::reachable::{Next, walk};
use super::refs;
use super::repo::Repo;

impl Repo {
    /// What the first object is that a ref leads to and that is not here; none where a history is complete, apart from
    /// what a shallow or partial clone does not have. `stopped` ends it early. It reads every commit and every tree.
    pub fn missing_object(&self, stopped: &dyn Fn() -> bool) -> Option<String> {
        let odb = self.object_db();
        let tips = refs::all(self).into_iter().map(|(_, id)| id);
        let head = refs::head(self).ok().flatten();
        let mut missing = None;
        walk(self, tips.chain(head), &mut |link| {
            if stopped() {
                Next::Stop
            } else if odb.contains(&link.id) {
                Next::GoOn
            } else if link.is_parent && link.named_by.is_some_and(|id| self.is_shallow_boundary(&id)) {
                Next::PassBy
            } else {
                let named_by = link.named_by.map_or_else(|| "a ref".to_owned(), |id| id.to_string());
                missing = Some(self.say_missing(&link.id, &named_by));
                Next::Stop
            }
        });
        missing
    }

    /// Says that an object is not here, and what names it.
    pub(super) fn say_missing(&self, id: &ObjectId, named_by: &str) -> String {
        format!(
            "its object {id}, which {named_by} names, is missing; to see what else is, run: git fsck; to fetch it, run: {}",
            self.fetch_command(Some(id))
        )
    }
}
