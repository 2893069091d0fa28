//! Mail: messages with parts (MIME, RFC 2045 to 2049), mailboxes of many messages (mbox, RFC 4155), and pages saved with their
//! images (MHTML, RFC 2557).
//!
//! The text of a mail is scanned as it stands. Handed on besides are the parts that are encoded in base64, quoted-printable or
//! uuencode, whose lines cut a token, those that are containers, and headers with encoded words. A part is called by its file's
//! name, or by its number among those of its message.

mod begins;
mod cursor;
mod encoded_word;
mod header;
mod lines;
mod messages;
mod part;

use std::io::{BufReader, Read};

use zeroize::Zeroizing;

use super::besides::ReadBesides;
use super::format::{Format, Reader, Signature};
use super::open_container::OpenContainer;
use begins::{Beginning, beginning};
use cursor::Cursor;
use lines::trimmed;
use messages::Messages;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "mail",
    first_bytes: b"ABCDEFILMNOPRSTUXabcdefilmnoprstux-\xef0123456789",
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Besides(ReadBesides::Forwards(open)),
    merges_with_compressor: false,
    member_path: "a.eml!notes.zip!inner/path",
};

/// How much is looked at to know how it begins.
const HEAD: u64 = 16 * 1024;
/// The mark of UTF-8 in front of a text.
const MARK: &[u8] = b"\xef\xbb\xbf";

fn begins(head: &[u8]) -> bool {
    beginning(head).is_some()
}

fn open(container: &OpenContainer<'_>, file: &mut dyn Read) {
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    let mut head = Zeroizing::new(Vec::new());
    // Whoever scans the bytes reports it where they cannot be read.
    let _ = (&mut reader).take(HEAD).read_to_end(&mut head);
    let Some(how) = beginning(&head) else { return };
    let from = if head.starts_with(MARK) { MARK.len() } else { 0 };
    let mut whole = head.get(from..).unwrap_or_default().chain(reader);
    let mut cursor = Cursor::new(&mut whole, how == Beginning::Mailbox);
    if how == Beginning::Boundary {
        let boundary = trimmed(cursor.line()).get(2..).unwrap_or_default().to_vec();
        cursor.open(boundary);
    }
    if how != Beginning::Header {
        cursor.advance();
    }
    Messages::new(container, cursor).read();
}
