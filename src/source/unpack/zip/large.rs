//! The members of a zip that are large by what its directory states: they come last, the smallest first, so that none of them
//! uses up what the small ones need.

use super::record::Entry;
use crate::source::unpack::open_container::MemberName;

/// Larger ones come last, in bytes.
const SMALL: u64 = 1024 * 1024;
/// How many bytes may be kept of those that come last.
const MAX_KEPT: usize = 2 * 1024 * 1024;

/// A member that the directory lists.
pub(super) struct Listed {
    pub(super) entry: Entry,
    pub(super) name: MemberName,
    /// Where its entry begins.
    pub(super) entry_offset: u64,
    /// Where its own header begins.
    pub(super) offset: u64,
}

/// Those that come last.
#[derive(Default)]
pub(super) struct Large {
    members: Vec<Listed>,
    kept: usize,
}

impl Large {
    /// Keeps a member for later, and gives back one that is small.
    pub(super) fn put_off(&mut self, mut listed: Listed) -> Option<Listed> {
        if listed.entry.size.max(listed.entry.packed) <= SMALL {
            return Some(listed);
        }
        listed.entry.comment = Vec::new();
        self.kept += size_of::<Listed>() + 3 * listed.entry.name.len() + listed.entry.extra.len();
        self.members.push(listed);
        None
    }

    /// Whether no more should be kept.
    pub(super) fn is_full(&self) -> bool {
        self.kept > MAX_KEPT
    }

    /// All of them, the smallest first.
    pub(super) fn take(&mut self) -> Vec<Listed> {
        let mut members = std::mem::take(self).members;
        members.sort_by_key(|listed| listed.entry.size);
        members
    }
}
