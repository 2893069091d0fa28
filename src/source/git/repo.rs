//! An opened repository: whose it is, where its objects are, and one object by its id.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use gix::ObjectId;

use super::dot_git::{self, StandIn};
use super::error::{Error, ReadError};
use super::git_program;
use super::lfs::Lfs;
use super::object::Kind;
use super::object_dirs::ObjectDirs;
use super::object_store::ObjectStore;
use super::odb::ObjectDb;
use super::{format, safe_directory, shallow};
use crate::blob::{Fault, FaultKind, Sink};

/// Packs of more bytes together are large.
const LARGE: u64 = 32 << 20;

/// A repository that may be scanned: it opens, and git itself would trust it.
pub struct Repo {
    pub(super) inner: gix::Repository,
    /// Where its objects are.
    pub(super) object_dirs: ObjectDirs,
    /// Objects by id.
    pub(super) store: ObjectStore,
    /// The commits behind which a shallow clone's history is cut off.
    shallow_boundary: Vec<ObjectId>,
    pub(super) max_blob_size: MaxBlobSize,
    /// What Git LFS has for it.
    pub(super) lfs: Lfs,
    /// Whether what is missing of its history is an error.
    pub(super) requires_all: bool,
    /// Whether the environment says which repository it is.
    pub(super) follow_env: bool,
    /// Kept as long as the repository is open.
    stand_in: Option<StandIn>,
    /// Listed when it is first asked for.
    pub(super) odb: OnceCell<ObjectDb>,
}

/// The size in bytes beyond which blobs are skipped.
#[derive(Clone, Copy)]
pub(super) struct MaxBlobSize(u64);

impl MaxBlobSize {
    /// In bytes.
    pub(super) fn bytes(self) -> u64 {
        self.0
    }

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
        let git_dir = std::env::var_os("GIT_DIR").filter(|_| follow_env).map(PathBuf::from);
        if let Some(dot_git) = git_dir.or_else(|| dot_git::nearest(path)) {
            let index = std::env::var_os("GIT_INDEX_FILE").filter(|_| follow_env).map(PathBuf::from);
            if let Some(repo) = Repo::open_oddity(path, &dot_git, index.as_deref(), follow_env)? {
                return Ok(repo);
            }
        }
        let start = dot_git::start(path);
        let opened = if follow_env {
            // A ceiling that is not above the path has no effect (`GIT_CEILING_DIRECTORIES` in git(1)).
            let ceilings =
                gix::discover::upwards::Options { match_ceiling_dir_or_error: false, ..Default::default() };
            gix::ThreadSafeRepository::discover_with_environment_overrides_opts(
                start,
                ceilings,
                gix::sec::trust::Mapping::default(),
            )
        } else {
            gix::ThreadSafeRepository::discover(start)
        };
        let reason = |error: gix::Error| git_program::with_reason(path, &error.to_string());
        Repo::new(path, opened.map_err(reason), follow_env)
    }

    /// The repository at `path` itself: a work tree with a `.git` in it, or a bare one. The environment is ignored.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let dot_git = path.join(".git");
        let dot_git = if dot_git.exists() { dot_git } else { path.to_owned() };
        if let Some(repo) = Repo::open_oddity(path, &dot_git, None, false)? {
            return Ok(repo);
        }
        let opened = gix::ThreadSafeRepository::open(path);
        let reason = |error: gix::Error| git_program::with_reason(path, &error.to_string());
        Repo::new(path, opened.map_err(reason), false)
    }

    /// The bare repository at `path`, which was put together there: no configuration but its own has a say in it, and no more
    /// than `max_object` bytes of one object are held.
    pub(super) fn open_gathered(path: &Path, max_object: usize) -> Result<Self, Error> {
        let opened = gix::ThreadSafeRepository::open_opts(path, gix::open::Options::isolated());
        let repo = Repo::new(path, opened.map_err(|error| error.to_string()), false)?;
        Ok(Repo { store: repo.store.holding_at_most(max_object), ..repo })
    }

    /// The repository of a `.git` that `gix` would look past: in the directories above it, it would find another one.
    fn open_oddity(
        path: &Path,
        dot_git: &Path,
        index: Option<&Path>,
        follow_env: bool,
    ) -> Result<Option<Self>, Error> {
        let cannot_open = |reason: String| Error::Open { path: path.to_owned(), reason };
        let git_dir = dot_git::directory(dot_git).map_err(cannot_open)?;
        let stand_in = StandIn::make(&git_dir, index).map_err(|error| cannot_open(error.to_string()))?;
        let Some(stand_in) = stand_in else {
            // Alternates in a circle, or that are gone, are no error to git; `gix` must not list them to open it.
            if !dot_git::has_odd_alternates(&git_dir) {
                return Ok(None);
            }
            let opened = open_unlisted(dot_git, follow_env);
            return Repo::new(path, opened.map_err(|error| error.to_string()), follow_env).map(Some);
        };
        let opened = gix::ThreadSafeRepository::open(stand_in.path());
        let mut repo = Repo::new(path, opened.map_err(|error| error.to_string()), follow_env)?;
        repo.stand_in = Some(stand_in);
        Ok(Some(repo))
    }

    fn new(
        path: &Path,
        opened: Result<gix::ThreadSafeRepository, String>,
        follow_env: bool,
    ) -> Result<Self, Error> {
        let cannot_open = |reason: String| Error::Open { path: path.to_owned(), reason };
        let inner = opened.map_err(cannot_open)?.to_thread_local();
        // As git does, lest the configuration of another user's repository take effect: `safe.directory` in git-config(1).
        let inner =
            if inner.git_dir_trust() == gix::sec::Trust::Full { inner } else { trusted(&inner, follow_env)? };
        format::check(&inner).map_err(cannot_open)?;
        let object_dirs = ObjectDirs::resolve(object_roots(&inner, follow_env), None);
        let shallow_boundary = shallow::boundary(&inner);
        let max_blob_size = MaxBlobSize(u64::MAX);
        let store = ObjectStore::new(object_dirs.all(), inner.object_hash());
        let (lfs, requires_all) = (Lfs::new(&inner, &object_dirs), false);
        Ok(Repo {
            inner,
            object_dirs,
            store,
            lfs,
            requires_all,
            shallow_boundary,
            max_blob_size,
            follow_env,
            stand_in: None,
            odb: OnceCell::new(),
        })
    }

    /// The same, skipping blobs of more than `bytes` bytes.
    #[must_use]
    pub fn with_max_blob_size(self, bytes: u64) -> Self {
        Repo { max_blob_size: MaxBlobSize(bytes), ..self }
    }

    /// The same; where `required`, it is an error that something of its history is not here.
    #[must_use]
    pub fn requiring_all(self, required: bool) -> Self {
        Repo { requires_all: required, ..self }
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

    /// Whether its packs are so large that a scan of them occupies all threads and much memory.
    pub fn is_large(&self) -> bool {
        self.store.lookup.packed_bytes() > LARGE
    }

    /// Where git looks for hooks: `core.hooksPath` (git-config(1)), or [`Repo::default_hooks_dir`]. None where that is set to
    /// nothing, by which git runs no hook.
    pub fn hooks_dir(&self) -> Result<Option<PathBuf>, Error> {
        let config = self.inner.config_snapshot();
        if config.string("core.hooksPath").is_some_and(|path| path.is_empty()) {
            return Ok(None);
        }
        let configured = config.trusted_path("core.hooksPath").map_err(|error| Error::Open {
            path: self.root().to_owned(),
            reason: format!("`core.hooksPath` is no path: {error}"),
        })?;
        // A relative one starts at the directory that hooks are run in (githooks(5)).
        Ok(Some(configured.map_or_else(|| self.default_hooks_dir(), |path| self.root().join(path))))
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
        self.shallow_boundary.binary_search_by(|boundary| boundary.as_ref().cmp(id)).is_ok()
    }

    /// The hash function that object ids are made with (`extensions.objectFormat` in git-config(1)).
    pub(super) fn hash(&self) -> gix::hash::Kind {
        self.inner.object_hash()
    }

    /// Reads the object `id` into `out`.
    pub(super) fn read(&self, id: &gix::oid, out: &mut Vec<u8>) -> Result<Kind, ReadError> {
        self.store.read(id, out)
    }

    /// Reads the object `id` into `out`; one of another kind is an error.
    pub(super) fn read_as(&self, kind: Kind, id: &gix::oid, out: &mut Vec<u8>) -> Result<(), ReadError> {
        if self.read(id, out)? == kind { Ok(()) } else { Err(ReadError::Damaged) }
    }
}

