//! Git LFS: of a file that it tracks, git itself has a pointer of three lines; the content lies beside git's objects
//! (<https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>).

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::hashing_file::HashingFile;
use super::object_dirs::ObjectDirs;
use crate::blob::{Blob, Body, Fault, FaultKind, Origin, Prefilter, Sink, fill};

/// A pointer has fewer bytes.
const MAX_POINTER: usize = 1024;

/// What pointers start with: the address of the specification, today's and those of its drafts.
const VERSIONS: [&[u8]; 3] = [
    b"version https://git-lfs.github.com/spec/v1",
    b"version https://hawser.github.com/spec/v1",
    b"version http://git-media.io/v/2",
];

/// Files up to so many bytes are handed over whole.
const WHOLE: usize = 256 * 1024;

/// A pointer to the content of a file.
#[derive(Debug, PartialEq, Eq)]
struct Pointer {
    /// The SHA-256 of the content, in 64 lower-case digits: nothing else can name a file in the storage.
    oid: String,
    /// How many bytes the content has.
    size: u64,
}

impl Pointer {
    /// Reads the text of a blob. What is no pointer, or a malformed one, is plain text.
    fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() >= MAX_POINTER || !starts_pointer(bytes) {
            return None;
        }
        let mut lines = std::str::from_utf8(bytes).ok()?.lines().skip(1);
        let fields = lines.by_ref().map_while(|line| line.split_once(' ')).collect::<Vec<_>>();
        let value = |name: &str| fields.iter().find(|field| field.0 == name).map(|field| field.1.trim_end());
        let oid = value("oid")?.strip_prefix("sha256:")?;
        let size = value("size")?.parse().ok()?;
        let is_hex = oid.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (oid.len() == 64 && is_hex).then(|| Pointer { oid: oid.to_owned(), size })
    }
}

fn starts_pointer(bytes: &[u8]) -> bool {
    VERSIONS.iter().any(|version| bytes.starts_with(version))
}

/// Rules out no pointer: what it points to is not in its bytes.
pub(super) struct PointerPrefilter<'a>(pub(super) &'a dyn Prefilter);

impl Prefilter for PointerPrefilter<'_> {
    fn may_match(&self, bytes: &[u8]) -> bool {
        self.0.may_match(bytes)
    }

    fn may_match_in_text(&self, bytes: &[u8]) -> bool {
        self.0.may_match_in_text(bytes)
    }

    fn context(&self) -> usize {
        self.0.context()
    }

    fn must_open(&self, head: &[u8]) -> bool {
        starts_pointer(head) || self.0.must_open(head)
    }
}

/// Where a repository's LFS objects lie, and which of them were looked for in vain.
#[derive(Default)]
pub(super) struct Lfs {
    storages: Vec<PathBuf>,
    missing: Mutex<HashSet<String>>,
    /// What is scanned by somebody else.
    elsewhere: HashSet<String>,
}

impl Lfs {
    /// The storage of a repository: where `lfs.storage` says (git-lfs-config(5)), else in its common directory. Those beside
    /// its alternates are looked at, too, as git-lfs does.
    pub(super) fn new(repo: &gix::Repository, dirs: &ObjectDirs) -> Self {
        let common_dir = repo.common_dir();
        let config = repo.config_snapshot();
        let configured = config.trusted_path("lfs.storage").ok().flatten();
        let storage = configured.filter(|path| !path.as_os_str().is_empty());
        let storage = storage.map_or_else(|| common_dir.join("lfs"), |path| common_dir.join(path));
        let beside = dirs.own.iter().filter_map(|dir| Some(dir.parent()?.join("lfs")));
        let mut storages: Vec<PathBuf> = Vec::new();
        for storage in std::iter::once(storage).chain(beside) {
            storages.extend(fs::canonicalize(storage.join("objects")).ok());
        }
        storages.sort();
        storages.dedup();
        Lfs { storages, ..Lfs::default() }
    }

    /// For a repository whose storage is beside it, and scanned there.
    pub(super) fn beside(elsewhere: HashSet<String>) -> Self {
        Lfs { elsewhere, ..Lfs::default() }
    }

    /// The same, without what is outside of `root`.
    pub(super) fn within(mut self, root: &Path) -> Self {
        self.storages.retain(|storage| storage.starts_with(root));
        self
    }

    /// Passes the content to `sink` that a blob with these `bytes` points to, if it is a pointer, as content of the pointer's
    /// own `origin`. What is not here is kept in mind for [`Lfs::report_missing`].
    pub(super) fn scan(&self, bytes: &[u8], max_size: u64, sink: &dyn Sink, origin: &dyn Fn() -> Origin) {
        let fault = |kind, reason| sink.fault(Fault { path: origin().display_path(), kind, reason });
        let Some(pointer) = Pointer::parse(bytes) else { return };
        if self.elsewhere.contains(&pointer.oid) {
            return;
        }
        let Some(path) = self.find(&pointer.oid) else {
            self.missing.lock().unwrap_or_else(PoisonError::into_inner).insert(pointer.oid);
            return;
        };
        let opened = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (mut rest, size) = match opened {
            Ok((size, file)) => (HashingFile::new(file), size),
            Err(error) => {
                let reason = format!("its content in Git LFS cannot be read: {error} ({})", path.display());
                return fault(FaultKind::Unreadable, reason);
            }
        };
        if size > max_size {
            return fault(
                FaultKind::TooLarge,
                format!("passed over: its content in Git LFS has {size} bytes"),
            );
        }
        let mut head = vec![0; WHOLE];
        let (read, outcome) = fill(&mut rest, &mut head);
        head.truncate(read);
        sink.meter().file(read as u64);
        if let Err(error) = &outcome {
            fault(
                FaultKind::Damaged,
                format!("what could be read of its content in Git LFS was scanned: {error}"),
            );
        }
        let is_readable = outcome.is_ok();
        if !head.is_empty() {
            let body = match outcome {
                Ok(true) => Body::Stream { head: &head, rest: &mut rest },
                _ => Body::Whole(&head),
            };
            sink.blob(Blob { body, origin });
        }
        // What could not be read is reported already.
        if is_readable && let Some(reason) = mismatch(&pointer, size, rest, sink) {
            fault(FaultKind::Damaged, reason);
        }
    }

