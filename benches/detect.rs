//! How many bytes a second the detector scans: `plain` without decoding anything, `decoding` with every encoding.
//!
//! `cargo bench --bench detect`. The texts are generated, so that the numbers of two versions can be compared;
//! `STANCH_BENCH_TREE` names a directory whose files are scanned as well. `plain` searches for the six prefixes alone, and
//! is what `decoding` is to be compared with.

use std::hint::black_box;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use divan::Bencher;
use divan::counter::BytesCount;
use stanch::detect::{DECODE_DEPTH, Detector, Window};
use stanch::rule;

const SIZE: usize = 4 * 1024 * 1024;

const CODE_WORDS: &[&str] = &[
    "let",
    "return",
    "self.",
    "fn",
    "github",
    "(name)",
    "=>",
    "&mut",
    "// the",
    "\n        ",
    "%d",
    "\"\\n\"",
];

const TEXT_WORDS: &[&str] =
    &["the", "machine", "configuration", "of", "Windows", "is", "read", "again", "whenever", "it", "changes"];

fn main() {
    divan::main();
}

/// A text that is scanned.
struct Text {
    name: &'static str,
    bytes: Vec<u8>,
}

impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// A generator whose numbers are the same in every run.
fn random(seed: u64) -> impl FnMut() -> usize {
    let mut state = seed;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap_or(0)
    }
}

fn repeated(part: &str) -> Vec<u8> {
    part.bytes().cycle().take(SIZE).collect()
}

fn base64_of(bytes: &[u8]) -> Vec<u8> {
    STANDARD.encode(bytes).into_bytes().into_iter().take(SIZE).collect()
}

/// Half-tokens: what the search has to follow as often as possible, in vain.
fn walls() -> Vec<Text> {
    vec![
        Text { name: "wall_plain", bytes: repeated("ghp_") },
        Text { name: "wall_stateless", bytes: repeated("ghs_1_eyJ") },
        Text { name: "wall_stateless_dots", bytes: repeated("ghs_1_eyJ.") },
        Text { name: "wall_base64", bytes: repeated("Z2hwX") },
        Text { name: "wall_gzip", bytes: repeated("H4sIAAAAAAAAA") },
        Text { name: "wall_unicode", bytes: repeated("\\u0067\\u0068\\u0070\\u005f") },
        Text { name: "wall_percent", bytes: repeated("%67%68%70%5F") },
        Text { name: "wall_percent_twice", bytes: repeated("%2567%2568%2570%255F") },
        Text { name: "wall_entity", bytes: repeated("&#103;&#104;&#112;_") },
        Text { name: "wall_hex", bytes: repeated("676870") },
        Text { name: "wall_hex_prefix", bytes: repeated("6768705f") },
        Text { name: "wall_utf16", bytes: repeated("g\0h\0p\0_\0") },
        Text { name: "wall_utf32", bytes: repeated("g\0\0\0h\0\0\0p\0\0\0_\0\0\0") },
        Text { name: "wall_octal", bytes: repeated("\\147\\150") },
        Text { name: "wall_literals", bytes: repeated("g\"h\"p\"_\"") },
        Text { name: "wall_codes", bytes: repeated("103, 104, ") },
    ]
}

fn texts() -> Vec<Text> {
    let mut next = random(7);
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let base64: Vec<u8> = (0..SIZE).map(|_| alphabet[next() % 64]).collect();
    let lines =
        |width: usize| base64.chunks(width).flat_map(|line| [line, b"\n"].concat()).collect::<Vec<u8>>();
    let mut chosen = |words: &[&str]| -> Vec<u8> {
        (0..SIZE / 5)
            .flat_map(|_| format!("{} ", words[next() % words.len()]).into_bytes())
            .take(SIZE)
            .collect()
    };
    let (code, words) = (chosen(CODE_WORDS), chosen(TEXT_WORDS));
    let mut texts = vec![
        Text { name: "code", bytes: code },
        Text {
            name: "log",
            bytes: repeated("2026-01-31T12:00:00Z INFO request id=9f3a0067 path=/a/b?c=%20d status=200\n"),
        },
        Text { name: "binary", bytes: (0..SIZE).map(|_| next().to_le_bytes()[0]).collect() },
        Text { name: "zeros", bytes: vec![0; SIZE] },
        Text { name: "base64_wrapped", bytes: lines(76) },
        Text { name: "base64_long_lines", bytes: lines(150_000) },
        Text { name: "base64_one_line", bytes: base64 },
        Text { name: "base64_of_words", bytes: base64_of(&words) },
        Text { name: "utf16_of_words", bytes: words.iter().flat_map(|byte| [*byte, 0]).take(SIZE).collect() },
        Text {
            name: "hex_of_words",
            bytes: words.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).take(SIZE).collect(),
        },
        Text {
            name: "register_names",
            bytes: repeated(
                "#define DCORE0_TPC0_EML_BUSMON_QM_CGM_CFG_0_RESERVED_15_8_MASK   0x0000FF00\n//DCORE0_TPC0_EML_BUSMON_QM_CGM_CFG_1\n",
            ),
        },
        Text {
            name: "mangled_names",
            bytes: repeated(
                "_ZN4core3fmt9Formatter26debug_struct_field1_finish17h0123456789abcdefE\0_ZNK4llvm12CallLowering12ValueHandlerE\0",
            ),
        },
    ];
    texts.extend(walls());
    if let Some(tree) = std::env::var_os("STANCH_BENCH_TREE") {
        let mut bytes = Vec::new();
        read_tree(Path::new(&tree), &mut bytes);
        texts.push(Text { name: "tree", bytes });
    }
    texts
}

/// Appends the first 256 MiB of the files below a directory.
fn read_tree(directory: &Path, bytes: &mut Vec<u8>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if bytes.len() > 256 * 1024 * 1024 {
            return;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => read_tree(&entry.path(), bytes),
            Ok(kind) if kind.is_file() => bytes.extend(std::fs::read(entry.path()).unwrap_or_default()),
            _ => {}
        }
    }
}

fn scan(bencher: Bencher<'_, '_>, text: &Text, depth: usize) {
    let detector = Detector::new(rule::built_in()).with_decode_depth(depth);
    bencher.counter(BytesCount::of_slice(&text.bytes)).bench_local(|| {
        let mut hits = 0;
        // As large blobs are: in windows that stay in a core's own cache.
        for window in text.bytes.chunks(512 * 1024) {
            detector.scan(&Window::whole(black_box(window)), &mut |_| hits += 1);
        }
        hits
    });
}

#[divan::bench(args = texts(), sample_count = 20, sample_size = 1)]
fn plain(bencher: Bencher<'_, '_>, text: &Text) {
    scan(bencher, text, 0);
}

#[divan::bench(args = texts(), sample_count = 20, sample_size = 1)]
fn decoding(bencher: Bencher<'_, '_>, text: &Text) {
    scan(bencher, text, DECODE_DEPTH);
}
