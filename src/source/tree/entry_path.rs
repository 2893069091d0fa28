//! The path of an entry, as reports show it.

use std::ffi::OsStr;
use std::path::{MAIN_SEPARATOR, Path, PathBuf, is_separator};

use ignore::DirEntry;

use super::exclude::Exclude;
use crate::blob::{Blob, Body, Fault, FaultKind, LocationKind, MIN_TOKEN_LEN, Origin, Sink};
use crate::shard::Shard;
use crate::text::path_text;

/// The path of an entry, as reports show it. Split into its parts only on demand: few entries have a finding.
pub(super) struct EntryPath<'a> {
    path: &'a Path,
    /// How many of its components are below the root; 0 where the path is a root itself, or below none.
    depth: usize,
    several_roots: bool,
}

impl<'a> EntryPath<'a> {
    pub(super) fn of(entry: &'a DirEntry, several_roots: bool) -> Self {
        EntryPath { path: entry.path(), depth: entry.depth(), several_roots }
    }

    /// A path that was named.
    pub(super) fn named(path: &'a Path, several_roots: bool) -> Self {
        EntryPath { path, depth: 0, several_roots }
    }

    /// The path of an error, which comes without an entry.
    pub(super) fn below(roots: &[PathBuf], path: &'a Path, several_roots: bool) -> Self {
        let inside = roots.iter().find_map(|root| path.strip_prefix(root).ok());
        let depth = inside.map_or(0, |inside| inside.components().count());
        EntryPath { path, depth, several_roots }
    }

    /// The root, where there are several and this is none of them, and the path below it.
    fn parts(&self) -> (Option<&'a Path>, &'a Path) {
        match self.path.ancestors().nth(self.depth).filter(|_| self.depth > 0) {
            Some(root) => {
                (self.several_roots.then_some(root), self.path.strip_prefix(root).unwrap_or(self.path))
            }
            None => (None, self.path),
        }
    }

    /// The path below the root; the path as given where the root is no directory.
    pub(super) fn relative(&self) -> &'a Path {
        self.parts().1
    }

    /// Whether it is left out. The directories above an entry that a walk has come to are not; those above a file that was
    /// named may be.
    pub(super) fn is_excluded(&self, exclude: &Exclude, is_dir: bool) -> bool {
        if exclude.is_empty() {
            return false;
        }
        let named = self.depth == 0;
        // No pattern matches the directory that it is relative to, whatever that is called.
        if named && is_dir {
            return false;
        }
        if exclude.walked(self.relative(), is_dir) {
            return true;
        }
        if !named && !exclude.by_projects() {
            return false;
        }
        let Origin { root, path, .. } = self.origin();
        exclude.entry(root.as_deref(), &path, is_dir)
    }

    /// Whether it belongs to a shard: by its path below the root, so that it does on every machine, wherever the root is there.
    /// Of a root that is no directory, that is its name.
    pub(super) fn is_in(&self, shard: Option<Shard>) -> bool {
        let Some(shard) = shard else { return true };
        let path = if self.depth == 0 { last_part(self.path) } else { os_bytes(self.relative().as_os_str()) };
        if MAIN_SEPARATOR == '/' {
            return shard.owns_name(path);
        }
        let path: Vec<u8> =
            path.iter().map(|byte| if is_separator(char::from(*byte)) { b'/' } else { *byte }).collect();
        shard.owns_name(&path)
    }

    pub(super) fn origin(&self) -> Origin {
        let (root, relative) = self.parts();
        let root = root.map(|root| path_text(os_bytes(root.as_os_str())));
        Origin { root, ..Origin::file(path_text(os_bytes(relative.as_os_str()))) }
    }

    /// Reports that it could not be read.
    pub(super) fn fault(&self, reason: &dyn ToString, sink: &dyn Sink) {
        self.report(FaultKind::Unreadable, reason, sink);
    }

    /// Reports that it was not read.
    pub(super) fn report(&self, kind: FaultKind, reason: &dyn ToString, sink: &dyn Sink) {
        let path = if self.several_roots { self.path } else { self.relative() };
        let path = path_text(os_bytes(path.as_os_str()));
        sink.fault(Fault { path, kind, reason: reason.to_string() });
    }

    /// Scans the name of a file or directory; the path above it is other entries' names.
    pub(super) fn scan_name(&self, entry: &DirEntry, sink: &dyn Sink) {
        if entry.depth() > 0 && last_part(entry.path()).len() < MIN_TOKEN_LEN {
            return;
        }
        let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
        if entry.depth() > 0 || !is_dir {
            self.scan_last_part(entry.file_name(), sink);
        }
    }

    /// Scans the last part of a path that was named.
    pub(super) fn scan_own_name(&self, sink: &dyn Sink) {
        if let Some(name) = self.path.file_name() {
            self.scan_last_part(name, sink);
        }
    }

    fn scan_last_part(&self, name: &OsStr, sink: &dyn Sink) {
        let name = os_bytes(name);
        if name.len() < MIN_TOKEN_LEN {
            return;
        }
        let origin = || {
            let base = os_bytes(self.relative().as_os_str()).len().saturating_sub(name.len()) as u64;
            Origin { kind: LocationKind::FileName, base, ..self.origin() }
        };
        sink.blob(Blob { body: Body::Whole(name), origin: &origin });
    }
}

/// What stands behind the last separator: the name of whatever a walk comes to. It is looked at for every file, and to take
/// a path apart costs much more.
pub(super) fn last_part(path: &Path) -> &[u8] {
    let bytes = os_bytes(path.as_os_str());
    let start = bytes.iter().rposition(|byte| is_separator(char::from(*byte))).map_or(0, |at| at + 1);
    &bytes[start..]
}

fn os_bytes(text: &OsStr) -> &[u8] {
    text.as_encoded_bytes()
}
