//! Whether the objects of a git history may hold something that only opening them finds.

use super::{Unpack, carve, dmg, formats, iso, leveldb, squashfs, unread, zip};
use crate::blob::Prefilter;

/// What this sink finds in a blob is what the one within finds, or what is packed in a container.
impl Prefilter for Unpack<'_> {
    fn may_match(&self, bytes: &[u8]) -> bool {
        let within = self.inner.prefilter().is_none_or(|prefilter| prefilter.may_match(bytes));
        // The directory of a zip may stand at the end of anything, and so may the trailers of disk images and tables.
        let at_end = || {
            [zip::END, dmg::KOLY].iter().any(|end| memchr::memmem::find(bytes, end).is_some())
                || leveldb::may_end(bytes)
        };
        within || self.limits.max_archive_depth > 0 && (at_end() || carve::may_match(bytes))
    }

    fn context(&self) -> usize {
        let within = self.inner.prefilter().map_or(0, Prefilter::context);
        within.max(zip::END.len()).max(dmg::KOLY.len()).max(carve::CONTEXT)
    }

    fn must_open(&self, head: &[u8]) -> bool {
        let is_known = || {
            formats::detect(head).is_some()
                || unread::by_head(head).is_some()
                || squashfs::is_behind(head)
                || iso::may_begin(head)
        };
        self.limits.max_archive_depth > 0 && is_known()
            || self.inner.prefilter().is_none_or(|prefilter| prefilter.must_open(head))
    }
}
