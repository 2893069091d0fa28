//! PDF (ISO 32000-1): the streams of its objects, and the texts that its pages show in pieces.
//!
//! Objects are found where they stand, and not by the table at the end: so those of older revisions are read, and those of a file
//! that was cut off. The file itself is scanned as it is as well.

mod filters;
mod fonts;
mod lexer;
mod objects;
mod predictor;
mod text;

use std::io::{self, Cursor, Read};

use memchr::memmem;
use zeroize::Zeroize as _;

use super::bounded_reader::StreamError;
use super::format::{Format, Reader, Signature};
use super::input::Input;
use super::joined;
use super::limits::Limit;
use super::open_container::{Content, MemberName, OpenContainer, Region};
use super::share::Claim;
use super::spool::{Spooled, with_seekable};
use super::{inflate, zip};
use crate::blob::{Body, fill};
use filters::{Filter, Filters};
use lexer::{Lexer, Value, is_blank};
use objects::{is_encrypted, object_number, stream_len};
use text::Texts;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "PDF",
    // Some have a mark or blanks in front.
    first_bytes: b"%\xef\r\n \0",
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "a.pdf!object 12",
};

/// Where the header may stand (ISO 32000-1, Annex H, note 13).
const HEADER_WITHIN: usize = 1024;

/// How much of a file is read at a time: an object that is larger is not looked into.
const CHUNK: usize = 32 * 1024 * 1024;

/// How much of what comes out of a stream is looked through for the text it shows.
const MAX_SHOWN: usize = 4 * 1024 * 1024;

/// Whether a document begins so.
pub(super) fn begins(head: &[u8]) -> bool {
    head.starts_with(b"%PDF-")
        || !head.starts_with(b"%") && memmem::find(&head[..head.len().min(HEADER_WITHIN)], b"%PDF-").is_some()
}

/// Hands on the streams, and what is shown in pieces.
pub(super) fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    with_seekable(body, container.budget, |spooled| match spooled {
        Spooled::Memory(bytes) => {
            container.scan_raw(0, bytes);
            zip::open_at_end(&container.carved(), &mut Cursor::new(bytes));
            let mut document = Document::new(container);
            document.read_objects(bytes, true);
            document.finish();
        }
        Spooled::File(file) => {
            let scanned = file.rewind().map(|()| {
                container.hand_over(Region::Raw(0), Content::Stored(&mut &mut *file));
            });
            zip::open_at_end(&container.carved(), file);
            let read = scanned.and_then(|()| file.rewind()).and_then(|()| read_file(container, file));
            if let Err(error) = read {
                container.report(Region::Raw(0), StreamError::Damaged(error.to_string()), None);
            }
        }
        Spooled::TooLarge(bytes, rest) => {
            container.hand_over(Region::Raw(0), Content::Stored(&mut bytes.chain(rest)));
            container.report(Region::Raw(0), StreamError::LimitReached(Limit::Memory), None);
        }
    });
}

/// Reads a file chunk by chunk, each up to the end of its last object.
fn read_file(container: &OpenContainer<'_>, file: &mut dyn Read) -> io::Result<()> {
    let mut document = Document::new(container);
    let (mut bytes, mut offset, mut filled) = (Vec::new(), 0, 0);
    let mut reservations = Vec::new();
    while container.may_continue() {
        if bytes.len() < CHUNK && filled == bytes.len() {
            let more = if bytes.is_empty() { CHUNK / 32 } else { bytes.len() };
            reservations.push(container.budget.reserve(more as u64)?);
            let mut larger = Vec::with_capacity(bytes.len() + more);
            larger.extend_from_slice(&bytes);
            larger.resize(bytes.len() + more, 0);
            bytes.zeroize();
            bytes = larger;
        }
        let (read, outcome) = fill(file, &mut bytes[filled..]);
        filled += read;
        let last = !outcome?;
        let used = document.read_objects(&bytes[..filled], last);
        if last || document.encrypted {
            break;
        }
        let used = if used == 0 && filled == CHUNK {
            container.report(Region::Raw(offset), StreamError::LimitReached(Limit::Memory), None);
            filled
        } else {
            used
        };
        bytes.copy_within(used..filled, 0);
        filled -= used;
        offset += used as u64;
    }
    bytes.zeroize();
    document.finish();
    Ok(())
}

/// A document that is being read.
struct Document<'d> {
    container: &'d OpenContainer<'d>,
    texts: Texts,
    encrypted: bool,
}

impl<'d> Document<'d> {
    fn new(container: &'d OpenContainer<'d>) -> Self {
        Document { container, texts: Texts::default(), encrypted: false }
    }

    /// Reads the objects of a part of the file, all of them or those that are whole; how many bytes they take.
    fn read_objects(&mut self, bytes: &[u8], last: bool) -> usize {
        if is_encrypted(bytes) {
            if !self.encrypted {
                self.container.report_encrypted(Region::Raw(0));
            }
            self.encrypted = true;
            return bytes.len();
        }
        // An object that may go on is read with the next part.
        let whole = if last { bytes.len() } else { memmem::rfind(bytes, b"endobj").map_or(0, |at| at + 6) };
        let bytes = &bytes[..whole];
        let mut at = 0;
        while let Some(found) = memmem::find(bytes.get(at..).unwrap_or_default(), b"obj") {
            if !self.container.may_continue() {
                return whole;
            }
            let behind = at + found + 3;
            at = behind;
            let before = &bytes[..behind - 3];
            // `endobj` is none.
            if let Some(number) = object_number(before) {
                at = self.read_object(number, bytes, behind).max(behind);
            }
        }
        whole
    }

