//! A file that was put into a document as a package: its name and path, and then what it holds ([MS-OLEDS] 2.3.6; what the data is
//! made of, no specification says: oleobj.py of oletools, `OleNativeStream`).

use crate::source::unpack::extents::Extent;

/// The stream that holds one.
const NAME: &str = "\u{1}Ole10Native";

/// How many first bytes of the stream hold all that stands before the file: three paths at most.
pub(super) const HEAD: u64 = 4096;

/// A file in a stream.
pub(super) struct Package {
    pub(super) name: Vec<u8>,
    /// Where it begins in the stream, and how long it is.
    pub(super) begin: u64,
    pub(super) len: u64,
}

/// The file that a stream holds, by the stream's name and its first bytes.
pub(super) fn find(stream: &str, size: u64, head: &[u8]) -> Option<Package> {
    (stream == NAME).then_some(())?;
    // A size, and a number that is always 2.
    let mut rest = head.get(6..)?;
    let name = text(&mut rest)?;
    let _path = text(&mut rest)?;
    // Two numbers, of which the second is the length of a path.
    rest = rest.get(8..)?;
    let _temporary_path = text(&mut rest)?;
    let len = u64::from(u32::from_le_bytes(*rest.first_chunk()?));
    let begin = (head.len() - rest.len() + 4) as u64;
    (begin.checked_add(len)? <= size).then(|| Package { name: name.to_vec(), begin, len })
}

/// The text up to the next NUL.
fn text<'t>(rest: &mut &'t [u8]) -> Option<&'t [u8]> {
    let end = rest.iter().position(|byte| *byte == 0)?;
    let text = rest.get(..end)?;
    *rest = rest.get(end + 1..)?;
    Some(text)
}

/// Where some of the bytes lie that lie in these extents: `len` of them from `from` on.
pub(super) fn part(extents: &[Extent], from: u64, len: u64) -> Vec<Extent> {
    let (mut skip, mut left, mut part) = (from, len, Vec::new());
    for (offset, extent_len) in extents {
        let skipped = skip.min(*extent_len);
        skip -= skipped;
        let len = (extent_len - skipped).min(left);
        if len > 0 {
            part.push((offset + skipped, len));
            left -= len;
        }
    }
    part
}
