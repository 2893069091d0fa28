//! The vocabulary of reading: what a source hands over, where it came from, and what could not be read.

use std::io::{self, ErrorKind, Read, Seek};

use serde::{Deserialize, Serialize, Serializer};

use crate::meter::Meter;

/// The path that reports give for standard input.
pub const STDIN: &str = "<stdin>";

/// What part of a file, git object or ref a blob is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LocationKind {
    /// The content of a file or of a git blob.
    #[default]
    Content,
    /// The name of a file or directory.
    FileName,
    /// What a symbolic link points to.
    SymlinkTarget,
    /// A commit's message.
    CommitMessage,
    /// An annotated tag's message.
    TagMessage,
    /// A note attached to an object (git-notes(1)).
    Note,
    /// The name of a branch, tag or other ref.
    RefName,
    /// The author or committer line of a commit, or a tag's tagger.
    CommitAuthor,
}

/// Where a blob came from. Built only for blobs with a finding or a fault, so that it may allocate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Path relative to the scanned root, with `/` between its parts and `!` before an archive's member.
    pub path: String,
    /// The scanned root, where a run has more than one.
    pub root: Option<String>,
    /// What part of the file, git object or ref this is.
    pub kind: LocationKind,
    /// Offset in bytes of the blob's first byte within what `kind` names (a file's name within its path).
    pub base: u64,
    /// The git object the blob is, in hex.
    pub object: Option<String>,
    /// The commit it belongs to, where that is known without a search, in hex.
    pub commit: Option<String>,
    /// That commit's author, `Name <mail>`.
    pub author: Option<String>,
    /// That commit's author date, RFC 3339.
    pub date: Option<String>,
    /// How many lines stand before the blob's first byte within what `kind` names: none, but where only a part of it was given.
    pub lines_before: u64,
    /// Where it is in a browser, where that was told and cannot be told from the rest.
    pub url: Option<String>,
}

impl Origin {
    /// The content of the file at `path`.
    pub fn file(path: impl Into<String>) -> Self {
        Origin { path: path.into(), ..Origin::default() }
    }

    /// The path as a report shows it, with its root in front, and with the git object where the file's name is not known yet.
    pub fn display_path(&self) -> String {
        let path = match &self.object {
            Some(object) if self.path.is_empty() || self.path.starts_with('!') => {
                format!("blob/{object}{}", self.path)
            }
            _ => self.path.clone(),
        };
        self.root
            .as_ref()
            .map_or_else(|| path.clone(), |root| format!("{}/{path}", root.trim_end_matches('/')))
    }
}

/// A reader that can also seek, as containers with a directory at their end need it.
pub trait ReadSeek: Read + Seek {}
impl<T: Read + Seek + ?Sized> ReadSeek for T {}

/// A reader of the bytes behind the head of a blob that was too large to be handed over whole.
pub trait Rest: Read {
    /// The whole blob, its head included, where the source can seek. The two may share their position.
    fn seekable(&mut self) -> Option<&mut dyn ReadSeek> {
        None
    }

    /// Passes over a hole of a sparse file, in which nothing is stored, if one begins here and is large; how many zeros that
    /// leaves out. Always an even number.
    fn skip_hole(&mut self) -> u64 {
        0
    }

    /// The whole blob, its head included, where many threads can read it at once.
    fn shared(&self) -> Option<&dyn SharedFile> {
        None
    }
}

/// A file that many threads read at once, each from wherever it likes: large ones are scanned in parts.
pub trait SharedFile: Sync {
    /// How many bytes it has now.
    fn size(&self) -> io::Result<u64>;

    /// Reads from this offset on, as [`Read::read`].
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// How many bytes from this offset on are a hole of a sparse file, if it is large. Always an even number.
    fn hole_at(&self, offset: u64) -> u64;

    /// Calls `work` until it returns that nothing is left: in this thread, and in as many others as have nothing else to do.
    fn work(&self, work: &(dyn Fn() -> bool + Sync));
}

