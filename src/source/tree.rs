//! Working trees: every file below some paths, hidden and ignored ones included, in parallel.

mod file;
mod mounts;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use ignore::{DirEntry, ParallelVisitor, ParallelVisitorBuilder, WalkBuilder, WalkState};

use crate::blob::{Blob, Body, Fault, FaultKind, LocationKind, Origin, SHORTEST_NAME, Sink, Source};
use crate::text::path_text;

/// A glob that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("`{glob}` is not a glob: {source}")]
pub struct BadGlob {
    glob: String,
    source: Box<ignore::Error>,
}

/// What to walk, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Leave out what `.gitignore`, `.ignore` and git's own excludes name.
    pub gitignore: bool,
    /// Gitignore globs, relative to each root, of what to leave out.
    pub exclude: Gitignore,
    /// Go where symbolic links lead.
    pub follow_symlinks: bool,
    /// Pass over larger files, in bytes.
    pub max_file_size: Option<u64>,
    /// How many threads; 0 for as many as the machine has.
    pub threads: usize,
}

impl Options {
    /// Whether `--exclude` names the file at `path`, or a folder it is in.
    pub fn excludes_file(&self, path: &str) -> bool {
        !self.exclude.is_empty() && self.exclude.matched_path_or_any_parents(path, false).is_ignore()
    }
}

/// Compiles `--exclude` globs.
pub fn excludes<'a>(globs: impl IntoIterator<Item = &'a str>) -> Result<Gitignore, BadGlob> {
    let mut builder = GitignoreBuilder::new("");
    let bad = |glob: &str, source| BadGlob { glob: glob.to_owned(), source: Box::new(source) };
    for glob in globs {
        builder.add_line(None, glob).map_err(|source| bad(glob, source))?;
    }
    builder.build().map_err(|source| bad("the globs together", source))
}

/// Files and folders on disk.
pub struct Tree {
    roots: Vec<PathBuf>,
    options: Options,
}

impl Tree {
    /// A tree of one or more roots.
    pub fn new(roots: Vec<PathBuf>, options: Options) -> Self {
        Tree { roots, options }
    }
}

impl Source for Tree {
    fn drain(&self, sink: &dyn Sink) {
        let Some((first, others)) = self.roots.split_first() else { return };
        let mut builder = WalkBuilder::new(first);
        for root in others {
            builder.add(root);
        }
        builder
            .standard_filters(false)
            .follow_links(self.options.follow_symlinks)
            .threads(self.options.threads);
        if self.options.gitignore {
            builder.parents(true).ignore(true).git_ignore(true).git_exclude(true).git_global(true);
            builder.require_git(false);
        }
        let mounts = mounts::kernel_mounts();
        let kernel = self.roots.iter().flat_map(|root| mounts::below(root, &mounts)).collect();
        let shared = Shared { options: &self.options, roots: &self.roots, kernel, sink };
        builder.build_parallel().visit(&mut VisitorFactory(&shared));
    }
}

/// What all threads of a walk share.
struct Shared<'s> {
    options: &'s Options,
    roots: &'s [PathBuf],
    /// Mount points below the roots that hold no files: nearly always none.
    kernel: Vec<PathBuf>,
    sink: &'s dyn Sink,
}

struct VisitorFactory<'s>(&'s Shared<'s>);

impl<'s> ParallelVisitorBuilder<'s> for VisitorFactory<'s> {
    fn build(&mut self) -> Box<dyn ParallelVisitor + 's> {
        Box::new(Walker { shared: self.0, reader: file::Reader::default() })
    }
}

/// One thread of a walk.
struct Walker<'s> {
    shared: &'s Shared<'s>,
    reader: file::Reader,
}

impl ParallelVisitor for Walker<'_> {
    fn visit(&mut self, entry: Result<DirEntry, ignore::Error>) -> WalkState {
        if self.shared.sink.stopped() {
            return WalkState::Quit;
        }
        match entry {
            Ok(entry) => self.entry(&entry),
            Err(error) => {
                self.trouble(&error);
                WalkState::Continue
            }
        }
    }
}

