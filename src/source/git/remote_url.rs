//! Whether two URLs lead to the same repository.

use std::path::{Path, PathBuf};

use gix::bstr::ByteSlice as _;
use gix::url::{Scheme, Url};

use super::repo::Repo;

impl Repo {
    /// Whether two URLs lead to the same repository, as far as that can be told without asking.
    pub(super) fn is_same_repository(&self, one: &Url, other: &Url) -> bool {
        one == other
            || (self.location(one).zip(self.location(other))).is_some_and(|(one, other)| one.is_same(&other))
    }

    /// Whether a URL leads to this very repository.
    pub(super) fn is_at(&self, url: &str) -> bool {
        let own = Location::Directory(self.common_dir());
        let url = gix::url::parse(url.as_bytes().as_bstr()).ok();
        url.and_then(|url| self.location(&url)).is_some_and(|location| location.is_same(&own))
    }

    fn location(&self, url: &Url) -> Option<Location> {
        if url.scheme == Scheme::File {
            let path = gix::path::from_bstr(url.path.as_bstr()).ok()?;
            return repository_at(&self.root().join(path)).map(Location::Directory);
        }
        let host = url.host.as_deref()?.to_ascii_lowercase();
        let default = matches!(
            (&url.scheme, url.port),
            (_, None) | (Scheme::Ssh, Some(22)) | (Scheme::Https, Some(443)) | (Scheme::Http, Some(80))
        );
        let path = url.path.trim_with(|c| c == '/');
        let path = path.strip_suffix(b".git").unwrap_or(path).to_vec();
        let login = (url.scheme == Scheme::Ssh).then(|| Login {
            user: url.user().map(ToOwned::to_owned),
            from_root: url.path.starts_with(b"/"),
        });
        Some(Location::Host { host, port: url.port.filter(|_| !default), path, login })
    }
}

/// Where a repository is.
#[derive(Debug)]
enum Location {
    Directory(PathBuf),
    Host { host: String, port: Option<u16>, path: Vec<u8>, login: Option<Login> },
}

/// Who asks by ssh: a path may start in the home directory of that user (git-clone(1), "GIT URLS").
#[derive(Debug, PartialEq, Eq)]
struct Login {
    user: Option<String>,
    /// The path starts at the root instead.
    from_root: bool,
}

impl Location {
    /// Whether both are the same, by whichever protocol: those who offer ssh and https at one host offer the same
    /// repositories. Two logins by ssh must be the same.
    fn is_same(&self, other: &Location) -> bool {
        match (self, other) {
            (Location::Directory(one), Location::Directory(other)) => one == other,
            (
                Location::Host { host, port, path, login },
                Location::Host { host: other_host, port: other_port, path: other_path, login: other_login },
            ) => {
                (host, port, path) == (other_host, other_port, other_path)
                    && (login.as_ref().zip(other_login.as_ref())).is_none_or(|(one, other)| one == other)
            }
            _ => false,
        }
    }
}

/// The repository that git would find at a path (git-clone(1), "GIT URLS"): in it, or with `.git` behind its name.
fn repository_at(path: &Path) -> Option<PathBuf> {
    let mut with_suffix = path.as_os_str().to_owned();
    with_suffix.push(".git");
    let candidates = [path.join(".git"), path.to_owned(), PathBuf::from(with_suffix)];
    candidates.iter().find(|path| path.is_dir()).and_then(|path| std::fs::canonicalize(path).ok())
}
