//! A repository put together of git's own files that lie somewhere else: in an archive, in a bundle, in a pack by itself.
//!
//! Of such files nothing is believed but objects and ids. They are put into a directory that only this user may read, and
//! that is removed with the repository; its configuration is written here, and so are its refs, by other names: nothing in
//! it can lead to another place or have anything started. There are no alternates, no hooks, and no links.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::ByteSlice as _;
use tempfile::TempDir;

/// A ref, and what it leads to.
pub(super) struct Tip {
    pub(super) name: Vec<u8>,
    pub(super) id: ObjectId,
    /// Whether what it leads to has to be here.
    pub(super) is_due: bool,
}

/// The most refs and lines of reflogs that are kept.
const MAX_TIPS: usize = 1_000_000;

/// A directory with git's own files in it.
pub struct Gathered {
    dir: TempDir,
    packs: usize,
    indexes: usize,
    /// Which hash ids are made with, once that is known.
    pub(super) hash: Option<gix::hash::Kind>,
    pub(super) tips: Vec<Tip>,
    /// The commits behind which a shallow clone's history is cut off.
    shallow: Vec<ObjectId>,
    /// Whether it may lack what a filter left out (git-clone(1), `--filter`).
    partial: bool,
    /// What is here of Git LFS, by its SHA-256.
    pub(super) lfs: HashSet<String>,
    bytes: u64,
}

