//! A repository that was put together, opened and read: what is in it, and what is not.

use std::any::Any;
use std::io;
use std::thread;

use super::error::Error;
use super::gathered::Gathered;
use super::gathered_pack::{self, GatheredPack};
use super::history::History;
use super::lfs::Lfs;
use super::odb::ObjectDb;
use super::repo::Repo;
use super::unindexed_pack::Extent;
use crate::blob::{Blob, Body, Fault, FaultKind, Origin, Sink, Source as _};
use crate::text::path_text;

/// How far a repository is read that may have been made to take long.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The most objects of a pack.
    pub objects: usize,
    /// The most bytes of one object that are held.
    pub object_bytes: usize,
}

/// An opened repository that was put together.
pub struct Inside<'a> {
    gathered: &'a Gathered,
    repo: Repo,
    /// What could not be read of packs.
    faults: Vec<Fault>,
    /// What is in packs, and could not be built.
    unbuilt: Vec<(u64, Vec<u8>)>,
    /// The numbers of packs that may have something else in them, too.
    odd_packs: Vec<usize>,
}

impl Gathered {
    /// Opens the repository within some bounds, and as long as it is not `stopped`.
    pub fn open(&self, bounds: Bounds, stopped: &(dyn Fn() -> bool + Sync)) -> Result<Inside<'_>, Error> {
        let extent = Extent { entries: bounds.objects, object: bounds.object_bytes, stopped };
        let (mut packs, mut faults, mut unbuilt, mut odd_packs) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut hash = self.hash;
        for number in 0..self.packs() {
            match gathered_pack::open(&self.pack_path(number), hash, &extent) {
                Ok(pack) => {
                    hash.get_or_insert(pack.hash);
                    faults.extend(pack.fault(String::new(), &extent));
                    if !pack.is_whole {
                        odd_packs.push(number);
                    }
                    unbuilt.extend(added(&pack, &extent));
                    packs.push(pack.pack);
                }
                // There is no room for its index.
                Err(error @ Error::Io { .. }) => return Err(error),
                Err(error) => {
                    let (kind, reason) = (FaultKind::Damaged, error.to_string());
                    faults.push(Fault { path: String::new(), kind, reason });
                    odd_packs.push(number);
                }
            }
        }
        let hash = hash.unwrap_or(gix::hash::Kind::Sha1);
        self.write(hash).map_err(|source| Error::Io { path: self.path().to_owned(), source })?;
        let mut repo = Repo::open_gathered(self.path(), bounds.object_bytes)?;
        repo.lfs = Lfs::beside(self.lfs.clone());
        let odb = ObjectDb::gathered(packs, &self.path().join("objects"), hash, bounds.object_bytes);
        // Nobody has asked for it yet.
        let _ = repo.odb.set(odb);
        Ok(Inside { gathered: self, repo, faults, unbuilt, odd_packs })
    }
}

/// What the entries of a pack add that cannot be built.
fn added(pack: &GatheredPack, extent: &Extent<'_>) -> Vec<(u64, Vec<u8>)> {
    let mut held = 0;
    let mut all = Vec::new();
    for offset in pack.unbuilt.iter().copied() {
        let bytes = pack.added_by(offset, extent.object.saturating_sub(held));
        held += bytes.len();
        if (extent.stopped)() {
            break;
        }
        all.push((offset, bytes));
    }
    all
}

impl Inside<'_> {
    /// Its objects as a source.
    pub fn history(&self) -> History<'_> {
        History::new(&self.repo).of_objects()
    }

    /// Hands on the objects, and what is known of those that cannot be built; and says what was not read.
    pub fn drain(&self, history: &History<'_>, sink: &dyn Sink) {
        for fault in &self.faults {
            sink.fault(fault.clone());
        }
        for (offset, bytes) in self.unbuilt.iter().filter(|(_, bytes)| !bytes.is_empty()) {
            let origin = || Origin::file(format!("delta/{offset}"));
            sink.blob(Blob { body: Body::Whole(bytes), origin: &origin });
        }
        history.drain(sink);
        if sink.stopped() {
            return;
        }
        let odb = self.repo.object_db();
        let is_lost = |id: &gix::oid| !odb.contains(id);
        for tip in self.gathered.tips.iter().filter(|tip| tip.is_due && is_lost(&tip.id)) {
            let reason = format!(
                "its object {}, which {} names, is not here, and what it leads to was not scanned",
                tip.id,
                path_text(&tip.name)
            );
            sink.fault(Fault { path: format!("object {}", tip.id), kind: FaultKind::Unreadable, reason });
        }
        if let Some(missing) = self.repo.incomplete() {
            sink.fault(Fault { path: String::new(), kind: FaultKind::Shallow, reason: missing.to_string() });
        }
    }

    /// The numbers of packs that may have something else in them than their objects.
    pub fn odd_packs(&self) -> &[usize] {
        &self.odd_packs
    }

    /// A message without the directory that the repository was put together in.
    pub fn without_directory(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let dir = self.gathered.path();
        for dir in dir.canonicalize().into_iter().chain([dir.to_owned()]) {
            text = text.replace(&format!("{}/", dir.display()), "");
        }
        text
    }
}

/// Does `work` in a thread of its own, with all that it starts: whoever is one of several threads that take work from one
/// another would meanwhile begin something else, and hold what that waits for.
pub fn alone<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().map_err(io::Error::other)?;
    let joined = thread::scope(|scope| scope.spawn(|| pool.install(work)).join());
    joined.map_err(|_: Box<dyn Any + Send>| io::Error::other("the reader failed on it"))
}