impl Walker<'_> {
    fn entry(&mut self, entry: &DirEntry) -> WalkState {
        let Shared { options, sink, .. } = self.shared;
        // Only paths from the command line have no type of their own: standard input is one, and is not walked.
        let Some(kind) = entry.file_type() else { return WalkState::Continue };
        let place = Place::of(entry, self.shared.roots.len() > 1);
        if !options.exclude.is_empty() && options.exclude.matched(place.relative(), kind.is_dir()).is_ignore()
        {
            return WalkState::Skip;
        }
        if kind.is_dir() && entry.depth() > 0 && is_object_database(entry.path()) {
            return WalkState::Skip;
        }
        if kind.is_dir() && self.shared.kernel.iter().any(|mount| mount == entry.path()) {
            let reason = mounts::reason(entry.path());
            sink.fault(Fault { path: place.origin().path, kind: FaultKind::PassedOver, reason });
            return WalkState::Skip;
        }
        place.look_at_name(entry, *sink);
        if entry.path_is_symlink() {
            self.look_at_link(entry.path(), &place);
        }
        if kind.is_file() {
            self.reader.read(entry.path(), &place, options.max_file_size, *sink);
        } else if entry.depth() == 0 && !kind.is_dir() && !kind.is_symlink() {
            // A pipe or device is passed over in a tree, but read where the user names it: `<(command)`.
            self.reader.read_special(entry.path(), &place, *sink);
        }
        WalkState::Continue
    }

    /// What a link points to is text that somebody wrote, whether or not it leads anywhere.
    fn look_at_link(&self, path: &Path, place: &Place<'_>) {
        match std::fs::read_link(path) {
            Ok(target) => {
                let origin = || Origin { kind: LocationKind::SymlinkTarget, ..place.origin() };
                let bytes = target.as_os_str().as_encoded_bytes();
                self.shared.sink.blob(Blob { body: Body::Whole(bytes), origin: &origin });
            }
            Err(error) => place.fault(&error, self.shared.sink),
        }
    }

    /// What the walk itself could not get at: it is named, unless nothing is lost by it.
    fn trouble(&self, error: &ignore::Error) {
        // A link back to a folder above is no loss: the folder is being walked already.
        if is_loop(error) {
            return;
        }
        let reason = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
        let Some(path) = path_of(error) else {
            let path = String::from("(unknown)");
            return self.shared.sink.fault(Fault { path, kind: FaultKind::Unreadable, reason });
        };
        let place = Place::below(self.shared.roots, path);
        // A link that leads nowhere has nothing behind it to read, but its own text.
        if self.shared.options.follow_symlinks && path.is_symlink() {
            return self.look_at_link(path, &place);
        }
        place.fault(&reason, self.shared.sink);
    }
}

/// Where an entry stands, in the words of a report. Taken apart only when somebody asks: few places hold anything.
pub(crate) struct Place<'a> {
    path: &'a Path,
    /// How many of its parts stand below the root; 0 where the path is one itself, or belongs to none.
    depth: usize,
    /// Whether there are several roots.
    many: bool,
}

impl<'a> Place<'a> {
    fn of(entry: &'a DirEntry, many: bool) -> Self {
        Place { path: entry.path(), depth: entry.depth(), many }
    }

    /// The place of a path that came without its entry.
    fn below(roots: &[PathBuf], path: &'a Path) -> Self {
        let inside = roots.iter().find_map(|root| path.strip_prefix(root).ok());
        let depth = inside.map_or(0, |inside| inside.components().count());
        Place { path, depth, many: roots.len() > 1 }
    }

    /// The root, where there are several and this is none of them, and the path below it.
    fn parts(&self) -> (Option<&'a Path>, &'a Path) {
        match self.path.ancestors().nth(self.depth).filter(|_| self.depth > 0) {
            Some(root) => (self.many.then_some(root), self.path.strip_prefix(root).unwrap_or(self.path)),
            None => (None, self.path),
        }
    }

    /// The path below the root; the path as given where the root is no folder.
    fn relative(&self) -> &'a Path {
        self.parts().1
    }

    pub(crate) fn origin(&self) -> Origin {
        let (root, relative) = self.parts();
        let root = root.map(|root| path_text(os_bytes(root.as_os_str())));
        Origin { root, ..Origin::file(path_text(os_bytes(relative.as_os_str()))) }
    }

    pub(crate) fn fault(&self, reason: &dyn ToString, sink: &dyn Sink) {
        let path = if self.many { self.path } else { self.relative() };
        let path = path_text(os_bytes(path.as_os_str()));
        sink.fault(Fault { path, kind: FaultKind::Unreadable, reason: reason.to_string() });
    }

    /// A token may stand in the name of a file or folder; the path above it is some other entry's name.
    fn look_at_name(&self, entry: &DirEntry, sink: &dyn Sink) {
        let name = os_bytes(entry.file_name());
        let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
        if name.len() < SHORTEST_NAME || (entry.depth() == 0 && is_dir) {
            return;
        }
        let origin = || {
            let base = os_bytes(self.relative().as_os_str()).len().saturating_sub(name.len()) as u64;
            Origin { kind: LocationKind::FileName, base, ..self.origin() }
        };
        sink.blob(Blob { body: Body::Whole(name), origin: &origin });
    }
}

fn os_bytes(text: &OsStr) -> &[u8] {
    text.as_encoded_bytes()
}

/// Whether a folder is a repository's object database: `stanch git` looks into those, and finds nothing in them as bytes.
fn is_object_database(path: &Path) -> bool {
    path.file_name() == Some(OsStr::new("objects"))
        && path
            .parent()
            .is_some_and(|git_dir| git_dir.join("HEAD").is_file() && git_dir.join("refs").is_dir())
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
        ignore::Error::Partial(errors) => errors.iter().find_map(path_of),
        _ => None,
    }
}
