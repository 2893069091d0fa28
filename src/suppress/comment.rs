//! Comments that allow the line they stand on: this program's own, and those teams already have from other tools.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

/// What allows a line, in any comment syntax and either case: this program's marker, and those of gitleaks
/// (<https://github.com/gitleaks/gitleaks#gitleaksallow>), betterleaks, trufflehog, kingfisher and detect-secrets
/// (<https://github.com/Yelp/detect-secrets#inline-allowlisting>).
const MARKERS: [&str; 7] = [
    "stanch:allow",
    "gitleaks:allow",
    "betterleaks:allow",
    "trufflehog:ignore",
    "kingfisher:ignore",
    "pragma: allowlist secret",
    "pragma:allowlist secret",
];

/// The marker on this line, if there is one. Asked for each hit, and a line may be long and full of hits: so only colons
/// are looked at.
pub(super) fn marker(line: &[u8]) -> Option<&'static str> {
    memchr(b':', line)?;
    // In UTF-16 every second byte of ASCII text is zero.
    let line = if line.contains(&0) {
        Cow::Owned(line.iter().copied().filter(|byte| *byte != 0).collect::<Vec<_>>())
    } else {
        Cow::Borrowed(line)
    };
    memchr_iter(b':', &line).find_map(|colon| marker_around(&line[..colon], &line[colon + 1..]))
}

/// The marker whose colon is between these.
fn marker_around(before: &[u8], behind: &[u8]) -> Option<&'static str> {
    // Nearly every colon is another one: what is next to it decides. A line may have thousands.
    if !matches!(behind.first()?.to_ascii_lowercase(), b'a' | b'i' | b' ')
        || !matches!(before.last()?.to_ascii_lowercase(), b'h' | b's' | b'g' | b'r' | b'a')
    {
        return None;
    }
    let is =
        |text: Option<&[u8]>, word: &str| text.is_some_and(|text| text.eq_ignore_ascii_case(word.as_bytes()));
    let matches = |marker: &str| {
        marker.split_once(':').is_some_and(|(name, verb)| {
            is(behind.get(..verb.len()), verb)
                && is(before.len().checked_sub(name.len()).and_then(|start| before.get(start..)), name)
        })
    };
    MARKERS.into_iter().find(|marker| matches(marker))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_of_other_scanners_are_known() {
        for line in [
            "x # stanch:allow",
            "x // gitleaks:allow",
            "x -- betterleaks:allow",
            "/* trufflehog:ignore */ x",
            "x ; Kingfisher:Ignore",
            "x # pragma: allowlist secret",
        ] {
            assert!(marker(line.as_bytes()).is_some(), "{line}");
            let wide: Vec<u8> = line.encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert!(marker(&wide).is_some(), "{line} in UTF-16");
        }
        for line in ["stanch allow", ":allow", "stanch:", "stanch:all", "x: stanchallow:", ""] {
            assert_eq!(marker(line.as_bytes()), None, "{line}");
        }
    }
}
