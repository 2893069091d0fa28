//! Working trees: every file below some paths, hidden and ignored ones included, in parallel.

mod count;
mod entry_path;
mod exclude;
mod few_files;
mod file;
mod holes;
mod mounts;
mod named;
mod object_database;
mod threads;

use std::fs::FileType;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use ignore::{DirEntry, ParallelVisitor, ParallelVisitorBuilder, WalkBuilder, WalkState};

use crate::blob::{Blob, Body, Fault, FaultKind, LocationKind, Origin, Sink, Source};
use crate::shard::Shard;
use entry_path::EntryPath;
use named::{NamedFiles, is_committed};
use object_database::LastRoot;
use threads::{Busy, Threads};

pub use exclude::{BadGlob, Exclude};

/// What to walk, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Leave out what `.gitignore`, `.ignore` and git's own excludes name.
    pub gitignore: bool,
    /// What to leave out.
    pub exclude: Exclude,
    /// Follow symbolic links.
    pub follow_symlinks: bool,
    /// Pass over files of more bytes.
    pub max_file_size: Option<u64>,
    /// Look at files that are named as git commits them: a link is the text of its target, unless links are followed, and
    /// every part of a path is a name.
    pub as_committed: bool,
    /// The histories of repositories are looked into, too: elsewhere.
    pub history: bool,
    /// Only what belongs to this shard; without one, everything.
    pub shard: Option<Shard>,
    /// How many threads; 0 for as many as the machine has.
    pub threads: usize,
}

/// Files and directories on disk.
pub struct Tree {
    /// What is walked.
    roots: Vec<PathBuf>,
    /// Files that are looked at as git commits them.
    named: Vec<PathBuf>,
    /// Whether more than one path was named.
    several_roots: bool,
    options: Options,
}

impl Tree {
    /// A tree of one or more roots.
    pub fn new(roots: Vec<PathBuf>, options: Options) -> Self {
        let several_roots = roots.len() > 1;
        let is_named = |path: &PathBuf| {
            options.as_committed
                && is_committed(path)
                && !(options.follow_symlinks && path.symlink_metadata().is_ok_and(|found| found.is_symlink()))
        };
        let (named, roots) = roots.into_iter().partition(is_named);
        Tree { roots, named, several_roots, options }
    }
}

impl Tree {
    /// The walk itself, over what is neither excluded by git's files, where they are heeded, nor behind a link.
    fn walk(&self, threads: usize) -> Option<WalkBuilder> {
        let (first, others) = self.roots.split_first()?;
        let mut builder = WalkBuilder::new(first);
        for root in others {
            builder.add(root);
        }
        builder.standard_filters(false).follow_links(self.options.follow_symlinks).threads(threads);
        if self.options.gitignore {
            builder.parents(true).ignore(true).git_ignore(true).git_exclude(true).git_global(true);
            builder.require_git(false);
        }
        Some(builder)
    }
}

impl Source for Tree {
    fn drain(&self, sink: &dyn Sink) {
        let Tree { named, several_roots, options, .. } = self;
        NamedFiles { paths: named, several_roots: *several_roots, options }.drain(sink);
        let is_short = few_files::is_all(&self.roots, options.follow_symlinks);
        let threads = if is_short { 1 } else { options.threads };
        let Some(builder) = self.walk(threads) else { return };
        // There are no directories below, and so few files that they are not worth the table.
        let table = if is_short { String::new() } else { mounts::table() };
        let mounts = mounts::kernel_mounts(&table);
        let kernel_mounts = self.roots.iter().flat_map(|root| mounts::below(root, &mounts)).collect();
        let special = Mutex::default();
        let roots = &self.roots;
        let threads = Threads::new(threads);
        let by_blocks = !is_short
            && !options.follow_symlinks
            && roots.iter().all(|root| mounts::read_by_blocks(root, &table));
        let shared = Shared {
            options,
            roots,
            several_roots: *several_roots,
            kernel_mounts,
            special,
            threads,
            by_blocks,
            sink,
        };
        builder.build_parallel().visit(&mut VisitorFactory(&shared));
        shared.read_special();
    }
}

/// What all threads of a walk share.
struct Shared<'s> {
    options: &'s Options,
    roots: &'s [PathBuf],
    several_roots: bool,
    /// Mount points below the roots that hold no files: nearly always none.
    kernel_mounts: Vec<PathBuf>,
    /// Pipes and devices that were named.
    special: Mutex<Vec<DirEntry>>,
    threads: Threads,
    /// Whether all files are on file systems that read them by blocks.
    by_blocks: bool,
    sink: &'s dyn Sink,
}

impl Shared<'_> {
    /// Reads pipes and devices, each in a thread of its own: one that is waited for keeps nothing else from being read, nor the
    /// one who writes into several from going on.
    fn read_special(&self) {
        let special = std::mem::take(&mut *self.special.lock().unwrap_or_else(PoisonError::into_inner));
        thread::scope(|scope| {
            for entry in &special {
                scope.spawn(|| {
                    let path = EntryPath::of(entry, self.roots.len() > 1);
                    file::Reader::new(&self.threads).read_special(entry.path(), &path, self.sink);
                });
            }
        });
    }
}

struct VisitorFactory<'s>(&'s Shared<'s>);

