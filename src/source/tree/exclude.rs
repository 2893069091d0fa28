//! What is left out, by gitignore(5) patterns: the user's from every root, a project's from its own files.

use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::finding::Scope;

/// A glob that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("`{glob}` is not a glob: {source}")]
pub struct BadGlob {
    glob: String,
    source: Box<ignore::Error>,
}

/// What is left out of a scan.
#[derive(Clone, Debug)]
pub struct Exclude {
    /// Relative to each root.
    user: Gitignore,
    projects: Vec<ProjectExclude>,
}

/// What a project leaves out of itself.
#[derive(Clone, Debug)]
struct ProjectExclude {
    /// Relative to the project's top; there may be none.
    globs: Gitignore,
    scope: Scope,
}

impl Exclude {
    /// What these globs match below each root. Fails with the first that is none.
    pub fn new<'a>(globs: impl IntoIterator<Item = &'a str>) -> Result<Self, BadGlob> {
        Ok(Exclude { user: compile(globs)?, projects: Vec::new() })
    }

    /// Adds what a project's own globs match below its top; the inputs in `scope` lie in it.
    pub fn add_project(&mut self, globs: &[String], scope: Scope) -> Result<(), BadGlob> {
        let globs = compile(globs.iter().map(String::as_str))?;
        self.projects.push(ProjectExclude { globs, scope });
        Ok(())
    }

    /// Whether the file at `path`, a directory it is in, or a container that it is in is left out. `root` and `path` are
    /// those of a location.
    pub fn file(&self, root: Option<&str>, path: &str) -> bool {
        let containers = path.match_indices('!').filter_map(|(end, _)| path.get(..end));
        !self.is_empty() && containers.chain([path]).any(|path| self.entry(root, path, false))
    }

    /// Whether a file or directory is left out, or a directory that it is in.
    pub(super) fn entry(&self, root: Option<&str>, path: &str, is_dir: bool) -> bool {
        let project = |project: &ProjectExclude| {
            let Some(inside) = project.scope.path_in(root, path) else { return false };
            // A file that is named from elsewhere is still where the user's globs say it is.
            let user = project.scope.names_file(root, path) && matches_from_top(&self.user, &inside, is_dir);
            user || matches_from_top(&project.globs, &inside, is_dir)
        };
        matches_from_top(&self.user, path, is_dir) || self.projects.iter().any(project)
    }

    /// Whether an entry that a walk has come to is left out by the user: the directories it is in are not.
    pub(super) fn walked(&self, path: &Path, is_dir: bool) -> bool {
        !self.user.is_empty() && self.user.matched(path, is_dir).is_ignore()
    }

    /// Whether projects leave anything out.
    pub(super) fn by_projects(&self) -> bool {
        self.projects.iter().any(|project| !project.globs.is_empty())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.user.is_empty() && !self.by_projects()
    }
}

fn compile<'a>(globs: impl IntoIterator<Item = &'a str>) -> Result<Gitignore, BadGlob> {
    let mut builder = GitignoreBuilder::new("");
    let bad = |glob: &str, source| BadGlob { glob: glob.to_owned(), source: Box::new(source) };
    for glob in globs {
        builder.add_line(None, glob).map_err(|source| bad(glob, source))?;
    }
    builder.build().map_err(|source| bad("the globs together", source))
}

/// Whether a walk from the top would leave out a path: what is in a directory that is left out is never come to.
fn matches_from_top(globs: &Gitignore, path: &str, is_dir: bool) -> bool {
    let path = path.strip_prefix("./").unwrap_or(path).trim_start_matches('/');
    if globs.is_empty() || path.is_empty() {
        return false;
    }
    let mut above = path.match_indices('/').filter_map(|(end, _)| path.get(..end));
    above.any(|directory| globs.matched(directory, true).is_ignore())
        || globs.matched(path, is_dir).is_ignore()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_hold_for_files_that_are_named_from_anywhere() {
        let mut exclude = Exclude::new(["/build", "!/build/keep", "*.lock"]).expect("good globs");
        let mut scope = Scope::of_directory(Some("sub"));
        scope.add_file("/srv/r/fixtures/a.txt".to_owned(), "fixtures/a.txt".to_owned());
        scope.add_file("/srv/r/build/b".to_owned(), "build/b".to_owned());
        scope.add_file("../we!rd".to_owned(), "we!rd".to_owned());
        exclude.add_project(&["/fixtures/".to_owned(), "we!rd".to_owned()], scope).expect("good globs");
        for (root, path) in [
            (None, "build/keep"),
            (None, "./build/x"),
            (None, "a.lock!member"),
            (None, "/srv/r/fixtures/a.txt"),
            (None, "/srv/r/fixtures/a.txt!m"),
            (None, "/srv/r/build/b"),
            (None, "../we!rd"),
            (Some("sub"), "fixtures/b"),
        ] {
            assert!(exclude.file(root, path), "{path}");
        }
        for (root, path) in [(None, "x/build/y"), (None, "fixtures/b"), (Some("other"), "fixtures/b")] {
            assert!(!exclude.file(root, path), "{path}");
        }
    }
}
