//! Base64, and what else is encoded in it.

use super::*;

/// Long names and numbers as in code and libraries, none of which is base64 of anything.
fn names() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        "[A-Z][A-Z0-9_]{20,80}",
        "_ZN([0-9][a-z]{4,9}){4,9}17h[0-9a-f]{16}E",
        "[0-9a-f]{40,64}",
        "[0-9A-F]{40,64}",
        "[A-Za-z0-9+/]{20,90}",
        "/?([a-z]{3,9}/){5,9}",
    ];
    let names = prop::collection::vec(
        (name, prop::sample::select(vec![" ", "\t", "\n", "\n//", "(", ",\n", "\0"])),
        0..5,
    );
    names
        .prop_map(|names| {
            names.into_iter().flat_map(|(name, end)| [name, end.to_owned()]).collect::<String>()
        })
        .prop_filter("no parts of tokens", |text: &String| !text.contains("gh"))
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn base64_at_any_alignment_glued_to_anything(
        token in any_token(), user in "[ -~]{0,40}", rest in "[ -~]{0,40}", (left, right) in ("[a-zA-Z0-9_/+-]{0,9}", "[a-zA-Z0-9_/+-]{0,9}"),
        (before, after) in (surroundings(), surroundings()), alphabet in 0_usize..4,
    ) {
        let engine = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD][alphabet].clone();
        let text = engine.encode(format!("{user}{token}{rest}"));
        // Behind padding, the run has ended.
        let bytes = format!("{before}{left}{text}{right} {after}");
        assert_found(bytes.as_bytes(), &token, before.len(), &["base64"])?;
    }

    #[test]
    fn base64_between_what_only_looks_like_it(
        token in any_token(), (user, rest) in ("[ -~]{0,40}", "[ -~]{0,40}"), (before, after) in (names(), names()), wraps in 0_usize..6, width in 54_usize..90,
        at in 0_usize..40,
    ) {
        let plain = format!("{user}{token}{rest}");
        let zlibbed = STANDARD.encode(zlib(plain.as_bytes()));
        let (text, chain): (String, &[&str]) = match wraps {
            0 => (STANDARD.encode(&plain), &["base64"]),
            1 => (URL_SAFE_NO_PAD.encode(&plain), &["base64"]),
            2 => (STANDARD.encode(STANDARD.encode(&plain)), &["base64", "base64"]),
            3 => (STANDARD.encode(utf16(&plain, false)), &["base64", "utf-16le"]),
            4 => (zlibbed, &["base64", "zlib"]),
            _ => (STANDARD.encode(STANDARD.encode(STANDARD.encode(&plain))), &["base64", "base64", "base64"]),
        };
        let text = if wraps % 2 == 0 { wrapped(&text, width, "\n") } else { text };
        // At every place of a stride, names and all around.
        for glue in ["", " ", "\t", "=", "\n", "\0"] {
            let bytes = format!("{}{before}{glue}{text}{}{after}", " ".repeat(at), if glue.is_empty() { " " } else { glue });
            let found = certain_in(bytes.as_bytes(), DECODE_DEPTH);
            // Where a comment in front seems to be a part of it, its byte order is a guess.
            let is_chain = |decoded: &[&str]| {
                decoded.iter().map(|name| if *name == "utf-16be" { "utf-16le" } else { name }).eq(chain.iter().copied())
            };
            let is_token = |found: &[u8]| found == token.as_bytes();
            prop_assert!(found.iter().any(|(found, _, decoded)| is_token(found) && is_chain(decoded)), "{:?}", bytes);
        }
    }

    #[test]
    fn base64_in_lines_of_any_width(
        token in any_token(), user in "[ -~]{0,90}", rest in "[ -~]{0,90}", width in 4_usize..90, before in surroundings(),
        (line_end, narrowest) in prop::sample::select(vec![
            ("\n", 4), ("\r\n", 4), ("\\n", 4), ("\\r\\n", 4), ("\\\n", 4), ("\n      ", 54), ("\r\n\t", 54), ("\"\n  \"", 54), ("\\n\" +\n    \"", 54),
            ("&#13;\n", 54), ("&#xD;\n  ", 54), ("\n# ", 54), ("\r\n  #", 54), ("\n> > ", 54), ("\n * ", 54),
        ]),
    ) {
        let width = width.max(narrowest);
        let text = STANDARD.encode(format!("{user}{token}{rest}"));
        let bytes = format!("{before}{}", wrapped(&text, width, line_end));
        // The line on which the token starts.
        let line = (user.len() * 4 / 3) / width;
        assert_found(bytes.as_bytes(), &token, before.len() + line * (width + line_end.len()), &["base64"])?;
    }

    #[test]
    fn base64_in_lines_behind_what_a_diff_or_a_comment_begins_them_with(
        token in any_token(), user in "[ -~]{0,190}", rest in "[ -~]{0,190}", width in 54_usize..90, first in any::<bool>(),
        prefix in prop::sample::select(vec![
            "+", "-", "//", "--", "// ", "//! ", "/// ", "-- ", "+ ", "- ", "+# ", "+// ", "-    ", "> +", "% ", "! ", "; ", "# ", "> ",
        ]),
    ) {
        let text = STANDARD.encode(format!("{user}{token}{rest}"));
        let start = if first { prefix } else { "data: " };
        let bytes = format!("begin\n{start}{}\nend\n", wrapped(&text, width, &format!("\n{prefix}")));
        let found = certain_in(bytes.as_bytes(), DECODE_DEPTH);
        prop_assert!(found.iter().any(|(found, ..)| found == token.as_bytes()), "{bytes}");
        prop_assert!(found.iter().all(|(found, ..)| found == token.as_bytes()));
        prop_assert!(detector().may_match(bytes.as_bytes()));
    }

    #[test]
    fn base64_of_base64(
        token in any_token(), (user, outer) in ("[ -~]{0,30}", "[ -~]{0,30}"), (inner_width, width) in (4_usize..90, 4_usize..90),
        before in surroundings(), lines in any::<(bool, bool)>(),
    ) {
        let inner = STANDARD.encode(format!("{user}{token}"));
        let inner = if lines.0 { wrapped(&inner, inner_width, "\n") } else { inner };
        let outer = STANDARD.encode(format!("{outer} {inner}"));
        let bytes = format!("{before}{}", if lines.1 { wrapped(&outer, width, "\r\n") } else { outer });
        let found = certain_in(bytes.as_bytes(), 2);
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(&found[0].0, token.as_bytes());
        prop_assert_eq!(&found[0].2, &["base64", "base64"]);
    }

    #[test]
    fn base64_of_encoded_characters(
        token in any_token(), (before, after) in ("[ -~]{0,40}", "[ -~]{0,40}"), which in prop::collection::vec(any::<bool>(), 1..100),
    ) {
        let encodings: [(&str, &dyn Fn(u8) -> String); 5] = [
            ("percent", &|byte| format!("%{byte:02X}")),
            ("unicode-escape", &|byte| format!("\\u{byte:04x}")),
            ("unicode-escape", &|byte| format!("\\u{{{byte:x}}}")),
            ("hex-escape", &|byte| format!("\\x{byte:02x}")),
            ("html-entity", &|byte| format!("&#{byte};")),
        ];
        for (name, encode) in encodings {
            let inner = encoded(&token, &which, encode);
            let found = certain_in(STANDARD.encode(format!("{before} {inner} {after}")).as_bytes(), 2);
            prop_assert_eq!(found.len(), 1, "{}", inner);
            prop_assert_eq!(&found[0].0, token.as_bytes());
            prop_assert_eq!(&found[0].2, &["base64", name]);
        }
    }

    #[test]
    fn base64_of_utf16(token in any_token(), text in "[ -~\r\n]{0,40}", rest in "[ -~\r\n]{0,40}", width in 4_usize..200, big in any::<bool>()) {
        let command = STANDARD.encode(utf16(&format!("{text}{token}{rest}"), big));
        let bytes = format!("powershell -EncodedCommand {}", wrapped(&command, width, "\n"));
        let found = certain_in(bytes.as_bytes(), 2);
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(&found[0].0, token.as_bytes());
        // Big-endian behind a plus sign is UTF-7 as well.
        if !(big && command.contains('+')) {
            prop_assert_eq!(&found[0].2, &["base64", if big { "utf-16be" } else { "utf-16le" }]);
        }
    }

    #[test]
    fn compressed_in_base64(
        token in any_token(), text in "[ -~\n]{0,900}", before in surroundings(), glue in "[A-Za-z0-9]{0,9}", width in 4_usize..90, zlib_instead in any::<bool>(),
    ) {
        let plain = format!("{text}{token}{text}");
        let packed = if zlib_instead { zlib(plain.as_bytes()) } else { gzip(plain.as_bytes()) };
        let bytes = format!("{before}{glue}{}", wrapped(&STANDARD.encode(packed), width, "\n"));
        assert_found(bytes.as_bytes(), &token, before.len(), &["base64", if zlib_instead { "zlib" } else { "gzip" }])?;
    }
}

