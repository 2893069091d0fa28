//! Works out what the roots of a run are called: from the working directory, and from a place that does not depend on it.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::detection::label;
use super::error::redact;
use crate::report::{Root, Roots};
use crate::settings::Input;
use crate::text::path_text;

/// What the inputs of a run are called.
pub(super) fn roots(inputs: &[Input]) -> Roots {
    let paths: Vec<&Path> = Input::paths(inputs).collect();
    let current = std::env::current_dir().unwrap_or_default();
    let stable = stable_names(&paths);
    let root = |(path, stable): (&Path, PathBuf)| {
        let (shown, inside) = shown(path, &current);
        let mut inside = label(&inside);
        if !inside.is_empty() {
            inside.push('/');
        }
        Root {
            given: redact(&path_text(bytes(path))),
            name: if path.is_dir() { label(path) } else { redact(&path_text(bytes(path))) },
            is_file: !path.is_dir(),
            shown: label(&shown),
            inside,
            stable: path_text(bytes(&stable)),
        }
    };
    Roots::new(paths.into_iter().zip(stable).map(root).collect())
}

/// A root from the working directory, and the working directory from the root where it is below that.
fn shown(root: &Path, current: &Path) -> (PathBuf, PathBuf) {
    let plain: PathBuf = root.components().filter(|part| !matches!(part, Component::CurDir)).collect();
    let leads_up = plain.components().any(|part| matches!(part, Component::ParentDir));
    if plain.is_relative() && !leads_up {
        return (plain, PathBuf::new());
    }
    if let Ok(below) = plain.strip_prefix(current) {
        return (below.to_owned(), PathBuf::new());
    }
    // By way of a link, or of `..`.
    let (Ok(there), Ok(here)) = (fs::canonicalize(root), fs::canonicalize(current)) else {
        return (plain, PathBuf::new());
    };
    if let Ok(below) = there.strip_prefix(&here) {
        return (below.to_owned(), PathBuf::new());
    }
    match here.strip_prefix(&there) {
        Ok(inside) if plain.is_relative() => {
            (inside.components().map(|_| Component::ParentDir).collect(), inside.to_owned())
        }
        Ok(inside) => (plain, inside.to_owned()),
        Err(_) => (plain, PathBuf::new()),
    }
}

/// The roots from the top of the repository that all of them are in; or else from the directory that all have in common.
fn stable_names(roots: &[&Path]) -> Vec<PathBuf> {
    let absolute: Vec<PathBuf> =
        roots.iter().map(|root| fs::canonicalize(root).unwrap_or_else(|_| (*root).to_owned())).collect();
    let mut tops = Tops::default();
    let directories = absolute.iter().map(|root| directory(root));
    let mut common: Option<PathBuf> = None;
    let mut top: Option<Option<PathBuf>> = None;
    for directory in directories {
        let found = tops.of(directory);
        top = match top {
            None => Some(found),
            Some(known) if known == found => Some(known),
            Some(_) => Some(None),
        };
        common = Some(common.map_or_else(|| directory.to_owned(), |known| common_of(&known, directory)));
    }
    let base = top.flatten().or(common).unwrap_or_default();
    absolute.iter().map(|root| root.strip_prefix(&base).unwrap_or(root).to_owned()).collect()
}

/// The directory that a root is, or is in.
fn directory(root: &Path) -> &Path {
    if root.is_dir() { root } else { root.parent().unwrap_or(root) }
}

fn common_of(one: &Path, other: &Path) -> PathBuf {
    one.components().zip(other.components()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
}

/// The tops of the repositories that directories are in, each looked for once.
#[derive(Default)]
struct Tops(HashMap<PathBuf, Option<PathBuf>>);

impl Tops {
    fn of(&mut self, directory: &Path) -> Option<PathBuf> {
        if let Some(known) = self.0.get(directory) {
            return known.clone();
        }
        let is_top = |directory: &&Path| directory.join(".git").exists();
        let top = directory.ancestors().find(is_top).map(Path::to_owned);
        self.0.insert(directory.to_owned(), top.clone());
        top
    }
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(root: &str, current: &str) -> (String, String) {
        let (shown, inside) = shown(Path::new(root), Path::new(current));
        (shown.display().to_string(), inside.display().to_string())
    }

    #[test]
    fn a_root_is_called_what_people_there_call_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let top = fs::canonicalize(dir.path()).expect("a path");
        fs::create_dir_all(top.join("a/b")).expect("directories");
        fs::create_dir_all(top.join("c")).expect("a directory");
        let (top, a) = (top.display().to_string(), top.join("a").display().to_string());
        let text = str::to_owned;
        for (root, current, shown, inside) in [
            ("m1", &*a, "m1", ""),
            ("./m1//x/.", &a, "m1/x", ""),
            (".", &a, "", ""),
            (&format!("{a}/b"), &a, "b", ""),
            (&a, &a, "", ""),
            (&format!("{top}/c"), &a, &format!("{top}/c"), ""),
            (&top, &a, &top, "a"),
        ] {
            assert_eq!(names(root, current), (text(shown), text(inside)), "{root} from {current}");
        }
    }

    #[test]
    fn stable_names_start_at_the_repository_or_at_what_is_common() {
        let dir = tempfile::tempdir().expect("a directory");
        let top = dir.path();
        for directory in ["repo/.git", "repo/sub/deep", "other/sub"] {
            fs::create_dir_all(top.join(directory)).expect("directories");
        }
        fs::write(top.join("repo/sub/f"), "").expect("a file");
        let names = |paths: &[&str]| {
            let paths: Vec<PathBuf> = paths.iter().map(|path| top.join(path)).collect();
            let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
            let names = stable_names(&paths).into_iter().map(|name| name.display().to_string());
            names.collect::<Vec<_>>()
        };
        assert_eq!(names(&["repo"]), [""]);
        assert_eq!(names(&["repo/sub"]), ["sub"]);
        assert_eq!(names(&["repo/sub/f", "repo/sub/deep"]), ["sub/f", "sub/deep"]);
        assert_eq!(names(&["other/sub"]), [""]);
        assert_eq!(names(&["repo/sub", "other/sub"]), ["repo/sub", "other/sub"]);
    }
}
