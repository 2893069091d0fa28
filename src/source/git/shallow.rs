//! Where a shallow clone's history is cut off (gitglossary(7), "shallow repository").

use gix::ObjectId;
use gix::bstr::ByteSlice as _;

/// The commits whose parents a shallow clone does not have, one id a line of `$GIT_DIR/shallow` (gitrepository-layout(5)).
pub(super) fn boundary(repo: &gix::Repository) -> Vec<ObjectId> {
    let file = repo.shallow_file().ok().and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
    file.lines().filter_map(|line| ObjectId::from_hex(line.trim()).ok()).collect()
}
