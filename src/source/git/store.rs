//! The object database as files: which packs and which loose objects there are, and which of them hold the same object.

use std::path::{Path, PathBuf};

use gix::ObjectId;

use super::Error;
use super::idx::Idx;
use super::pack::Pack;
use crate::blob::{Fault, FaultKind};

/// A pack and its index.
pub(super) struct Packed {
    pub(super) path: PathBuf,
    pub(super) pack: Pack,
    pub(super) idx: Idx,
    /// By place: the object stands in an earlier pack, too.
    pub(super) known: Vec<bool>,
}

/// A loose object.
pub(super) struct Loose {
    pub(super) id: ObjectId,
    pub(super) path: PathBuf,
}

/// Everything in the folders of a database, each object once.
#[derive(Default)]
pub(super) struct Inventory {
    pub(super) packs: Vec<Packed>,
    pub(super) loose: Vec<Loose>,
    pub(super) faults: Vec<Fault>,
}

impl Inventory {
    /// Lists what is in `folders`.
    pub(super) fn take(folders: &[PathBuf], hash: gix::hash::Kind) -> Self {
        let mut inventory = Inventory::default();
        for folder in folders {
            inventory.list_packs(&folder.join("pack"), hash);
            inventory.list_loose(folder, hash);
        }
        // The same order whatever order the folders list their files in.
        inventory.packs.sort_by(|a, b| b.idx.len().cmp(&a.idx.len()).then_with(|| a.path.cmp(&b.path)));
        inventory.know_packed();
        inventory.loose.sort_by(|a, b| a.id.cmp(&b.id));
        inventory.loose.dedup_by(|a, b| a.id == b.id);
        let Inventory { packs, loose, .. } = &mut inventory;
        loose.retain(|loose| !packs.iter().any(|packed| packed.idx.find(loose.id.as_bytes()).is_some()));
        inventory
    }

    fn list_packs(&mut self, folder: &Path, hash: gix::hash::Kind) {
        for path in self.list(folder) {
            if path.extension().is_none_or(|extension| extension != "pack") {
                continue;
            }
            let index = path.with_extension("idx");
            let packed = Idx::read(&index, hash.len_in_bytes())
                .and_then(|idx| Ok((Pack::open(&path, hash)?, idx)));
            match packed {
                Ok((pack, idx)) => self.packs.push(Packed { path, pack, idx, known: Vec::new() }),
                Err(error) => self.fault(&path, &error),
            }
        }
    }

    fn list_loose(&mut self, folder: &Path, hash: gix::hash::Kind) {
        for fan in 0..=255_u8 {
            let fan = format!("{fan:02x}");
            for path in self.list(&folder.join(&fan)) {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let hex = format!("{fan}{name}");
                // Anything else is a file git was still writing.
                if hex.len() == hash.len_in_hex()
                    && let Ok(id) = ObjectId::from_hex(hex.as_bytes())
                {
                    self.loose.push(Loose { id, path });
                }
            }
        }
    }

    fn list(&mut self, folder: &Path) -> Vec<PathBuf> {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
            Err(source) => {
                self.fault(folder, &Error::Io { path: folder.to_owned(), source });
                return Vec::new();
            }
        };
        entries.filter_map(Result::ok).map(|entry| entry.path()).collect()
    }

    fn fault(&mut self, path: &Path, error: &Error) {
        let path = path.display().to_string();
        self.faults.push(Fault { path, kind: FaultKind::Unreadable, reason: error.to_string() });
    }

    /// Marks what an earlier pack holds, too: all lists of ids are walked at once, in the order of ids.
    fn know_packed(&mut self) {
        for packed in &mut self.packs {
            packed.known = vec![false; packed.idx.len()];
        }
        if self.packs.len() < 2 {
            return;
        }
        let mut next: std::collections::BinaryHeap<_> =
            self.packs.iter().enumerate().map(|(pack, packed)| head(packed, pack, 0)).collect();
        let mut last = Vec::new();
        let mut known = Vec::new();
        while let Some(std::cmp::Reverse((id, pack, place))) = next.pop() {
            let Some(packed) = self.packs.get(pack) else { continue };
            if id.is_empty() {
                continue;
            }
            if id == last.as_slice() {
                known.push((pack, place));
            } else {
                last.clear();
                last.extend_from_slice(id);
            }
            next.push(head(packed, pack, place + 1));
        }
        drop(next);
        for (pack, place) in known {
            if let Some(mark) = self.packs.get_mut(pack).and_then(|packed| packed.known.get_mut(place)) {
                *mark = true;
            }
        }
    }
}

type Head<'a> = std::cmp::Reverse<(&'a [u8], usize, usize)>;

fn head(packed: &Packed, pack: usize, place: usize) -> Head<'_> {
    let id = if place < packed.idx.len() { packed.idx.id(place) } else { &[] };
    std::cmp::Reverse((id, pack, place))
}