impl Gathered {
    /// An empty one.
    pub fn new() -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("stanch-");
        // Only its owner may enter it: by default, the umask decides that.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let dir = builder.tempdir()?;
        fs::create_dir_all(dir.path().join("objects/pack"))?;
        fs::create_dir(dir.path().join("refs"))?;
        Ok(Gathered {
            dir,
            packs: 0,
            indexes: 0,
            hash: None,
            tips: Vec::new(),
            shallow: Vec::new(),
            partial: false,
            lfs: HashSet::new(),
            bytes: 0,
        })
    }

    /// A file for a pack, and its number.
    pub fn new_pack(&mut self) -> io::Result<(usize, File)> {
        let number = self.packs;
        let file = File::options().read(true).write(true).create_new(true).open(self.pack_path(number))?;
        self.packs += 1;
        Ok((number, file))
    }

    /// A file for an index, and its number: which pack it is of may not be known yet.
    pub fn new_index(&mut self) -> io::Result<(usize, File)> {
        let number = self.indexes;
        let file = File::create_new(self.index_path(number))?;
        self.indexes += 1;
        Ok((number, file))
    }

    /// Puts an index beside the pack that it is of.
    pub fn place_index(&self, number: usize, pack: usize) -> io::Result<()> {
        fs::rename(self.index_path(number), self.pack_path(pack).with_extension("idx"))
    }

    fn index_path(&self, number: usize) -> PathBuf {
        self.dir.path().join(format!("index-{number}"))
    }

    /// A file for the loose object with this id. An id that is none is an error.
    pub fn new_loose(&mut self, id: &str) -> io::Result<File> {
        let id =
            ObjectId::from_hex(id.as_bytes()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        self.hash.get_or_insert(id.kind());
        let path = super::object_files::loose_path(&self.dir.path().join("objects"), &id);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        File::options().read(true).write(true).create(true).truncate(true).open(path)
    }

    /// Calls `each` with the id of each loose object, and its file.
    pub fn for_each_loose(&self, each: &mut dyn FnMut(&str, File)) {
        let names = |dir: &Path| {
            let entries = fs::read_dir(dir).into_iter().flatten().flatten();
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect::<Vec<_>>()
        };
        let objects = self.dir.path().join("objects");
        for first in names(&objects).into_iter().filter(|first| first.len() == 2) {
            for rest in names(&objects.join(&first)) {
                if let Ok(file) = File::open(objects.join(&first).join(&rest)) {
                    each(&format!("{first}{rest}"), file);
                }
            }
        }
    }

    /// Counts bytes that were written.
    pub fn count(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// How many bytes were written.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where the pack with this number is.
    pub fn pack_path(&self, number: usize) -> PathBuf {
        self.dir.path().join(format!("objects/pack/{number}.pack"))
    }

    /// How many packs there are.
    pub(super) fn packs(&self) -> usize {
        self.packs
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Says that ids are made with SHA-256 where this is so, as `extensions.objectFormat` does (git-config(1)).
    pub fn set_sha256(&mut self, is_sha256: bool) {
        self.hash = Some(if is_sha256 { gix::hash::Kind::Sha256 } else { gix::hash::Kind::Sha1 });
    }

    /// Notes a ref by the text of its file, or of its line in a list: an id. What is none is passed over.
    pub fn add_ref(&mut self, name: &[u8], text: &[u8]) {
        self.add_tip(name, text, true);
    }

    /// Notes the refs of a `packed-refs` (git-pack-refs(1)): an id and a name a line.
    pub fn add_packed_refs(&mut self, text: &[u8]) {
        for (id, name) in text.lines().filter_map(|line| line.split_once_str(" ")) {
            self.add_ref(name, id);
        }
    }

    /// Notes what a reflog remembers, which need not be here any more (git-reflog(1)).
    pub fn add_reflog(&mut self, name: &[u8], text: &[u8]) {
        for line in text.lines() {
            for id in line.splitn(3, |byte| *byte == b' ').take(2) {
                self.add_tip(name, id, false);
            }
        }
    }

    /// Notes where a shallow clone is cut off (gitrepository-layout(5), "shallow").
    pub fn add_shallow(&mut self, text: &[u8]) {
        self.shallow.extend(text.lines().filter_map(|line| ObjectId::from_hex(line.trim()).ok()));
    }

    /// Notes that what a filter left out may be missing.
    pub fn set_partial(&mut self) {
        self.partial = true;
    }

    /// Notes content of Git LFS that is scanned as a file, by its SHA-256.
    pub fn add_lfs(&mut self, oid: &str) {
        self.lfs.insert(oid.to_owned());
    }

    /// Notes that some of its objects are in another place: what its refs lead to need not be here.
    pub fn set_borrowing(&mut self) {
        self.tips.iter_mut().for_each(|tip| tip.is_due = false);
    }

    fn add_tip(&mut self, name: &[u8], hex: &[u8], is_due: bool) {
        if let Ok(id) = ObjectId::from_hex(hex.trim())
            && !id.is_null()
            && self.tips.len() < MAX_TIPS
        {
            self.tips.push(Tip { name: name.to_owned(), id, is_due });
        }
    }

    /// Writes what makes a repository of the directory. Refs have numbers for names: their own may be made up.
    pub(super) fn write(&self, hash: gix::hash::Kind) -> io::Result<()> {
        let write = |name: &str, text: String| fs::write(self.dir.path().join(name), text);
        let format = match hash {
            gix::hash::Kind::Sha1 => "\trepositoryformatversion = 0\n\tbare = true\n",
            _ => "\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n",
        };
        let promisor = if self.partial { "[remote \"origin\"]\n\tpromisor = true\n" } else { "" };
        write("config", format!("[core]\n{format}{promisor}"))?;
        write("HEAD", "ref: refs/heads/none\n".to_owned())?;
        let mut refs = String::new();
        for (number, tip) in self.tips.iter().enumerate().filter(|(_, tip)| tip.id.kind() == hash) {
            let group = if tip.name.starts_with(b"refs/notes/") { "notes" } else { "heads" };
            // Writing to a string does not fail.
            let _ = writeln!(refs, "{} refs/{group}/{number:08}", tip.id);
        }
        write("packed-refs", refs)?;
        if !self.shallow.is_empty() {
            write("shallow", ids(&self.shallow))?;
        }
        Ok(())
    }
}

/// One id a line.
fn ids(ids: &[ObjectId]) -> String {
    ids.iter().fold(String::new(), |mut text, id| {
        let _ = writeln!(text, "{id}");
        text
    })
}
