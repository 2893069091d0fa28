//! ORC (<https://orc.apache.org/specification/ORCv1/>): tables in stripes, whose columns are streams, each in chunks that are
//! compressed one by one.
//!
//! The postscript at the end leads to the footer, that to the stripes, and a footer of each to its streams.

mod chunks;
mod protobuf;

use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::rc::Rc;

use super::besides::ReadBesides;
use super::chunk::Joined;
use super::format::{Format, Reader, Signature};
use super::open_container::{Content, MemberName, OpenContainer, Region};
use super::random_access::RandomAccess;
use super::share::Claim;
use crate::blob::ReadSeek;
use crate::text::path_text;
use chunks::{Chunks, Compression};
use protobuf::{Value, fields};

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "ORC",
    first_bytes: b"O",
    begins: |head| head.starts_with(MAGIC),
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Besides(ReadBesides::Anywhere(open)),
    merges_with_compressor: false,
    member_path: "a.orc!stripe 1/column NAME",
};

const MAGIC: &[u8] = b"ORC";
/// The largest footer that is read, in bytes.
const MAX_FOOTER: usize = 64 * 1024 * 1024;
/// Kinds of streams that hold texts (`Stream.Kind`): values, and the words of a dictionary.
const DATA: u64 = 1;
const DICTIONARY_DATA: u64 = 3;

fn open(container: &OpenContainer<'_>, file: &mut dyn ReadSeek) {
    match read(container, file) {
        Ok(()) => {}
        // A text that begins with these letters is none.
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => container.report_read_error(&error),
    }
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what.to_owned())
}

/// What the postscript says.
struct Postscript {
    compression: Compression,
    footer: (u64, u64),
}

fn postscript(container: &OpenContainer<'_>, file: &mut RandomAccess<'_>) -> io::Result<Postscript> {
    let none = || io::Error::from(ErrorKind::NotFound);
    let at = file.len()?.checked_sub(1).ok_or_else(none)?;
    let mut len = [0];
    file.read_exact_at(&mut len, at)?;
    let from = at.checked_sub(u64::from(len[0])).ok_or_else(none)?;
    let bytes = file.chunk((from, u64::from(len[0])), MAX_FOOTER, container.budget)?;
    let (mut footer_len, mut compression, mut block, mut is_sound) = (0, 0, 256 * 1024, false);
    for (field, value) in fields(&bytes) {
        match (field, value) {
            (1, Value::Number(value)) => footer_len = value,
            (2, Value::Number(value)) => compression = value,
            (3, Value::Number(value)) => block = value,
            (8000, Value::Bytes(magic)) => is_sound = magic == MAGIC,
            _ => {}
        }
    }
    if !is_sound {
        return Err(none());
    }
    let begin = from.checked_sub(footer_len).ok_or_else(|| wrong("its footer is wrong"))?;
    let compression = Compression::new(compression, block)?;
    Ok(Postscript { compression, footer: (begin, footer_len) })
}

fn read(container: &OpenContainer<'_>, file: &mut dyn ReadSeek) -> io::Result<()> {
    let mut file = RandomAccess::File(file);
    let Postscript { compression, footer } = postscript(container, &mut file)?;
    // What is not compressed is found where it stands.
    if compression.is_none() {
        return Ok(());
    }
    let footer = compression.read_all(&mut file, footer, MAX_FOOTER, container.budget)?;
    let names = names(&footer);
    let (mut number, mut failed) = (0_u64, Ok(()));
    for (field, value) in fields(&footer) {
        if let (3, Value::Bytes(stripe)) = (field, value) {
            number += 1;
            let read = read_stripe(container, &mut file, &compression, (number, stripe, &names));
            if failed.is_ok() {
                failed = read;
            }
            if !container.may_continue() {
                break;
            }
        }
    }
    failed
}

