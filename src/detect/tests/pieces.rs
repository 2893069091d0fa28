//! Tokens in pieces: every gap, every prefix, cut anywhere.

mod lists;
mod properties;

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
                let mut expected = vec![(token.clone(), 6 + before.len(), vec![name])];
                // No checksum covers the last eight characters of a fine-grained one.
                let is_uncovered = token.starts_with("github_pat_") && cut >= token.len() - 8;
                // Quoted-printable says itself that a line goes on.
                if is_uncovered && !gap.starts_with('=') {
                    expected.clear();
                }
                assert_eq!(certain_in(text.as_bytes()), expected, "{gap:?} at {cut}");
            }
        }
    }
}

#[test]
fn what_has_the_shape_of_a_token_alone_is_never_joined() {
    let token = tokens().into_iter().find(|token| token.starts_with("github_pat_")).expect("there is one");
    // The last character that the checksum covers is another one.
    let at = token.len() - 9;
    let other = if token.as_bytes()[at] == b'a' { "b" } else { "a" };
    let wrong = [&token[..at], other, &token[at + 1..]].concat();
    for (before, gap, after, _) in [LINES, LITERALS, MARKUP].concat() {
        for cut in (11..wrong.len()).step_by(3) {
            let text = format!("first\n{before}{}{gap}{}{after}", &wrong[..cut], &wrong[cut..]);
            detector().scan(&Window::whole(text.as_bytes()), &mut |hit| {
                assert_eq!(hit.confidence, Confidence::Lookalike, "{gap:?} at {cut}");
            });
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
    let found = |text: &str| certain_in(text.as_bytes()).into_iter().next();
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
