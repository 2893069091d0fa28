//! 7z: blocks of files compressed together, listed in a header at the end (7zFormat.txt in the LZMA SDK,
//! <https://www.7-zip.org/sdk.html>). `sevenz-rust2` reads it, once its header was checked.

mod chain;
mod file;
mod header;
mod header_reader;

use std::cell::Cell;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use sevenz_rust2::{Archive, ArchiveEntry, Block, BlockDecoder, EncoderMethod, Error, Password};

use super::bounded_reader::StreamError;
use super::format::{Format, Reader, Signature};
use super::limits::Limit;
use super::open_container::{Content, MemberName, OpenContainer, Region};
use super::share::Claim;
use super::spool::{Spooled, with_seekable};
use crate::blob::{Body, ReadSeek};
use file::{FileReader, hand_over_file};
use header::{Refusal, reserve};

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "7z",
    first_bytes: b"7",
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "a.7z!inner/path",
};

/// Whether an archive begins so: its signature (7zFormat.txt, `kSignature`).
pub(super) fn begins(head: &[u8]) -> bool {
    head.starts_with(b"7z\xbc\xaf\x27\x1c")
}

/// Hands on the files. What cannot be opened is scanned as it is.
pub(super) fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    with_seekable(body, container.budget, |spooled| match spooled {
        Spooled::Memory(bytes) => open_file(container, &mut Cursor::new(bytes)),
        Spooled::File(file) => open_file(container, file),
        Spooled::TooLarge(bytes, rest) => {
            container.hand_over(Region::Raw(0), Content::Stored(&mut bytes.chain(rest)));
            container.report(Region::Raw(0), StreamError::LimitReached(Limit::Memory), None);
        }
    });
}

fn open_file(container: &OpenContainer<'_>, file: &mut dyn ReadSeek) {
    let refusal = match reserve(file, container.budget) {
        Ok(_reservations) => match read_header(file) {
            Ok(archive) => {
                let sound = read_blocks(container, file, &archive);
                if let Err(error) = scan_packed(container, file, &archive, &sound) {
                    container.report(Region::Raw(0), StreamError::Damaged(error.to_string()), None);
                }
                return;
            }
            Err(error) => Refusal::Io(error),
        },
        Err(refusal) => refusal,
    };
    if file.rewind().is_ok() {
        container.hand_over(Region::Raw(0), Content::Stored(&mut &mut *file));
    }
    match refusal {
        Refusal::Encrypted => container.report_encrypted(Region::Raw(0)),
        Refusal::Unsupported => {
            let reason = "its header is packed in a way that is not supported: unpack it and scan that";
            container.report_unknown_method(Region::Raw(0), reason);
        }
        Refusal::Io(error) => container.report_read_error(&error),
    }
}

/// Lets the library read the header. A panic in it is a damaged archive, and not the end of the run.
fn read_header(file: &mut dyn ReadSeek) -> io::Result<Archive> {
    file.rewind()?;
    let mut counted = CountingReader::new(file);
    catch_unwind(AssertUnwindSafe(|| Archive::read(&mut counted, &Password::empty())))
        .map_or_else(|_| Err(io::Error::other("the decoder failed on it")), |read| read.map_err(into_io))
}

fn into_io(error: Error) -> io::Error {
    match error {
        Error::Io(error, _) | Error::MaybeBadPassword(error) => error,
        Error::UnsupportedCompressionMethod(method) => io::Error::new(io::ErrorKind::Unsupported, method),
        error => io::Error::other(error.to_string()),
    }
}

/// Hands on the files of all blocks, and those that are empty and in none; which blocks were read to their ends.
fn read_blocks(container: &OpenContainer<'_>, file: &mut dyn ReadSeek, archive: &Archive) -> Vec<bool> {
    let mut sound = vec![false; archive.blocks.len()];
    // Large ones come last: none of them uses up what the small ones need.
    let mut order: Vec<usize> = (0..archive.blocks.len()).collect();
    order.sort_by_key(|index| archive.blocks[*index].get_unpack_size());
    for (left, index) in (0..order.len()).rev().zip(order) {
        let block = &archive.blocks[index];
        let map = &archive.stream_map;
        let first = map.block_first_file_index.get(index).and_then(|first| archive.files.get(*first));
        let name = MemberName::from_text(first.map(|file| file.name.clone()).unwrap_or_default());
        if block.coders.iter().any(|coder| coder.encoder_method_id() == header::AES) {
            container.report_encrypted(Region::Member(&name));
            continue;
        }
        let Ok(_reservation) = container.budget.reserve(memory_of(block)) else {
            container.report(Region::Member(&name), StreamError::LimitReached(Limit::Memory), Some(0));
            continue;
        };
        let source = CountingReader::new(&mut *file);
        let left = read_block(container, archive, (index, left == 0), source);
        if !container.may_continue() {
            return sound;
        }
        match left {
            Ok(BlockEnd { left: 0, sound: is_sound }) => sound[index] = is_sound,
            Ok(BlockEnd { left, .. }) => {
                let reason =
                    format!("{left} files packed together with one that broke off could not be read");
                container.report_unreadable(Region::Raw(0), reason);
            }
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                let reason = format!("packed by {error}, which is not supported: unpack it and scan that");
                container.report_unknown_method(Region::Member(&name), &reason);
            }
            Err(error) => {
                container.report(Region::Member(&name), StreamError::Damaged(error.to_string()), None);
            }
        }
    }
    for (entry, block) in archive.files.iter().zip(&archive.stream_map.file_block_index) {
        if block.is_none() && hand_over_file(container, entry, Content::Memory(&[])).is_some() {
            break;
        }
    }
    sound
}

