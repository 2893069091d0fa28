//! Whether the objects of a git history may hold something that only opening them finds.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::{Unpack, carve, dmg, formats, iso, leveldb, squashfs, unread, zip};
use crate::blob::Prefilter;

/// What stands at the end of a container that may begin like anything, all looked for at once: the directory of a zip, and the trailers
/// of disk images and tables.
static ENDS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let tables = leveldb::MAGICS.iter().map(<[u8; 8]>::as_slice);
    // Only these are looked for with vectors.
    let mut builder = AhoCorasick::builder();
    builder.match_kind(MatchKind::LeftmostFirst).build([zip::END, dmg::KOLY].into_iter().chain(tables)).ok()
});

/// What this sink finds in a blob is what the one within finds, or what is packed in a container.
impl Prefilter for Unpack<'_> {
    fn may_match(&self, bytes: &[u8]) -> bool {
        let within = self.may_match_in_text(bytes);
        let at_end = || ENDS.as_ref().is_none_or(|ends| ends.is_match(bytes));
        within || self.limits.max_archive_depth > 0 && (at_end() || carve::may_match(bytes))
    }

    fn may_match_in_text(&self, bytes: &[u8]) -> bool {
        self.inner.prefilter().is_none_or(|prefilter| prefilter.may_match_in_text(bytes))
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
