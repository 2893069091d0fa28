//! What the targets share: random bytes become text that a decoder has to read, and what is found has to be sound.

use std::sync::LazyLock;

use stanch::checksum::{classic_holds, fine_grained_holds};
use stanch::detect::{Detector, Window};
use stanch::finding::Confidence;
use stanch::rule;

/// The decoder that a target is for: what its text is made of.
#[derive(Clone, Copy)]
pub enum Dictionary {
    Plain,
    Base64,
    Packed,
    Utf16,
    Percent,
    Escape,
    Entity,
    Hex,
    Pieces,
}

impl Dictionary {
    /// What the highest byte values stand for; the others stand for themselves.
    fn entries(self) -> &'static [&'static [u8]] {
        match self {
            Dictionary::Plain => &[b"ghp_", b"ghs_1_eyJ", b"github_pat_", b"aB3aB3aB3aB3aB3a", b".", b"\\n", b"\x1b[31m"],
            Dictionary::Base64 => &[
                b"Z2hwX", b"docF", b"naHBf", b"ZwBo", b"cAaA", b"nAGg", b"WjJod1g", b"QUJDREVGR0hJSktMTU5P", b"\n", b"\r\n",
                b"\\n", b"\"\n  \"", b"\n    ", b"=", b"A", b"9", b"_", b"/",
            ],
            Dictionary::Packed => &[b"H4sIAAAAAAAA", b"eJw", b"eNo", b"eAE", b"QUJDREVGR0hJSktMTU5P", b"\n", b"A", b"M", b"/", b"+"],
            Dictionary::Utf16 => &[b"g\0h\0p\0_\0", b"\0g\0h\0p\0_", b"\xff\xfe", b"\xfe\xff", b"a\0b\0c\0d\0", b"\0a\0b\0c\0d", b"\0", b"g\0i\0"],
            Dictionary::Percent => &[b"%67", b"%2567", b"%252567", b"%68", b"%70", b"%5F", b"%", b"gh", b"ghp", b"p_", b"%25", b"aB3aB3aB3"],
            Dictionary::Escape => &[
                b"\\u0067", b"\\x67", b"\\147", b"\\u{67}", b"\\U00000067", b"\\u0068", b"\\x68", b"\\150", b"\\", b"\\u0070",
                b"\\u005f", b"\\x5F", b"gh", b"ghp", b"p_", b"aB3aB3aB3",
            ],
            Dictionary::Entity => &[
                b"&#103;", b"&#x67;", b"&amp;", b"#103;", b"&#000", b"104;", b"&#112;", b"&lowbar;", b"&#95;", b"&", b"gh", b"aB3aB3aB3",
            ],
            Dictionary::Hex => &[b"6768", b"705f", b"6F5F", b"67:68:", b"67 68 ", b"70:5f:", b"6769746875625f7061745f", b"414233", b"61 62 "],
            Dictionary::Pieces => &[
                b"ghp_", b"github_pat_", b"aB3aB3aB3", b"gh", b"p_", b"b_pat_", b"\" + \"", b"\n", b"\n> ", b"' . '", b"<b>", b"</w:t><w:t>",
                b"\x1b[m", b"\xe2\x80\x8b", b"&shy;", b"\\", b"{", b"}", b"**", b"12: ", b"13: ", b"103, 104, ", b"112, 95, ", b"0x67, 0x68, ",
                b"67\n68", b"_phg", b"_tap_buhtig", b"\n00000010: 6768 705f ", b"\n00000020  67 68 70 |ghp|", b"\n0000020   g   h   p   _",
            ],
        }
    }

    fn text(self, data: &[u8]) -> Vec<u8> {
        let entries = self.entries();
        let mut text = Vec::new();
        for byte in data {
            match entries.get(usize::from(u8::MAX - byte)) {
                Some(entry) => text.extend_from_slice(entry),
                None => text.push(*byte),
            }
        }
        text
    }
}

static DETECTOR: LazyLock<Detector> =
    LazyLock::new(|| Detector::new(rule::built_in()).with_decode_depth(4));

/// The texts found from one part of a window.
fn found(window: &Window<'_>) -> Vec<Vec<u8>> {
    let mut texts = Vec::new();
    DETECTOR.scan(window, &mut |hit| {
        assert!(window.emit.contains(&hit.span.start), "it starts where it should");
        assert!(hit.span.end <= window.bytes.len(), "it ends within the bytes");
        assert!(hit.text.starts_with(hit.rule.prefix.as_bytes()), "it is a token");
        if hit.confidence == Confidence::Certain {
            assert!(classic_holds(hit.text, hit.rule.prefix.as_bytes()) || fine_grained_holds(hit.text));
        } else if hit.decoded.is_empty() {
            assert_eq!(hit.text, &window.bytes[hit.span.clone()]);
        } else {
            assert_eq!(hit.confidence, Confidence::Likely, "encoded placeholders are not reported");
        }
        texts.push(hit.text.to_vec());
    });
    texts.sort();
    texts
}

/// Scans text made from `data`, in one piece and in two.
pub fn sweep(dictionary: Dictionary, data: &[u8]) {
    let Some((cut, data)) = data.split_first() else { return };
    let bytes = dictionary.text(data);
    let whole = found(&Window::whole(&bytes));
    let cut = bytes.len() * usize::from(*cut) / 256;
    let mut parts = found(&Window { emit: 0..cut, ..Window::whole(&bytes) });
    parts.extend(found(&Window { emit: cut..bytes.len(), ..Window::whole(&bytes) }));
    parts.sort();
    assert_eq!(whole, parts, "where a window ends makes no difference");
    if let Ok(text) = std::str::from_utf8(&bytes) {
        DETECTOR.redact(text);
    }
}
