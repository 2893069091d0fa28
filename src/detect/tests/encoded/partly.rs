//! Texts of which some characters are encoded, in small files and in what was decoded; and what stands in front of them there.

use super::*;

fn moved(text: &str) -> String {
    let letter = |letter: char| match letter {
        'a'..='m' | 'A'..='M' => char::from(letter as u8 + 13),
        'n'..='z' | 'N'..='Z' => char::from(letter as u8 - 13),
        _ => letter,
    };
    text.chars().map(letter).collect()
}

fn encoded_but(text: &str, kept: &str, encode: &dyn Fn(u8) -> String) -> String {
    let is_kept = |byte: u8| byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte);
    text.bytes().map(|byte| if is_kept(byte) { char::from(byte).to_string() } else { encode(byte) }).collect()
}

/// Forms of a token in which no prefix is plain.
fn forms(token: &str) -> Vec<String> {
    let numbers: Vec<_> = token.bytes().map(|byte| byte.to_string()).collect();
    let digits: Vec<_> = token.bytes().map(|byte| format!("{byte:02x}")).collect();
    vec![
        format!("x = [{}]", numbers.join(",")),
        format!("x = {} # there are", digits.join(" ")),
        format!("x = \"{}\"", token.chars().rev().collect::<String>()),
        format!("x = {}", STANDARD.encode(format!("{token} and more"))),
    ]
}

/// Checks that the token is found once, by a chain that begins so, or without decoding what is around it.
fn assert_first(bytes: &[u8], token: &str, name: &'static str) {
    let found = certain_in(bytes, DECODE_DEPTH);
    let shown = String::from_utf8_lossy(bytes);
    assert_eq!(found.len(), 1, "{shown}");
    assert_eq!(found[0].0, token.as_bytes(), "{shown}");
    assert!(found[0].2[0] == name || found[0].2.len() == 1, "{:?}: {shown}", found[0].2);
    assert!(detector().may_match(bytes), "{shown}");
}

#[test]
fn every_form_in_a_text_of_which_signs_are_encoded() {
    let token = classic("ghp_", &"aB3dE".repeat(6));
    for form in forms(&token) {
        let text = format!("the first: one\n{form}\nand the last: one\n");
        if !form.contains("Z2hw") {
            let percent = encoded_but(&text, "-._~", &|byte| format!("%{byte:02X}"));
            assert_first(percent.as_bytes(), &token, "percent");
            let entities = encoded_but(&text, "-._~ ", &|byte| format!("&#x{byte:x};"));
            assert_first(entities.as_bytes(), &token, "html-entity");
            let escapes = encoded_but(&text, "-._~", &|byte| format!("\\x{byte:02x}"));
            assert_first(escapes.as_bytes(), &token, "hex-escape");
            let full: String = text
                .chars()
                .map(|letter| match letter {
                    '!'..='~' => char::from_u32(u32::from(letter) + 0xfee0).expect("a letter"),
                    _ => letter,
                })
                .collect();
            assert_first(full.as_bytes(), &token, "full-width");
        }
        let wide: String = text.bytes().map(|byte| format!("&#x{byte:x};&#x0;")).collect();
        assert_first(wide.as_bytes(), &token, "html-entity");
        let wide: String = text.bytes().map(|byte| format!("\\x{byte:02x}\\x00\\x00\\x00")).collect();
        if wide.len() <= 4096 {
            assert_first(wide.as_bytes(), &token, "hex-escape");
        }
        let text =
            format!("there is a title in it and a line\n{form}\nand it is still the same until the end\n");
        assert_first(STANDARD.encode(moved(&text)).as_bytes(), &token, "base64");
    }
}

#[test]
fn what_an_encoded_sign_is_glued_to() {
    let token = classic("ghp_", &"aB3dE".repeat(6));
    let base32 = super::alphabets::base32_of(format!("user {token} and").as_bytes());
    assert_first(format!("a%20line%0A{base32}%0Aand%20more").as_bytes(), &token, "percent");
    let wide = utf16(&format!("token = {token}\n"), true);
    let shifted = STANDARD_NO_PAD.encode(wide);
    assert_eq!(certain_in(format!("the password \n+{shifted}-\n").as_bytes(), DECODE_DEPTH).len(), 1);
    // A mark is no part of the first line.
    let (first, rest) = token.split_at(13);
    let lines = format!("\u{feff}[INFO] {first}\n[INFO] {rest}\n");
    assert_first(lines.as_bytes(), &token, "joined-lines");
    assert_first(&utf16(&lines, false), &token, "utf-16le");
}

#[test]
fn quoted_printable_that_breaks_in_front_of_a_blank() {
    let token = classic("ghp_", &"aB3dE".repeat(6));
    let numbers: Vec<_> = token.bytes().map(|byte| byte.to_string()).collect();
    let list = format!("x =3D [{}]", numbers.join(" "));
    for width in 60..76 {
        let text = wrapped(&list, width, "=\r\n");
        // No character of the list itself is encoded.
        assert_first(format!("{text}\r\n").as_bytes(), &token, "joined-lines");
    }
}

#[test]
fn a_wrong_checksum_is_nothing_in_a_text_that_is_partly_encoded() {
    let token = classic("ghp_", &"aB3dE".repeat(6));
    let wrong = format!("{}{}", &token[..token.len() - 1], if token.ends_with('0') { '1' } else { '0' });
    for form in forms(&wrong) {
        let text = format!("the first: one\n{form}\nand the last: title\n");
        let percent = encoded_but(&text, "-._~", &|byte| format!("%{byte:02X}"));
        for bytes in [percent, moved(&text)] {
            assert!(certain_in(bytes.as_bytes(), DECODE_DEPTH).is_empty(), "{bytes}");
        }
    }
}
