//! Which directory's configuration holds for what is scanned: that of the scanned directory itself, or of the nearest
//! repository's top above it. So a file that is named obeys the same as one that is come upon.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use super::input::Input;
use super::project::{CONFIG, IGNORE};
use crate::finding::Scope;
use crate::text::path_text;

/// Inputs that share a configuration.
#[derive(Debug)]
pub struct ProjectInputs {
    /// The directory that its files are in.
    pub top: PathBuf,
    /// The inputs.
    pub scope: Scope,
}

impl ProjectInputs {
    /// Sorts the inputs by their projects. `label` gives a path's name in locations; files without a project are left out.
    pub fn group(inputs: &[Input], label: &dyn Fn(&Path) -> String) -> Vec<Self> {
        let several = Input::paths(inputs).count() > 1;
        let mut finder = Finder::default();
        let mut projects: Vec<ProjectInputs> = Vec::new();
        let mut numbers: HashMap<PathBuf, usize> = HashMap::new();
        for path in Input::paths(inputs) {
            let is_directory = path.is_dir();
            let Some(found) = finder.find(path, is_directory) else { continue };
            let number = *numbers.entry(found.top.clone()).or_insert_with(|| {
                let top = if found.inside.is_empty() { path.to_owned() } else { relative(&found.top) };
                projects.push(ProjectInputs { top, scope: Scope::default() });
                projects.len() - 1
            });
            let Some(project) = projects.get_mut(number) else { continue };
            if is_directory && !several {
                project.scope.add_directory(None, found.inside);
                continue;
            }
            // What is compared with a path on disk has no token redacted, what is compared with a location has.
            for name in [label(path), path_text(path.as_os_str().as_encoded_bytes())] {
                if is_directory {
                    project.scope.add_directory(Some(name), found.inside.clone());
                } else {
                    project.scope.add_file(name, found.inside.clone());
                }
            }
        }
        projects
    }
}

/// The project of an input.
struct Found {
    /// Absolute.
    top: PathBuf,
    /// The input's path from there.
    inside: String,
}

#[derive(Default)]
struct Finder {
    /// The top of the repository that a directory is in: files are many, and directories few.
    tops: HashMap<PathBuf, Option<PathBuf>>,
}

impl Finder {
    fn find(&mut self, path: &Path, is_directory: bool) -> Option<Found> {
        if is_directory {
            let absolute = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
            let has_own = [CONFIG, IGNORE].iter().any(|name| exists(&absolute.join(name)));
            let top = if has_own { None } else { self.top_above(&absolute) };
            return Some(Found::new(top.unwrap_or_else(|| absolute.clone()), &absolute));
        }
        // A link is where its name is, wherever it leads.
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = fs::canonicalize(parent.unwrap_or(Path::new("."))).ok()?;
        let top = self.top_above(&parent)?;
        Some(Found::new(top, &parent.join(path.file_name()?)))
    }

    fn top_above(&mut self, directory: &Path) -> Option<PathBuf> {
        if let Some(known) = self.tops.get(directory) {
            return known.clone();
        }
        let top = if is_repository_top(directory) {
            Some(directory.to_owned())
        } else {
            directory.parent().and_then(|parent| self.top_above(parent))
        };
        self.tops.insert(directory.to_owned(), top.clone());
        top
    }
}

impl Found {
    fn new(top: PathBuf, absolute: &Path) -> Self {
        let inside = absolute.strip_prefix(&top).unwrap_or(Path::new(""));
        let inside = path_text(inside.as_os_str().as_encoded_bytes());
        Found { top, inside }
    }
}

/// The top of the repository that a directory is in.
pub fn repository_top(directory: &Path) -> Option<PathBuf> {
    let absolute = fs::canonicalize(directory).ok()?;
    Finder::default().top_above(&absolute)
}

/// The way from the current directory, where it is the directory itself.
fn relative(top: &Path) -> PathBuf {
    let here = fs::canonicalize(".").is_ok_and(|here| here == top);
    if here { PathBuf::new() } else { top.to_owned() }
}

/// Whether it is the top of a work tree (gitrepository-layout(5)).
fn is_repository_top(directory: &Path) -> bool {
    let git = directory.join(".git");
    let Ok(metadata) = fs::metadata(&git) else { return false };
    (metadata.is_file() || exists(&git.join("HEAD"))) && !is_shared(directory)
}

fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Whether anybody may put files there, as into `/tmp`: what stands there is nobody's word about what is below it.
fn is_shared(directory: &Path) -> bool {
    fs::metadata(directory).is_ok_and(|metadata| is_sticky_and_writable_by_all(&metadata))
}

#[cfg(unix)]
fn is_sticky_and_writable_by_all(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o1002 == 0o1002
}

#[cfg(not(unix))]
fn is_sticky_and_writable_by_all(_: &Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grouped(paths: &[PathBuf]) -> Vec<ProjectInputs> {
        let inputs: Vec<Input> = paths.iter().cloned().map(Input::Path).collect();
        ProjectInputs::group(&inputs, &|path| path.display().to_string())
    }

    #[test]
    fn files_belong_to_the_nearest_repository_above_them() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = fs::canonicalize(directory.path()).expect("a path");
        let touch = |path: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
            fs::write(&path, "").expect("a file");
            path
        };
        touch("r/.git/HEAD");
        touch("r/sub/module/.git");
        touch("r/not/.git/config");
        touch("r/own/.stanchignore");
        let files =
            [touch("r/a/b/f"), touch("r/g"), touch("r/sub/module/h"), touch("r/not/i"), touch("outside")];
        let projects = grouped(&files);
        assert_eq!(projects.len(), 2, "{projects:?}");
        assert_eq!((&projects[0].top, &projects[1].top), (&root.join("r"), &root.join("r/sub/module")));
        for (file, inside) in files.iter().zip([Some("a/b/f"), Some("g"), None, Some("not/i"), None]) {
            let path = file.display().to_string();
            assert_eq!(projects[0].scope.path_in(None, &path).as_deref(), inside);
        }
        // A directory with a configuration of its own obeys that, any other the repository's.
        let projects = grouped(&[root.join("r/own"), root.join("r/a")]);
        let own = root.join("r/own").display().to_string();
        assert_eq!(projects[0].scope.path_in(Some(&own), "f").as_deref(), Some("f"));
        let other = root.join("r/a").display().to_string();
        assert_eq!(projects[1].scope.path_in(Some(&other), "f").as_deref(), Some("a/f"));
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_that_is_everybodys_is_no_project() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().expect("a directory");
        fs::create_dir(directory.path().join(".git")).expect("a directory");
        fs::write(directory.path().join(".git/HEAD"), "").expect("a file");
        let file = directory.path().join("f");
        fs::write(&file, "").expect("a file");
        assert_eq!(grouped(std::slice::from_ref(&file)).len(), 1);
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o1777)).expect("permissions");
        assert!(grouped(&[file]).is_empty());
    }
}