/// Makes any reader a [`Rest`] that cannot seek: a pipe, a decompressor.
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
    /// The first bytes: all where the body is in memory, else as many as the source read at first.
    pub fn head(&self) -> &[u8] {
        match self {
            Body::Whole(bytes) => bytes,
            Body::Stream { head, .. } => head,
        }
    }
}

/// No token is shorter, in bytes: a shorter name needs no scan.
pub const MIN_TOKEN_LEN: usize = 20;

/// Something to scan. The origin is a closure, so that a blob without a finding costs no path.
pub struct Blob<'a> {
    /// The bytes.
    pub body: Body<'a>,
    /// Where they came from.
    pub origin: &'a dyn Fn() -> Origin,
}

/// Why something could not be read, or not wholly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// Could not be opened or read: counted as unreadable.
    Unreadable,
    /// Damaged: what could be read was scanned, the rest is counted as unreadable.
    Damaged,
    /// A limit of the configuration cut it short.
    CutShort,
    /// Passed over because of `--max-file-size`.
    TooLarge,
    /// Passed over because it holds no files: a file system of the kernel, such as `/proc`.
    PassedOver,
    /// The history of a git repository, which was seen and not looked into.
    History,
    /// Older commits, or filtered objects, that a shallow or partial clone does not have (git-clone(1)).
    Shallow,
    /// Recognised, and not to be read here: seen as bytes only, and counted as unreadable, too. Says in a word what it is:
    /// `RAR`, `encrypted`.
    AsBytes(&'static str),
}

impl FaultKind {
    /// What it is called in a report that a program reads.
    pub fn as_str(self) -> &'static str {
        match self {
            FaultKind::Unreadable => "unreadable",
            FaultKind::Damaged => "damaged",
            FaultKind::CutShort => "cut-short",
            FaultKind::TooLarge => "too-large",
            FaultKind::PassedOver => "passed-over",
            FaultKind::History => "history",
            FaultKind::Shallow => "shallow",
            FaultKind::AsBytes(_) => "bytes-only",
        }
    }
}

impl Serialize for FaultKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Something that could not be read, or not wholly. The walk goes on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Its path, as [`Origin::display_path`].
    pub path: String,
    /// Why it could not be read.
    pub kind: FaultKind,
    /// The message for users: what happened, and what to do about it.
    pub reason: String,
}

/// How many first bytes of a blob [`Prefilter::must_open`] is given, where there are as many.
pub const HEAD: usize = 512;

/// A quick test whether something may be found in some bytes: it may be wrong where it says yes, never where it says no.
///
/// A source that knows how its blobs differ from one another (git packs store most objects as deltas against others,
/// gitformat-pack(5)) passes over those whose new bytes, with [`Prefilter::context`] bytes around them, cannot match, when
/// nothing matched in the base. What wraps a sink must wrap its prefilter: whatever leads to a finding by way of the
/// wrapper must match.
pub trait Prefilter: Sync {
    /// Whether something may be found in `bytes`.
    fn may_match(&self, bytes: &[u8]) -> bool;

    /// The same for names and messages, which are no containers.
    fn may_match_in_text(&self, bytes: &[u8]) -> bool {
        self.may_match(bytes)
    }

    /// How many bytes around a byte a finding that depends on it may extend.
    fn context(&self) -> usize;

    /// Whether a blob with these first [`HEAD`] bytes must be handed over whatever it holds, as a container must.
    fn must_open(&self, head: &[u8]) -> bool;
}

/// What takes all that sources read. Called from many threads at once.
pub trait Sink: Sync {
    /// Scans one blob.
    fn blob(&self, blob: Blob<'_>);

    /// Records what could not be read.
    fn fault(&self, fault: Fault);

    /// Counts what was read.
    fn meter(&self) -> &Meter;

    /// A test for blobs in which nothing can be found. Without one, every blob is handed over.
    fn prefilter(&self) -> Option<&dyn Prefilter> {
        None
    }

    /// Whether the run was asked to end: a source asks between two blobs.
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

/// Reads until `buffer` is full or the reader ends: how many bytes were read (also before an error), and whether there may
/// be more.
pub fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> (usize, io::Result<bool>) {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => return (filled, Ok(false)),
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (filled, Err(error)),
        }
    }
    (filled, Ok(true))
}
