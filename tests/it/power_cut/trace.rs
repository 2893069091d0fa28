//! What was recorded (`record.c`): every change of a file or a directory, every sync, and the marks that this test puts
//! between them.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A file, whatever its name is: the system gives the number of an inode to another file once it is free.
pub(super) type FileId = usize;

/// A path below the directory that is watched.
pub(super) type Name = String;

#[derive(Clone, Debug)]
pub(super) enum Event {
    Create(Name, FileId),
    MakeDirectory(Name),
    Write {
        file: FileId,
        at: usize,
        data: Vec<u8>,
    },
    Truncate(FileId, usize),
    Sync(FileId),
    SyncDirectory(Name),
    Unlink(Name),
    Rename(Name, Name),
    /// From here on the outside world knows this.
    Mark(usize),
}

/// Watches a directory.
pub(super) struct Recorder {
    files: TempDir,
    root: PathBuf,
}

impl Recorder {
    /// Compiles `record.c`: whoever built this program has a C compiler, for SQLite is compiled as well.
    pub(super) fn new(root: &Path) -> Self {
        let files = TempDir::new().expect("a directory");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/power_cut/record.c");
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let mut words = compiler.split_whitespace();
        let run = Command::new(words.next().unwrap_or("cc"))
            .args(words)
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(files.path().join("record.so"))
            .arg(source)
            .arg("-lpthread")
            .output()
            .expect("a C compiler");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let recorder = Recorder { root: root.canonicalize().expect("a directory"), files };
        File::create(recorder.trace()).expect("a file");
        recorder
    }

    fn trace(&self) -> PathBuf {
        self.files.path().join("trace")
    }

    /// The same command, recorded.
    pub(super) fn watch(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", self.files.path().join("record.so"))
            .env("POWER_CUT_TRACE", self.trace())
            .env("POWER_CUT_ROOT", &self.root);
    }

    /// Puts a mark behind what was recorded so far.
    pub(super) fn mark(&self, number: usize) {
        let mut record = 21_u32.to_ne_bytes().to_vec();
        record.push(b'K');
        record.extend(0_u64.to_ne_bytes());
        record.extend((number as u64).to_ne_bytes());
        record.extend(0_u32.to_ne_bytes());
        let mut trace = OpenOptions::new().append(true).open(self.trace()).expect("a trace");
        // The lock under which the recorded processes write theirs.
        trace.lock().expect("a lock");
        trace.write_all(&record).expect("room");
    }

    pub(super) fn events(&self) -> Vec<Event> {
        let trace = std::fs::read(self.trace()).expect("a trace");
        let root = self.root.to_str().expect("text");
        let mut parser = Parser { rest: &trace, root, files: HashMap::new(), count: 0 };
        std::iter::from_fn(|| parser.next()).collect()
    }
}

struct Parser<'a> {
    rest: &'a [u8],
    root: &'a str,
    files: HashMap<u64, FileId>,
    count: usize,
}

impl Parser<'_> {
    fn take(&mut self, len: usize) -> &[u8] {
        let (taken, rest) = self.rest.split_at(len);
        self.rest = rest;
        taken
    }

    fn number(&mut self) -> u64 {
        u64::from_ne_bytes(self.take(8).try_into().expect("eight bytes"))
    }

    fn length(&mut self) -> usize {
        u32::from_ne_bytes(self.take(4).try_into().expect("four bytes")) as usize
    }

    fn name(&self, path: &[u8]) -> Name {
        let path = std::str::from_utf8(path).expect("text");
        path.strip_prefix(self.root).expect("below the root").trim_start_matches('/').to_owned()
    }

    fn next(&mut self) -> Option<Event> {
        if self.rest.is_empty() {
            return None;
        }
        let len = self.length();
        let (call, inode, number) = (self.take(1)[0], self.number(), self.number());
        let number = usize::try_from(number).expect("a length");
        let path_len = self.length();
        let path = self.take(path_len).to_vec();
        let data = self.take(len - 21 - path_len).to_vec();
        if call == b'C' {
            self.files.insert(inode, self.count);
            self.count += 1;
        }
        let file = || *self.files.get(&inode).expect("a file that was made while it was watched");
        Some(match call {
            b'C' => Event::Create(self.name(&path), file()),
            b'M' => Event::MakeDirectory(self.name(&path)),
            b'W' => Event::Write { file: file(), at: number, data },
            b'T' => Event::Truncate(file(), number),
            b'S' => Event::Sync(file()),
            b'D' => Event::SyncDirectory(self.name(&path)),
            b'U' => Event::Unlink(self.name(&path)),
            b'R' => Event::Rename(self.name(&path), self.name(&data)),
            b'K' => Event::Mark(number),
            other => panic!("{other}: no such call"),
        })
    }
}
