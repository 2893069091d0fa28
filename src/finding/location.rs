//! Where a token was found. Runs find a million of them: what few locations have is apart.

use std::cmp::Ordering;
use std::sync::Arc;

use super::claim::Claim;
use super::suppression::Suppression;
use crate::blob::{LocationKind, Origin};

/// Where a token was found.
///
/// The order (path, kind, commit, object, offset) is the order of reports.
#[derive(Clone, Debug)]
pub struct Location {
    /// Relative to the scanned root, tokens in it redacted.
    pub path: Arc<str>,
    /// What part of the file or git object it was found in.
    pub kind: LocationKind,
    /// Byte offset of the token, or of the encoded text that contains it.
    pub offset: u64,
    /// From 1.
    pub line: u64,
    /// From 1, in bytes.
    pub column: u64,
    /// None where all of it is empty.
    details: Option<Box<LocationDetails>>,
}

/// What only some locations have.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocationDetails {
    /// The commit that introduced it, in hex.
    pub commit: Option<String>,
    /// The git object that contains it, in hex.
    pub object: Option<String>,
    /// The encodings that were decoded, outermost first.
    pub decoded: Vec<&'static str>,
    /// The commit's author.
    pub author: Option<String>,
    /// The commit's date, RFC 3339.
    pub date: Option<String>,
    /// The scanned root, where a run has more than one.
    pub root: Option<String>,
    /// What suppresses the token at this location, and only here.
    pub suppressed: Option<Suppression>,
    /// Whether what another shard has found may rule it out.
    pub claim: Option<Claim>,
    /// Where it is in a browser.
    pub url: Option<String>,
    /// The pull request that its commit is in, and no branch: its address in a browser.
    pub pull_request: Option<String>,
}

static NO_DETAILS: LocationDetails = LocationDetails {
    commit: None,
    object: None,
    decoded: Vec::new(),
    author: None,
    date: None,
    root: None,
    suppressed: None,
    claim: None,
    url: None,
    pull_request: None,
};

impl Location {
    /// A location within a blob; `offset` (from 0), `line` and `column` (both from 1) are the token's own.
    pub fn new(origin: Origin, offset: u64, line: u64, column: u64, decoded: Vec<&'static str>) -> Self {
        let details = LocationDetails {
            commit: origin.commit,
            object: origin.object,
            decoded,
            author: origin.author,
            date: origin.date,
            root: origin.root,
            url: origin.url,
            ..LocationDetails::default()
        };
        Location {
            path: origin.path.into(),
            kind: origin.kind,
            offset: offset + origin.base,
            line: line + origin.lines_before,
            column: if line == 1 { column + origin.base } else { column },
            details: (details != NO_DETAILS).then(|| Box::new(details)),
        }
    }

    /// Another location in the same blob, of which this is the first byte.
    #[must_use]
    pub fn within(&self, offset: u64, line: u64, column: u64, decoded: &[&'static str]) -> Self {
        let mut location = self.clone();
        (location.offset, location.line) = (offset + self.offset, line + self.line - 1);
        location.column = if line == 1 { column + self.offset } else { column };
        if !decoded.is_empty() {
            location.details_mut().decoded = decoded.to_vec();
        }
        location
    }

    /// What only some locations have.
    pub fn details(&self) -> &LocationDetails {
        self.details.as_deref().unwrap_or(&NO_DETAILS)
    }

    /// The same, to be changed.
    pub fn details_mut(&mut self) -> &mut LocationDetails {
        self.details.get_or_insert_default()
    }

    /// The location, with its details changed.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn with(mut self, change: impl FnOnce(&mut LocationDetails)) -> Self {
        change(self.details_mut());
        self
    }
}

impl Ord for Location {
    fn cmp(&self, other: &Self) -> Ordering {
        let (ours, theirs) = (self.details(), other.details());
        (&self.path, self.kind, &ours.commit, &ours.object)
            .cmp(&(&other.path, other.kind, &theirs.commit, &theirs.object))
            .then_with(|| self.offset.cmp(&other.offset))
            .then_with(|| (self.line, self.column).cmp(&(other.line, other.column)))
            .then_with(|| ours.cmp(theirs))
    }
}

impl PartialOrd for Location {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Location {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Location {}
