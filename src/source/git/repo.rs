//! An opened repository: whose it is, where its objects are, and one object by its id.

use std::path::{Path, PathBuf};

use gix::ObjectId;

use super::error::{Error, ReadError};
use super::object::Kind;
use super::{safe_directory, shallow};
use crate::blob::{Fault, FaultKind, Sink};

/// A repository that may be scanned: it opens, and git itself would trust it.
pub struct Repo {
    pub(super) inner: gix::Repository,
    /// Every directory of objects, the repository's own first, then the alternates.
    pub(super) object_dirs: Vec<PathBuf>,
    /// Look-ups by id, one for each directory that is not another's alternate.
    stores: Vec<Store>,
    /// The commits behind which a shallow clone's history is cut off.
    shallow_boundary: Vec<ObjectId>,
    pub(super) max_blob_size: MaxBlobSize,
}

/// The size in bytes beyond which blobs are skipped.
#[derive(Clone, Copy)]
pub(super) struct MaxBlobSize(u64);

impl MaxBlobSize {
    /// Whether a blob of `size` bytes is too large. If so, reports to `sink` that it is skipped.
    pub(super) fn skips(self, id: &gix::oid, size: usize, sink: &dyn Sink) -> bool {
        let too_large = size as u64 > self.0;
        if too_large {
            let reason = format!("passed over: it has {size} bytes");
            sink.fault(Fault { path: format!("object {id}"), kind: FaultKind::TooLarge, reason });
        }
        too_large
    }
}

impl Repo {
    /// The repository at `path`, or the first one in the directories above it, as git finds it.
    ///
    /// The environment variables that git sets for its hooks (`GIT_DIR`, `GIT_INDEX_FILE`, `GIT_OBJECT_DIRECTORY` and
    /// others: git(1), "Environment Variables") are followed, unless `GIT_DIR` is set and `path` is not `.`: whoever
    /// names a path means that one.
    pub fn discover(path: &Path) -> Result<Self, Error> {
        let follow_env = path == Path::new(".") || std::env::var_os("GIT_DIR").is_none();
        let opened = if follow_env {
            gix::ThreadSafeRepository::discover_with_environment_overrides(path)
        } else {
            gix::ThreadSafeRepository::discover(path)
        };
        Repo::new(path, opened.map_err(|error| error.to_string()), follow_env)
    }

