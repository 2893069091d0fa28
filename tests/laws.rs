//! Laws of the house that a compiler does not hold: who may import whom, one door for secrets, no file too long.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms in reading order: each may name rooms of its own layer and of those above it.
const LAYERS: &[&[&str]] = &[
    &["token", "text", "meter", "blob", "finding", "revocation"],
    &["rule", "checksum", "detect"],
    &["http"],
    &["scan", "source"],
    &["ledger"],
    &["provider", "local_credentials", "clock", "backoff"],
    &["report"],
    &["suppress", "policy", "revoke"],
    &["settings", "cli"],
];

/// Crates that only the named places may use.
const KEPT: &[(&str, &[&str])] = &[
    ("wide", &["detect/decode/simd"]),
    ("gix", &["source/git"]),
    ("zip", &["source/unpack"]),
    ("deflate64", &["source/unpack"]),
    ("tar", &["source/unpack"]),
    ("sevenz_rust2", &["source/unpack"]),
    ("lz4_flex", &["source/unpack"]),
    ("bzip2", &["source/unpack"]),
    ("zstd", &["source/unpack"]),
    ("lzma_rust2", &["source/unpack"]),
    ("ignore", &["source/", "suppress"]),
    ("rusqlite", &["ledger/sqlite"]),
    ("reqwest", &["provider/wire"]),
    ("clap", &["cli", "settings"]),
    ("anyhow", &["cli", "settings"]),
    ("indicatif", &["cli/console"]),
    ("anstream", &["cli/console", "cli/args"]),
];

fn sources() -> Vec<(String, String)> {
    fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).expect("src can be listed").flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                out.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    files
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).expect("below src").to_string_lossy().replace('\\', "/");
            (name, fs::read_to_string(&path).expect("a source file is text"))
        })
        .collect()
}

/// Whether a source file is compiled for tests only.
fn is_test(file: &str) -> bool {
    file.split(['/', '.']).any(|part| part == "tests" || part == "model" || part == "model_test")
}

/// The part of a source file that is compiled into the program.
fn program(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}

fn layer_of(room: &str) -> Option<usize> {
    LAYERS.iter().position(|rooms| rooms.contains(&room))
}

/// Names a crate as a path, not as part of a longer word.
fn names_crate(text: &str, name: &str) -> bool {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).any(|line| {
        line.match_indices(&format!("{name}::")).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
        })
    })
}

#[test]
fn nobody_imports_upwards() {
    let mut broken = Vec::new();
    for (file, text) in sources() {
        let room = file.split(['/', '.']).next().unwrap_or_default();
        let Some(own) = layer_of(room) else { continue };
        for line in program(&text).lines().filter(|line| !line.trim_start().starts_with("//")) {
            for (at, _) in line.match_indices("crate::") {
                let named: String =
                    line[at + 7..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if layer_of(&named).is_some_and(|layer| layer > own) {
                    broken.push(format!("{file} names {named}"));
                }
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn crates_stay_in_their_rooms() {
    let mut broken = Vec::new();
    for (file, text) in sources() {
        for (name, rooms) in KEPT {
            if names_crate(program(&text), name) && !rooms.iter().any(|room| file.starts_with(room)) {
                broken.push(format!("{file} names {name}"));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn files_stay_short() {
    let long: Vec<_> = sources()
        .into_iter()
        .filter(|(file, text)| !is_test(file) && program(text).lines().count() > 320)
        .map(|(file, text)| format!("{file}: {} lines", text.lines().count()))
        .collect();
    assert_eq!(long, Vec::<String>::new());
}

#[test]
fn secrets_have_few_readers() {
    let readers: Vec<_> = sources()
        .into_iter()
        .filter(|(_, text)| program(text).contains("disallowed_methods"))
        .map(|(file, _)| file)
        .collect();
    for reader in &readers {
        assert!(
            ["token.rs", "report.rs", "provider/wire.rs", "ledger/seal.rs"].contains(&reader.as_str()),
            "{reader} opens a token"
        );
    }
}

#[test]
fn the_readme_has_the_table_of_exit_codes() {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("a README");
    for row in stanch::cli::EXIT_CODES {
        let line = format!("| {} | {} |", row.exit.code(), row.readme);
        assert!(readme.contains(&line), "the README lacks {line}");
    }
}

/// Git's own variables are git's to define; `http` is below the settings, and reads the variable of OpenSSL.
const READ_ENVIRONMENT: &[&str] = &["settings/env.rs", "source/git/repo.rs", "provider/wire.rs"];

#[test]
fn settings_are_read_from_the_environment_in_one_file() {
    let readers: Vec<_> = sources()
        .into_iter()
        .filter(|(file, text)| !is_test(file) && program(text).contains("env::var"))
        .map(|(file, _)| file)
        .filter(|file| !READ_ENVIRONMENT.contains(&file.as_str()))
        .collect();
    assert_eq!(readers, Vec::<String>::new());
}

/// Modules of a directory that import a sibling, which imports them: hub files and their children may.
#[test]
fn siblings_of_cli_and_settings_form_no_circle() {
    let files: Vec<(String, String)> = sources()
        .into_iter()
        .filter(|(file, _)| file.starts_with("cli/") || file.starts_with("settings/"))
        .map(|(file, text)| (file.trim_end_matches(".rs").to_owned(), program(&text).to_owned()))
        .collect();
    let imports = |file: &str| -> Vec<String> {
        let (directory, _) = file.rsplit_once('/').expect("below a room");
        let text = files.iter().find(|(name, _)| name == file).map_or("", |(_, text)| text.as_str());
        files
            .iter()
            .filter(|(other, _)| other != file && other.rsplit_once('/').is_some_and(|(d, _)| d == directory))
            .filter(|(other, _)| {
                let (_, name) = other.rsplit_once('/').expect("below a room");
                let inside = directory.replace('/', "::");
                [format!("super::{name}::"), format!("crate::{inside}::{name}::")]
                    .iter()
                    .any(|path| text.contains(path))
            })
            .map(|(other, _)| other.clone())
            .collect()
    };
    for (start, _) in &files {
        let (mut reached, mut next) = (Vec::new(), imports(start));
        while let Some(file) = next.pop() {
            assert_ne!(&file, start, "{start} imports a sibling that imports it");
            if !reached.contains(&file) {
                next.extend(imports(&file));
                reached.push(file);
            }
        }
    }
}
