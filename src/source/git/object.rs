//! One object, handed over in its parts: a commit's message is a place of another kind than its author.

use gix::bstr::ByteSlice as _;
use gix::{ObjectId, oid};
use memchr::memchr;

use super::pack::Kind;
use crate::blob::{Blob, Body, LocationKind, Origin, Sink};
use crate::text::path_text;

/// Hands an object over, part by part.
pub(super) fn hand_over(sink: &dyn Sink, kind: Kind, id: &oid, bytes: &[u8]) {
    match kind {
        Kind::Blob => give(sink, bytes, &|| blob(id)),
        Kind::Tree => tree(sink, id, bytes),
        Kind::Commit => commit(sink, id, bytes),
        Kind::Tag => tag(sink, id, bytes),
    }
}

fn give(sink: &dyn Sink, bytes: &[u8], origin: &dyn Fn() -> Origin) {
    if !bytes.is_empty() {
        sink.blob(Blob { body: Body::Whole(bytes), origin });
    }
}

/// A blob by its id alone: what is in front of its members' names, where it is a container, is filled in later.
pub(super) fn blob(id: &oid) -> Origin {
    Origin { object: Some(id.to_string()), ..Origin::default() }
}

/// The id of an object with these bytes.
pub(super) fn hash(kind: Kind, bytes: &[u8], hash: gix::hash::Kind) -> Option<ObjectId> {
    gix::objs::compute_hash(hash, kind.into(), bytes).ok()
}

/// The names in a tree. Their bytes stand between ids, which are noise and are not looked at.
fn tree(sink: &dyn Sink, id: &oid, bytes: &[u8]) {
    if sink.prefilter().is_some_and(|prefilter| !prefilter.may_match(bytes)) {
        return;
    }
    for entry in entries(bytes, id.kind()) {
        let origin = || Origin {
            path: path_text(entry.name),
            kind: LocationKind::FileName,
            object: Some(id.to_string()),
            ..Origin::default()
        };
        give(sink, entry.name, &origin);
    }
}

/// One entry of a tree.
#[derive(Clone, Copy)]
pub(super) struct TreeEntry<'a> {
    pub(super) name: &'a [u8],
    pub(super) mode: Mode,
    pub(super) id: &'a oid,
}

/// What a tree's entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// A folder.
    Tree,
    /// A file.
    File,
    /// A symbolic link.
    Link,
    /// A submodule's commit, which is not in this repository.
    Submodule,
}

/// The entries of a tree, as far as it is well formed.
pub(super) fn entries(bytes: &[u8], hash: gix::hash::Kind) -> impl Iterator<Item = TreeEntry<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let space = memchr(b' ', rest)?;
        let (mode, behind) = rest.split_at_checked(space)?;
        let behind = behind.get(1..)?;
        let (name, behind) = behind.split_at_checked(memchr(0, behind)?)?;
        let (id, behind) = behind.get(1..)?.split_at_checked(hash.len_in_bytes())?;
        rest = behind;
        let mode = match mode {
            [b'1', b'0', ..] => Mode::File,
            [b'1', b'2', ..] => Mode::Link,
            [b'1', b'6', ..] => Mode::Submodule,
            _ => Mode::Tree,
        };
        Some(TreeEntry { name, mode, id: oid::try_from_bytes(id).ok()? })
    })
}

/// What is said of a commit: who wrote it and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Signature {
    /// `Name <mail>`.
    pub(super) author: Option<String>,
    /// RFC 3339.
    pub(super) date: Option<String>,
}

impl Signature {
    /// What the `author` line of a commit, or the `tagger` line of a tag, says.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let (header, _) = parts(bytes);
        let line = header
            .lines()
            .find_map(|line| line.strip_prefix(b"author ").or_else(|| line.strip_prefix(b"tagger ")));
        let Some(line) = line else { return Signature::default() };
        let end = line.rfind_byte(b'>').map_or(line.len(), |end| end + 1);
        let (author, when) = line.split_at(end);
        let author = Some(author.to_str_lossy().trim().to_owned()).filter(|author| !author.is_empty());
        Signature { author, date: date(when) }
    }
}