/// What each column is called: by the field of the structure that it is in, or as what it is a part of (`Type`).
fn names(footer: &[u8]) -> Vec<String> {
    let types: Vec<&[u8]> = fields(footer)
        .filter_map(|(field, value)| match value {
            Value::Bytes(kind) if field == 4 => Some(kind),
            _ => None,
        })
        .collect();
    let mut names = vec![String::new(); types.len()];
    for (index, kind) in types.iter().enumerate() {
        let (mut children, mut own) = (Vec::new(), Vec::new());
        for (field, value) in fields(kind) {
            match (field, value) {
                (2, Value::Number(child)) => children.push(child),
                (2, Value::Bytes(packed)) => children.extend(protobuf::numbers(packed)),
                (3, Value::Bytes(name)) => own.push(path_text(name)),
                _ => {}
            }
        }
        let parent = names.get(index).cloned().unwrap_or_default();
        for (at, child) in children.into_iter().enumerate() {
            // Those of a column come behind it, so that each is named once at most.
            let name = usize::try_from(child)
                .ok()
                .filter(|child| *child > index)
                .and_then(|child| names.get_mut(child));
            if let Some(name) = name.filter(|name| name.is_empty()) {
                *name = match own.get(at) {
                    Some(own) if parent.is_empty() => own.clone(),
                    Some(own) if parent.len() < 256 => format!("{parent}.{own}"),
                    _ => parent.clone(),
                };
            }
        }
    }
    names
}

/// Hands on the streams of a stripe (`StripeInformation`, `StripeFooter`).
fn read_stripe(
    container: &OpenContainer<'_>,
    file: &mut RandomAccess<'_>,
    compression: &Compression,
    (number, stripe, names): (u64, &[u8], &[String]),
) -> io::Result<()> {
    let mut places = [0_u64; 5];
    for (field, value) in fields(stripe) {
        if let (Some(place), Value::Number(value)) =
            (usize::try_from(field).ok().and_then(|field| places.get_mut(field)), value)
        {
            *place = value;
        }
    }
    let [_, mut at, index, data, footer_len] = places;
    let footer = at
        .checked_add(index)
        .and_then(|at| at.checked_add(data))
        .ok_or_else(|| wrong("a stripe is wrong"))?;
    let footer = compression.read_all(file, (footer, footer_len), MAX_FOOTER, container.budget)?;
    for (field, value) in fields(&footer) {
        let (1, Value::Bytes(stream)) = (field, value) else { continue };
        let (mut kind, mut column, mut len) = (0, 0, 0);
        for (field, value) in fields(stream) {
            match (field, value) {
                (1, Value::Number(value)) => kind = value,
                (2, Value::Number(value)) => column = value,
                (3, Value::Number(value)) => len = value,
                _ => {}
            }
        }
        if matches!(kind, DATA | DICTIONARY_DATA) && len > 0 {
            if !container.begin_part() {
                return Ok(());
            }
            let name = usize::try_from(column).ok().and_then(|column| names.get(column));
            let name = name.filter(|name| !name.is_empty()).cloned().unwrap_or_else(|| column.to_string());
            let name = MemberName::from_text(format!("stripe {number}/column {name}"));
            hand_over(container, file, compression, ((at, len), &name));
        }
        at = at.checked_add(len).ok_or_else(|| wrong("a stripe is wrong"))?;
    }
    Ok(())
}

fn hand_over(
    container: &OpenContainer<'_>,
    file: &mut RandomAccess<'_>,
    compression: &Compression,
    (place, name): ((u64, u64), &MemberName),
) {
    let bytes_in = Rc::new(Cell::new(0));
    let count = Rc::clone(&bytes_in);
    let mut chunks = Chunks::new(compression, place);
    let mut stream = Joined::new(|| {
        let chunk = chunks.next(file, container.budget)?;
        count.set(chunks.read());
        Ok(chunk)
    });
    let content = Content::Compressed { reader: &mut stream, bytes_in, out_before: 0, claim: Claim::Size(0) };
    container.hand_over(Region::MemberPart(name, 0), content);
}
