//! Reads messages and their parts, one behind the other, however they are nested.

use zeroize::Zeroizing;

use super::begins::beginning;
use super::cursor::{Cursor, End};
use super::encoded_word::decode_words;
use super::header::{Body, Header};
use super::lines::trimmed;
use super::part::{Part, Until, is_uuencoded, uuencoded};
use crate::source::unpack::open_container::{Content, MemberName, OpenContainer, Region};
use crate::source::unpack::transfer::Decoder;

/// The longest header that is looked at, in bytes: what is behind that is passed over.
const MAX_HEADER: usize = 256 * 1024;
/// How many lines are passed over before it is asked whether to go on.
const BETWEEN_CHECKS: u32 = 4096;

/// What comes next.
enum Next {
    /// A header.
    Header,
    /// The end of a part, and before it what nobody reads.
    End,
    /// Nothing: it is cut short.
    Nothing,
}

/// Messages that are being read.
pub(super) struct Messages<'c, 'r> {
    container: &'c OpenContainer<'c>,
    cursor: Cursor<'r>,
    /// Which message of a mailbox this is.
    message: u64,
    /// How many parts of the message were begun.
    part: u64,
    passed: u32,
}

impl<'c, 'r> Messages<'c, 'r> {
    /// Those from the cursor on, which is at a header.
    pub(super) fn new(container: &'c OpenContainer<'c>, cursor: Cursor<'r>) -> Self {
        Messages { container, cursor, message: 1, part: 0, passed: 0 }
    }

    /// Reads all of them.
    pub(super) fn read(mut self) {
        loop {
            match self.read_entity() {
                Next::Header => {}
                Next::Nothing => return,
                Next::End => {
                    if !self.find_header() {
                        return;
                    }
                }
            }
        }
    }

    /// Passes over what is left of a part, and behind the last one; whether another follows.
    fn find_header(&mut self) -> bool {
        loop {
            let Some(end) = self.cursor.end() else {
                if !self.advance() {
                    return false;
                }
                continue;
            };
            if end == End::All {
                return false;
            }
            self.cursor.pass(end);
            match end {
                End::Boundary { is_last: true, .. } => {}
                End::Message => {
                    (self.message, self.part) = (self.message + 1, 0);
                    return true;
                }
                _ => return true,
            }
        }
    }

    /// Passes over a line; whether to go on.
    fn advance(&mut self) -> bool {
        self.cursor.advance();
        self.passed += 1;
        if self.passed < BETWEEN_CHECKS {
            return true;
        }
        self.passed = 0;
        self.container.may_continue()
    }

    /// Reads a header, and its body unless that has parts.
    fn read_entity(&mut self) -> Next {
        let Some(raw) = self.read_header() else { return Next::Nothing };
        let header = Header::parse(&raw);
        if let Some(decoded) = decode_words(&raw) {
            if !self.container.begin_part() {
                return Next::Nothing;
            }
            let name = self.member_name(b"headers");
            self.container.hand_over(Region::MemberPart(&name, 0), Content::Memory(&decoded));
        }
        let decoder = Decoder::named(&header.encoding);
        match header.body {
            Body::Multipart(boundary) => {
                // One that is nested too deep is a text: the parts around it go on.
                self.cursor.open(boundary);
                Next::End
            }
            Body::Message if matches!(decoder, Decoder::Identity) => {
                if self.cursor.end().is_none() && self.container.may_continue() {
                    Next::Header
                } else {
                    Next::End
                }
            }
            _ => self.read_part(header.name, decoder),
        }
    }

    /// The lines of a header, up to the blank one behind it.
    fn read_header(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        let mut raw = Zeroizing::new(Vec::new());
        while self.cursor.end().is_none() {
            let line = self.cursor.line();
            let is_end = self.cursor.begins_line() && trimmed(line).is_empty();
            if raw.len() + line.len() <= MAX_HEADER {
                raw.extend_from_slice(line);
            }
            if !self.advance() {
                return None;
            }
            if is_end {
                break;
            }
        }
        Some(raw)
    }

    fn read_part(&mut self, name: Option<Vec<u8>>, decoder: Decoder) -> Next {
        self.part += 1;
        let ahead = self.cursor.ahead();
        if matches!(decoder, Decoder::Identity)
            && (!self.container.is_container(ahead) || beginning(ahead).is_some())
        {
            return self.read_text();
        }
        if self.cursor.end().is_some() {
            return Next::End;
        }
        let name = name.unwrap_or_else(|| format!("part {}", self.part).into_bytes());
        self.hand_over(&name, decoder, Until::Part)
    }

    /// Passes over a text, and hands on the files that are encoded in it.
    fn read_text(&mut self) -> Next {
        while self.cursor.end().is_none() {
            let found = if self.cursor.begins_line() { uuencoded(self.cursor.line()) } else { None };
            if !self.advance() {
                return Next::Nothing;
            }
            if let Some((name, decoder, until)) = found
                && (until == Until::Base64 || is_uuencoded(self.cursor.line()))
                && let Next::Nothing = self.hand_over(&name, decoder, until)
            {
                return Next::Nothing;
            }
        }
        Next::End
    }

    fn hand_over(&mut self, name: &[u8], decoder: Decoder, until: Until) -> Next {
        let name = self.member_name(name);
        if !self.container.begin_member(&name) {
            return Next::Nothing;
        }
        let mut part = Part::new(&mut self.cursor, decoder, until);
        self.container.hand_over(Region::Member(&name), Content::Stored(&mut part));
        if self.container.may_continue() { Next::End } else { Next::Nothing }
    }

    fn member_name(&self, name: &[u8]) -> MemberName {
        if self.cursor.is_mailbox() {
            return MemberName::new(&[format!("message {}!", self.message).as_bytes(), name].concat());
        }
        MemberName::new(name)
    }
}
