//! Laws of the house that a compiler does not hold: who may import whom, one door for secrets, no file too long.
//!
//! The lists of files that may do something can only shrink: an entry that is not needed any more is an error, too.

#[path = "laws/checks.rs"]
mod checks;
#[path = "laws/graph.rs"]
mod graph;
#[path = "laws/source.rs"]
mod source;

use std::collections::BTreeSet;

use graph::{Crate, circles, hub};
use source::{File, program};

/// Rooms in reading order: each may name rooms of its own layer and of those above it.
const LAYERS: &[(&str, &[&str])] = &[
    ("words", &["token", "meter", "blob", "coverage", "finding", "revocation", "shard"]),
    ("senses", &["rule", "text", "checksum", "detect"]),
    ("http", &["http"]),
    ("api", &["github"]),
    ("sources", &["scan", "source"]),
    ("memory", &["ledger"]),
    ("reach", &["provider", "local_credentials", "clock", "backoff"]),
    ("speech", &["report"]),
    ("acts", &["suppress", "policy", "revoke", "serve", "journal"]),
    ("face", &["settings", "cli"]),
];

/// Crates that only the named files and directories may use.
const CRATES: &[(&str, &[&str])] = &[
    ("secrecy", &["token"]),
    ("regex", &["rule", "detect", "suppress/allowlist"]),
    // The detector's needles, and the signatures that are carved.
    ("aho_corasick", &["detect", "source/unpack/carve/signatures", "source/unpack/prefilter"]),
    ("wide", &["detect/decode/simd"]),
    // The detector's classes of bytes, and the first bytes of the signatures that are carved.
    ("pulp", &["detect/decode/simd", "source/unpack/carve/pairs"]),
    ("crc32fast", &["checksum", "source/unpack"]),
    ("reqwest", &["http"]),
    ("rustls", &["http", "serve/tls", "source/github/app/key"]),
    ("ring", &["source/github/app/key"]),
    ("postgres", &["ledger/postgres"]),
    ("tokio_postgres_rustls", &["ledger/postgres/connection"]),
    ("hpke", &["ledger/seal"]),
    ("axum", &["serve"]),
    ("axum_server", &["serve"]),
    ("tokio", &["serve"]),
    ("tower", &["serve"]),
    ("tower_http", &["serve"]),
    ("prometheus_client", &["serve"]),
    ("subtle", &["serve"]),
    ("rustls_platform_verifier", &["http/trust"]),
    ("ignore", &["source/tree", "suppress"]),
    ("gix", &["source/git"]),
    ("libdeflater", &["source/git"]),
    ("libdeflate_sys", &["source/unpack/libdeflate"]),
    ("flate2", &["source/git", "source/unpack/inflate", "detect/decode/inflate", "report/html/packed"]),
    ("deflate64", &["source/unpack/inflate"]),
    ("bzip2", &["source/unpack/bzip2"]),
    ("zstd", &["source/unpack/zstd"]),
    ("liblzma", &["source/unpack/lzma_decoder"]),
    ("lz4_flex", &["source/unpack/lz4", "source/unpack/packed_block"]),
    ("snap", &["source/unpack/snappy", "source/unpack/packed_block"]),
    ("lzokay", &["source/unpack/block", "source/unpack/lzop", "source/unpack/packed_block"]),
    ("lzfse_rust", &["source/unpack/block"]),
    (
        "brotli_decompressor",
        &["source/unpack/brotli", "source/unpack/http/coding", "source/unpack/packed_block"],
    ),
    ("weezl", &["source/unpack/pdf/filters"]),
    ("aes", &["source/unpack/pdf/cipher"]),
    ("md5", &["source/unpack/pdf/cipher"]),
    ("lzxd", &["source/unpack/cab"]),
    ("sevenz_rust2", &["source/unpack/sevenz"]),
    ("ppmd_rust", &["source/unpack/ppmd"]),
    // Written with in tests only.
    ("zip", &[]),
    ("tar", &[]),
    ("cfb", &[]),
    ("lzma_rust2", &["source/unpack/lzma_decoder"]),
    ("rusqlite", &["ledger/sqlite"]),
    ("chacha20poly1305", &["ledger/seal"]),
    ("hmac", &["ledger/seal"]),
    ("getrandom", &["ledger", "backoff", "cli/decision"]),
    ("whoami", &["cli/decision"]),
    ("csv", &["report"]),
    ("rayon", &["source/git", "revoke", "cli/session"]),
    ("etcetera", &["ledger", "local_credentials", "settings"]),
    ("strsim", &["settings"]),
    ("clap", &["cli", "settings"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("anyhow", &["cli", "settings"]),
    ("ctrlc", &["cli/signal"]),
    (
        "nix",
        &[
            "cli/signal",
            "ledger/seal/key_file",
            "ledger/time/uptime",
            "ledger/sqlite",
            "ledger/trust",
            "serve/secret_file",
            "source/github/mirror/group",
            "source/github/mirror/place",
            "source/interruptible",
            "source/tree/file",
            "source/tree/holes",
            "source/unpack/work_time",
        ],
    ),
    ("indicatif", &["cli/console"]),
    ("anstream", &["cli/console", "cli/args"]),
    ("anstyle", &["cli/console"]),
    ("terminal_size", &["cli/console/wrap"]),
];

/// Files that may open a token, and for what.
const READERS: &[(&str, &str)] = &[
    ("token.rs", "the door itself"),
    ("report.rs", "--show-secrets"),
    ("detect/judge.rs", "proving what others sealed"),
    ("http/secret.rs", "the header and the body of a request"),
    ("ledger/seal/sealer.rs", "sealing what waits"),
    ("suppress/queued.rs", "the user's expressions on what waits"),
];

/// Files that read the environment, and for what; `settings/env.rs` is where the rest belongs.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("http/client.rs", "certificates to trust"),
    ("settings/env.rs", "everything else"),
    ("source/git/repo.rs", "git's own variables"),
    ("source/github/mirror/program.rs", "what git is given of it: PATH, proxies, certificates"),
];

/// Files with code that the compiler does not check, and what pays for it.
const UNSAFE: &[(&str, &str)] =
    &[("source/unpack/libdeflate.rs", "small compressed files in two thirds of the time")];

/// The most circles that there may be of a hub and files it declares.
const HUB_CIRCLES: usize = 13;

const MOST_LINES: usize = 320;

/// Files that name a room of a layer below their own, or that are in no layer.
fn upward_imports(files: &[File]) -> Vec<String> {
    let layer_of = |room: &str| LAYERS.iter().position(|(_, rooms)| rooms.contains(&room));
    let rooms = Crate::new(files).rooms();
    let known = rooms.keys().chain(rooms.values().flatten());
    let unknown = known.filter(|room| layer_of(room).is_none()).map(|room| format!("{room} is in no layer"));
    let edges = rooms.iter().flat_map(|(from, named)| named.iter().map(move |to| (from, to)));
    let upward = edges
        .filter(|(from, to)| layer_of(from).is_some_and(|own| layer_of(to).is_some_and(|layer| layer > own)))
        .map(|(from, to)| format!("{from} names {to}"));
    let mut broken: Vec<String> = unknown.chain(upward).collect();
    broken.sort();
    broken.dedup();
    broken
}

/// The crates a file names; a module of the same name is none.
fn crates(file: &File) -> BTreeSet<String> {
    let named = source::paths(&file.code);
    let modules = source::declared(&file.code);
    let imported =
        |name: &str| named.iter().any(|used| used.alias.as_deref() == Some(name) && used.path[0] != name);
    let first = named.iter().map(|named| named.path[0].as_str()).collect::<BTreeSet<_>>();
    let outside = |name: &&str| !modules.iter().any(|module| module == name) && !imported(name);
    first.into_iter().filter(outside).map(str::to_owned).collect()
}

/// Files that name a crate which is kept to others.
fn strays(files: &[File]) -> Vec<String> {
    let inside = |file: &File, rooms: &[&str]| {
        let path = file.name.trim_end_matches(".rs");
        rooms.iter().any(|room| path == *room || path.starts_with(&format!("{room}/")))
    };
    let pairs = files.iter().flat_map(|file| crates(file).into_iter().map(move |name| (file, name)));
    let kept =
        |file: &File, name: &str| CRATES.iter().any(|(kept, rooms)| *kept == name && !inside(file, rooms));
    let strays = pairs.filter(|(file, name)| kept(file, name));
    strays.map(|(file, name)| format!("{} names {name}", file.name)).collect()
}

/// Where a list of files and the files themselves differ.
fn unlisted(
    list: &[(&str, &str)],
    files: &[File],
    matches: impl Fn(&File) -> bool,
    what: &str,
) -> Vec<String> {
    let found: Vec<&str> = files.iter().filter(|file| matches(file)).map(|file| file.name.as_str()).collect();
    let new = found.iter().filter(|name| list.iter().all(|(listed, _)| listed != *name));
    let new = new.map(|name| format!("{name} {what}"));
    let stale = list.iter().filter(|(listed, _)| !found.contains(listed));
    new.chain(stale.map(|(listed, why)| format!("{listed} does not any more ({why})"))).collect()
}

fn reads_environment(file: &File) -> bool {
    let readers = ["var", "var_os", "vars", "vars_os"];
    source::paths(&file.code).iter().any(|named| {
        let path = named.path.as_slice();
        path.windows(2).any(|two| two[0] == "env" && readers.contains(&two[1].as_str()))
    })
}

fn is_unsafe(file: &File) -> bool {
    file.code.contains("unsafe")
}

fn opens_tokens(file: &File) -> bool {
    file.code.contains("disallowed_methods")
}

fn too_long(files: &[File]) -> Vec<String> {
    let lines = files.iter().map(|file| (&file.name, file.text.lines().count()));
    lines
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(name, lines)| format!("{name}: {lines} lines"))
        .collect()
}

