//! Objects: their kinds, their ids, and the entries of a tree.

use std::io::Read;
use std::sync::Arc;

use gix::{ObjectId, oid};
use memchr::memchr;

/// The kind of an object: git calls it the object type (gitglossary(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Commit,
    Tree,
    Blob,
    /// An annotated tag.
    Tag,
}

impl Kind {
    /// What git calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Commit => "commit",
            Kind::Tree => "tree",
            Kind::Blob => "blob",
            Kind::Tag => "tag",
        }
    }
}

/// An object that was read.
pub(super) type Object = (Kind, Arc<Vec<u8>>);

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

/// The id of an object with these bytes: the hash of its kind, its size and them
/// (<https://git-scm.com/book/en/v2/Git-Internals-Git-Objects>, "Object Storage").
pub(super) fn compute_id(kind: Kind, bytes: &[u8], hash: gix::hash::Kind) -> Option<ObjectId> {
    gix::objs::compute_hash(hash, kind.into(), bytes).ok()
}

/// The id of a blob that is read as a stream.
pub(super) fn compute_stream_id(
    size: usize,
    bytes: &mut dyn Read,
    hash: gix::hash::Kind,
) -> Option<ObjectId> {
    let mut hasher = gix::hash::hasher(hash);
    hasher.update(format!("blob {size}\0").as_bytes());
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match bytes.read(&mut buffer).ok()? {
            0 => return hasher.try_finalize().ok(),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// One entry of a tree.
#[derive(Clone, Copy)]
pub(super) struct TreeEntry<'a> {
    pub(super) name: &'a [u8],
    pub(super) mode: Mode,
    pub(super) id: &'a oid,
}

/// What a tree entry names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Mode {
    /// A directory.
    Tree,
    /// A file, executable or not.
    File,
    /// A symbolic link: its blob is the path it points to.
    Link,
    /// A submodule's commit, which is in a repository of its own (gitsubmodules(7)).
    Submodule,
}

/// The entries of a tree, up to the first that is malformed.
pub(super) fn tree_entries(bytes: &[u8], hash: gix::hash::Kind) -> impl Iterator<Item = TreeEntry<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (entry, after) = tree_entry(rest, hash)?;
        rest = after;
        Some(entry)
    })
}

/// The first entry of a tree, and the bytes behind it. It is an octal mode, a space, a name, a zero byte and an id of raw
/// bytes. The modes are those of git-fast-import(1): 100644 and 100755 are files, 120000 links, 160000 submodules, 040000
/// trees, which a tree object writes without the leading zero.
///
/// Git takes any number for a mode and looks at the bits of the file type only (`canon_mode` in its tree-walk.h).
pub(super) fn tree_entry(bytes: &[u8], hash: gix::hash::Kind) -> Option<(TreeEntry<'_>, &[u8])> {
    let space = memchr(b' ', bytes)?;
    let (mode, after) = bytes.split_at_checked(space)?;
    let after = after.get(1..)?;
    let (name, after) = after.split_at_checked(memchr(0, after)?)?;
    let (id, after) = after.get(1..)?.split_at_checked(hash.len_in_bytes())?;
    let digit = |digit: &u8| matches!(digit, b'0'..=b'7').then(|| u32::from(*digit - b'0'));
    if mode.is_empty() {
        return None;
    }
    let number = mode.iter().try_fold(0_u32, |number, byte| Some((number << 3) + digit(byte)?))?;
    let mode = match number & 0o170_000 {
        0o100_000 => Mode::File,
        0o120_000 => Mode::Link,
        0o040_000 => Mode::Tree,
        _ => Mode::Submodule,
    };
    Some((TreeEntry { name, mode, id: oid::try_from_bytes(id).ok()? }, after))
}
