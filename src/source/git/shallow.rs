//! Where a shallow clone's history is cut off (gitglossary(7), "shallow repository").

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use gix::ObjectId;
use gix::bstr::ByteSlice as _;

/// The commits whose parents a shallow clone does not have, one id a line of `$GIT_DIR/shallow` (gitrepository-layout(5)).
pub(super) fn boundary(repo: &gix::Repository) -> Vec<ObjectId> {
    let file = repo.shallow_file().ok().and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
    let mut boundary: Vec<ObjectId> =
        file.lines().filter_map(|line| ObjectId::from_hex(line.trim()).ok()).collect();
    boundary.sort_unstable();
    boundary
}

/// How many ends [`descents`] takes at once.
pub(super) const MAX_ENDS: usize = 64;

/// For each of `commits` and of the commits that they lead to: which of `ends` it descends from, a bit each.
pub(super) fn descents<'a>(
    ends: &[ObjectId],
    commits: &[ObjectId],
    parents: &dyn Fn(&ObjectId) -> Option<&'a [ObjectId]>,
) -> HashMap<ObjectId, u64> {
    let mut descents: HashMap<ObjectId, u64> = HashMap::new();
    for commit in commits {
        let mut pending = vec![(*commit, false)];
        while let Some((id, after_parents)) = pending.pop() {
            let all = parents(&id).unwrap_or_default();
            if after_parents {
                let own = ends.iter().position(|end| *end == id).map_or(0, |n| 1 << n);
                let of_parents = all.iter().filter_map(|parent| descents.get(parent));
                let bits = of_parents.fold(own, |bits, more| bits | more);
                descents.insert(id, bits);
            } else if let Entry::Vacant(entry) = descents.entry(id) {
                // Entered now, so that a damaged graph with a cycle in it ends.
                entry.insert(0);
                pending.push((id, true));
                pending.extend(all.iter().map(|parent| (*parent, false)));
            }
        }
    }
    descents
}