/// Scans what no file came out of as it is: the header, the bytes between, before and behind the packed ones, and those of
/// blocks that broke off, which need not be what the header says.
fn scan_packed(
    container: &OpenContainer<'_>,
    file: &mut dyn ReadSeek,
    archive: &Archive,
    sound: &[bool],
) -> io::Result<()> {
    let len = file.seek(SeekFrom::End(0))?;
    let (mut at, mut begin) = (0, header::SIGNATURE_HEADER.saturating_add(archive.pack_pos()));
    // Only where each block has one stream, it is simple which packed bytes belong to which.
    let streams = archive.pack_sizes();
    let one_each = streams.len() == sound.len();
    for (index, size) in streams.iter().enumerate() {
        let end = begin.saturating_add(*size);
        let read = if one_each { sound[index] } else { sound.iter().all(|sound| *sound) };
        if read && end <= len {
            scan_part(container, file, at..begin)?;
            at = end;
        }
        begin = end;
    }
    scan_part(container, file, at..len)
}

fn scan_part(container: &OpenContainer<'_>, file: &mut dyn ReadSeek, part: Range<u64>) -> io::Result<()> {
    if part.is_empty() || !container.may_scan() {
        return Ok(());
    }
    file.seek(SeekFrom::Start(part.start))?;
    let mut bytes = (&mut *file).take(part.end - part.start);
    container.hand_over(Region::Raw(part.start), Content::Stored(&mut bytes));
    Ok(())
}

/// How the reading of a block ended.
struct BlockEnd {
    /// How many files are lost behind one that broke off.
    left: usize,
    /// Whether none broke off.
    sound: bool,
}

/// Hands on the files of one block, of which is known whether it is the last.
fn read_block(
    container: &OpenContainer<'_>,
    archive: &Archive,
    (index, is_last): (usize, bool),
    mut source: CountingReader<'_>,
) -> io::Result<BlockEnd> {
    let (password, bytes_in) = (Password::empty(), Rc::clone(&source.bytes_in));
    let count = BlockDecoder::new(1, index, archive, &password, &mut source).entry_count();
    let (mut files, mut out) = (0, 0);
    let (mut broken, mut sound) = (false, true);
    let each = &mut |entry: &ArchiveEntry, reader: &mut dyn Read| {
        files += 1;
        let is_last = is_last && files == count;
        let claim = if is_last { Claim::Rest } else { Claim::Size(entry.size) };
        let bytes_in = Rc::clone(&bytes_in);
        let mut file = FileReader::new(&mut *reader);
        let content = Content::Compressed { reader: &mut file, bytes_in, out_before: out, claim };
        let error = hand_over_file(container, entry, content);
        out = u64::saturating_add(out, entry.size);
        broken = error.is_some();
        sound &= !broken;
        Ok(match error {
            // What was packed together with it comes out behind it only, and is not to blame for its ratio.
            Some(StreamError::LimitReached(_)) => {
                out = 0;
                files < count && !file.has_decoder_failed() && container.pass_over(reader)
            }
            Some(StreamError::Cancelled) => false,
            Some(StreamError::Damaged(_) | StreamError::Unsupported(_)) => !file.has_decoder_failed(),
            None => true,
        })
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        if archive.blocks.get(index).is_some_and(chain::reads) {
            let first = archive.stream_map.block_first_file_index.get(index).copied().unwrap_or(0);
            let files = archive.files.get(first..first.saturating_add(count)).unwrap_or_default();
            return chain::for_each_file(archive, index, files, (&mut source, container.budget), each);
        }
        BlockDecoder::new(1, index, archive, &password, &mut source).for_each_entries(each)
    }))
    .unwrap_or_else(|_| Err(Error::Other("the decoder failed on it".into())));
    match outcome {
        Ok(true) => Ok(BlockEnd { left: 0, sound }),
        // The file that broke off has a fault of its own.
        Ok(false) => Ok(BlockEnd { left: count.saturating_sub(files), sound: false }),
        Err(_) if broken => Ok(BlockEnd { left: count.saturating_sub(files), sound: false }),
        Err(error) => Err(into_io(error)),
    }
}

/// Bytes that the decoders of a block hold at a time.
fn memory_of(block: &Block) -> u64 {
    let each = block.coders.iter().enumerate().map(|(index, coder)| {
        let properties = coder.properties();
        let out = block.get_unpack_size_at_index(index);
        let dictionary = || {
            properties.get(1..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes))
        };
        match coder.encoder_method_id() {
            EncoderMethod::ID_PPMD => u64::from(dictionary()),
            // The library's dictionary grows with what comes out, twofold at a time.
            EncoderMethod::ID_LZMA => u64::from(dictionary()).min(out.saturating_mul(2)),
            EncoderMethod::ID_LZMA2 => {
                let bits = properties.first().map_or(0, |bits| (*bits).min(40));
                ((2 | u64::from(bits) & 1) << (bits / 2 + 11)).min(out.saturating_mul(2))
            }
            // libzstd takes no larger window without being asked to, and the header does not state the window.
            EncoderMethod::ID_ZSTD => out.min(128 * 1024 * 1024),
            _ => 4 * 1024 * 1024,
        }
    });
    each.fold(0, u64::saturating_add)
}

/// The archive, and how much of it was read. Buffered: some of the library's decoders ask for a byte at a time.
struct CountingReader<'f> {
    file: BufReader<&'f mut dyn ReadSeek>,
    bytes_in: Rc<Cell<u64>>,
}

impl<'f> CountingReader<'f> {
    fn new(file: &'f mut dyn ReadSeek) -> Self {
        CountingReader { file: BufReader::with_capacity(64 * 1024, file), bytes_in: Rc::default() }
    }
}

impl Read for CountingReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buf)?;
        self.bytes_in.set(self.bytes_in.get() + read as u64);
        Ok(read)
    }
}

impl Seek for CountingReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
