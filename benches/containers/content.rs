//! What is packed: files as they lie in source trees, text among some that does not compress.

use std::path::Path;

/// Files of so many bytes altogether.
pub(super) fn files() -> Vec<Vec<u8>> {
    let mib = std::env::var("STANCH_BENCH_MIB").ok().and_then(|mib| mib.parse().ok()).unwrap_or(32);
    let mut files = Vec::new();
    let mut room = mib << 20;
    match std::env::var_os("STANCH_BENCH_TREE") {
        Some(tree) => read_tree(Path::new(&tree), &mut files, &mut room),
        None => generate(&mut files, room),
    }
    files
}

/// The files below a directory, as many as there is room for.
fn read_tree(directory: &Path, files: &mut Vec<Vec<u8>>, room: &mut usize) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => read_tree(&entry.path(), files, room),
            Ok(kind) if kind.is_file() => {
                let mut bytes = std::fs::read(entry.path()).unwrap_or_default();
                bytes.truncate(*room);
                *room -= bytes.len();
                files.extend(Some(bytes).filter(|bytes| !bytes.is_empty()));
            }
            _ => {}
        }
    }
}

/// One file in eight is random, the others are words in no order.
fn generate(files: &mut Vec<Vec<u8>>, room: usize) {
    let words = [
        "let", "return", "self.", "fn", "github", "(name)", "=>", "&mut", "// the", "\n    ", "%d", "\"\\n\"",
    ];
    let mut state = 7_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap_or(0)
    };
    let mut made = 0;
    while made < room {
        let len = (1 << (10 + next() % 9)).min(room - made);
        let mut bytes = Vec::with_capacity(len + 64);
        let is_text = next() % 8 > 0;
        while bytes.len() < len {
            if is_text {
                // A number now and then: compressors find matches, but not only long ones.
                bytes.extend(format!("{} {} ", words[next() % words.len()], next() % 1000).bytes());
            } else {
                bytes.extend(next().to_le_bytes());
            }
        }
        bytes.truncate(len);
        made += len;
        files.push(bytes);
    }
}