/// ` 1700000000 +0100` as RFC 3339.
fn date(when: &[u8]) -> Option<String> {
    let mut words = when.to_str().ok()?.split_ascii_whitespace();
    let seconds: i64 = words.next()?.parse().ok()?;
    let zone = words.next().unwrap_or("+0000");
    let (sign, digits) = zone.split_at_checked(1)?;
    let digits: i32 = digits.parse().ok()?;
    let offset = (digits / 100 * 3600 + digits % 100 * 60) * if sign == "-" { -1 } else { 1 };
    let offset = jiff::tz::Offset::from_seconds(offset).unwrap_or(jiff::tz::Offset::UTC);
    let at = jiff::Timestamp::from_second(seconds).ok()?;
    Some(at.display_with_offset(offset).to_string())
}

/// The header and the message of a commit or tag.
fn parts(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.find(b"\n\n") {
        Some(end) => (&bytes[..=end], &bytes[end + 2..]),
        None => (bytes, &[]),
    }
}

/// Where a part of a commit or tag comes from.
struct Part<'a> {
    object: &'a oid,
    kind: LocationKind,
    /// The commit's or tag's raw bytes.
    whole: &'a [u8],
}

impl Part<'_> {
    fn origin(&self) -> Origin {
        let byline = Signature::of(self.whole);
        let tag = self.whole.starts_with(b"object ");
        let field = |name: &[u8]| parts(self.whole).0.lines().find_map(|line| line.strip_prefix(name));
        let (path, commit) = if tag {
            let name = field(b"tag ").unwrap_or_default();
            let target = field(b"object ").filter(|_| field(b"type ") == Some(b"commit"));
            (format!("refs/tags/{}", path_text(name)), target.map(|id| id.to_str_lossy().into_owned()))
        } else {
            (format!("commit/{}", self.object), Some(self.object.to_string()))
        };
        Origin {
            path,
            kind: self.kind,
            object: Some(self.object.to_string()),
            commit,
            author: byline.author,
            date: byline.date,
            ..Origin::default()
        }
    }
}

fn commit(sink: &dyn Sink, id: &oid, bytes: &[u8]) {
    header_and_message(sink, id, bytes, LocationKind::CommitMessage);
}

fn tag(sink: &dyn Sink, id: &oid, bytes: &[u8]) {
    header_and_message(sink, id, bytes, LocationKind::TagMessage);
}

/// People are looked at line by line. Everything else in the header (encodings, signatures, a merged tag) counts as message.
fn header_and_message(sink: &dyn Sink, id: &oid, bytes: &[u8], kind: LocationKind) {
    if sink.prefilter().is_some_and(|prefilter| !prefilter.may_match(bytes)) {
        return;
    }
    let (header, message) = parts(bytes);
    give(sink, message, &|| Part { object: id, kind, whole: bytes }.origin());
    let mut rest = Vec::with_capacity(header.len());
    for line in header.lines_with_terminator() {
        let person =
            [&b"author "[..], b"committer ", b"tagger "].iter().find_map(|name| line.strip_prefix(*name));
        if let Some(person) = person {
            let part = Part { object: id, kind: LocationKind::CommitAuthor, whole: bytes };
            give(sink, person, &|| part.origin());
        } else {
            rest.extend_from_slice(line);
        }
    }
    give(sink, &rest, &|| Part { object: id, kind, whole: bytes }.origin());
}

/// The tree, the parents and the time of a commit.
pub(super) struct CommitHeader {
    pub(super) tree: ObjectId,
    pub(super) parents: Vec<ObjectId>,
    /// Seconds since 1970, as the committer's clock said.
    pub(super) time: i64,
}

impl CommitHeader {
    /// Reads them from a commit's raw bytes.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let (header, _) = parts(bytes);
        let id = |hex: &[u8]| ObjectId::from_hex(hex).ok();
        let mut lines = header.lines();
        let tree = id(lines.next()?.strip_prefix(b"tree ")?)?;
        let (mut parents, mut time) = (Vec::new(), 0);
        for line in lines {
            if let Some(parent) = line.strip_prefix(b"parent ") {
                parents.push(id(parent)?);
            } else if let Some(committer) = line.strip_prefix(b"committer ") {
                let behind = committer.rfind_byte(b'>').map_or(0, |end| end + 1);
                let when = committer.get(behind..).unwrap_or_default().to_str().unwrap_or_default();
                time = when.split_ascii_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0);
                break;
            }
        }
        Some(CommitHeader { tree, parents, time })
    }
}
