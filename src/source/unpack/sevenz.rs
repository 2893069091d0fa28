//! 7z: blocks of files packed together, listed in a header at the end.

mod header;

use std::cell::Cell;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use sevenz_rust2::{Archive, ArchiveEntry, Block, BlockDecoder, EncoderMethod, Error, Password};

use super::bounded_reader::StreamError;
use super::budget::Limit;
use super::open_container::{Content, Name, OpenContainer, Place};
use super::spool::{Spooled, with_file};
use crate::blob::{Body, ReadSeek};
use header::{Refusal, reserve};

const ENCRYPTED: &str = "encrypted: decrypt it and scan what comes out";

/// Hands on the files. What cannot be opened is looked into as it is.
pub(super) fn open(level: &OpenContainer<'_>, body: Body<'_>) {
    with_file(level, body, |spooled| match spooled {
        Spooled::Memory(bytes) => in_file(level, &mut Cursor::new(bytes)),
        Spooled::File(file) => in_file(level, file),
        Spooled::TooLarge(bytes, rest) => {
            level.hand(Place::Raw(0), Content::Stored(&mut bytes.chain(rest)));
            level.say(Place::Raw(0), StreamError::Cut(Limit::Memory), None);
        }
    });
}

fn in_file(level: &OpenContainer<'_>, file: &mut dyn ReadSeek) {
    let refusal = match reserve(file, level.budget) {
        Ok(_holds) => match parse(file) {
            Ok(archive) => return blocks(level, file, &archive),
            Err(error) => Refusal::Io(error),
        },
        Err(refusal) => refusal,
    };
    if file.rewind().is_ok() {
        level.hand(Place::Raw(0), Content::Stored(&mut &mut *file));
    }
    match refusal {
        Refusal::Encrypted => level.unreadable(Place::Raw(0), ENCRYPTED.to_owned()),
        Refusal::Unsupported => {
            let reason = "its header is packed in a way that is not supported: unpack it and scan that";
            level.unreadable(Place::Raw(0), reason.to_owned());
        }
        Refusal::Io(error) if error.kind() == io::ErrorKind::OutOfMemory => {
            level.say(Place::Raw(0), StreamError::Cut(Limit::Memory), None);
        }
        Refusal::Io(error) => level.say(Place::Raw(0), StreamError::Damaged(error.to_string()), None),
    }
}

/// Lets the library read the header. A panic in it is a damaged archive, and not the end of the run.
fn parse(file: &mut dyn ReadSeek) -> io::Result<Archive> {
    file.rewind()?;
    let mut counted = Counted { file, taken: Rc::default() };
    catch_unwind(AssertUnwindSafe(|| Archive::read(&mut counted, &Password::empty())))
        .map_or_else(|_| Err(io::Error::other("the decoder failed on it")), |read| read.map_err(plain))
}

fn plain(error: Error) -> io::Error {
    match error {
        Error::Io(error, _) | Error::MaybeBadPassword(error) => error,
        Error::UnsupportedCompressionMethod(method) => io::Error::new(io::ErrorKind::Unsupported, method),
        error => io::Error::other(error.to_string()),
    }
}

fn blocks(level: &OpenContainer<'_>, file: &mut dyn ReadSeek, archive: &Archive) {
    for (index, block) in archive.blocks.iter().enumerate() {
        let map = &archive.stream_map;
        let first = map.block_first_file_index.get(index).and_then(|first| archive.files.get(*first));
        let name = Name::text(first.map(|file| file.name.clone()).unwrap_or_default());
        if block.coders.iter().any(|coder| coder.encoder_method_id() == header::AES) {
            level.unreadable(Place::Member(&name), ENCRYPTED.to_owned());
            continue;
        }
        let Ok(_hold) = level.budget.hold(memory(block)) else {
            level.say(Place::Member(&name), StreamError::Cut(Limit::Memory), Some(0));
            continue;
        };
        let left = block_files(level, archive, index, Counted { file: &mut *file, taken: Rc::default() });
        if !level.goes_on() {
            return;
        }
        match left {
            Ok(0) => {}
            Ok(left) => {
                let reason =
                    format!("{left} files packed together with one that broke off could not be read");
                level.unreadable(Place::Raw(0), reason);
            }
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                let reason = format!("packed by {error}, which is not supported: unpack it and scan that");
                level.unreadable(Place::Member(&name), reason);
            }
            Err(error) => level.say(Place::Member(&name), StreamError::Damaged(error.to_string()), None),
        }
    }
    for (entry, block) in archive.files.iter().zip(&archive.stream_map.file_block_index) {
        if block.is_none() && one(level, entry, Content::Memory(&[])).is_some() {
            return;
        }
    }
}

/// Hands on the files of one block; how many behind one that broke off are lost with it.
fn block_files(
    level: &OpenContainer<'_>,
    archive: &Archive,
    index: usize,
    mut source: Counted<'_>,
) -> io::Result<usize> {
    let (password, taken) = (Password::empty(), Rc::clone(&source.taken));
    let decoder = BlockDecoder::new(1, index, archive, &password, &mut source);
    let (count, mut files, mut out, mut broken) = (decoder.entry_count(), 0, 0, false);
    let each = &mut |entry: &ArchiveEntry, reader: &mut dyn Read| {
        let trouble = one(level, entry, Content::Packed(reader, Rc::clone(&taken), out));
        (out, files, broken) = (u64::saturating_add(out, entry.size), files + 1, trouble.is_some());
        // The library would decode to its end what a limit has cut short, to come to the next file.
        Ok(!matches!(trouble, Some(StreamError::Cut(_) | StreamError::Stopped)))
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| decoder.for_each_entries(each)))
        .unwrap_or_else(|_| Err(Error::Other("the decoder failed on it".into())));
    match outcome {
        Ok(true) => Ok(0),
        // That one was told by itself.
        Ok(false) => Ok(count.saturating_sub(files)),
        Err(_) if broken => Ok(count.saturating_sub(files)),
        Err(error) => Err(plain(error)),
    }
}

/// Hands on one file; what broke it off.
fn one(level: &OpenContainer<'_>, entry: &ArchiveEntry, content: Content<'_>) -> Option<StreamError> {
    let name = Name::text(entry.name.clone());
    if !level.enter(&name) {
        return Some(StreamError::Stopped);
    }
    if entry.size == 0 {
        return None;
    }
    level.hand(Place::Member(&name), content).1
}

/// What the decoders of a block hold at a time.
fn memory(block: &Block) -> u64 {
    let each = block.coders.iter().map(|coder| {
        let properties = coder.properties();
        let word = || {
            properties.get(1..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes))
        };
        match coder.encoder_method_id() {
            EncoderMethod::ID_LZMA | EncoderMethod::ID_PPMD => u64::from(word()),
            EncoderMethod::ID_LZMA2 => {
                let bits = properties.first().map_or(0, |bits| (*bits).min(40));
                (2 | u64::from(bits) & 1) << (bits / 2 + 11)
            }
            // libzstd takes no larger window without being asked to, and the header does not tell.
            EncoderMethod::ID_ZSTD => 128 * 1024 * 1024,
            _ => 4 * 1024 * 1024,
        }
    });
    each.fold(0, u64::saturating_add)
}

/// The archive, and how much of it was read.
struct Counted<'f> {
    file: &'f mut dyn ReadSeek,
    taken: Rc<Cell<u64>>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buf)?;
        self.taken.set(self.taken.get() + read as u64);
        Ok(read)
    }
}

impl Seek for Counted<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
