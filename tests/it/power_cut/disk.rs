//! What a disk may hold when the power fails: all that was synced, and of the rest whatever the weather decides.
//!
//! POSIX promises no more than that: a write is durable once fsync(2) on its file has returned, and a name once fsync(2)
//! on its directory has. Real file systems keep more of an order than this model, and none keeps less. Of the writes that
//! are not synced any subset may have arrived, each in any subset of its sectors; of the names that were made, moved and
//! removed any subset as well. A file that grew without its data holds zeros.

use std::collections::BTreeMap;

use super::trace::{Event, FileId, Name};
use crate::support::mint::Mint;

/// Which syncs are believed: the proof that this test can fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Syncs {
    All,
    /// As where the directory was never synced: what SQLite's `synchronous = FULL` leaves open.
    NoneOfDirectories,
    /// As with `synchronous = OFF`.
    None,
}

/// What arrives of that which was not synced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unsynced {
    Lost,
    /// As after a `kill -9`: the system goes on.
    Written,
    /// Any subset, in sectors of so many bytes.
    Torn(usize),
}

#[derive(Clone, Debug)]
enum Change {
    Write { at: usize, data: Vec<u8> },
    Truncate(usize),
}

#[derive(Clone, Debug)]
enum NameChange {
    Create(Name, Node),
    Unlink(Name),
    Rename(Name, Name),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    File(FileId),
    Directory,
}

#[derive(Clone, Debug, Default)]
struct Content {
    synced: Vec<u8>,
    pending: Vec<Change>,
}

/// A disk, and what waits in front of it.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    syncs: Syncs,
    files: Vec<Content>,
    names: BTreeMap<Name, Node>,
    pending: Vec<NameChange>,
}

/// What the next start finds: the content of each file, nothing for a directory.
pub(super) type Image = BTreeMap<Name, Option<Vec<u8>>>;

impl Disk {
    pub(super) fn new(syncs: Syncs) -> Self {
        Disk { syncs, files: Vec::new(), names: BTreeMap::new(), pending: Vec::new() }
    }

    pub(super) fn apply(&mut self, event: &Event) {
        match event.clone() {
            Event::Create(name, file) => {
                assert_eq!(file, self.files.len());
                self.files.push(Content::default());
                self.pending.push(NameChange::Create(name, Node::File(file)));
            }
            Event::MakeDirectory(name) => self.pending.push(NameChange::Create(name, Node::Directory)),
            Event::Write { file, at, data } => self.files[file].pending.push(Change::Write { at, data }),
            Event::Truncate(file, len) => self.files[file].pending.push(Change::Truncate(len)),
            Event::Sync(file) if self.syncs != Syncs::None => {
                let content = &mut self.files[file];
                for change in std::mem::take(&mut content.pending) {
                    write(&mut content.synced, &change);
                }
            }
            Event::SyncDirectory(directory) if self.syncs == Syncs::All => {
                let (synced, rest) = std::mem::take(&mut self.pending)
                    .into_iter()
                    .partition::<Vec<_>, _>(|change| parent(change.name()) == directory);
                for change in synced {
                    change.apply(&mut self.names);
                }
                self.pending = rest;
            }
            Event::Unlink(name) => self.pending.push(NameChange::Unlink(name)),
            Event::Rename(from, to) => self.pending.push(NameChange::Rename(from, to)),
            Event::Sync(_) | Event::SyncDirectory(_) | Event::Mark(_) => {}
        }
    }

    /// What is found if the power fails now.
    pub(super) fn image(&self, unsynced: Unsynced, luck: &mut Mint) -> Image {
        // Sometimes most of it arrives, sometimes little does.
        let odds = 1 + luck.number() % 7;
        let mut arrives = || match unsynced {
            Unsynced::Lost => false,
            Unsynced::Written => true,
            Unsynced::Torn(_) => luck.number() % 8 < odds,
        };
        let mut names = self.names.clone();
        for change in &self.pending {
            if arrives() {
                change.apply(&mut names);
            }
        }
        let mut image = Image::new();
        for (name, node) in &names {
            let reachable = parent(name).is_empty() || names.get(parent(name)) == Some(&Node::Directory);
            let content = match node {
                _ if !reachable => continue,
                Node::Directory => None,
                Node::File(file) => Some(self.content(*file, unsynced, &mut arrives)),
            };
            image.insert(name.clone(), content);
        }
        image
    }

    fn content(&self, file: FileId, unsynced: Unsynced, arrives: &mut dyn FnMut() -> bool) -> Vec<u8> {
        let mut bytes = self.files[file].synced.clone();
        for change in &self.files[file].pending {
            match (change, unsynced) {
                (Change::Write { at, data }, Unsynced::Torn(sector)) => {
                    let mut start = 0;
                    while start < data.len() {
                        let end = (((at + start) / sector + 1) * sector - at).min(data.len());
                        if arrives() {
                            let data = data[start..end].to_vec();
                            write(&mut bytes, &Change::Write { at: at + start, data });
                        }
                        start = end;
                    }
                }
                (change, _) if arrives() => write(&mut bytes, change),
                _ => {}
            }
        }
        bytes
    }
}

impl NameChange {
    fn name(&self) -> &str {
        match self {
            // Both names are in one directory: no other rename is made here.
            NameChange::Create(name, _) | NameChange::Unlink(name) | NameChange::Rename(name, _) => name,
        }
    }

    fn apply(&self, names: &mut BTreeMap<Name, Node>) {
        match self {
            NameChange::Create(name, node) => {
                names.insert(name.clone(), *node);
            }
            NameChange::Unlink(name) => {
                names.remove(name);
            }
            NameChange::Rename(from, to) => {
                assert_eq!(parent(from), parent(to), "a rename across directories");
                if let Some(node) = names.remove(from) {
                    names.insert(to.clone(), node);
                }
            }
        }
    }
}

fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(directory, _)| directory)
}

fn write(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { at, data } => {
            if bytes.len() < at + data.len() {
                bytes.resize(at + data.len(), 0);
            }
            bytes[*at..at + data.len()].copy_from_slice(data);
        }
        Change::Truncate(len) => bytes.resize(*len, 0),
    }
}

/// Writes an image into an empty directory, as private as it was.
pub(super) fn restore(image: &Image, into: &std::path::Path) {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    for (name, content) in image {
        let path = into.join(name);
        match content {
            None => std::fs::DirBuilder::new().mode(0o700).create(path).expect("a directory"),
            Some(bytes) => {
                let mut options = std::fs::OpenOptions::new();
                let mut file = options.write(true).create_new(true).mode(0o600).open(path).expect("a file");
                std::io::Write::write_all(&mut file, bytes).expect("room");
            }
        }
    }
}