    /// The file with this content, in none but the storage itself: a link could lead anywhere.
    fn find(&self, oid: &str) -> Option<PathBuf> {
        let (first, rest) = oid.split_at_checked(2)?;
        let (second, _) = rest.split_at_checked(2)?;
        self.storages.iter().find_map(|storage| {
            let path = fs::canonicalize(storage.join(first).join(second).join(oid)).ok()?;
            (path.starts_with(storage) && path.is_file()).then_some(path)
        })
    }

    /// Tells `sink` how many contents were looked for in vain. Clones lack them as a rule, which fails a run only where all
    /// of a history is `required`.
    pub(super) fn report_missing(&self, required: bool, sink: &dyn Sink) {
        let missing = std::mem::take(&mut *self.missing.lock().unwrap_or_else(PoisonError::into_inner));
        if missing.is_empty() {
            return;
        }
        let kind = if required { FaultKind::Unreadable } else { FaultKind::PassedOver };
        let (count, have) = (missing.len(), if missing.len() == 1 { "file has" } else { "files have" });
        let reason = format!(
            "{count} {have} content that is not here, and was not scanned; to fetch it, run: git lfs fetch --all"
        );
        sink.fault(Fault { path: "Git LFS".to_owned(), kind, reason });
    }
}

/// How a file that was scanned differs from the content that the pointer means: somewhere else that has tokens which this one
/// may lack.
fn mismatch(pointer: &Pointer, size: u64, file: HashingFile, sink: &dyn Sink) -> Option<String> {
    let differs = if size == pointer.size {
        match file.digest(&|| sink.stopped()) {
            Ok(Some(digest)) if digest != pointer.oid => "other bytes than its name says".to_owned(),
            Ok(_) => return None,
            Err(error) => return Some(format!("its content in Git LFS cannot be read: {error}")),
        }
    } else {
        format!("{size} bytes instead of {}", pointer.size)
    };
    Some(format!(
        "its content in Git LFS is damaged: what is there was scanned, and has {differs}; to have it checked, run: git lfs fsck"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer(oid: &str) -> String {
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12345\n")
    }

    #[test]
    fn a_pointer_names_its_content() {
        let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
        let parsed = |text: &str| Pointer::parse(text.as_bytes()).map(|pointer| pointer.oid);
        let plain = pointer(oid);
        assert_eq!(parsed(&plain).as_deref(), Some(oid));
        assert_eq!(parsed(&plain.replace('\n', "\r\n")).as_deref(), Some(oid));
        assert_eq!(parsed(plain.trim_end()).as_deref(), Some(oid));
        let extended = plain.replace("oid ", &format!("ext-0-foo sha256:{}\noid ", "0".repeat(64)));
        assert_eq!(parsed(&extended).as_deref(), Some(oid));
        assert_eq!(
            parsed(&plain.replace("https://git-lfs.github.com/spec/v1", "http://git-media.io/v/2"))
                .as_deref(),
            Some(oid)
        );
    }

    #[test]
    fn what_is_malformed_is_plain_text() {
        let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
        let plain = pointer(oid);
        let malformed = [
            plain.replace("sha256", "sha1"),
            plain.replace("size 12345\n", ""),
            plain.replace("12345", "-1"),
            plain.replace("spec/v1", "spec/v9"),
            format!("{plain}{}", "x".repeat(1024)),
            pointer(&oid.to_uppercase()),
            pointer(&oid[1..]),
            pointer("../../../../../../../../../../../../../../../../../../../etc/passwd"),
            pointer(&format!("../../{}", &oid[6..])),
            format!("\n{plain}"),
            String::new(),
        ];
        for text in malformed {
            assert_eq!(Pointer::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Pointer::parse(&[plain.as_bytes(), b"\xff"].concat()), None);
    }

    #[test]
    #[cfg(unix)]
    fn no_link_leads_out_of_the_storage() {
        let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
        let temporary = tempfile::tempdir().expect("a directory");
        let outside = temporary.path().join("outside");
        fs::write(&outside, "private").expect("written");
        let storage = temporary.path().join("objects");
        fs::create_dir_all(storage.join("4d/7a")).expect("a directory");
        let storage = fs::canonicalize(storage).expect("it is there");
        let lfs = Lfs { storages: vec![storage.clone()], ..Lfs::default() };
        let path = storage.join("4d/7a").join(oid);
        fs::write(&path, "content").expect("written");
        assert_eq!(lfs.find(oid), Some(path.clone()));
        fs::remove_file(&path).expect("removed");
        std::os::unix::fs::symlink(&outside, &path).expect("a link");
        assert_eq!(lfs.find(oid), None);
    }
}
