//! A loose git object by itself: a zlib stream that says what it holds
//! (<https://git-scm.com/book/en/v2/Git-Internals-Git-Objects>, "Object Storage").

use std::cell::Cell;
use std::io::{Cursor, Read, SeekFrom};
use std::rc::Rc;

use super::super::bounded_reader::StreamError;
use super::super::format::{Format, Reader, Signature};
use super::super::open_container::{Content, MemberName, OpenContainer, Region};
use super::super::share::Claim;
use super::super::spool::{Spooled, with_seekable};
use crate::blob::{Blob, Body, Fault, LocationKind, Origin, Prefilter, ReadSeek, Sink};
use crate::finding::Apart;
use crate::meter::Meter;
use crate::source::git::{LooseStream, begins_loose_object, hash_named, scan_object_named};

/// Its row in the table of formats.
pub(in super::super) static FORMAT: Format = Format {
    name: "git object",
    first_bytes: b"x",
    begins: begins_loose_object,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "ab/cdef!blob/ID",
};

/// The most bytes of a commit, tag or tree that are read part by part; a larger one is read as a file is.
pub(super) const MAX_PARTED: u64 = 4 << 20;

/// An object of more bytes is not read twice, only for its id.
const MAX_HASHED: u64 = 256 << 20;

fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    with_seekable(body, container.budget, |spooled| match spooled {
        Spooled::Memory(bytes) => open_file(container, &mut Cursor::new(bytes)),
        Spooled::File(file) => open_file(container, file),
        Spooled::TooLarge(bytes, rest) => {
            // Nothing comes by twice: it has the id that its path says.
            let id = hash_named(&(container.origin)().path);
            scan(container, id.as_deref(), &mut bytes.chain(rest));
        }
    });
}

fn open_file(container: &OpenContainer<'_>, file: &mut dyn ReadSeek) {
    let id = hash_named(&(container.origin)().path).or_else(|| compute_id(container, file));
    if file.rewind().is_ok() {
        scan(container, id.as_deref(), file);
    }
    // What stands behind it. The first two bytes would be taken for it once more.
    if file.seek(SeekFrom::Start(2)).is_ok() {
        container.hand_over(Region::Raw(2), Content::Stored(&mut &mut *file));
    }
}

/// The id, which is made with SHA-1 unless its path says otherwise; none where it cannot be read to its end.
fn compute_id(container: &OpenContainer<'_>, file: &mut dyn ReadSeek) -> Option<String> {
    file.rewind().ok()?;
    let object = LooseStream::open(&mut *file)?;
    (object.size <= MAX_HASHED && container.may_continue()).then(|| object.id(false).ok()).flatten()
}

/// Counts the bytes that are read.
struct Counted<'r> {
    reader: &'r mut dyn Read,
    read: Rc<Cell<u64>>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.read.set(self.read.get() + read as u64);
        Ok(read)
    }
}

/// Scans an object.
pub(super) fn scan(container: &OpenContainer<'_>, id: Option<&str>, deflated: &mut dyn Read) {
    let bytes_in = Rc::new(Cell::new(0));
    let counted = Counted { reader: deflated, read: Rc::clone(&bytes_in) };
    let Some(mut object) = LooseStream::open(counted) else { return };
    let (kind, size) = (object.kind(), object.size);
    let name = MemberName::from_text(id.map_or_else(|| kind.to_owned(), |id| format!("{kind}/{id}")));
    let origin = || {
        let origin = (container.origin)();
        let object = origin.object.or_else(|| id.map(str::to_owned));
        Origin { object, ..origin }
    };
    let within = OpenContainer { origin: &origin, ..*container };
    if let Some(id) = id.filter(|_| !object.is_blob() && size <= MAX_PARTED) {
        let mut bytes = Vec::new();
        let read = (&mut object).take(size.saturating_add(1)).read_to_end(&mut bytes);
        scan_object_named(&Within::of(&within), kind, id, &bytes);
        if read.is_err() || bytes.len() as u64 != size {
            let what = "its zlib stream is damaged".to_owned();
            within.report(Region::Member(&name), StreamError::Damaged(what), Some(bytes.len() as u64));
        }
        return;
    }
    let content = Content::Compressed { reader: &mut object, bytes_in, out_before: 0, claim: Claim::Rest };
    let (out, error) = within.hand_over(Region::Member(&name), content);
    if error.is_none() && out != size {
        let what = format!("it has {out} bytes instead of {size}");
        within.report(Region::Member(&name), StreamError::Damaged(what), Some(out));
    }
}

/// A sink for the parts of an object in a container.
pub(super) struct Within<'c> {
    inner: &'c dyn Apart,
    /// Where the container is.
    container: Origin,
}

impl<'c> Within<'c> {
    pub(super) fn of(container: &OpenContainer<'c>) -> Self {
        Within { inner: container.unpack.inner, container: (container.origin)() }
    }
}

impl Sink for Within<'_> {
    fn blob(&self, blob: Blob<'_>) {
        let origin = || {
            let (container, part) = (self.container.clone(), (blob.origin)());
            let prefix = format!("{}!", container.path);
            let is_name = part.kind == LocationKind::FileName;
            let base = part.base + if is_name { prefix.len() as u64 } else { 0 };
            let object = container.object.or(part.object);
            Origin { path: format!("{prefix}{}", part.path), root: container.root, base, object, ..part }
        };
        if let Body::Whole(bytes) = blob.body {
            self.meter().bytes(bytes.len() as u64);
            self.inner.blob(Blob { body: Body::Whole(bytes), origin: &origin });
        }
    }

    fn fault(&self, fault: Fault) {
        self.inner.fault(fault);
    }

    fn meter(&self) -> &Meter {
        self.inner.meter()
    }

    fn prefilter(&self) -> Option<&dyn Prefilter> {
        self.inner.prefilter()
    }
}
