//! What is to be fetched of one repository.

use crate::source::github::{MirrorPlace, RepositoryName};

/// What is to be looked at in one repository.
pub(super) struct Wanted<'a> {
    /// Where its mirror is.
    pub(super) place: Option<MirrorPlace>,
    /// Requests for merging, too.
    pub(super) pulls: bool,
    /// What was deleted in this repository, too.
    pub(super) deleted: Option<&'a RepositoryName>,
    /// How many bytes the API says it has.
    pub(super) size: u64,
    /// Whether there may be nothing in it.
    pub(super) may_be_empty: bool,
    /// Whether it may never have been written.
    pub(super) may_be_missing: bool,
}

impl Wanted<'_> {
    /// All of what is small and has only branches; there is something in it.
    pub(super) fn whole(place: Option<MirrorPlace>) -> Self {
        Wanted { place, pulls: false, deleted: None, size: 0, may_be_empty: false, may_be_missing: false }
    }
}
