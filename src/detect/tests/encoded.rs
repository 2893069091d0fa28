//! Any token, encoded any way, at any alignment, in any surroundings.

mod alphabets;
mod in_base64;
mod layers;
mod partly;
mod pieces_in_layers;

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::*;

/// The certain findings: the token, its location, and the chain of encodings.
fn certain_in(bytes: &[u8], depth: usize) -> Vec<(Vec<u8>, usize, Vec<&'static str>)> {
    let mut out = Vec::new();
    detector().with_decode_depth(depth).scan(&Window::whole(bytes), &mut |hit| {
        if hit.confidence == Confidence::Certain {
            out.push((hit.text.to_vec(), hit.span.start, hit.decoded.to_vec()));
        }
    });
    out
}

/// Checks that `token` is found once, at `location`, and through `chain`.
fn assert_found(
    bytes: &[u8],
    token: &str,
    location: usize,
    chain: &[&'static str],
) -> Result<(), TestCaseError> {
    let found = certain_in(bytes, chain.len().max(DECODE_DEPTH));
    prop_assert_eq!(found, vec![(token.as_bytes().to_vec(), location, chain.to_vec())]);
    prop_assert!(certain_in(bytes, chain.len() - 1).is_empty());
    Ok(())
}

/// Text that ends with what ends a run of base64.
fn surroundings() -> impl Strategy<Value = String> {
    "|[ -~\n]{0,60}[ \"':,.(\n]".prop_filter("no parts of tokens", |text| !text.contains("gh"))
}

/// Lines of `width` characters with `line_end` between them.
fn wrapped(text: &str, width: usize, line_end: &str) -> String {
    let lines: Vec<_> = text.as_bytes().chunks(width).map(String::from_utf8_lossy).collect();
    lines.join(line_end)
}

fn utf16(text: &str, big_endian: bool) -> Vec<u8> {
    text.encode_utf16()
        .flat_map(|unit| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() })
        .collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).and_then(|()| packer.finish()).expect("writing to memory")
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).and_then(|()| packer.finish()).expect("writing to memory")
}

