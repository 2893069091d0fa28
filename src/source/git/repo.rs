//! An opened repository: whose it is, where its objects are, and one object by its id.

use std::path::{Path, PathBuf};

use gix::ObjectId;

use super::pack::Kind;
use super::{Error, complete};
use crate::blob::{Fault, FaultKind, Sink};

/// A repository that may be scanned: it opens, and it belongs to the user or is in `safe.directory`.
pub struct Repo {
    pub(super) inner: gix::Repository,
    /// Every folder of objects, alternates included, the repository's own first.
    pub(super) folders: Vec<PathBuf>,
    /// One store a folder that no other store's alternates lead to.
    stores: Vec<Store>,
    /// Where a shallow clone's history was cut off.
    pub(super) shallow: Vec<ObjectId>,
    /// Blobs of more bytes are passed over.
    pub(super) largest: Largest,
}

/// The size beyond which blobs are passed over.
#[derive(Clone, Copy)]
pub(super) struct Largest(u64);

impl Largest {
    /// Whether the blob `id` is too large, and then says so.
    pub(super) fn passes_over(self, id: &gix::oid, size: usize, sink: &dyn Sink) -> bool {
        let over = size as u64 > self.0;
        if over {
            let reason = format!("passed over: it has {size} bytes");
            sink.fault(Fault { path: format!("object {id}"), kind: FaultKind::TooLarge, reason });
        }
        over
    }
}

/// Why an object cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadError {
    /// It is not there.
    Missing,
    /// It is there, and cannot be read.
    Damaged,
}

impl Repo {
    /// The repository at or around `path`, as git finds it. What git's environment says (`GIT_DIR`, `GIT_INDEX_FILE`,
    /// `GIT_OBJECT_DIRECTORY` and their like, as hooks see them) holds, unless `path` names another place than `.` while
    /// `GIT_DIR` is set: then it is meant as it is said.
    pub fn around(path: &Path) -> Result<Self, Error> {
        let environment = path == Path::new(".") || std::env::var_os("GIT_DIR").is_none();
        let opened = if environment {
            gix::ThreadSafeRepository::discover_with_environment_overrides(path)
        } else {
            gix::ThreadSafeRepository::discover(path)
        };
        Repo::new(path, opened.map_err(|error| error.to_string()), environment)
    }

    /// What is the repository at `path` itself, be it a folder with a `.git` in it or a bare one.
    pub fn exactly(path: &Path) -> Result<Self, Error> {
        let opened = gix::ThreadSafeRepository::open(path);
        Repo::new(path, opened.map_err(|error| error.to_string()), false)
    }

    fn new(
        path: &Path,
        opened: Result<gix::ThreadSafeRepository, String>,
        environment: bool,
    ) -> Result<Self, Error> {
        let unopened = |reason: String| Error::Open { path: path.to_owned(), reason };
        let inner = opened.map_err(unopened)?.to_thread_local();
        if inner.git_dir_trust() != gix::sec::Trust::Full {
            let root = inner.workdir().unwrap_or_else(|| inner.git_dir());
            let path = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
            return Err(Error::Untrusted { path });
        }
        let format = inner.config_snapshot().string("extensions.refStorage");
        if let Some(format) = format.filter(|format| *format != "files") {
            return Err(unopened(format!(
                "its refs are stored as `{format}`, which cannot be read yet; for a copy that can, run: \
                 git clone --mirror --ref-format=files"
            )));
        }
        let roots = object_roots(&inner, environment);
        let stores = roots.iter().map(|root| store(root, inner.object_hash()));
        let stores =
            stores.collect::<std::io::Result<Vec<_>>>().map_err(|error| unopened(error.to_string()))?;
        let mut folders = Vec::new();
        for root in roots {
            let alternates = gix::odb::alternate::resolve(root.clone(), inner.current_dir());
            let alternates = alternates.map_err(|error| unopened(error.to_string()))?;
            for folder in std::iter::once(root).chain(alternates) {
                let folder = std::fs::canonicalize(&folder).unwrap_or(folder);
                if !folders.contains(&folder) {
                    folders.push(folder);
                }
            }
        }
        let shallow = complete::boundary(&inner);
        Ok(Repo { inner, folders, stores, shallow, largest: Largest(u64::MAX) })
    }

