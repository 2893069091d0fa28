//! PNG (<https://www.w3.org/TR/png-3/>): its compressed texts. Pixels are left alone, all other text stands there as it is, and what was
//! put behind the picture is looked into.

use std::io;

use super::decoder::DecodeReader;
use super::format::{Format, Reader, Signature};
use super::inflate::Inflate;
use super::input::Input;
use super::open_container::{Content, MemberName, OpenContainer, Region};
use super::share::Claim;
use super::twice::scan_and_read;
use crate::blob::Body;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "PNG",
    first_bytes: &[0x89],
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "a.png!zTXt Comment",
};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// No text is longer in practice, in bytes.
const MAX_TEXT: u32 = 16 * 1024 * 1024;

/// The longest keyword (11.3.3.2).
const MAX_KEYWORD: usize = 79;

/// Whether a picture begins so.
pub(super) fn begins(head: &[u8]) -> bool {
    head.starts_with(SIGNATURE)
}

/// Hands on the texts, and what stands behind the picture.
pub(super) fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    scan_and_read(container, body, |container, input| {
        // What is cut off was scanned as far as it goes, and is a picture.
        let whole = read_chunks(container, input).unwrap_or(false);
        if whole && container.may_continue() {
            let name = MemberName::from_text("behind IEND".to_owned());
            if input.peek(1).is_ok_and(|bytes| !bytes.is_empty()) && container.begin_member(&name) {
                container.hand_over(Region::Member(&name), Content::Stored(&mut &mut *input));
            }
        }
        whole
    });
}

/// Reads chunks up to the last one; whether that is there.
fn read_chunks(container: &OpenContainer<'_>, input: &mut Input<'_>) -> io::Result<bool> {
    input.skip(SIGNATURE.len() as u64)?;
    while container.may_continue() {
        let header = input.read_bytes(8)?;
        let (len, kind) = header.split_at(4);
        let len = len.first_chunk().map_or(0, |len| u32::from_be_bytes(*len));
        match kind {
            b"IEND" => return input.skip(u64::from(len) + 4),
            b"zTXt" | b"iTXt" if len <= MAX_TEXT => {
                let _reservation = container.budget.reserve(len.into())?;
                let chunk = input.read_bytes(len as usize)?;
                hand_over_text(container, kind == b"iTXt", &chunk);
                input.skip(4)?;
            }
            _ => {
                if !input.skip(u64::from(len) + 4)? {
                    return Ok(false);
                }
            }
        }
    }
    Ok(false)
}

/// Hands on a text, if it is compressed: behind its keyword (11.3.3.3), or also behind a flag, its language, and the keyword in it
/// (11.3.3.4).
fn hand_over_text(container: &OpenContainer<'_>, international: bool, chunk: &[u8]) {
    let until_zero = |bytes: &[u8]| memchr::memchr(0, bytes);
    let Some(end) = until_zero(chunk) else { return };
    let (keyword, rest) = chunk.split_at(end);
    let packed = if international {
        let Some([0, 1, 0, rest @ ..]) = Some(rest) else { return };
        let Some(language) = until_zero(rest) else { return };
        let rest = rest.get(language + 1..).unwrap_or_default();
        until_zero(rest).and_then(|end| rest.get(end + 1..))
    } else {
        rest.get(2..)
    };
    // The zlib stream's own header (RFC 1950, 2.2).
    let Some(packed) = packed.and_then(|packed| packed.get(2..)) else { return };
    let keyword = &keyword[..keyword.len().min(MAX_KEYWORD)];
    let kind: &[u8] = if international { b"iTXt " } else { b"zTXt " };
    let name = MemberName::new(&[kind, keyword].concat());
    if !container.begin_member(&name) {
        return;
    }
    let mut reader =
        DecodeReader::single(Input::memory(packed, container.budget), Box::new(Inflate::default()));
    let bytes_in = reader.bytes_in();
    let content = Content::Compressed { reader: &mut reader, bytes_in, out_before: 0, claim: Claim::Size(0) };
    container.hand_over(Region::Member(&name), content);
}
