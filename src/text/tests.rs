//! What holds for any text.

use proptest::prelude::*;

use super::printable::is_deceptive;
use super::*;
use crate::token::Kind;

/// Any text, with tokens, direction characters and mark-up more often than chance has them.
fn any_text() -> impl Strategy<Value = String> {
    let tokens = prop::sample::select(Kind::github().to_vec());
    let token = (tokens, "[A-Za-z0-9]{36}").prop_map(|(kind, body)| format!("{}{body}", kind.prefix()));
    let part = prop_oneof![
        4 => "\\PC{0,12}",
        1 => any::<char>().prop_map(String::from),
        1 => "[\u{0}-\u{1f}\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2066}-\u{2069}\u{e0020}-\u{e0040}]{1,4}",
        1 => "[-<>&\"'|`%:,=+@/!\\[\\]()\r\n\t ]{1,6}",
        1 => token,
    ];
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

/// Whether a prefix stands in the text with as much behind it as only a token has.
fn holds_token(text: &str) -> bool {
    let body = |c: char| c.is_ascii_alphanumeric() || c == '_';
    Kind::github().into_iter().any(|kind| {
        text.match_indices(kind.prefix())
            .any(|(at, prefix)| text[at + prefix.len()..].chars().take_while(|c| body(*c)).count() >= 16)
    })
}

/// No file of failed cases: it would hold tokens that a scanner takes for leaks.
fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn shown_text_is_one_line_of_visible_characters(text in any_text(), limit in 1_usize..400) {
        for shown in [
            printable(&text), one_line(&text, limit), redacted(&text, limit), xml_escaped(&text), markdown_cell(&text),
        ] {
            prop_assert!(!shown.contains(is_deceptive), "{shown:?}");
        }
    }

    #[test]
    fn kept_text_holds_no_token_and_keeps_its_limit(text in any_text(), limit in 1_usize..400) {
        let (line, kept) = (one_line(&text, limit), redacted(&text, limit));
        prop_assert!(!holds_token(&line) && !holds_token(&kept), "{line:?} {kept:?}");
        prop_assert!(line.chars().count() <= limit && kept.len() <= limit);
    }

    #[test]
    fn nothing_ends_the_part_it_stands_in(text in any_text()) {
        prop_assert!(!xml_escaped(&text).contains(['<', '>', '"', '\'']));
        prop_assert!(!markdown_cell(&text).contains(['|', '`', '<', '>', '[', '@']));
        prop_assert!(!workflow_data(&text).contains(['\r', '\n']));
        prop_assert!(!workflow_property(&text).contains(['\r', '\n', ':', ',']));
        prop_assert!(!spreadsheet_cell(&text).starts_with(['=', '+', '-', '@', '\t', '\r', '\n']));
        prop_assert!(uri_path(&text).bytes().all(|byte| byte.is_ascii_graphic()));
    }

    #[test]
    fn ordinary_text_stays_as_it_is(text in "[a-zA-Z0-9 é漢_.-]{0,12}") {
        prop_assert_eq!(&printable(&text), &text);
        prop_assert_eq!(&redacted(&text, 100), &text);
        prop_assert_eq!(&xml_escaped(&text), &text);
        prop_assert_eq!(one_line(&text, 100), text.split_whitespace().collect::<Vec<_>>().join(" "));
    }

    #[test]
    fn paths_are_text_whatever_bytes_they_have(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let text = path_text(&bytes);
        prop_assert!(std::str::from_utf8(&bytes).map_or(text.contains("\\x"), |same| same == text));
    }
}
