//! Gathers the parts of git directories out of an archive, and reads them when it ends.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom};

use super::super::bounded_reader::StreamError;
use super::super::limits::Limit;
use super::super::open_container::{Content, MemberName, OpenContainer, Region, reborrow};
use super::dirs::{GitDir, GitDirs, MAX_NOTE};
use super::in_memory;
use super::names::{Objects, may_be_note, objects};
use super::read::{Outcome, read};
use super::temporary::{Unwritten, copy, whole_again};
use crate::blob::{Blob, Body, LocationKind};
use crate::source::git::begins_loose_object;

/// How packs and their indexes begin (gitformat-pack(5)).
const PACK: &[u8] = b"PACK\0\0\0";
const INDEX: &[u8] = b"\xfftOc";

/// Calls `read_members`, which hands on the members of an archive, and reads the git directories that they made.
pub(in super::super) fn within(container: &OpenContainer<'_>, read_members: impl FnOnce()) {
    container.budget.git_dirs.borrow_mut().push(GitDirs::default());
    read_members();
    let Some(dirs) = container.budget.git_dirs.borrow_mut().pop() else { return };
    let mut dirs = dirs.finish();
    let paths: Vec<String> = dirs.keys().cloned().collect();
    for (left, path) in (1..=paths.len() as u64).rev().zip(&paths) {
        let Some(dir) = dirs.remove(path) else { continue };
        if container.unpack.inner.stopped() {
            return;
        }
        dir.place_indexes();
        let objects = if path.is_empty() { "objects".to_owned() } else { format!("{path}/objects") };
        // In an archive of a bare repository, it is the archive itself.
        let is_git_dir = dir.has_head || path.strip_suffix(".git").is_some();
        let place = if is_git_dir { path } else { &objects };
        let place = Some(place.as_str()).filter(|place| !place.is_empty());
        // It is a container of its own.
        let repository = OpenContainer { depth: container.depth + 1, ..*container };
        let outcome =
            if dir.is_unwritten { Outcome::Unwritten } else { read(&repository, place, &dir.gathered, left) };
        match outcome {
            Outcome::Read(odd_packs) => {
                for number in odd_packs {
                    scan_packed(container, &dir, number);
                }
            }
            Outcome::Unwritten => in_memory::read_written(container, path, &dir),
            Outcome::LimitReached => {}
        }
        report_alternates(container, &dir, &objects, &paths);
        if dir.has_reftable {
            let reason = "its refs are in a reftable, which only git reads: all objects were scanned, and of names and reflogs \
                          what is not compressed; unpack it, and run: stanch git";
            let name = MemberName::from_text(format!("{path}/reftable"));
            container.report_unreadable(Region::Member(&name), reason.to_owned());
        }
    }
}

/// Scans a pack as it is.
fn scan_packed(container: &OpenContainer<'_>, dir: &GitDir, number: usize) {
    let Some(path) = dir.pack_paths.get(&number) else { return };
    let name = MemberName::from_text(path.clone());
    if let Ok(mut file) = File::open(dir.gathered.pack_path(number)) {
        scan_file(container, &name, &mut file, 12);
    }
}

/// Objects that are somewhere else are not here: only what is in the same archive is looked into.
fn report_alternates(container: &OpenContainer<'_>, dir: &GitDir, objects: &str, paths: &[String]) {
    let text = String::from_utf8_lossy(&dir.alternates);
    let is_here = |named: &str| {
        let named = resolved(objects, named);
        // Where an absolute path led on the machine that it was packed on, nobody knows: its end tells.
        let ends_in = |path: &String| {
            let path = format!("{path}/objects");
            let path = resolved("", &path);
            path != resolved("", objects) && named.ends_with(&path)
        };
        paths.iter().any(ends_in)
    };
    let named = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let missing = named.filter(|named| !is_here(named)).count();
    if missing > 0 {
        let reason = format!(
            "it names {missing} other directories of objects, which are not in this archive: what is only in them was not scanned"
        );
        let name = MemberName::from_text(format!("{objects}/info/alternates"));
        container.report_unreadable(Region::Member(&name), reason);
    }
}

/// The parts of a path that starts at a directory in an archive, or at its top.
fn resolved<'p>(dir: &'p str, path: &'p str) -> Vec<&'p str> {
    let dir = if path.starts_with('/') { "" } else { dir };
    let mut parts = Vec::new();
    for part in dir.split('/').chain(path.trim_end().split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts
}

/// Takes a member that is a part of a git directory; what is returned is to be scanned as any other member.
pub(in super::super) fn gather<'b>(
    container: &OpenContainer<'_>,
    name: &MemberName,
    blob: Blob<'b>,
) -> Option<Blob<'b>> {
    if name.kind() != LocationKind::Content {
        return Some(blob);
    }
    let path = name.shown();
    let Some((dir, part)) = objects(path) else {
        if may_be_note(path) {
            return Some(keep_note(container, path, blob));
        }
        return Some(blob);
    };
    let head = blob.body.head();
    let has_no_room = |dirs: &GitDirs| dirs.is_unwritten(dir);
    if container.budget.git_dirs.borrow().last().is_some_and(has_no_room) {
        return Some(blob);
    }
    let is_it = match &part {
        Objects::Loose(_) => begins_loose_object(head),
        Objects::Pack(_) => head.starts_with(PACK) && matches!(head.get(7), Some(2 | 3)),
        Objects::Index(_) => head.starts_with(INDEX),
        Objects::Alternates | Objects::Lfs(_) => {
            if let Some(dirs) = container.budget.git_dirs.borrow_mut().last_mut() {
                note_other(dirs, dir, &part, head);
            }
            false
        }
    };
    if !is_it {
        return Some(blob);
    }
    if container.depth >= container.unpack.limits.max_archive_depth {
        report_depth(container, dir);
        container.unpack.pass_through(blob);
        return None;
    }
    match new_file(container, dir, &part, path) {
        Ok(Some(file)) => {
            write(container, (dir, name), file, blob, matches!(part, Objects::Loose(_)));
            None
        }
        Ok(None) => Some(blob),
        Err(error) => {
            note_unwritten(container, dir, &error);
            Some(blob)
        }
    }
}

