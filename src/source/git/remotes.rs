//! What is known here of what a remote has: its remote-tracking refs (gitglossary(7), "remote-tracking branch").

use std::collections::HashSet;

use gix::bstr::ByteSlice as _;
use gix::remote::Direction;

use super::refs;
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
    /// The names of those that are old: the remote has no such ref any more.
    stale: Vec<Vec<u8>>,
    /// The remote is this very repository, as in `git push .`.
    all: bool,
}

impl RemoteRefs {
    /// Whether the ref of this name is one of them.
    pub fn contains(&self, name: &[u8]) -> bool {
        let is_own = self.names.iter().any(|(start, end)| {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        });
        let is_own = is_own && !self.others.iter().any(|other| name.starts_with(other))
            || self.single.iter().any(|single| single == name);
        self.all || is_own && !self.stale.iter().any(|stale| stale == name)
    }

    /// Adds the refs of a remote, unless its default branch is among those that the other side does not have.
    fn add_unless_moved(&mut self, repo: &Repo, name: &str, new_refs: &[String]) {
        let Ok(remote) = repo.inner.find_remote(name) else { return };
        let default = format!("refs/remotes/{name}/").into_bytes();
        let known: HashSet<Vec<u8>> = match new_refs {
            [] => HashSet::new(),
            _ => refs::all(repo).into_iter().map(|(name, _)| name).collect(),
        };
        let mut stale = Vec::new();
        for new in new_refs {
            let mut old = tracking_refs(&remote, &default, new.as_bytes());
            old.retain(|name| known.contains(name));
            if !old.is_empty() && is_default_branch(&remote, new.as_bytes()) {
                return;
            }
            stale.extend(old);
        }
        self.stale.extend(stale);
        self.add(repo, name);
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
    ///
    /// They say what was fetched, so that those of a remote that is pushed to another repository say nothing. `new_refs`
    /// are the refs that the other side does not have: what is here for one of them is old, and where that is its default
    /// branch, the URL was changed and nothing here is about the repository that it names now.
    pub fn remote_refs(&self, name: &str, url: &str, new_refs: &[String]) -> RemoteRefs {
        let mut refs = RemoteRefs::default();
        let names = self.inner.remote_names();
        if names.iter().any(|known| known.to_str_lossy() == name) {
            if self.is_fetched_from(name, url) {
                refs.add_unless_moved(self, name, new_refs);
            }
            return refs;
        }
        // Nobody said where the push goes: a hook manager that hands on no arguments.
        if url.is_empty() {
            return refs;
        }
        refs.all = self.is_at(url);
        for name in names.iter().filter_map(|name| name.to_str().ok()) {
            if self.is_fetched_from(name, url) {
                refs.add_unless_moved(self, name, new_refs);
            }
        }
        refs
    }

    /// Whether the repository that is pushed to by this URL, or by the remote's own where it is empty, is the one that the
    /// remote is fetched from: that is its first URL.
    fn is_fetched_from(&self, name: &str, url: &str) -> bool {
        let Ok(remote) = self.inner.find_remote(name) else { return false };
        let Some(own) = remote.urls(Direction::Fetch).next() else { return false };
        if url.is_empty() {
            return remote.urls(Direction::Push).all(|url| self.is_same_repository(own, url));
        }
        gix::url::parse(url.as_bytes().as_bstr()).is_ok_and(|url| self.is_same_repository(own, &url))
    }
}

/// The names of the refs here that a remote's ref of this name is fetched to.
fn tracking_refs(remote: &gix::Remote<'_>, default: &[u8], name: &[u8]) -> Vec<Vec<u8>> {
    let by_default = name.strip_prefix(b"refs/heads/").map(|branch| [default, branch].concat());
    let by_specs = remote.refspecs(Direction::Fetch).iter().filter_map(|spec| {
        let spec = spec.to_ref();
        let (source, local) = (spec.remote()?, spec.local()?);
        let Some((start, end)) = source.split_once_str("*") else {
            return (source == name).then(|| local.to_vec());
        };
        let star = name.strip_prefix(start)?.strip_suffix(end)?;
        let (start, end) = local.split_once_str("*")?;
        Some([start, star, end].concat())
    });
    // A mirror's refs may be this repository's own.
    let tracking = |name: &Vec<u8>| name.starts_with(b"refs/remotes/");
    by_default.into_iter().chain(by_specs).filter(tracking).collect()
}

/// Whether a ref is the remote's default branch, as far as that is known here; else it has one of the two usual names.
fn is_default_branch(remote: &gix::Remote<'_>, name: &[u8]) -> bool {
    match remote.default_branch() {
        Ok(Some(default)) => default.as_bstr() == name,
        _ => matches!(name, b"refs/heads/main" | b"refs/heads/master"),
    }
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
            stale: vec![b"refs/remotes/a/stale".to_vec()],
            all: false,
        };
        for (name, known) in [
            ("refs/remotes/a/main", true),
            ("refs/remotes/a/stale", false),
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
