//! What holds for all pieces: at the edges of windows, for the prefilter, and for gaps of every kind.

use super::*;

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
