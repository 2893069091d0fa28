//! A git bundle: refs, what the receiver has to have already, and a pack (gitformat-bundle(5)).

use std::io::{self, BufRead as _, Read};

use super::super::bounded_reader::StreamError;
use super::super::format::{Format, Reader, Signature};
use super::super::input::{Input, with_input};
use super::super::open_container::{Content, OpenContainer, Region};
use super::in_memory;
use super::pack::{read_written, report_unwritten};
use super::temporary::{Unwritten, copy_from, lend, whole_again};
use crate::blob::{Body, Forward};
use crate::source::git::Gathered;

/// Its row in the table of formats.
pub(in super::super) static FORMAT: Format = Format {
    name: "git bundle",
    first_bytes: b"#",
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "all.bundle!COMMIT:path",
};

/// Bytes of the first line.
const SIGNATURE: usize = b"# v2 git bundle\n".len();

/// The most bytes of a header of which the refs are known; what is behind them is scanned all the same.
const MAX_HEADER: usize = 16 << 20;

/// No line is longer in practice.
const MAX_LINE: u64 = 64 * 1024;

fn begins(head: &[u8]) -> bool {
    [&b"# v2 git bundle\n"[..], b"# v3 git bundle\n"].iter().any(|signature| head.starts_with(signature))
}

fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    with_input(body, container.budget, |input| {
        let mut gathered = Gathered::new();
        let header = read_header(input, gathered.as_mut().ok());
        let (header, is_whole) = header.unwrap_or_default();
        // Its first line alone would be taken for a bundle that was not opened.
        container.scan_raw(SIGNATURE as u64, header.get(SIGNATURE..).unwrap_or_default());
        let is_pack = is_whole && input.peek(4).is_ok_and(|head| head == b"PACK");
        if is_pack {
            return read_pack(container, input, gathered);
        }
        let what = "no pack stands behind its refs".to_owned();
        container.report(Region::Raw(0), StreamError::Damaged(what), Some(input.offset()));
        let offset = input.offset();
        container.hand_over(Region::Raw(offset), Content::Stored(input));
    });
}

fn read_pack(container: &OpenContainer<'_>, input: &mut Input<'_>, gathered: io::Result<Gathered>) {
    let begin = input.offset();
    let opened = gathered.and_then(|mut gathered| {
        let (_, file) = gathered.new_pack()?;
        Ok((gathered, file))
    });
    let (mut gathered, mut file) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            report_unwritten(container, &error);
            return lend(&mut Forward(input), |body| in_memory::read_pack(container, begin, body));
        }
    };
    match copy_from(container, input, &mut file) {
        Err(Unwritten::Write { error, written, next }) => {
            report_unwritten(container, &error);
            let mut body = Body::Stream { head: &[], rest: &mut Forward(input) };
            whole_again((&mut file, written, &next), &mut body, |body| {
                in_memory::read_pack(container, begin, body);
            });
        }
        written => read_written(container, &mut gathered, (file, begin), written),
    }
}

/// Reads the header, up to the pack: capabilities (`@object-format=sha256`), prerequisites (`-ID comment`) and refs (`ID NAME`),
/// a line each, and an empty line. All of it, and whether it ends so.
fn read_header(input: &mut Input<'_>, mut gathered: Option<&mut Gathered>) -> io::Result<(Vec<u8>, bool)> {
    let mut header = Vec::new();
    while header.len() < MAX_HEADER {
        let begin = header.len();
        (&mut *input).take(MAX_LINE).read_until(b'\n', &mut header)?;
        let line = header.get(begin..).unwrap_or_default();
        let Some(line) = line.strip_suffix(b"\n") else { return Ok((header, false)) };
        match line {
            [] => return Ok((header, true)),
            [b'#' | b'-', ..] => {}
            [b'@', capability @ ..] => {
                if capability.starts_with(b"filter=")
                    && let Some(gathered) = gathered.as_deref_mut()
                {
                    gathered.set_partial();
                }
                if let (Some(format), Some(gathered)) =
                    (capability.strip_prefix(b"object-format="), gathered.as_deref_mut())
                {
                    gathered.set_sha256(format == b"sha256");
                }
            }
            _ => {
                if let (Some(space), Some(gathered)) = (memchr::memchr(b' ', line), gathered.as_deref_mut()) {
                    let (id, name) = line.split_at(space);
                    gathered.add_ref(name.get(1..).unwrap_or_default(), id);
                }
            }
        }
    }
    Ok((header, false))
}
