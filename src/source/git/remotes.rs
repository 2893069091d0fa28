//! What is known here of what a remote has: its remote-tracking refs (gitglossary(7), "remote-tracking branch").

use std::path::{Path, PathBuf};

use gix::bstr::ByteSlice as _;
use gix::remote::Direction;
use gix::url::{Scheme, Url};

use super::repo::Repo;

/// The refs that say what a remote has.
#[derive(Debug, Default)]
pub struct RemoteRefs {
    /// How their names begin and end.
    names: Vec<(Vec<u8>, Vec<u8>)>,
    /// The names of single ones.
    single: Vec<Vec<u8>>,
    /// How the names of other remotes' refs begin, although they begin as one of these, too.
    others: Vec<Vec<u8>>,
    /// The remote is this very repository, as in `git push .`.
    all: bool,
}

impl RemoteRefs {
    /// Whether the ref of this name is one of them.
    pub fn contains(&self, name: &[u8]) -> bool {
        let is_own = self.names.iter().any(|(start, end)| {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        });
        self.all
            || self.single.iter().any(|single| single == name)
            || is_own && !self.others.iter().any(|other| name.starts_with(other))
    }

    /// Adds the refs of a remote.
    fn add(&mut self, repo: &Repo, name: &str) {
        let default = format!("refs/remotes/{name}/").into_bytes();
        let names = repo.inner.remote_names();
        let others = names.iter().filter(|other| other.to_str_lossy() != name);
        let others = others.map(|other| [&b"refs/remotes/"[..], other, b"/"].concat());
        self.others.extend(others.filter(|other| other.starts_with(&default)));
        self.names.push((default, Vec::new()));
        let Ok(remote) = repo.inner.find_remote(name) else { return };
        for spec in remote.refspecs(Direction::Fetch) {
            let spec = spec.to_ref();
            let Some(local) = spec.local() else { continue };
            // A mirror's refs may be this repository's own: they have been pushed nowhere.
            if local.starts_with(b"refs/remotes/") {
                if let Some((start, end)) = local.split_once_str("*") {
                    self.names.push((start.to_vec(), end.to_vec()));
                } else {
                    self.single.push(local.to_vec());
                }
            }
        }
    }
}

impl Repo {
    /// The refs of the remote that a push goes to, by its name, or by its URL where it was given no name: then they are
    /// those of the remotes at that URL.
    pub fn remote_refs(&self, name: &str, url: &str) -> RemoteRefs {
        let mut refs = RemoteRefs::default();
        let names = self.inner.remote_names();
        if names.iter().any(|known| known.to_str_lossy() == name) {
            refs.add(self, name);
            return refs;
        }
        let Some(target) = self.location(url.as_bytes()) else { return refs };
        let own = self.common_dir();
        refs.all = target == Location::Directory(own);
        for name in names.iter().filter_map(|name| name.to_str().ok()) {
            let Ok(remote) = self.inner.find_remote(name) else { continue };
            let urls = remote.urls(Direction::Fetch).chain(remote.urls(Direction::Push));
            if urls.filter_map(|url| self.location_of(url)).any(|location| location == target) {
                refs.add(self, name);
            }
        }
        refs
    }

    fn location(&self, url: &[u8]) -> Option<Location> {
        self.location_of(&gix::url::parse(url.as_bstr()).ok()?)
    }

    fn location_of(&self, url: &Url) -> Option<Location> {
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
        Some(Location::Host { host, port: url.port.filter(|_| !default), path })
    }
}

/// Where a repository is, whoever asks, and by which protocol: ssh and https lead to the same one.
#[derive(Debug, PartialEq, Eq)]
enum Location {
    Directory(PathBuf),
    Host { host: String, port: Option<u16>, path: Vec<u8> },
}

/// The repository that git would find at a path (git-clone(1), "GIT URLS"): in it, or with `.git` behind its name.
fn repository_at(path: &Path) -> Option<PathBuf> {
    let mut with_suffix = path.as_os_str().to_owned();
    with_suffix.push(".git");
    let candidates = [path.join(".git"), path.to_owned(), PathBuf::from(with_suffix)];
    candidates.iter().find(|path| path.is_dir()).and_then(|path| std::fs::canonicalize(path).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_belongs_to_the_remote_that_it_is_of() {
        let refs = RemoteRefs {
            names: vec![
                (b"refs/remotes/a/".to_vec(), Vec::new()),
                (b"refs/remotes/x".to_vec(), b"/y".to_vec()),
            ],
            single: vec![b"refs/remotes/one".to_vec()],
            others: vec![b"refs/remotes/a/b/".to_vec()],
            all: false,
        };
        for (name, known) in [
            ("refs/remotes/a/main", true),
            ("refs/remotes/a/b/main", false),
            ("refs/remotes/ab/main", false),
            ("refs/heads/main", false),
            ("refs/remotes/one", true),
            ("refs/remotes/one2", false),
            ("refs/remotes/x1/y", true),
            ("refs/remotes/x/y", true),
            ("refs/remotes/x1/z", false),
        ] {
            assert_eq!(refs.contains(name.as_bytes()), known, "{name}");
        }
        assert!(RemoteRefs { all: true, ..RemoteRefs::default() }.contains(b"refs/heads/main"));
        assert!(!RemoteRefs::default().contains(b"refs/remotes/origin/main"));
    }
}
