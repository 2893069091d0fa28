//! The vocabulary of reading: what a source hands over, where it came from, and what could not be read.

use std::io::{self, ErrorKind, Read, Seek};

use serde::Serialize;

use crate::meter::Meter;

/// The path that reports give for standard input.
pub const STDIN: &str = "<stdin>";

/// What part of its place a token stood in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LocationKind {
    /// The content of a file or of a git blob.
    #[default]
    Content,
    /// The name of a file or folder.
    FileName,
    /// What a symbolic link points to.
    SymlinkTarget,
    /// A commit's message.
    CommitMessage,
    /// An annotated tag's message.
    TagMessage,
    /// A git note.
    Note,
    /// The name of a branch, tag or other ref.
    RefName,
    /// The author or committer line of a commit, or a tag's tagger.
    CommitAuthor,
}

/// Where a blob came from. Built only for blobs that hold something, so it may cost what it needs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Path relative to the scanned root, with `/` between its parts and `!` before an archive's member.
    pub path: String,
    /// The scanned root, where a run has more than one.
    pub root: Option<String>,
    /// What part of the place this is.
    pub kind: LocationKind,
    /// Byte offset of the blob's first byte within its place (a file's name within its path).
    pub base: u64,
    /// The git object the blob is, in hex.
    pub object: Option<String>,
    /// The commit it belongs to, where that is known without a search, in hex.
    pub commit: Option<String>,
    /// That commit's author, `Name <mail>`.
    pub author: Option<String>,
    /// That commit's author date, RFC 3339.
    pub date: Option<String>,
}

impl Origin {
    /// The content of the file at `path`.
    pub fn file(path: impl Into<String>) -> Self {
        Origin { path: path.into(), ..Origin::default() }
    }

    /// What to call the place: its path, with the git object in front where nobody knows the file's name yet.
    pub fn place(&self) -> String {
        match &self.object {
            Some(object) if self.path.is_empty() || self.path.starts_with('!') => {
                format!("blob/{object}{}", self.path)
            }
            _ => self.path.clone(),
        }
    }
}

/// A reader that can also seek, as containers with a directory at their end need.
pub trait ReadSeek: Read + Seek {}
impl<T: Read + Seek + ?Sized> ReadSeek for T {}

/// What follows the head of a blob that was too large to be handed over whole.
pub trait Rest: Read {
    /// The same bytes from the blob's very first one on, where the source can seek.
    fn seekable(&mut self) -> Option<&mut dyn ReadSeek> {
        None
    }
}

/// A plain reader that cannot seek: a pipe, a decompressor.
pub struct Forward<R>(pub R);

impl<R: Read> Read for Forward<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl<R: Read> Rest for Forward<R> {}

/// The bytes of a blob.
pub enum Body<'a> {
    /// All of it, in memory.
    Whole(&'a [u8]),
    /// The first bytes (never empty), and a reader for those behind them.
    Stream {
        /// The first bytes.
        head: &'a [u8],
        /// All bytes after `head`.
        rest: &'a mut dyn Rest,
    },
}

impl Body<'_> {
    /// The first bytes: enough to tell a container by its content.
    pub fn head(&self) -> &[u8] {
        match self {
            Body::Whole(bytes) => bytes,
            Body::Stream { head, .. } => head,
        }
    }
}

/// The shortest text that could hold a token, and so the shortest name worth a look.
pub const SHORTEST_NAME: usize = 20;

/// Something to look into. The origin is a closure, so that a blob without a finding costs no path.
pub struct Blob<'a> {
    /// The bytes.
    pub body: Body<'a>,
    /// Tells where they came from.
    pub origin: &'a dyn Fn() -> Origin,
}

/// Why a place could not be read, or not wholly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Could not be opened or read: counted as unreadable.
    Unreadable,
    /// Damaged: what could be read was scanned, the rest is counted as unreadable.
    Damaged,
    /// A limit of the configuration cut it short.
    CutShort,
    /// Passed over because of `--max-file-size`.
    TooLarge,
    /// Passed over because it is no place where files are kept.
    PassedOver,
}

/// One place that could not be read, or not wholly. The walk goes on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The place, as [`Origin::path`].
    pub path: String,
    /// What kind of trouble it was.
    pub kind: FaultKind,
    /// What happened, in words.
    pub reason: String,
}

/// How many bytes of a blob's start [`Prefilter::must_open`] wants to see.
pub const HEAD: usize = 512;

/// Tells, without ever being wrong in this direction, that nothing is to be found in some bytes.
///
/// A source that knows how its blobs were made from one another (git tells most objects as deltas of others) passes
/// over those whose new bytes, with `reach` bytes around them, the prefilter catch nothing in, when it caught nothing in
/// the old ones. What wraps a sink must wrap its prefilter: whatever leads to a finding by way of the wrapper must be caught.
pub trait Prefilter: Sync {
    /// Whether something would be found in `bytes`.
    fn may_match(&self, bytes: &[u8]) -> bool;

    /// How far around a byte a finding that depends on it may extend.
    fn context(&self) -> usize;

    /// Whether a blob with these first [`HEAD`] bytes must be handed over whatever it holds, as a container must.
    fn must_open(&self, head: &[u8]) -> bool;
}

/// Where sources put what they read. Called from many threads at once.
pub trait Sink: Sync {
    /// Looks into one blob.
    fn blob(&self, blob: Blob<'_>);

    /// Notes a place that could not be read.
    fn fault(&self, fault: Fault);

    /// Counts what was read.
    fn meter(&self) -> &Meter;

    /// What must stand in a blob for anything to be found in it. Without one, every blob is handed over.
    fn prefilter(&self) -> Option<&dyn Prefilter> {
        None
    }

    /// Whether the run was asked to end: a source looks at it between two blobs.
    fn stopped(&self) -> bool {
        self.meter().cancel_flag().is_cancelled()
    }
}

/// Something that can be drained into a [`Sink`].
///
/// Sources push, because the fastest walkers there are own their threads and call back:
/// pulling from them would put a channel and a copy between the file and the detector.
pub trait Source {
    /// Hands everything over, from as many threads as the source sees fit, and returns when it is done.
    fn drain(&self, sink: &dyn Sink);
}

/// Reads until `buffer` is full or the reader ends: how many bytes came (also before an error), and whether there may be more.
pub fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> (usize, io::Result<bool>) {
    let mut at = 0;
    while at < buffer.len() {
        match reader.read(&mut buffer[at..]) {
            Ok(0) => return (at, Ok(false)),
            Ok(read) => at += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (at, Err(error)),
        }
    }
    (at, Ok(true))
}
