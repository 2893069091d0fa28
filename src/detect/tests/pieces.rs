//! Tokens in pieces: every gap, every prefix, cut anywhere.

use super::*;

/// The certain findings: the token, where it is, and how it was put together.
fn certain_in(bytes: &[u8]) -> Vec<(String, usize, Vec<&'static str>)> {
    let mut out = Vec::new();
    detector().scan(&Window::whole(bytes), &mut |hit| {
        if hit.confidence == Confidence::Certain {
            out.push((String::from_utf8_lossy(hit.text).into_owned(), hit.span.start, hit.decoded.to_vec()));
        }
    });
    out
}

/// One token of each kind.
fn tokens() -> [String; 6] {
    let body = "Zq8LwT3vRk1XyB7nJc5HdM9sGf2PeA4uWi6KoQ0tVxYzUrNbEaSmCgDhFjLl0pQ1rS2tU3";
    let signed = format!("github_pat_{}_{}", &body[..22], &body[20..63]);
    let sum = sha256_base32(signed.as_bytes());
    [
        classic("ghp_", &body[..30]),
        classic("gho_", &body[5..35]),
        classic("ghu_", &body[9..39]),
        classic("ghs_", &body[13..43]),
        classic("ghr_", &body[..70]),
        format!("{signed}{}fRZ3m3z3", String::from_utf8_lossy(&sum)),
    ]
}

/// What stands in front of a token, between its pieces, behind it; and what that is called.
type Gap = (&'static str, &'static str, &'static str, &'static str);

const LINES: &[Gap] = &[
    ("T=", "\n", "\n", "joined-lines"),
    ("T=", "\r\n", "\r\n", "joined-lines"),
    ("    T=", "\n      ", "\n", "joined-lines"),
    ("> T=", "\n> ", "\n", "joined-lines"),
    (">> T=", "\n>> ", "\n", "joined-lines"),
    ("+T=", "\n+", "\n", "joined-lines"),
    ("-", "\n-", "\n", "joined-lines"),
    ("# ", "\n# ", "\n", "joined-lines"),
    ("// ", "\n// ", "\n", "joined-lines"),
    ("-- ", "\n-- ", "\n", "joined-lines"),
    (" * ", "\n * ", "\n", "joined-lines"),
    ("REM ", "\r\nREM ", "\n", "joined-lines"),
    ("dnl T=", "\ndnl ", "\n", "joined-lines"),
    ("T=", "\\\n", "\n", "joined-lines"),
    ("T=", " \\\n    ", "\n", "joined-lines"),
    ("T=", "=\r\n", "\n", "joined-lines"),
    ("T=", "^\r\n", "\n", "joined-lines"),
    ("T=", " `\r\n", "\n", "joined-lines"),
    ("T=", " _\n  ", "\n", "joined-lines"),
    ("| ", " |\n| ", " |\n", "joined-lines"),
    ("│ ", " │\n│ ", " │\n", "joined-lines"),
    ("12: ", "\n13: ", "\n14: ", "joined-lines"),
    ("  9\t", "\n 10\t", "\n 11\t", "joined-lines"),
    ("[INFO] ", "\n[INFO] ", "\n", "joined-lines"),
    ("2026-01-31T12:00:07Z stdout P ", "\n2026-01-31T12:00:08Z stdout F ", "\n", "joined-lines"),
    ("{\"a\":\"", "\\n", "\"}", "joined-lines"),
    ("{\"a\":\"", "\\r\\n", "\"}", "joined-lines"),
    ("T=", "\n\n", "\n", "joined-lines"),
    ("T=", " \r", "\n", "joined-lines"),
];

