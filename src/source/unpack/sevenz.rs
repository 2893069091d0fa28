//! 7z: blocks of files packed together, listed in a header at the end.

mod header;

use std::cell::Cell;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use sevenz_rust2::{Archive, ArchiveEntry, Block, BlockDecoder, EncoderMethod, Error, Password};

use super::budget::Limit;
use super::guard::Trouble;
use super::level::{Content, Level, Name, Place};
use super::spool::{Spooled, with_file};
use crate::blob::{Body, ReadSeek};
use header::{Refusal, reserve};

const ENCRYPTED: &str = "encrypted: decrypt it and scan what comes out";

/// Hands on the files. What cannot be opened is looked into as it is.
pub(super) fn open(level: &Level<'_>, body: Body<'_>) {
    with_file(level, body, |spooled| match spooled {
        Spooled::Memory(bytes) => in_file(level, &mut Cursor::new(bytes)),
        Spooled::File(file) => in_file(level, file),
        Spooled::TooLarge(bytes, rest) => {
            level.hand(Place::Raw(0), Content::Stored(&mut bytes.chain(rest)));
            level.say(Place::Raw(0), Trouble::Cut(Limit::Memory), None);
        }
    });
}

fn in_file(level: &Level<'_>, file: &mut dyn ReadSeek) {
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
            level.say(Place::Raw(0), Trouble::Cut(Limit::Memory), None);
        }
        Refusal::Io(error) => level.say(Place::Raw(0), Trouble::Damaged(error.to_string()), None),
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
        error => io::Error::other(error.to_string()),
    }
}

fn blocks(level: &Level<'_>, file: &mut dyn ReadSeek, archive: &Archive) {
    for (index, block) in archive.blocks.iter().enumerate() {
        let map = &archive.stream_map;
        let first = map.block_first_file_index.get(index).and_then(|first| archive.files.get(*first));
        let name = Name::text(first.map(|file| file.name.clone()).unwrap_or_default());
        if block.coders.iter().any(|coder| coder.encoder_method_id() == header::AES) {
            level.unreadable(Place::Member(&name), ENCRYPTED.to_owned());
            continue;
        }
        let Ok(_hold) = level.budget.hold(memory(block)) else {
            level.say(Place::Member(&name), Trouble::Cut(Limit::Memory), Some(0));
            continue;
        };
        let mut counted = Counted { file: &mut *file, taken: Rc::default() };
        let taken = Rc::clone(&counted.taken);
        let password = Password::empty();
        let decoder = BlockDecoder::new(1, index, archive, &password, &mut counted);
        let each = &mut |entry: &ArchiveEntry, reader: &mut dyn Read| {
            Ok(one(level, entry, Content::Packed(reader, Rc::clone(&taken))))
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| decoder.for_each_entries(each)));
        let what = match outcome {
            Ok(Ok(true)) => continue,
            Ok(Ok(false)) => return,
            Ok(Err(error)) => plain(error).to_string(),
            Err(_) => "the decoder failed on it".to_owned(),
        };
        level.say(Place::Member(&name), Trouble::Damaged(what), None);
    }
    for (entry, block) in archive.files.iter().zip(&archive.stream_map.file_block_index) {
        if block.is_none() && !one(level, entry, Content::Memory(&[])) {
            return;
        }
    }
}

/// Hands on one file; whether to go on.
fn one(level: &Level<'_>, entry: &ArchiveEntry, content: Content<'_>) -> bool {
    let name = Name::text(entry.name.clone());
    if !level.enter(&name) {
        return false;
    }
    if entry.size > 0 {
        level.hand(Place::Member(&name), content);
    }
    level.goes_on()
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
