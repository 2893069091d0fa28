//! Git repositories: a whole history, what some commits add, what is staged. The only room that names `gix`.
//!
//! `gix` finds and opens repositories, reads refs, revisions and the index. Packs are read here (see `pack_walk`): a scan of
//! a history reads every object and spends its time inflating them, so their order decides how long it takes.
//!
//! The files are in reading order below: each group imports only from itself and from those above, and no two files
//! import each other.

// what can go wrong; objects and what is in them
mod commit;
mod error;
mod object;
mod object_parts;

// how objects are stored
mod delta;
mod exact_reader;
mod loose;
mod loose_stream;
mod object_files;
mod pack;
mod pack_index;
mod tree_entries;
mod visitor;

// one object by its id
mod base_cache;
mod lookup;
mod object_store;
mod object_stream;

// a repository
mod blob_scan;
mod confined;
mod connectivity;
mod dot_git;
mod find;
mod format;
mod git_program;
mod hashing_file;
mod lfs;
mod object_dirs;
mod refs;
mod remote_url;
mod remotes;
mod repo;
mod safe_directory;
mod shallow;
mod top_file;

// the object database: every object, once
mod delta_tree;
mod indexed_pack;
mod odb;
mod pack_share;
mod pack_walk;
mod reachable;
mod rebuilt_base;
mod scratch;
mod unindexed_pack;

// a whole history, and which commit introduced what was found in it
mod blame;
mod commit_order;
mod fault_paths;
mod history;
mod id_set;
mod incomplete;
mod interner;
mod introductions;
mod origins;
mod reflogs;
mod tree_graph;
mod tree_reader;

// git's own files that lie somewhere else than in a repository
mod gathered;
mod gathered_pack;
mod inside;
mod memory_pack;

// what changes add: the commits of a range, and what is staged
mod change;
mod comparison;
mod merge_heads;
mod path_graph;
mod range;
mod removed;
mod rev_walk;
mod revisions;
mod staged;
mod tagged;
mod tree_diff;

pub use comparison::Rescan;
pub use error::Error;
pub use find::{FoundRepository, find_repositories};
pub use gathered::Gathered;
pub use history::History;
pub use incomplete::Incomplete;
pub use inside::{Bounds, Inside, alone};
pub use loose::{begins_loose_object, is_loose_object};
pub use loose_stream::{LooseStream, hash_named, scan_object_named};
pub use memory_pack::MemoryPack;
pub use range::Range;
pub use remotes::RemoteRefs;
pub use repo::Repo;
pub use staged::Staged;
pub use top_file::TopFile;

#[cfg(test)]
mod tests;