const LITERALS: &[Gap] = &[
    ("\"", "\" + \"", "\"", "concatenated"),
    ("'", "' . '", "'", "concatenated"),
    ("\"", "\" \"", "\"", "concatenated"),
    ("\"", "\"\"", "\"", "concatenated"),
    ("'", "' || '", "'", "concatenated"),
    ("\"", "\" & \"", "\"", "concatenated"),
    ("\"", "\" << \"", "\"", "concatenated"),
    ("\"", "\" .. \"", "\"", "concatenated"),
    ("[\"", "\", \"", "\"].join(\"\")", "concatenated"),
    ("concat('", "','", "')", "concatenated"),
    ("f\"", "\" f\"", "\"", "concatenated"),
    ("b'", "' b'", "'", "concatenated"),
    ("f'", "'f'", "'", "concatenated"),
    ("t = \"", "\"\nt += \"", "\"\n", "concatenated"),
    ("$t = '", "';\n$t .= '", "';\n", "concatenated"),
    ("T='", "'\"", "\"", "concatenated"),
    ("T=\"", "\"\nT=\"${T}", "\"", "concatenated"),
    ("T=", "''", "", "concatenated"),
    ("`", "` + `", "`", "concatenated"),
    ("`", "${\"", "\"}`", "concatenated"),
    ("- \"", "\"\n- \"", "\"\n", "concatenated"),
    ("[\"", "\",\n  \"", "\"]", "concatenated"),
    ("x = \"", "\" + // two words\n    \"", "\";", "concatenated"),
    ("x = \"", "\" /* two words */ \"", "\";", "concatenated"),
    ("x = (\"", "\"  # two words\n  \"", "\")", "concatenated"),
    ("s.push_str(\"", "\");\n  s.push_str(\"", "\");", "concatenated"),
    ("strcat(t, \"", "\");\nstrcat(t, \"", "\");", "concatenated"),
    ("\"x = \\\"", "\\\" + \\\"", "\\\"\"", "concatenated"),
    ("x = &quot;", "&quot; + &quot;", "&quot;", "concatenated"),
    ("\"\"\"", "\"\"\" + \"\"\"", "\"\"\"", "concatenated"),
];

const MARKUP: &[Gap] = &[
    ("<span>", "</span><span class=\"a b\">", "</span>", "markup"),
    ("", "<wbr>", "", "markup"),
    ("", "<!-- two words -->", "", "markup"),
    ("", "&#8203;", "", "markup"),
    ("", "&#x200B;", "", "markup"),
    ("", "&shy;", "", "markup"),
    (
        "<w:t>",
        "</w:t></w:r><w:r w:rsidR=\"00A7\"><w:rPr><w:b/></w:rPr><w:t xml:space=\"preserve\">",
        "</w:t>",
        "markup",
    ),
    ("<a>", "</a>\n  <a>", "</a>", "markup"),
    ("{\\rtlch \\af0 ", "}{\\rtlch\\fcs1 \\af0 \\insrsid45 ", "}", "markup"),
    ("\x1b[01;31m\x1b[K", "\x1b[m\x1b[K", "", "markup"),
    ("\"", "\\x1b[1;31m", "\"", "markup"),
    ("\"", "\\u001b[0m", "\"", "markup"),
    ("", "\x1b]8;;https://example.org/\x1b\\", "", "markup"),
    ("", "\u{200b}", "", "markup"),
    ("", "\u{feff}", "", "markup"),
    ("", "\u{ad}", "", "markup"),
    ("\"", "\\u200b", "\"", "markup"),
    ("\"", "\\xe2\\x80\\x8b", "\"", "markup"),
    ("", "**", "", "markup"),
    ("", "`", "", "markup"),
    ("\\texttt{", "\\allowbreak ", "}", "markup"),
    ("", "\\discretionary{}{}{}", "", "markup"),
    ("\"", "\\u003cb\\u003e", "\"", "markup"),
];

#[test]
fn every_gap_in_every_token_wherever_it_is_cut() {
    for (before, gap, after, name) in [LINES, LITERALS, MARKUP].concat() {
        for token in tokens() {
            // In front of that, only the commonest gaps are looked for.
            let first = if token.starts_with("github_pat_") { 11 } else { 3 };
            for cut in first..token.len() {
                let text = format!("first\n{before}{}{gap}{}{after}", &token[..cut], &token[cut..]);
                let expected = [(token.clone(), 6 + before.len(), vec![name])];
                assert_eq!(certain_in(text.as_bytes()), expected, "{gap:?} at {cut}");
            }
        }
    }
}

#[test]
fn a_prefix_is_cut_behind_its_first_letters() {
    for gap in ["\" + \"", "\n", "\r\n", "' . '", "<b>", "\u{200b}", "\u{ad}"] {
        for token in tokens() {
            let quote = gap.get(..1).filter(|quote| matches!(*quote, "\"" | "'")).unwrap_or_default();
            for cut in 2..12 {
                let text = format!("x = {quote}{}{gap}{}{quote}", &token[..cut], &token[cut..]);
                assert_eq!(certain_in(text.as_bytes()).len(), 1, "{gap:?} at {cut}");
            }
        }
    }
}

