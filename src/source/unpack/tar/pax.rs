//! Extended headers: `length key=value` lines that overrule the header they stand before.

/// What an extended header, or a GNU long name, says of the member behind it.
#[derive(Default)]
pub(super) struct Pax {
    pub(super) name: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    /// Whether the member is sparse, in one of the three ways there are.
    pub(super) sparse: bool,
    /// Its data, where the header tells: offset and length in turn.
    pub(super) segments: Vec<u64>,
}

/// More stretches of data than any sparse file has.
const SEGMENTS_MOST: usize = 64 * 1024;

impl Pax {
    /// Reads the lines in `bytes`; shows each value that says nothing of the member's place and form, with its offset.
    pub(super) fn read(&mut self, bytes: &[u8], other: &mut dyn FnMut(usize, &[u8])) {
        let mut at = 0;
        while let Some((key, value, len)) = bytes.get(at..).and_then(record) {
            let number = || std::str::from_utf8(value).ok()?.parse::<u64>().ok();
            match key {
                // A sparse member's own name overrules the made-up one, whichever comes first.
                b"GNU.sparse.name" => (self.name, self.sparse) = (Some(value.to_vec()), true),
                b"path" if self.sparse && self.name.is_some() => {}
                b"path" => self.name = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => self.size = number(),
                b"GNU.sparse.map" => {
                    self.sparse = true;
                    let numbers =
                        value.split(|byte| *byte == b',').filter_map(|part| std::str::from_utf8(part).ok());
                    self.segments
                        .extend(numbers.filter_map(|part| part.parse::<u64>().ok()).take(SEGMENTS_MOST));
                }
                b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => {
                    self.sparse = true;
                    self.segments.extend(number());
                }
                b"GNU.sparse.major" => self.sparse = true,
                b"mtime" | b"atime" | b"ctime" | b"uid" | b"gid" | b"charset" | b"hdrcharset" => {}
                _ if key.starts_with(b"GNU.sparse.") => {}
                _ => other(at + len - 1 - value.len(), value),
            }
            at += len;
        }
        if at < bytes.len() {
            other(at, &bytes[at..]);
        }
    }
}

/// The first line: key, value, and the line's own length.
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
    fn lines_overrule_and_others_are_shown() {
        let mut pax = Pax::default();
        let mut others = Vec::new();
        let bytes = b"12 path=a/b\n11 size=12\n20 comment=the rest\n5 bad";
        pax.read(bytes, &mut |at, value| others.push((at, value.to_vec())));
        assert_eq!((pax.name.as_deref(), pax.size), (Some(&b"a/b"[..]), Some(12)));
        assert_eq!(others, [(34, b"the rest".to_vec()), (43, b"5 bad".to_vec())]);
        assert!(others.iter().all(|(at, value)| bytes[*at..].starts_with(value)));
    }

    #[test]
    fn hostile_lengths_end_the_reading() {
        for bytes in [&b"0 a=b\n"[..], b"3 a=b\n", b"99999999999999999999 a=b\n", b"100 a=b\n", b" a=b\n"] {
            let mut shown = 0;
            Pax::default().read(bytes, &mut |_, value| shown += value.len());
            assert_eq!(shown, bytes.len());
        }
    }
}
