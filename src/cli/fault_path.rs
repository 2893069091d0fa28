//! Which faults are left out: those of files that the user or the project leaves out, as their findings are.

use std::path::Path;

use super::detection::{Detection, label};
use crate::blob::Fault;
use crate::settings::{Input, Settings};

/// Decides about the faults of a run.
pub(super) struct FaultFilter<'a> {
    detection: &'a Detection,
    settings: &'a Settings,
    /// The names of the directories that are scanned, where there are several.
    roots: Vec<String>,
}

impl<'a> FaultFilter<'a> {
    pub(super) fn new(detection: &'a Detection, settings: &'a Settings) -> Self {
        let several = Input::paths(&settings.inputs).count() > 1;
        let directories = || Input::paths(&settings.inputs).filter(|path| path.is_dir());
        let roots = if several { directories().map(Path::new).map(label).collect() } else { Vec::new() };
        FaultFilter { detection, settings, roots }
    }

    /// Whether a fault counts.
    pub(super) fn keeps(&self, fault: &Fault) -> bool {
        let (root, path) = self.split(&fault.path);
        !is_in_tree(path)
            || !(self.settings.walk.exclude.file(root, path)
                || self.detection.suppressions.ignores_path(root, path))
    }

    /// The root that a path starts with, and the path below it.
    fn split<'p>(&self, path: &'p str) -> (Option<&str>, &'p str) {
        let below = |root: &str| path.strip_prefix(root.trim_end_matches('/'))?.strip_prefix('/');
        let found = self.roots.iter().filter_map(|root| Some((root.as_str(), below(root)?)));
        // One root may lie in another: the nearest is meant.
        let nearest = found.min_by_key(|(_, rest)| rest.len());
        nearest.map_or((None, path), |(root, path)| (Some(root), path))
    }
}

/// Whether a fault's path is that of a file in a tree, and no object's, ref's or pack's of a repository, which nobody may
/// leave out by a glob for files.
pub(super) fn is_in_tree(path: &str) -> bool {
    let is_id = |text: &str| text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (start, _) = path.split_once('!').unwrap_or((path, ""));
    let is = |separator: char, kinds: &[&str]| {
        start.rsplit_once(separator).is_some_and(|(word, id)| {
            is_id(id) && kinds.iter().any(|kind| word.rsplit([' ', '/']).next() == Some(kind))
        })
    };
    let by_id = is(' ', &["object", "commit"]) || is('/', &["blob"]);
    !(by_id
        || path == "refs"
        || path.ends_with(": refs")
        || path.starts_with('/') && path.contains("/objects/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_in_no_tree() {
        let id = "0".repeat(40);
        for path in [
            format!("object {id}"),
            format!("sub: object {id}"),
            format!("commit {id}"),
            format!("r/blob/{id}!m"),
            "refs".to_owned(),
            "/r/.git/objects/pack/a.pack".to_owned(),
        ] {
            assert!(!is_in_tree(&path), "{path}");
        }
        for path in ["a", "object", "objects/a", "a/objects/b", "blobs/sha256/x", "object x", "sub/refs"] {
            assert!(is_in_tree(path), "{path}");
        }
    }
}