    /// Reads the object whose value begins at `at`; where it ends.
    fn read_object(&mut self, number: u32, bytes: &[u8], at: usize) -> usize {
        let mut lexer = Lexer::new(bytes, at);
        let mut strings = Vec::new();
        let value = lexer.value(&mut |found| push_line(&mut strings, found));
        let end = lexer.at;
        let text_name = || MemberName::from_text(format!("object {number} text"));
        joined::scan(self.container, &text_name(), &strings, bytes.get(at..end).unwrap_or_default());
        strings.zeroize();
        let Some(dictionary @ Value::Dictionary(_)) = value else { return end };
        self.texts.take_object(number, &dictionary);
        let mut begin = end;
        while bytes.get(begin).copied().is_some_and(is_blank) {
            begin += 1;
        }
        let Some(data) = bytes.get(begin..).and_then(|rest| rest.strip_prefix(b"stream")) else { return end };
        // Behind the keyword is one line end (7.3.8.1).
        let skipped = match data {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => 0,
        };
        let data = data.get(skipped..).unwrap_or_default();
        let len = stream_len(&dictionary, data);
        let begin = begin + b"stream".len() + skipped;
        self.read_stream(number, &dictionary, &data[..len]);
        begin + len
    }

    /// Hands on what is in a stream.
    fn read_stream(&mut self, number: u32, dictionary: &Value, data: &[u8]) {
        let is_passed_over = dictionary.is(b"Type", b"XRef")
            || dictionary.is(b"Subtype", b"Image")
            || objects::is_font_program(dictionary);
        if is_passed_over || data.is_empty() {
            return;
        }
        let filters = match filters::of(dictionary) {
            Filters::Known(filters) => filters,
            Filters::Picture => return,
            // One that another object names is most often this.
            Filters::Unknown if inflate::begins_zlib(data) => vec![Filter::Flate(None)],
            Filters::Unknown => Vec::new(),
        };
        let name = MemberName::from_text(format!("object {number}"));
        if filters.is_empty() {
            // It stands in the file as it is.
            if self.container.unpack.detects(data) && self.container.begin_member(&name) {
                self.container.hand_over(Region::Member(&name), Content::Memory(data));
            }
            return self.read_text(number, data);
        }
        if !self.container.begin_member(&name) {
            return;
        }
        let mut shown = Vec::new();
        let mut input = Input::memory(data, self.container.budget);
        let bytes_in = input.counter();
        filters::undo(&filters, &mut input, self.container.budget, &mut |reader| {
            let mut tee = Tee { reader, shown: &mut shown };
            let bytes_in = std::rc::Rc::clone(&bytes_in);
            let content =
                Content::Compressed { reader: &mut tee, bytes_in, out_before: 0, claim: Claim::Size(0) };
            self.container.hand_over(Region::Member(&name), content);
        });
        if dictionary.is(b"Type", b"ObjStm") {
            self.read_packed(number, dictionary, &shown);
        } else {
            self.read_text(number, &shown);
        }
        shown.zeroize();
    }

    /// Looks for what a content stream shows in pieces.
    fn read_text(&mut self, number: u32, decoded: &[u8]) {
        if let Some(mut text) = self.texts.take(number, decoded) {
            let name = MemberName::from_text(format!("object {number} text"));
            joined::scan(self.container, &name, &text, decoded);
            text.zeroize();
        }
    }

    /// Looks into the strings of objects that were packed together, and into what they say about fonts.
    fn read_packed(&mut self, number: u32, dictionary: &Value, decoded: &[u8]) {
        objects::for_each_packed(dictionary, decoded, &mut |object, value| {
            self.texts.take_object(object, value);
        });
        let mut lexer = Lexer::new(decoded, 0);
        let mut strings = Vec::new();
        while let Some(word) = lexer.next_word() {
            if let lexer::Word::String(found) = word {
                push_line(&mut strings, &found);
            }
        }
        let name = MemberName::from_text(format!("object {number} text"));
        joined::scan(self.container, &name, &strings, decoded);
        strings.zeroize();
    }

    /// Looks for what is shown in the codes of the document's fonts.
    fn finish(self) {
        self.texts.for_each(&mut |number, text| {
            if self.container.may_continue() {
                let name = MemberName::from_text(format!("object {number} text"));
                joined::scan(self.container, &name, text, &[]);
            }
        });
    }
}

/// Gives on what it reads, and keeps the first of it.
struct Tee<'t> {
    reader: &'t mut dyn Read,
    shown: &'t mut Vec<u8>,
}

impl Read for Tee<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buf)?;
        let room = MAX_SHOWN.saturating_sub(self.shown.len());
        self.shown.extend_from_slice(&buf[..read.min(room)]);
        Ok(read)
    }
}

/// Adds a string as a line of its own.
fn push_line(lines: &mut Vec<u8>, string: &[u8]) {
    lines.extend(text::string(string));
    lines.push(b'\n');
}