/// Shown by `cargo test --test laws circles -- --nocapture`.
fn print(circles: &[&Vec<String>]) {
    println!("{} circles", circles.len());
    for circle in circles {
        println!("  {}", circle.join(" "));
    }
}

fn nothing() -> Vec<String> {
    Vec::new()
}

#[test]
fn nobody_imports_upwards() {
    assert_eq!(upward_imports(&program()), nothing());
}

#[test]
fn crates_stay_in_their_rooms() {
    assert_eq!(strays(&program()), nothing());
}

#[test]
fn rooms_form_no_circle() {
    assert_eq!(circles(&Crate::new(&program()).rooms()), Vec::<Vec<String>>::new());
}

/// A hub hands on the names of what it declares, and what it declares may name the hub.
#[test]
fn circles_of_a_hub_and_its_own_files_are_few() {
    let circles = circles(&Crate::new(&program()).files());
    let of_hubs: Vec<_> = circles.iter().filter(|circle| hub(circle).is_some()).collect();
    print(&of_hubs);
    assert!(of_hubs.len() <= HUB_CIRCLES, "{} circles: {of_hubs:#?}", of_hubs.len());
}

/// With names followed to the file that defines them, and a hub not counted for what it declares, nothing turns back.
#[test]
fn siblings_form_no_circle() {
    let circles = circles(&Crate::new(&program()).definitions());
    print(&circles.iter().collect::<Vec<_>>());
    assert_eq!(circles, Vec::<Vec<String>>::new());
}

#[test]
fn secrets_have_few_readers() {
    assert_eq!(unlisted(READERS, &program(), opens_tokens, "opens a token"), nothing());
}

#[test]
fn the_environment_has_few_readers() {
    assert_eq!(unlisted(ENVIRONMENT, &program(), reads_environment, "reads the environment"), nothing());
}

#[test]
fn what_the_compiler_does_not_check_is_in_one_place() {
    assert_eq!(unlisted(UNSAFE, &program(), is_unsafe, "has unsafe code"), nothing());
}

#[test]
fn the_map_names_every_room() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/CONTRIBUTING.md");
    // The package has no `.github`.
    let Ok(map) = std::fs::read_to_string(path) else { return };
    for (layer, rooms) in LAYERS {
        let row = format!(
            "| {layer} | {} |",
            rooms.iter().map(|room| format!("`{room}`")).collect::<Vec<_>>().join(", ")
        );
        assert!(map.contains(&row), "the map has no {row}");
    }
}

#[test]
fn files_stay_short() {
    assert_eq!(too_long(&program()), nothing());
}
