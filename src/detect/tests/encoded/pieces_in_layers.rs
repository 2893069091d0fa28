//! Tokens in pieces, in lists, backwards or in another alphabet, within texts that are encoded as a whole.

use super::*;

/// A token as it is, cut in some ways, and written in others.
fn forms(token: &str) -> Vec<String> {
    let (first, rest) = token.split_at(token.len() / 2);
    let list = |of: &dyn Fn(u8) -> String| token.bytes().map(of).collect::<Vec<_>>().join(", ");
    vec![
        format!("\"{first}\" + \"{rest}\""),
        format!("'{first}'\n    '{rest}'"),
        format!("{first}\n    {rest}"),
        format!("# {first}\n# {rest}"),
        format!("{first}</span><span>{rest}"),
        format!("{first}\u{200b}{rest}"),
        format!("[{}]", list(&|byte| byte.to_string())),
        format!("[{}]", list(&|byte| format!("0x{byte:02x}"))),
        token.chars().rev().collect(),
        STANDARD.encode(token),
    ]
}

/// `text` in every encoding that makes a text as a whole, with the name that it has in reports.
fn layers(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let each = |of: &dyn Fn(u8) -> String| text.bytes().map(of).collect::<String>().into_bytes();
    let wide = |unit: u32| unit.to_le_bytes();
    vec![
        ("base64", STANDARD.encode(text).into_bytes()),
        ("base64", wrapped(&STANDARD.encode(text), 76, "\n").into_bytes()),
        ("hex", each(&|byte| format!("{byte:02x}"))),
        ("percent", each(&|byte| format!("%{byte:02X}"))),
        ("unicode-escape", each(&|byte| format!("\\u{byte:04x}"))),
        ("hex-escape", each(&|byte| format!("\\x{byte:02x}"))),
        ("octal-escape", each(&|byte| format!("\\{byte:03o}"))),
        ("html-entity", each(&|byte| format!("&#{byte};"))),
        ("html-entity", each(&|byte| format!("&#x{byte:x};"))),
        ("utf-16le", utf16(text, false)),
        ("utf-32le", text.chars().flat_map(|letter| wide(u32::from(letter))).collect()),
    ]
}

fn found_in(bytes: &[u8]) -> Vec<(Vec<u8>, &'static str)> {
    let found = certain_in(bytes, DECODE_DEPTH);
    found.into_iter().map(|(token, _, chain)| (token, chain.first().copied().unwrap_or_default())).collect()
}

/// Checks that the token is found once, in that encoding, and that an object with it is not ruled out.
fn assert_seen(bytes: &[u8], token: &str, name: &'static str) {
    let shown = String::from_utf8_lossy(bytes);
    assert_eq!(found_in(bytes), [(token.as_bytes().to_vec(), name)], "{shown}");
    assert!(detector().may_match(bytes), "{shown}");
}

/// A token of a kind that has no needle in common with the next one.
fn tokens() -> [String; 2] {
    [classic("ghp_", &"aB3dE".repeat(6)), classic("gho_", &"Zq8Lw".repeat(6))]
}

#[test]
fn every_form_in_every_layer() {
    for token in tokens() {
        for form in forms(&token) {
            let text = format!("a line in front\ntoken={form}\nand what else there is to say\n");
            for (name, bytes) in layers(&text) {
                assert_seen(&bytes, &token, name);
            }
        }
    }
}

#[test]
fn every_form_in_base64_of_every_layer() {
    let [token, _] = tokens();
    for form in forms(&token) {
        let text = format!("a line in front\ntoken={form}\nand what else there is to say\n");
        for (name, bytes) in layers(&text) {
            assert_seen(STANDARD.encode(&bytes).as_bytes(), &token, "base64");
            if name != "utf-32le" {
                let percent: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
                assert_seen(percent.as_bytes(), &token, "percent");
            }
        }
    }
}

#[test]
fn pieces_where_only_what_is_between_them_is_encoded() {
    for token in tokens() {
        let (first, rest) = token.split_at(token.len() / 2);
        for between in
            ["%22%20%2B%20%22", "%0D%0A%20%20%20%20", "\\u0022 + \\u0022", "\\\" + \\\"", "&#34; + &#34;"]
        {
            let text = format!("t=\"{first}{between}{rest}\"\n");
            let found = found_in(text.as_bytes());
            assert_eq!(
                found.iter().map(|(found, _)| found.as_slice()).collect::<Vec<_>>(),
                [token.as_bytes()]
            );
            assert!(detector().may_match(text.as_bytes()), "{text}");
        }
    }
}

#[test]
fn pieces_in_rot13() {
    let moved = |text: &str| -> String {
        let letter = |letter: char| {
            let first = if letter.is_ascii_lowercase() { b'a' } else { b'A' };
            let moved = |letter: u8| char::from(first + (letter - first + 13) % 26);
            if letter.is_ascii_alphabetic() { u8::try_from(letter).map_or(letter, moved) } else { letter }
        };
        text.chars().map(letter).collect()
    };
    for token in tokens() {
        for form in forms(&token).iter().take(5) {
            assert_seen(moved(&format!("token={form}\n")).as_bytes(), &token, "rot13");
        }
    }
}

#[test]
fn what_quoted_printable_breaks_at_the_end_of_a_line() {
    let broken = |text: &str| {
        let lines = text.as_bytes().chunks(75).map(String::from_utf8_lossy);
        lines.collect::<Vec<_>>().join("=\r\n")
    };
    for token in tokens() {
        let numbers = token.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(",");
        let backwards: String = token.chars().rev().collect();
        for form in [numbers, backwards] {
            for shift in 0..76 {
                let text =
                    broken(&format!("{}{form} and more of it\r\n", "words_".repeat(13).split_at(shift).0));
                let found = found_in(text.as_bytes());
                if text.contains('=') {
                    assert_eq!(found.len(), 1, "{text}");
                    assert_eq!(found[0].0, token.as_bytes());
                    assert!(detector().may_match(text.as_bytes()));
                }
            }
        }
    }
}

#[test]
fn a_token_of_another_checksum_in_a_layer_is_none() {
    let [token, _] = tokens();
    let wrong = format!("{}{}", &token[..token.len() - 1], if token.ends_with('0') { '1' } else { '0' });
    for form in forms(&wrong) {
        for (_, bytes) in layers(&format!("a line in front\ntoken={form}\nand what else there is\n")) {
            assert!(certain_in(&bytes, DECODE_DEPTH).is_empty());
        }
    }
}