#[test]
fn what_follows_a_very_long_line_is_read_too() {
    let token = classic("ghp_", &"aB3".repeat(10));
    let text = STANDARD.encode(format!("user:{token} and what else there is to say"));
    let long = "Zq8LwT3vRk1XyB7n".repeat(9_000);
    for width in [30, 60, 200] {
        let bytes =
            format!("{long}\n{}\n{long}\n{}\n", wrapped(&text, width, "\n"), wrapped(&text, width, "\n"));
        let tokens = certain_in(bytes.as_bytes(), 1).into_iter().map(|(found, ..)| found);
        assert_eq!(tokens.collect::<Vec<_>>(), [token.as_bytes(); 2], "width {width}");
    }
}

proptest! {
    #![proptest_config(cases(16))]

    #[test]
    fn a_line_that_begins_with_a_sign_by_chance_has_its_token_once(token in any_token(), line_end in prop::sample::select(vec!["\n", "\n  ", "&#xD;\n  "])) {
        // 42 bytes fill a line, and the six high bits of the next one are those of `+`; the token goes on behind that line.
        let text = STANDARD.encode([&[b'x'; 42][..], b"\xf8:", token.as_bytes(), b" and more of it"].concat());
        prop_assert!(text.as_bytes()[56] == b'+');
        assert_found(wrapped(&text, 56, line_end).as_bytes(), &token, 56 + line_end.len(), &["base64"])?;
    }
}
