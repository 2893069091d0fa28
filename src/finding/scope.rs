//! Which of a run's inputs something holds for.

use std::borrow::Cow;
use std::collections::HashMap;

/// The inputs of a run that lie in one project, and where in it they lie.
///
/// A project's configuration speaks of paths from its own top. Locations name paths as the inputs were given: a file by its
/// whole name, what is in a directory from there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Directories by their names in locations, none where it is the only input; each with its path from the top.
    directories: Vec<(Option<String>, String)>,
    /// Files by their names, each with its path from the top.
    files: HashMap<String, String>,
}

impl Scope {
    /// That of one directory, which is the top itself.
    pub fn of_directory(name: Option<&str>) -> Self {
        let mut scope = Scope::default();
        scope.add_directory(name.map(str::to_owned), String::new());
        scope
    }

    /// Adds a directory that is at `inside` from the top.
    pub fn add_directory(&mut self, name: Option<String>, inside: String) {
        self.directories.push((name, inside));
    }

    /// Adds a file that is at `inside` from the top.
    pub fn add_file(&mut self, name: String, inside: String) {
        self.files.insert(name, inside);
    }

    /// Whether a location with this root and path lies in one of the inputs.
    pub fn contains(&self, root: Option<&str>, path: &str) -> bool {
        self.names_file(root, path) || self.directory(root).is_some()
    }

    /// The path from the top, of a location with this root and path; none where it is not in the project. A path that is
    /// not known yet is empty, and stays so.
    pub fn path_in<'p>(&self, root: Option<&str>, path: &'p str) -> Option<Cow<'p, str>> {
        if root.is_none()
            && let Some((inside, member)) = self.file(path)
        {
            return Some(Cow::Owned(format!("{inside}{member}")));
        }
        let inside = self.directory(root).filter(|_| !path.starts_with('/'))?;
        Some(match (inside, path) {
            ("", _) | (_, "") => Cow::Borrowed(path),
            _ => Cow::Owned(format!("{inside}/{path}")),
        })
    }

    /// Whether this is the name of one of the files, or of a member of it.
    pub fn names_file(&self, root: Option<&str>, path: &str) -> bool {
        root.is_none() && self.file(path).is_some()
    }

    /// The path from the top of the file that this is, or a member of; and the rest, which leads into the file.
    fn file<'s, 'p>(&'s self, path: &'p str) -> Option<(&'s str, &'p str)> {
        if self.files.is_empty() {
            return None;
        }
        // Names of files have exclamation marks, too.
        let mut ends = std::iter::once(path.len()).chain(path.rmatch_indices('!').map(|(index, _)| index));
        ends.find_map(|end| Some((self.files.get(path.get(..end)?)?.as_str(), path.get(end..)?)))
    }

    fn directory(&self, root: Option<&str>) -> Option<&str> {
        let mut named = self.directories.iter().filter(|(name, _)| name.as_deref() == root);
        named.next().map(|(_, inside)| inside.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_from_the_top() {
        let mut scope = Scope::of_directory(Some("one"));
        scope.add_directory(Some("/srv/two/sub".to_owned()), "sub".to_owned());
        scope.add_file("../a!b.zip".to_owned(), "x/a!b.zip".to_owned());
        for (root, path, expected) in [
            (Some("one"), "f", Some("f")),
            (Some("/srv/two/sub"), "f!g", Some("sub/f!g")),
            (Some("/srv/two/sub"), "", Some("")),
            (Some("three"), "f", None),
            (None, "f", None),
            (None, "../a!b.zip", Some("x/a!b.zip")),
            (None, "../a!b.zip!m!n", Some("x/a!b.zip!m!n")),
            (Some("one"), "../a!b.zip", Some("../a!b.zip")),
        ] {
            assert_eq!(scope.path_in(root, path).as_deref(), expected, "{root:?} {path}");
            assert_eq!(scope.contains(root, path), expected.is_some(), "{root:?} {path}");
        }
        assert!(scope.names_file(None, "../a!b.zip!m") && !scope.names_file(None, "f"));
        let only = Scope::of_directory(None);
        assert_eq!(only.path_in(None, "a/b").as_deref(), Some("a/b"));
        assert_eq!(only.path_in(None, "/elsewhere/objects"), None, "no file of the tree");
    }
}