#[test]
fn many_pieces_of_one_character_and_gaps_of_several_kinds() {
    let found = |text: &str| {
        certain_in(text.as_bytes()).into_iter().map(|(text, at, names)| (text, at, names)).next()
    };
    for token in tokens() {
        let each = |before: &str, gap: &str| {
            token.chars().map(|c| format!("{before}{c}")).collect::<Vec<_>>().join(gap)
        };
        let list = format!("[{}]", each("'", "', "));
        assert_eq!(found(&list), Some((token.clone(), 2, vec!["concatenated"])), "{list}");
        let list = format!("[\n  \"{}\"\n]", each("", "\",\n  \""));
        assert_eq!(found(&list), Some((token.clone(), 5, vec!["concatenated"])), "{list}");
        let bold: String = token.chars().map(|c| format!("{c}\u{8}{c}")).collect();
        assert_eq!(found(&bold), Some((token.clone(), 0, vec!["markup"])));
        assert_eq!(found(&each("", "\u{200b}")), Some((token.clone(), 0, vec!["markup"])));
        let (a, b, c) = (&token[..9], &token[9..20], &token[20..]);
        let mixed = format!("+ t = \"{a}<wbr>{b}\\\n+\" +\n+   \"{c}\"");
        let names = vec!["markup", "joined-lines", "concatenated"];
        assert_eq!(found(&mixed), Some((token.clone(), 7, names)));
        let escaped = format!("\"{}\\x{:02x}\" + \"{c}\"", &token[..19], token.as_bytes()[19]);
        assert_eq!(found(&escaped), Some((token.clone(), 1, vec!["hex-escape", "concatenated"])));
        assert_eq!(found(&token.replace('_', "\\_")), Some((token.clone(), 0, vec!["markup"])));
    }
}

#[test]
fn lists_of_numbers_in_every_notation() {
    let forms: [(&dyn Fn(u8) -> String, &str, &str, usize); 20] = [
        (&|b| format!("{b}"), ", ", "char-codes", 0),
        (&|b| format!("{b}"), ",\n    ", "char-codes", 0),
        (&|b| format!("{b}"), " ", "char-codes", 0),
        (&|b| format!("{b}u8"), ", ", "char-codes", 0),
        (&|b| format!("(byte) {b}"), ", ", "char-codes", 7),
        (&|b| format!("chr({b})"), " . ", "char-codes", 4),
        (&|b| format!("CHR({b})"), "||", "char-codes", 4),
        (&|b| format!("[char]{b}"), "+", "char-codes", 6),
        (&|b| format!("0x{b:02x}"), ", ", "char-codes", 2),
        (&|b| format!("0X{b:02X}"), ",", "char-codes", 2),
        (&|b| format!("0x{b:02x}"), ",\n\t", "char-codes", 2),
        (&|b| format!("(byte)0x{b:02x}"), ", ", "char-codes", 8),
        (&|b| format!("U+{b:04X}"), " ", "char-codes", 4),
        (&|b| format!("0{b:03o}"), ", ", "char-codes", 1),
        (&|b| format!("{b:03o}"), " ", "char-codes", 0),
        (&|b| format!("{b:08b}"), " ", "char-codes", 0),
        (&|b| format!("0b{b:08b}"), ", ", "char-codes", 2),
        (&|b| format!("{b:02x}"), ",", "char-codes", 0),
        (&|b| format!("{b:02x}"), "-", "hex", 0),
        (&|b| format!("{b:02X}"), ":", "hex", 0),
    ];
    for (number, separator, name, start) in forms {
        for token in tokens() {
            let list = token.bytes().map(number).collect::<Vec<_>>().join(separator);
            let expected = [(token.clone(), 5 + start, vec![name])];
            assert_eq!(certain_in(format!("x = [{list}]").as_bytes()), expected, "{list}");
        }
    }
}

#[test]
fn hexadecimal_digits_over_several_lines() {
    for token in tokens() {
        let hex: String = token.bytes().map(|byte| format!("{byte:02x}")).collect();
        for width in [5, 20, 31, 60] {
            let lines: Vec<_> = hex.as_bytes().chunks(width).map(String::from_utf8_lossy).collect();
            for gap in ["\n", "\r\n", "\\\n", "\n    ", "\"\n  \""] {
                let text = format!("x = \"{}\"", lines.join(gap));
                assert_eq!(certain_in(text.as_bytes()), [(token.clone(), 5, vec!["hex"])], "{width} {gap:?}");
            }
        }
    }
}

#[test]
fn a_token_written_backwards() {
    for token in tokens() {
        let backwards: String = token.chars().rev().collect();
        let text = format!("x = '{backwards}'[::-1]");
        assert_eq!(certain_in(text.as_bytes()), [(token, 5, vec!["reversed"])]);
    }
}

