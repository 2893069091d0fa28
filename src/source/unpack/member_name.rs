//! What a member of a container is called.

use std::cell::Cell;

use crate::blob::LocationKind;
use crate::text::path_text;

/// The most bytes of a member's name that are shown.
const MAX_NAME: usize = 4096;

/// A member's name as it is shown, and what kind of content has that name.
pub(super) struct MemberName {
    text: String,
    /// All of it, where that is longer than what is shown.
    whole: Option<String>,
    kind: LocationKind,
    scanned: Cell<bool>,
}

impl MemberName {
    /// A name as it stands in the container, in whatever encoding.
    pub(super) fn new(raw: &[u8]) -> Self {
        Self::from_text(path_text(raw))
    }

    pub(super) fn from_text(mut text: String) -> Self {
        let mut whole = None;
        if text.len() > MAX_NAME {
            whole = Some(text.clone());
            text.truncate(text.floor_char_boundary(MAX_NAME));
            text.push('…');
        }
        MemberName { text, whole, kind: LocationKind::Content, scanned: Cell::new(false) }
    }

    /// As it is shown.
    pub(super) fn shown(&self) -> &str {
        &self.text
    }

    /// All of it.
    pub(super) fn whole(&self) -> &str {
        self.whole.as_ref().unwrap_or(&self.text)
    }

    pub(super) fn kind(&self) -> LocationKind {
        self.kind
    }

    /// Whether the name itself was scanned.
    pub(super) fn is_scanned(&self) -> bool {
        self.scanned.get()
    }

    pub(super) fn mark_scanned(&self) {
        self.scanned.set(true);
    }

    /// The same name, for a member whose content is the target of a link.
    pub(super) fn of_link(self) -> Self {
        MemberName { kind: LocationKind::SymlinkTarget, ..self }
    }
}
