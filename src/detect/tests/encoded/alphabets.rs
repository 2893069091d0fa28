//! Alphabets other than base64's, each at every alignment, wrapped, and with what else is encoded in it.

mod encoders;

use super::*;
use encoders::{
    BASE32, BASE32_HEX, BITCOIN, CROCKFORD, RFC_1924, Z85, ascii85, base32, base58, base85, hex, in_bits,
    quoted_printable, uuencoded,
};

/// Those bytes in base32.
pub(super) fn base32_of(bytes: &[u8]) -> String {
    base32(bytes)
}

/// The certain findings, without where they are.
fn chains(bytes: &[u8]) -> Vec<(Vec<u8>, Vec<&'static str>)> {
    certain_in(bytes, DECODE_DEPTH).into_iter().map(|(token, _, chain)| (token, chain)).collect()
}

/// Checks that the token is found once, by this chain, and that an object with it is not ruled out.
fn assert_chain(bytes: &[u8], token: &str, chain: &[&'static str]) -> Result<(), TestCaseError> {
    let expected = vec![(token.as_bytes().to_vec(), chain.to_vec())];
    prop_assert_eq!(chains(bytes), expected, "{}", String::from_utf8_lossy(bytes));
    prop_assert!(detector().may_match(bytes), "{}", String::from_utf8_lossy(bytes));
    Ok(())
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn quoted_printable_whole_or_in_part_and_in_lines(
        token in any_token(), before in "([a-z]{1,9}[ :]){0,6}", which in prop::collection::vec(any::<bool>(), 1..100), width in 9_usize..76,
        line_end in prop::sample::select(vec!["\n", "\r\n"]),
    ) {
        prop_assume!(!before.contains("gh"));
        let text = encoded(&token, &which, |byte| format!("={byte:02X}"));
        assert_found(format!("{before}{text}\n").as_bytes(), &token, before.len(), &["quoted-printable"])?;
        let mail = format!("{before}{}", quoted_printable(&token, &which, width, line_end));
        if mail.contains('=') {
            let found: Vec<_> = chains(mail.as_bytes()).into_iter().map(|(token, _)| token).collect();
            prop_assert_eq!(found, [token.as_bytes()], "{}", mail);
            prop_assert!(detector().may_match(mail.as_bytes()));
        }
    }

    #[test]
    fn utf32_of_either_order_at_any_offset_and_what_is_encoded_in_it(
        token in any_token(), text in "[ -~\n]{20,40}", rest in "[ -~\n]{0,40}", mark in any::<bool>(), big in any::<bool>(),
        raw in prop::collection::vec(128_u8..254, 0..5),
    ) {
        // A text begins behind a byte that is no character itself.
        let raw = if raw.is_empty() { raw } else { [&raw[..], &[0xff]].concat() };
        let name = if big { "utf-32be" } else { "utf-32le" };
        let utf32 = |text: &str| -> Vec<u8> {
            let units = text.chars().map(u32::from);
            units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
        };
        let head = format!("{}{text} ", if mark { "\u{feff}" } else { "" });
        let bytes = [&raw[..], &utf32(&format!("{head}{token}{rest}"))].concat();
        let location = raw.len() + 4 * head.chars().count();
        assert_found(&bytes, &token, location, &[name])?;
        let bytes = utf32(&format!("{head}{} {rest}", STANDARD.encode(&token)));
        assert_chain(&bytes, &token, &[name, "base64"])?;
    }

    #[test]
    fn utf7_whole_or_its_underscores_alone(token in any_token(), before in surroundings()) {
        let shifted = |text: &str| format!("+{}-", STANDARD_NO_PAD.encode(utf16(text, true)));
        let direct = token.replace('_', &shifted("_"));
        assert_found(format!("{before}{direct} ").as_bytes(), &token, before.len(), &["utf-7"])?;
        let mailbox = direct.replace('+', "&");
        assert_found(format!("{before}{mailbox} ").as_bytes(), &token, before.len(), &["utf-7"])?;
        for whole in [shifted(&token), shifted(&token).replace('+', "&")] {
            assert_chain(format!("{before}{whole} ").as_bytes(), &token, &["utf-7"])?;
        }
    }

    #[test]
    fn letters_of_other_forms(token in any_token(), before in surroundings(), style in 0_u32..13) {
        let full: String = token.chars().map(|letter| char::from_u32(u32::from(letter) + 0xfee0).expect("a letter")).collect();
        assert_found(format!("{before}{full}\n").as_bytes(), &token, before.len(), &["full-width"])?;
        for big in [false, true] {
            let name = if big { "utf-16be" } else { "utf-16le" };
            assert_chain(&utf16(&format!("ab {full}\n"), big), &token, &[name, "full-width"])?;
        }
        let bold = |letter: char| match letter {
            // Where the block has a hole, letters that were there before are meant.
            'A'..='Z' | 'a'..='z' if matches!((style, letter), (1, 'h') | (3 | 5 | 7, _)) => letter,
            'A'..='Z' => char::from_u32(0x1d400 + 52 * style + u32::from(letter) - 65).expect("a letter"),
            'a'..='z' => char::from_u32(0x1d41a + 52 * style + u32::from(letter) - 97).expect("a letter"),
            _ => letter,
        };
        let text: String = token.chars().map(bold).collect();
        if text != token {
            assert_chain(format!("{before}{text}\n").as_bytes(), &token, &["full-width"])?;
        }
        let circled = |letter: char| match letter {
            'a'..='z' => char::from_u32(0x24d0 + u32::from(letter) - 97).expect("a letter"),
            'A'..='Z' => char::from_u32(0x24b6 + u32::from(letter) - 65).expect("a letter"),
            '1'..='9' => char::from_u32(0x2460 + u32::from(letter) - 49).expect("a digit"),
            _ => letter,
        };
        let text: String = token.chars().map(circled).collect();
        assert_chain(format!("{before}{text}\n").as_bytes(), &token, &["full-width"])?;
    }

    #[test]
    fn rot13(token in any_token(), before in surroundings(), after in surroundings()) {
        let moved = |letter: char| match letter {
            'a'..='m' | 'A'..='M' => char::from(letter as u8 + 13),
            'n'..='z' | 'N'..='Z' => char::from(letter as u8 - 13),
            _ => letter,
        };
        let text: String = token.chars().map(moved).collect();
        assert_found(format!("{before}{text}{after}").as_bytes(), &token, before.len(), &["rot13"])?;
    }

    #[test]
    fn base32_of_any_alphabet_and_alignment(
        token in any_token(), user in "[ -~]{0,20}", rest in "[ -~]{0,20}", lower in any::<bool>(), width in 54_usize..90,
        margin in prop::sample::select(vec!["", "  ", "12: ", "[INFO] ", "> ", "2026-01-31T12:00:00Z app: "]), alphabet in 0_usize..3,
    ) {
        let alphabet = [BASE32, BASE32_HEX, CROCKFORD][alphabet];
        let text = in_bits(format!("{user}{token}{rest}").as_bytes(), 5, alphabet);
        let text = if lower { text.to_lowercase() } else { text };
        assert_found(format!("key: {text}\n").as_bytes(), &token, 5, &["base32"])?;
        assert_found(format!("key: {text}=====\n").as_bytes(), &token, 5, &["base32"])?;
        let lines = wrapped(&text, width, &format!("\n{margin}"));
        assert_chain(format!("x\n{margin}{lines}\nmore\n").as_bytes(), &token, &["base32"])?;
    }

    #[test]
    fn base32_in_lines_of_which_the_last_is_as_long_as_the_others(
        token in any_token(), lines in 2_usize..6, alphabet in 0_usize..3, behind in prop::sample::select(vec!["more", "fi", "words_and", ""]),
    ) {
        let text = in_bits(format!("key: {token} ").as_bytes(), 5, [BASE32, BASE32_HEX, CROCKFORD][alphabet]);
        let width = text.len().div_ceil(lines);
        // A character of no meaning at the end of what it fills.
        let text = format!("{text:A<length$}", length = width * lines);
        let lines = wrapped(&text, width, "\n");
        let bytes = format!("a line\n{lines}\n{behind}\n").into_bytes();
        if width >= 54 {
            assert_chain(&bytes, &token, &["base32"])?;
        }
    }

    #[test]
    fn base58_is_one_number(token in any_token(), user in "[!-~]{0,20}", lead in prop::sample::select(vec![" ", "\"", "="])) {
        let text = base58(format!("{user}{token}").as_bytes(), BITCOIN);
        assert_found(format!("key{lead}{text}\"\n").as_bytes(), &token, 4, &["base58"])?;
    }

    #[test]
    fn ascii85_and_base85(token in any_token(), user in "[ -~]{0,20}", rest in "[ -~]{0,20}", width in 50_usize..90) {
        let plain = format!("{user}{token}{rest}");
        let text = ascii85(plain.as_bytes());
        for before in ["", "x\n", "a = \"", "<a><b"] {
            let text = if before == "<a><b" { format!("<a><~{text}~>") } else { format!("{before}<~{text}~>") };
            assert_chain(text.as_bytes(), &token, &["ascii85"])?;
            assert_chain(wrapped(&text, width, "\n").as_bytes(), &token, &["ascii85"])?;
        }
        assert_chain(format!("some words\n{} \nmore words\n", ascii85(plain.as_bytes())).as_bytes(), &token, &["ascii85"])?;
        for alphabet in [RFC_1924, Z85] {
            let text = base85(plain.as_bytes(), alphabet);
            assert_chain(text.as_bytes(), &token, &["base85"])?;
            assert_chain((wrapped(&text, width, "\n") + "\n").as_bytes(), &token, &["base85"])?;
            // In a line of its own, and behind a quotation mark.
            for before in ["some words\n", "and = \""] {
                assert_chain(format!("{before}{text}\" \nmore words\n").as_bytes(), &token, &["base85"])?;
            }
            let alone = base85(token.as_bytes(), alphabet);
            assert_found(format!("key = \"{alone}\" # more\n").as_bytes(), &token, 7, &["base85"])?;
        }
    }

    #[test]
    fn a_binary_patch_of_git(token in any_token(), noise in prop::collection::vec(any::<u8>(), 0..300), after in 0_usize..99) {
        let plain = [&noise[..], token.as_bytes(), &vec![b'x'; after]].concat();
        let length = |line: &[u8]| {
            let length = u8::try_from(line.len()).expect("short");
            char::from(if length <= 26 { b'A' + length - 1 } else { b'a' + length - 27 })
        };
        let padded = |line: &[u8]| [line, &[0; 3][..line.len().next_multiple_of(4) - line.len()]].concat();
        let lines: String = zlib(&plain).chunks(52).map(|line| format!("{}{}\n", length(line), base85(&padded(line), RFC_1924))).collect();
        for kind in ["literal", "delta"] {
            let patch = format!("index 00..11 100644\nGIT binary patch\n{kind} {}\n{lines}\nliteral 0\nHcmV?d00001\n\n", plain.len());
            assert_chain(patch.as_bytes(), &token, &["base85", "zlib"])?;
        }
    }

    #[test]
    fn uuencode_with_and_without_its_first_line(
        token in any_token(), user in "[ -~\n]{0,90}", rest in "[ -~\n]{0,90}", zero in prop::sample::select(vec![' ', '`']), mode in prop::sample::select(vec!["644", "600", "0755", "666"]),
    ) {
        let mode = mode.trim_start_matches('0');
        let plain = format!("{user}{token}{rest}");
        let lines = uuencoded(plain.as_bytes(), zero);
        let file = format!("see below\nbegin {mode} a b.txt\n{lines}{zero}\nend\n");
        assert_chain(file.as_bytes(), &token, &["uuencode"])?;
        let packed = uuencoded(&gzip(plain.as_bytes()), zero);
        assert_chain(format!("begin {mode} a.gz\n{packed}`\nend\n").as_bytes(), &token, &["uuencode", "gzip"])?;
        // On its own, a line is one where a group begins with a prefix, or a prefix is whole on it.
        if user.len() % 3 == 0 && user.len() % 45 < 30 {
            assert_chain(format!("x\n{lines}y\n").as_bytes(), &token, &["uuencode"])?;
        }
    }

    #[test]
    fn hexadecimal_of_everything(token in any_token(), user in "[ -~]{0,20}", upper in any::<bool>(), width in 54_usize..90) {
        let cased = |text: String| if upper { text.to_uppercase() } else { text };
        let plain = format!("{user}{token}");
        let inner: [(Vec<u8>, &str); 5] = [
            (STANDARD.encode(&plain).into_bytes(), "base64"),
            (utf16(&plain, false), "utf-16le"),
            (gzip(plain.as_bytes()), "gzip"),
            (zlib(plain.as_bytes()), "zlib"),
            (base32(plain.as_bytes()).into_bytes(), "base32"),
        ];
        for (inner, name) in inner {
            let text = cased(hex(&inner));
            assert_chain(format!("x = \"{text}\";\n").as_bytes(), &token, &["hex", name])?;
            assert_chain(format!("{}\n", wrapped(&text, width, "\n")).as_bytes(), &token, &["hex", name])?;
            assert_chain(STANDARD.encode(&text).as_bytes(), &token, &["base64", "hex", name])?;
        }
    }
}

#[test]
fn what_has_no_checksum_that_holds_is_nothing_in_these_alphabets() {
    let token = ["ghp_", "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1Lq8Zs2"].concat();
    let plain = token.as_bytes();
    let rot13 = "tuc_nO3qR5tU7wX9zA1cD3eF5gH7iJ9kL1Yd8Mf2".to_owned();
    let texts = [
        rot13,
        base32(plain),
        base58(plain, BITCOIN),
        base85(plain, RFC_1924),
        format!("<~{}~>", ascii85(plain)),
        format!("begin 644 x\n{}`\nend\n", uuencoded(plain, '`')),
        hex(STANDARD.encode(&token).as_bytes()),
    ];
    for text in texts {
        assert_eq!(found(text.as_bytes()), [], "{text}");
    }
}

#[test]
fn a_word_below_base85_is_no_part_of_the_token_that_ends_it() {
    // No checksum covers the last eight characters.
    let signed = format!("github_pat_{}_{}", "aB3".repeat(7) + "x", "Zq8".repeat(14) + "y");
    let signed = format!("{signed}{}", String::from_utf8_lossy(&sha256_base32(signed.as_bytes())));
    let tokens = ["Zq8LwT3v", "0aA9bB8c", "kR1XyB7n"].map(|tail| format!("{signed}{tail}"));
    for token in tokens {
        for user in ["", "u", "us", "use"] {
            for alphabet in [RFC_1924, Z85] {
                let text = base85(format!("{user}{token}").as_bytes(), alphabet);
                for below in ["\nend\n", " \nmore words\n", "\" \nmore\n", "\n0\n", "\n\n~~~\n", ""] {
                    let found = chains(format!("{text}{below}").as_bytes());
                    assert!(found.iter().all(|(found, _)| found == token.as_bytes()), "{text}{below}");
                }
                assert_eq!(chains(text.as_bytes()).len(), 1);
            }
        }
    }
}

#[test]
fn names_and_hashes_are_no_text_in_these_alphabets() {
    let mut next = 7_u64;
    let mut random = || {
        next ^= next << 13;
        next ^= next >> 7;
        next ^= next << 17;
        next
    };
    let hashes: String = (0..200)
        .map(|_| {
            format!(
                "{:016x}{:016x}{:016x}{:016x}{:016x}{:016x}\n",
                random(),
                random(),
                random(),
                random(),
                random(),
                random()
            )
        })
        .collect();
    assert!(!detector().may_match(hashes.as_bytes()));
    assert_eq!(found(hashes.as_bytes()), []);
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn base64_in_lines_behind_any_margin(
        token in any_token(), user in "[ -~]{0,190}", rest in "[ -~]{0,190}", width in 54_usize..90, gzipped in any::<bool>(),
        margin in prop::sample::select(vec!["12: ", "[INFO] ", "2026-01-31T12:00:00.123Z INFO app[17]: ", "host kernel: ", "|| ", "\"x\": \"", "(a) "]),
    ) {
        let plain = format!("{user}{token}{rest}");
        let text = if gzipped { STANDARD.encode(gzip(plain.as_bytes())) } else { STANDARD.encode(&plain) };
        let bytes = format!("first\n{margin}{}\nlast\n", wrapped(&text, width, &format!("\n{margin}")));
        let chain = if gzipped { &["base64", "gzip"][..] } else { &["base64"] };
        // A stream may be inflated as far as the token from its first line alone as well.
        let mut found = chains(bytes.as_bytes());
        found.dedup();
        prop_assert_eq!(found, vec![(token.as_bytes().to_vec(), chain.to_vec())], "{}", bytes);
        prop_assert!(detector().may_match(bytes.as_bytes()));
        // Numbers of lines become longer.
        let numbered: Vec<_> = wrapped(&text, width, "\n").lines().enumerate().map(|(n, line)| format!("{}: {line}", n + 8)).collect();
        let mut found = chains(numbered.join("\n").as_bytes());
        found.dedup();
        prop_assert_eq!(found, vec![(token.as_bytes().to_vec(), chain.to_vec())], "{:?}", numbered);
    }
}