/// A line of a dump for each sixteen bytes.
fn dump(bytes: &[u8], line: &dyn Fn(usize, &[u8]) -> String) -> String {
    bytes.chunks(16).enumerate().map(|(n, row)| line(16 * n, row) + "\n").collect()
}

#[test]
fn dumps_of_every_format() {
    let joined = |row: &[u8], width: usize, each: &dyn Fn(&[u8]) -> String| {
        row.chunks(width).map(each).collect::<Vec<_>>().join(" ")
    };
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let low_first = |bytes: &[u8]| bytes.iter().rev().map(|byte| format!("{byte:02x}")).collect::<String>();
    let text = |row: &[u8]| {
        row.iter().map(|byte| char::from(*byte)).map(|c| if c < ' ' { '.' } else { c }).collect::<String>()
    };
    let octal = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:03o}")).collect::<String>();
    let word = |pair: &[u8]| u16::from_le_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]);
    let lines: [&dyn Fn(usize, &[u8]) -> String; 9] = [
        &|at, row| format!("{at:08x}: {:<39}  {}", joined(row, 2, &hex), text(row)),
        &|at, row| format!("{at:08x}  {:<47}  |{}|", joined(row, 1, &hex), text(row)),
        &|at, row| format!("{at:07o} {}", joined(row, 1, &hex)),
        &|at, row| format!("{at:07x} {}", joined(row, 2, &low_first)),
        &|at, row| format!("{at:07o} {}", joined(row, 8, &low_first)),
        &|at, row| format!("{at:07o} {}", joined(row, 2, &|pair| format!("{:06o}", word(pair)))),
        &|at, row| format!("{at:07o} {}", joined(row, 1, &octal)),
        &|at, row| format!("{at:07o} {}", row.iter().map(|byte| format!("{byte:4}")).collect::<String>()),
        &|at, row| {
            let cell = |byte: &u8| {
                if *byte == b'\n' { "  \\n".to_owned() } else { format!("   {}", char::from(*byte)) }
            };
            format!("{at:07o}{}", row.iter().map(cell).collect::<String>())
        },
    ];
    for (n, line) in lines.into_iter().enumerate() {
        for token in tokens() {
            for shift in 0..16 {
                let shown = format!("first line\n{}{token}\nlast\n", "x".repeat(shift));
                let mut padded = shown.into_bytes();
                padded.resize(padded.len().next_multiple_of(16), b'.');
                let found: Vec<_> = certain_in(dump(&padded, line).as_bytes())
                    .into_iter()
                    .map(|(text, _, names)| (text, names))
                    .collect();
                assert_eq!(found, [(token.clone(), vec!["hexdump"])], "format {n}, shifted by {shift}");
            }
        }
    }
}

#[test]
fn nothing_is_made_of_what_does_not_belong_together() {
    let far = format!("\" {} \"", "+ ".repeat(200));
    let gaps = [
        " ",
        "\" and \"",
        "\" is the first half and \"",
        ". ",
        "-",
        " and then ",
        "\n\n\n",
        "\nnext ",
        "\" x y z + \"",
        far.as_str(),
        "/",
        "=",
        ",",
        ":",
        "(a)",
    ];
    for gap in gaps {
        for token in tokens() {
            for cut in [11, 20, 30] {
                let text = format!("\"{}{gap}{}\"", &token[..cut], &token[cut..]);
                assert_eq!(certain_in(text.as_bytes()), [], "{gap:?}");
            }
        }
    }
}

#[test]
fn a_wrong_checksum_is_nothing_and_what_is_certain_is_reported_once() {
    for token in tokens() {
        let (first, second) = token.split_at(31);
        let mut wrong = second.to_owned();
        // Not of the last eight characters of a fine-grained token, which no checksum covers.
        let other = if wrong.starts_with('z') { "y" } else { "z" };
        wrong.replace_range(..1, other);
        let scan = |second: &str| {
            let text = format!("x = \"{first}\" +\n    \"{second}\"");
            hits(text.as_bytes()).into_iter().map(|hit| hit.2).collect::<Vec<_>>()
        };
        assert_eq!(scan(second), [Confidence::Certain]);
        assert!(scan(&wrong).iter().all(|confidence| *confidence == Confidence::Lookalike));
    }
}