    /// The repository at `path` itself: a work tree with a `.git` in it, or a bare one. The environment is ignored.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let opened = gix::ThreadSafeRepository::open(path);
        Repo::new(path, opened.map_err(|error| error.to_string()), false)
    }

    fn new(
        path: &Path,
        opened: Result<gix::ThreadSafeRepository, String>,
        follow_env: bool,
    ) -> Result<Self, Error> {
        let cannot_open = |reason: String| Error::Open { path: path.to_owned(), reason };
        let inner = opened.map_err(cannot_open)?.to_thread_local();
        // As git does, lest the configuration of another user's repository take effect: `safe.directory` in git-config(1).
        let inner = if inner.git_dir_trust() == gix::sec::Trust::Full { inner } else { trusted(&inner)? };
        // The other one is `reftable` (git-config(1)).
        let format = inner.config_snapshot().string("extensions.refStorage");
        if let Some(format) = format.filter(|format| *format != "files") {
            return Err(cannot_open(format!(
                "its refs are stored as `{format}`, which cannot be read yet; for a copy that can, run: \
                 git clone --mirror --ref-format=files"
            )));
        }
        let roots = object_roots(&inner, follow_env);
        let stores = roots.iter().map(|root| store(root, inner.object_hash()));
        let stores =
            stores.collect::<std::io::Result<Vec<_>>>().map_err(|error| cannot_open(error.to_string()))?;
        let mut object_dirs = Vec::new();
        for root in roots {
            let alternates = gix::odb::alternate::resolve(root.clone(), inner.current_dir());
            let alternates = alternates.map_err(|error| cannot_open(error.to_string()))?;
            for dir in std::iter::once(root).chain(alternates) {
                let dir = std::fs::canonicalize(&dir).unwrap_or(dir);
                if !object_dirs.contains(&dir) {
                    object_dirs.push(dir);
                }
            }
        }
        let shallow_boundary = shallow::boundary(&inner);
        let max_blob_size = MaxBlobSize(u64::MAX);
        Ok(Repo { inner, object_dirs, stores, shallow_boundary, max_blob_size })
    }

    /// The same, skipping blobs of more than `bytes` bytes.
    #[must_use]
    pub fn with_max_blob_size(self, bytes: u64) -> Self {
        Repo { max_blob_size: MaxBlobSize(bytes), ..self }
    }

    /// The root of the work tree, which the paths in a history start at; the repository itself where it is bare.
    pub fn root(&self) -> &Path {
        self.inner.workdir().unwrap_or_else(|| self.inner.git_dir())
    }

    /// The directory that all work trees of the repository share, `$GIT_COMMON_DIR` (gitrepository-layout(5)): what is in
    /// it need be scanned only once.
    pub fn common_dir(&self) -> PathBuf {
        let dir = self.inner.common_dir();
        std::fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned())
    }

    /// Where git looks for hooks: `core.hooksPath` (git-config(1)), or [`Repo::default_hooks_dir`].
    pub fn hooks_dir(&self) -> Result<PathBuf, Error> {
        let config = self.inner.config_snapshot();
        let configured = config.trusted_path("core.hooksPath").map_err(|error| Error::Open {
            path: self.root().to_owned(),
            reason: format!("`core.hooksPath` is no path: {error}"),
        })?;
        let configured = configured.filter(|path| !path.as_os_str().is_empty());
        // A relative one starts at the directory that hooks are run in (githooks(5)).
        Ok(configured.map_or_else(|| self.default_hooks_dir(), |path| self.root().join(path)))
    }

    /// Where git looks for hooks without any configuration: `$GIT_COMMON_DIR/hooks` (githooks(5)).
    pub fn default_hooks_dir(&self) -> PathBuf {
        self.inner.common_dir().join("hooks")
    }

    /// The commits that `git merge` names to the hooks it runs, by their `GITHEAD_ID`: before `pre-merge-commit` has
    /// agreed, there is no `MERGE_HEAD` (githooks(5)).
    pub(super) fn heads_in_environment() -> Vec<ObjectId> {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        let ids = names.filter_map(|name| ObjectId::from_hex(name.strip_prefix("GITHEAD_")?.as_bytes()).ok());
        ids.collect()
    }

    /// Whether it is a shallow clone.
    pub(super) fn is_shallow(&self) -> bool {
        !self.shallow_boundary.is_empty()
    }

    /// Whether this is a commit whose parents a shallow clone does not have.
    pub(super) fn is_shallow_boundary(&self, id: &gix::oid) -> bool {
        self.shallow_boundary.iter().any(|boundary| **boundary == *id)
    }

    /// The hash function that object ids are made with (`extensions.objectFormat` in git-config(1)).
    pub(super) fn hash(&self) -> gix::hash::Kind {
        self.inner.object_hash()
    }

    /// Reads the object `id` into `out`.
    pub(super) fn read(&self, id: &gix::oid, out: &mut Vec<u8>) -> Result<Kind, ReadError> {
        use gix::objs::Find as _;
        let mut failure = ReadError::Missing;
        for store in &self.stores {
            match store.try_find(id, out) {
                Ok(Some(object)) => return Ok(object.kind.into()),
                Ok(None) => {}
                Err(_) => failure = ReadError::Damaged,
            }
        }
        Err(failure)
    }

    /// Reads the object `id` into `out`; one of another kind is an error.
    pub(super) fn read_as(&self, kind: Kind, id: &gix::oid, out: &mut Vec<u8>) -> Result<(), ReadError> {
        if self.read(id, out)? == kind { Ok(()) } else { Err(ReadError::Damaged) }
    }
}

/// Another user's repository, opened as one's own where the environment says that it is safe.
fn trusted(repo: &gix::Repository) -> Result<gix::Repository, Error> {
    let root = repo.workdir().unwrap_or_else(|| repo.git_dir());
    let path = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let values = safe_directory::from_environment(&|name| std::env::var_os(name));
    if !safe_directory::names(&values, &path) {
        return Err(Error::Untrusted { path });
    }
    let options = gix::open::Options::default().with(gix::sec::Trust::Full);
    let opened = gix::ThreadSafeRepository::open_opts(root, options);
    opened.map(Into::into).map_err(|error| Error::Open { path, reason: error.to_string() })
}

/// The directories of objects that the repository or git's environment names. While a push is received, its objects are
/// in a directory of their own until the hooks agree, and the hooks learn of it by the environment (git-receive-pack(1),
/// "Quarantine Environment").
fn object_roots(repo: &gix::Repository, follow_env: bool) -> Vec<PathBuf> {
    let variable = |name: &str| follow_env.then(|| std::env::var_os(name)).flatten();
    let default = repo.common_dir().join("objects");
    let primary = variable("GIT_OBJECT_DIRECTORY").map_or(default, PathBuf::from);
    let alternates = variable("GIT_ALTERNATE_OBJECT_DIRECTORIES");
    let alternates = alternates.iter().flat_map(std::env::split_paths).filter(|path| path.is_dir());
    std::iter::once(primary).chain(alternates).collect()
}

type Store = gix::odb::Cache<gix::odb::store::Handle<std::sync::Arc<gix::odb::Store>>>;

/// A store that ignores git-replace(1): what is scanned are the objects as they are.
fn store(dir: &Path, hash: gix::hash::Kind) -> std::io::Result<Store> {
    let options = gix::odb::store::init::Options::default();
    let store = gix::odb::Store::at_opts(dir.to_owned(), hash, &mut std::iter::empty(), options)?;
    Ok(std::sync::Arc::new(store).to_cache_arc())
}