impl<'s> ParallelVisitorBuilder<'s> for VisitorFactory<'s> {
    fn build(&mut self) -> Box<dyn ParallelVisitor + 's> {
        let (reader, last_root) =
            (file::Reader::new(&self.0.threads).by_blocks(self.0.by_blocks), LastRoot::default());
        Box::new(Walker { shared: self.0, reader, last_root, busy: self.0.threads.add() })
    }
}

/// One thread of a walk.
struct Walker<'s> {
    shared: &'s Shared<'s>,
    reader: file::Reader<'s>,
    last_root: LastRoot,
    busy: Arc<Busy>,
}

impl ParallelVisitor for Walker<'_> {
    fn visit(&mut self, entry: Result<DirEntry, ignore::Error>) -> WalkState {
        if self.shared.sink.stopped() {
            return WalkState::Quit;
        }
        self.busy.set(true);
        let state = match entry {
            Ok(entry) => self.visit_entry(&entry),
            Err(error) => {
                self.walk_error(&error);
                WalkState::Continue
            }
        };
        self.busy.set(false);
        state
    }
}

impl Walker<'_> {
    fn visit_entry(&mut self, entry: &DirEntry) -> WalkState {
        let Shared { options, sink, .. } = self.shared;
        // Only paths from the command line have no type of their own: standard input is one, and is not walked.
        let Some(kind) = entry.file_type() else { return WalkState::Continue };
        let path = EntryPath::of(entry, self.shared.several_roots);
        if path.is_excluded(&options.exclude, kind.is_dir()) {
            return WalkState::Skip;
        }
        let is_own = path.is_in(options.shard);
        if is_own {
            self.note_history(entry, kind, &path);
        }
        if kind.is_dir() && self.shared.kernel_mounts.iter().any(|mount| mount == entry.path()) {
            let reason = mounts::reason(entry.path());
            sink.fault(Fault { path: path.origin().display_path(), kind: FaultKind::PassedOver, reason });
            return WalkState::Skip;
        }
        // What is below a directory may belong to this shard, whichever has its name.
        if !is_own {
            return WalkState::Continue;
        }
        path.scan_name(entry, *sink);
        if entry.path_is_symlink() {
            link_target(entry.path(), &path, *sink);
        }
        if kind.is_file() && object_database::holds_objects(entry.path(), &mut self.last_root) {
            // What is in them is compressed, and `stanch git` reads it.
        } else if kind.is_file() {
            self.reader.read(entry.path(), &path, options.max_file_size, *sink);
        } else if entry.depth() == 0 && !kind.is_dir() && !kind.is_symlink() {
            // A pipe or device is passed over in a tree, but read where the user names it: `<(command)`.
            self.shared.special.lock().unwrap_or_else(PoisonError::into_inner).push(entry.clone());
        }
        WalkState::Continue
    }

    /// Reports a repository whose history this walk leaves alone.
    fn note_history(&self, entry: &DirEntry, kind: FileType, path: &EntryPath<'_>) {
        if self.shared.options.history {
            return;
        }
        let leads_elsewhere = || {
            let root = entry.path().ancestors().nth(entry.depth())?;
            object_database::leads_elsewhere(entry.path(), root)
        };
        let is_repository = if kind.is_dir() {
            object_database::is_root(entry.path())
        } else {
            let is_named_so = || entry_path::last_part(entry.path()) == b".git";
            kind.is_file() && is_named_so() && leads_elsewhere().is_some()
        };
        if is_repository {
            path.report(FaultKind::History, &object_database::NOT_LOOKED_INTO, self.shared.sink);
        }
    }

    /// Reports what the walk itself could not read, unless nothing is lost by it.
    fn walk_error(&self, error: &ignore::Error) {
        let Shared { options, roots, several_roots, sink, .. } = *self.shared;
        let Some(failed) = path_of(error) else {
            let (path, reason) = (String::from("(unknown)"), error.to_string());
            return sink.fault(Fault { path, kind: FaultKind::Unreadable, reason });
        };
        let path = EntryPath::below(roots, failed, several_roots);
        // A link that leads nowhere, or back to a directory that is being walked already, has nothing to read but its own name
        // and target.
        if is_loop(error) || options.follow_symlinks && failed.is_symlink() {
            if path.is_in(options.shard) && !path.is_excluded(&options.exclude, false) {
                path.scan_own_name(sink);
                link_target(failed, &path, sink);
            }
            return;
        }
        // Every shard says so: what is below may belong to any, and one machine may read what another cannot.
        let reason = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
        path.fault(&reason, sink);
    }
}

/// The target of a link is text that somebody wrote, whether or not it exists.
fn link_target(link: &Path, path: &EntryPath<'_>, sink: &dyn Sink) {
    match std::fs::read_link(link) {
        Ok(target) => {
            let origin = || Origin { kind: LocationKind::SymlinkTarget, ..path.origin() };
            let bytes = target.as_os_str().as_encoded_bytes();
            sink.blob(Blob { body: Body::Whole(bytes), origin: &origin });
        }
        Err(error) => path.fault(&error, sink),
    }
}

fn is_loop(error: &ignore::Error) -> bool {
    match error {
        ignore::Error::Loop { .. } => true,
        ignore::Error::WithPath { err, .. } | ignore::Error::WithDepth { err, .. } => is_loop(err),
        _ => false,
    }
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } => path_of(err),
        ignore::Error::Loop { child, .. } => Some(child),
        ignore::Error::Partial(errors) => errors.iter().find_map(path_of),
        _ => None,
    }
}
