//! Git's own files: packs, bundles and loose objects by themselves, and whole git directories in archives.
//!
//! What such a file holds is compressed, and much of it told as differences: `source::git` reads it, as it reads a
//! repository. It needs files for that. They are written into a directory that only this user may read, and removed with it.

mod allowance;
mod bundle;
mod dirs;
mod gather;
mod in_memory;
mod loose;
mod names;
mod pack;
mod read;
mod temporary;

pub(super) use bundle::FORMAT as BUNDLE;
pub(super) use dirs::GitDirs;
pub(super) use gather::{gather, within};
pub(super) use loose::FORMAT as LOOSE_OBJECT;
pub(super) use pack::FORMAT as PACK;
