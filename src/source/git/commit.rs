//! Commits and annotated tags: header lines, an empty line, a message (git-cat-file(1) prints both as they are).

use gix::ObjectId;
use gix::bstr::ByteSlice as _;

/// The header lines and the message of a commit or tag.
pub(super) fn split_message(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.find(b"\n\n") {
        Some(end) => (&bytes[..=end], &bytes[end + 2..]),
        None => (bytes, &[]),
    }
}

/// What the walks over history need of a commit.
pub(super) struct CommitHeader {
    pub(super) tree: ObjectId,
    pub(super) parents: Vec<ObjectId>,
    /// The committer date in seconds since 1970, as the committer's clock had it.
    pub(super) time: i64,
}

impl CommitHeader {
    /// Reads it from a commit's raw bytes.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (header, _) = split_message(bytes);
        let id = |hex: &[u8]| ObjectId::from_hex(hex).ok();
        let mut lines = header.lines();
        let tree = id(lines.next()?.strip_prefix(b"tree ")?)?;
        let (mut parents, mut time) = (Vec::new(), 0);
        for line in lines {
            if let Some(parent) = line.strip_prefix(b"parent ") {
                parents.push(id(parent)?);
            } else if let Some(committer) = line.strip_prefix(b"committer ") {
                let after_ident = committer.rfind_byte(b'>').map_or(0, |end| end + 1);
                let date = committer.get(after_ident..).unwrap_or_default().to_str().unwrap_or_default();
                time = date.split_ascii_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or(0);
                break;
            }
        }
        Some(CommitHeader { tree, parents, time })
    }
}

/// Who made a commit or tag, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Signature {
    /// The ident: `Name <mail>`.
    pub(super) author: Option<String>,
    /// RFC 3339.
    pub(super) date: Option<String>,
}

impl Signature {
    /// Reads it from the `author` line of a commit, or the `tagger` line of a tag.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let (header, _) = split_message(bytes);
        let line = header
            .lines()
            .find_map(|line| line.strip_prefix(b"author ").or_else(|| line.strip_prefix(b"tagger ")));
        let Some(line) = line else { return Signature::default() };
        let end = line.rfind_byte(b'>').map_or(line.len(), |end| end + 1);
        let (author, date) = line.split_at(end);
        let author = Some(author.to_str_lossy().trim().to_owned()).filter(|author| !author.is_empty());
        Signature { author, date: rfc3339(date) }
    }
}

/// A date in git's internal format, ` 1700000000 +0100` (git-commit(1), "Date formats"), as RFC 3339.
fn rfc3339(date: &[u8]) -> Option<String> {
    let mut fields = date.to_str().ok()?.split_ascii_whitespace();
    let seconds: i64 = fields.next()?.parse().ok()?;
    let zone = fields.next().unwrap_or("+0000");
    let (sign, digits) = zone.split_at_checked(1)?;
    let digits: i32 = digits.parse().ok()?;
    let offset = (digits / 100 * 3600 + digits % 100 * 60) * if sign == "-" { -1 } else { 1 };
    let offset = jiff::tz::Offset::from_seconds(offset).unwrap_or(jiff::tz::Offset::UTC);
    let timestamp = jiff::Timestamp::from_second(seconds).ok()?;
    Some(timestamp.display_with_offset(offset).to_string())
}

/// The object that an annotated tag points to.
pub(super) fn tag_target(tag: &[u8]) -> Option<ObjectId> {
    let hex = tag.strip_prefix(b"object ")?.split(|byte| *byte == b'\n').next()?;
    ObjectId::from_hex(hex).ok()
}
