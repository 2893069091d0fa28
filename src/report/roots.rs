//! What the scanned roots are called: as they were given, from the working directory, and wherever a run was started.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::blob::{Fault, LocationKind, STDIN};
use crate::finding::Location;

/// Standard input as a root, as it is given.
const DASH: &str = "-";

/// A scanned root. Tokens in its names are redacted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// As it was given.
    pub given: String,
    /// As locations name it where there are several.
    pub name: String,
    /// Whether it is no directory: its locations then have it as their path.
    pub is_file: bool,
    /// From the working directory: `sub`, `../other`, `/srv`; empty for the working directory itself.
    pub shown: String,
    /// The working directory's path below the root, ending in `/`: empty where it is not below it.
    pub inside: String,
    /// From the top of its repository, or else from what all roots have in common: the same wherever the run was started.
    pub stable: String,
}

/// The roots of a run.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    all: Vec<Root>,
    by_name: HashMap<String, usize>,
    /// Whether they are names of repositories and no directories: every location and fault has its own in front.
    are_names: bool,
}

impl Root {
    /// A path below the root as people in the working directory call it.
    fn path(&self, below: &str) -> String {
        match below.strip_prefix(&*self.inside) {
            Some(nearer) if !self.inside.is_empty() => nearer.to_owned(),
            _ => joined(&self.shown, below),
        }
    }
}

impl Roots {
    /// The roots of a run, in their order.
    pub fn new(roots: Vec<Root>) -> Self {
        let by_name = roots.iter().enumerate().rev().map(|(n, root)| (root.name.clone(), n)).collect();
        Roots { all: roots, by_name, are_names: false }
    }

    /// The roots of a sweep of repositories: the names that its locations and faults begin with, which are no directories
    /// here. A location may have a name that is not among them.
    pub fn of_names(names: impl IntoIterator<Item = String>) -> Self {
        let root = |name: String| Root {
            given: name.clone(),
            shown: name.clone(),
            stable: name.clone(),
            name,
            ..Root::default()
        };
        Roots { are_names: true, ..Roots::new(names.into_iter().map(root).collect()) }
    }

    /// Whether they are names of repositories.
    pub(super) const fn are_names(&self) -> bool {
        self.are_names
    }

    /// All of them.
    pub(super) fn all(&self) -> &[Root] {
        &self.all
    }

    /// The root of a location, as it was given.
    pub(super) fn given<'a>(&'a self, location: &'a Location) -> &'a str {
        if self.are_names {
            return location.details().root.as_deref().unwrap_or_default();
        }
        if *location.path == *STDIN {
            return DASH;
        }
        self.of(location).map_or("", |(root, _)| &root.given)
    }

    /// A location's path from the working directory: what editors, code hosts and people there call the file.
    pub(super) fn path(&self, location: &Location) -> String {
        if self.are_names {
            return named(location, &location.path);
        }
        // A message and a ref are below no directory.
        let in_tree = matches!(
            location.kind,
            LocationKind::Content | LocationKind::FileName | LocationKind::SymlinkTarget
        );
        if location.path.is_empty() || !in_tree {
            return location.path.to_string();
        }
        match self.of(location) {
            Some((root, Below::Directory)) => root.path(&location.path),
            Some((root, Below::File(member))) => format!("{}{member}", root.shown),
            None => location.path.to_string(),
        }
    }

    /// The path of a file that the repository of a location has, such as `.git/objects/00/…`.
    pub(super) fn path_in_repository(&self, location: &Location, path: &str) -> String {
        if self.are_names {
            return named(location, path);
        }
        self.of(location).map_or_else(|| path.to_owned(), |(root, _)| root.path(path))
    }

    /// A location's path, the same wherever the run was started.
    pub(super) fn stable(&self, location: &Location) -> String {
        if self.are_names {
            return named(location, &location.path);
        }
        match self.of(location) {
            Some((root, Below::Directory)) => joined(&root.stable, &location.path),
            Some((root, Below::File(member))) => format!("{}{member}", root.stable),
            None => location.path.to_string(),
        }
    }