#[test]
fn pieces_in_what_is_encoded() {
    use base64::Engine as _;
    let token = &tokens()[0];
    let code = format!("some_code = \"{}\" + \"{}\"", &token[..9], &token[9..]);
    let inner = base64::engine::general_purpose::STANDARD.encode(&code);
    assert_eq!(certain_in(inner.as_bytes())[0].2, ["base64", "concatenated"]);
    let wide: Vec<u8> = code.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(certain_in(&wide)[0].2, ["utf-16le", "concatenated"]);
    let depth = |depth| {
        let mut found = 0;
        detector().with_decode_depth(depth).scan(&Window::whole(code.as_bytes()), &mut |hit| {
            found += usize::from(hit.confidence == Confidence::Certain);
        });
        found
    };
    assert_eq!((depth(0), depth(1)), (0, 1));
}

#[test]
fn a_window_edge_loses_and_doubles_nothing() {
    let token = &tokens()[5];
    let codes = token.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
    let backwards: String = token.chars().rev().collect();
    let shown: Vec<u8> =
        [b"first line of it\n", token.as_bytes(), b"\nlast line of it, which is longer\n"].concat();
    let lines = dump(&shown, &|at, row| {
        format!("{at:08x}  {}", row.iter().map(|byte| format!("{byte:02x} ")).collect::<String>())
    });
    for text in [format!("\"{}\" + \"{}\"", &token[..20], &token[20..]), codes, backwards, lines] {
        let bytes = format!("{}\n{text}\n{}", "first ".repeat(20), "last ".repeat(40)).into_bytes();
        let whole = certain_in(&bytes);
        assert_eq!(whole.len(), 1);
        for cut in 0..bytes.len() {
            let mut found = Vec::new();
            for emit in [0..cut, cut..bytes.len()] {
                let window = Window { bytes: &bytes, emit, mark: None };
                detector().scan(&window, &mut |hit| found.push(hit.span.start));
            }
            assert_eq!(found, [whole[0].1], "cut at {cut}: {}", String::from_utf8_lossy(&bytes));
        }
    }
}

#[test]
fn whatever_is_found_may_match() {
    let detector = detector();
    let check = |text: &str| {
        if !certain_in(text.as_bytes()).is_empty() {
            assert!(detector.may_match(text.as_bytes()), "{text}");
        }
    };
    for token in tokens() {
        for (before, gap, after, _) in [LINES, LITERALS, MARKUP].concat() {
            for cut in 1..token.len() {
                check(&format!("{before}{}{gap}{}{after}", &token[..cut], &token[cut..]));
            }
        }
        check(&token.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(",\n        "));
        check(&token.chars().rev().collect::<String>());
        check(&token.chars().map(|c| format!("'{c}',\n    ")).collect::<String>());
    }
}

fn any_gap() -> impl Strategy<Value = String> {
    let known: Vec<_> =
        [LINES, LITERALS, MARKUP].concat().into_iter().map(|(_, gap, _, _)| gap.to_owned()).collect();
    prop_oneof![prop::sample::select(known), "[ -~\n]{0,9}", "[\"'+. \\\\<>{}\n&;#/*|]{0,12}"]
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn no_gaps_make_it_panic_or_invent_a_token(
        parts in prop::collection::vec(("ghp_|gh|github_|b_pat_|103|67|_phg|\n0000000 |[A-Za-z0-9]{1,20}", any_gap()), 0..60),
    ) {
        let text: String = parts.iter().flat_map(|(text, gap)| [text.as_str(), gap]).collect();
        prop_assert!(certain_in(text.as_bytes()).is_empty());
        for cut in (0..text.len()).step_by(7) {
            certain_in(&text.as_bytes()[..cut]);
        }
    }

    #[test]
    fn gaps_of_every_kind_in_one_token(
        token in any_token(), cuts in prop::collection::btree_set(4_usize..40, 1..8), seed in any::<prop::sample::Index>(),
    ) {
        let names: Vec<_> = LITERALS.iter().chain(MARKUP).map(|(_, gap, _, _)| *gap).collect();
        let (mut text, mut last) = ("\"".to_owned(), 0);
        let first = if token.starts_with("github_pat_") { 11 } else { 4 };
        for (n, cut) in cuts.into_iter().filter(|cut| *cut >= first).enumerate() {
            text += &token[last..cut];
            text += names[(seed.index(names.len()) + 7 * n) % names.len()];
            last = cut;
        }
        text += &token[last..];
        prop_assert_eq!(certain_in(text.as_bytes()).len(), 1, "{}", text);
    }
}
