//! A source file as the laws read it: the program's part without comments and strings, and the paths that it names.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the program.
pub(crate) struct File {
    /// Its path below `src`, with `/`.
    pub(crate) name: String,
    /// The path of its module: empty for the root of the crate.
    pub(crate) module: Vec<String>,
    /// The program's part as it is written.
    pub(crate) text: String,
    /// The same without comments, and with empty strings.
    pub(crate) code: String,
}

/// Every file below `src` that is compiled into the program.
pub(crate) fn program() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    paths.sort();
    let name =
        |path: &Path| path.strip_prefix(&root).expect("below src").to_string_lossy().replace('\\', "/");
    paths
        .iter()
        .map(|path| (name(path), fs::read_to_string(path).expect("a source file is text")))
        .filter(|(name, _)| !is_test(name))
        .map(|(name, text)| File::new(&name, &text))
        .collect()
}

fn walk(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("src can be listed").flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push(path);
        }
    }
}

/// Whether a file is compiled for tests only.
fn is_test(name: &str) -> bool {
    name.split(['/', '.']).any(|part| ["tests", "testing", "model", "model_test"].contains(&part))
}

impl File {
    pub(crate) fn new(name: &str, text: &str) -> File {
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
        let module = name.trim_end_matches(".rs").split('/').filter(|part| !["lib", "mod"].contains(part));
        let module = module.map(str::to_owned).collect();
        let code = without_tests(&code(&text));
        File { name: name.to_owned(), module, text, code }
    }

    /// The first segment of its module: `src/detect/needles.rs` is in `detect`.
    pub(crate) fn room(&self) -> &str {
        self.module.first().map_or("", String::as_str)
    }
}

/// Rust without comments; of strings and characters only the quotes stay.
pub(crate) fn code(text: &str) -> String {
    let text: Vec<char> = text.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        at += match rest {
            ['/', '/', ..] => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
            ['/', '*', ..] => {
                rest.windows(2).skip(2).position(|two| two == ['*', '/']).map_or(rest.len(), |end| end + 4)
            }
            ['r', '"' | '#', ..] if !out.ends_with(|c: char| c.is_alphanumeric() || c == '_') => {
                let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
                if rest.get(1 + hashes) == Some(&'"') {
                    let end: Vec<char> =
                        std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
                    let body = &rest[2 + hashes..];
                    out.push_str("\"\"");
                    let len = body.windows(end.len()).position(|tail| tail == end).unwrap_or(body.len());
                    2 + hashes + len + end.len()
                } else {
                    out.push('r');
                    1
                }
            }
            ['"', body @ ..] => {
                out.push_str("\"\"");
                2 + quoted(body, '"')
            }
            // A lifetime is no character.
            ['\'', '\\', ..] | ['\'', _, '\'', ..] => {
                out.push_str("''");
                2 + quoted(&rest[1..], '\'')
            }
            _ => {
                out.push(rest[0]);
                1
            }
        };
    }
    out
}

/// How many characters stand before the closing quote.
fn quoted(body: &[char], quote: char) -> usize {
    let mut len = 0;
    while len < body.len() && body[len] != quote {
        len += if body[len] == '\\' { 2 } else { 1 };
    }
    len
}

/// Code without the items that are compiled for tests only.
fn without_tests(code: &str) -> String {
    let mut out = String::new();
    let mut rest = code;
    while let Some((before, after)) = rest.split_once("#[cfg(test)]") {
        out.push_str(before);
        let mut depth = 0_usize;
        let end = after.char_indices().find(|(_, c)| {
            match c {
                '{' | '(' | '[' => depth += 1,
                '}' | ')' | ']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && ['}', ';'].contains(c)
        });
        rest = end.map_or("", |(at, _)| &after[at + 1..]);
    }
    out + rest
}

/// The modules that code declares in files of their own.
pub(crate) fn declared(code: &str) -> Vec<String> {
    words(code).windows(3).filter(|w| w[0] == "mod" && w[2] == ";").map(|w| w[1].to_owned()).collect()
}

/// A path that code names, and the name that a `use` gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) path: Vec<String>,
    /// For a `use`: what it is called here, `*` for everything of it.
    pub(crate) alias: Option<String>,
}

/// Every path of at least two segments, and every path of a `use`.
pub(crate) fn paths(code: &str) -> Vec<Named> {
    let words = words(code);
    let mut named = Vec::new();
    let mut at = 0;
    while at < words.len() {
        if words[at] == "use" {
            let end = at + words[at..].iter().position(|word| *word == ";").unwrap_or(words.len() - at);
            tree(&words[at + 1..end], &[], &mut named);
            at = end;
        } else if words[at] == "in" && at >= 2 && words[at - 2..at] == ["pub", "("] {
            // Visibility names a module without depending on it.
            at += words[at..].iter().position(|word| *word == ")").unwrap_or(1);
        } else if is_name(words[at]) && words.get(at + 1) == Some(&"::") {
            let mut path = vec![words[at].to_owned()];
            while words.get(at + 1) == Some(&"::") && words.get(at + 2).is_some_and(|word| is_name(word)) {
                path.push(words[at + 2].to_owned());
                at += 2;
            }
            if path.len() > 1 {
                named.push(Named { path, alias: None });
            }
            at += 1;
        } else {
            at += 1;
        }
    }
    named
}

/// The paths of a `use` tree.
fn tree(words: &[&str], before: &[String], into: &mut Vec<Named>) {
    let mut path = before.to_vec();
    let mut at = 0;
    while at < words.len() {
        match words[at] {
            "::" => at += 1,
            "{" => {
                let mut depth = 0;
                let mut start = at + 1;
                for (index, word) in words.iter().enumerate().skip(at) {
                    match *word {
                        "{" => depth += 1,
                        "}" => depth -= 1,
                        _ => {}
                    }
                    if (depth == 1 && *word == ",") || depth == 0 {
                        tree(&words[start..index], &path, into);
                        start = index + 1;
                    }
                    if depth == 0 {
                        break;
                    }
                }
                return;
            }
            "as" => break,
            word => {
                path.push(word.to_owned());
                at += 1;
            }
        }
    }
    if path.len() == before.len() {
        return;
    }
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    let alias =
        if words.get(at) == Some(&"as") { words.get(at + 1).map(|word| (*word).to_owned()) } else { None };
    let alias = alias.or_else(|| path.last().cloned());
    into.push(Named { path, alias });
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Names, `::` and single characters.
fn words(code: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let len = if first.is_alphanumeric() || first == '_' {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        if !first.is_whitespace() {
            words.push(&rest[..len]);
        }
        rest = &rest[len..];
    }
    words
}
