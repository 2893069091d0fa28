//! Several encodings, one in the other, in every order.

use super::*;

/// The encodings that are put around one another, with the names that they have in reports.
const LAYERS: [&str; 7] = ["base64", "hex", "base32", "gzip", "percent", "unicode-escape", "utf-16le"];

/// `bytes` in that encoding; nothing where it takes text and they are none.
fn layer(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let each = |encode: &dyn Fn(u8) -> String| -> Option<Vec<u8>> {
        let text = std::str::from_utf8(bytes).ok()?;
        // As libraries do it: what a word consists of stays.
        let kept = |byte: u8| byte.is_ascii_alphanumeric();
        let text =
            text.bytes().map(|byte| if kept(byte) { char::from(byte).to_string() } else { encode(byte) });
        Some(text.collect::<String>().into_bytes())
    };
    match name {
        "base64" => Some(STANDARD.encode(bytes).into_bytes()),
        "hex" => Some(bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()),
        "base32" => {
            let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
            let bits: Vec<u8> =
                bytes.iter().flat_map(|byte| (0..8).rev().map(move |n| byte >> n & 1)).collect();
            let value = |bits: &[u8]| {
                (0..5).fold(0, |value, n| value << 1 | usize::from(bits.get(n).copied().unwrap_or(0)))
            };
            Some(bits.chunks(5).map(|bits| alphabet[value(bits)]).collect())
        }
        "gzip" => Some(gzip(bytes)),
        "percent" => each(&|byte| format!("%{byte:02X}")),
        "unicode-escape" => each(&|byte| format!("\\u{byte:04x}")),
        _ => std::str::from_utf8(bytes).ok().map(|text| utf16(text, false)),
    }
}

/// Whether the detector is to see through these two, one right in the other, the outer one first.
fn is_seen(outer: &str, inner: Option<&str>) -> bool {
    match outer {
        // On its own, gzip is a container.
        "gzip" => false,
        // Nothing but the padding and the signs of base64 is encoded: the text before those is read.
        "percent" | "unicode-escape" => inner.is_none(),
        // Twice, it is UTF-32.
        "utf-16le" => inner != Some("gzip") && inner != Some("utf-16le"),
        _ => true,
    }
}

#[test]
fn every_chain_of_up_to_four_is_seen_through() {
    let token = classic("ghp_", &"aB3dE".repeat(6));
    let plain = format!("user=octocat&token={token}&more=of it and what else there is to say about this\n");
    let mut chains: Vec<Vec<&str>> = LAYERS.iter().map(|name| vec![*name]).collect();
    let mut seen = 0;
    while let Some(chain) = chains.pop() {
        let pairs = chain.iter().enumerate().map(|(n, outer)| (*outer, chain.get(n + 1).copied()));
        let is_gzip_within = |n: usize| n > 0 && matches!(chain[n - 1], "base64" | "hex" | "base32");
        let fits = pairs
            .enumerate()
            .all(|(n, (outer, inner))| is_seen(outer, inner) || outer == "gzip" && is_gzip_within(n));
        if chain.len() < 4 {
            chains.extend(LAYERS.iter().map(|name| [&chain[..], &[*name]].concat()));
        }
        let encoded =
            chain.iter().rev().try_fold(plain.clone().into_bytes(), |bytes, name| layer(name, &bytes));
        let Some(bytes) = encoded.filter(|_| fits) else { continue };
        let found: Vec<_> =
            certain_in(&bytes, DECODE_DEPTH).into_iter().map(|(token, _, chain)| (token, chain)).collect();
        assert_eq!(
            found,
            [(token.clone().into_bytes(), chain.clone())],
            "{chain:?}: {}",
            String::from_utf8_lossy(&bytes)
        );
        assert!(detector().may_match(&bytes), "{chain:?}");
        seen += 1;
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn a_helm_release_of_any_length_is_found() {
    let token = classic("ghp_", &"aB3dE".repeat(6));
    let words = ["kind", "apiVersion", "metadata", "spec", "name", "labels", "image", "replicas"];
    for length in [1_000, 24_000, 60_000, 200_000] {
        let mut state = 88_172_645_463_325_252_u64;
        let mut noise = String::new();
        while noise.len() < length {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            noise += &format!("{}: {:x}\\n", words[(state % 8) as usize], state);
        }
        let secret = STANDARD.encode(format!("user: {token}\n"));
        let release = format!("{{\"config\":\"{noise}\",\"manifest\":\"data:\\n  token: {secret}\\n\"}}");
        let text = STANDARD.encode(STANDARD.encode(gzip(release.as_bytes())));
        for text in [text.clone(), wrapped(&text, 76, "\n    ")] {
            let secret = format!("apiVersion: v1\ndata:\n  release: {text}\nkind: Secret\n");
            let found: Vec<_> = certain_in(secret.as_bytes(), DECODE_DEPTH)
                .into_iter()
                .map(|(token, _, chain)| (token, chain))
                .collect();
            let chain = vec!["base64", "base64", "gzip", "base64"];
            assert_eq!(found, [(token.clone().into_bytes(), chain)], "{length}");
        }
    }
}

#[test]
fn base64_four_times_wrapped_at_every_alignment() {
    let token = classic("ghp_", &"aB3dE".repeat(6));
    for shift in 0..12 {
        for width in [0, 60, 64, 76] {
            let mut text = format!("{}{token} and more", &"key=value; k"[..shift]);
            for _ in 0..4 {
                text = STANDARD.encode(format!("{}{text}", &"::::::::::::"[..shift % 5]));
                text = if width > 0 { wrapped(&text, width, "\n") } else { text };
            }
            let found: Vec<_> = certain_in(text.as_bytes(), DECODE_DEPTH)
                .into_iter()
                .map(|(token, _, chain)| (token, chain))
                .collect();
            assert_eq!(found, [(token.clone().into_bytes(), vec!["base64"; 4])], "{shift} {width}");
        }
    }
}
