//! Extended headers: `length key=value` records that overrule the header they stand before (POSIX.1-2008, pax, "pax
//! Extended Header"), and those of GNU's sparse files (GNU tar manual, "PAX Format").

use crate::blob::MIN_TOKEN_LEN;

/// What an extended header, or a GNU long name, states about the member behind it.
#[derive(Default)]
pub(super) struct Pax {
    pub(super) name: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    /// Whether the member is sparse, in one of the versions 0.0, 0.1 and 1.0.
    pub(super) sparse: bool,
    /// Its data, where the header has the map: offset and length in turn.
    pub(super) segments: Vec<u64>,
}

/// More segments of data than any sparse file has.
const MAX_SEGMENTS: usize = 64 * 1024;

impl Pax {
    /// Reads the records in `bytes`; calls `other` with the offset and the value of each that is not about the member's
    /// name and data, and with what is no record.
    pub(super) fn read(&mut self, bytes: &[u8], other: &mut dyn FnMut(usize, &[u8])) {
        let mut at = 0;
        while let Some((key, value, len)) = bytes.get(at..).and_then(record) {
            let number = || std::str::from_utf8(value).ok()?.parse::<u64>().ok();
            let value_at = at + len - 1 - value.len();
            if key.len() >= MIN_TOKEN_LEN {
                other(value_at - 1 - key.len(), key);
            }
            match key {
                // A sparse member's own name overrules the made-up one in `path`, whichever comes first.
                b"GNU.sparse.name" => {
                    self.sparse = true;
                    replace(&mut self.name, value, value_at, other);
                }
                b"path" if self.sparse && self.name.is_some() => other(value_at, value),
                b"path" => replace(&mut self.name, value, value_at, other),
                b"linkpath" => replace(&mut self.link, value, value_at, other),
                b"size" => self.size = number(),
                b"GNU.sparse.map" => {
                    self.sparse = true;
                    if value.iter().any(|byte| !matches!(byte, b'0'..=b'9' | b',')) {
                        other(value_at, value);
                    }
                    let numbers =
                        value.split(|byte| *byte == b',').filter_map(|part| std::str::from_utf8(part).ok());
                    self.segments
                        .extend(numbers.filter_map(|part| part.parse::<u64>().ok()).take(MAX_SEGMENTS));
                }
                b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => {
                    self.sparse = true;
                    self.segments.extend(number());
                }
                b"GNU.sparse.major" => self.sparse = true,
                b"mtime" | b"atime" | b"ctime" | b"uid" | b"gid" | b"charset" | b"hdrcharset"
                    if value.len() < MIN_TOKEN_LEN => {}
                _ if key.starts_with(b"GNU.sparse.") && value.len() < MIN_TOKEN_LEN => {}
                _ => other(value_at, value),
            }
            at += len;
        }
        if at < bytes.len() {
            other(at, &bytes[at..]);
        }
    }
}

/// Takes a name; one that it replaces is no member's, and goes to `other`.
fn replace(name: &mut Option<Vec<u8>>, value: &[u8], offset: usize, other: &mut dyn FnMut(usize, &[u8])) {
    if let Some(replaced) = name.replace(value.to_vec()) {
        other(offset, &replaced);
    }
}

/// The first record: key, value, and the record's own length.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], usize)> {
    let space = bytes.iter().take(20).position(|byte| *byte == b' ')?;
    let len: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
    let line = bytes.get(space + 1..len)?.strip_suffix(b"\n")?;
    let equals = line.iter().position(|byte| *byte == b'=')?;
    Some((&line[..equals], &line[equals + 1..], len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_overrule_and_others_are_scanned() {
        let mut pax = Pax::default();
        let mut others = Vec::new();
        let bytes = b"12 path=a/b\n11 size=12\n20 comment=the rest\n5 bad";
        pax.read(bytes, &mut |at, value| others.push((at, value.to_vec())));
        assert_eq!((pax.name.as_deref(), pax.size), (Some(&b"a/b"[..]), Some(12)));
        assert_eq!(others, [(34, b"the rest".to_vec()), (43, b"5 bad".to_vec())]);
        assert!(others.iter().all(|(at, value)| bytes[*at..].starts_with(value)));
    }

    #[test]
    fn hostile_lengths_end_the_records() {
        for bytes in [&b"0 a=b\n"[..], b"3 a=b\n", b"99999999999999999999 a=b\n", b"100 a=b\n", b" a=b\n"] {
            let mut scanned = 0;
            Pax::default().read(bytes, &mut |_, value| scanned += value.len());
            assert_eq!(scanned, bytes.len());
        }
    }
}