/// `text` with each character encoded by `encode` for which `which` is true, and at least one.
fn encoded(text: &str, which: &[bool], encode: impl Fn(u8) -> String) -> String {
    let any = which.iter().take(text.len()).any(|encoded| *encoded);
    text.bytes()
        .zip(which.iter().cycle())
        .enumerate()
        .map(
            |(n, (byte, which))| {
                if *which || (!any && n == 7) { encode(byte) } else { char::from(byte).to_string() }
            },
        )
        .collect()
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn utf16_of_either_order_at_any_offset(
        token in any_token(), text in "[ -~\r\n]{0,40}", rest in "[ -~\r\n]{0,40}", mark in any::<bool>(), big in any::<bool>(),
        raw in prop::collection::vec(128_u8.., 0..5),
    ) {
        // A byte that makes a mark of the other order with the first of this one says something else.
        prop_assume!(!mark || raw.last() != Some(if big { &0xff } else { &0xfe }));
        let marked = format!("{}{text}{token}{rest}", if mark { "\u{feff}" } else { "" });
        let bytes = [&raw[..], &utf16(&marked, big)].concat();
        let location = raw.len() + 2 * (text.len() + usize::from(mark));
        assert_found(&bytes, &token, location, &[if big { "utf-16be" } else { "utf-16le" }])?;
    }

    #[test]
    fn base64_and_percent_in_utf16(
        token in any_token(), text in "[ -~\r\n]{20,200}", rest in "[ -~\r\n]{0,40}", mark in any::<bool>(), big in any::<bool>(), width in 4_usize..200,
    ) {
        let head = format!("{}{text} ", if mark { "\u{feff}" } else { "" });
        let location = 2 * (text.len() + 1 + usize::from(mark));
        let name = if big { "utf-16be" } else { "utf-16le" };
        let inner = wrapped(&STANDARD.encode(&token), width, "\r\n");
        assert_found(&utf16(&format!("{head}{inner} {rest}"), big), &token, location, &[name, "base64"])?;
        let inner = encoded(&token, &[false, true], |byte| format!("%{byte:02X}"));
        assert_found(&utf16(&format!("{head}{inner} {rest}"), big), &token, location, &[name, "percent"])?;
    }

    #[test]
    fn percent_whole_or_in_part(
        token in any_token(), before in surroundings(), after in surroundings(), which in prop::collection::vec(any::<bool>(), 1..100), upper in any::<bool>(),
    ) {
        let encode = |byte: u8| if upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") };
        let text = encoded(&token, &which, encode);
        assert_found(format!("{before}{text}{after}").as_bytes(), &token, before.len(), &["percent"])?;
        let twice = encoded(&token, &which, |byte| encode(byte).replace('%', "%25"));
        assert_found(format!("{before}{twice}{after}").as_bytes(), &token, before.len(), &["percent", "percent"])?;
    }

    #[test]
    fn escapes_whole_or_in_part(
        token in any_token(), before in surroundings(), after in surroundings(), which in prop::collection::vec(any::<bool>(), 1..100), upper in any::<bool>(),
    ) {
        let encodings: [(&str, &dyn Fn(u8) -> String); 3] = [
            ("unicode-escape", &|byte| if upper { format!("\\u{{{byte:X}}}") } else { format!("\\u{{{byte:x}}}") }),
            ("unicode-escape", &|byte| if upper { format!("\\u{byte:04X}") } else { format!("\\u{byte:04x}") }),
            ("hex-escape", &|byte| if upper { format!("\\x{byte:02X}") } else { format!("\\x{byte:02x}") }),
        ];
        for (name, encode) in encodings {
            let text = encoded(&token, &which, encode);
            assert_found(format!("{before}{text}{after}").as_bytes(), &token, before.len(), &[name])?;
        }
        let text = encoded(&token, &[true], |byte| format!("\\{byte:03o}"));
        assert_found(format!("{before}{text}{after}").as_bytes(), &token, before.len(), &["octal-escape"])?;
    }

    #[test]
    fn entities_whole_or_in_part(
        token in any_token(), before in surroundings(), after in surroundings(), which in prop::collection::vec(any::<bool>(), 1..100), zeros in 0_usize..7,
        amp in prop::sample::select(vec!["&", "&amp;"]),
    ) {
        let zeros = "0".repeat(zeros);
        let encodings: [&dyn Fn(u8) -> String; 3] = [
            &|byte| format!("{amp}#{zeros}{byte};"), &|byte| format!("{amp}#x{zeros}{byte:x};"), &|byte| format!("{amp}#X{zeros}{byte:X};"),
        ];
        for encode in encodings {
            // What is escaped twice is so as a whole.
            let text = encoded(&token, if amp == "&" { &which } else { &[true] }, encode);
            let chain = &["html-entity"; 2][..if amp == "&" { 1 } else { 2 }];
            assert_found(format!("{before}{text}{after}").as_bytes(), &token, before.len(), chain)?;
        }
    }

    #[test]
    fn glued_to_anything(token in any_token(), before in "[ -~]{0,8}|[a-z]{0,3}(g|gh|gi|git|6|67|%|%2|&|&amp;|\\\\)") {
        let encodings: [&dyn Fn(u8) -> String; 8] = [
            &|byte| format!("%{byte:02x}"), &|byte| format!("%25{byte:02x}"), &|byte| format!("\\u{byte:04x}"), &|byte| format!("\\u{{{byte:x}}}"),
            &|byte| format!("\\x{byte:02x}"), &|byte| format!("\\{byte:03o}"), &|byte| format!("&#{byte};"), &|byte| format!("{byte:02x}"),
        ];
        for encode in encodings {
            let text: String = token.bytes().map(encode).collect();
            let found: Vec<_> = certain_in(format!("{before}{text}").as_bytes(), 2).into_iter().map(|(text, _, _)| text).collect();
            prop_assert_eq!(found, [token.as_bytes()], "{} behind {:?}", encode(b'g'), before);
        }
    }

    #[test]
    fn hex_of_either_case(token in any_token(), before in surroundings(), after in surroundings(), upper in any::<bool>(), between in prop::sample::select(vec!["", ":", " "])) {
        let pairs: Vec<_> = token.bytes().map(|byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") }).collect();
        let bytes = format!("{before}{}{after}", pairs.join(between));
        assert_found(bytes.as_bytes(), &token, before.len(), &["hex"])?;
    }

    #[test]
    fn no_bytes_are_a_token_by_accident(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(certain_in(&bytes, 4).is_empty());
    }

    #[test]
    fn no_part_of_a_token_makes_it_panic(
        text in "(Z2hwX|ZG9jR|H4sIA|eJw|dpdGh1Yl9wYXRf|%67%68|gh%|\\\\u0067|\\\\x67h|g\0h\0|\0g\0h|6768705f|67:68|&#103;|&amp;#x67;h|[ -~\n\r]|\\PC){0,300}",
    ) {
        prop_assert!(certain_in(text.as_bytes(), 4).is_empty());
    }
}

/// What is found in two windows that meet at `cut`, as large blobs are scanned.
fn in_two_windows(bytes: &[u8], cut: usize) -> Vec<(Vec<u8>, usize, Vec<&'static str>)> {
    let mut out = Vec::new();
    let back = cut.saturating_sub(MAX_SPAN);
    let ahead = bytes.len().min(cut + MAX_SPAN);
    let mark = ByteOrder::of_mark(bytes);
    for (start, window) in [
        (0, Window { bytes: &bytes[..ahead], emit: 0..cut, mark }),
        (back, Window { bytes: &bytes[back..], emit: cut - back..bytes.len() - back, mark }),
    ] {
        detector().scan(&window, &mut |hit| {
            if hit.confidence == Confidence::Certain {
                out.push((hit.text.to_vec(), start + hit.span.start, hit.decoded.to_vec()));
            }
        });
    }
    out
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn no_window_edge_loses_or_doubles_an_encoded_token(
        token in any_token(), before in 0_usize..70_000, after in 0_usize..70_000, width in prop::sample::select(vec![4, 61, 76, 5000, 1_000_000]),
        encoding in 0..6, near in -60_000_isize..60_000, seed in 0_usize..1000,
    ) {
        let letters = b"abcdefghijklmnopqrstuvwxyz";
        let junk = |length: usize| (0..length).map(|n| letters[((n * 7919) ^ seed) % 26]).collect::<Vec<u8>>();
        let text = [junk(before), b" ".to_vec(), token.clone().into_bytes(), b" ".to_vec(), junk(after)].concat();
        let bytes = match encoding {
            0 => STANDARD.encode(text),
            1 => wrapped(&STANDARD.encode(text), width, "\n"),
            2 => wrapped(&STANDARD.encode(wrapped(&STANDARD.encode(text), 76, "\n")), width, "\n"),
            3 => wrapped(&STANDARD.encode(utf16(&String::from_utf8_lossy(&text), false)), width, "\r\n"),
            4 => String::from_utf8_lossy(&text).replace(&token, &encoded(&token, &[true], |byte| format!("\\u{byte:04x}"))),
            _ => {
                let tail = STANDARD.encode(gzip(token.as_bytes()));
                format!("{} {} {}", STANDARD.encode(junk(before)), wrapped(&tail, width, "\n"), STANDARD.encode(junk(after)))
            }
        }.into_bytes();
        let whole = certain_in(&bytes, 2);
        prop_assert_eq!(whole.len(), 1);
        prop_assert_eq!(&whole[0].0, token.as_bytes());
        let around = [-9, -1, 0, 1, 2, 17, 60, near];
        for cut in around.map(|offset| whole[0].1.saturating_add_signed(offset).min(bytes.len())) {
            prop_assert_eq!(&in_two_windows(&bytes, cut), &whole, "cut at {} of {}", cut, bytes.len());
        }
    }
}

/// Everything found, with its location.
fn found(bytes: &[u8]) -> Vec<(usize, Confidence, Vec<&'static str>)> {
    let mut out = Vec::new();
    detector().scan(&Window::whole(bytes), &mut |hit| {
        out.push((hit.span.start, hit.confidence, hit.decoded.to_vec()));
    });
    out
}

#[test]
fn an_encoded_token_without_a_proof_is_likely_where_a_plain_one_is() {
    let token = stateless("ghs_");
    let base64 = STANDARD.encode(format!("x-access-token:{token}"));
    assert_eq!(found(format!("basic {base64}").as_bytes()), [(6, Confidence::Likely, vec!["base64"])]);
    let percent: String = token.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    assert_eq!(found(format!("t={percent}&u").as_bytes()), [(2, Confidence::Likely, vec!["percent"])]);
    assert_eq!(found(format!("t%41{percent}").as_bytes()), []);
    assert_eq!(found(&utf16(&format!("t={token}\n"), false)), [(4, Confidence::Likely, vec!["utf-16le"])]);
    assert_eq!(found(&utf16(&format!("t{token}\n"), false)), []);
}

#[test]
fn encoded_placeholders_are_not_reported() {
    let placeholder = ["ghp_", "16C7e42F292c6912E7710c838347Ae178B4a"].concat();
    let hex: String = placeholder.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let percent = placeholder.replace('_', "%5F");
    for text in [STANDARD.encode(&placeholder), hex, percent] {
        assert_eq!(found(format!("\"{text}\"").as_bytes()), []);
    }
    // A percent sign behind a plain one encodes nothing of it.
    assert_eq!(found(format!("{placeholder}%20b").as_bytes()), [(0, Confidence::Lookalike, vec![])]);
}

#[test]
fn a_plain_token_is_not_found_again_as_an_encoded_one() {
    let token = classic("ghp_", &"aB3".repeat(10));
    for text in
        [format!("{token}%20%67"), format!("%20{token}\\u0067"), format!("/aaaa/bbbb/cccc/{token}/dddd")]
    {
        let chains: Vec<_> = found(text.as_bytes()).into_iter().map(|(_, _, chain)| chain).collect();
        assert_eq!(chains, [Vec::<&str>::new()], "{text}");
    }
}

#[test]
fn a_list_of_encoded_tokens_is_reported_line_by_line() {
    let mut bytes = String::new();
    let mut expected = Vec::new();
    for n in 0..2000 {
        let token = classic("ghp_", &format!("{n:030}"));
        expected.push((bytes.len(), Confidence::Certain, vec!["base64"]));
        bytes += &STANDARD_NO_PAD.encode(token);
        bytes += "\n";
    }
    let mut found = found(bytes.as_bytes());
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn redacting_hides_encoded_tokens() {
    let token = classic("ghp_", &"aB3".repeat(10));
    let percent: String = token.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
    let redacted = detector().redact(&format!("a/{percent}/{}.txt/{token}", STANDARD_NO_PAD.encode(&token)));
    assert_eq!(redacted, format!("a/….txt/ghp_…{}", &token[34..]));
    assert_eq!(detector().redact("é%67%68/Z2hw"), "é%67%68/Z2hw");
}

#[test]
fn depth_is_how_many_encodings_are_decoded() {
    let token = classic("ghp_", &"aB3".repeat(10));
    let mut text = token.clone();
    for depth in 1..=5 {
        text = STANDARD.encode(text);
        assert_eq!(certain_in(text.as_bytes(), depth).len(), 1, "{depth}");
        assert_eq!(certain_in(text.as_bytes(), depth - 1).len(), 0, "{depth}");
    }
}
