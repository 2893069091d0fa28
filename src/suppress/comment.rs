//! Comments that allow the line they stand on: this program's own, and those teams already have from other tools.

use memchr::memchr_iter;

use crate::finding::Line;

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
/// are looked at, and each once.
pub(super) fn marker(line: Line<'_>) -> Option<&'static str> {
    line.first(|text, part| {
        memchr_iter(b':', &text[part.clone()]).find_map(|colon| {
            let colon = part.start + colon;
            Some((colon, marker_around(&text[..colon], &text[colon + 1..])?))
        })
    })
}

/// The marker whose colon is between these.
fn marker_around(before: &[u8], behind: &[u8]) -> Option<&'static str> {
    // In UTF-16 every second byte of ASCII text is zero.
    let letters = |byte: &&u8| **byte != 0;
    let (before, behind) = (before.iter().rev().filter(letters), behind.iter().filter(letters));
    // Nearly every colon is another one: what is next to it decides. A line may have thousands.
    if !matches!(behind.clone().next()?.to_ascii_lowercase(), b'a' | b'i' | b' ')
        || !matches!(before.clone().next()?.to_ascii_lowercase(), b'h' | b's' | b'g' | b'r' | b'a')
    {
        return None;
    }
    let matches = |marker: &&str| {
        marker.split_once(':').is_some_and(|(name, verb)| {
            starts_with(behind.clone(), verb.bytes()) && starts_with(before.clone(), name.bytes().rev())
        })
    };
    MARKERS.into_iter().find(matches)
}

/// Whether letters in either case begin with these, which are in lower case.
fn starts_with<'t>(mut letters: impl Iterator<Item = &'t u8>, mut start: impl Iterator<Item = u8>) -> bool {
    start.all(|byte| letters.next().is_some_and(|letter| letter.to_ascii_lowercase() == byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Searched;

    fn marker(line: &[u8]) -> Option<&'static str> {
        super::marker(Line::new(line, 0..line.len(), &Searched::default()))
    }

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
    #[test]
    fn of_a_line_full_of_markers_each_hit_has_its_own() {
        let text = b"x # stanch:allow x # gitleaks:allow y: x # stanch: allow";
        let searched = Searched::default();
        let at = |part| super::marker(Line::new(text, part, &searched));
        assert_eq!(at(0..40), Some("stanch:allow"));
        assert_eq!(at(5..40), Some("stanch:allow"));
        assert_eq!(at(16..40), Some("gitleaks:allow"));
        assert_eq!(at(36..text.len()), None);
        assert_eq!(at(0..8), None);
        assert_eq!(at(0..text.len()), Some("stanch:allow"));
    }
}
