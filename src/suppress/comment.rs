//! Comments that allow the line they stand on: this program's own, and those teams already have from other tools.

use std::borrow::Cow;
use std::sync::Arc;

use aho_corasick::AhoCorasick;

/// What allows a line, in any comment syntax and either case.
const MARKS: [&str; 7] = [
    "stanch:allow",
    "gitleaks:allow",
    "betterleaks:allow",
    "trufflehog:ignore",
    "kingfisher:ignore",
    "pragma: allowlist secret",
    "pragma:allowlist secret",
];

/// Looks for such a comment.
#[derive(Debug)]
pub struct Comments(AhoCorasick);

impl Comments {
    /// The marks, ready to be looked for. None where the machine cannot hold them, which is no machine.
    pub fn new() -> Option<Self> {
        AhoCorasick::builder().ascii_case_insensitive(true).build(MARKS).ok().map(Comments)
    }

    /// The mark on this line, if there is one.
    pub(super) fn allow(&self, line: &[u8]) -> Option<Arc<str>> {
        // In UTF-16 every second byte of ASCII text is zero.
        let line = if line.contains(&0) {
            Cow::Owned(line.iter().copied().filter(|byte| *byte != 0).collect::<Vec<_>>())
        } else {
            Cow::Borrowed(line)
        };
        let mark = self.0.find(line.as_ref())?.pattern().as_usize();
        MARKS.get(mark).map(|mark| Arc::from(*mark))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_the_field_are_known() {
        let comments = Comments::new().expect("marks");
        for line in [
            "x # stanch:allow",
            "x // gitleaks:allow",
            "x -- betterleaks:allow",
            "/* trufflehog:ignore */ x",
            "x ; Kingfisher:Ignore",
            "x # pragma: allowlist secret",
        ] {
            assert!(comments.allow(line.as_bytes()).is_some(), "{line}");
            let wide: Vec<u8> = line.encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert!(comments.allow(&wide).is_some(), "{line} in UTF-16");
        }
        assert_eq!(comments.allow(b"stanch allow"), None);
    }
}