/// Notes what holds no objects of its own.
fn note_other(dirs: &mut GitDirs, path: &str, part: &Objects<'_>, head: &[u8]) {
    match part {
        Objects::Lfs(oid) => dirs.note_lfs(path, oid),
        _ => {
            if let Ok(Some(dir)) = dirs.dir(path) {
                dir.alternates = head.to_vec();
            }
        }
    }
}

fn report_depth(container: &OpenContainer<'_>, dir: &str) {
    let is_first = |dirs: &mut GitDirs| dirs.is_first_too_deep(dir);
    if container.budget.git_dirs.borrow_mut().last_mut().is_some_and(is_first) {
        let name = MemberName::from_text(dir.to_owned());
        container.report(Region::Member(&name), StreamError::LimitReached(Limit::Depth), None);
    }
}

/// Notes that there is no room for the parts of a git directory: what is still to come of it is read as it comes.
fn note_unwritten(container: &OpenContainer<'_>, dir: &str, error: &io::Error) {
    let is_first = |dirs: &mut GitDirs| dirs.is_first_unwritten(dir);
    if container.budget.git_dirs.borrow_mut().last_mut().is_some_and(is_first) {
        let name = MemberName::from_text(dir.to_owned());
        in_memory::report(container, Region::Member(&name), error);
    }
}

/// A file for an object or a pack; none where there are too many directories.
fn new_file(
    container: &OpenContainer<'_>,
    dir: &str,
    part: &Objects<'_>,
    path: &str,
) -> io::Result<Option<File>> {
    let mut levels = container.budget.git_dirs.borrow_mut();
    let Some(dirs) = levels.last_mut() else { return Ok(None) };
    let Some(dir) = dirs.dir(dir)? else { return Ok(None) };
    match part {
        Objects::Loose(id) => dir.gathered.new_loose(id).map(Some),
        Objects::Pack(stem) => dir.new_pack(stem, path).map(Some),
        Objects::Index(stem) => dir.new_index(stem).map(Some),
        Objects::Alternates | Objects::Lfs(_) => Ok(None),
    }
}

/// Writes a member to a file, and scans the bytes of a loose object as they are: others may stand behind it.
fn write(
    container: &OpenContainer<'_>,
    (dir, name): (&str, &MemberName),
    mut file: File,
    mut blob: Blob<'_>,
    is_loose: bool,
) {
    let body = &mut blob.body;
    let written = copy(container, body, &mut file);
    if let Some(dir) =
        container.budget.git_dirs.borrow_mut().last_mut().and_then(|dirs| dirs.dir(dir).ok()?)
    {
        dir.gathered.count(written.as_ref().map_or(0, |written| *written));
    }
    match written {
        Ok(_) => {}
        Err(Unwritten::Limit) => {
            container.report(Region::Member(name), StreamError::LimitReached(Limit::Expansion), None);
        }
        Err(Unwritten::Read(error)) => {
            container.report(Region::Member(name), StreamError::Damaged(error.to_string()), None);
        }
        Err(Unwritten::Write { error, written, next }) => {
            note_unwritten(container, dir, &error);
            whole_again((&mut file, written, &next), body, |mut body| {
                let blob = Blob { body: reborrow(&mut body), origin: blob.origin };
                container.unpack.nested(blob, container.depth, container.budget);
            });
            // It makes room, and is not read once more.
            let _ = file.set_len(0);
            return;
        }
    }
    if is_loose {
        // Its first two bytes would be taken for it.
        match body {
            Body::Whole(bytes) => {
                let behind = bytes.get(2..).unwrap_or_default();
                container.hand_over(Region::MemberPart(name, 2), Content::Memory(behind));
            }
            Body::Stream { .. } => scan_file(container, name, &mut file, 2),
        }
    }
}

/// Scans a file from an offset on as it is.
fn scan_file(container: &OpenContainer<'_>, name: &MemberName, file: &mut File, offset: u64) {
    if file.seek(SeekFrom::Start(offset)).is_ok() {
        container.hand_over(Region::MemberPart(name, offset), Content::Stored(file));
    }
}

/// Keeps what a file says of a git directory, if it is such a file; it is scanned as any other.
fn keep_note<'b>(container: &OpenContainer<'_>, path: &str, blob: Blob<'b>) -> Blob<'b> {
    if let Body::Whole(bytes) = &blob.body
        && bytes.len() <= MAX_NOTE
        && is_note(bytes)
        && let Some(dirs) = container.budget.git_dirs.borrow_mut().last_mut()
    {
        dirs.keep(path, bytes);
    }
    blob
}

/// Whether it begins as a `HEAD`, a ref, a reflog, `packed-refs`, `shallow` or a configuration does.
fn is_note(bytes: &[u8]) -> bool {
    let is_hex = |head: &[u8]| head.iter().all(u8::is_ascii_hexdigit);
    bytes.get(..40).is_some_and(is_hex)
        || bytes.starts_with(b"ref: ")
        || bytes.starts_with(b"# pack-refs")
        || bytes.trim_ascii_start().starts_with(b"[")
}
