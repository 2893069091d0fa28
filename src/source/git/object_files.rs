//! Where the files of an object database are (gitrepository-layout(5), "objects"): whoever walks over all objects and whoever
//! looks for one of them start from the same lists.

use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use gix::ObjectId;

use super::error::Error;

/// The packs in a directory of objects, in the order of their paths. Those that a fetch has left unfinished are among them.
pub(super) fn packs(objects: &Path) -> Result<Vec<PathBuf>, Error> {
    let is_pack = |name: &str| {
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        extension == Some("pack") || name.starts_with("tmp_pack_")
    };
    let entries = entries(&objects.join("pack"))?.into_iter();
    let named = entries.filter(|entry| entry.file_name().to_str().is_some_and(is_pack));
    let mut packs: Vec<PathBuf> = named.map(|entry| entry.path()).collect();
    packs.sort();
    Ok(packs)
}

/// The indexes in a directory of objects whose packs are gone.
pub(super) fn indexes_alone(objects: &Path) -> Vec<PathBuf> {
    let paths = entries(&objects.join("pack")).unwrap_or_default().into_iter().map(|entry| entry.path());
    let is_alone = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == "idx") && !path.with_extension("pack").exists()
    };
    let mut indexes: Vec<PathBuf> = paths.filter(is_alone).collect();
    indexes.sort();
    indexes
}

/// The bytes that the ids of loose objects may start with, by the directories that are there.
pub(super) fn loose_first_bytes(objects: &Path) -> Vec<u8> {
    // Where a directory may not be listed, those in it may.
    let Ok(entries) = entries(objects) else { return (0..=255).collect() };
    let first_byte = |entry: DirEntry| {
        let name = entry.file_name().into_string().ok().filter(|name| name.len() == 2)?;
        u8::from_str_radix(&name, 16).ok()
    };
    let mut bytes: Vec<u8> = entries.into_iter().filter_map(first_byte).collect();
    bytes.sort_unstable();
    bytes.dedup();
    bytes
}

/// The directory of the loose objects whose ids start with this byte.
pub(super) fn loose_dir(objects: &Path, first_byte: u8) -> PathBuf {
    objects.join(format!("{first_byte:02x}"))
}

/// The id of the loose object in a file of [`loose_dir`]. One with any other name is a temporary file that git was writing.
pub(super) fn loose_id(first_byte: u8, name: &str, hash: gix::hash::Kind) -> Option<ObjectId> {
    let hex = format!("{first_byte:02x}{name}");
    (hex.len() == hash.len_in_hex()).then(|| ObjectId::from_hex(hex.as_bytes()).ok()).flatten()
}

/// The file of a loose object.
pub(super) fn loose_path(objects: &Path, id: &gix::oid) -> PathBuf {
    let hex = id.to_string();
    let (first_byte, rest) = hex.split_at(2);
    objects.join(first_byte).join(rest)
}

/// What is in a directory; nothing where there is none.
pub(super) fn entries(dir: &Path) -> Result<Vec<DirEntry>, Error> {
    match fs::read_dir(dir) {
        Ok(entries) => Ok(entries.filter_map(Result::ok).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(Error::Io { path: dir.to_owned(), source }),
    }
}
