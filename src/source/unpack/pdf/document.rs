//! The objects of a document: their strings, their streams, and what those show.

use std::io::{self, Read};

use memchr::memmem;
use zeroize::{Zeroize as _, Zeroizing};

use super::encryption::{Id, Key, is_encrypted};
use super::filters::{self, Filter, Filters};
use super::lexer::{self, Lexer, Value, is_blank};
use super::objects::{self, object_id, stream_len};
use super::text::{self, Texts};
use crate::source::unpack::bounded_reader::StreamError;
use crate::source::unpack::inflate;
use crate::source::unpack::input::Input;
use crate::source::unpack::joined;
use crate::source::unpack::limits::Limit;
use crate::source::unpack::open_container::{Content, MemberName, OpenContainer, Region};
use crate::source::unpack::share::Claim;

/// How much of what comes out of a stream is looked through for the text it shows.
const MAX_SHOWN: usize = 4 * 1024 * 1024;

/// A document that is being read.
pub(super) struct Document<'d> {
    container: &'d OpenContainer<'d>,
    texts: Texts,
    /// What it is decrypted with.
    key: Option<Key>,
    /// Whether it cannot be.
    pub(super) encrypted: bool,
}

impl<'d> Document<'d> {
    pub(super) fn new(container: &'d OpenContainer<'d>, key: Option<Key>) -> Self {
        Document { container, texts: Texts::default(), key, encrypted: false }
    }

    /// Reads the objects of a part of the file, all of them or those that are whole; how many bytes they take.
    pub(super) fn read_objects(&mut self, bytes: &[u8], last: bool) -> usize {
        if self.key.is_none() && is_encrypted(bytes) {
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
            if let Some(id) = object_id(before) {
                at = self.read_object(id, bytes, behind).max(behind);
            }
        }
        whole
    }

    /// Reads the object whose value begins at `at`; where it ends.
    fn read_object(&mut self, id: Id, bytes: &[u8], at: usize) -> usize {
        let mut lexer = Lexer::new(bytes, at);
        let (mut strings, (number, _)) = (Vec::new(), id);
        let value = lexer.value(&mut |found| match &self.key {
            Some(key) => push_line(&mut strings, &Zeroizing::new(key.string(id, found))),
            None => push_line(&mut strings, found),
        });
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
        self.read_stream(id, &dictionary, &data[..len]);
        begin + len
    }

    /// Hands on what is in a stream, decrypted where it has to be.
    fn read_stream(&mut self, id: Id, dictionary: &Value, data: &[u8]) {
        let is_passed_over = dictionary.is(b"Type", b"XRef")
            || dictionary.is(b"Subtype", b"Image")
            || objects::is_font_program(dictionary);
        if is_passed_over || data.is_empty() {
            return;
        }
        let Some(key) = &self.key else { return self.read_plain(id.0, dictionary, data) };
        let Ok(_reservation) = self.container.budget.reserve(data.len() as u64) else {
            return self.container.report(Region::Raw(0), StreamError::LimitReached(Limit::Memory), None);
        };
        match key.stream(id, dictionary, data).map(Zeroizing::new) {
            Some(plain) => self.read_plain(id.0, dictionary, &plain),
            None => self.read_plain(id.0, dictionary, data),
        }
    }

    /// Hands on what is in a stream that is not encrypted.
    fn read_plain(&mut self, number: u32, dictionary: &Value, data: &[u8]) {
        let filters = match filters::of(dictionary) {
            Filters::Known(filters) => filters,
            Filters::Picture => return,
            // One that another object names is most often this.
            Filters::Unknown if inflate::begins_zlib(data) => vec![Filter::Flate(None)],
            Filters::Unknown => Vec::new(),
        };
        let name = MemberName::from_text(format!("object {number}"));
        if filters.is_empty() {
            // It stands in the file as it is, unless it was decrypted.
            if (self.key.is_some() || self.container.unpack.detects(data))
                && self.container.begin_member(&name)
            {
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
    pub(super) fn finish(self) {
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
