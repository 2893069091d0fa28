//! The repositories whose configuration is this machine's own: the one around where the program was started, and those
//! around and just below what it scans, which may be a job's checkouts seen from outside.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::environment::Environment;

/// How far below a root a repository is looked for: as deep as `src/github.com/OWNER/REPOSITORY`.
const MAX_DEPTH: usize = 4;

/// How many entries of directories are looked at below one root.
const MOST_ENTRIES: usize = 50_000;

/// How many submodules' configurations are read, and how deep they may lie in each other.
const MOST_MODULES: usize = 500;

/// The longest file that only names a path.
const LONGEST_LINE: u64 = 64 * 1024;

/// The files of configuration of every such repository, those of submodules and other work trees among them.
pub(super) fn config_files(environment: &Environment) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if let Some(cwd) = &environment.cwd {
        found.extend(Repository::around(environment, cwd));
    }
    let absolute = |path: &Path| {
        let path = environment.cwd.as_ref().map_or_else(|| path.to_owned(), |cwd| cwd.join(path));
        path.canonicalize().unwrap_or(path)
    };
    // https://docs.github.com/en/actions/reference/workflows-and-actions/variables
    let workspace = environment.path("GITHUB_WORKSPACE");
    for root in environment.roots.iter().chain(&workspace).map(|root| absolute(root)) {
        found.extend(root.ancestors().find_map(git_directory).map(Repository::at));
        found.extend(below(&root).into_iter().map(Repository::at));
    }
    let mut files: Vec<PathBuf> = Vec::new();
    for repository in found {
        let new: Vec<_> =
            repository.config_files().into_iter().filter(|file| !files.contains(file)).collect();
        files.extend(new);
    }
    files
}

/// A repository: its own directory, and the one it shares with its other work trees.
struct Repository {
    directory: PathBuf,
    common: PathBuf,
}

impl Repository {
    /// The repository git would find from `cwd` on.
    fn around(environment: &Environment, cwd: &Path) -> Option<Repository> {
        let directory = match environment.path("GIT_DIR") {
            Some(directory) => cwd.join(directory),
            None => cwd.ancestors().find_map(git_directory)?,
        };
        let mut repository = Repository::at(directory);
        if let Some(common) = environment.path("GIT_COMMON_DIR") {
            repository.common = cwd.join(common);
        }
        Some(repository)
    }

    fn at(directory: PathBuf) -> Repository {
        let common = line_of(&directory.join("commondir"))
            .map_or_else(|| directory.clone(), |line| directory.join(path_of(&line)));
        Repository { directory, common }
    }

    /// gitrepository-layout(5).
    fn config_files(&self) -> Vec<PathBuf> {
        let mut files = vec![self.common.join("config"), self.directory.join("config.worktree")];
        files.extend(children(&self.common.join("worktrees")).map(|tree| tree.join("config.worktree")));
        let mut modules: VecDeque<PathBuf> = children(&self.common.join("modules")).collect();
        for _ in 0..MOST_MODULES {
            let Some(module) = modules.pop_front() else { break };
            // The name of a submodule may hold slashes, and a submodule may have some of its own.
            let deeper = if is_repository(&module) { module.join("modules") } else { module.clone() };
            files.push(module.join("config"));
            modules.extend(children(&deeper));
        }
        files.retain(|file| file.symlink_metadata().is_ok());
        files
    }
}

/// The repositories below a root, itself left out, those near it first. Links are not followed.
fn below(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = VecDeque::from([(root.to_owned(), 0)]);
    let mut entries = 0;
    while let Some((directory, depth)) = waiting.pop_front() {
        if depth > 0
            && let Some(repository) = git_directory(&directory)
        {
            found.push(repository);
        }
        if depth == MAX_DEPTH || is_repository(&directory) {
            continue;
        }
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            entries += 1;
            if entries > MOST_ENTRIES {
                return found;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) && entry.file_name() != ".git" {
                waiting.push_back((entry.path(), depth + 1));
            }
        }
    }
    found
}

/// `.git` as a directory, `.git` as a file that names one, or the directory of a bare repository itself
/// (gitrepository-layout(5)).
fn git_directory(directory: &Path) -> Option<PathBuf> {
    let dot_git = directory.join(".git");
    if is_repository(&dot_git) {
        return Some(dot_git);
    }
    if let Some(line) = line_of(&dot_git) {
        return Some(directory.join(path_of(line.strip_prefix(b"gitdir:")?.trim_ascii())));
    }
    is_repository(directory).then(|| directory.to_owned())
}

fn is_repository(directory: &Path) -> bool {
    // HEAD may be a symbolic link to a branch that is not born yet.
    directory.join("HEAD").symlink_metadata().is_ok()
        && (directory.join("objects").is_dir() || directory.join("commondir").is_file())
}

/// The directories in a directory.
fn children(directory: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let listed = std::fs::read_dir(directory).into_iter().flatten().flatten().take(MOST_ENTRIES);
    listed.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path())
}

/// The line of a file that names a path, if there is such a file.
fn line_of(path: &Path) -> Option<Vec<u8>> {
    let metadata = path.metadata().ok()?;
    if !metadata.is_file() || metadata.len() > LONGEST_LINE {
        return None;
    }
    std::fs::read(path).ok().map(|text| text.trim_ascii_end().to_vec())
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> &Path {
    use std::os::unix::ffi::OsStrExt as _;
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}