    /// The path of what could not be read, from the working directory.
    pub fn fault_path(&self, fault: &Fault) -> String {
        let path = &*fault.path;
        if self.are_names {
            return path.to_owned();
        }
        if let Some((root, member)) = self.file(path) {
            return format!("{}{member}", root.shown);
        }
        if let Some(n) = self.by_name.get(path) {
            let shown = &*self.all[*n].shown;
            return if shown.is_empty() { "." } else { shown }.to_owned();
        }
        // An object of a history is in no file.
        if path == STDIN || path.starts_with(['/', '(']) || path.contains("object ") {
            return path.to_owned();
        }
        let mut directories = self.all.iter().filter(|root| !root.is_file);
        match (directories.next(), directories.next()) {
            (Some(only), None) if self.all.len() == 1 => only.path(path),
            _ => {
                let below = |root: &Root| {
                    let rest = path.strip_prefix(&*root.name)?.strip_prefix('/')?;
                    Some(root.path(rest))
                };
                self.all.iter().find_map(below).unwrap_or_else(|| path.to_owned())
            }
        }
    }

    /// The root of a location, and how the location's path continues it.
    fn of<'l>(&self, location: &'l Location) -> Option<(&Root, Below<'l>)> {
        if let Some(name) = &location.details().root {
            return self.by_name.get(name).map(|n| (&self.all[*n], Below::Directory));
        }
        if *location.path == *STDIN {
            return None;
        }
        if let Some((root, member)) = self.file(&location.path) {
            return Some((root, Below::File(member)));
        }
        self.all.iter().find(|root| !root.is_file).map(|root| (root, Below::Directory))
    }

    /// The root that is the file at this path, or the container of it, and the path of the member.
    fn file<'p>(&self, path: &'p str) -> Option<(&Root, &'p str)> {
        let ends = path.match_indices('!').map(|(at, _)| at).chain([path.len()]);
        ends.map(|end| path.split_at(end)).find_map(|(file, member)| {
            let root = &self.all[*self.by_name.get(file)?];
            root.is_file.then_some((root, member))
        })
    }
}

/// How a location's path continues its root.
enum Below<'l> {
    /// It starts at the root.
    Directory,
    /// The root is the file itself; what stands behind it names a member.
    File(&'l str),
}

/// A path below the repository of a location, behind its name.
fn named(location: &Location, path: &str) -> String {
    match location.details().root.as_deref() {
        Some(root) if path.is_empty() => root.to_owned(),
        Some(root) => format!("{root}/{path}"),
        None => path.to_owned(),
    }
}