    /// The same, passing over blobs of more than so many bytes.
    #[must_use]
    pub fn with_largest(self, largest: u64) -> Self {
        Repo { largest: Largest(largest), ..self }
    }

    /// The folder whose files are in the repository's history; the repository itself where it is bare.
    pub fn root(&self) -> &Path {
        self.inner.workdir().unwrap_or_else(|| self.inner.git_dir())
    }

    /// The folder that all work trees of the repository share: what is in it need be looked at only once.
    pub fn shared_folder(&self) -> PathBuf {
        let folder = self.inner.common_dir();
        std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
    }

    /// Where git looks for hooks, as `core.hooksPath` says.
    pub fn hooks_folder(&self) -> Result<PathBuf, Error> {
        let config = self.inner.config_snapshot();
        let said = config.trusted_path("core.hooksPath").map_err(|error| Error::Open {
            path: self.root().to_owned(),
            reason: format!("`core.hooksPath` is no path: {error}"),
        })?;
        let said = said.filter(|path| !path.as_os_str().is_empty());
        // A relative one starts where hooks are run.
        Ok(said.map_or_else(|| self.own_hooks_folder(), |path| self.root().join(path)))
    }

    /// Where git looks for hooks unless it is told otherwise.
    pub fn own_hooks_folder(&self) -> PathBuf {
        self.inner.common_dir().join("hooks")
    }

    /// What kind of hash names the objects.
    pub(super) fn hash(&self) -> gix::hash::Kind {
        self.inner.object_hash()
    }

    /// Reads the object `id` into `out`.
    pub(super) fn read(&self, id: &gix::oid, out: &mut Vec<u8>) -> Result<Kind, ReadError> {
        use gix::objs::Find as _;
        let mut lack = ReadError::Missing;
        for store in &self.stores {
            match store.try_find(id, out) {
                Ok(Some(object)) => return Ok(object.kind.into()),
                Ok(None) => {}
                Err(_) => lack = ReadError::Damaged,
            }
        }
        Err(lack)
    }

    /// Reads the object `id`, which should be of that kind.
    pub(super) fn read_as(&self, kind: Kind, id: &gix::oid, out: &mut Vec<u8>) -> Result<(), ReadError> {
        if self.read(id, out)? == kind { Ok(()) } else { Err(ReadError::Damaged) }
    }
}

impl From<gix::object::Kind> for Kind {
    fn from(kind: gix::object::Kind) -> Self {
        match kind {
            gix::object::Kind::Commit => Kind::Commit,
            gix::object::Kind::Tree => Kind::Tree,
            gix::object::Kind::Blob => Kind::Blob,
            gix::object::Kind::Tag => Kind::Tag,
        }
    }
}

impl From<Kind> for gix::object::Kind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Commit => gix::object::Kind::Commit,
            Kind::Tree => gix::object::Kind::Tree,
            Kind::Blob => gix::object::Kind::Blob,
            Kind::Tag => gix::object::Kind::Tag,
        }
    }
}

/// The folders of objects that the repository or git's environment names. A receiving git keeps what is pushed in a
/// folder of its own until its hooks agree, and tells them by the environment.
fn object_roots(repo: &gix::Repository, environment: bool) -> Vec<PathBuf> {
    let variable = |name: &str| environment.then(|| std::env::var_os(name)).flatten();
    let own = repo.common_dir().join("objects");
    let first = variable("GIT_OBJECT_DIRECTORY").map_or(own, PathBuf::from);
    let more = variable("GIT_ALTERNATE_OBJECT_DIRECTORIES");
    let more = more.iter().flat_map(std::env::split_paths).filter(|path| path.is_dir());
    std::iter::once(first).chain(more).collect()
}

type Store = gix::odb::Cache<gix::odb::store::Handle<std::sync::Arc<gix::odb::Store>>>;

/// A store without replacements: objects are looked at as they are.
fn store(folder: &Path, hash: gix::hash::Kind) -> std::io::Result<Store> {
    let options = gix::odb::store::init::Options::default();
    let store = gix::odb::Store::at_opts(folder.to_owned(), hash, &mut std::iter::empty(), options)?;
    Ok(std::sync::Arc::new(store).to_cache_arc())
}

/// An id from its bytes.
pub(super) fn object_id(bytes: &[u8]) -> ObjectId {
    ObjectId::try_from(bytes).unwrap_or_else(|_| ObjectId::null(gix::hash::Kind::Sha1))
}
