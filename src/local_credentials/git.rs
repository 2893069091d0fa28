//! Git's configuration as git itself would read it in the current directory, without running it: the system's, the
//! user's, and that of the one repository that encloses the directory, with what they include.
//!
//! Conditions of `includeIf` are taken to hold: what such a file keeps is this user's whether it applies here or not
//! (actions/checkout keeps its credential so).

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::gitconfig::{self, Entry};
use super::{Environment, LocalCredentials};

/// As deep as git itself follows includes: `MAX_INCLUDE_DEPTH` in git's config.c.
const MAX_DEPTH: usize = 10;

/// Reads every file of git's configuration (git-config(1), "FILES"), and the credential stores it names.
pub(super) fn read(environment: &Environment, credentials: &mut LocalCredentials) {
    let mut reader = ConfigReader { environment, credentials, visited: HashSet::new() };
    for path in standard_files(environment) {
        reader.file(&path, 0);
    }
    reader.variables();
    let enclosing = environment
        .cwd
        .as_deref()
        .and_then(|cwd| Repository::enclosing(environment, cwd, reader.credentials));
    if let Some(repository) = enclosing {
        reader.file(&repository.common.join("config"), 0);
        reader.file(&repository.directory.join("config.worktree"), 0);
    }
}

/// The system's files and the user's, as the variables direct.
fn standard_files(environment: &Environment) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let off = environment.var("GIT_CONFIG_NOSYSTEM").is_some_and(|value| !is_false(&value.to_string_lossy()));
    match environment.path("GIT_CONFIG_SYSTEM") {
        _ if off => {}
        Some(path) => files.push(path),
        None => {
            files.extend(
                ["/etc/gitconfig", "/usr/local/etc/gitconfig", "/opt/homebrew/etc/gitconfig"]
                    .map(PathBuf::from),
            );
        }
    }
    if let Some(path) = environment.path("GIT_CONFIG_GLOBAL") {
        files.push(path);
    } else {
        files.extend(environment.config_home().map(|home| home.join("git/config")));
        files.extend(environment.at_home(".gitconfig"));
    }
    files
}

fn is_false(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "0" | "false" | "no" | "off")
}

/// Reads configuration files that include each other.
struct ConfigReader<'a> {
    environment: &'a Environment,
    credentials: &'a mut LocalCredentials,
    visited: HashSet<PathBuf>,
}

impl ConfigReader<'_> {
    fn file(&mut self, path: &Path, depth: usize) {
        if depth > MAX_DEPTH || !self.visited.insert(path.to_owned()) {
            return;
        }
        let Some(text) = self.credentials.read(path) else { return };
        let location = path.display().to_string();
        let Some(entries) = gitconfig::parse(&text) else {
            // Git stops at such a file. What it holds is the user's still.
            self.credentials.add_from(&text, &location);
            return;
        };
        for entry in &entries {
            self.add_from(&entry.subsection, &location);
            self.add_from(&entry.value, &location);
            self.follow(entry, path.parent(), depth);
        }
    }

    /// `GIT_CONFIG_KEY_n` and `GIT_CONFIG_VALUE_n`: their tokens were found with the rest of the environment, but
    /// not the files they may name.
    fn variables(&mut self) {
        let text =
            |name: String| self.environment.var(&name).map(|value| value.to_string_lossy().into_owned());
        let count =
            text("GIT_CONFIG_COUNT".to_owned()).and_then(|count| count.parse().ok()).unwrap_or(0_usize);
        // No more than there are variables, whatever the count claims.
        let entries: Vec<Entry> = (0..count.min(self.environment.env.len()))
            .filter_map(|at| {
                entry_of(&text(format!("GIT_CONFIG_KEY_{at}"))?, text(format!("GIT_CONFIG_VALUE_{at}"))?)
            })
            .collect();
        for entry in &entries {
            self.follow(entry, None, 0);
        }
    }

    fn add_from(&mut self, text: &[u8], location: &str) {
        self.credentials.add_from(text, location);
    }

    /// Reads the files an entry names: another configuration, or a credential store.
    fn follow(&mut self, entry: &Entry, directory: Option<&Path>, depth: usize) {
        let value = String::from_utf8_lossy(&entry.value);
        match (entry.section.as_str(), entry.key.as_str()) {
            ("include" | "includeif", "path") => {
                if let Some(path) = self.expanded(&value, directory) {
                    self.file(&path, depth + 1);
                }
            }
            ("credential", "helper") => {
                if let Some(path) = store_of(&value).and_then(|path| self.expanded(path, None)) {
                    self.credentials.add_from_file(&path);
                }
            }
            _ => {}
        }
    }

    /// `~/x` is below the home, and what is not absolute is next to the file that names it (git-config(1), "Includes").
    fn expanded(&self, path: &str, directory: Option<&Path>) -> Option<PathBuf> {
        if path.is_empty() {
            return None;
        }
        if let Some(rest) = path.strip_prefix("~/") {
            return self.environment.at_home(rest);
        }
        let path = Path::new(path);
        if path.is_absolute() {
            Some(path.to_owned())
        } else {
            directory.map(|directory| directory.join(path))
        }
    }
}

