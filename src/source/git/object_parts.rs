//! The parts of an object, each a blob of its own for the sink: a token in a commit's message is reported as another kind
//! of location than one in its author line.

use std::io::Read;

use gix::bstr::ByteSlice as _;
use gix::oid;

use super::commit::{Signature, split_message};
use super::object::{Kind, tree_entries};
use super::visitor::NAME_END;
use crate::blob::{Blob, Body, Forward, LocationKind, Origin, Prefilter, Sink};
use crate::text::path_text;

/// Passes an object to `sink`, part by part.
pub(super) fn scan_object(sink: &dyn Sink, kind: Kind, id: &oid, bytes: &[u8]) {
    match kind {
        Kind::Blob => scan_bytes(sink, bytes, &|| blob_origin(id)),
        Kind::Tree => scan_tree(sink, id, bytes),
        Kind::Commit => scan_header_and_message(sink, id, bytes, LocationKind::CommitMessage),
        Kind::Tag => scan_header_and_message(sink, id, bytes, LocationKind::TagMessage),
    }
}

/// Passes bytes to `sink`, unless there are none.
pub(super) fn scan_bytes(sink: &dyn Sink, bytes: &[u8], origin: &dyn Fn() -> Origin) {
    if !bytes.is_empty() {
        sink.blob(Blob { body: Body::Whole(bytes), origin });
    }
}

/// Bytes of a large blob that are inflated before it is passed on as a stream.
const STREAM_HEAD: u64 = 256 * 1024;

/// Passes a large blob to `sink` while it is read, and counts it.
pub(super) fn scan_stream(sink: &dyn Sink, inflated: &mut dyn Read, origin: &dyn Fn() -> Origin) {
    let mut head = Vec::new();
    // What reads objects ends where they are damaged, and tells that itself.
    let _ = (&mut *inflated).take(STREAM_HEAD).read_to_end(&mut head);
    sink.meter().objects(1, head.len() as u64);
    if !head.is_empty() {
        sink.blob(Blob { body: Body::Stream { head: &head, rest: &mut Forward(inflated) }, origin });
    }
}

/// A blob without a path: which one it has is looked up later, and only if something is found in it. What a container
/// then adds to the path is the way to its member, so that the blob's own path fits in front.
pub(super) fn blob_origin(id: &oid) -> Origin {
    Origin { object: Some(id.to_string()), ..Origin::default() }
}

/// Scans the names in a tree. The ids between them are random bytes, and no text.
fn scan_tree(sink: &dyn Sink, id: &oid, bytes: &[u8]) {
    let names = || tree_entries(bytes, id.kind()).map(|entry| entry.name);
    if sink.prefilter().is_some_and(|prefilter| !names_may_match(prefilter, &mut names())) {
        return;
    }
    for entry in tree_entries(bytes, id.kind()) {
        let origin = || Origin {
            path: path_text(entry.name),
            kind: LocationKind::FileName,
            object: Some(id.to_string()),
            ..Origin::default()
        };
        scan_bytes(sink, entry.name, &origin);
    }
}

/// How many bytes of names are asked about at once: as small a text as one of them is.
const NAMES: usize = 4096;

/// Whether something may be found in any of the names: what the ids around them go on with is not asked.
fn names_may_match(prefilter: &dyn Prefilter, names: &mut dyn Iterator<Item = &[u8]>) -> bool {
    let mut joined = Vec::with_capacity(NAMES);
    for name in names {
        // The marks that a whole text may begin with.
        if matches!(name, [b'<' | 0xfe | 0xff, ..]) {
            return true;
        }
        if joined.len() + name.len() >= NAMES {
            if prefilter.may_match_in_text(&joined) {
                return true;
            }
            joined.clear();
        }
        joined.extend_from_slice(name);
        joined.push(NAME_END);
    }
    prefilter.may_match_in_text(&joined)
}

/// Scans the lines that name people one by one. The rest of the header (encoding, cryptographic signatures, a merged
/// tag) counts as message.
fn scan_header_and_message(sink: &dyn Sink, id: &oid, bytes: &[u8], kind: LocationKind) {
    if sink.prefilter().is_some_and(|prefilter| !prefilter.may_match_in_text(bytes)) {
        return;
    }
    let (header, message) = split_message(bytes);
    scan_bytes(sink, message, &|| part_origin(id, kind, bytes));
    let mut rest = Vec::with_capacity(header.len());
    for line in header.lines_with_terminator() {
        let ident =
            [&b"author "[..], b"committer ", b"tagger "].iter().find_map(|name| line.strip_prefix(*name));
        if let Some(ident) = ident {
            scan_bytes(sink, ident, &|| part_origin(id, LocationKind::CommitAuthor, bytes));
        } else {
            rest.extend_from_slice(line);
        }
    }
    scan_bytes(sink, &rest, &|| part_origin(id, kind, bytes));
}

/// Where a part of a commit or tag comes from; `object` is the whole of it.
fn part_origin(id: &oid, kind: LocationKind, object: &[u8]) -> Origin {
    let signature = Signature::parse(object);
    let field = |name: &[u8]| split_message(object).0.lines().find_map(|line| line.strip_prefix(name));
    // Only a tag's header starts with `object`; a commit's starts with `tree`.
    let (path, commit) = if object.starts_with(b"object ") {
        let name = field(b"tag ").unwrap_or_default();
        let target = field(b"object ").filter(|_| field(b"type ") == Some(b"commit"));
        (format!("refs/tags/{}", path_text(name)), target.map(|id| id.to_str_lossy().into_owned()))
    } else {
        (format!("commit/{id}"), Some(id.to_string()))
    };
    Origin {
        path,
        kind,
        object: Some(id.to_string()),
        commit,
        author: signature.author,
        date: signature.date,
        ..Origin::default()
    }
}