fn joined(directory: &str, path: &str) -> String {
    match directory {
        "" => path.to_owned(),
        _ if path.starts_with('/') => path.to_owned(),
        directory => format!("{}/{path}", directory.trim_end_matches('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::{FaultKind, Origin};

    fn root(given: &str, shown: &str, inside: &str, stable: &str) -> Root {
        let text = str::to_owned;
        Root {
            given: text(given),
            name: text(given.trim_end_matches('/')),
            is_file: given.contains('.') && !given.starts_with(['.', '/']),
            shown: text(shown),
            inside: text(inside),
            stable: text(stable),
        }
    }

    fn location(path: &str, root: Option<&str>) -> Location {
        Location::new(Origin { root: root.map(str::to_owned), ..Origin::file(path) }, 0, 1, 1, Vec::new())
    }

    fn names(roots: &Roots, path: &str, root: Option<&str>) -> (String, String, String) {
        let location = location(path, root);
        (roots.path(&location), roots.given(&location).to_owned(), roots.stable(&location))
    }

    fn of(shown: &str, given: &str, stable: &str) -> (String, String, String) {
        (shown.to_owned(), given.to_owned(), stable.to_owned())
    }

    #[test]
    fn one_root_needs_no_name_in_locations() {
        let roots = Roots::new(vec![root("./sub/", "sub", "", "")]);
        assert_eq!(names(&roots, "a/b", None), of("sub/a/b", "./sub/", "a/b"));
        assert_eq!(names(&roots, STDIN, None), of(STDIN, "-", STDIN));
        let here = Roots::new(vec![root(".", "", "", "deep")]);
        assert_eq!(names(&here, "a", None), of("a", ".", "deep/a"));
    }

    #[test]
    fn from_within_a_root_paths_are_shorter_or_lead_up() {
        let roots = Roots::new(vec![root("..", "..", "sub/", "")]);
        assert_eq!(names(&roots, "sub/a", None), of("a", "..", "sub/a"));
        assert_eq!(names(&roots, "subway/a", None), of("../subway/a", "..", "subway/a"));
    }

    #[test]
    fn what_is_no_file_has_no_directory() {
        let roots = Roots::new(vec![root("r", "r", "", "")]);
        for kind in [LocationKind::CommitMessage, LocationKind::TagMessage, LocationKind::RefName] {
            let mut location = location("commit/00ff", None);
            location.kind = kind;
            assert_eq!(roots.path(&location), "commit/00ff");
        }
    }

    #[test]
    fn several_roots_are_told_apart_by_their_names() {
        let roots = Roots::new(vec![
            root("./one/", "one", "", "one"),
            root("/srv", "/srv", "", "srv"),
            root("./f.zip", "f.zip", "", "f.zip"),
        ]);
        assert_eq!(names(&roots, "a", Some("./one")), of("one/a", "./one/", "one/a"));
        assert_eq!(names(&roots, "a", Some("/srv")), of("/srv/a", "/srv", "srv/a"));
        let roots = Roots::new(vec![root("b!c.zip", "b!c.zip", "", "b!c.zip")]);
        assert_eq!(names(&roots, "b!c.zip!in/x", None), of("b!c.zip!in/x", "b!c.zip", "b!c.zip!in/x"));
    }

    #[test]
    fn names_of_repositories_are_in_front_of_everything() {
        let roots = Roots::of_names((0..5000).map(|n| format!("octo/r{n}")));
        assert_eq!(names(&roots, "a", Some("octo/r7")), of("octo/r7/a", "octo/r7", "octo/r7/a"));
        assert_eq!(names(&roots, "", Some("octo/r7")), of("octo/r7", "octo/r7", "octo/r7"));
        // What nobody has listed, such as a wiki.
        assert_eq!(
            names(&roots, "a", Some("octo/x.wiki")),
            of("octo/x.wiki/a", "octo/x.wiki", "octo/x.wiki/a")
        );
        let mut message = location("commit/00ff", Some("octo/r1"));
        message.kind = LocationKind::CommitMessage;
        assert_eq!(roots.path(&message), "octo/r1/commit/00ff");
        assert_eq!(roots.path_in_repository(&message, ".git/x"), "octo/r1/.git/x");
        let fault = |path: &str| {
            let (kind, reason) = (FaultKind::Unreadable, String::new());
            roots.fault_path(&Fault { path: path.to_owned(), kind, reason })
        };
        assert_eq!((fault("octo/r7"), fault("octo/r8/a")), ("octo/r7".to_owned(), "octo/r8/a".to_owned()));
        let one = Roots::of_names(["octo/a".to_owned()]);
        assert_eq!(names(&one, "b", Some("octo/a")), of("octo/a/b", "octo/a", "octo/a/b"));
    }

    #[test]
    fn what_could_not_be_read_is_named_the_same_way() {
        let path = |roots: &Roots, path: &str| {
            let fault = Fault { path: path.to_owned(), kind: FaultKind::Damaged, reason: String::new() };
            roots.fault_path(&fault)
        };
        let one = Roots::new(vec![root("./m1", "m1", "", "")]);
        assert_eq!(path(&one, "a/b"), "m1/a/b");
        assert_eq!(path(&one, "object 00ff"), "object 00ff");
        let two = Roots::new(vec![root("./m1", "m1", "", ""), root("/srv", "/srv", "", "")]);
        assert_eq!(path(&two, "./m1/a"), "m1/a");
        assert_eq!(path(&two, "/srv/a"), "/srv/a");
        assert_eq!((path(&two, "./m1"), path(&one, "./m1")), ("m1".to_owned(), "m1".to_owned()));
    }
}
