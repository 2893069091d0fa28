//! Configuration files hold only keys that mean something: any other is refused with its line and the nearest name.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {problem}", file.display(), line.map_or_else(String::new, |line| format!(":{line}")))]
pub struct BadConfig {
    /// The file.
    pub file: PathBuf,
    /// Counted from 1; none where it is the file as a whole.
    pub line: Option<usize>,
    /// What is wrong there. Holds no token.
    pub problem: String,
}

/// The keys a table may have; a nested table has a shape of its own.
pub(super) struct Shape {
    /// What may stand here, and what stands below it.
    pub(super) keys: &'static [(&'static str, Option<&'static Shape>)],
    /// Keys that have a meaning elsewhere only, and what to say of them.
    pub(super) elsewhere: Option<(&'static Shape, &'static str)>,
}

/// Text of a configuration file, on its way to become a value.
pub(super) struct Source<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
    /// Takes tokens out of what an error quotes.
    pub(super) redact: &'a dyn Fn(&str) -> String,
}

impl Source<'_> {
    /// Reads the text as a `T`, having refused every key that `shape` does not have.
    pub(super) fn read<T: DeserializeOwned>(&self, shape: &Shape) -> Result<T, BadConfig> {
        let table = DeTable::parse(self.text).map_err(|error| self.syntax(&error))?;
        self.check(table.get_ref(), shape)?;
        toml::from_str(self.text).map_err(|error| self.syntax(&error))
    }

    /// An error about the place at this byte.
    pub(super) fn bad(&self, at: usize, problem: &str) -> BadConfig {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        // A redacted text is one line: an error is no place for a second one of somebody's choosing.
        let problem = (self.redact)(problem).replace('\n', " ");
        BadConfig { file: self.file.to_owned(), line: Some(line), problem }
    }

    fn syntax(&self, error: &toml::de::Error) -> BadConfig {
        self.bad(error.span().map_or(0, |span| span.start), error.message())
    }

    fn check(&self, table: &DeTable<'_>, shape: &Shape) -> Result<(), BadConfig> {
        // In the order of the file: the first mistake is the one to tell.
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let name: &str = key.get_ref();
            let Some((_, below)) = shape.keys.iter().find(|(known, _)| *known == name) else {
                return Err(self.bad(key.span().start, &unknown(name, shape)));
            };
            if let Some(below) = below {
                self.check_value(value.get_ref(), below)?;
            }
        }
        Ok(())
    }

    fn check_value(&self, value: &DeValue<'_>, shape: &Shape) -> Result<(), BadConfig> {
        match value {
            DeValue::Table(table) => self.check(table, shape),
            DeValue::Array(values) => {
                values.iter().try_for_each(|value| self.check_value(value.get_ref(), shape))
            }
            _ => Ok(()),
        }
    }
}

fn unknown(name: &str, shape: &Shape) -> String {
    if let Some((other, words)) = &shape.elsewhere
        && other.keys.iter().any(|(known, _)| *known == name)
    {
        return format!("`{name}` {words}");
    }
    let names = || shape.keys.iter().map(|(known, _)| *known);
    match nearest(name, names()) {
        Some(near) => format!("unknown key `{name}`: did you mean `{near}`?"),
        None => format!("unknown key `{name}`: known here are {}", names().collect::<Vec<_>>().join(", ")),
    }
}

/// The name most like this one, if any is like it.
pub(super) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    // What is typed with `-`, as on the command line, is nearest to the same with `_`.
    let name = name.replace('-', "_").to_lowercase();
    names
        .map(|known| (strsim::jaro_winkler(&name, known), known))
        .filter(|(alike, _)| *alike > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INNER: Shape = Shape { keys: &[("paths", None)], elsewhere: None };
    const USER: Shape = Shape { keys: &[("host", None)], elsewhere: None };
    const OUTER: Shape = Shape {
        keys: &[("exclude", None), ("lists", Some(&INNER))],
        elsewhere: Some((&USER, "belongs elsewhere")),
    };

    fn problem(text: &str) -> String {
        let source = Source { file: Path::new("f"), text, redact: &|text| text.replace("secret", "…") };
        match source.read::<toml::Table>(&OUTER) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn mistakes_are_told_with_line_and_nearest_name() {
        for (text, told) in [
            ("exclude = []\n[[lists]]\npaths = 1\n", ""),
            ("\nexcludes = []", "f:2: unknown key `excludes`: did you mean `exclude`?"),
            ("[[lists]]\npath = []", "f:2: unknown key `path`: did you mean `paths`?"),
            ("lists = [{ paht = 1 }]", "f:1: unknown key `paht`: did you mean `paths`?"),
            ("zzz = 1", "f:1: unknown key `zzz`: known here are exclude, lists"),
            ("zzz = 1\nhost = 2", "f:1: unknown key `zzz`: known here are exclude, lists"),
            ("\n\nhost = 2", "f:3: `host` belongs elsewhere"),
            ("secret = 1", "f:1: unknown key `…`: known here are exclude, lists"),
        ] {
            assert_eq!(problem(text), told, "{text}");
        }
        assert!(problem("exclude = [\n").starts_with("f:"));
    }
}
