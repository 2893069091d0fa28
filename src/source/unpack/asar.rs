//! asar: the files of an Electron program, one behind the other, behind a header in JSON
//! (<https://github.com/electron/asar#format>).

use std::io;

use serde_json::{Map, Value};

use super::bounded_reader::StreamError;
use super::extents::{scan_front, scan_until};
use super::format::{Format, Reader, Signature};
use super::input::{Input, with_input};
use super::open_container::{MemberName, OpenContainer, Region};
use crate::blob::Body;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "asar",
    first_bytes: &[4],
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "app.asar!inner/path",
};

/// Where the JSON begins: behind the size of a number, that of the header, that of the header's content, and that of the JSON, as
/// Chromium's `Pickle` writes them.
const JSON: usize = 16;

/// No header is longer in practice, in bytes.
const MAX_HEADER: u64 = 32 * 1024 * 1024;
/// No directories are nested deeper, in characters of a path.
const MAX_PATH: usize = 4096;
/// No paths of one archive are longer in practice, in bytes, all together.
const MAX_PATHS: usize = 64 * 1024 * 1024;

/// Whether an archive begins so: sizes that agree, and an object.
pub(super) fn begins(head: &[u8]) -> bool {
    Sizes::parse(head).is_some() && head.get(JSON) == Some(&b'{')
}

/// The sizes before the JSON.
struct Sizes {
    header: u64,
    json: usize,
}

impl Sizes {
    fn parse(head: &[u8]) -> Option<Self> {
        let number = |at: usize| Some(u32::from_le_bytes(*head.get(at..)?.first_chunk()?));
        let (header, content, json) = (number(4)?, number(8)?, number(12)?);
        // Filled up to four bytes, by most.
        let padding = content.checked_sub(4).and_then(|len| len.checked_sub(json))?;
        let agree = number(0)? == 4 && header.checked_sub(4) == Some(content) && padding < 8;
        agree.then_some(Sizes { header: u64::from(header), json: json as usize })
    }
}

/// A file in the archive.
struct File {
    path: String,
    offset: u64,
    size: u64,
}

/// Hands on the header as it is, and the files.
pub(super) fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    with_input(body, container.budget, |input| {
        if let Err(error) = read_files(container, input) {
            container.report(Region::Raw(0), StreamError::Damaged(error.to_string()), None);
        }
        scan_until(container, input, None);
    });
}

fn read_files(container: &OpenContainer<'_>, input: &mut Input<'_>) -> io::Result<()> {
    let sizes = Sizes::parse(input.peek(JSON)?).filter(|sizes| sizes.header <= MAX_HEADER);
    let sizes = sizes.ok_or_else(|| io::Error::other("its header is too large"))?;
    let _reservation = container.budget.reserve(3 * sizes.header)?;
    let begin = sizes.header + 8;
    let front = input.read_bytes(usize::try_from(begin).unwrap_or(usize::MAX))?;
    scan_front(container, input, &front);
    let json = front.get(JSON..JSON + sizes.json).unwrap_or_default();
    let _values = container.budget.reserve(memory_of(json))?;
    let header: Value =
        serde_json::from_slice(json).map_err(|_| io::Error::other("its header is no JSON"))?;
    let mut files = Vec::new();
    if !list(container, &header, &mut files)? {
        return Ok(());
    }
    files.sort_by_key(|file| file.offset);
    let mut last = None;
    for file in files {
        let name = MemberName::new(file.path.as_bytes());
        if !container.begin_member(&name) {
            return Ok(());
        }
        // Files that are alike may be stored once.
        if file.size == 0 || last == Some((file.offset, file.size)) {
            continue;
        }
        let offset = begin.saturating_add(file.offset);
        if offset < input.offset() {
            let error = StreamError::Damaged("it lies within the file before it".to_owned());
            container.report(Region::Member(&name), error, Some(0));
            continue;
        }
        scan_until(container, input, Some(offset));
        container.hand_over_stored(input, &name, file.size)?;
        last = Some((file.offset, file.size));
    }
    Ok(())
}

/// How many bytes the values of some JSON take at most: each object a node of a tree, each value in an array twice as much as it needs.
fn memory_of(json: &[u8]) -> u64 {
    let objects = memchr::memchr_iter(b'{', json).count() as u64;
    let values = memchr::memchr_iter(b',', json).count() as u64;
    700 * objects + 64 * values + 2 * json.len() as u64
}

/// Lists the files of the archive, and scans the targets of links and the names of what lies beside it; whether to go on.
fn list(container: &OpenContainer<'_>, header: &Value, files: &mut Vec<File>) -> io::Result<bool> {
    let mut paths_len = 0;
    let mut waiting: Vec<(String, &Map<String, Value>)> = Vec::new();
    waiting.extend(header.get("files").and_then(Value::as_object).map(|root| (String::new(), root)));
    while let Some((path, directory)) = waiting.pop() {
        for (name, entry) in directory {
            let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            paths_len += path.len();
            if paths_len > MAX_PATHS {
                return Err(io::Error::other("its paths are too long"));
            }
            if let Some(within) = entry.get("files").and_then(Value::as_object) {
                if path.len() <= MAX_PATH {
                    waiting.push((path, within));
                }
                continue;
            }
            // A number that JavaScript has no room for: it is written as text.
            let offset = entry.get("offset").and_then(Value::as_str).and_then(|offset| offset.parse().ok());
            let size = entry.get("size").and_then(Value::as_u64);
            if let (Some(offset), Some(size)) = (offset, size) {
                files.push(File { path, offset, size });
                continue;
            }
            let name = MemberName::new(path.as_bytes());
            if !container.begin_member(&name) {
                return Ok(false);
            }
            if let Some(target) = entry.get("link").and_then(Value::as_str) {
                container.scan_link_target(&name, target.as_bytes());
            }
        }
    }
    Ok(true)
}