/// `section.sub.section.key` and its value.
fn entry_of(name: &str, value: String) -> Option<Entry> {
    let (section, rest) = name.split_once('.')?;
    let (subsection, key) = rest.rsplit_once('.').unwrap_or(("", rest));
    Some(Entry {
        section: section.to_ascii_lowercase(),
        subsection: subsection.as_bytes().to_vec().into(),
        key: key.to_ascii_lowercase(),
        value: value.into_bytes().into(),
    })
}

/// The file of `store --file=PATH` or `store --file PATH`.
fn store_of(helper: &str) -> Option<&str> {
    let rest = helper.strip_prefix('!').unwrap_or(helper).trim_start();
    let rest = rest.strip_prefix("git credential-").or(rest.strip_prefix("git-credential-")).unwrap_or(rest);
    let (_, path) = rest.strip_prefix("store")?.split_once("--file")?;
    Some(path.trim_start_matches(['=', ' ']).trim_end().trim_matches(['"', '\'']))
}

/// A repository: its own directory, and the one it shares with its other work trees.
struct Repository {
    directory: PathBuf,
    common: PathBuf,
}

impl Repository {
    /// The repository git would find from `cwd` on.
    fn enclosing(
        environment: &Environment,
        cwd: &Path,
        credentials: &mut LocalCredentials,
    ) -> Option<Repository> {
        let directory = match environment.path("GIT_DIR") {
            Some(directory) => cwd.join(directory),
            None => cwd.ancestors().find_map(|directory| git_directory(directory, credentials))?,
        };
        let common = match environment.path("GIT_COMMON_DIR") {
            Some(common) => cwd.join(common),
            None => line_of(&directory.join("commondir"), credentials)
                .map_or(directory.clone(), |line| directory.join(path_of(&line))),
        };
        Some(Repository { directory, common })
    }
}

/// `.git` as a directory, `.git` as a file that names one, or the directory of a bare repository itself
/// (gitrepository-layout(5)).
fn git_directory(directory: &Path, credentials: &mut LocalCredentials) -> Option<PathBuf> {
    let dot_git = directory.join(".git");
    if is_repository(&dot_git) {
        return Some(dot_git);
    }
    if let Some(line) = line_of(&dot_git, credentials) {
        return Some(directory.join(path_of(line.strip_prefix(b"gitdir:")?.trim_ascii())));
    }
    is_repository(directory).then(|| directory.to_owned())
}

fn is_repository(directory: &Path) -> bool {
    // HEAD may be a symbolic link to a branch that is not born yet.
    directory.join("HEAD").symlink_metadata().is_ok()
        && (directory.join("objects").is_dir() || directory.join("commondir").is_file())
}

/// The line of a file that names a path, if there is such a file.
fn line_of(path: &Path, credentials: &mut LocalCredentials) -> Option<Vec<u8>> {
    if !path.is_file() {
        return None;
    }
    credentials.read(path).map(|text| text.trim_ascii_end().to_vec())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_helper_may_name_its_store() {
        for helper in [
            "store --file=/a/b",
            "store --file /a/b",
            "git-credential-store --file=\"/a/b\"",
            "!git credential-store --file '/a/b'",
        ] {
            assert_eq!(store_of(helper), Some("/a/b"), "{helper}");
        }
        for helper in ["store", "cache --timeout=60", "", "osxkeychain", "/usr/bin/store --file=x"] {
            assert_eq!(store_of(helper), None, "{helper}");
        }
    }

    #[test]
    fn a_key_is_split_at_its_first_and_last_dot() {
        let entry = entry_of("includeIf.gitdir:/a.b/.PATH", "x".to_owned()).unwrap();
        assert_eq!((entry.section.as_str(), entry.key.as_str()), ("includeif", "path"));
        assert_eq!(entry.subsection.as_slice(), b"gitdir:/a.b/");
        assert_eq!(entry_of("core.bare", String::new()).unwrap().key, "bare");
        assert!(entry_of("core", String::new()).is_none());
    }
}
