//! HTTP/1 messages (RFC 9112), as a capture or a proxy keeps them: bodies that were sent in chunks are put together, and what they were
//! compressed with for the way is undone.
//!
//! What begins like a message may also be what `curl -i` prints: headers that speak of chunks above a body that has none any more.
//! So each is undone only where it is there.

mod chunked;
mod coding;
mod header;

use std::io::{self, BufReader, Read};
use std::rc::Rc;

use super::format::{Format, Reader, Signature};
use super::input::Input;
use super::open_container::{Content, MemberName, OpenContainer, Region};
use super::share::Claim;
use super::twice::scan_and_read;
use crate::blob::{Body, HEAD};
use chunked::Chunked;
use header::{Header, Length};

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "HTTP",
    // Of a response, and of the methods of requests (RFC 9110, 9.1, and PATCH of RFC 5789).
    first_bytes: b"HGPDOTC",
    begins: header::begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "a.http!body 1",
};

/// Hands on the bodies that were sent in another way than they are.
pub(super) fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    scan_and_read(container, body, |container, input| {
        let mut number = 0;
        while container.may_continue() {
            number += 1;
            // What breaks off was scanned as far as it goes.
            if !read_message(container, input, number).unwrap_or(false) {
                break;
            }
        }
        true
    });
}

/// Reads one message; whether there may be another behind it.
fn read_message(container: &OpenContainer<'_>, input: &mut Input<'_>, number: u32) -> io::Result<bool> {
    while matches!(input.peek(1)?, [b'\r' | b'\n']) {
        input.skip(1)?;
    }
    let Some((header, len)) = Header::parse(input.peek(header::LONGEST)?) else { return Ok(false) };
    input.skip(len as u64)?;
    let name = MemberName::from_text(format!("body {number}"));
    if header.chunked && chunked::begins(input.peek(chunked::LONGEST_SIZE)?) {
        let mut chunks = Chunked::new(input);
        hand_over_body(container, &mut chunks, &header, (&name, true));
        return chunks.finish();
    }
    let len = match header.length {
        Length::Stated(len) if !header.chunked => len,
        Length::None if !header.chunked => return Ok(true),
        // Up to the end, unless another message stands right there.
        _ if header::begins(input.peek(header::LONGEST)?) => return Ok(true),
        _ => u64::MAX,
    };
    let end = input.offset().saturating_add(len);
    let mut body = input.by_ref().take(len);
    hand_over_body(container, &mut body, &header, (&name, false));
    input.skip(end.saturating_sub(input.offset()))
}

/// Hands on the body of a response that somebody kept as it was sent, with this header. Its first line may be of a newer version.
pub(super) fn hand_over_kept(container: &OpenContainer<'_>, header: &[u8], body: &mut dyn Read) {
    let fields = memchr::memchr(b'\n', header).and_then(|end| header.get(end..)).unwrap_or_default();
    if let Some((header, _)) = Header::parse(&[b"HTTP/1.1 200 OK", fields].concat()) {
        hand_over_body(container, body, &header, (&MemberName::from_text("body".to_owned()), false));
    }
}

/// Hands on a body, if it does not stand in the message as it is.
fn hand_over_body(
    container: &OpenContainer<'_>,
    body: &mut dyn Read,
    header: &Header,
    (name, in_chunks): (&MemberName, bool),
) {
    let mut buffered = BufReader::new(body);
    let mut input = Input::reader(&mut buffered, container.budget);
    let Ok(head) = input.peek(HEAD) else { return };
    let decoders = coding::of(&header.codings, head);
    if head.is_empty() || decoders.is_empty() && !in_chunks && !container.unpack.may_hold_something(head) {
        return;
    }
    if !container.begin_member(name) {
        return;
    }
    if decoders.is_empty() {
        container.hand_over(Region::Member(name), Content::Stored(&mut input));
        return;
    }
    let bytes_in = input.counter();
    coding::undo(&decoders, &mut input, container.budget, &mut |reader| {
        let content = Content::Compressed {
            reader,
            bytes_in: Rc::clone(&bytes_in),
            out_before: 0,
            claim: Claim::Size(0),
        };
        container.hand_over(Region::Member(name), content);
    });
}