/// Another user's repository, opened as one's own where the environment says that it is safe.
fn trusted(repo: &gix::Repository, follow_env: bool) -> Result<gix::Repository, Error> {
    let root = repo.workdir().unwrap_or_else(|| repo.git_dir());
    let path = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let values = safe_directory::from_environment(&|name| std::env::var_os(name));
    if !safe_directory::names(&values, &path) {
        return Err(Error::Untrusted { path });
    }
    let options = || gix::open::Options::default().with(gix::sec::Trust::Full);
    let opened = if follow_env {
        let any_owner = gix::sec::trust::Mapping { full: options(), reduced: options() };
        gix::ThreadSafeRepository::open_with_environment_overrides(repo.git_dir(), any_owner)
    } else {
        gix::ThreadSafeRepository::open_opts(root, options())
    };
    opened.map(Into::into).map_err(|error| Error::Open { path, reason: error.to_string() })
}

/// Opens a repository without a look at its objects: they are read by [`ObjectStore`] anyway.
fn open_unlisted(dot_git: &Path, follow_env: bool) -> gix::Result<gix::ThreadSafeRepository> {
    let mut options: gix::sec::trust::Mapping<gix::open::Options> = gix::sec::trust::Mapping::default();
    let slots = gix::odb::store::init::Slots::Given(256);
    options.full = options.full.object_store_slots(slots);
    options.reduced = options.reduced.object_store_slots(slots);
    if follow_env {
        return gix::ThreadSafeRepository::open_with_environment_overrides(dot_git, options);
    }
    gix::ThreadSafeRepository::open_opts(dot_git, gix::open::Options::default().object_store_slots(slots))
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
