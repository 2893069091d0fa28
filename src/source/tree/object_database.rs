//! Git's object databases below a root: what in them is compressed is left to `stanch git`, and nothing else.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::entry_path::last_part;
use crate::blob::fill;
use crate::source::git::is_loose_object;

/// What the files in `objects/pack` and `objects/info` start with that hold nothing but ids, offsets and compressed objects
/// (gitformat-pack(5), gitformat-commit-graph(5)).
const MAGIC: [(&str, &[u8]); 8] = [
    ("pack", b"PACK\0\0\0"),
    ("idx", b"\xfftOc"),
    ("rev", b"RIDX"),
    ("bitmap", b"BITM"),
    ("mtimes", b"MTME"),
    ("graph", b"CGPH"),
    ("commit-graph", b"CGPH"),
    ("multi-pack-index", b"MIDX"),
];

/// Whether a directory is a repository's object database (gitrepository-layout(5)).
pub(super) fn is_root(path: &Path) -> bool {
    path.file_name() == Some(OsStr::new("objects"))
        && path.parent().is_some_and(|git_dir| {
            // A link to a branch is a `HEAD`, too, wherever it leads.
            let has_head = fs::symlink_metadata(git_dir.join("HEAD")).is_ok_and(|head| !head.is_dir());
            has_head && git_dir.join("refs").is_dir()
        })
}

/// The directory that was asked for last, and whether it is an object database.
#[derive(Default)]
pub(super) struct LastRoot(PathBuf, bool);

impl LastRoot {
    fn is_root(&mut self, path: &Path) -> bool {
        if self.0 != path {
            *self = LastRoot(path.to_owned(), is_root(path));
        }
        self.1
    }
}

/// Whether a file holds a repository's objects. Its name says where to look, and its content whether it is so: a file
/// that only has such a name is one like any other.
pub(super) fn holds_objects(path: &Path, last_root: &mut LastRoot) -> bool {
    if !is_named_as_objects(last_part(path)) {
        return false;
    }
    let Some((dir, name)) = path.parent().zip(path.file_name().and_then(OsStr::to_str)) else { return false };
    let Some(dir_name) = dir.file_name().and_then(OsStr::to_str) else { return false };
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut in_root = |levels: usize| dir.ancestors().nth(levels).is_some_and(|dir| last_root.is_root(dir));
    if dir_name.len() == 2 && matches!(name.len(), 38 | 62) && is_hex(dir_name) && is_hex(name) {
        return in_root(1) && is_loose_object(path);
    }
    let levels = match dir_name {
        "pack" | "info" => 1,
        "commit-graphs" => 2,
        _ => return false,
    };
    let kind = name.rsplit_once('.').map_or(name, |(_, extension)| extension);
    let magic = MAGIC.iter().find(|(named, _)| *named == kind).map(|(_, magic)| *magic);
    magic.is_some_and(|magic| in_root(levels) && starts_with(path, magic))
}

/// Whether git may have given a file this name: nearly none has such a one.
fn is_named_as_objects(name: &[u8]) -> bool {
    let kind = name.rsplit(|byte| *byte == b'.').next().unwrap_or(name);
    matches!(name.len(), 38 | 62) || MAGIC.iter().any(|(named, _)| named.as_bytes() == kind)
}

fn starts_with(path: &Path, magic: &[u8]) -> bool {
    let mut head = vec![0; magic.len()];
    File::open(path).is_ok_and(|mut file| file.read_exact(&mut head).is_ok() && head == magic)
}

/// Where a `.git` file leads, unless that is below `root`, where the walk comes to it anyway.
pub(super) fn leads_elsewhere(dot_git: &Path, root: &Path) -> Option<PathBuf> {
    let mut head = [0; 4096];
    let (read, _) = fill(&mut File::open(dot_git).ok()?, &mut head);
    let text = std::str::from_utf8(head.get(..read)?).ok()?;
    let target = dot_git.parent()?.join(text.strip_prefix("gitdir:")?.trim());
    let target = fs::canonicalize(target).ok().filter(|target| target.is_dir())?;
    let is_below = fs::canonicalize(root).is_ok_and(|root| target.starts_with(root));
    (!is_below).then_some(target)
}

/// What to say of a repository whose history is left alone.
pub(super) const NOT_LOOKED_INTO: &str =
    "a git history that was not looked into: --history does, or stanch git";
